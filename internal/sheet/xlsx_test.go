package sheet_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbook makes an .xlsx by excelize, so that the reader is tested against
// another's writer.
func workbook(t *testing.T, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func setRow(f *excelize.File, at string, cells ...any) { _ = f.SetSheetRow("Sheet1", at, &cells) }

func style(f *excelize.File, cell string, s excelize.Style) {
	id, _ := f.NewStyle(&s)
	_ = f.SetCellStyle("Sheet1", cell, cell, id)
}

func TestReadSpreadsheet(t *testing.T) {
	t.Parallel()
	christmas := time.Date(1980, 12, 24, 0, 0, 0, 0, time.UTC)
	american, zeros, danish := "m/d/yyyy", "000000-0000", `[$-406]d. mmmm yyyy`
	file := workbook(t, func(f *excelize.File) {
		setRow(f, "A1", "RID", "Fornavn", "Efternavn", "E-mail", "CPR", "Fødselsdato", "P-nummer", "Note", "")
		setRow(f, "A2", "00042", "Søren", "Ærø", "s@b.dk", "010136-4123", nil, 1000000001)
		setRow(f, "A3", 1299858196361, "Anne", "Dahl", "a@b.dk", nil, christmas)
		setRow(f, "A4", "r4", "Anne", "Bech", "b@b.dk", nil, christmas)
		style(f, "F4", excelize.Style{CustomNumFmt: &american})
		setRow(f, "A5", "r5", "Anne", "Falk", "c@b.dk", nil, christmas)
		style(f, "F5", excelize.Style{CustomNumFmt: &danish})
		setRow(f, "A6", "r6", "Bo", "Falk", "d@b.dk", 101364999)
		style(f, "E6", excelize.Style{CustomNumFmt: &zeros})
		// rows 7 and 8 stay blank
		setRow(f, "A9", "r9", "Carl", "Falk", "e@b.dk", nil, "24-12-1980")
		_ = f.SetCellRichText("Sheet1", "C9", []excelize.RichTextRun{{Text: "Fa"}, {Text: "lk", Font: &excelize.Font{Bold: true}}})
		_ = f.SetCellStr("Sheet1", "H9", "a\r\nb")
	})
	r := read(t, file, false)
	if r.err != nil {
		t.Fatalf("Read: %v", r.err)
	}
	same(t, "notices", brief(r.summary.Findings), []string{"~ 1 Note||file.unknown_column"})
	same(t, "findings", brief(r.findings), nil)
	if len(r.records) != 6 || r.summary.Format != "xlsx" {
		t.Fatalf("Read = %+v, %+v", r.records, r.summary)
	}
	for i, want := range []record{
		{Line: 2, RID: "00042", CPR: "0101364123", PNumber: "1000000001"},
		{Line: 3, RID: "1299858196361", DateOfBirth: christmas},
		{Line: 4, RID: "r4", DateOfBirth: christmas},
		{Line: 5, RID: "r5", DateOfBirth: christmas},
		{Line: 6, RID: "r6", CPR: "0101364999"},
		{Line: 9, RID: "r9", DateOfBirth: christmas},
	} {
		got := r.records[i]
		if got.Line != want.Line || got.RID != want.RID || got.CPR != want.CPR || got.PNumber != want.PNumber ||
			want.CPR == "" && !got.DateOfBirth.Equal(want.DateOfBirth) {
			t.Errorf("row %d = %+v, want %+v", i, got, want)
		}
	}
}

func TestReadSpreadsheetMistakes(t *testing.T) {
	t.Parallel()
	file := workbook(t, func(f *excelize.File) {
		setRow(f, "A1", "rid", "fornavn", "efternavn", "email", "cpr", "fødselsdato", "telefon")
		setRow(f, "A2", 1.2345678901234567e+31, "A", "B", "a@b.dk", nil, "1990-01-01")
		setRow(f, "A3", "r3", "C", "D", "b@b.dk", 101364123)
		setRow(f, "A4", "r4", "E", "F", "c@b.dk", nil, 29579)
		setRow(f, "A5", "r5", "G", "H", "d@b.dk", nil, "1990-01-01", nil, "010136-4123")
		setRow(f, "A6", "r6", "I", "J", "e@b.dk", nil, "1990-01-01", "#N/A")
		setRow(f, "A7", "r7")
	})
	r := read(t, file, false)
	if r.err != nil {
		t.Fatalf("Read: %v", r.err)
	}
	same(t, "findings", brief(r.findings), []string{
		"! 2 rid|1.23456789012345E+31|row.rewritten_number",
		"! 3 cpr|xxxxxxxxx|row.cpr_nine_digits",
		"! 4 fødselsdato|29579|row.birth_date",
		"! 5 |010136-xxxx|row.too_many_cells",
		"! 6 telefon|#N/A|row.formula_error",
		"! 7 fornavn||row.missing", "! 7 efternavn||row.missing", "! 7 email||row.missing", "! 7 cpr||row.missing",
	})
}

func TestReadSheets(t *testing.T) {
	t.Parallel()
	t.Run("first visible sheet", func(t *testing.T) {
		t.Parallel()
		r := read(t, workbook(t, func(f *excelize.File) {
			_, _ = f.NewSheet("Medarbejdere")
			_, _ = f.NewSheet("Øvrige")
			_ = f.SetSheetRow("Medarbejdere", "A1", &[]any{"rid", "fornavn", "efternavn", "email", "cpr"})
			_ = f.SetSheetRow("Medarbejdere", "A2", &[]any{"r1", "A", "B", "a@b.dk", "010136-4123"})
			f.SetActiveSheet(1)
			_ = f.SetSheetVisible("Sheet1", false)
		}), false)
		if r.err != nil || len(r.records) != 1 {
			t.Errorf("Read = %+v, %v", r.records, r.err)
		}
		same(t, "notices", brief(r.summary.Findings), []string{"~ 0 |Medarbejdere|file.other_sheets"})
	})
	t.Run("calendar from 1904", func(t *testing.T) {
		t.Parallel()
		yes := true
		r := read(t, workbook(t, func(f *excelize.File) {
			_ = f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes})
			setRow(f, "A1", "rid", "fornavn", "efternavn", "email", "fødselsdato")
			setRow(f, "A2", "r1", "A", "B", "a@b.dk", 28117)
			style(f, "E2", excelize.Style{NumFmt: 14})
		}), false)
		if r.err != nil || len(r.records) != 1 || r.records[0].DateOfBirth.Format(time.DateOnly) != "1980-12-24" {
			t.Errorf("Read = %+v, %v %v", r.records, brief(r.findings), r.err)
		}
	})
	for name, fill := range map[string]func(f *excelize.File){
		"empty":   func(*excelize.File) {},
		"no rows": func(f *excelize.File) { setRow(f, "A1", "rid", "fornavn", "efternavn", "email", "cpr") },
		"too many columns": func(f *excelize.File) {
			setRow(f, "A1", "rid", "fornavn", "efternavn", "email", "cpr")
			setRow(f, "XFD2", "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, read(t, workbook(t, fill), false), "file."+strings.ReplaceAll(name, " ", "_"))
		})
	}
}

// parts is a minimal .xlsx in the strict form with prefixes, as other programs
// than Excel write it, with the given rows.
func parts(rows string) map[string]string {
	return map[string]string{
		"_rels/.rels":                 `<Relationships><Relationship Id="a" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument" Target="/book/wb.xml"/></Relationships>`,
		"book/wb.xml":                 `<x:workbook xmlns:x="m" xmlns:r="r"><x:sheets><x:sheet name="S" sheetId="1" r:id="b"/></x:sheets></x:workbook>`,
		"book/_rels/wb.xml.rels":      `<Relationships><Relationship Id="b" Type="t/worksheet" Target="sheets/one.xml"/><Relationship Id="c" Type="t/sharedStrings" Target="strings.xml"/></Relationships>`,
		"book/strings.xml":            `<x:sst xmlns:x="m"><x:si><x:t>Søren</x:t><x:rPh><x:t>soren</x:t></x:rPh></x:si><x:si/><x:si><x:t>a_x000D_</x:t></x:si></x:sst>`,
		"book/sheets/one.xml":         `<x:worksheet xmlns:x="m"><x:sheetData>` + rows + `</x:sheetData><x:pageMargins/></x:worksheet>`,
		"docProps/thumbnail_big.jpeg": "never read",
	}
}

func pack(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	inlineHead = `<x:row><x:c t="inlineStr"><x:is><x:t>rid</x:t></x:is></x:c><x:c t="str"><x:v>fornavn</x:v></x:c><x:c t="str"><x:v>efternavn</x:v></x:c>` +
		`<x:c t="str"><x:v>email</x:v></x:c><x:c t="str"><x:v>fødselsdato</x:v></x:c></x:row>`
	inlineRow = `<x:row r="3"><x:c r="A3" t="str"><x:f>A1&amp;"1"</x:f><x:v>r&amp;1</x:v></x:c><x:c r="B3" t="s"><x:v> 0 </x:v></x:c><x:c t="inlineStr"><x:is><x:r><x:t>Da</x:t></x:r><x:r><x:t>hl</x:t></x:r></x:is></x:c>` +
		`<x:c r="D3" t="str"><x:v>a@b.dk</x:v></x:c><x:c r="E3" t="d"><x:v>1980-12-24T00:00:00</x:v></x:c><x:c r="F3"/></x:row>`
)

func TestReadOtherPrograms(t *testing.T) {
	t.Parallel()
	r := read(t, pack(t, parts(inlineHead+inlineRow)), false)
	if r.err != nil || len(r.records) != 1 {
		t.Fatalf("Read = %+v, %v %v", r.records, brief(r.findings), r.err)
	}
	if got := r.records[0]; got.Line != 3 || got.RID != "r&1" || got.GivenName != "Søren" || got.Surname != "Dahl" || got.DateOfBirth.Format(time.DateOnly) != "1980-12-24" {
		t.Errorf("Record = %+v", got)
	}
}

func TestReadDamagedSpreadsheet(t *testing.T) {
	t.Parallel()
	sheet := func(text string) map[string]string {
		p := parts("")
		p["book/sheets/one.xml"] = text
		return p
	}
	without := func(name string) map[string]string {
		p := parts(inlineHead + inlineRow)
		delete(p, name)
		return p
	}
	whole := parts(inlineHead + inlineRow)["book/sheets/one.xml"]
	intact := pack(t, parts(inlineHead+inlineRow))
	flipped := bytes.Clone(intact)
	z, err := zip.NewReader(bytes.NewReader(flipped), int64(len(flipped)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if f.Name == "book/sheets/one.xml" {
			at, _ := f.DataOffset()
			flipped[at+int64(f.CompressedSize64)/2] ^= 0x10
		}
	}
	for _, tc := range []struct {
		name string
		file []byte
		code string
	}{
		{"sheet cut off between rows", pack(t, sheet(whole[:strings.Index(whole, "</x:row>")+8])), "file.damaged"},
		{"sheet cut off in a row", pack(t, sheet(whole[:strings.LastIndex(whole, "<x:c r=\"E3\"")])), "file.damaged"},
		{"sheet cut off in a tag", pack(t, sheet(whole[:strings.LastIndex(whole, "r=\"E3\"")])), "file.damaged"},
		{"rows out of order", pack(t, parts(inlineHead+inlineRow+inlineRow)), "file.damaged"},
		{"text that does not exist", pack(t, parts(inlineHead+strings.Replace(inlineRow, " 0 ", "7", 1))), "file.damaged"},
		{"no sheet", pack(t, without("book/sheets/one.xml")), "file.damaged"},
		{"no texts", pack(t, without("book/strings.xml")), "file.damaged"},
		{"no workbook", pack(t, without("book/wb.xml")), "file.not_spreadsheet"},
		{"some other zip", pack(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), "file.not_spreadsheet"},
		{"cut off zip", intact[:len(intact)-30], "file.damaged"},
		{"one bit wrong", flipped, "file.damaged"},
		{"old .xls", append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 512)...), "file.old_spreadsheet"},
		{"one endless text", pack(t, parts(inlineHead+`<x:row><x:c t="str"><x:v>`+strings.Repeat("x", 2<<20)+`</x:v></x:c></x:row>`)), "file.unpacks_too_large"},
		{"many texts in one cell", pack(t, parts(inlineHead+`<x:row><x:c t="str"><x:v>`+strings.Repeat("x<!-- -->", 1<<17)+`</x:v></x:c></x:row>`)), "file.unpacks_too_large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			refused(t, read(t, tc.file, false), tc.code)
		})
	}
}

// TestReadBomb packs 48 MB of blanks into 48 kB and wants the file refused
// before anything is unpacked, whatever size it claims to unpack to.
func TestReadBomb(t *testing.T) {
	t.Parallel()
	bomb := deflated(t, 48<<20)
	for name, claimed := range map[string]uint64{"honest": 48 << 20, "claims 3 GB": 3 << 30, "claims little": 4 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			for part, text := range parts("") {
				if part == "book/sheets/one.xml" {
					w, err := z.CreateRaw(&zip.FileHeader{
						Name: part, Method: zip.Deflate, CRC32: 1, CompressedSize64: uint64(len(bomb)), UncompressedSize64: claimed,
					})
					if err != nil {
						t.Fatal(err)
					}
					_, _ = w.Write(bomb)
					continue
				}
				w, err := z.Create(part)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(w, text)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			code := "file.unpacks_too_large"
			if claimed < 1<<20 {
				code = "file.damaged" // no more is unpacked than was claimed
			}
			refused(t, read(t, b.Bytes(), false), code)
		})
	}
}

// deflated is n bytes of a sheet that has nothing but blanks, packed.
func deflated(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "<worksheet><sheetData>")
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range n >> 20 {
		_, _ = w.Write(blanks)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzXLSX: whatever the XML of a sheet is, reading ends without a panic.
func FuzzXLSX(f *testing.F) {
	f.Add(parts(inlineHead + inlineRow)["book/sheets/one.xml"])
	f.Add(`<sheetData><row r="1"><c r="ZZ1"><v>1</v></c></row></sheetData>`)
	f.Fuzz(func(t *testing.T, sheet string) {
		p := parts("")
		p["book/sheets/one.xml"] = sheet
		if r := read(t, pack(t, p), false); r.err == nil && r.summary.Rows != len(r.records)+r.bad {
			t.Errorf("Summary = %+v, %d good and %d bad rows", r.summary, len(r.records), r.bad)
		}
	})
}
