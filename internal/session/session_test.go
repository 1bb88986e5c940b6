package session_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// desk is an employee with a key file, logged in.
type desk struct {
	*testkit.Domain

	company testkit.Company
	bo      org.Employee
	token   string
}

func logIn(t *testing.T, db *bun.DB) desk {
	t.Helper()
	d := desk{Domain: testkit.NewDomain(t, db)}
	d.company = d.Company(t, "34051178")
	d.bo = d.Employee(t, d.company.Organisation, "4711", "Bo Holm")
	file := d.Activate(t, d.Invite(t, d.company.Organisation, d.bo))
	var err error
	if d.token, err = d.Session.Start(t.Context(), d.bo, file.Serial, "192.0.2.7"); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return d
}

func (d desk) loggedIn(t *testing.T) bool {
	t.Helper()
	_, _, err := d.Session.Actor(t.Context(), d.token, "192.0.2.7")
	if err != nil && (fault.KindOf(err) != fault.Denied || fault.CodeOf(err) != "session.none") {
		t.Errorf("Actor = %v, want session.none", err)
	}
	return err == nil
}

func TestStart(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := logIn(t, db)
		by, one, err := d.Session.Actor(t.Context(), d.token, "192.0.2.8")
		if err != nil || by.OrgID != d.company.ID || by.Employee != d.bo.ID || by.ID != "employee:"+string(d.bo.ID) || by.Address != "192.0.2.8" || len(by.Roles) != 0 {
			t.Errorf("Actor = %+v, %v", by, err)
		}
		if !one.CreatedAt.Equal(d.Clock.Now()) || !one.ExpiresAt.Equal(d.Clock.Now().Add(session.Lifetime)) {
			t.Errorf("session = %+v", one)
		}
		// Roles are today's, not those of the login.
		err = store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			return d.Org.Assign(ctx, tx, d.bo, access.UserAdministrator)
		})
		if err != nil {
			t.Fatal(err)
		}
		if by, _, err := d.Session.Actor(t.Context(), d.token, ""); err != nil || !by.May(access.ManageEmployees) {
			t.Errorf("Actor with a new role = %+v, %v", by, err)
		}
		for table, rows := range testkit.Contents(t, db) {
			if strings.Contains(strings.Join(rows, "\n"), d.token) {
				t.Errorf("table %s holds the cookie", table)
			}
		}
		for _, token := range []string{"", "x", d.token + "x", strings.ToUpper(d.token)} {
			if _, _, err := d.Session.Actor(t.Context(), token, ""); fault.CodeOf(err) != "session.none" {
				t.Errorf("Actor of %q = %v, want session.none", token, err)
			}
		}
	})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(t *testing.T, d desk)
	}{
		{"unused for an hour", func(_ *testing.T, d desk) { d.Clock.Move(session.Idle) }},
		{"ten hours old, though in use", func(t *testing.T, d desk) {
			for range 19 {
				d.Clock.Move(30 * time.Minute)
				if !d.loggedIn(t) {
					t.Fatal("the session ended too early")
				}
			}
			d.Clock.Move(30 * time.Minute)
		}},
		{"key file blocked", func(t *testing.T, d desk) {
			if err := d.Credential.BlockKeyFile(t.Context(), d.company.Actor, d.bo.ID, "key_compromise", "lost"); err != nil {
				t.Fatal(err)
			}
		}},
		{"employee suspended", func(t *testing.T, d desk) {
			if _, err := d.DB.Exec("UPDATE employee SET state = 'suspended' WHERE id = ?", d.bo.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"logged out", func(t *testing.T, d desk) {
			by, one, err := d.Session.Actor(t.Context(), d.token, "192.0.2.7")
			if err != nil {
				t.Fatal(err)
			}
			other := by
			other.OrgID = "another"
			for _, actor := range []access.Actor{other, by, by} { // the third changes nothing
				if err := d.Session.End(t.Context(), actor, one.ID); err != nil {
					t.Fatal(err)
				}
				if actor.OrgID == "another" && !d.loggedIn(t) {
					t.Error("another organisation has ended the session")
				}
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				d := logIn(t, db)
				if !d.loggedIn(t) {
					t.Fatal("not logged in at first")
				}
				tc.end(t, d)
				if d.loggedIn(t) {
					t.Error("still logged in")
				}
				entries, err := audit.Of(t.Context(), db, d.company.ID, "employee:"+string(d.bo.ID))
				if err != nil {
					t.Fatal(err)
				}
				var verbs []string
				for _, e := range entries {
					if strings.HasPrefix(e.Verb, "session.") {
						verbs = append(verbs, e.Verb+" "+e.Address)
					}
				}
				want := []string{"session.start 192.0.2.7"}
				if tc.name == "logged out" {
					want = append(want, "session.end 192.0.2.7")
				}
				if !slices.Equal(verbs, want) {
					t.Errorf("entries = %q, want %q", verbs, want)
				}
			})
		})
	}
}

// One who is at work is not logged out, and a click costs at most one write a minute.
func TestSeenAt(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := logIn(t, db)
		start := d.Clock.Now()
		for _, step := range []struct {
			after time.Duration
			seen  time.Duration
		}{{time.Minute, 0}, {time.Second, 61 * time.Second}, {30 * time.Second, 61 * time.Second}, {58 * time.Minute, 91*time.Second + 58*time.Minute}} {
			d.Clock.Move(step.after)
			if !d.loggedIn(t) {
				t.Fatal("logged out while at work")
			}
			var one session.Session
			if err := db.NewSelect().Model(&one).Scan(t.Context()); err != nil || !one.SeenAt.Equal(start.Add(step.seen)) {
				t.Errorf("seen at %s, %v, want %s after the start", one.SeenAt, err, step.seen)
			}
		}
	})
}

func TestDropEnded(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := logIn(t, db)
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{59 * time.Minute, 1}, {time.Minute, 0}} {
			d.Clock.Move(step.after)
			if err := d.Session.DropEnded(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := len(testkit.Contents(t, db)["session"]); got != step.left {
				t.Errorf("%d sessions, want %d", got, step.left)
			}
		}
	})
}

func TestCSRF(t *testing.T) {
	t.Parallel()
	s := testkit.NewDomain(t, testkit.SQLite(t)).Session
	value := s.CSRF("cookie")
	if !s.CSRFValid("cookie", value) {
		t.Error("the session's own value is refused")
	}
	for _, wrong := range []string{"", "cookie", s.CSRF("another"), value + "=", value[1:]} {
		if s.CSRFValid("cookie", wrong) {
			t.Errorf("CSRFValid of %q = true", wrong)
		}
	}
}

func TestAPITokens(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		company := d.Company(t, "34051178")
		for _, role := range access.Roles {
			token, err := d.Session.CreateAPIToken(t.Context(), access.Command(company.ID), role)
			if err != nil || !strings.HasPrefix(token, "adgang_") {
				t.Fatalf("CreateAPIToken = %q, %v", token, err)
			}
			by, err := d.Session.APIActor(t.Context(), token, "192.0.2.9")
			if err != nil || by.OrgID != company.ID || !slices.Equal(by.Roles, []access.Role{role}) || by.Employee != "" || by.Address != "192.0.2.9" {
				t.Errorf("APIActor = %+v, %v, want %s", by, err, role)
			}
			if entries, err := audit.Of(t.Context(), db, company.ID, by.ID); err != nil || len(entries) != 1 || entries[0].Verb != "api_token.create" || entries[0].Note != string(role) {
				t.Errorf("entries = %+v, %v", entries, err)
			}
			for table, rows := range testkit.Contents(t, db) {
				if strings.Contains(strings.Join(rows, "\n"), strings.TrimPrefix(token, "adgang_")) {
					t.Errorf("table %s holds the token", table)
				}
			}
			// A token is no cookie, and not the other way round.
			if _, _, err := d.Session.Actor(t.Context(), token, ""); fault.CodeOf(err) != "session.none" {
				t.Errorf("Actor of a token = %v", err)
			}
		}
		for _, role := range []access.Role{"", "root"} {
			if _, err := d.Session.CreateAPIToken(t.Context(), access.Command(company.ID), role); fault.KindOf(err) != fault.Invalid {
				t.Errorf("CreateAPIToken of role %q = %v, want Invalid", role, err)
			}
		}
		if _, err := d.Session.APIActor(t.Context(), "adgang_x", ""); fault.CodeOf(err) != "session.none" || fault.KindOf(err) != fault.Denied {
			t.Errorf("APIActor of an unknown token = %v", err)
		}
	})
}
