package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// described is one operation of openapi.yaml.
type described struct {
	method, path string // as in the file, "/batches/{id}"
	pattern      *regexp.Regexp
	operation    *openapi3.Operation
}

var contract = sync.OnceValues(func() ([]described, error) {
	spec, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	closeSchemas(spec)
	var all []described
	parameter := regexp.MustCompile(`\\\{\w+\\\}`)
	for path, item := range spec.Paths.Map() {
		pattern := regexp.MustCompile("^/api/v1" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
		for method, operation := range item.Operations() {
			all = append(all, described{method, path, pattern, operation})
		}
	}
	// An address of its own before one with a parameter in its place.
	slices.SortStableFunc(all, func(a, b described) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	return all, spec.Validate(context.Background())
})

// closeSchemas lets a property that the contract does not name fail: what is
// sent must be described. Parts of an allOf stay open for each other.
func closeSchemas(spec *openapi3.T) {
	parts := map[*openapi3.Schema]bool{}
	for _, ref := range spec.Components.Schemas {
		for _, part := range ref.Value.AllOf {
			parts[part.Value] = len(ref.Value.AllOf) > 1
		}
	}
	no := false
	for _, ref := range spec.Components.Schemas {
		if ref.Value.Type.Is("object") && !parts[ref.Value] {
			ref.Value.AdditionalProperties.Has = &no
		}
	}
}

func operations(t *testing.T) []described {
	t.Helper()
	all, err := contract()
	if err != nil || len(all) == 0 {
		t.Fatalf("openapi.yaml has %d operations: %v", len(all), err)
	}
	return all
}

// contractual is a transport under which every answer of the API must be one that
// openapi.yaml describes: status, content type and, of JSON, every property.
type contractual struct {
	t    *testing.T
	next http.RoundTripper
}

func (c contractual) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	if err != nil || res.StatusCode == http.StatusTemporaryRedirect { // to the one host
		return res, err
	}
	for _, d := range operations(c.t) {
		if d.method != r.Method || !d.pattern.MatchString(r.URL.Path) {
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		check(c.t, d, res, body)
		break
	}
	return res, nil
}

func check(t *testing.T, d described, res *http.Response, body []byte) {
	t.Helper()
	answer := d.operation.Responses.Status(res.StatusCode)
	if answer == nil {
		answer = d.operation.Responses.Default()
	}
	name := d.method + " " + d.path
	if answer == nil {
		t.Errorf("%s = %d, which openapi.yaml does not describe", name, res.StatusCode)
		return
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if len(answer.Value.Content) == 0 && len(body) == 0 {
		return
	}
	media := answer.Value.Content[kind]
	if media == nil {
		t.Errorf("%s = %d of type %q, which openapi.yaml does not describe", name, res.StatusCode, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Errorf("%s = %d: %v: %s", name, res.StatusCode, err, body)
		return
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s = %d is not as openapi.yaml says: %v\n%s", name, res.StatusCode, err, body)
	}
}
