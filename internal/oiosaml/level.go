package oiosaml

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Level is an NSIS level of assurance. The zero Level is none at all.
type Level int

// The three levels of NSIS 2.0, weakest first.
const (
	Low Level = iota + 1
	Substantial
	High
)

// String is the bare word that attributes carry.
func (l Level) String() string {
	return [...]string{"None", "Low", "Substantial", "High"}[l]
}

// LevelNamed is the inverse of String; 0 for any other word.
func LevelNamed(word string) Level {
	return Level(max(0, slices.Index([]string{"None", "Low", "Substantial", "High"}, word)))
}

// Class references of OIOSAML: levels in the form of 3.0 and of 4.0, and the
// attribute profiles.
const (
	loa3     = "https://data.gov.dk/concept/core/nsis/loa/"
	loa4     = "https://data.gov.dk/concept/core/loa/"
	profiles = "https://data.gov.dk/eid/"

	classX509 = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"
)

// professional are the profiles that every login here fulfils, 3.0 and 4.0.
var professional = []string{profiles + "Professional", profiles + "Professional/DK"}

// methodClasses are the standard SAML classes that describe a key-file login
// truthfully, for services outside OIOSAML: a signature by a software key whose
// certificate was checked. PasswordProtectedTransport, which some toolkits
// ask for by default, is not among them: no password ever reaches Adgang.
// mod_auth_mellon and SimpleSAMLphp ask for nothing unless told to.
var methodClasses = []string{
	"urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
	classX509,
	"urn:oasis:names:tc:SAML:2.0:ac:classes:SoftwarePKI",
}

// weakerClasses are satisfied by a key file when the service asks for a minimum.
var weakerClasses = []string{
	"urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
	"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
}

// Context is a RequestedAuthnContext; the zero Context asks for nothing.
type Context struct {
	Comparison string   `json:"comparison,omitempty"` // exact, minimum, better or maximum
	Classes    []string `json:"classes,omitempty"`
}

// AtLeast asks for a level or a higher one.
func AtLeast(l Level) Context {
	return Context{Comparison: "minimum", Classes: []string{loa3 + l.String()}}
}

// readContext keeps every class. Without Comparison it is exact (SAML core 3.3.2.2.1).
func readContext(el *etree.Element) Context {
	if el == nil {
		return Context{}
	}
	c := Context{Comparison: attr(el, "Comparison")}
	if c.Comparison == "" {
		c.Comparison = "exact"
	}
	for _, class := range children(el, nsAssertion, "AuthnContextClassRef") {
		c.Classes = append(c.Classes, text(class))
	}
	if len(c.Classes) == 0 { // declarations, which nobody can satisfy
		c.Classes = []string{""}
	}
	return c
}

// Class returns the class reference to state for a login at level, in the form
// that was asked for. keyFile tells that the person signed with a key file; of a login
// elsewhere nothing is known but its level. ok is false when the wish cannot be met; that
// becomes NoAuthnContext. Levels and profiles are separate wishes, as OIOSAML
// has them; a class nobody here knows counts only when there is no other.
func (c Context) Class(level Level, keyFile bool) (class string, ok bool) {
	if len(c.Classes) == 0 {
		return loa3 + level.String(), true
	}
	var levels []Level
	var method, profile, stated string
	for _, ref := range c.Classes {
		l, form := levelOf(ref)
		switch {
		case l != 0:
			levels = append(levels, l)
			if stated == "" || l == level {
				stated = form + level.String()
			}
		case strings.HasPrefix(ref, profiles):
			if profile == "" || slices.Contains(professional, ref) {
				profile = ref
			}
		case method == "":
			method = c.method(ref, keyFile)
		}
	}
	switch {
	case profile != "" && !slices.Contains(professional, profile):
		return "", false
	case len(levels) > 0:
		return stated, c.meets(level, levels)
	case profile != "":
		return profile, true
	}
	return method, method != ""
}

// Needs is the lowest level that satisfies what was asked for, 0 when no level was
// asked for or none would do.
func (c Context) Needs() Level {
	var asked []Level
	for _, ref := range c.Classes {
		if l, _ := levelOf(ref); l != 0 {
			asked = append(asked, l)
		}
	}
	for l := Low; len(asked) > 0 && l <= High; l++ {
		if c.meets(l, asked) {
			return l
		}
	}
	return 0
}

// levelOf reads a level's class reference and its form; 0 for any other class.
func levelOf(ref string) (level Level, form string) {
	for _, form := range []string{loa3, loa4} {
		for l := Low; l <= High; l++ {
			if ref == form+l.String() {
				return l, form
			}
		}
	}
	return 0, ""
}

// method returns the method class to state when ref is asked for, "" when the login
// does not fulfil it. A login elsewhere can only be stated as unspecified.
func (c Context) method(ref string, keyFile bool) string {
	switch {
	case !keyFile && ref != methodClasses[0]:
		return ""
	case slices.Contains(methodClasses, ref) && c.Comparison != "better":
		return ref
	case slices.Contains(weakerClasses, ref) && (c.Comparison == "minimum" || c.Comparison == "better"):
		return classX509
	}
	return ""
}

// meets compares as SAML core 3.3.2.2.1 says: minimum and maximum by any one of
// the levels asked for, better than all of them.
func (c Context) meets(level Level, asked []Level) bool {
	switch c.Comparison {
	case "exact":
		return slices.Contains(asked, level)
	case "minimum":
		return level >= slices.Min(asked)
	case "better":
		return level > slices.Max(asked)
	case "maximum":
		return level <= slices.Max(asked)
	}
	return false
}
