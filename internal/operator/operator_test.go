package operator_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/operator"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/testkit"
)

const origin = "https://adgang.example"

var rp = virtualwebauthn.RelyingParty{Name: "Adgang", ID: "adgang.example", Origin: origin}

func newService(t *testing.T, db *bun.DB) (*operator.Service, *testkit.Clock) {
	t.Helper()
	keys, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	clock := testkit.NewClock()
	return &operator.Service{DB: db, Keys: keys, Now: clock.Now, Log: slog.New(slog.DiscardHandler), BaseURL: origin}, clock
}

// device is an operator's authenticator.
type device struct {
	virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
}

func newDevice(t *testing.T, id string) *device {
	t.Helper()
	d := &device{
		Authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(id)}),
		key:           testkit.Passkey(t),
	}
	d.AddCredential(d.key)
	return d
}

func (d *device) register(t *testing.T, s *operator.Service, token string) error {
	t.Helper()
	_, options, cookie, err := s.BeginSetUp(t.Context(), token)
	if err != nil {
		return err
	}
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return s.FinishSetUp(t.Context(), token, cookie, []byte(virtualwebauthn.CreateAttestationResponse(rp, d.Authenticator, d.key, *asked)), "192.0.2.1")
}

func (d *device) logIn(t *testing.T, s *operator.Service, at virtualwebauthn.RelyingParty) (string, error) {
	t.Helper()
	options, cookie, err := s.BeginLogin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asked, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return s.FinishLogin(t.Context(), cookie, []byte(virtualwebauthn.CreateAssertionResponse(at, d.Authenticator, d.key, *asked)), "192.0.2.1")
}

// ready is an operator with a passkey.
func ready(t *testing.T, s *operator.Service, email string) (operator.Operator, *device) {
	t.Helper()
	o, token, err := s.Add(t.Context(), access.Host(), email, "Olga Operatør")
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, o.ID)
	if err := d.register(t, s, token); err != nil {
		t.Fatalf("register = %v", err)
	}
	return o, d
}

func TestAPasskeyLogsIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, clock := newService(t, db)
		o, d := ready(t, s, "Olga@Drift.example")
		token, err := d.logIn(t, s, rp)
		if err != nil {
			t.Fatalf("login = %v", err)
		}
		by, who, _, err := s.Actor(t.Context(), token, "192.0.2.1")
		if err != nil || by.ID != "operator:"+o.ID || by.OrgID != "" || by.NeedOperator() != nil || who.Email != "olga@drift.example" {
			t.Errorf("Actor = %+v, %v", by, err)
		}
		if !s.CSRFValid(token, s.CSRF(token)) || s.CSRFValid(token, "") || s.CSRFValid("other", s.CSRF(token)) {
			t.Error("the write token is not the session's own")
		}
		for table, rows := range testkit.Contents(t, db) {
			if strings.Contains(strings.Join(rows, "\n"), token) {
				t.Errorf("the session's token is in %s", table)
			}
		}
		clock.Move(29 * time.Minute)
		if _, _, _, err := s.Actor(t.Context(), token, ""); err != nil {
			t.Errorf("after 29 minutes: %v", err)
		}
		clock.Move(31 * time.Minute)
		if _, _, _, err := s.Actor(t.Context(), token, ""); fault.CodeOf(err) != "operator.session.none" {
			t.Errorf("after 31 minutes without use: %v", err)
		}
		if err := s.DropEnded(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := testkit.Contents(t, db)["operator_session"]; len(left) != 0 {
			t.Errorf("%d sessions are left", len(left))
		}
		var verbs []string
		entries, err := audit.Of(t.Context(), db, "", "operator:"+o.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			verbs = append(verbs, e.Verb)
		}
		if got := strings.Join(verbs, " "); got != "operator.add operator.set_up operator_session.start" {
			t.Errorf("audit = %s", got)
		}
	})
}

func TestWhatDoesNotLogIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, clock := newService(t, db)
		o, d := ready(t, s, "a@drift.example")
		other := newDevice(t, o.ID)
		unverified := *d
		unverified.Options.UserNotVerified = true
		elsewhere := virtualwebauthn.RelyingParty{Name: "Adgang", ID: "adgang.example", Origin: "https://evil.example"}
		for name, try := range map[string]func() (string, error){
			"another key":              func() (string, error) { return other.logIn(t, s, rp) },
			"a device without its PIN": func() (string, error) { return unverified.logIn(t, s, rp) },
			"a page of another origin": func() (string, error) { return d.logIn(t, s, elsewhere) },
			"nonsense": func() (string, error) {
				_, cookie, _ := s.BeginLogin(t.Context())
				return s.FinishLogin(t.Context(), cookie, []byte("{}"), "")
			},
		} {
			if token, err := try(); fault.CodeOf(err) != "operator.passkey.refused" || token != "" {
				t.Errorf("%s = %v", name, err)
			}
		}
		options, cookie, err := s.BeginLogin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		asked, _ := virtualwebauthn.ParseAssertionOptions(string(options))
		response := []byte(virtualwebauthn.CreateAssertionResponse(rp, d.Authenticator, d.key, *asked))
		if _, err := s.FinishLogin(t.Context(), "another browser", response, ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("another browser's answer = %v", err)
		}
		clock.Move(5 * time.Minute)
		if _, err := s.FinishLogin(t.Context(), cookie, response, ""); fault.KindOf(err) != fault.Conflict {
			t.Errorf("an answer after five minutes = %v", err)
		}
		if left := testkit.Contents(t, db)["operator_session"]; len(left) != 0 {
			t.Errorf("%d sessions were started", len(left))
		}
	})
}

func TestASetUpLinkWorksOnceForADay(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, clock := newService(t, db)
		o, first, err := s.Add(t.Context(), access.Host(), "a@drift.example", "A")
		if err != nil {
			t.Fatal(err)
		}
		clock.Move(24 * time.Hour)
		if err := newDevice(t, o.ID).register(t, s, first); fault.CodeOf(err) != "operator.link.unknown" {
			t.Errorf("a day later = %v", err)
		}
		again, second, err := s.Add(t.Context(), access.Host(), "a@drift.example", "A B")
		if err != nil || again.ID != o.ID {
			t.Fatalf("Add again = %+v, %v, want the same account", again, err)
		}
		if err := newDevice(t, o.ID).register(t, s, second); err != nil {
			t.Errorf("the new link = %v", err)
		}
		if err := newDevice(t, o.ID).register(t, s, second); fault.KindOf(err) != fault.Absent {
			t.Errorf("the link again = %v", err)
		}
		if _, _, err := s.Add(t.Context(), access.Host(), "a@drift.example", "A"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("Add of an account in use = %v", err)
		}
		if n := len(testkit.Contents(t, db)["operator_passkey"]); n != 1 {
			t.Errorf("%d passkeys, want 1", n)
		}
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s, _ := newService(t, db)
		o, d := ready(t, s, "a@drift.example")
		p, _ := ready(t, s, "b@drift.example")
		token, err := d.logIn(t, s, rp)
		if err != nil {
			t.Fatal(err)
		}
		by, _, _, _ := s.Actor(t.Context(), token, "")
		for _, tc := range []struct {
			name string
			by   access.Actor
			id   string
			want fault.Kind
		}{
			{"a tenant's administrator", access.System("org"), p.ID, fault.Denied},
			{"oneself", by, o.ID, fault.Conflict},
			{"nobody", by, "none", fault.Absent},
			{"another", access.Actor{ID: "operator:" + p.ID, Operator: true}, o.ID, 0},
			{"again", access.Host(), o.ID, fault.Absent},
		} {
			if err := s.Remove(t.Context(), tc.by, tc.id); fault.KindOf(err) != tc.want {
				t.Errorf("%s: Remove = %v, want kind %d", tc.name, err, tc.want)
			}
		}
		if _, _, _, err := s.Actor(t.Context(), token, ""); fault.KindOf(err) != fault.Denied {
			t.Errorf("the removed operator's session = %v", err)
		}
		if _, err := d.logIn(t, s, rp); fault.KindOf(err) != fault.Denied {
			t.Errorf("the removed operator's login = %v", err)
		}
		left, err := s.Operators(t.Context(), access.Host())
		if err != nil || len(left) != 1 || left[0].ID != p.ID {
			t.Errorf("Operators = %+v, %v", left, err)
		}
		if _, err := s.Operators(t.Context(), access.System("org")); fault.KindOf(err) != fault.Denied {
			t.Errorf("Operators for a tenant = %v", err)
		}
		for _, bad := range [][2]string{{"", "A"}, {"a b@x.dk", "A"}, {"a@x.dk", " "}, {"A <a@x.dk>", "A"}, {"a@x.dk", strings.Repeat("æ", 201)}} {
			if _, _, err := s.Add(t.Context(), access.Host(), bad[0], bad[1]); fault.KindOf(err) != fault.Invalid {
				t.Errorf("Add(%q) = %v, want Invalid", bad, err)
			}
		}
	})
}
