package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// File is an export in random access, as *os.File, multipart.File and
// *bytes.Reader are. Reading starts at the beginning wherever it stands.
type File interface {
	io.ReadSeeker
	io.ReaderAt
}

// table is an opened export of either format.
type table struct {
	format  string
	notices []Finding
	next    func() (entry, error) // io.EOF at the end; any other error ends the reading
}

// entry is one record that is not blank. Its cells are good until the next one
// is read.
type entry struct {
	line   int
	cells  []string
	ragged bool   // the format leaves out empty cells at the end
	flaw   string // code of a damage that makes the cells unreadable, "" = none
	at     int    // index of the cell with the flaw
}

const (
	maxColumns = 500
	maxRecord  = 64 << 10 // bytes of one CSV record
)

var (
	zipMagic = []byte("PK\x03\x04")
	// An OLE compound file: .xls before 2007, or an .xlsx with a password.
	oleMagic = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
)

// open looks at the content, not at the name: exports are often renamed.
func open(f File) (table, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return table{}, fmt.Errorf("measure the export: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return table{}, fmt.Errorf("rewind the export: %w", err)
	}
	magic := make([]byte, 8)
	n, err := f.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return table{}, fmt.Errorf("read the export: %w", err)
	}
	switch magic = magic[:n]; {
	case bytes.HasPrefix(magic, oleMagic):
		return table{}, refusef(0, "sheet.file.old_spreadsheet",
			"This is an old .xls file or a spreadsheet with a password. Save it as .xlsx or CSV, without a password.")
	case bytes.HasPrefix(magic, zipMagic):
		return openXLSX(f, size)
	default:
		return openCSV(f)
	}
}

// blank reports whether no cell holds anything but white space.
func blank(cells []string) bool {
	for _, c := range cells {
		if !empty(c) {
			return false
		}
	}
	return true
}
