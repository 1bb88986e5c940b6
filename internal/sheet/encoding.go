package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// encoding is what a text file is written in.
type encoding int

const (
	utf8Text encoding = iota
	utf8WithBOM
	windows1252
)

var utf8BOM = []byte("\xEF\xBB\xBF")

// foreign are bytes that no Danish name has in Windows-1252 but that are
// letters elsewhere: æøå and their capitals, É and ü in DOS code pages 437, 850
// and 865 or on an old Macintosh. In Windows-1252 they are daggers, angle
// quotes, fractions, an inverted question mark, or nothing at all.
var foreign = []byte("\x81\x86\x87\x8B\x8D\x8F\x90\x9B\x9D\xBE\xBF")

// detect reads the whole of r. Text that is valid UTF-8 throughout is UTF-8;
// otherwise it is Windows-1252, unless it is neither by all signs.
func detect(r io.Reader) (encoding, error) {
	s := survey{line: 1}
	buf := make([]byte, 64<<10)
	held := 0 // bytes of a character cut in two at the end of the last block
	for first := true; ; first = false {
		n, err := io.ReadFull(r, buf[held:])
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, fmt.Errorf("read the export: %w", err)
		}
		block := buf[:held+n]
		if first {
			if bytes.HasPrefix(block, []byte("\xFF\xFE")) || bytes.HasPrefix(block, []byte("\xFE\xFF")) {
				return 0, refusef(1, "sheet.file.encoding", "The file is UTF-16 text. Save it as CSV in UTF-8 (in Excel: CSV UTF-8).")
			}
			s.bom = bytes.HasPrefix(block, utf8BOM)
		}
		rest := s.add(block, err != nil)
		if s.nulLine > 0 {
			return 0, refusef(s.nulLine, "sheet.file.encoding", "Line %d holds a NUL byte, so the file is not text. Save it as CSV in UTF-8, or as .xlsx.", s.nulLine)
		}
		if err != nil {
			return s.verdict()
		}
		held = copy(buf, rest)
	}
}

// survey counts the signs by which encodings are told apart.
type survey struct {
	line                int // of the next byte
	bom                 bool
	multi, broken       int // characters of several bytes, bytes that begin none
	brokenLine, nulLine int // first of each, 0 = none
	foreignLine         int
}

// add takes in a block and returns the bytes of a character that goes on in
// the next one; at the end of the file there is none such.
func (s *survey) add(b []byte, end bool) []byte {
	for len(b) > 0 {
		c := b[0]
		if c < utf8.RuneSelf {
			if c == '\n' {
				s.line++
			} else if c == 0 && s.nulLine == 0 {
				s.nulLine = s.line
			}
			b = b[1:]
			continue
		}
		if !end && !utf8.FullRune(b) {
			return b
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			s.broken++
			if s.brokenLine == 0 {
				s.brokenLine = s.line
			}
			if s.foreignLine == 0 && bytes.IndexByte(foreign, c) >= 0 {
				s.foreignLine = s.line
			}
		} else {
			s.multi++
		}
		b = b[n:]
	}
	return nil
}

func (s *survey) verdict() (encoding, error) {
	switch {
	case s.broken == 0 && s.bom:
		return utf8WithBOM, nil
	case s.broken == 0:
		return utf8Text, nil
	case s.bom || s.multi > s.broken:
		return 0, refusef(s.brokenLine, "sheet.file.encoding",
			"The file is UTF-8, but line %d holds bytes that are not. Export it again in one encoding, UTF-8 or Windows-1252.", s.brokenLine)
	case s.foreignLine > 0:
		return 0, refusef(s.foreignLine, "sheet.file.encoding",
			"The file is neither UTF-8 nor Windows-1252 (see line %d). Save it as CSV in UTF-8 (in Excel: CSV UTF-8).", s.foreignLine)
	default:
		return windows1252, nil
	}
}
