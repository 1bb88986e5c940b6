package sheet

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/adgang/adgang/internal/form"
)

// trouble is why a cell cannot be meant.
type trouble int

const (
	none trouble = iota
	controlCharacter
	unreadable
)

// cleaned is a cell in NFC without blanks at its ends, with every inner run of
// blanks as one space and without the invisible characters that come along
// when text is copied from elsewhere.
func cleaned(s string) (string, trouble) {
	if plain(s) {
		return s, none
	}
	var b strings.Builder
	gap := false
	for _, r := range strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) }) {
		switch {
		case r == utf8.RuneError:
			return "", unreadable
		case invisible(r):
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return "", controlCharacter
		case unicode.IsSpace(r):
			gap = true
		default:
			if gap {
				b.WriteByte(' ')
				gap = false
			}
			b.WriteRune(r)
		}
	}
	out := norm.NFC.String(b.String())
	if mojibake.Replace(out) != out {
		return "", unreadable
	}
	return out, none
}

// empty reports whether nothing is left of a cell when it is cleaned.
func empty(s string) bool {
	for _, r := range s {
		if !unicode.IsSpace(r) && !invisible(r) {
			return false
		}
	}
	return true
}

// mojibake are the letters æøåÆØÅ in UTF-8 that were read as Windows-1252 and
// saved again.
var mojibake = strings.NewReplacer("Ã¦", "", "Ã¸", "", "Ã¥", "", "Ã†", "", "Ã˜", "", "Ã…", "")

// plain reports the usual cell, that cleaning leaves as it is: printable ASCII
// with single spaces inside.
func plain(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		b := s[i]
		if b < ' ' || b > '~' || b == ' ' && before == ' ' {
			return false
		}
		before = b
	}
	return s == "" || before != ' '
}

// invisible are the zero-width and soft characters without a meaning of their
// own in these cells.
func invisible(r rune) bool {
	return r == '\u00AD' || r >= '\u200B' && r <= '\u200D' || r == '\u2060' || r == '\uFEFF'
}

func runes(s string) int { return utf8.RuneCountInString(s) }

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func hasLetter(s string) bool { return strings.IndexFunc(s, unicode.IsLetter) >= 0 }

// validPhone is loose: people write telephone numbers in many ways.
func validPhone(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i <= 1, strings.ContainsRune(" -.()/", r):
		default:
			return false
		}
	}
	return digits >= 5 && digits <= 15 && len(s) <= 32
}

// parseDay reads dd-mm-yyyy, dd.mm.yyyy, dd/mm/yyyy and yyyy-mm-dd; day and
// month may have one digit.
func parseDay(s string) (time.Time, bool) {
	sep := strings.IndexAny(s, "-./")
	if sep < 0 {
		return time.Time{}, false
	}
	parts := strings.Split(s, s[sep:sep+1])
	if len(parts) != 3 {
		return time.Time{}, false
	}
	if len(parts[0]) == 4 && s[sep] == '-' {
		parts[0], parts[2] = parts[2], parts[0]
	}
	if len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 {
		return time.Time{}, false
	}
	var n [3]int
	for i, p := range parts {
		if p == "" || !form.Digits(p) {
			return time.Time{}, false
		}
		for _, d := range []byte(p) {
			n[i] = n[i]*10 + int(d-'0')
		}
	}
	return dayOf(n[2], n[1], n[0])
}
