package sheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"

	"github.com/adgang/adgang/internal/fault"
)

// maxXLSXRows is what a sheet can hold (ECMA-376 programs agree on 2^20).
const maxXLSXRows = 1 << 20

// XLSX writes a workbook of one sheet as a stream: nothing of it is held in
// memory or in a file. Every cell is a text, so none runs as a formula and no
// number loses its leading zeros.
type XLSX struct {
	zip *zip.Writer
	out *bufio.Writer // the sheet's part, the last of the package
	row int
}

// The parts of the package but for the sheet (ECMA-376 part 1, 12.3 and 18).
var xlsxParts = []struct{ name, text string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Adgang" sheetId="1" r:id="rId1"/></sheets></workbook>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	// Style 1 is the bold header; format 49 marks cells as text for those who edit them.
	{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1"/></cellXfs></styleSheet>`},
}

// NewXLSX begins a table with its header line, which stays in view.
func NewXLSX(w io.Writer, header ...string) (*XLSX, error) {
	x := &XLSX{zip: zip.NewWriter(w)}
	for _, p := range xlsxParts {
		if err := x.part(p.name, p.text); err != nil {
			return nil, err
		}
	}
	err := x.part("xl/worksheets/sheet1.xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>`)
	if err != nil {
		return nil, err
	}
	return x, x.line(1, header)
}

// part begins a part of the package and leaves it open for more.
func (x *XLSX) part(name, text string) error {
	if x.out != nil {
		if err := x.out.Flush(); err != nil {
			return fmt.Errorf("write a table: %w", err)
		}
	}
	w, err := x.zip.Create(name)
	if err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	x.out = bufio.NewWriterSize(w, 64<<10)
	_, _ = x.out.WriteString(xml.Header + text) // an error stays with the writer
	return nil
}

// Write adds a line. Errors: fault.Invalid where no spreadsheet has room.
func (x *XLSX) Write(cells ...string) error { return x.line(0, cells) }

func (x *XLSX) line(style int, cells []string) error {
	if x.row == maxXLSXRows {
		return fault.New(fault.Invalid, "sheet.file.too_many_rows", "A spreadsheet holds at most %d rows. Narrow the list, or choose CSV.", maxXLSXRows)
	}
	x.row++
	row := strconv.Itoa(x.row)
	_, _ = x.out.WriteString(`<row r="` + row + `">`)
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		_, _ = x.out.WriteString(`<c r="` + columnName(i) + row + `" s="` + strconv.Itoa(style) + `" t="inlineStr"><is><t xml:space="preserve">`)
		if err := xml.EscapeText(x.out, []byte(cell)); err != nil {
			return fmt.Errorf("write a table: %w", err)
		}
		_, _ = x.out.WriteString(`</t></is></c>`)
	}
	if _, err := x.out.WriteString("</row>"); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// Close ends the workbook. It must be called at the end.
func (x *XLSX) Close() error {
	_, _ = x.out.WriteString("</sheetData></worksheet>")
	if err := x.out.Flush(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	if err := x.zip.Close(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// columnName is A, B, ... Z, AA, AB for 0, 1, ...
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// Writer writes a table of one of the two kinds.
type Writer interface {
	Write(cells ...string) error
	Close() error
}
