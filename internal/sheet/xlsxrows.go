package sheet

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// texts are the shared strings of a workbook in one piece: millions of short
// strings of their own would take three times the room.
type texts struct {
	all  []byte
	ends []uint32
}

func (t texts) at(index string) (string, error) {
	i, err := strconv.Atoi(strings.TrimSpace(index))
	if err != nil || i < 0 || i >= len(t.ends) {
		return "", fmt.Errorf("shared string %.20q does not exist", index)
	}
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return string(t.all[from:t.ends[i]]), nil
}

// readTexts reads the shared strings: the runs of a formatted text joined,
// phonetic guides left out.
func (b *xlsxBook) readTexts(part string) (texts, error) {
	in, err := b.open(part, maxStrings)
	if err != nil {
		return texts{}, err
	}
	var t texts
	var run textRun
	for {
		tok, err := in.token()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return texts{}, err
		}
		t.all = append(t.all, run.take(tok)...)
		if e, ok := tok.(xml.EndElement); ok && e.Name.Local == "si" {
			t.ends = append(t.ends, uint32(len(t.all))) //nolint:gosec // below maxTexts
		}
		if len(t.all) > maxTexts || len(t.ends) > maxTexts/4 {
			return texts{}, errBomb
		}
	}
}

// textRun picks the text of <t> outside <rPh> from a stream of tokens.
type textRun struct{ text, phonetic bool }

func (r *textRun) take(tok xml.Token) []byte {
	switch t := tok.(type) {
	case xml.StartElement:
		r.phonetic = r.phonetic || t.Name.Local == "rPh"
		r.text = t.Name.Local == "t"
	case xml.EndElement:
		r.phonetic = r.phonetic && t.Name.Local != "rPh"
		r.text = false
	case xml.CharData:
		if r.text && !r.phonetic {
			return t
		}
	}
	return nil
}

// xlsxRows reads the rows of one sheet.
type xlsxRows struct {
	book  *xlsxBook
	in    *xmlPart
	row   int
	done  bool
	cells []string
}

// next returns the next row that is not blank.
func (x *xlsxRows) next() (entry, error) {
	for !x.done {
		tok, err := x.token()
		if err != nil {
			return entry{}, refuseXLSX(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Local != "row" {
				continue
			}
			if err := x.readRow(t); err != nil {
				return entry{}, refuseXLSX(err)
			}
			if !blank(x.cells) {
				return entry{line: x.row, cells: x.cells, ragged: true}, nil
			}
		case xml.EndElement:
			x.done = t.Name.Local == "sheetData"
		}
	}
	if err := x.in.drain(); err != nil {
		return entry{}, refuseXLSX(err)
	}
	return entry{}, io.EOF
}

// token is the next token of a sheet that is not at its end.
func (x *xlsxRows) token() (xml.Token, error) {
	tok, err := x.in.token()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the sheet ends in row %d", x.row)
	}
	return tok, err
}

// readRow reads up to the end of a row into x.cells.
func (x *xlsxRows) readRow(start xml.StartElement) error {
	row := x.row + 1
	if r := attr(start, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < row || n > math.MaxInt32 {
			return fmt.Errorf("row %.20q follows row %d", r, x.row)
		}
		row = n
	}
	x.row, x.cells = row, x.cells[:0]
	col := -1
	for {
		tok, err := x.token()
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			if col, err = columnOf(attr(t, "r"), col+1); err != nil {
				return err
			}
			text, err := x.cell(t)
			if err != nil {
				return err
			}
			if err := x.set(col, text); err != nil {
				return err
			}
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		}
	}
}

func (x *xlsxRows) set(col int, text string) error {
	if text == "" {
		return nil
	}
	if col >= maxColumns {
		return refusef(x.row, "sheet.file.too_many_columns", "Row %d has more than %d columns. Keep only the columns of the export.", x.row, maxColumns)
	}
	for len(x.cells) <= col {
		x.cells = append(x.cells, "")
	}
	x.cells[col] = text
	return nil
}

// columnOf is the index of the column in a reference such as AB12; next when
// there is no reference.
func columnOf(ref string, next int) (int, error) {
	n, i := 0, 0
	for ; i < len(ref) && i < 4 && ref[i] >= 'A' && ref[i] <= 'Z'; i++ {
		n = n*26 + int(ref[i]-'A') + 1
	}
	switch {
	case ref == "":
		return next, nil
	case i == 0:
		return 0, fmt.Errorf("cell %.20q has no column", ref)
	default:
		return n - 1, nil
	}
}

// cell reads up to the end of a cell and returns its text. Of a formula that
// is the stored result.
func (x *xlsxRows) cell(start xml.StartElement) (string, error) {
	kind := attr(start, "t")
	var value []byte
	var run textRun
	inValue := false
	for {
		tok, err := x.token()
		if err != nil {
			return "", err
		}
		if kind == "inlineStr" {
			value = append(value, run.take(tok)...)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			inValue = t.Name.Local == "v"
		case xml.CharData:
			if inValue && kind != "inlineStr" {
				value = append(value, t...)
			}
		case xml.EndElement:
			inValue = false
			if t.Name.Local == "c" {
				return x.text(kind, string(value), attr(start, "s"))
			}
		}
		if len(value) > maxRecord {
			return "", errBomb
		}
	}
}

// text is a stored value as a person would write it.
func (x *xlsxRows) text(kind, value, style string) (string, error) {
	switch kind {
	case "s":
		if value == "" {
			return "", nil
		}
		s, err := x.book.texts.at(value)
		return unescape(s), err
	case "str", "inlineStr", "e":
		return unescape(value), nil
	case "b":
		return map[string]string{"1": "TRUE", "0": "FALSE"}[value], nil
	case "d": // ISO 8601, in strict workbooks
		day, _, _ := strings.Cut(value, "T")
		return day, nil
	default:
		if value == "" {
			return "", nil
		}
		return x.book.number(value, style), nil
	}
}

// unescape undoes the one escape that spreadsheet programs write into ordinary
// cells: a carriage return as _x000D_.
func unescape(s string) string { return strings.ReplaceAll(s, "_x000D_", "\r") }
