package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
)

// sessionEnd: DELETE /api/v1/session?everywhere= -> 204 and no session, or 200
// LogoutBegun when services have to be logged out too.
func (s *Server) sessionEnd(c echo.Context) error {
	var sessions []string // none = all
	if c.QueryParam("everywhere") != "true" {
		sessions = []string{sessionOf(c).ID}
	}
	turn, err := s.Federation.LogOut(c.Request().Context(), actor(c), s.cookie(c, flowCookie), sessions...)
	if err != nil {
		return err
	}
	s.setCookie(c, sessionCookie, "")
	if turn.Flow == "" {
		return c.NoContent(http.StatusNoContent)
	}
	s.setCookie(c, flowCookie, turn.Cookie)
	return c.JSON(http.StatusOK, LogoutBegun{Continue: logoutPath(turn.Flow)})
}

// selfServices: GET /api/v1/me/services -> 200 SelfServiceList.
func (s *Server) selfServices(c echo.Context) error {
	parts, err := s.Federation.Parts(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := SelfServiceList{Items: []SelfService{}}
	for _, one := range parts {
		out.Items = append(out.Items, SelfService{ID: one.ID, Name: one.ServiceName, Since: one.CreatedAt, Here: one.SessionID == sessionOf(c).ID})
	}
	return c.JSON(http.StatusOK, out)
}

func logoutPath(flow string) string { return "/saml/logout?flow=" + url.QueryEscape(flow) }

// sloRedirect: GET /saml/idp/slo, a LogoutRequest or LogoutResponse of binding
// HTTP-Redirect -> 303 to /saml/logout, or to the service with a refusal.
func (s *Server) sloRedirect(c echo.Context) error {
	return s.takeLogoutRedirect(c, s.Federation.TakeLogout)
}

// sloPost: POST /saml/idp/slo, the same of binding HTTP-POST.
func (s *Server) sloPost(c echo.Context) error {
	return s.takeLogoutPost(c, s.Federation.TakeLogout)
}

// spLogoutRedirect: GET /saml/sp/slo, as sloRedirect, from an organisation's own
// identity provider.
func (s *Server) spLogoutRedirect(c echo.Context) error {
	return s.takeLogoutRedirect(c, s.LocalIdP.TakeLogout)
}

// spLogoutPost: POST /saml/sp/slo, the same of binding HTTP-POST.
func (s *Server) spLogoutPost(c echo.Context) error {
	return s.takeLogoutPost(c, s.LocalIdP.TakeLogout)
}

// logoutTaker is the party's side that takes a logout message in.
type logoutTaker func(ctx context.Context, m *oiosaml.LogoutMessage, cookie, address string) (federation.Turn, error)

func (s *Server) takeLogoutRedirect(c echo.Context, take logoutTaker) error {
	m, err := oiosaml.ReadLogoutRedirect(c.Request().URL.RawQuery)
	return s.takeLogout(c, take, m, err)
}

func (s *Server) takeLogoutPost(c echo.Context, take logoutTaker) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "federation.logout.malformed", "The logout message cannot be read. You may still be logged in to the service: close the browser to be safe.").Because(err)
	}
	m, err := oiosaml.ReadLogoutPost(r.PostForm)
	return s.takeLogout(c, take, m, err)
}

func (s *Server) takeLogout(c echo.Context, take logoutTaker, m *oiosaml.LogoutMessage, err error) error {
	if err != nil {
		return err
	}
	turn, err := take(c.Request().Context(), m, s.cookie(c, flowCookie), c.RealIP())
	switch {
	case err != nil:
		return err
	case turn.Move != nil:
		return s.move(c, *turn.Move)
	case turn.Cookie != "":
		s.setCookie(c, flowCookie, turn.Cookie)
	}
	if m.Answer || c.Request().Method == http.MethodPost {
		// Some browsers hold a form's redirects to its page's form-action, so the
		// chain that a form began ends here.
		return s.page(c, http.StatusOK, "onward.html", logoutPath(turn.Flow))
	}
	return c.Redirect(http.StatusSeeOther, logoutPath(turn.Flow))
}

// logoutShow: GET /saml/logout?flow=&answer=&skip= -> on to the next service, back
// to the one that asked, or the page that shows where the person was logged out.
// skip names the step that is given up.
func (s *Server) logoutShow(c echo.Context) error {
	ctx, flow, cookie := c.Request().Context(), c.QueryParam("flow"), s.cookie(c, flowCookie)
	if one := c.QueryParam("skip"); one != "" {
		if err := s.Federation.Skip(ctx, flow, cookie, one); err != nil {
			return err
		}
	}
	lang := s.pageLang(c)
	w, err := s.Federation.ContinueLogout(ctx, flow, cookie, c.QueryParam("answer") != "")
	if err != nil {
		return err
	}
	if w.Move != nil {
		return s.move(c, *w.Move)
	}
	return s.page(c, http.StatusOK, "logout.html", logoutView(w, lang))
}

// move sends the browser on as the message's binding wants it.
func (s *Server) move(c echo.Context, m oiosaml.Move) error {
	if m.Field == "" {
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusSeeOther, m.URL)
	}
	to, err := url.Parse(m.URL)
	if err != nil {
		return err
	}
	// The service's answer comes back along the form's redirects: 'self'.
	s.formsTo(c, to, " 'self'")
	return s.page(c, http.StatusOK, "post.html", m)
}

// pageLang is the language of a page outside the browser application: the one
// asked for by lang=, now or before, else what the browser prefers, else Danish.
func (s *Server) pageLang(c echo.Context) string {
	if l := c.QueryParam("lang"); l == "da" || l == "en" {
		s.setCookie(c, langCookie, l)
		return l
	}
	if l := s.cookie(c, langCookie); l == "da" || l == "en" {
		return l
	}
	for part := range strings.SplitSeq(c.Request().Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch l, _, _ := strings.Cut(strings.ToLower(tag), "-"); l {
		case "da", "nb", "nn", "no", "sv":
			return "da"
		case "en":
			return "en"
		}
	}
	return "da"
}

// logoutPage is what logout.html shows.
type logoutPage struct {
	Lang, Other string // of the page, and the one that it can be read in too
	Title       string
	Lead        string
	Steps       []logoutLine
	Current     *logoutLine // the one that is waited for
	Refresh     bool        // look again in a moment
	Partial     bool        // and over
	Flow        string
	BackTo      string // whom the person can go back to, "" = nobody
	Words       map[string]string
}

type logoutLine struct {
	ID, Name string
	State    string // done, failed or waiting
	Text     string
}

func logoutView(w federation.Walk, lang string) logoutPage {
	words := logoutWords[lang]
	v := logoutPage{Lang: lang, Other: map[string]string{"da": "en", "en": "da"}[lang], Flow: w.Logout.ID, Words: words, BackTo: w.Logout.BeganName}
	for _, one := range w.Steps {
		line := logoutLine{ID: one.ID, Name: one.Part.ServiceName, State: one.State, Text: words[one.State]}
		switch one.State {
		case federation.StepFailed:
			line.Text = words["note."+one.Note]
		case federation.StepAsked:
			line.State = federation.StepWaiting
		}
		v.Steps = append(v.Steps, line)
		if w.Current != nil && w.Current.ID == one.ID {
			v.Current = &line
		}
	}
	state := w.Logout.State
	if v.Current != nil {
		v.Refresh = true
	} else if state == federation.LogoutRunning {
		state = federation.LogoutPartial
	}
	v.Partial = state == federation.LogoutPartial
	v.Title, v.Lead = words["title."+state], words["lead."+state]
	return v
}

// logoutWords are the texts of the page by language.
var logoutWords = map[string]map[string]string{
	"da": {
		"title.running": "Du logges ud", "title.complete": "Du er logget ud", "title.partial": "Du er ikke logget ud alle steder",
		"lead.running":  "Du er logget ud af Adgang. Nu logges du ud af de tjenester, du var inde på.",
		"lead.complete": "Du er logget ud af Adgang og af alle de tjenester, du var inde på.",
		"lead.partial":  "Du er logget ud af Adgang, men ikke alle tjenester har bekræftet, at du er logget ud af dem. Luk browseren helt, så andre ikke kan bruge dem i dit navn.",
		"services":      "Tjenester", "service": "Tjeneste", "state": "Resultat",
		"done": "Logget ud", "asked": "Venter på svar", "waiting": "Venter",
		"note.no_logout": "Ikke logget ud: tjenesten kan ikke logge ud herfra", "note.no_answer": "Ikke bekræftet: tjenesten svarede ikke i tide",
		"note.skipped": "Ikke bekræftet: sprunget over", "note.refused": "Ikke logget ud: tjenesten afviste det", "note.removed": "Ikke logget ud: tjenesten er ikke længere registreret",
		"waitingFor": "Venter på svar fra", "skip": "Gå videre uden at vente", "again": "Siden ser efter igen om lidt.",
		"what": "Hvad skal jeg gøre?", "closeAll": "Luk alle browserens vinduer. Deler du computeren med andre, så log også ud af Windows eller macOS.",
		"back": "Gå tilbage til", "home": "Log ind igen", "language": "English",
	},
	"en": {
		"title.running": "You are being logged out", "title.complete": "You are logged out", "title.partial": "You are not logged out everywhere",
		"lead.running":  "You are logged out of Adgang. Now you are being logged out of the services that you were in.",
		"lead.complete": "You are logged out of Adgang and of every service that you were in.",
		"lead.partial":  "You are logged out of Adgang, but not every service has confirmed that you are logged out of it. Close the browser completely, so that nobody else can use them in your name.",
		"services":      "Services", "service": "Service", "state": "Result",
		"done": "Logged out", "asked": "Waiting for an answer", "waiting": "Waiting",
		"note.no_logout": "Not logged out: the service cannot be logged out from here", "note.no_answer": "Not confirmed: the service did not answer in time",
		"note.skipped": "Not confirmed: skipped", "note.refused": "Not logged out: the service refused", "note.removed": "Not logged out: the service is no longer registered",
		"waitingFor": "Waiting for an answer from", "skip": "Go on without waiting", "again": "The page will look again in a moment.",
		"what": "What should I do?", "closeAll": "Close all windows of the browser. If you share the computer, log out of Windows or macOS too.",
		"back": "Go back to", "home": "Log in again", "language": "Dansk",
	},
}
