package federation_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
)

// hub is an installation at noon with two organisations.
type hub struct {
	*testkit.Domain

	own, other testkit.Company
}

func newHub(t *testing.T, db *bun.DB) hub {
	t.Helper()
	d := testkit.NewDomain(t, db)
	d.Federate(t)
	d.Clock.Move(peer.Noon.Sub(d.Clock.Now()))
	return hub{d, d.Company(t, "34051178"), d.Company(t, "30808460")}
}

// metadataOf is the metadata of a service with an entityID of its own.
func metadataOf(entityID string, parts ...string) []byte {
	if len(parts) == 0 {
		parts = []string{peer.SigningKey(peer.RSA()), peer.PostACS}
	}
	return []byte(strings.Replace(peer.Metadata(parts...), `entityID="`+peer.EntityID+`"`, `entityID="`+entityID+`"`, 1))
}

// register registers the service of peer.EntityID for the first organisation.
func (h hub) register(t *testing.T, parts ...string) federation.Partner {
	t.Helper()
	p, err := h.Federation.Register(t.Context(), h.own.Actor, metadataOf(peer.EntityID, parts...))
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	return p
}

// log is the audit log about a service, oldest first: verbs, and notes where they
// are codes or statuses.
func (h hub) log(t *testing.T, p federation.Partner) []string {
	t.Helper()
	entries, err := audit.Of(t.Context(), h.DB, h.own.ID, "service:"+p.ID)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, e := range entries {
		if e.Verb == "saml.refuse" {
			e.Verb, _, _ = strings.Cut(e.Verb+" "+e.Note, ":")
		}
		all = append(all, e.Verb)
	}
	return all
}

func (h hub) wantLog(t *testing.T, p federation.Partner, want ...string) {
	t.Helper()
	if got := h.log(t, p); !slices.Equal(got, want) {
		t.Errorf("audit entries = %q, want %q", got, want)
	}
}

func wantFault(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("%s = %v, want kind %d, code %s", what, err, kind, code)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		got, err := h.Federation.Partner(t.Context(), h.own.Actor, p.ID)
		if err != nil || got.EntityID != peer.EntityID || got.Name != "service.example" || got.OrgID != h.own.ID || got.LastLoginAt != nil || len(got.Metadata.Signing) != 1 {
			t.Errorf("Partner = %+v, %v", got, err)
		}
		h.wantLog(t, p, "service.register")

		before := testkit.Contents(t, db)
		for name, tc := range map[string]struct {
			by       access.Actor
			metadata []byte
			kind     fault.Kind
			code     string
		}{
			"the same again":  {h.own.Actor, metadataOf(peer.EntityID), fault.Conflict, "federation.service.taken"},
			"taken elsewhere": {h.other.Actor, metadataOf(peer.EntityID), fault.Conflict, "federation.service.taken"},
			"by a user administrator": {
				access.Actor{OrgID: h.own.ID, Roles: []access.Role{access.UserAdministrator}}, metadataOf("https://b.example"), fault.Denied, "access.right.missing",
			},
			"no XML":         {h.own.Actor, []byte("x"), fault.Invalid, "federation.metadata.malformed"},
			"no signing key": {h.own.Actor, metadataOf("https://b.example", peer.PostACS), fault.Invalid, "federation.metadata.key"},
			"plain HTTP": {
				h.own.Actor, metadataOf("https://b.example", peer.SigningKey(peer.RSA()), strings.Replace(peer.PostACS, "https://", "http://", 1)), fault.Invalid, "federation.metadata.consumer_url",
			},
		} {
			_, err := h.Federation.Register(t.Context(), tc.by, tc.metadata)
			wantFault(t, "Register "+name, err, tc.kind, tc.code)
		}
		if !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Error("a refusal has changed something")
		}
	})
}

func TestReplace(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		replace := func(by access.Actor, metadata []byte) error {
			_, _, err := h.Federation.Replace(t.Context(), by, p.ID, metadata)
			return err
		}
		before := testkit.Contents(t, db)
		wantFault(t, "Replace by another service's", replace(h.own.Actor, metadataOf("https://b.example")), fault.Invalid, "federation.service.entity_id")
		wantFault(t, "Replace by nonsense", replace(h.own.Actor, []byte("x")), fault.Invalid, "federation.metadata.malformed")
		wantFault(t, "Replace elsewhere", replace(h.other.Actor, metadataOf(peer.EntityID)), fault.Absent, "federation.service.absent")
		wantFault(t, "Replace without the right", replace(access.Actor{OrgID: h.own.ID}, metadataOf(peer.EntityID)), fault.Denied, "access.right.missing")
		if !reflect.DeepEqual(before, testkit.Contents(t, db)) {
			t.Error("a refusal has changed something")
		}
		if err := replace(h.own.Actor, metadataOf(peer.EntityID, peer.SigningKey(peer.Other()), peer.PostACS)); err != nil {
			t.Fatal(err)
		}
		h.wantLog(t, p, "service.register", "service.replace")
		_, err := h.accept(t, peer.AuthnRequest("", ""))
		wantFault(t, "Accept by the old key", err, fault.Denied, "federation.request.signature")
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		p := h.register(t)
		out, err := h.accept(t, peer.AuthnRequest("", ""))
		if err != nil {
			t.Fatal(err)
		}
		remove := func(by access.Actor) error {
			_, err := h.Federation.Remove(t.Context(), by, p.ID)
			return err
		}
		wantFault(t, "Remove elsewhere", remove(h.other.Actor), fault.Absent, "federation.service.absent")
		wantFault(t, "Remove without the right", remove(access.Actor{OrgID: h.own.ID}), fault.Denied, "access.right.missing")
		if err := remove(h.own.Actor); err != nil {
			t.Fatal(err)
		}
		wantFault(t, "Remove again", remove(h.own.Actor), fault.Absent, "federation.service.absent")
		h.wantLog(t, p, "service.register", "service.remove")
		_, err = h.Federation.Continue(t.Context(), out.Flow, out.Cookie, h.login(t, h.own.Admin.ID))
		wantFault(t, "Continue a login on its way there", err, fault.Denied, "federation.flow.over")
		if _, err := h.Federation.Register(t.Context(), h.other.Actor, metadataOf(peer.EntityID)); err != nil {
			t.Errorf("Register of an entityID that is free again = %v", err)
		}
	})
}

func TestPartners(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		h := newHub(t, db)
		var want []string
		for i := range 53 {
			host := fmt.Sprintf("s%02d.example", i/2) // most names come twice
			if _, err := h.Federation.Register(t.Context(), h.own.Actor, metadataOf(fmt.Sprintf("https://%s/%d", host, i))); err != nil {
				t.Fatal(err)
			}
			want = append(want, host)
		}
		var got []string
		for cursor := ""; ; {
			page, next, err := h.Federation.Partners(t.Context(), h.own.Actor, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page {
				got = append(got, p.Name)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("Partners = %q, want %q", got, want)
		}
		if page, _, err := h.Federation.Partners(t.Context(), h.other.Actor, ""); err != nil || len(page) != 0 {
			t.Errorf("another organisation lists %d services, %v", len(page), err)
		}
		_, _, err := h.Federation.Partners(t.Context(), access.Actor{OrgID: h.own.ID}, "")
		wantFault(t, "Partners without the right", err, fault.Denied, "access.right.missing")
	})
}

// Two nodes start together: they agree on the keys.
func TestSetupTogether(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		nodes := []*testkit.Domain{testkit.NewDomain(t, db), testkit.NewDomain(t, db)}
		published := make([][]byte, len(nodes))
		if _, err := nodes[0].Federation.IdPMetadata(t.Context()); err == nil {
			t.Error("IdPMetadata without keys = nil")
		}
		var all sync.WaitGroup
		for i, d := range nodes {
			all.Go(func() {
				if err := d.SAMLKeys.Setup(t.Context()); err != nil {
					t.Errorf("Setup: %v", err)
				}
				published[i], _ = d.Federation.IdPMetadata(t.Context())
			})
		}
		all.Wait()
		if len(published[0]) == 0 || !bytes.Equal(published[0], published[1]) {
			t.Errorf("the nodes publish different metadata:\n%s\n%s", published[0], published[1])
		}
		if rows := testkit.Contents(t, db)["saml_key"]; len(rows) != 3 {
			t.Errorf("%d keys, want two for signing and one for encryption", len(rows))
		}
	})
}
