// Package cvr is the seam to the company register: what is public about the
// organisation behind a CVR number, and who may bind it. Two registers are
// real: the distribution API of Virk over HTTP, and a file of fictitious
// companies that the embedded default brings along.
package cvr

import (
	"context"
	"strings"

	"github.com/adgang/adgang/internal/fault"
)

// Register answers what is registered about a CVR number of 8 digits. Errors:
// fault.Absent when it knows none, fault.Unavailable when it does not answer.
type Register interface {
	Company(ctx context.Context, number string) (Company, error)
}

// Form is what sort of organisation it is; the register's own abbreviation is
// beside it.
type Form string

// The forms that make a difference to who signs.
const (
	Limited     Form = "limited"     // A/S, ApS
	Sole        Form = "sole"        // enkeltmandsvirksomhed
	Partnership Form = "partnership" // I/S, K/S
	Association Form = "association" // forening
	Foundation  Form = "foundation"  // fond
	Public      Form = "public"      // stat, region, kommune
	Other       Form = "other"
)

// Role is what a person is in the organisation.
type Role string

// The roles that count for the right to sign.
const (
	Director Role = "director"
	Chair    Role = "chair" // of the board
	Board    Role = "board"
	Owner    Role = "owner" // fully liable
	Binder   Role = "binder"
)

// Person has one or more roles today.
type Person struct {
	Name  string `json:"name"`
	Roles []Role `json:"roles"`
}

// Company is what the register says today.
type Company struct {
	CVR      string   `json:"cvr"`
	Name     string   `json:"name"`
	Form     Form     `json:"form"`
	FormText string   `json:"form_text"` // the register's abbreviation, "A/S"
	Active   bool     `json:"active"`
	Status   string   `json:"status"` // the register's word
	Address  string   `json:"address"`
	Persons  []Person `json:"persons"`
	Rule     string   `json:"rule"` // the signing rule as registered, "" for none
	Signing  Signing  `json:"signing"`
	PUnits   []string `json:"p_units"` // 10 digits each
}

// complete fills in what follows from the rest.
func (c *Company) complete() {
	c.Form = formOf(c.FormText)
	c.Signing = parseRule(*c)
}

var forms = map[string]Form{
	"A/S": Limited, "APS": Limited, "IVS": Limited, "P/S": Limited, "SE": Limited,
	"ENK": Sole, "PMV": Sole,
	"I/S": Partnership, "K/S": Partnership,
	"FOR": Association, "FFO": Association, "F.M.B": Association, "AMB": Association, "AMBA": Association, "SMB": Association,
	"FON": Foundation, "EFO": Foundation,
	"PRK": Public, "AMT": Public, "STE": Public, "REG": Public,
}

func formOf(text string) Form {
	if f, ok := forms[strings.ToUpper(strings.TrimSpace(text))]; ok {
		return f
	}
	return Other
}

var (
	errAbsent = fault.New(fault.Absent, "cvr.company.absent", "The company register has no organisation with this CVR number.").On("cvr")
	errAway   = fault.New(fault.Unavailable, "cvr.register.away", "The company register does not answer at the moment. Try again in a few minutes; what you have entered is kept.")
)
