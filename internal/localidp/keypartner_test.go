package localidp_test

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/testkit"
)

// A rollover waits for the identity providers in use, and sees who fetched.
func TestKeyPartners(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		operator := access.Actor{ID: "operator:1", Name: "Olga", Operator: true}
		key, err := h.SAMLKeys.Announce(t.Context(), operator, samlkey.Signing, oiosaml.RSA)
		if err != nil {
			t.Fatal(err)
		}
		how := func() []string {
			t.Helper()
			states, err := h.SAMLKeys.States(t.Context(), operator)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(states, func(s samlkey.State) bool { return s.ID == key.ID })
			all := []string{}
			for _, p := range states[i].Standing {
				all = append(all, p.ID+" "+p.How)
			}
			return all
		}
		if got := how(); !slices.Equal(got, []string{"idp:" + h.idp.ID + " "}) {
			t.Errorf("partners = %q, want the provider, not seen", got)
		}
		h.Clock.Move(11 * time.Second) // the node reads its keys anew
		for range 2 {
			document, err := h.LocalIdP.MetadataFor(t.Context(), h.idp.ID)
			if err != nil {
				t.Fatalf("MetadataFor: %v", err)
			}
			md, err := oiosaml.ParseMetadata(document, h.Clock.Now())
			if err != nil || len(md.Signing) != 3 {
				t.Fatalf("metadata = %d keys, %v", len(md.Signing), err)
			}
		}
		if got := how(); !slices.Equal(got, []string{"idp:" + h.idp.ID + " " + samlkey.Fetched}) {
			t.Errorf("partners = %q, want the provider, seen fetching", got)
		}
		if _, err := h.LocalIdP.MetadataFor(t.Context(), "x"); fault.KindOf(err) != fault.Absent {
			t.Errorf("MetadataFor of none = %v", err)
		}
		if err := h.LocalIdP.Switch(t.Context(), h.company.Actor, h.idp.ID, localidp.Off); err != nil {
			t.Fatal(err)
		}
		if got := how(); len(got) != 0 {
			t.Errorf("partners = %q, want none that is off", got)
		}
	})
}

// A provider whose verified answer is encrypted to an announced key has it. Anybody
// can encrypt to it: an answer that does not count proves nothing.
func TestKeyPartnerUses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHouse(t, db)
		operator := access.Actor{ID: "operator:1", Name: "Olga", Operator: true}
		key, err := h.SAMLKeys.Announce(t.Context(), operator, samlkey.Encryption, oiosaml.RSA)
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Move(11 * time.Second) // the node reads its keys anew
		certificate, err := x509.ParseCertificate(key.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name   string
			signer oiosaml.Key
			want   string
		}{{"by a stranger", peer.Other(), ""}, {"by the provider", peer.RSA(), samlkey.Used}} {
			id, cookie := h.begin(t, localidp.Heading{})
			l := h.login()
			l.InReplyTo, l.Key, l.To = id, &tc.signer, &oiosaml.Recipient{Certificate: certificate}
			if _, err := h.answer(t, l, cookie); (err == nil) != (tc.want != "") {
				t.Errorf("an answer %s = %v", tc.name, err)
			}
			states, err := h.SAMLKeys.States(t.Context(), operator)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(states, func(s samlkey.State) bool { return s.ID == key.ID })
			if got := states[i].Standing; len(got) != 1 || got[0].How != tc.want {
				t.Errorf("after an answer %s: %+v, want %q", tc.name, got, tc.want)
			}
		}
	})
}
