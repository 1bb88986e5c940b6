// Package bench holds the benchmarks of `make bench`. Each compares what Adgang
// does with what the machine could do at best, by turns in one run, so that the
// ratio means something on any machine. docs/benchmarks.md says what is counted.
package bench
