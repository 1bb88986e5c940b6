package dossier

import (
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// index is a page without scripts and without anything to fetch.
var index = template.Must(template.New("").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Title}}</title>
<style>body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse;margin:0 0 1rem}
td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{background:#f3f6f6;white-space:nowrap}</style>
</head><body><h1>{{.Title}}</h1><p>{{.Lead}}</p>
{{range .Parts}}<h2>{{.Title}}</h2>
{{range .Rows}}<table>{{range .}}<tr><th scope="row">{{.Name}}</th><td>{{.Value}}</td></tr>{{end}}</table>{{else}}<p>{{$.None}}</p>
{{end}}{{end}}<h2>{{.Log}}</h2><p><a href="audit_entry.json">audit_entry.json</a></p></body></html>
`))

type cell struct{ Name, Value string }

type shown struct {
	Title string
	Rows  [][]cell
}

// overview writes the page that the JSON files are read by.
func overview(w io.Writer, lang string, now time.Time, parts []part) error {
	text := map[string]any{
		"Lang": "da", "Title": "Alt, der er gemt om dig", "None": "Intet.", "Log": "Log",
		"Lead": "Dannet " + now.UTC().Format("2006-01-02 15:04") + " UTC. Hvert afsnit er også en fil i JSON.",
	}
	if lang == "en" {
		text = map[string]any{
			"Lang": "en", "Title": "Everything that is stored about you", "None": "Nothing.", "Log": "Log",
			"Lead": "Made " + now.UTC().Format("2006-01-02 15:04") + " UTC. Each section is also a file in JSON.",
		}
	}
	var all []shown
	for _, p := range parts {
		one := shown{Title: p.danish}
		if lang == "en" {
			one.Title = p.english
		}
		for _, r := range p.rows {
			var cells []cell
			for _, name := range slices.Sorted(maps.Keys(r)) {
				if value := fmt.Sprint(r[name]); value != "" && name != "org_id" {
					cells = append(cells, cell{strings.ReplaceAll(name, "_", " "), value})
				}
			}
			one.Rows = append(one.Rows, cells)
		}
		all = append(all, one)
	}
	text["Parts"] = all
	return index.Execute(w, text)
}
