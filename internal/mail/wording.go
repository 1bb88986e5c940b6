package mail

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/adgang/adgang/internal/fault"
)

const (
	maxSubject = 150   // characters
	maxBody    = 10000 // characters
)

// Wording is the subject and text of a kind of mail in one language, with its
// variables as {{name}}.
type Wording struct{ Subject, Body string }

var (
	variable     = regexp.MustCompile(`\{\{\s*([a-z_]+)\s*\}\}`)
	ownVariables = regexp.MustCompile(`\.([a-z_]+)`)
	ownActions   = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

// Variables lists what the words for a kind may use: what our own templates of
// it use, sorted.
func Variables(kind string) []string {
	found := map[string]bool{"name": true}
	for _, lang := range []string{Danish, English} {
		t := templates.Lookup(kind + "." + lang + ".txt")
		if t == nil {
			continue
		}
		for _, action := range ownActions.FindAllString(t.Root.String(), -1) {
			for _, use := range ownVariables.FindAllStringSubmatch(action, -1) {
				found[use[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Ours is the wording that holds for who has none of its own.
func Ours(kind, lang string) (Wording, error) {
	data := map[string]string{}
	for _, name := range Variables(kind) {
		data[name] = "{{" + name + "}}"
	}
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, kind+"."+lang+".txt", data); err != nil {
		return Wording{}, err
	}
	subject, body, _ := strings.Cut(text.String(), "\n")
	return Wording{subject, strings.TrimLeft(body, "\n")}, nil
}

// check brings w into its one form. Errors: fault.Invalid on subject or body.
func (w Wording) check(kind string) (Wording, error) {
	w.Subject = strings.Join(strings.Fields(w.Subject), " ")
	w.Body = strings.TrimSpace(strings.ReplaceAll(w.Body, "\r\n", "\n")) + "\n"
	for field, part := range map[string]struct {
		text string
		most int
	}{"subject": {w.Subject, maxSubject}, "body": {w.Body, maxBody}} {
		if n := utf8.RuneCountInString(part.text); strings.TrimSpace(part.text) == "" || n > part.most {
			return w, fault.New(fault.Invalid, "mail.template.length", "Write from 1 to %d characters here.", part.most).On(field)
		}
		if strings.ContainsFunc(part.text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			return w, fault.New(fault.Invalid, "mail.template.characters", "The text has characters that cannot be printed. Type it anew, or paste it as plain text.").On(field)
		}
		known := Variables(kind)
		for _, use := range variable.FindAllStringSubmatch(part.text, -1) {
			if !slices.Contains(known, use[1]) {
				return w, fault.New(fault.Invalid, "mail.template.variable", "%q is not a variable of this mail. Use %s.", use[1], strings.Join(known, ", ")).On(field)
			}
		}
		if rest := variable.ReplaceAllString(part.text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
			return w, fault.New(fault.Invalid, "mail.template.braces", "Write a variable as {{name}}: two braces before and after it.").On(field)
		}
		if field == "subject" && strings.Contains(part.text, "{{") && slices.ContainsFunc(variable.FindAllStringSubmatch(part.text, -1), func(use []string) bool { return use[1] == "link" }) {
			return w, fault.New(fault.Invalid, "mail.template.link_subject", "The link belongs in the text: a subject is shown where others can see it.").On(field)
		}
	}
	for _, name := range []string{"link", "url"} {
		if slices.Contains(Variables(kind), name) && !uses(w.Body, name) {
			return w, fault.New(fault.Invalid, "mail.template.link", "The text must contain %q: without it the receiver cannot do what the mail asks.", "{{"+name+"}}").On("body")
		}
	}
	return w, nil
}

func uses(text, name string) bool {
	return slices.ContainsFunc(variable.FindAllStringSubmatch(text, -1), func(use []string) bool { return use[1] == name })
}

// fill puts values in place of the variables; a value that has the form of a
// variable stays as it is.
func (w Wording) fill(data map[string]string) (subject, body string) {
	put := func(text string) string {
		return variable.ReplaceAllStringFunc(text, func(use string) string {
			return data[variable.FindStringSubmatch(use)[1]]
		})
	}
	return put(w.Subject), put(w.Body)
}

// sample is made-up data of a message of a kind, for a preview.
func sample(kind, lang, organisation, link string, now time.Time) Message {
	params := map[string]string{}
	words := map[string][2]string{
		"right": {"Læse", "Read"}, "service": {"Byggesager", "Building cases"}, "reason": {"Ny opgave", "A new task"},
		"employee": {"Bo Holm", "Bo Holm"}, "days": {"30", "30"}, "count": {"3", "3"}, "serial": {"4f1c", "4f1c"},
	}
	for _, name := range Variables(kind) {
		at := 0
		if lang == English {
			at = 1
		}
		switch text, known := words[name]; {
		case name == "organisation":
			params[name] = organisation
		case name == "url" || name == "address":
			params[name] = link
		case known:
			params[name] = text[at]
		default:
			params[name] = name
		}
	}
	for _, name := range kinds[kind].instants {
		params[name] = now.AddDate(0, 0, 30).UTC().Format(time.RFC3339)
	}
	for _, name := range kinds[kind].params {
		if params[name] == "" {
			params[name] = name
		}
	}
	document, err := json.Marshal(params)
	if err != nil {
		panic(err) // strings always marshal
	}
	return Message{Kind: kind, Lang: lang, Name: "Åse Ørsted", Params: string(document), QueuedAt: now}
}

func known(kind, lang string) error {
	if _, ok := kinds[kind]; !ok {
		return fault.New(fault.Absent, "mail.kind.absent", "There is no kind of mail %q.", kind)
	}
	if lang != Danish && lang != English {
		return fault.New(fault.Invalid, "mail.language.unknown", "Mails are in da or en, not in %q.", lang).On("lang")
	}
	return nil
}

// personal tells whether messages of a kind have a link of their own; such are
// always sent.
func personal(kind string) bool { return kinds[kind].page != "" }

func describe(kind, lang string) string { return fmt.Sprintf("mail_template:%s.%s", kind, lang) }
