package oiosaml

import (
	"bytes"
	"compress/flate"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// What an XML document from outside may cost. The token limit counts elements,
// attributes, texts and comments; a real message has about 60, metadata 300.
// Distinct prefixes matter because canonicalisation copies the namespaces in
// scope at each element; goxmldsig itself stops at 1,000 elements.
const (
	maxMessage  = 256 << 10 // bytes of one message, inflated
	maxMetadata = 1 << 20   // bytes of one metadata file
	maxTokens   = 5000
	maxDepth    = 40
	maxPrefixes = 24
	maxElements = 1000 // of one message
)

// errMarkup is what parse's errors wrap: the bytes are no XML that we read.
var errMarkup = errors.New("not acceptable XML")

func markup(text string, args ...any) error {
	return fmt.Errorf("%w: %s", errMarkup, fmt.Sprintf(text, args...))
}

// parse is the only way from outside bytes to a tree: it refuses what is too
// large, too deep or more than plain UTF-8 XML (document type, processing
// instruction, doubled attribute, second root) before any tree is built.
// Errors: errMarkup only.
func parse(raw []byte, limit int) (*etree.Element, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if len(raw) > limit {
		return nil, markup("more than %d bytes", limit)
	}
	if !utf8.Valid(raw) {
		return nil, markup("not UTF-8")
	}
	if err := scan(raw); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.MaxDepth = maxDepth + 2
	err := doc.ReadFromBytes(raw)
	if err != nil {
		return nil, markup("%v", err)
	}
	if doc.Root() == nil {
		return nil, markup("no element")
	}
	return doc.Root(), nil
}

// tally is what scan has seen so far.
type tally struct {
	tokens, depth, roots int
	prefixes             map[string]bool
}

func scan(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw)) //nolint:gosec // tokens, of which add counts each: nothing is filled in
	seen := tally{prefixes: map[string]bool{}}
	for {
		first := d.InputOffset() == 0
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if seen.roots != 1 {
				return markup("no element")
			}
			return nil
		}
		if err != nil {
			return markup("%v", err)
		}
		if err := seen.add(token, first); err != nil {
			return err
		}
	}
}

func (t *tally) add(token xml.Token, first bool) error {
	t.tokens++
	switch token := token.(type) {
	case xml.Directive:
		return markup("a document type is not read")
	case xml.ProcInst:
		if token.Target != "xml" || !first {
			return markup("a processing instruction is not read")
		}
	case xml.CharData:
		if t.depth == 0 && len(bytes.TrimSpace(token)) > 0 {
			return markup("text outside the root element")
		}
	case xml.StartElement:
		if t.depth == 0 {
			t.roots++
		}
		t.depth++
		if err := t.attributes(token.Attr); err != nil {
			return err
		}
	case xml.EndElement:
		t.depth--
	}
	switch {
	case t.roots > 1:
		return markup("more than one root element")
	case t.depth > maxDepth:
		return markup("elements nested deeper than %d", maxDepth)
	case t.tokens > maxTokens:
		return markup("more than %d parts", maxTokens)
	case len(t.prefixes) > maxPrefixes:
		return markup("more than %d namespace prefixes", maxPrefixes)
	}
	return nil
}

// attributes refuses a name that comes twice in one element: readers differ in
// which of the two they keep.
func (t *tally) attributes(attrs []xml.Attr) error {
	t.tokens += len(attrs)
	if t.tokens > maxTokens {
		return markup("more than %d parts", maxTokens)
	}
	names := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		if names[a.Name] {
			return markup("attribute %s comes twice", a.Name.Local)
		}
		names[a.Name] = true
		if a.Name.Space == "xmlns" {
			t.prefixes[a.Name.Local] = true
		}
	}
	return nil
}

// inflate undoes the DEFLATE encoding of the Redirect binding, up to
// maxMessage bytes.
func inflate(packed []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	raw, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	if err != nil {
		return nil, markup("%v", err)
	}
	if len(raw) > maxMessage {
		return nil, markup("more than %d bytes", maxMessage)
	}
	return raw, nil
}

// is tells whether el is namespace:tag, whatever its prefix.
func is(el *etree.Element, namespace, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == namespace
}

// children returns the direct children namespace:tag in document order.
func children(el *etree.Element, namespace, tag string) []*etree.Element {
	var found []*etree.Element
	for _, c := range el.ChildElements() {
		if is(c, namespace, tag) {
			found = append(found, c)
		}
	}
	return found
}

// child returns the first direct child namespace:tag, nil when there is none or
// no el.
func child(el *etree.Element, namespace, tag string) *etree.Element {
	if el == nil {
		return nil
	}
	if all := children(el, namespace, tag); len(all) > 0 {
		return all[0]
	}
	return nil
}

// text returns all character data directly in el, trimmed, "" for nil. Text on
// both sides of a comment belongs together: an identifier must not end there.
func text(el *etree.Element) string {
	if el == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range el.Child {
		if data, ok := c.(*etree.CharData); ok {
			b.WriteString(data.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// attr returns the unprefixed attribute, "" when absent.
func attr(el *etree.Element, key string) string {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == key {
			return a.Value
		}
	}
	return ""
}

// count returns the number of elements in el, el included.
func count(el *etree.Element) int {
	n := 1
	for _, c := range el.ChildElements() {
		n += count(c)
	}
	return n
}
