package sheet_test

import (
	"bytes"
	"testing"

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
