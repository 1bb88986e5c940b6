package cutover_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/fault"
)

// now is late enough that CPR numbers of 2036 are of the past: nobody has them
// yet, so the tests need no number of a living person.
var now = time.Date(2050, 6, 1, 12, 0, 0, 0, time.UTC)

type reading struct {
	records  []cutover.Record
	findings []cutover.Finding // of the rows, in order
	bad      int
	summary  cutover.Summary
	err      error
}

func read(t *testing.T, file []byte, testData bool) reading {
	t.Helper()
	var r reading
	o := cutover.Options{TestData: testData, Now: now}
	r.summary, r.err = cutover.Read(t.Context(), bytes.NewReader(file), o, func(rec cutover.Record, f []cutover.Finding) error {
		if cutover.Bad(f) {
			r.bad++
		} else {
			r.records = append(r.records, rec)
		}
		r.findings = append(r.findings, f...)
		return nil
	})
	return r
}

// brief is a finding without its sentence: "line column|value|code".
func brief(findings []cutover.Finding) []string {
	out := []string{}
	for _, f := range findings {
		mark := "! "
		if f.Severity == cutover.Notice {
			mark = "~ "
		}
		out = append(out, fmt.Sprintf("%s%d %s|%s|%s", mark, f.Line, f.Column, f.Value, strings.TrimPrefix(f.Code, "cutover.")))
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestReadEveryColumn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, file string }{
		{"Danish", "RID;Fornavn;Efternavn;E-mail;Telefon;CPR;Fødselsdato;Signaturtype;Status;P-nummer;SE-nummer;Medarbejdernummer\n" +
			"  0042 ;Anne  Marie;Skov Dahl;a@skov.example;+45 00 12 34 56;010136-4123;1.1.2036;nøglefil;SPÆRRET;1 000 000 001;12345678;M1\n"},
		{"English, commas, another order", "local_user_id,SE_NUMBER, p_number ,status,signature_type,date_of_birth,cpr,phone,email,surname,given_name,rid\r\n" +
			"M1,12345678,1000000001,Blocked,key_file,2036-01-01,0101364123,+45 00 12 34 56,a@skov.example,\"Skov\u00a0Dahl\",Anne\u200b Marie,0042\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, []byte(tc.file), false)
			want := cutover.Record{
				Line: 2, RID: "0042", GivenName: "Anne Marie", Surname: "Skov Dahl", Email: "a@skov.example", Phone: "+45 00 12 34 56",
				CPR: "0101364123", DateOfBirth: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC), Carrier: cutover.KeyFile, Blocked: true,
				PNumber: "1000000001", SENumber: "12345678", LocalUserID: "M1",
			}
			if r.err != nil || len(r.records) != 1 || !reflect.DeepEqual(r.records[0], want) {
				t.Errorf("Read = %+v, %v\nwant %+v", r.records, r.err, want)
			}
			same(t, "findings", brief(append(r.findings, r.summary.Findings...)), nil)
			if s := r.summary; s.Rows != 1 || s.Bad != 0 || s.Format != "csv" {
				t.Errorf("Summary = %+v, want one good row of csv", s)
			}
		})
	}
}

func TestReadDefaults(t *testing.T) {
	t.Parallel()
	r := read(t, []byte("rid;given_name;surname;email;date_of_birth;status;signature_type\nr1;A;B;a@b.dk;31/12/1999;;\n"), false)
	if r.err != nil || len(r.records) != 1 {
		t.Fatalf("Read = %+v, %v", r, r.err)
	}
	if rec := r.records[0]; rec.Carrier != cutover.CodeCard || rec.Blocked || rec.CPR != "" || rec.DateOfBirth.Format(time.DateOnly) != "1999-12-31" {
		t.Errorf("Record = %+v, want an active code card born on 1999-12-31", rec)
	}
}

const head = "RID;Fornavn;Efternavn;E-mail;Telefon;CPR;Fødselsdato;Signaturtype;Status;P-nummer;SE-nummer;Medarbejdernummer\n"

// good is a right row; with replaces one cell of it.
var good = []string{"r1", "Anne", "Dahl", "anne@dahl.example", "", "", "24-12-1980", "", "", "", "", ""}

func with(col int, text string) string {
	row := append([]string{}, good...)
	row[col] = text
	if col == 5 && text != "" {
		row[6] = "" // a CPR number needs no date of birth beside it
	}
	return head + strings.Join(row, ";") + "\n"
}

var (
	longText = strings.Repeat("x", 300)
	cutText  = strings.Repeat("x", 199) + "…"
)

// cellMistakes are what a cell can have wrong, and what the reader says of it.
var cellMistakes = []struct {
	name string
	col  int
	text string
	want string // "" = no finding
}{
	{"no RID", 0, " \u00a0 ", "! 2 RID||row.missing"},
	{"RID of 65", 0, strings.Repeat("7", 65), "! 2 RID|" + strings.Repeat("7", 65) + "|row.rid"},
	{"RID of 64", 0, strings.Repeat("7", 64), ""},
	{"RID rewritten", 0, "1,29986E+12", "! 2 RID|1,29986E+12|row.rewritten_number"},
	{"RID that looks like a formula", 0, "=1+1", ""},
	{"no given name", 1, "", "! 2 Fornavn||row.missing"},
	{"given name without a letter", 1, "- ", "! 2 Fornavn|-|row.name"},
	{"given name in the wrong encoding", 1, "SÃ¸ren", "! 2 Fornavn|SÃ¸ren|row.encoding"},
	{"given name with a lost letter", 1, "S\ufffdren", "! 2 Fornavn|S\ufffdren|row.encoding"},
	{"name of 101", 2, strings.Repeat("ø", 101), "! 2 Efternavn|" + strings.Repeat("ø", 101) + "|row.too_long_text"},
	{"name of 100", 2, strings.Repeat("ø", 100), ""},
	{"value is cut", 2, longText, "! 2 Efternavn|" + cutText + "|row.too_long_text"},
	{"line break in a name", 2, "\"Dahl\nSkov\"", "! 2 Efternavn|Dahl Skov|row.control_character"},
	{"control character", 2, "Da\x07hl", "! 2 Efternavn|Da\ufffdhl|row.control_character"},
	{"text direction override", 2, "Da\u202ehl", "! 2 Efternavn|Da\ufffdhl|row.control_character"},
	{"no e-mail", 3, "", "! 2 E-mail||row.missing"},
	{"e-mail without at", 3, "anne.dahl", "! 2 E-mail|anne.dahl|row.email"},
	{"e-mail with a name", 3, "Anne <anne@dahl.example>", "! 2 E-mail|Anne <anne@dahl.example>|row.email"},
	{"two e-mails", 3, "a@b.dk, c@d.dk", "! 2 E-mail|a@b.dk, c@d.dk|row.email"},
	{"e-mail without a domain", 3, "anne@localhost", "! 2 E-mail|anne@localhost|row.email"},
	{"e-mail with double dots", 3, "an..ne@dahl.example", "! 2 E-mail|an..ne@dahl.example|row.email"},
	{"e-mail to an address literal", 3, "a@[192.0.2.1]", "! 2 E-mail|a@[192.0.2.1]|row.email"},
	{"e-mail to numbers", 3, "a@192.0.2.1", "! 2 E-mail|a@192.0.2.1|row.email"},
	{"e-mail with a long local part", 3, strings.Repeat("a", 65) + "@b.dk", "! 2 E-mail|" + strings.Repeat("a", 65) + "@b.dk|row.email"},
	{"e-mail with a bad label", 3, "a@-b.dk", "! 2 E-mail|a@-b.dk|row.email"},
	{"e-mail with æøå before the at", 3, "søren@dahl.example", "~ 2 E-mail|søren@dahl.example|row.email_not_ascii"},
	{"e-mail with æøå after the at", 3, "anne@blåbær.example", "~ 2 E-mail|anne@blåbær.example|row.email_not_ascii"},
	{"e-mail with a tag", 3, "anne+nemid@dahl.example", ""},
	{"phone of words", 4, "via omstillingen", "! 2 Telefon|via omstillingen|row.phone"},
	{"phone too short", 4, "1234", "! 2 Telefon|1234|row.phone"},
	{"phone in parts", 4, "(+45) 00-12.34/56", ""},
	{"phone with plus inside", 4, "0012+3456", "! 2 Telefon|0012+3456|row.phone"},
	{"formula without result", 4, "#I/T", "! 2 Telefon|#I/T|row.formula_error"},
	{"CPR with a dash", 5, "010136-4123", ""},
	{"CPR without", 5, "0101364123", ""},
	{"CPR of letters", 5, "ukendt 12", "! 2 CPR|xxxxxx xx|row.cpr"},
	{"CPR with a digit too many", 5, "010136-41234", "! 2 CPR|xxxxxx-xxxxx|row.cpr"},
	{"CPR without its zero", 5, "101364123", "! 2 CPR|xxxxxxxxx|row.cpr_nine_digits"},
	{"CPR rewritten", 5, "1,01364E+08", "! 2 CPR|x,xxxxxx+xx|row.rewritten_number"},
	{"CPR of no day", 5, "310236-4123", "! 2 CPR|310236-xxxx|row.cpr"},
	{"CPR of day 0", 5, "000136-4123", "! 2 CPR|000136-xxxx|row.cpr"},
	{"CPR dummy", 5, "0000000000", "! 2 CPR|000000-xxxx|row.cpr_dummy"},
	{"CPR of the 1800s", 5, "010158-5123", "! 2 CPR|010158-xxxx|row.birth_range"},
	{"CPR of the future", 5, "010157-5123", "! 2 CPR|010157-xxxx|row.birth_range"},
	{"CPR fictitious", 5, "610136-4123", "! 2 CPR|610136-xxxx|row.cpr_fictitious"},
	{"no birth at all", 6, "", "! 2 CPR||row.missing"},
	{"date in words", 6, "24. december 1980", "! 2 Fødselsdato|24. december 1980|row.birth_date"},
	{"date of no day", 6, "29-02-1981", "! 2 Fødselsdato|29-02-1981|row.birth_date"},
	{"date with a short year", 6, "24-12-80", "! 2 Fødselsdato|24-12-80|row.birth_date"},
	{"date with two separators", 6, "24-12.1980", "! 2 Fødselsdato|24-12.1980|row.birth_date"},
	{"date American", 6, "12/24/1980", "! 2 Fødselsdato|12/24/1980|row.birth_date"},
	{"date in the future", 6, "02-06-2050", "! 2 Fødselsdato|02-06-2050|row.birth_range"},
	{"date before 1900", 6, "1899-12-31", "! 2 Fødselsdato|1899-12-31|row.birth_range"},
	{"leap day", 6, "29.02.2000", ""},
	{"signature type unknown", 7, "Nøgleapp", "! 2 Signaturtype|Nøgleapp|row.signature_type"},
	{"status unknown", 8, "Orlov", "! 2 Status|Orlov|row.status"},
	{"P-number of 9", 9, "123456789", "! 2 P-nummer|123456789|row.p_number"},
	{"SE number of letters", 10, "1234567x", "! 2 SE-nummer|1234567x|row.se_number"},
	{"local ID of 65", 11, strings.Repeat("M", 65), "! 2 Medarbejdernummer|" + strings.Repeat("M", 65) + "|row.too_long_text"},
	{"CPR in another column", 2, "0101364123", "! 2 Efternavn|010136-xxxx|row.name"},
	{"CPR in the e-mail column", 3, "tlf 010136-4123 x", "! 2 E-mail|tlf 010136-xxxx x|row.email"},
}

func TestReadMistakesInCells(t *testing.T) {
	t.Parallel()
	for _, tc := range cellMistakes {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, []byte(with(tc.col, tc.text)), false)
			if r.err != nil {
				t.Fatalf("Read: %v", r.err)
			}
			want := []string{}
			if tc.want != "" {
				want = append(want, tc.want)
			}
			same(t, "findings", brief(r.findings), want)
			if good := !strings.HasPrefix(tc.want, "!"); (len(r.records) == 1) != good || r.summary.Bad != r.bad {
				t.Errorf("Read gave %d good rows and a summary of %+v", len(r.records), r.summary)
			}
			for _, f := range r.findings {
				if len(f.Message) < 30 || !strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "4123") {
					t.Errorf("message %q is not a sentence with a remedy, or tells a CPR number", f.Message)
				}
			}
		})
	}
}

func TestReadCenturies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ cpr, born string }{
		{"610100-0000", "1900-01-01"},
		{"619999-0001", ""},
		{"611299-3999", "1999-12-01"},
		{"610136-4000", "2036-01-01"},
		{"610137-4000", "1937-01-01"},
		{"610136-9000", "2036-01-01"},
		{"610137-9000", "1937-01-01"},
		{"610149-5000", "2049-01-01"},
		{"610149-8000", "2049-01-01"},
		{"610158-5000", ""},
		{"890200-4000", "2000-02-29"},
		{"890200-0000", ""},
	} {
		t.Run(tc.cpr, func(t *testing.T) {
			t.Parallel()
			r := read(t, []byte(with(5, tc.cpr)), true)
			got := ""
			if len(r.records) == 1 {
				got = r.records[0].DateOfBirth.Format(time.DateOnly)
			}
			if r.err != nil || got != tc.born {
				t.Errorf("born %q, want %q (%v, %v)", got, tc.born, brief(r.findings), r.err)
			}
		})
	}
}

func TestReadCPRBesideDate(t *testing.T) {
	t.Parallel()
	row := func(n int, cpr, born string) string {
		return fmt.Sprintf("r%d;Anne%d;Dahl;a%d@b.dk;;%s;%s;;;;;\n", n, n, n, cpr, born)
	}
	r := read(t, []byte(head+row(1, "610136-4123", "01-01-2036")+row(2, "620136-4123", "01-01-2036")+row(3, "", "01-01-2036")+row(4, "630136-4123", "")), true)
	if r.err != nil {
		t.Fatalf("Read: %v", r.err)
	}
	same(t, "findings", brief(r.findings), []string{
		"~ 2 CPR|610136-xxxx|row.cpr_test", // once in the file
		"! 3 Fødselsdato|01-01-2036|row.birth_mismatch",
	})
	if len(r.records) != 3 {
		t.Errorf("%d good rows, want 3", len(r.records))
	}
}

func TestReadDuplicates(t *testing.T) {
	t.Parallel()
	r := read(t, []byte(head+
		"r1;Anne;Dahl;a@b.dk;;610136-4123;;;;;;\n"+
		"r1;Bo;Dahl;b@b.dk;;620136-4123;;;;;;\n"+ // RID
		"r3;Carl;Dahl;c@b.dk;;6101364123;;;;;;\n"+ // CPR of line 2
		"R1;Dagny;Dahl;A@B.dk;;630136-4123;;;;;;\n"+ // another RID by case, same e-mail
		"r5;anne;DAHL;e@b.dk;;610136-4999;;;;;;\n"+ // name and birthday
		"r1;Anne;Dahl;a@b.dk;;610136-4123;;;;;;\n"+ // all of it
		";Ebbe;Dahl;x;;640136-4123;;;;;;\n"+ // a bad row counts too
		"r8;Frode;Dahl;f@b.dk;;640136-4123;;;;;;\n"), true)
	if r.err != nil {
		t.Fatalf("Read: %v", r.err)
	}
	same(t, "findings", brief(r.findings), []string{
		"~ 2 CPR|610136-xxxx|row.cpr_test",
		"! 3 RID|r1|row.duplicate_rid",
		"! 4 CPR|610136-xxxx|row.duplicate_cpr",
		"~ 5 E-mail|A@B.dk|row.same_email",
		"~ 6 Fornavn|anne|row.same_person",
		"! 7 RID|r1|row.duplicate_rid",
		"! 7 CPR|610136-xxxx|row.duplicate_cpr",
		"! 8 RID||row.missing",
		"! 8 E-mail|x|row.email",
		"! 9 CPR|640136-xxxx|row.duplicate_cpr",
	})
	if want := "Line 2 has the same RID."; !strings.HasPrefix(r.findings[1].Message, want) {
		t.Errorf("message %q does not begin %q", r.findings[1].Message, want)
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	file := bytes.NewReader([]byte(with(0, "r1") + "r2;B;C;b@c.dk;;;01-01-1990;;;;;\n"))
	stop := errors.New("enough")
	calls := 0
	_, err := cutover.Read(t.Context(), file, cutover.Options{Now: now}, func(cutover.Record, []cutover.Finding) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("Read = %v after %d rows, want the visitor's error after 1", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = cutover.Read(ctx, file, cutover.Options{Now: now}, func(cutover.Record, []cutover.Finding) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want that the context is cancelled", err)
	}
}

// refused asserts that a file is not taken in, and returns its findings.
func refused(t *testing.T, r reading, code string) []cutover.Finding {
	t.Helper()
	if fault.KindOf(r.err) != fault.Invalid || fault.CodeOf(r.err) != "cutover."+code {
		t.Fatalf("Read = %v, want fault.Invalid %s", r.err, code)
	}
	f, ok := errors.AsType[*cutover.FileError](r.err)
	if !ok || !cutover.Bad(f.Findings) {
		t.Fatalf("Read = %v, want a FileError with findings", r.err)
	}
	return f.Findings
}

func TestReadHeader(t *testing.T) {
	t.Parallel()
	t.Run("all that is missing at once", func(t *testing.T) {
		t.Parallel()
		r := read(t, []byte("Fornavn;Telefon;afdeling\nx;y;z\n"), false)
		f := refused(t, r, "file.missing_column")
		same(t, "findings", brief(f), []string{
			"~ 1 afdeling||file.unknown_column", "! 1 ||file.missing_column", "! 1 ||file.missing_column", "! 1 ||file.missing_column", "! 1 ||file.missing_column",
		})
		for i, name := range []string{"", "rid", "surname", "email", "date_of_birth"} {
			if !strings.Contains(f[i].Message, name) {
				t.Errorf("message %q does not name %s", f[i].Message, name)
			}
		}
	})
	t.Run("the same column twice", func(t *testing.T) {
		t.Parallel()
		r := read(t, []byte("rid;fornavn;given_name;surname;email;cpr\n"), false)
		same(t, "findings", brief(refused(t, r, "file.duplicate_column")), []string{"! 1 given_name||file.duplicate_column"})
	})
	t.Run("unknown and nameless columns", func(t *testing.T) {
		t.Parallel()
		r := read(t, []byte("rid;fornavn;surname;email;cpr;Afdeling;\nr1;A;B;a@b.dk;010136-4123;\"Drift\nNord\";\n"), false)
		same(t, "notices", brief(r.summary.Findings), []string{"~ 1 Afdeling||file.unknown_column"})
		if r.err != nil || len(r.records) != 1 {
			t.Errorf("Read = %v, %v", brief(r.findings), r.err)
		}
	})
	t.Run("no header tells no CPR number", func(t *testing.T) {
		t.Parallel()
		r := read(t, []byte("r1;Anne;Dahl;a@b.dk;010136-4123\n"), false)
		if text := fmt.Sprint(refused(t, r, "file.missing_column"), r.err); strings.Contains(text, "4123") {
			t.Errorf("Read tells a CPR number: %s", text)
		}
	})
	for name, tc := range map[string]struct{ file, code string }{
		"empty":            {"", "file.empty"},
		"only blank lines": {"\n \r\n;;\n", "file.empty"},
		"no rows":          {head + "\n;;;;;;;;;;;\n", "file.no_rows"},
		"open quote":       {"rid;\"fornavn\nr1;x\n", "file.header"},
		"too wide":         {strings.Repeat(";", 501) + "x\n", "file.too_many_columns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, read(t, []byte(tc.file), false), tc.code)
		})
	}
}
