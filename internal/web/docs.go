package web

import (
	"cmp"
	_ "embed"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
)

//go:embed openapi.yaml
var contractYAML []byte

// contract: GET /api/v1/openapi.yaml -> 200 the contract itself.
func (s *Server) contract(c echo.Context) error {
	return c.Blob(http.StatusOK, "application/yaml", contractYAML)
}

// operation is one call as the documentation page shows it.
type operation struct {
	Method, Path, ID, Tag, Summary, Description string
	Open                                        bool // needs no login
	Parameters                                  []docField
	Body                                        string // schema or content type
	Answers                                     []docAnswer
}

type docField struct {
	Name, Place, Type, Description string
	Required                       bool
}

type docAnswer struct{ Status, Schema, Description string }

type docSchema struct {
	Name, Description string
	Values            []any // of an enumeration
	Fields            []docField
}

type documentation struct {
	Title, Description string
	Operations         []operation
	Schemas            []docSchema
}

var document = sync.OnceValues(func() (documentation, error) {
	spec, err := openapi3.NewLoader().LoadFromData(contractYAML)
	if err != nil {
		return documentation{}, err
	}
	d := documentation{Title: spec.Info.Title, Description: spec.Info.Description}
	order := map[string]int{}
	for i, tag := range spec.Tags {
		order[tag.Name] = i
	}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			d.Operations = append(d.Operations, describe(method, path, item, op))
		}
	}
	slices.SortFunc(d.Operations, func(a, b operation) int {
		return cmp.Or(order[a.Tag]-order[b.Tag], strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	for name, ref := range spec.Components.Schemas {
		d.Schemas = append(d.Schemas, docSchema{
			Name: name, Description: ref.Value.Description, Values: ref.Value.Enum, Fields: fieldsOf(ref),
		})
	}
	slices.SortFunc(d.Schemas, func(a, b docSchema) int { return strings.Compare(a.Name, b.Name) })
	return d, nil
})

func describe(method, path string, item *openapi3.PathItem, op *openapi3.Operation) operation {
	out := operation{
		Method: method, Path: "/api/v1" + path, ID: op.OperationID, Tag: strings.Join(op.Tags, " "), Summary: op.Summary,
		Description: op.Description, Open: op.Security != nil && len(*op.Security) == 0,
	}
	for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
		out.Parameters = append(out.Parameters, docField{
			Name: p.Value.Name, Place: p.Value.In, Type: typeOf(p.Value.Schema), Description: p.Value.Description, Required: p.Value.Required,
		})
	}
	if op.RequestBody != nil {
		for kind, media := range op.RequestBody.Value.Content {
			if out.Body = kind; strings.HasSuffix(kind, "json") {
				out.Body = typeOf(media.Schema)
			}
		}
	}
	for status, answer := range op.Responses.Map() {
		one := docAnswer{Status: status}
		if answer.Value.Description != nil {
			one.Description = *answer.Value.Description
		}
		for kind, media := range answer.Value.Content {
			if one.Schema = kind; strings.HasSuffix(kind, "json") {
				one.Schema = typeOf(media.Schema)
			}
		}
		out.Answers = append(out.Answers, one)
	}
	slices.SortFunc(out.Answers, func(a, b docAnswer) int { return strings.Compare(a.Status, b.Status) })
	return out
}

func fieldsOf(ref *openapi3.SchemaRef) []docField {
	var fields []docField
	for _, part := range ref.Value.AllOf {
		fields = append(fields, fieldsOf(part)...)
	}
	for name, p := range ref.Value.Properties {
		fields = append(fields, docField{
			Name: name, Type: typeOf(p), Description: p.Value.Description, Required: slices.Contains(ref.Value.Required, name),
		})
	}
	slices.SortFunc(fields, func(a, b docField) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// typeOf names a schema in a word or two.
func typeOf(ref *openapi3.SchemaRef) string {
	if ref == nil {
		return ""
	}
	if ref.Ref != "" {
		return ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:]
	}
	v := ref.Value
	name := strings.Join(v.Type.Slice(), " ")
	switch {
	case len(v.AllOf) == 1:
		name = typeOf(v.AllOf[0])
	case v.Items != nil:
		name = "list of " + typeOf(v.Items)
	case v.Format != "":
		name = v.Format
	}
	if v.Nullable {
		name += " or null"
	}
	return name
}

// docs: GET /api/docs -> 200 the contract as a page.
func (s *Server) docs(c echo.Context) error {
	d, err := document()
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, "docs.html", d)
}
