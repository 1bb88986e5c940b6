package sheet_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/adgang/adgang/internal/sheet"
)

func TestCSVIsInert(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	csv, err := sheet.NewCSV(&b, "navn", "note")
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range [][]string{
		{"Søren", "a;b"}, {"=1+1", "+45"}, {"-1", "@x"}, {"\tx", "\rx"}, {"", "say \"hi\"\n"}, {"a=b", "1-2"},
	} {
		if err := csv.Write(cells...); err != nil {
			t.Fatal(err)
		}
	}
	if err := csv.Close(); err != nil {
		t.Fatal(err)
	}
	want := "\ufeffnavn;note\r\nSøren;\"a;b\"\r\n'=1+1;'+45\r\n'-1;'@x\r\n'\tx;\"'x\"\r\n;\"say \"\"hi\"\"\r\n\"\r\na=b;1-2\r\n"
	if b.String() != want {
		t.Errorf("table %q\n want %q", b.String(), want)
	}
}

// A workbook is read by excelize and by our own reader.
func TestXLSX(t *testing.T) {
	t.Parallel()
	header := []string{"RID", "Fornavn", "Efternavn", "E-mail", "Fødselsdato", "P-nummer"}
	lines := [][]string{
		{"007", "Søren  ", "Ærø & <Skov>", "s@b.dk", "1980-12-24", "1000000001"},
		{"=1+1", "Anne", "", "a@b.dk", "", ""},
		{"r3", "Bo\r\nIb\x07", "\"Dahl\"", "b@b.dk", "1980-12-24", ""},
	}
	var b bytes.Buffer
	x, err := sheet.NewXLSX(&b, header...)
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range lines {
		if err := x.Write(cells...); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows("Adgang")
	if err != nil || len(rows) != 4 || !slices.Equal(rows[0], header) || !slices.Equal(rows[1], lines[0]) {
		t.Fatalf("rows = %q, %v", rows, err)
	}
	if formula, _ := f.GetCellFormula("Adgang", "A3"); formula != "" || rows[2][0] != "=1+1" {
		t.Errorf("A3 = %q with the formula %q", rows[2][0], formula)
	}
	r := read(t, b.Bytes(), false)
	if r.err != nil || r.summary.Format != "xlsx" || len(r.records) != 1 || r.records[0].Surname != "Ærø & <Skov>" || r.records[0].RID != "007" {
		t.Errorf("Read = %+v, %v", r, r.err)
	}
	same(t, "findings", brief(r.findings), []string{
		"! 3 Efternavn||row.missing", "! 3 Fødselsdato||row.missing", "! 4 Fornavn|Bo  Ib\ufffd|row.control_character",
	})
}

func TestXLSXColumns(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	header := make([]string, 60)
	for i := range header {
		header[i], _ = excelize.ColumnNumberToName(i + 1)
	}
	x, err := sheet.NewXLSX(&b, header...)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range header {
		if got, err := f.GetCellValue("Adgang", name+"1"); got != name || err != nil {
			t.Errorf("%s1 = %q, %v", name, got, err)
		}
	}
}
