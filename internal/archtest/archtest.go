// Package archtest holds the rule of structure as tests: who may import whom,
// who owns which library, how long a file and a function may grow, and that
// every package says what it is for. It has no code of its own.
package archtest
