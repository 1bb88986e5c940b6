package setting

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Difference is one field of the document, "creation.required", that is not the
// same before and after; the values are as JSON writes them.
type Difference struct{ Field, Before, After string }

// differences compares field by field, sorted by name.
func differences(before, after Settings) []Difference {
	b, a := fields(before), fields(after)
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if b[name] != a[name] {
			all = append(all, Difference{name, b[name], a[name]})
		}
	}
	return all
}

// fields are the values of the document by name; groups are opened.
func fields(s Settings) map[string]string {
	document, err := json.Marshal(s)
	if err != nil {
		panic(err) // text, numbers and lists of them always marshal
	}
	flat := map[string]string{}
	flatten(flat, "", document)
	return flat
}

func flatten(into map[string]string, prefix string, document json.RawMessage) {
	var group map[string]json.RawMessage
	if json.Unmarshal(document, &group) != nil {
		into[strings.TrimSuffix(prefix, ".")] = string(document)
		return
	}
	for name, value := range group {
		flatten(into, prefix+name+".", value)
	}
}
