package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// csvReader reads records as RFC 4180 has them, with ; or , between the cells.
// Unlike encoding/csv it bounds a record, and after a quote that is not closed
// it goes on with the next line, so that one slip costs one row.
type csvReader struct {
	in    *bufio.Reader
	sep   byte
	line  int // of the next byte
	cells []string
	text  []byte // scratch: the cells of a record with quotes, joined
	ends  []int  // scratch: where each of them ends in text
}

func openCSV(f File) (table, error) {
	enc, err := detect(f)
	if err != nil {
		return table{}, err
	}
	start := int64(0)
	if enc == utf8WithBOM {
		start = int64(len(utf8BOM))
	}
	if _, err := f.Seek(start, io.SeekStart); err != nil {
		return table{}, fmt.Errorf("rewind the export: %w", err)
	}
	var in io.Reader = f
	if enc == windows1252 {
		in = charmap.Windows1252.NewDecoder().Reader(f)
	}
	c := &csvReader{in: bufio.NewReaderSize(in, 2*maxRecord), line: 1}
	return table{format: "csv", next: c.next}, nil
}

// next returns the next record that is not blank.
func (c *csvReader) next() (entry, error) {
	for {
		p, err := c.in.Peek(maxRecord)
		if err != nil && !errors.Is(err, io.EOF) {
			return entry{}, fmt.Errorf("read the export: %w", err)
		}
		if len(p) == 0 {
			return entry{}, io.EOF
		}
		if c.sep == 0 {
			c.sep = separator(p)
		}
		e := entry{line: c.line}
		n, ok := c.parse(p, err != nil, &e)
		if !ok {
			if err := c.skipLine(); err != nil {
				return entry{}, err
			}
			return e, nil
		}
		c.line += bytes.Count(p[:n], []byte("\n"))
		if _, err := c.in.Discard(n); err != nil {
			return entry{}, fmt.Errorf("read the export: %w", err)
		}
		if !blank(e.cells) {
			return e, nil
		}
	}
}

// skipLine leaves the rest of a physical line unread, however long it is.
func (c *csvReader) skipLine() error {
	for {
		_, err := c.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the export: %w", err)
		}
		c.line++
		return nil
	}
}

// parse reads one record at the beginning of p and returns its length in
// bytes, or false and the flaw in e.
func (c *csvReader) parse(p []byte, end bool, e *entry) (int, bool) {
	n := bytes.IndexByte(p, '\n') + 1
	if n == 0 {
		if !end {
			e.flaw = "sheet.row.too_long"
			return 0, false
		}
		n = len(p)
	}
	if bytes.IndexByte(p[:n], '"') < 0 {
		c.cells = split(c.cells[:0], string(bytes.TrimRight(p[:n], "\r\n")), c.sep)
		e.cells = c.cells
		return n, true
	}
	return c.parseQuoted(p, end, e)
}

// split is strings.Split into a slice that is used again.
func split(cells []string, s string, sep byte) []string {
	for {
		i := strings.IndexByte(s, sep)
		if i < 0 {
			return append(cells, s)
		}
		cells, s = append(cells, s[:i]), s[i+1:]
	}
}

// parseQuoted reads a record in which some cell stands in quotes. Blanks
// around the quotes are not part of the cell.
func (c *csvReader) parseQuoted(p []byte, end bool, e *entry) (int, bool) {
	c.text, c.ends = c.text[:0], c.ends[:0]
	for i := 0; ; {
		j, ok := c.cell(p, i, end)
		if !ok {
			e.flaw, e.at = "sheet.row.quote", len(c.ends)
			return 0, false
		}
		c.ends = append(c.ends, len(c.text))
		if j < len(p) && p[j] == c.sep {
			i = j + 1
			continue
		}
		all, from := string(c.text), 0
		c.cells = c.cells[:0]
		for _, to := range c.ends {
			c.cells, from = append(c.cells, all[from:to]), to
		}
		e.cells = c.cells
		return min(j+1, len(p)), true
	}
}

// cell appends the cell that begins at p[i] to c.text and returns where it
// ends: at a separator, at a line feed, or at the end of the file.
func (c *csvReader) cell(p []byte, i int, end bool) (int, bool) {
	for i < len(p) && p[i] == ' ' {
		i++
	}
	if i == len(p) || p[i] != '"' {
		j := i
		for j < len(p) && p[j] != c.sep && p[j] != '\n' && p[j] != '"' {
			j++
		}
		c.text = append(c.text, bytes.TrimSuffix(p[i:j], []byte("\r"))...)
		return j, j < len(p) && p[j] != '"' || j == len(p) && end
	}
	for i++; ; {
		j := bytes.IndexByte(p[i:], '"')
		if j < 0 {
			return 0, false
		}
		c.text = append(c.text, p[i:i+j]...)
		i += j + 1
		if i < len(p) && p[i] == '"' {
			c.text = append(c.text, '"')
			i++
			continue
		}
		break
	}
	for i < len(p) && (p[i] == ' ' || p[i] == '\r') {
		i++
	}
	return i, i < len(p) && (p[i] == c.sep || p[i] == '\n') || i == len(p) && end
}

// separator is the one of ; and , that the header line has more of outside
// quotes, by habit ; in Denmark.
func separator(header []byte) byte {
	var semicolons, commas int
	quoted := false
	for _, b := range header {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == ';':
			semicolons++
		case b == ',':
			commas++
		case b == '\n' && semicolons+commas > 0:
			return pick(semicolons, commas)
		}
	}
	return pick(semicolons, commas)
}

func pick(semicolons, commas int) byte {
	if commas > semicolons {
		return ','
	}
	return ';'
}
