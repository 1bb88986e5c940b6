package demo

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/adgang/adgang/internal/mail"
)

// pageMails is the length of a page of the mailbox, scan how many mails a
// search reads at a time.
const (
	pageMails = 50
	scan      = 500
)

// inbox is a page of the mailbox.
type inbox struct {
	Query string
	Mails []mail.Mail
	Older string // address of the next page, "" at the end
	First bool   // nothing newer is left out
}

// mails: GET /demo/mail?q=&after= -> the mails, newest first; q is in the
// address, the name or the subject.
func (s *Service) mails(_ http.ResponseWriter, r *http.Request) (view, error) {
	q, after := strings.TrimSpace(r.URL.Query().Get("q")), r.URL.Query().Get("after")
	found, next, err := s.find(q, after)
	box := inbox{Query: q, Mails: found, First: after == ""}
	if next != "" {
		box.Older = "/demo/mail?" + url.Values{"q": {q}, "after": {next}}.Encode()
	}
	return view{template: "mails.html", Data: box}, err
}

// find returns a page of mails that contain q, and the cursor of the next.
func (s *Service) find(q, cursor string) (found []mail.Mail, next string, err error) {
	if q == "" {
		return s.Mails.Mails(cursor, pageMails)
	}
	q = strings.ToLower(q)
	for {
		some, more, err := s.Mails.Mails(cursor, scan)
		if err != nil {
			return nil, "", err
		}
		for i, m := range some {
			if !strings.Contains(strings.ToLower(m.To+"\n"+m.Subject), q) {
				continue
			}
			found = append(found, m)
			if len(found) == pageMails && (i+1 < len(some) || more != "") {
				return found, m.ID, nil
			}
		}
		if more == "" {
			return found, "", nil
		}
		cursor = more
	}
}

// letter is one mail; its body is cut where links to Adgang begin and end.
type letter struct {
	mail.Mail
	Parts []part
}

type part struct {
	Text string
	Link bool
}

// mail: GET /demo/mail/{id} -> one mail.
func (s *Service) mail(_ http.ResponseWriter, r *http.Request) (view, error) {
	m, err := s.Mails.Mail(r.PathValue("id"))
	return view{template: "mail.html", Data: letter{m, s.links(m.Body)}}, err
}

// links finds the addresses below BaseURL. No others become links: a name in a
// mail may look like one.
func (s *Service) links(body string) []part {
	var parts []part
	at := 0
	for _, hit := range regexp.MustCompile(regexp.QuoteMeta(s.BaseURL)+`/[\w/#?&=%.~+-]*[\w/]`).FindAllStringIndex(body, -1) {
		parts = append(parts, part{Text: body[at:hit[0]]}, part{Text: body[hit[0]:hit[1]], Link: true})
		at = hit[1]
	}
	return append(parts, part{Text: body[at:]})
}
