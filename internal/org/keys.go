package org

import (
	"encoding/hex"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// Fold makes text comparable in both engines: lower case, accents taken off
// other letters than æ and ø, and å written as aa, its older spelling. (Not the
// other way: what somebody has typed so far may end between the two.)
func Fold(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	for _, r := range norm.NFC.String(strings.ToLower(s)) {
		switch {
		case r < utf8.RuneSelf || r == 'æ' || r == 'ø':
			out.WriteRune(r)
		case r == 'å':
			out.WriteString("aa")
		default:
			for _, part := range norm.NFD.String(string(r)) {
				if !unicode.Is(unicode.Mn, part) {
					out.WriteRune(part)
				}
			}
		}
	}
	return out.String()
}

type collator struct {
	*collate.Collator
	buf collate.Buffer
}

var collators = sync.Pool{New: func() any {
	return &collator{Collator: collate.New(language.Danish, collate.IgnoreCase)}
}}

// SortKey orders names as the Danish dictionary does (æ, ø, å last, aa as å),
// in both engines: the collation key in hex.
func SortKey(name string) string {
	c := collators.Get().(*collator)
	defer collators.Put(c)
	c.buf.Reset()
	return hex.EncodeToString(c.KeyFromString(&c.buf, name))
}
