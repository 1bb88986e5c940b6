package oiosaml

import (
	"encoding/base64"
	"unicode/utf8"
)

// xmlWriter writes XML that is its own exclusive canonical form (W3C
// xml-exc-c14n): no declaration, no empty-element tags, canonical escapes. The
// caller gives namespace declarations first, then attributes in order of name,
// and declares a prefix where it is first used.
type xmlWriter struct{ b []byte }

// open writes a start tag; pairs are attribute names and values in turn.
func (w *xmlWriter) open(tag string, pairs ...string) {
	w.b = append(append(w.b, '<'), tag...)
	for i := 0; i+1 < len(pairs); i += 2 {
		w.b = append(append(append(w.b, ' '), pairs[i]...), '=', '"')
		w.escape(pairs[i+1], true)
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, '>')
}

func (w *xmlWriter) close(tag string) {
	w.b = append(append(append(w.b, '<', '/'), tag...), '>')
}

// leaf writes an element that holds only text.
func (w *xmlWriter) leaf(tag, text string, pairs ...string) {
	w.open(tag, pairs...)
	w.escape(text, false)
	w.close(tag)
}

// base64 writes an element that holds data, which needs no escapes.
func (w *xmlWriter) base64(tag string, data []byte) {
	w.open(tag)
	w.b = base64.StdEncoding.AppendEncode(w.b, data)
	w.close(tag)
}

// escape follows Canonical XML 1.0 section 2.3. What XML 1.0 cannot hold at all
// (control characters, broken UTF-8) becomes U+FFFD.
func (w *xmlWriter) escape(s string, attribute bool) {
	for _, r := range s {
		switch {
		case r == '&':
			w.b = append(w.b, "&amp;"...)
		case r == '<':
			w.b = append(w.b, "&lt;"...)
		case r == '>' && !attribute:
			w.b = append(w.b, "&gt;"...)
		case r == '"' && attribute:
			w.b = append(w.b, "&quot;"...)
		case r == '\t' && attribute:
			w.b = append(w.b, "&#x9;"...)
		case r == '\n' && attribute:
			w.b = append(w.b, "&#xA;"...)
		case r == '\r':
			w.b = append(w.b, "&#xD;"...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			w.b = utf8.AppendRune(w.b, utf8.RuneError)
		default:
			w.b = utf8.AppendRune(w.b, r)
		}
	}
}
