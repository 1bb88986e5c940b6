// Package federation is Adgang among the business services that trust it: which
// are registered, the logins on their way to them, and the keys. How messages
// look is hidden in internal/oiosaml.
package federation
