package cvr

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Kinds of signing rule.
const (
	Alone   = "alone"
	Jointly = "jointly"
	Unclear = "unclear" // several ways, or words that we do not read
)

// Signing is a signing rule as far as a program should read it. Number is how
// many sign, 0 when unclear; Roles are those who may, empty for anyone.
type Signing struct {
	Kind   string `json:"kind"`
	Number int    `json:"number"`
	Roles  []Role `json:"roles"`
}

var numbers = map[string]int{
	"to": 2, "tre": 3, "fire": 4, "fem": 5, "seks": 6, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6,
}

var (
	together = regexp.MustCompile(`\b(to|tre|fire|fem|seks|[2-6])\b[^,]* i forening`)
	// Two ways to sign, or exceptions, are left to people.
	several = regexp.MustCompile(`\beller\b|\bsamt\b|\bdog\b|\bmedmindre\b|;`)
)

// parseRule reads what is certain about a signing rule and calls all else
// unclear: an operator reads that. One person owns a sole proprietorship.
func parseRule(c Company) Signing {
	if c.Form == Sole {
		return Signing{Kind: Alone, Number: 1, Roles: []Role{Owner}}
	}
	text := strings.ToLower(norm.NFC.String(strings.Join(strings.Fields(c.Rule), " ")))
	if text == "" || several.MatchString(text) {
		return Signing{Kind: Unclear, Roles: []Role{}}
	}
	s := Signing{Kind: Unclear, Roles: []Role{}}
	if strings.Contains(text, "direktør") {
		s.Roles = append(s.Roles, Director)
	}
	switch {
	case strings.Contains(text, "bestyrelsesmedlem"), strings.Contains(text, "samlede bestyrelse"):
		s.Roles = append(s.Roles, Board, Chair)
	case strings.Contains(text, "formand"):
		s.Roles = append(s.Roles, Chair)
	}
	if strings.Contains(text, "indehaver") || strings.Contains(text, "interessent") {
		s.Roles = append(s.Roles, Owner)
	}
	found := together.FindStringSubmatch(text)
	switch {
	case strings.Contains(text, "samlede bestyrelse"):
		s.Kind, s.Number = Jointly, count(c, Board, Chair)
	case found != nil && strings.Contains(text, "i forening med"):
		return Signing{Kind: Unclear, Roles: []Role{}} // two of these with one of those
	case found != nil:
		s.Kind, s.Number = Jointly, numbers[found[1]]
	case strings.Contains(text, "i forening med"):
		s.Kind, s.Number = Jointly, 2
	case strings.Contains(text, "i forening"):
		return Signing{Kind: Unclear, Roles: []Role{}}
	case strings.Contains(text, "alene"), strings.Contains(text, "hver for sig"):
		s.Kind, s.Number = Alone, 1
	}
	if s.Number == 0 || len(s.Roles) == 0 {
		return Signing{Kind: Unclear, Roles: []Role{}}
	}
	return s
}

func count(c Company, roles ...Role) (n int) {
	for _, p := range c.Persons {
		if slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(roles, r) }) {
			n++
		}
	}
	return n
}

// Entitled returns the registered person of that name who may sign by the
// rule. Names are compared without case and blanks; a person without a role
// the rule names does not count.
func (c Company) Entitled(name string) (Person, bool) {
	if !c.Active || c.Signing.Kind == Unclear {
		return Person{}, false
	}
	for _, p := range c.Persons {
		may := slices.ContainsFunc(p.Roles, func(r Role) bool { return slices.Contains(c.Signing.Roles, r) })
		if may && Same(p.Name, name) {
			return p, true
		}
	}
	return Person{}, false
}

// Same tells whether two names are one but for case and blanks.
func Same(a, b string) bool { return plain(a) == plain(b) && plain(a) != "" }

func plain(name string) string {
	return strings.ToLower(norm.NFC.String(strings.Join(strings.Fields(name), " ")))
}
