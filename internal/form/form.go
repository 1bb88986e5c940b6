// Package form checks what people type, whichever page, file or call it comes by:
// an address or a reason is good in all of Adgang or in none of it.
package form

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// LeastReason is how many characters a reason has at least, as MitID Erhverv asks
// of reasons.
const LeastReason = 10

// Reason trims a reason, and tells whether it has LeastReason to most characters.
func Reason(text string, most int) (string, bool) {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	return text, n >= LeastReason && n <= most && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// Modulus11 tells whether a CVR number of eight digits has the check digit of
// Erhvervsstyrelsen's weights. Test data may fail it.
func Modulus11(cvr string) bool {
	weights := [...]int{2, 7, 6, 5, 4, 3, 2, 1}
	if len(cvr) != len(weights) || !Digits(cvr) {
		return false
	}
	sum := 0
	for i, weight := range weights {
		sum += weight * int(cvr[i]-'0')
	}
	return sum%11 == 0
}

// Digits tells whether s has nothing but the digits 0 to 9.
func Digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// Mail accepts one bare address of RFC 5321 in the dotted form, its
// internationalised kind (RFC 6531) included: no quoted local part, no address
// literal, a domain of two labels or more, at most 64 and 254 octets.
func Mail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 0 || at > 64 || len(s) > 254 {
		return false
	}
	for atom := range strings.SplitSeq(s[:at], ".") {
		if atom == "" || strings.IndexFunc(atom, notAtom) >= 0 {
			return false
		}
	}
	labels, last := 0, ""
	for label := range strings.SplitSeq(s[at+1:], ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.IndexFunc(label, notHost) >= 0 {
			return false
		}
		labels, last = labels+1, label
	}
	return labels > 1 && !Digits(last)
}

func notAtom(r rune) bool {
	if r < utf8.RuneSelf {
		return !alphanumeric(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return !unicode.IsPrint(r)
}

func notHost(r rune) bool {
	if r < utf8.RuneSelf {
		return !alphanumeric(r) && r != '-'
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
