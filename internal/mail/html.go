package mail

import (
	"bytes"
	"html/template"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// page is the HTML part: the logo and the text, nothing that has to be fetched.
var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:24px;background:#fff;color:#1a1a1a;font:16px/1.5 Arial,sans-serif">
<div style="max-width:640px">
<p><img src="cid:logo" alt="{{.Organisation}}" style="max-width:240px;max-height:96px;height:auto;border:0"></p>
{{range .Paragraphs}}<p>{{range .}}{{if .Break}}<br>{{else if .Link}}<a href="{{.Text}}">{{.Text}}</a>{{else}}{{.Text}}{{end}}{{end}}</p>
{{end}}</div></body></html>
`))

// piece is a run of text, a link or the end of a line.
type piece struct {
	Text        string
	Link, Break bool
}

// withLogo adds the HTML part. Only our own links become such: a name that looks
// like an address stays text.
func (s *Service) withLogo(msg *gomail.Msg, m Message, logo *Logo, subject, body string) error {
	var paragraphs [][]piece
	for text := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		var pieces []piece
		for i, line := range strings.Split(text, "\n") {
			if i > 0 {
				pieces = append(pieces, piece{Break: true})
			}
			line = strings.TrimSpace(line)
			pieces = append(pieces, piece{Text: line, Link: strings.HasPrefix(line, s.BaseURL+"/") && !strings.Contains(line, " ")})
		}
		paragraphs = append(paragraphs, pieces)
	}
	var html bytes.Buffer
	err := page.Execute(&html, map[string]any{
		"Lang": m.Lang, "Subject": subject, "Organisation": m.params()["organisation"], "Paragraphs": paragraphs,
	})
	if err != nil {
		return err
	}
	msg.AddAlternativeString(gomail.TypeTextHTML, html.String())
	name := "logo." + strings.TrimPrefix(logo.MediaType, "image/")
	return msg.EmbedReader(name, bytes.NewReader(logo.Image),
		gomail.WithFileContentID("logo"), gomail.WithFileContentType(gomail.ContentType(logo.MediaType)))
}
