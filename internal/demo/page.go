package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/adgang/adgang/internal/fault"
)

// Texts stand in the templates, both languages beside each other.
//
//go:embed templates/*.html
var templateFiles embed.FS

//go:embed style.css
var stylesheet []byte

const (
	danish  = "da"
	english = "en"
	// languageCookie keeps what ?lang= chose.
	languageCookie = "adgang_demo_lang"
)

// templates are parsed once for each language, which decides what t returns.
var templates = map[string]*template.Template{danish: parse(danish), english: parse(english)}

var languages = language.NewMatcher([]language.Tag{language.Danish, language.English})

var copenhagen = func() *time.Location {
	l, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err) // package mail embeds the zones
	}
	return l
}()

func parse(lang string) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"t": func(da, en string) string {
			if lang == english {
				return en
			}
			return da
		},
		"lang": func() string { return lang },
		"who":  who,
		"at":   func(t time.Time) string { return t.In(copenhagen).Format("2006-01-02 15:04:05") },
	}).ParseFS(templateFiles, "templates/*.html"))
}

// who reads an address line of a mail.
func who(line string) netmail.Address {
	a, err := netmail.ParseAddress(line)
	if err != nil {
		return netmail.Address{Name: line}
	}
	return *a
}

// view is what a page shows: a template, its data, and the status, 0 for 200.
// Without a template the request was answered already.
type view struct {
	template string
	Data     any
	Status   int
	Switch   string // address of the same page in the other language, "" for none
}

// page serves what show returns, in the language of the person. An error
// becomes a page too; what is not the person's fault is logged.
func (s *Service) page(show func(http.ResponseWriter, *http.Request) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v, err := show(w, r)
		if err != nil {
			v = view{template: "error.html", Status: http.StatusInternalServerError}
			switch fault.KindOf(err) {
			case fault.Absent:
				v.Status = http.StatusNotFound
			case fault.Denied, fault.Invalid:
				v.Status = http.StatusForbidden
			default:
				s.Log.ErrorContext(r.Context(), "page of the demo failed", "route", r.Pattern, "err", err)
			}
		}
		if v.template == "" {
			return
		}
		lang := s.language(w, r)
		if r.Method == http.MethodGet {
			v.Switch = other(lang, r.URL)
		}
		var body bytes.Buffer
		if err := templates[lang].ExecuteTemplate(&body, v.template, v); err != nil {
			s.Log.ErrorContext(r.Context(), "page of the demo failed", "route", r.Pattern, "err", err)
			http.Error(w, "Internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if v.Status != 0 {
			w.WriteHeader(v.Status)
		}
		_, _ = body.WriteTo(w)
	}
}

// language is what ?lang= says, now or in an earlier request, else what the
// browser prefers.
func (s *Service) language(w http.ResponseWriter, r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); templates[lang] != nil {
		http.SetCookie(w, s.cookie(languageCookie, "/demo/", lang, 365*24*time.Hour))
		return lang
	}
	if c, err := r.Cookie(languageCookie); err == nil && templates[c.Value] != nil {
		return c.Value
	}
	if _, i := language.MatchStrings(languages, r.Header.Get("Accept-Language")); i == 1 {
		return english
	}
	return danish
}

// other is the address of a page in the language that is not lang.
func other(lang string, page *url.URL) string {
	q := page.Query()
	q.Set("lang", english)
	if lang == english {
		q.Set("lang", danish)
	}
	return page.Path + "?" + q.Encode()
}

// cookie lives for life; 0 or less ends it.
func (s *Service) cookie(name, path, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure depends on the scheme that people use
		Name: name, Value: value, Path: path, MaxAge: int(life / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.BaseURL, "https:"),
	}
	if life <= 0 {
		c.MaxAge = -1
	}
	return c
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(stylesheet)
}

func absent(http.ResponseWriter, *http.Request) (view, error) {
	return view{}, fault.New(fault.Absent, "demo.page.absent", "There is no such page.")
}
