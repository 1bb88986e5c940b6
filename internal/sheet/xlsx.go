package sheet

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Limits of a spreadsheet, in bytes after decompression. A sheet of 1,048,576
// rows with all twelve columns has some 900 MB of XML.
const (
	maxSheet   = 2 << 30
	maxStrings = 512 << 20
	maxPart    = 16 << 20  // any other part that is read
	maxTexts   = 128 << 20 // shared texts without their XML
	maxToken   = 1 << 20   // one tag or one run of text
	// Deflate reaches 1,032:1 on nothing but repetition; sheets that people
	// make stay below 40:1.
	maxRatio      = 200
	ratioApplies  = 8 << 20 // bytes from which on the ratio counts
	maxZipEntries = 10_000
)

var errBomb = errors.New("unpacks to more than a spreadsheet of employees can")

// xlsxBook reads the parts of a workbook as streams. It was preferred to
// excelize, whose row iterator ends without an error where a part is damaged,
// so that rows would be lost in silence.
type xlsxBook struct {
	zip      *zip.Reader
	date1904 bool
	formats  []numberFormat // by style index
	texts    texts
}

// openXLSX opens the first sheet that is not hidden.
func openXLSX(r io.ReaderAt, size int64) (table, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return table{}, refuseXLSX(err)
	}
	if len(z.File) > maxZipEntries {
		return table{}, refuseXLSX(errBomb)
	}
	b := &xlsxBook{zip: z}
	sheet, notices, err := b.load()
	if err != nil {
		return table{}, refuseXLSX(err)
	}
	in, err := b.open(sheet, maxSheet)
	if err != nil {
		return table{}, refuseXLSX(err)
	}
	rows := &xlsxRows{book: b, in: in}
	return table{format: "xlsx", notices: notices, next: rows.next}, nil
}

// refuseXLSX tells a person why a spreadsheet is not read.
func refuseXLSX(err error) error {
	if _, ok := errors.AsType[*FileError](err); ok {
		return err
	}
	switch {
	case errors.Is(err, errBomb):
		return refusef(0, "sheet.file.unpacks_too_large",
			"The spreadsheet unpacks to more than the rows of an export can need. Copy the employees into a new workbook, or save the sheet as CSV.")
	default:
		return refusef(0, "sheet.file.damaged",
			"The spreadsheet is damaged (%s). Open it in a spreadsheet program, save it again as .xlsx, and upload that.", err)
	}
}

// load reads everything but the rows and returns the part of the sheet.
func (b *xlsxBook) load() (sheet string, notices []Finding, err error) {
	var top []relation
	if b.has("_rels/.rels") {
		top, err = b.relations("")
	}
	if err != nil {
		return "", nil, err
	}
	i := slices.IndexFunc(top, func(r relation) bool { return strings.HasSuffix(r.kind, "/officeDocument") })
	if i < 0 || !strings.HasSuffix(top[i].target, ".xml") || !b.has(top[i].target) {
		return "", nil, refusef(0, "sheet.file.not_spreadsheet", "The file is packed like a spreadsheet but is not an .xlsx. Save it as .xlsx or as CSV.")
	}
	workbook := top[i].target
	sheets, err := b.sheets(workbook)
	if err != nil {
		return "", nil, err
	}
	parts, err := b.relations(workbook)
	if err != nil {
		return "", nil, err
	}
	for _, p := range parts {
		switch {
		case strings.HasSuffix(p.kind, "/styles"):
			b.formats, err = b.readFormats(p.target)
		case strings.HasSuffix(p.kind, "/sharedStrings"):
			b.texts, err = b.readTexts(p.target)
		}
		if err != nil {
			return "", nil, err
		}
	}
	var name string
	seen := 0
	for _, s := range sheets {
		i := slices.IndexFunc(parts, func(r relation) bool { return r.id == s.id && strings.HasSuffix(r.kind, "/worksheet") })
		if i < 0 || s.hidden {
			continue
		}
		if seen++; seen == 1 {
			sheet, name = parts[i].target, s.name
		}
	}
	if seen == 0 {
		return "", nil, refusef(0, "sheet.file.not_spreadsheet", "The workbook has no visible sheet with rows. Put the export on its first sheet.")
	}
	if seen > 1 {
		notices = append(notices, Finding{
			Code: "sheet.file.other_sheets", Severity: Notice, Value: Shown(name),
			Message: "Only the first sheet is read; the others are ignored. Upload them as files of their own if they hold employees.",
		})
	}
	return sheet, notices, nil
}

type relation struct{ id, kind, target string }

// relations reads what part refers to; "" is the package itself.
func (b *xlsxBook) relations(part string) ([]relation, error) {
	dir, base := path.Split(part)
	in, err := b.open(dir+"_rels/"+base+".rels", maxPart)
	if err != nil {
		return nil, err
	}
	var found []relation
	err = in.each(func(t xml.StartElement) {
		if t.Name.Local != "Relationship" {
			return
		}
		target := attr(t, "Target")
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		found = append(found, relation{attr(t, "Id"), attr(t, "Type"), strings.TrimPrefix(path.Clean(target), "/")})
	})
	return found, err
}

type sheetRef struct {
	id, name string
	hidden   bool
}

// sheets reads the workbook part: its sheets in order, and its calendar.
func (b *xlsxBook) sheets(workbook string) ([]sheetRef, error) {
	in, err := b.open(workbook, maxPart)
	if err != nil {
		return nil, err
	}
	var found []sheetRef
	err = in.each(func(t xml.StartElement) {
		switch t.Name.Local {
		case "workbookPr":
			v := attr(t, "date1904")
			b.date1904 = v == "1" || v == "true"
		case "sheet":
			state := attr(t, "state")
			found = append(found, sheetRef{attr(t, "id"), attr(t, "name"), state == "hidden" || state == "veryHidden"})
		}
	})
	return found, err
}

func attr(t xml.StartElement, local string) string {
	for _, a := range t.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

func (b *xlsxBook) find(name string) *zip.File {
	for _, f := range b.zip.File {
		if strings.EqualFold(strings.ReplaceAll(f.Name, `\`, "/"), name) {
			return f
		}
	}
	return nil
}

func (b *xlsxBook) has(name string) bool { return b.find(name) != nil }

// xmlPart is a part of the package as a stream of tokens, which never nest in
// memory and never grow beyond maxToken.
type xmlPart struct {
	name string
	raw  io.Reader // checks length and CRC at its end
	dec  *xml.Decoder
	left int // bytes until the current token is too long
}

// open opens a part that unpacks to at most limit bytes. The sizes come from
// the zip directory; archive/zip refuses to deliver more than they say.
func (b *xlsxBook) open(name string, limit uint64) (*xmlPart, error) {
	f := b.find(name)
	if f == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	size := f.UncompressedSize64
	if size > limit || size > ratioApplies && size/maxRatio > f.CompressedSize64 {
		return nil, errBomb
	}
	raw, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &xmlPart{name: name, raw: raw}
	p.dec = xml.NewDecoder(p)
	return p, nil
}

// Read feeds the decoder.
func (p *xmlPart) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, errBomb
	}
	n, err := p.raw.Read(b)
	p.left -= n
	return n, err
}

// token returns the next token, io.EOF at the end.
func (p *xmlPart) token() (xml.Token, error) {
	p.left = maxToken
	t, err := p.dec.RawToken()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return t, err
}

// drain reads the rest, so that the check of length and CRC takes place.
func (p *xmlPart) drain() error {
	if _, err := io.Copy(io.Discard, p.raw); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// each calls start for each start tag up to the end.
func (p *xmlPart) each(start func(xml.StartElement)) error {
	for {
		t, err := p.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); ok {
			start(s)
		}
	}
}
