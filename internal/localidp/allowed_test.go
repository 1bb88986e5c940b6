package localidp_test

import (
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/testkit"
)

const off = "setting.authenticator.off"

// ways is an organisation where everything is set up for each way to log in, and
// only the settings decide.
type ways struct {
	*house

	mitID localidp.IdP
	ida   org.Employee // has a CPR number
	file  testkit.KeyFile
}

const (
	mitIDEntity = "https://mitid.example"
	idaCPR      = "0101804444"
)

func newWays(t *testing.T, db *bun.DB) *ways {
	t.Helper()
	w := &ways{house: newHouse(t, db)}
	w.file = w.Activate(t, w.Invite(t, w.company.Organisation, w.person))
	var err error
	w.mitID, err = w.LocalIdP.Register(t.Context(), w.company.Actor, localidp.Registration{
		Kind: localidp.NemLogin, Metadata: []byte(strings.Replace(metadata(), peer.Own, mitIDEntity, 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.on(t, w.mitID)
	w.ida, err = w.Org.Create(t.Context(), w.company.Actor, org.Person{GivenName: "Ida", Surname: "Iversen", Email: "ida@nordvind.example", CPR: idaCPR}, "")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// byFile logs in with a key file and returns the session's token.
func (w *ways) byFile(t *testing.T, file testkit.KeyFile) (string, error) {
	t.Helper()
	c, err := w.Credential.NewChallenge("")
	if err != nil {
		t.Fatal(err)
	}
	holder, err := w.Credential.LogIn(t.Context(), file.Answer(t, c))
	return holder.Token, err
}

// at logs in at a provider, and does what change does after each of its steps.
func (w *ways) at(t *testing.T, p localidp.IdP, change map[string]func()) (string, error) {
	t.Helper()
	done := func(step string) {
		if change[step] != nil {
			change[step]()
		}
	}
	begun, err := w.LocalIdP.Begin(t.Context(), p.ID, localidp.Heading{})
	if err != nil {
		return "", err
	}
	done("begun")
	arrival, err := w.LocalIdP.Answer(t.Context(), w.says(t, p, begun).Field(t), address)
	if err != nil {
		return "", err
	}
	done("answered")
	finished, err := w.LocalIdP.Finish(t.Context(), arrival.ID, begun.Cookie, address)
	return finished.Token, err
}

// says is what a provider answers: of Bo, or of Ida when it is MitID.
func (w *ways) says(t *testing.T, p localidp.IdP, begun localidp.Begun) peer.Login {
	t.Helper()
	l := w.login()
	l.InReplyTo = peer.Asked(t, begun.Sent.URL).SelectAttrValue("ID", "")
	if p.Kind == localidp.NemLogin {
		l.Issuer, l.Name = mitIDEntity, "ida"
		l.Attributes = map[string]string{oiosaml.AttrCPR: idaCPR, oiosaml.AttrLoA: "Substantial", oiosaml.AttrIAL: "Substantial"}
	}
	return l
}

// Each way to log in works where the organisation's settings allow it, and is refused
// where they do not, whatever else is set up. Employees have no passkeys: an
// organisation that chooses nothing else has chosen that nobody gets in but by ways
// that administrators keep.
func TestAllowedWaysToLogIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		w := newWays(t, db)
		admin := w.Activate(t, w.company.Invitation)
		logins := map[string]func() (string, error){
			setting.KeyFile:      func() (string, error) { return w.byFile(t, w.file) },
			setting.LocalIDP:     func() (string, error) { return w.at(t, w.idp, nil) },
			setting.PrivateMitID: func() (string, error) { return w.at(t, w.mitID, nil) },
		}
		for _, allowed := range setting.Authenticators {
			w.allow(t, allowed)
			for way, logIn := range logins {
				want := off
				if way == allowed {
					want = ""
				}
				before := len(w.verbs(t, "session.start"))
				token, err := logIn()
				if fault.CodeOf(err) != want || (err == nil) != (want == "") || (token == "") != (want != "") {
					t.Errorf("login by %s where %s is allowed = %q, %v, want %q", way, allowed, token, err, want)
				}
				if began := len(w.verbs(t, "session.start")) - before; (began == 1) != (want == "") {
					t.Errorf("login by %s where %s is allowed began %d sessions", way, allowed, began)
				}
			}
			can, err := w.LocalIdP.CanProve(t.Context(), w.company.ID)
			if err != nil || can != (allowed == setting.PrivateMitID) {
				t.Errorf("CanProve where %s is allowed = %v, %v", allowed, can, err)
			}
			if _, err := w.LocalIdP.BeginProof(t.Context(), w.ida, "/activate"); (err == nil) != can || !can && fault.CodeOf(err) != off {
				t.Errorf("BeginProof where %s is allowed = %v", allowed, err)
			}
			// Somebody must be able to choose again.
			if token, err := w.byFile(t, admin); err != nil || token == "" {
				t.Errorf("the administrator's key file where %s is allowed = %v", allowed, err)
			}
		}
	})
}

// A way that the organisation takes out while somebody is under way is refused at the
// next step, and the administrator sees why.
func TestWayTakenOutMeanwhile(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		w := newWays(t, db)
		for _, p := range []localidp.IdP{w.idp, w.mitID} {
			for _, step := range []string{"begun", "answered"} {
				w.allow(t, setting.KeyFile, setting.LocalIDP, setting.PrivateMitID)
				if _, err := w.at(t, p, nil); err != nil {
					t.Fatalf("%q: %v", p.Kind, err)
				}
				told := len(w.verbs(t, "idp.refuse"))
				token, err := w.at(t, p, map[string]func(){step: func() { w.allow(t, setting.KeyFile) }})
				if fault.CodeOf(err) != off || token != "" {
					t.Errorf("%q, taken out when the login had %s = %q, %v, want %s", p.Kind, step, token, err, off)
				}
				if notes := w.verbs(t, "idp.refuse"); len(notes) != told+1 || !strings.HasPrefix(notes[told], off) {
					t.Errorf("%q, %s: idp.refuse = %q", p.Kind, step, notes)
				}
				if now, err := w.LocalIdP.IdP(t.Context(), w.company.Actor, p.ID); err != nil || now.Failure != off {
					t.Errorf("%q, %s: the administrator sees %q, %v", p.Kind, step, now.Failure, err)
				}
			}
			// A test logs nobody in, so it tells about the provider and not of the settings.
			w.allow(t, setting.KeyFile)
			begun, err := w.LocalIdP.Test(t.Context(), w.company.Actor, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			arrival, err := w.LocalIdP.Answer(t.Context(), w.says(t, p, begun).Field(t), address)
			if err != nil {
				t.Fatal(err)
			}
			if shown, err := w.LocalIdP.Tested(t.Context(), w.company.Actor, p.ID, arrival.ID); err != nil || shown.Refusal != "" {
				t.Errorf("a test of %q = %+v, %v", p.Kind, shown, err)
			}
		}
	})
}
