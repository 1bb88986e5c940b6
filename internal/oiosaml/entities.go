package oiosaml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// What an aggregate may cost: it is split as a stream, and only the party that is
// wanted is read as a tree, under the limits of metadata.
const (
	MaxAggregate  = 16 << 20 // bytes
	maxParts      = 2_000_000
	maxEntities   = 5000
	aggregateDeep = 10 // of nested EntitiesDescriptors
)

// Entity is one party in a document that may hold several.
type Entity struct {
	EntityID string
	Service  bool   // it has a role as service provider
	Raw      []byte // an EntityDescriptor that stands by itself
}

// Entities splits metadata into its parties; a single EntityDescriptor is returned
// as it is. Namespaces, validUntil and cacheDuration that a party inherits from the
// groups around it are written into it. Signatures of groups are not looked at.
// Errors: fault.Invalid, codes federation.metadata.*.
func Entities(raw []byte, now time.Time) ([]Entity, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	malformed := func(cause error) error {
		return invalid("malformed", "The metadata cannot be read: it must be one XML document in UTF-8, without a document type.").Because(cause)
	}
	if len(raw) > MaxAggregate || !utf8.Valid(raw) {
		return nil, malformed(errMarkup)
	}
	s := splitter{raw: raw, now: now, d: xml.NewDecoder(bytes.NewReader(raw))} // tokens, each of which is counted: nothing is filled in
	err := s.run()
	if errors.Is(err, errMarkup) || errors.Is(err, errSyntax) {
		return nil, malformed(err)
	}
	if err != nil {
		return nil, err
	}
	if len(s.found) == 0 {
		return nil, invalid("malformed", "This is not SAML metadata: the document must be an EntityDescriptor, or a group of them.")
	}
	return s.found, nil
}

// Pick returns the party of an entityID, or the document itself when it holds one
// party only. Errors: as Entities, and federation.metadata.not_there.
func Pick(raw []byte, entityID string, now time.Time) ([]byte, error) {
	all, err := Entities(raw, now)
	if err != nil {
		return nil, err
	}
	if len(all) == 1 && !all[0].grouped(raw) {
		return raw, nil
	}
	for _, e := range all {
		if e.EntityID == entityID {
			return e.Raw, nil
		}
	}
	return nil, invalid("not_there", "The metadata describes %d parties, and %s is not one of them.", len(all), clip(entityID))
}

// grouped tells that a party stood in a group: then it is a copy with what it
// inherited.
func (e Entity) grouped(raw []byte) bool {
	return !bytes.Equal(e.Raw, bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
}

var errSyntax = errors.New("XML does not parse")

// group is one EntitiesDescriptor around what is read.
type group struct {
	spaces            map[string]string // prefix to namespace, "" is the default
	validUntil, cache string
}

type splitter struct {
	raw    []byte
	now    time.Time
	d      *xml.Decoder
	groups []group
	parts  int
	found  []Entity
}

// next reads one token and returns where it began.
func (s *splitter) next() (token xml.Token, at int64, err error) {
	at = s.d.InputOffset()
	token, err = s.d.Token()
	if errors.Is(err, io.EOF) {
		return nil, at, err
	}
	if err != nil {
		return nil, at, errors.Join(errSyntax, err)
	}
	s.parts++
	if start, ok := token.(xml.StartElement); ok {
		s.parts += len(start.Attr)
	}
	if s.parts > maxParts {
		return nil, at, markup("more than %d parts", maxParts)
	}
	switch token := token.(type) {
	case xml.Directive:
		return nil, at, markup("a document type is not read")
	case xml.ProcInst:
		if token.Target != "xml" || at != 0 {
			return nil, at, markup("a processing instruction is not read")
		}
	}
	return token, at, nil
}

func (s *splitter) run() error {
	for {
		token, at, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			err = s.start(token, at)
		case xml.EndElement:
			if len(s.groups) > 0 {
				s.groups = s.groups[:len(s.groups)-1]
			}
		}
		if err != nil {
			return err
		}
	}
}

func (s *splitter) start(el xml.StartElement, at int64) error {
	switch el.Name {
	case xml.Name{Space: nsMetadata, Local: "EntitiesDescriptor"}:
		if len(s.groups) >= aggregateDeep {
			return markup("groups nested deeper than %d", aggregateDeep)
		}
		return s.enter(el)
	case xml.Name{Space: nsMetadata, Local: "EntityDescriptor"}:
		return s.entity(el, at)
	}
	if len(s.groups) == 0 {
		return nil // not metadata; what is found stays empty
	}
	_, err := s.skip()
	return err
}

func (s *splitter) enter(el xml.StartElement) error {
	g := group{spaces: map[string]string{}}
	if len(s.groups) > 0 {
		last := s.groups[len(s.groups)-1]
		g.spaces, g.validUntil, g.cache = maps.Clone(last.spaces), last.validUntil, last.cache
	}
	maps.Copy(g.spaces, declared(el))
	if v := plainAttr(el, "validUntil"); v != "" {
		until, err := instant(v)
		if err != nil {
			return invalid("malformed", "The metadata's validUntil is not an instant: write it like 2027-01-31T12:00:00Z.").Because(err)
		}
		if !s.now.Before(until) {
			return invalid("expired", "The metadata was valid until %s: export it from the service again.", until.Format(time.DateOnly))
		}
		g.validUntil = v
	}
	if v := plainAttr(el, "cacheDuration"); v != "" {
		g.cache = v
	}
	if len(g.spaces) > maxPrefixes {
		return markup("more than %d namespace prefixes", maxPrefixes)
	}
	s.groups = append(s.groups, g)
	return nil
}

// skip reads to the end of the element that has just begun and returns the names of
// its direct children.
func (s *splitter) skip() (children []xml.Name, err error) {
	for depth := 1; depth > 0; {
		token, _, err := s.next()
		if err != nil {
			return nil, errors.Join(errSyntax, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth == 1 {
				children = append(children, token.Name)
			}
			if depth++; depth > maxDepth {
				return nil, markup("elements nested deeper than %d", maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	return children, nil
}

func (s *splitter) entity(el xml.StartElement, at int64) error {
	children, err := s.skip()
	if err != nil {
		return err
	}
	if len(s.found) >= maxEntities {
		return markup("more than %d parties", maxEntities)
	}
	e := Entity{
		EntityID: strings.TrimSpace(plainAttr(el, "entityID")),
		Service:  slices.Contains(children, xml.Name{Space: nsMetadata, Local: "SPSSODescriptor"}),
		Raw:      s.raw,
	}
	if len(s.groups) > 0 {
		e.Raw = s.groups[len(s.groups)-1].standalone(el, s.raw[at:s.d.InputOffset()])
	}
	s.found = append(s.found, e)
	return nil
}

// standalone writes into the start tag of element what it has from the groups.
func (g group) standalone(el xml.StartElement, element []byte) []byte {
	own := declared(el)
	w := xmlWriter{b: make([]byte, 0, len(element)+512)}
	end := bytes.IndexAny(element, " \t\r\n/>")
	w.b = append(w.b, element[:end]...)
	add := func(name, value string) {
		w.b = append(append(append(w.b, ' '), name...), '=', '"')
		w.escape(value, true)
		w.b = append(w.b, '"')
	}
	for _, prefix := range slices.Sorted(maps.Keys(g.spaces)) {
		if _, again := own[prefix]; again {
			continue
		}
		name := "xmlns"
		if prefix != "" {
			name += ":" + prefix
		}
		add(name, g.spaces[prefix])
	}
	if g.validUntil != "" && plainAttr(el, "validUntil") == "" {
		add("validUntil", g.validUntil)
	}
	if g.cache != "" && plainAttr(el, "cacheDuration") == "" {
		add("cacheDuration", g.cache)
	}
	return append(w.b, element[end:]...)
}

// declared are the namespaces that a start tag declares, by prefix.
func declared(el xml.StartElement) map[string]string {
	all := map[string]string{}
	for _, a := range el.Attr {
		switch {
		case a.Name.Space == "xmlns":
			all[a.Name.Local] = a.Value
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			all[""] = a.Value
		}
	}
	return all
}

func plainAttr(el xml.StartElement, name string) string {
	for _, a := range el.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
