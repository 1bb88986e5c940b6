package cvr

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// answer is the part of an Elasticsearch answer that we read. Names are the
// register's.
type answer struct {
	TimedOut bool `json:"timed_out"`
	Hits     struct {
		Hits []struct {
			Source struct {
				Company registered `json:"Vrvirksomhed"`
			} `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
}

// period is a span of days; "" or null is open.
type period struct {
	From string `json:"gyldigFra"`
	To   string `json:"gyldigTil"`
}

func (p period) holds(day string) bool {
	return (p.From == "" || p.From <= day) && (p.To == "" || p.To >= day)
}

type named struct {
	Name   string `json:"navn"`
	Period period `json:"periode"`
}

type attribute struct {
	Type   string `json:"type"`
	Values []struct {
		Value  string `json:"vaerdi"`
		Period period `json:"periode"`
	} `json:"vaerdier"`
}

type registered struct {
	Number     int64       `json:"cvrNummer"`
	Names      []named     `json:"navne"`
	Attributes []attribute `json:"attributter"`
	Lives      []struct {
		Period period `json:"periode"`
	} `json:"livsforloeb"`
	Units []struct {
		Number int64  `json:"pNummer"`
		Period period `json:"periode"`
	} `json:"penheder"`
	Relations []relation `json:"deltagerRelation"`
	Meta      struct {
		Name struct {
			Name string `json:"navn"`
		} `json:"nyesteNavn"`
		Form struct {
			Short string `json:"kortBeskrivelse"`
		} `json:"nyesteVirksomhedsform"`
		Address address `json:"nyesteBeliggenhedsadresse"`
		Status  string  `json:"sammensatStatus"`
	} `json:"virksomhedMetadata"`
}

type address struct {
	FreeText string `json:"fritekst"`
	Street   string `json:"vejnavn"`
	From     *int   `json:"husnummerFra"`
	Letter   string `json:"bogstavFra"`
	Floor    string `json:"etage"`
	Door     string `json:"sidedoer"`
	Town     string `json:"bynavn"`
	Code     *int   `json:"postnummer"`
	District string `json:"postdistrikt"`
}

type relation struct {
	Person struct {
		Type  string  `json:"enhedstype"`
		Names []named `json:"navne"`
	} `json:"deltager"`
	Bodies []body `json:"organisationer"`
}

// body is what a person is a member of: the management, the board, the owners.
type body struct {
	Type    string  `json:"hovedtype"`
	Names   []named `json:"organisationsNavn"`
	Members []struct {
		Attributes []attribute `json:"attributter"`
	} `json:"medlemsData"`
}

// today is the company as it stands on the day.
func (r registered) today(now time.Time) Company {
	day := now.UTC().Format(time.DateOnly)
	c := Company{
		CVR: fmt.Sprintf("%08d", r.Number), Name: r.Meta.Name.Name, FormText: r.Meta.Form.Short, Status: r.Meta.Status,
		Address: r.Meta.Address.line(), Persons: []Person{}, PUnits: []string{},
	}
	if c.Name == "" {
		c.Name = newest(r.Names, day)
	}
	for _, l := range r.Lives {
		c.Active = c.Active || l.Period.holds(day)
	}
	switch strings.ToUpper(c.Status) { // wound up, but not deleted yet
	case "NORMAL", "AKTIV", "FREMTID", "":
	default:
		c.Active = false
	}
	for _, u := range r.Units {
		if u.Period.holds(day) {
			c.PUnits = append(c.PUnits, fmt.Sprintf("%010d", u.Number))
		}
	}
	c.Rule = current(r.Attributes, "TEGNINGSREGEL", day)
	for _, one := range r.Relations {
		if p, ok := one.today(day); ok {
			c.Persons = append(c.Persons, p)
		}
	}
	c.complete()
	return c
}

func newest(names []named, day string) (name string) {
	for _, n := range names {
		if name == "" || n.Period.holds(day) {
			name = n.Name
		}
	}
	return name
}

// current is the value of an attribute that holds on the day, "" without one.
func current(all []attribute, kind, day string) string {
	for _, a := range all {
		if a.Type != kind {
			continue
		}
		for _, v := range a.Values {
			if v.Period.holds(day) {
				return strings.TrimSpace(v.Value)
			}
		}
	}
	return ""
}

// today is the person with the roles of the day; ok is false for a company and
// for those who have left.
func (r relation) today(day string) (p Person, ok bool) {
	if r.Person.Type != "PERSON" {
		return p, false
	}
	p = Person{Name: newest(r.Person.Names, day), Roles: []Role{}}
	for _, b := range r.Bodies {
		for _, m := range b.Members {
			// A function that has ended has no value for the day.
			role, known := roleOf(b, strings.ToUpper(current(m.Attributes, "FUNKTION", day)), day)
			if known && !slices.Contains(p.Roles, role) {
				p.Roles = append(p.Roles, role)
			}
		}
	}
	return p, p.Name != "" && len(p.Roles) > 0
}

func roleOf(b body, function, day string) (Role, bool) {
	if function == "" {
		return "", false
	}
	switch strings.ToUpper(b.Type) {
	case "FULDT_ANSVARLIG_DELTAGERE", "INDEHAVER":
		return Owner, true
	case "TEGNINGSBERETTIGEDE":
		return Binder, true
	case "LEDELSESORGAN", "DIREKTION", "BESTYRELSE", "REPRÆSENTANTER":
	default:
		return "", false // founders, auditors, beneficial owners: none of them signs as such
	}
	organ := strings.ToUpper(newest(b.Names, day))
	switch {
	case strings.Contains(function, "SUPPLEANT"):
		return "", false
	case strings.Contains(function, "DIREKTØR"), strings.Contains(organ, "DIREKTION"):
		return Director, true
	case strings.Contains(function, "NÆSTFORMAND"):
		return Board, true
	case strings.Contains(function, "FORMAND"):
		return Chair, true
	case strings.Contains(function, "BESTYRELSE"), strings.Contains(organ, "BESTYRELSE"):
		return Board, true
	}
	return "", false
}

func (a address) line() string {
	if a.Street == "" {
		return strings.Join(strings.Fields(a.FreeText), " ")
	}
	first := a.Street
	if a.From != nil {
		first += fmt.Sprintf(" %d%s", *a.From, a.Letter)
	}
	if a.Floor != "" || a.Door != "" {
		first += ", " + strings.TrimSpace(a.Floor+" "+a.Door)
	}
	parts := []string{first}
	if a.Town != "" {
		parts = append(parts, a.Town)
	}
	if a.Code != nil {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%04d %s", *a.Code, a.District)))
	}
	return strings.Join(parts, ", ")
}
