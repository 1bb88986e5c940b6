package sheet

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/adgang/adgang/internal/form"
)

// birthOfCPR is the date of birth in the ten digits of a CPR number, by the
// century rule of the CPR office (digit 7 together with the year), and whether
// the number is fictitious: 60 added to the day, which no real number has. ok
// is false when there is no such day. Modulus 11 is not looked at: real numbers
// without it are issued since 2007.
func birthOfCPR(digits string) (born time.Time, fictitious, ok bool) {
	pair := func(i int) int { return int(digits[i]-'0')*10 + int(digits[i+1]-'0') }
	day, month, year := pair(0), pair(2), pair(4)
	if day > 60 {
		day, fictitious = day-60, true
	}
	switch c := digits[6]; {
	case c <= '3':
		year += 1900
	case (c == '4' || c == '9') && year <= 36:
		year += 2000
	case c == '4' || c == '9':
		year += 1900
	case year <= 57:
		year += 2000
	default:
		year += 1800
	}
	born, ok = dayOf(year, month, day)
	return born, fictitious, ok
}

// dayOf is midnight UTC of a day; ok is false when the calendar lacks it.
func dayOf(year, month, day int) (t time.Time, ok bool) {
	t = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day && t.Month() == time.Month(month)
}

// cprDigits are the ten digits of what has the shape of a CPR number:
// 0101364123, 010136-4123 or 010136 4123.
func cprDigits(s string) (string, bool) {
	if len(s) == 11 && (s[6] == '-' || s[6] == ' ') {
		s = s[:6] + s[7:]
	}
	return s, len(s) == 10 && form.Digits(s)
}

var cprLike = regexp.MustCompile(`(?:[0-2]\d|3[01]|[6-8]\d|9[01])(?:0\d|1[0-2])\d\d[-\s\x{A0}]?\d{4}`)

// maskCPR is how a finding repeats a cell of the CPR column: DDMMYY-xxxx, and
// of what has another shape nothing but the length and the punctuation.
func maskCPR(s string) string {
	if digits, ok := cprDigits(s); ok {
		return digits[:6] + "-xxxx"
	}
	return cut(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r):
			return 'x'
		case r < utf8.RuneSelf && unicode.IsPrint(r):
			return r
		default:
			return '?'
		}
	}, s), 20)
}

// Shown is how a finding repeats a cell of any other column. What reads as a
// CPR number is masked here too: in a shifted row, or in a file without a
// header, one turns up anywhere.
func Shown(s string) string {
	return cut(visible(cprLike.ReplaceAllStringFunc(s, func(m string) string { return m[:6] + "-xxxx" })), maxValue)
}

// Plain is any text as one line of at most 200 characters that a terminal or a
// table cell shows and does not act on.
func Plain(s string) string { return cut(visible(s), maxValue) }

func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return utf8.RuneError
	}, s)
}
