package credential_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/testkit"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func csr(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := pki.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (o office) try(t *testing.T, i credential.Invitation, code string) error {
	t.Helper()
	_, err := o.Credential.Activate(t.Context(), i.Token, code, csr(t, newKey(t)), "192.0.2.7")
	return err
}

// activation is Bo's newest.
func (o office) activation(t *testing.T) credential.Activation {
	t.Helper()
	d, err := o.Credential.Details(t.Context(), o.own.Actor, o.bo.ID)
	if err != nil || d.Activation == nil {
		t.Fatalf("Details = %+v, %v", d, err)
	}
	return *d.Activation
}

func TestActivate(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		o.Drain(t)
		pending, err := o.Credential.LookUp(t.Context(), i.Token)
		if want := (credential.Pending{
			Organisation: o.own.Name, Name: "Bo Holm", ExpiresAt: pending.ExpiresAt, TriesLeft: 5, Algorithm: "P-256",
		}); err != nil || pending != want || !pending.ExpiresAt.Equal(i.ExpiresAt) {
			t.Errorf("LookUp = %+v, %v, want %+v until %s", pending, err, want, i.ExpiresAt)
		}

		key := newKey(t)
		typed := " " + strings.ToLower(strings.ReplaceAll(i.Code, "-", " ")) // as people type
		got, err := o.Credential.Activate(t.Context(), i.Token, typed, csr(t, key), "192.0.2.7")
		if err != nil {
			t.Fatalf("Activate: %v", err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate.DER)
		if err != nil || !key.PublicKey.Equal(leaf.PublicKey) || len(got.Chain) != 2 || got.EmailWide || got.Employee.ID != o.bo.ID {
			t.Fatalf("Activate = %+v, %v", got, err)
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		for pool, der := range map[*x509.CertPool][]byte{between: got.Chain[0], roots: got.Chain[1]} {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			pool.AddCert(c)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: between, CurrentTime: o.Clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		}); err != nil {
			t.Errorf("the chain does not verify: %v", err)
		}

		a := o.activation(t)
		if a.State != "used" || a.CodeSealed != nil || a.Tries != 0 || !a.UsedAt.Equal(o.Clock.Now()) {
			t.Errorf("activation = %+v, want used, its code erased", a)
		}
		d, err := o.Credential.Details(t.Context(), o.own.Actor, o.bo.ID)
		if err != nil || d.File == nil || d.File.State != "active" || *d.File.Serial != string(got.Certificate.Serial) || !d.File.NotAfter.Equal(leaf.NotAfter) {
			t.Errorf("key file = %+v, %v", d.File, err)
		}
		o.wantVerbs(t, "key_file.order", "key_file.activate")
		var kinds []string
		if err := db.NewSelect().Table("work").Column("kind").Where("state = 'pending'").Scan(t.Context(), &kinds); err != nil || !slices.Equal(kinds, []string{credential.Activated.Name()}) {
			t.Errorf("work = %q, %v, want that the invitation was used", kinds, err)
		}
	})
}

func TestActivateAgain(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		request := csr(t, newKey(t))
		first, err := o.Credential.Activate(t.Context(), i.Token, i.Code, request, "")
		if err != nil {
			t.Fatal(err)
		}
		before := testkit.Contents(t, db)
		second, err := o.Credential.Activate(t.Context(), i.Token, i.Code, request, "")
		if err != nil || !bytes.Equal(second.Certificate.DER, first.Certificate.DER) || second.RevocationCode == first.RevocationCode {
			t.Errorf("Activate with the same request = %v, want the same certificate and another revocation code", err)
		}
		same := testkit.Contents(t, db)
		delete(before, "key_file") // where the code's hash is
		delete(same, "key_file")
		if !reflect.DeepEqual(before, same) {
			t.Error("Activate with the same request has changed something")
		}
		wantCode(t, "Activate with another request", o.try(t, i, i.Code), fault.Conflict, "credential.activation.used")
		wantCode(t, "Activate with a wrong code", o.try(t, i, secret.Code()), fault.Conflict, "credential.activation.used")
		_, err = o.Credential.LookUp(t.Context(), i.Token)
		wantCode(t, "LookUp", err, fault.Conflict, "credential.activation.used")
		after := testkit.Contents(t, db)
		if !reflect.DeepEqual(before["certificate"], after["certificate"]) || !reflect.DeepEqual(before["activation"], after["activation"]) {
			t.Error("a refusal has changed something")
		}
		o.wantVerbs(t, "key_file.order", "key_file.activate",
			"activation.refuse credential.activation.used", "activation.refuse credential.activation.used")

		// Nor is the certificate of a blocked key file given out again.
		if err := o.Credential.BlockKeyFile(t.Context(), o.own.Actor, o.bo.ID, "key_compromise", "lost"); err != nil {
			t.Fatal(err)
		}
		_, err = o.Credential.Activate(t.Context(), i.Token, i.Code, request, "")
		wantCode(t, "Activate after a block", err, fault.Conflict, "ca.request.revoked")
	})
}

// The same request, sent by an impatient browser several times at once.
func TestActivateTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		request := csr(t, newKey(t))
		ders := make([][]byte, 6)
		var all sync.WaitGroup
		for n := range ders {
			all.Go(func() {
				got, err := o.Credential.Activate(t.Context(), i.Token, i.Code, request, "")
				if err != nil {
					t.Errorf("Activate: %v", err)
				}
				ders[n] = got.Certificate.DER
			})
		}
		all.Wait()
		for _, der := range ders[1:] {
			if !bytes.Equal(der, ders[0]) {
				t.Error("two certificates were given out")
			}
		}
		if a := o.activation(t); a.State != "used" || a.Tries != 0 {
			t.Errorf("activation = %+v", a)
		}
		o.wantVerbs(t, "key_file.order", "key_file.activate")
	})
}

func TestFiveWrongCodesLock(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		for left := 4; left >= 1; left-- {
			wantCode(t, "a wrong code", o.try(t, i, secret.Code()), fault.Invalid, "credential.activation.code")
			if p, err := o.Credential.LookUp(t.Context(), i.Token); err != nil || p.TriesLeft != int64(left) {
				t.Errorf("LookUp = %+v, %v, want %d tries left", p, err, left)
			}
		}
		wantCode(t, "the fifth", o.try(t, i, ""), fault.Conflict, "credential.activation.locked")
		wantCode(t, "the right one", o.try(t, i, i.Code), fault.Conflict, "credential.activation.locked")
		if a := o.activation(t); a.State != "locked" || a.CodeSealed != nil || a.Tries != 5 {
			t.Errorf("activation = %+v, want locked, its code erased", a)
		}
		if got := o.verbs(t, o.bo); !slices.Equal(got, append(append([]string{"key_file.order"},
			slices.Repeat([]string{"activation.refuse credential.activation.code"}, 4)...),
			"activation.lock", "activation.refuse credential.activation.locked", "activation.refuse credential.activation.locked")) {
			t.Errorf("audit entries = %q", got)
		}
		if n := len(testkit.Contents(t, db)["certificate"]); n != 0 {
			t.Errorf("%d certificates", n)
		}
	})
}

func TestRightCodeAfterWrongOnes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		for range 4 {
			wantCode(t, "a wrong code", o.try(t, i, secret.Code()), fault.Invalid, "credential.activation.code")
		}
		o.Activate(t, i)
	})
}

// Twenty guesses at once: five are looked at.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		var mu sync.Mutex
		answers := map[string]int{}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				err := o.try(t, i, secret.Code())
				mu.Lock()
				defer mu.Unlock()
				answers[fault.CodeOf(err)]++
			})
		}
		all.Wait()
		if answers["credential.activation.code"] != 4 || answers["credential.activation.locked"] != 16 {
			t.Errorf("answers = %v, want 4 wrong and 16 locked", answers)
		}
		if a := o.activation(t); a.State != "locked" || a.Tries != 5 {
			t.Errorf("activation = %+v", a)
		}
	})
}

func TestActivateRefuses(t *testing.T) {
	t.Parallel()
	weak, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weakCSR, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, weak)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		request []byte
		change  func(t *testing.T, o office, i *credential.Invitation)
		kind    fault.Kind
		code    string
		silent  bool // no audit entry about Bo
	}{
		{name: "expired", change: func(_ *testing.T, o office, _ *credential.Invitation) { o.Clock.Move(30 * 24 * time.Hour) }, kind: fault.Conflict, code: "credential.activation.expired"},
		{name: "swept", change: func(t *testing.T, o office, _ *credential.Invitation) {
			o.Clock.Move(30 * 24 * time.Hour)
			if err := o.Credential.ExpireActivations(t.Context()); err != nil {
				t.Fatal(err)
			}
			if a := o.activation(t); a.State != "expired" || a.CodeSealed != nil {
				t.Errorf("activation = %+v, want expired, its code erased", a)
			}
		}, kind: fault.Conflict, code: "credential.activation.expired"},
		{name: "order blocked", change: func(t *testing.T, o office, _ *credential.Invitation) {
			if err := o.Credential.BlockKeyFile(t.Context(), o.own.Actor, o.bo.ID, "key_compromise", "mistake"); err != nil {
				t.Fatal(err)
			}
		}, kind: fault.Conflict, code: "credential.activation.replaced"},
		{name: "suspended", change: func(t *testing.T, o office, _ *credential.Invitation) { o.setState(t, org.Suspended) }, kind: fault.Conflict, code: "credential.employee.stopped"},
		{name: "unknown link", change: func(_ *testing.T, _ office, i *credential.Invitation) { i.Token = secret.Token() }, kind: fault.Absent, code: "credential.activation.unknown", silent: true},
		{name: "no request", request: []byte("x"), kind: fault.Invalid, code: "credential.request.unreadable", silent: true},
		{name: "another curve", request: weakCSR, kind: fault.Invalid, code: "credential.request.weak_key", silent: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
				o := open(t, db)
				i := o.invite(t)
				if tc.change != nil {
					tc.change(t, o, &i)
				}
				before, entries := testkit.Contents(t, db), len(o.verbs(t, o.bo))
				request := tc.request
				if request == nil {
					request = csr(t, newKey(t))
				}
				_, err := o.Credential.Activate(t.Context(), i.Token, i.Code, request, "192.0.2.7")
				wantCode(t, "Activate", err, tc.kind, tc.code)
				got := o.verbs(t, o.bo)
				if refused := slices.Equal(got[entries:], []string{"activation.refuse " + tc.code}); refused == tc.silent {
					t.Errorf("audit entries = %q", got[entries:])
				}
				after := testkit.Contents(t, db)
				delete(before, "audit_entry")
				delete(after, "audit_entry")
				if !reflect.DeepEqual(before, after) {
					t.Error("the refusal has changed something")
				}
			})
		})
	}
}

// A stolen link alone is worth nothing, nor is what lies in the database.
func TestSecretsAreNowhereInClear(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		cookie, err := o.Credential.NewChallenge("")
		if err != nil {
			t.Fatal(err)
		}
		look := func(when string) {
			t.Helper()
			for table, rows := range testkit.Contents(t, db) {
				for _, form := range formsOf(i.Token, i.Code, secret.CleanCode(i.Code), cookie.Cookie) {
					for _, row := range rows {
						if strings.Contains(row, form) {
							t.Errorf("%s: table %s holds a secret in clear", when, table)
						}
					}
				}
			}
		}
		look("ordered")
		o.Drain(t)
		look("mailed")
		if sealed, err := db.NewSelect().Table("message").Where("link_sealed IS NOT NULL").Count(t.Context()); err != nil || sealed != 0 {
			t.Errorf("%d links are kept after delivery, %v", sealed, err)
		}
		if _, err := o.Credential.InstallationCode(t.Context(), o.own.Actor, o.bo.ID); err != nil {
			t.Fatal(err)
		}
		_ = o.try(t, i, secret.Code())
		look("shown and guessed")
		o.Activate(t, i)
		look("activated")
		mails, _, err := o.Mailbox.Mails("", 10)
		if err != nil || len(mails) != 1 || strings.Contains(mails[0].Body+mails[0].Subject, i.Code) || !strings.Contains(mails[0].Body, testkit.BaseURL+"/activate#"+i.Token) {
			t.Errorf("the mail must have the link and not the code: %+v, %v", mails, err)
		}
	})
}

// formsOf are the ways in which a secret might lie in a column.
func formsOf(secrets ...string) []string {
	var all []string
	for _, s := range secrets {
		all = append(all, s, hex.EncodeToString([]byte(s)))
	}
	return all
}

func TestActivationEndsWithTheDays(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := open(t, db)
		i := o.invite(t)
		o.Clock.Move(30*24*time.Hour - time.Microsecond)
		if err := o.Credential.ExpireActivations(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Activate(t, i) // the last moment
	})
}
