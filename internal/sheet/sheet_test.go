package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
)

// now is late enough that CPR numbers of 2036 are of the past: nobody has them
// yet, so the tests need no number of a living person.
var now = time.Date(2050, 6, 1, 12, 0, 0, 0, time.UTC)

const (
	rid sheet.Field = iota
	given
	surname
	email
	cpr
	birth
	pNumber
	phone
)

// form asks for what most forms ask for.
var form = sheet.Form{
	Columns: []sheet.Column{
		{Names: []string{"rid"}, Required: true, Mask: sheet.MaskNothing},
		{Names: []string{"fornavn", "given_name"}, Required: true},
		{Names: []string{"efternavn", "surname"}, Required: true},
		{Names: []string{"e-mail", "email"}, Required: true},
		{Names: []string{"cpr"}, Mask: sheet.MaskCPR},
		{Names: []string{"fødselsdato", "date_of_birth"}},
		{Names: []string{"p-nummer", "p_number"}},
		{Names: []string{"telefon", "phone"}},
	},
	OneOf: [][]sheet.Field{{cpr, birth}},
	Now:   now,
}

// record is a row that was read.
type record struct {
	Line                                              int
	RID, GivenName, Surname, Email, CPR, PNumber, Tel string
	DateOfBirth                                       time.Time
}

type reading struct {
	records  []record        // the good ones
	findings []sheet.Finding // of the rows, in order
	bad      int
	summary  sheet.Summary
	err      error
}

func read(t *testing.T, file []byte, testData bool) reading {
	t.Helper()
	var r reading
	form := form
	form.TestData = testData
	r.summary, r.err = form.Read(t.Context(), bytes.NewReader(file), func(row *sheet.Row) error {
		one := record{Line: row.Line}
		if row.Readable {
			one.RID, one.GivenName, one.Surname, one.Email = row.RID(rid), row.Name(given), row.Name(surname), row.Email(email)
			one.CPR, one.DateOfBirth = row.Birth(cpr, birth, true)
			one.PNumber, one.Tel = row.PNumber(pNumber), row.Phone(phone)
		}
		if sheet.Bad(row.Findings) {
			r.bad++
		} else {
			r.records = append(r.records, one)
		}
		r.findings = append(r.findings, row.Findings...)
		return nil
	})
	return r
}

// brief is a finding without its sentence: "line column|value|code".
func brief(findings []sheet.Finding) []string {
	out := []string{}
	for _, f := range findings {
		mark := "! "
		if f.Severity == sheet.Notice {
			mark = "~ "
		}
		out = append(out, fmt.Sprintf("%s%d %s|%s|%s", mark, f.Line, f.Column, f.Value, strings.TrimPrefix(f.Code, "sheet.")))
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// refused checks that the file was not taken in, and returns why.
func refused(t *testing.T, r reading, code string) []sheet.Finding {
	t.Helper()
	f, ok := errors.AsType[*sheet.FileError](r.err)
	if !ok || fault.KindOf(r.err) != fault.Invalid || fault.CodeOf(r.err) != "sheet."+code {
		t.Fatalf("Read = %v (%s), want the fault sheet.%s with its findings", r.err, fault.CodeOf(r.err), code)
	}
	return f.Findings
}

func TestReadOptionalCells(t *testing.T) {
	t.Parallel()
	bare := sheet.Form{Columns: []sheet.Column{{Names: []string{"navn", "name"}}, {Names: []string{"e-mail"}}, {Names: []string{"cpr"}, Mask: sheet.MaskCPR}, {Names: []string{"født"}}}, Now: now}
	var got []string
	sum, err := bare.Read(t.Context(), strings.NewReader("name;cpr\nBo;\n;010136-4123\n"), func(r *sheet.Row) error {
		number, born := r.Birth(2, 3, false)
		got = append(got, fmt.Sprintf("%d %q %q %q %v", r.Line, r.Name(0), r.Email(1), number, born.Year()))
		return nil
	})
	if err != nil || sum.Rows != 2 || sum.Bad != 0 {
		t.Fatalf("Read = %+v, %v", sum, err)
	}
	same(t, "rows", got, []string{`2 "Bo" "" "" 1`, `3 "" "" "0101364123" 2036`})
}

func TestReadFindsNoneOfAGroup(t *testing.T) {
	t.Parallel()
	found := refused(t, read(t, []byte("rid;fornavn;rid\nr1;Bo;r2\n"), false), "file.duplicate_column")
	same(t, "findings", brief(found), []string{
		"! 1 rid||file.duplicate_column", "! 1 ||file.missing_column", "! 1 ||file.missing_column", "! 1 ||file.missing_column",
	})
	if last := found[3].Message; !strings.Contains(last, "cpr, fødselsdato (or date_of_birth)") {
		t.Errorf("message %q does not name the columns", last)
	}
}

func TestSeen(t *testing.T) {
	t.Parallel()
	var s sheet.Seen
	for i, tc := range []struct {
		what  string
		parts []string
		want  int
	}{
		{"a", []string{"x", "y"}, 0}, {"b", []string{"x", "y"}, 0}, {"a", []string{"xy"}, 0}, {"a", []string{"x", "y"}, 1}, {"a", []string{"x", "y"}, 1},
	} {
		if got := s.First(i+1, tc.what, tc.parts...); got != tc.want {
			t.Errorf("First(%d, %q, %q) = %d, want %d", i+1, tc.what, tc.parts, got, tc.want)
		}
	}
}

// What CSV.Write made inert is read again as it was, where a form says so.
func TestReadInertCells(t *testing.T) {
	t.Parallel()
	for _, inert := range []bool{true, false} {
		form := sheet.Form{Columns: []sheet.Column{{Names: []string{"telefon"}}, {Names: []string{"note"}}}, Inert: inert, Now: now}
		got := []string{}
		_, err := form.Read(t.Context(), strings.NewReader("telefon;note\n'+45 00 12 34 56;'ok\n"), func(r *sheet.Row) error {
			got = append(got, r.Phone(0), r.Text(1, 10))
			return nil
		})
		want := []string{"", "'ok"}
		if inert {
			want[0] = "+45 00 12 34 56"
		}
		if err != nil {
			t.Fatal(err)
		}
		same(t, "cells", got, want)
	}
}
