package credential_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/testkit"
)

func (o office) challenge(t *testing.T, flow string) credential.Challenge {
	t.Helper()
	c, err := o.Credential.NewChallenge(flow)
	if err != nil {
		t.Fatalf("NewChallenge: %v", err)
	}
	return c
}

func TestChallengeText(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		for flow, shown := range map[string]string{"": "-", "01934567-89ab-7cde-8f01-23456789abcd": "01934567-89ab-7cde-8f01-23456789abcd"} {
			c := o.challenge(t, flow)
			lines := strings.Split(c.Text, "\n")
			if len(lines) != 6 || lines[0] != "adgang-keyfile-login-v1" || lines[1] != testkit.BaseURL || lines[2] != c.ID || len(lines[3]) != 43 ||
				lines[4] != shown || lines[5] != "2026-11-22T09:35:00Z" || !c.ExpiresAt.Equal(o.Clock.Now().Add(5*time.Minute)) {
				t.Errorf("text = %q", c.Text)
			}
			if again := o.challenge(t, flow); again.Text == c.Text || again.Cookie == c.Cookie {
				t.Error("two challenges are alike")
			}
		}
		for _, flow := range []string{"a b", "a\nb", "æ", strings.Repeat("a", 65)} {
			_, err := o.Credential.NewChallenge(flow)
			wantCode(t, fmt.Sprintf("NewChallenge(%q)", flow), err, fault.Invalid, "credential.login.flow")
		}
	})
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		file := o.Activate(t, o.invite(t))
		c := o.challenge(t, "flow-1")
		o.Clock.Move(5*time.Minute - time.Second)
		holder, err := o.Credential.LogIn(t.Context(), file.Answer(t, c))
		if err != nil || holder.Employee.ID != o.bo.ID || holder.Employee.OrgID != o.own.ID || holder.Serial != file.Serial || holder.Flow != "flow-1" {
			t.Errorf("LogIn = %+v, %v", holder, err)
		}
		if by, _, err := o.Session.Actor(t.Context(), holder.Token, ""); err != nil || by.Employee != o.bo.ID {
			t.Errorf("Actor of the session that began = %+v, %v", by, err)
		}
	})
}

func TestLogInOfRSA(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		issued, err := o.Credential.Activate(t.Context(), i.Token, i.Code, csr(t, key), "")
		if err != nil {
			t.Fatal(err)
		}
		file := testkit.KeyFile{Key: key, Serial: string(issued.Certificate.Serial), Leaf: issued.Certificate.DER}
		if holder, err := o.Credential.LogIn(t.Context(), file.Answer(t, o.challenge(t, ""))); err != nil || holder.Employee.ID != o.bo.ID {
			t.Errorf("LogIn = %+v, %v", holder, err)
		}
		answer := file.Answer(t, o.challenge(t, ""))
		answer.Algorithm = "ES256"
		_, err = o.Credential.LogIn(t.Context(), answer)
		wantCode(t, "LogIn by another algorithm", err, fault.Denied, "credential.login.signature")
	})
}

const (
	badChallenge = "credential.login.challenge"
	badSignature = "credential.login.signature"
)

// refusedLogins are the ways a login goes wrong, and the code that tells why.
var refusedLogins = []struct {
	name   string
	change func(t *testing.T, o office, file testkit.KeyFile, c credential.Challenge, in *credential.Login)
	code   string
	org    bool // the employee's organisation sees it in its log
}{
	{name: "replayed", code: badChallenge, change: func(t *testing.T, o office, _ testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		if _, err := o.Credential.LogIn(t.Context(), *in); err != nil {
			t.Fatalf("the first time: %v", err)
		}
	}},
	{name: "from another browser", code: badChallenge, change: func(t *testing.T, o office, _ testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		in.Cookie = o.challenge(t, "").Cookie
	}},
	{name: "without a cookie", code: badChallenge, change: func(_ *testing.T, _ office, _ testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		in.Cookie = ""
	}},
	{name: "too late", code: badChallenge, change: func(_ *testing.T, o office, _ testkit.KeyFile, _ credential.Challenge, _ *credential.Login) {
		o.Clock.Move(5 * time.Minute)
	}},
	{name: "unknown challenge", code: badChallenge, change: func(_ *testing.T, _ office, _ testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		in.Challenge = "no-such"
	}},
	{name: "text of another origin", code: badSignature, org: true, change: func(t *testing.T, _ office, file testkit.KeyFile, c credential.Challenge, in *credential.Login) {
		in.Algorithm, in.Signature = file.Sign(t, strings.Replace(c.Text, testkit.BaseURL, "https://evil.example", 1))
	}},
	{name: "text of another flow", code: badSignature, org: true, change: func(t *testing.T, _ office, file testkit.KeyFile, c credential.Challenge, in *credential.Login) {
		in.Algorithm, in.Signature = file.Sign(t, strings.Replace(c.Text, "\n-\n", "\nflow-2\n", 1))
	}},
	{name: "signature of another key", code: badSignature, org: true, change: func(t *testing.T, _ office, _ testkit.KeyFile, c credential.Challenge, in *credential.Login) {
		in.Algorithm, in.Signature = testkit.KeyFile{Key: newKey(t)}.Sign(t, c.Text)
	}},
	{name: "no signature", code: badSignature, org: true, change: func(_ *testing.T, _ office, _ testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		in.Signature = nil
	}},
	{name: "certificate of another authority", code: "ca.certificate.other_ca", change: func(t *testing.T, _ office, _ testkit.KeyFile, c credential.Challenge, in *credential.Login) {
		foreign := open(t, testkit.SQLite(t)) // an installation of the same name
		file := foreign.Activate(t, foreign.invite(t))
		in.Leaf = file.Leaf
		in.Algorithm, in.Signature = file.Sign(t, c.Text)
	}},
	{name: "no certificate", code: "ca.certificate.unreadable", change: func(_ *testing.T, _ office, _ testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		in.Leaf = []byte("x")
	}},
	{name: "expired", code: "ca.certificate.expired", org: true, change: func(t *testing.T, o office, file testkit.KeyFile, _ credential.Challenge, in *credential.Login) {
		o.Clock.Move(1095 * 24 * time.Hour)
		*in = file.Answer(t, o.challenge(t, ""))
	}},
	{name: "blocked", code: "ca.certificate.revoked", org: true, change: func(t *testing.T, o office, _ testkit.KeyFile, _ credential.Challenge, _ *credential.Login) {
		if err := o.Credential.BlockKeyFile(t.Context(), o.own.Actor, o.bo.ID, "key_compromise", "lost"); err != nil {
			t.Fatal(err)
		}
	}},
	{name: "key file record blocked", code: "credential.login.blocked", org: true, change: func(t *testing.T, o office, _ testkit.KeyFile, _ credential.Challenge, _ *credential.Login) {
		if _, err := o.DB.Exec("UPDATE key_file SET state = 'blocked' WHERE employee_id = ?", o.bo.ID); err != nil {
			t.Fatal(err)
		}
	}},
	{name: "suspended", code: "credential.login.stopped", org: true, change: func(t *testing.T, o office, _ testkit.KeyFile, _ credential.Challenge, _ *credential.Login) {
		o.setState(t, org.Suspended)
	}},
}

func TestLogInRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range refusedLogins {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				o := open(t, db)
				file := o.Activate(t, o.invite(t))
				c := o.challenge(t, "")
				in := file.Answer(t, c)
				tc.change(t, o, file, c, &in)
				holder, err := o.Credential.LogIn(t.Context(), in)
				if fault.CodeOf(err) != tc.code || holder.Employee.ID != "" {
					t.Errorf("LogIn = %+v, %v, want %s", holder, err, tc.code)
				}
				var refused []audit.Entry
				if err := db.NewSelect().Model(&refused).Where("verb = 'login.refuse'").Scan(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(refused) != 1 || refused[0].Note != tc.code || refused[0].Address != "192.0.2.7" ||
					(refused[0].OrgID == o.own.ID) != tc.org || strings.HasSuffix(refused[0].Object, file.Serial) != tc.org {
					t.Errorf("entries = %+v, want one, for the organisation: %v", refused, tc.org)
				}
			})
		})
	}
}

// One challenge, ten answers at once: one login.
func TestLogInTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		file := o.Activate(t, o.invite(t))
		in := file.Answer(t, o.challenge(t, ""))
		var mu sync.Mutex
		logins := 0
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := o.Credential.LogIn(t.Context(), in); err == nil {
					mu.Lock()
					logins++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if logins != 1 {
			t.Errorf("%d logins, want 1", logins)
		}
	})
}

func TestOldChallengesAreDropped(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		file := o.Activate(t, o.invite(t))
		o.challenge(t, "") // is written down nowhere
		if _, err := o.Credential.LogIn(t.Context(), file.Answer(t, o.challenge(t, ""))); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{time.Hour, 1}, {6 * time.Minute, 0}} {
			o.Clock.Move(step.after)
			if err := o.Credential.ExpireActivations(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := len(testkit.Contents(t, db)["login_challenge"]); got != step.left {
				t.Errorf("%d challenges after %s, want %d", got, step.after, step.left)
			}
		}
	})
}
