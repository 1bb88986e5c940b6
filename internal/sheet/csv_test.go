package sheet_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/sheet"
)

const shortHead = "rid;fornavn;efternavn;email;fødselsdato;note\n"

func shortRow(rid, note string) string {
	return fmt.Sprintf("%s;Søren;Ærø %s;%s@b.dk;24-12-1980;%s\n", rid, rid, rid, note)
}

func TestReadEncodings(t *testing.T) {
	t.Parallel()
	text := shortHead + shortRow("r1", "") + shortRow("r2", "æble")
	ansi, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	dos, err := charmap.CodePage850.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	mac, err := charmap.Macintosh.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	wide := utf16.Encode([]rune(text))
	little, big := []byte{0xFF, 0xFE}, []byte{0xFE, 0xFF}
	for _, u := range wide {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	for _, tc := range []struct {
		name, file string
		code       string // "" = read
		line       int
	}{
		{name: "UTF-8", file: text},
		{name: "UTF-8 with BOM", file: "\xEF\xBB\xBF" + text},
		{name: "Windows-1252", file: ansi},
		{name: "CRLF", file: strings.ReplaceAll(text, "\n", "\r\n")},
		{name: "no line feed at the end", file: strings.TrimSuffix(text, "\n")},
		{name: "UTF-16 little endian", file: string(little), code: "file.encoding", line: 1},
		{name: "UTF-16 big endian", file: string(big), code: "file.encoding", line: 1},
		{name: "UTF-16 without BOM", file: string(little[2:]), code: "file.encoding", line: 1},
		{name: "NUL", file: text + "\x00", code: "file.encoding", line: 4},
		{name: "UTF-8 with a slip", file: text + "\xE6", code: "file.encoding", line: 4},
		{name: "BOM and Windows-1252", file: "\xEF\xBB\xBF" + ansi, code: "file.encoding", line: 1},
		{name: "DOS code page", file: dos, code: "file.encoding", line: 1},
		{name: "old Macintosh", file: mac, code: "file.encoding", line: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, []byte(tc.file), false)
			if tc.code != "" {
				if f := refused(t, r, tc.code); f[0].Line != tc.line {
					t.Errorf("line %d, want %d", f[0].Line, tc.line)
				}
				return
			}
			if r.err != nil || len(r.records) != 2 || r.records[1].GivenName != "Søren" || r.records[1].Surname != "Ærø r2" {
				t.Errorf("Read = %+v, %v %v", r.records, brief(r.findings), r.err)
			}
		})
	}
	t.Run("character across two blocks", func(t *testing.T) {
		t.Parallel()
		for shift := range 4 {
			r := read(t, []byte(shortHead+shortRow("r1", "")+strings.Repeat("\n", 64<<10-len(shortHead)-len(shortRow("r1", ""))-len("r2;S")-shift)+shortRow("r2", "")), false)
			if r.err != nil || len(r.records) != 2 || r.records[1].GivenName != "Søren" {
				t.Errorf("shift %d: Read = %+v, %v", shift, r.records, r.err)
			}
		}
	})
}

func TestReadLines(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		rows  string
		lines []int // of the good rows
		want  []string
	}{
		{"line breaks in quotes", shortRow("r1", "\"a\n\nb\"") + shortRow("r2", "") + "\"r3\";\"B\";\"C\";c@d.dk;1980-12-24;\"x\r\ny\"\r\n" + shortRow("r4", ""), []int{2, 5, 6, 8}, nil},
		{"blank lines", "\n;;;;;\n" + shortRow("r1", "") + "  \r\n\u00a0\n" + shortRow("r2", ""), []int{4, 7}, nil},
		{"separators and quotes in quotes", shortRow("r1", "\"a;b;\"\"c\"\"\"") + shortRow("r2", " \"x\" "), []int{2, 3}, nil},
		{"too many cells", shortRow("r1", "a;b;c") + shortRow("r2", ""), []int{3}, []string{"! 2 |b|row.too_many_cells"}},
		{"a CPR number too many", shortRow("r1", "a;010136-4123"), nil, []string{"! 2 |010136-xxxx|row.too_many_cells"}},
		{"too few cells", "r1;Anne\n" + shortRow("r2", ""), []int{3}, []string{"! 2 efternavn||row.too_few_cells"}},
		{"quote inside a cell", shortRow("r1", "Anne \"And\" And") + shortRow("r2", ""), []int{3}, []string{"! 2 note||row.quote"}},
		{"text after a quote", "r1;\"A\"b;C;c@d.dk;;\n" + shortRow("r2", ""), []int{3}, []string{"! 2 fornavn||row.quote"}},
		{"open quote costs one row", shortRow("r1", "\"open") + shortRow("r2", "") + shortRow("r3", ""), []int{3, 4}, []string{"! 2 note||row.quote"}},
		{"open quote at the end", shortRow("r1", "") + "r2;\"", []int{2}, []string{"! 3 fornavn||row.quote"}},
		{"endless line", shortRow("r1", strings.Repeat("x", 200_000)) + shortRow("r2", ""), []int{3}, []string{"! 2 rid||row.too_long"}},
		{"lone carriage return", shortRow("r1", "\r x") + shortRow("r2", ""), []int{2, 3}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, []byte(shortHead+tc.rows), false)
			var lines []int
			for _, rec := range r.records {
				lines = append(lines, rec.Line)
			}
			if r.err != nil || !slices.Equal(lines, tc.lines) {
				t.Errorf("good rows on lines %v, want %v (%v)", lines, tc.lines, r.err)
			}
			same(t, "findings", brief(r.findings), tc.want)
		})
	}
}

func TestReadSeparatorInQuotes(t *testing.T) {
	t.Parallel()
	r := read(t, []byte("\"note; a; b; c; d; e\",rid,fornavn,efternavn,email,cpr\nx,r1,A,B,a@b.dk,010136-4123\n"), false)
	if r.err != nil || len(r.records) != 1 || r.records[0].RID != "r1" {
		t.Errorf("Read = %+v, %v", r.records, r.err)
	}
}

// FuzzCSV: whatever the bytes are, reading ends without a panic, each data row
// is either good and complete or has an error of its own line, and lines rise.
func FuzzCSV(f *testing.F) {
	f.Add([]byte(shortHead + "r1;A;B;a@b.dk;;010136-4123;;;;;;\n\"r2\";\"\n\";;\n"))
	f.Add([]byte(shortHead + shortRow("r1", "\"a\n\"\"b") + shortRow("r2", "\xE6")))
	f.Add([]byte("rid,given_name,surname,email,cpr\r\n\"a\r\n\",b,c,d,0101364123\r"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xEF\xBB\xBF;\n;\""))
	f.Fuzz(func(t *testing.T, file []byte) {
		line := 0
		r := read(t, file, true)
		if r.err != nil {
			refused(t, r, strings.TrimPrefix(fault.CodeOf(r.err), "sheet."))
			return
		}
		for _, one := range r.records {
			if one.Line <= line || one.RID == "" || one.GivenName == "" || one.Surname == "" || one.Email == "" || one.DateOfBirth.IsZero() {
				t.Errorf("good row without a required value, or out of order after line %d: %+v", line, one)
			}
			line = one.Line
		}
		bad := map[int]bool{}
		for _, f := range r.findings {
			if f.Code == "" || f.Message == "" || f.Line < 2 || !utf8.ValidString(f.Value) {
				t.Errorf("finding %+v", f)
			}
			bad[f.Line] = bad[f.Line] || f.Severity == sheet.Error
		}
		for _, one := range r.records {
			if bad[one.Line] {
				t.Errorf("line %d is good and bad", one.Line)
			}
		}
		lines := bytes.Count(file, []byte("\n")) + 1
		if r.summary.Rows != len(r.records)+r.bad || r.summary.Bad != r.bad || r.summary.Rows == 0 || line > lines {
			t.Errorf("Summary = %+v, %d good and %d bad rows, up to line %d of %d", r.summary, len(r.records), r.bad, line, lines)
		}
	})
}
