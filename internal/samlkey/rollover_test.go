package samlkey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/testkit"
)

const day = 24 * time.Hour

var operator = access.Actor{ID: "operator:1", Name: "Olga", Operator: true}

// house is an installation with two services: one fetches its metadata, the other
// has a contact.
type house struct {
	*testkit.Domain

	company        testkit.Company
	fetches, reads federation.Partner
}

func newHouse(t *testing.T, db *bun.DB) house {
	t.Helper()
	h := house{Domain: testkit.NewDomain(t, db)}
	h.Federate(t)
	h.company = h.Company(t, "34051178")
	contact := `</md:SPSSODescriptor><md:ContactPerson contactType="technical"><md:EmailAddress>mailto:drift@service.example</md:EmailAddress></md:ContactPerson><md:SPSSODescriptor protocolSupportEnumeration="none">`
	for i, to := range []*federation.Partner{&h.fetches, &h.reads} {
		md := peer.Metadata(peer.SigningKey(peer.RSA()), peer.PostACS, contact)
		md = strings.Replace(md, `entityID="`+peer.EntityID, `entityID="`+peer.EntityID+strings.Repeat("x", i), 1)
		var err error
		if *to, err = h.Federation.Register(t.Context(), h.company.Actor, []byte(md)); err != nil {
			t.Fatalf("Register: %v", err)
		}
	}
	return h
}

func (h house) states(t *testing.T) []samlkey.State {
	t.Helper()
	all, err := h.SAMLKeys.States(t.Context(), operator)
	if err != nil {
		t.Fatalf("States: %v", err)
	}
	return all
}

// state counts the RSA signing keys in a state.
func (h house) count(t *testing.T, state string) (n int) {
	t.Helper()
	for _, k := range h.states(t) {
		if k.Use == samlkey.Signing && k.Algorithm == oiosaml.RSA && k.State == state {
			n++
		}
	}
	return n
}

func (h house) sweep(t *testing.T) {
	t.Helper()
	for range 2 { // a second time changes nothing more
		if err := h.SAMLKeys.Sweep(t.Context()); err != nil {
			t.Fatalf("Sweep: %v", err)
		}
	}
}

func (h house) mails(t *testing.T) (params []string) {
	t.Helper()
	var all []mail.Message
	err := h.DB.NewSelect().Model(&all).Where("kind = ?", mail.KindSAMLKey).Order("queued_at", "id").Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		params = append(params, m.Address+" "+m.Params)
	}
	return params
}

// A rollover from the first announcement to the erased key, without a hand on it:
// it waits for the last partner.
func TestRolloverByItself(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		h.sweep(t)
		if n := len(h.states(t)); n != 3 {
			t.Fatalf("%d keys before their time, want 3", n)
		}
		first, err := h.SAMLKeys.Ring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(first.Signing[0].Certificate.NotAfter.Add(-119 * day).Sub(h.Clock.Now()))
		h.sweep(t)
		if n := h.count(t, samlkey.Announced); n != 1 {
			t.Fatalf("%d announced signing keys, want 1", n)
		}
		ring, err := h.SAMLKeys.Ring(t.Context())
		if err != nil || !ring.Signing[0].Certificate.Equal(first.Signing[0].Certificate) {
			t.Fatalf("an announced key signs, or %v", err)
		}
		if n := len(h.mails(t)); n != 3*2 { // three keys, two services with one contact each
			t.Errorf("%d mails, want 6", n)
		}
		if _, err := h.Federation.MetadataFor(t.Context(), h.fetches.ID); err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(8 * day)
		h.sweep(t)
		if n := h.count(t, samlkey.Announced); n != 1 {
			t.Error("the key changed although a service was not seen with it")
		}
		if n := len(h.mails(t)); n != 3*3 { // the one that was not seen is reminded once
			t.Errorf("%d mails, want 9", n)
		}
		for _, k := range h.states(t) {
			if k.State == samlkey.Announced {
				if err := h.SAMLKeys.Vouch(t.Context(), operator, k.ID, "service:"+h.reads.ID); err != nil {
					t.Errorf("Vouch: %v", err)
				}
			}
		}
		h.sweep(t)
		after, err := h.SAMLKeys.Ring(t.Context())
		if err != nil || h.count(t, samlkey.Active) != 1 || after.Signing[0].Certificate.Equal(first.Signing[0].Certificate) {
			t.Fatalf("the successor does not sign, %v", err)
		}
		if !slices.ContainsFunc(after.Signing, func(k oiosaml.Key) bool { return k.Certificate.Equal(first.Signing[0].Certificate) }) ||
			len(after.Decryption) != 2 || len(after.Encryption) != 1 {
			t.Error("the old keys are gone at once")
		}
		h.Clock.Move(31 * day)
		h.sweep(t)
		if h.count(t, samlkey.Retired) != 1 {
			t.Error("the old key was not erased")
		}
		var kept int
		if err := db.NewSelect().Table("saml_key").ColumnExpr("count(*)").Where("state = 'retired'").Where("length(key_sealed) > 0").Scan(t.Context(), &kept); err != nil || kept != 0 {
			t.Errorf("%d private keys kept, %v", kept, err)
		}
	})
}

// By hand it needs an operator and a reason, and goes once.
func TestActivateByHand(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		k, err := h.SAMLKeys.Announce(t.Context(), operator, samlkey.Signing, oiosaml.RSA)
		if err != nil {
			t.Fatalf("Announce: %v", err)
		}
		for name, tc := range map[string]struct {
			err  error
			code string
		}{
			"second announcement": {second(h.SAMLKeys.Announce(t.Context(), operator, samlkey.Signing, oiosaml.RSA)), "samlkey.announced"},
			"no such key":         {second(h.SAMLKeys.Announce(t.Context(), operator, samlkey.Encryption, oiosaml.ECDSA)), "samlkey.use"},
			"an administrator":    {second(h.SAMLKeys.Announce(t.Context(), h.company.Actor, samlkey.Signing, oiosaml.RSA)), "access.operator.missing"},
			"no reason":           {h.SAMLKeys.Activate(t.Context(), operator, k.ID, "now"), "samlkey.reason"},
			"not an operator":     {h.SAMLKeys.Activate(t.Context(), h.company.Actor, k.ID, "the old key leaked"), "access.operator.missing"},
			"unknown":             {h.SAMLKeys.Activate(t.Context(), operator, "x", "the old key leaked"), "samlkey.key.absent"},
		} {
			if fault.CodeOf(tc.err) != tc.code {
				t.Errorf("%s = %v, want %s", name, tc.err, tc.code)
			}
		}
		if err := h.SAMLKeys.Activate(t.Context(), operator, k.ID, "the old key leaked"); err != nil {
			t.Fatalf("Activate: %v", err)
		}
		if err := h.SAMLKeys.Activate(t.Context(), operator, k.ID, "the old key leaked"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("a second time = %v", err)
		}
		entries, err := audit.Of(t.Context(), db, "", "saml_key:"+k.ID)
		if err != nil || len(entries) != 2 || entries[1].Verb != "saml_key.activate" || !strings.Contains(entries[1].Note, "the old key leaked") {
			t.Errorf("audit entries = %+v, %v", entries, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// The link in the mail says what it is about, and ticks once.
func TestInstalled(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		k, err := h.SAMLKeys.Announce(t.Context(), operator, samlkey.Signing, oiosaml.RSA)
		if err != nil {
			t.Fatal(err)
		}
		h.Drain(t)
		token := h.LinkToken(t, "drift@service.example")
		i, err := h.SAMLKeys.Installation(t.Context(), token)
		if err != nil || i.Installed || i.Fingerprint != samlkey.Fingerprint(k.Certificate) || i.Name != "service.example" {
			t.Errorf("Installation = %+v, %v", i, err)
		}
		for range 2 {
			if i, err := h.SAMLKeys.Installed(t.Context(), token, "192.0.2.1"); err != nil || !i.Installed {
				t.Errorf("Installed = %+v, %v", i, err)
			}
		}
		if _, err := h.SAMLKeys.Installed(t.Context(), token+"x", ""); fault.KindOf(err) != fault.Absent {
			t.Errorf("another token = %v", err)
		}
		var how []string
		for _, s := range h.states(t)[0].Standing {
			how = append(how, s.How)
		}
		if slices.Sort(how); !slices.Equal(how, []string{"", samlkey.Told}) {
			t.Errorf("the services stand %q, want one that said so", how)
		}
	})
}
