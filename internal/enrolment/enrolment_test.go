package enrolment_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// office is an organisation that orders certificates.
type office struct {
	*testkit.Domain
	company testkit.Company
	by      access.Actor
	seen    map[string]bool
}

func newOffice(t *testing.T, db *bun.DB) *office {
	t.Helper()
	d := testkit.NewDomain(t, db)
	if err := d.CA.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := &office{Domain: d, company: d.Company(t, "12345678"), seen: map[string]bool{}}
	o.by = o.allow(t, o.company)
	o.verbs(t)
	return o
}

// allow lets a company order every kind, and returns its administrator with every
// role.
func (o *office) allow(t *testing.T, c testkit.Company) access.Actor {
	t.Helper()
	by := c.Actor
	by.Roles = access.Roles
	err := store.InTx(t.Context(), o.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := o.Setting.Put(ctx, tx, by, func(s *setting.Settings) { s.Certificates = []string{"organisation", "system", "user"} })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return by
}

// verbs are the audit entries since the last call, sorted.
func (o *office) verbs(t *testing.T) []string {
	t.Helper()
	var all []audit.Entry
	if err := o.DB.NewSelect().Model(&all).Order("verb").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	var fresh []string
	for _, e := range all {
		if !o.seen[e.ID] {
			o.seen[e.ID] = true
			fresh = append(fresh, e.Verb)
		}
	}
	return fresh
}

func (o *office) wantVerbs(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := o.verbs(t); !slices.Equal(got, want) {
		t.Errorf("%s leaves the entries %v, want %v", what, got, want)
	}
}

func terms() enrolment.Terms {
	return enrolment.Terms{
		Kind: pki.ProfileOrganisation, Name: "Økonomi", ContactName: "Ida Søe", ContactEmail: "ida@nordvind.example", Method: enrolment.ByUpload,
	}
}

func (o *office) order(t *testing.T, change func(*enrolment.Terms)) enrolment.Placed {
	t.Helper()
	in := terms()
	if change != nil {
		change(&in)
	}
	placed, err := o.Enrolment.Order(t.Context(), o.by, in)
	if err != nil {
		t.Fatalf("Order: %v", err)
	}
	return placed
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func request(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := pki.NewRequest(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (o *office) issue(t *testing.T, p enrolment.Placed, key crypto.Signer) enrolment.Fetched {
	t.Helper()
	f, err := o.Enrolment.Issue(t.Context(), o.by, p.Order.ID, request(t, key))
	if err != nil {
		t.Fatalf("Issue: %v", err)
	}
	return f
}

var linkForm = regexp.MustCompile(`/(certificate|certificate-email)#([A-Za-z0-9_-]{43})`)

// link is the token in the newest mail to an address that opens a page.
func (o *office) link(t *testing.T, address, page string) string {
	t.Helper()
	o.Drain(t)
	mails, _, err := o.Mailbox.Mails("", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if found := linkForm.FindStringSubmatch(m.Body); found != nil && found[1] == page && strings.Contains(m.To, "<"+address+">") {
			return found[2]
		}
	}
	return ""
}

func wantCode(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.CodeOf(err) != code {
		t.Errorf("%s = %v, want %s", what, err, code)
	}
}

func TestOrderIssueRenewRevoke(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		placed := o.order(t, nil)
		o.wantVerbs(t, "an order", "certificate_order.create", "certificate_profile.create")
		key := newKey(t)
		csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request(t, key)})
		first, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr)
		if err != nil {
			t.Fatal(err)
		}
		o.wantVerbs(t, "issuing", "certificate.intend", "certificate.issue", "certificate_order.issue")
		leaf, err := o.CA.Verify(t.Context(), first.Certificate.DER, o.Clock.Now(), pki.ProfileOrganisation)
		if err != nil || leaf.UUID != placed.Profile.ID || leaf.Name != "Økonomi" || leaf.CVR != "12345678" || leaf.Person || len(first.Chain) != 2 {
			t.Fatalf("Verify = %+v, %v", leaf, err)
		}
		again, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, csr)
		if err != nil || again.Certificate.Serial != first.Certificate.Serial {
			t.Errorf("the same request gave %s, then %s, %v", first.Certificate.Serial, again.Certificate.Serial, err)
		}
		_, err = o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, request(t, newKey(t)))
		wantCode(t, "another key for the same order", err, fault.Conflict, "enrolment.order.issued")
		o.wantVerbs(t, "what was refused or repeated")

		o.Clock.Move((1095 - 30) * 24 * time.Hour)
		expectState(t, o, placed.Profile.ID, enrolment.Expiring)
		renewal, err := o.Enrolment.Renew(t.Context(), o.by, placed.Profile.ID, enrolment.ByUpload)
		if err != nil || renewal.Order.Renews != string(first.Certificate.Serial) {
			t.Fatalf("Renew = %+v, %v", renewal.Order, err)
		}
		_, err = o.Enrolment.Renew(t.Context(), o.by, placed.Profile.ID, enrolment.ByUpload)
		wantCode(t, "renewing twice", err, fault.Conflict, "enrolment.order.open")
		second := o.issue(t, renewal, newKey(t))
		leaf, err = o.CA.Verify(t.Context(), second.Certificate.DER, o.Clock.Now(), pki.ProfileOrganisation)
		if err != nil || leaf.UUID != placed.Profile.ID || second.Certificate.Serial == first.Certificate.Serial {
			t.Errorf("the renewal has the UUID %s, %v", leaf.UUID, err)
		}
		if other := o.order(t, nil); other.Profile.ID == placed.Profile.ID {
			t.Error("a new profile has the UUID of another")
		}
		w := expectState(t, o, placed.Profile.ID, enrolment.Issued)
		if len(w.Certificates) != 2 || w.Certificates[0].State != enrolment.Issued || w.Certificates[1].State != enrolment.Renewed || len(w.Orders) != 2 {
			t.Errorf("Profile shows %+v", w.Certificates)
		}

		o.verbs(t)
		wantCode(t, "revoking without a reason", o.Enrolment.Revoke(t.Context(), o.by, string(second.Certificate.Serial), "just so", ""), fault.Invalid, "enrolment.revoke.reason")
		if err := o.Enrolment.Revoke(t.Context(), o.by, string(second.Certificate.Serial), "unspecified", "nobody needs it"); err != nil {
			t.Fatal(err)
		}
		o.wantVerbs(t, "revoking", "certificate.revoke")
		if c, err := o.CA.Certificate(t.Context(), o.company.ID, string(second.Certificate.Serial)); err != nil || c.RevokeReason != "unspecified" {
			t.Errorf("the reason on record is %q, %v", c.RevokeReason, err)
		}
		wantCode(t, "revoking again", o.Enrolment.Revoke(t.Context(), o.by, string(second.Certificate.Serial), "superseded", ""), fault.Conflict, "ca.certificate.state")
		_, err = o.CA.Verify(t.Context(), second.Certificate.DER, o.Clock.Now(), pki.ProfileOrganisation)
		wantCode(t, "Verify", err, fault.Denied, "ca.certificate.revoked")
		expectState(t, o, placed.Profile.ID, enrolment.Expiring) // the first one still counts
	})
}

func expectState(t *testing.T, o *office, id, want string) enrolment.Whole {
	t.Helper()
	w, err := o.Enrolment.Profile(t.Context(), o.by, id)
	if err != nil || w.State != want {
		t.Errorf("Profile is %s, %v, want %s", w.State, err, want)
	}
	return w
}

func TestOrderRefuses(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		for _, tc := range []struct {
			change func(*enrolment.Terms)
			kind   fault.Kind
			code   string
		}{
			{func(in *enrolment.Terms) { in.Kind = pki.ProfileEmployee }, fault.Invalid, "enrolment.kind.unknown"},
			{func(in *enrolment.Terms) { in.Name = " " }, fault.Invalid, "enrolment.name.length"},
			{func(in *enrolment.Terms) { in.Name = strings.Repeat("ø", 65) }, fault.Invalid, "enrolment.name.length"},
			{func(in *enrolment.Terms) { in.Name = "a\x00" }, fault.Invalid, "enrolment.name.length"},
			{func(in *enrolment.Terms) { in.ContactName = "" }, fault.Invalid, "enrolment.contact.length"},
			{func(in *enrolment.Terms) { in.ContactEmail = "ida" }, fault.Invalid, "enrolment.contact.email"},
			{func(in *enrolment.Terms) { in.Kind = pki.ProfileSecureEmail }, fault.Invalid, "enrolment.email.missing"},
			{func(in *enrolment.Terms) { in.Email = "Ida <ida@nordvind.example>" }, fault.Invalid, "enrolment.email.malformed"},
			{func(in *enrolment.Terms) { in.Kind, in.Seal = pki.ProfileSystem, true }, fault.Invalid, "enrolment.seal.kind"},
			{func(in *enrolment.Terms) { in.Role = access.UserAdministrator }, fault.Invalid, "enrolment.role.kind"},
			{func(in *enrolment.Terms) { in.Kind, in.Role = pki.ProfileSystem, "root" }, fault.Invalid, "enrolment.role.unknown"},
			{func(in *enrolment.Terms) { in.Method = "est" }, fault.Invalid, "enrolment.method.unknown"},
		} {
			in := terms()
			tc.change(&in)
			_, err := o.Enrolment.Order(t.Context(), o.by, in)
			wantCode(t, "Order", err, tc.kind, tc.code)
		}
		user := o.by
		user.Roles = []access.Role{access.UserAdministrator}
		in := terms()
		in.Kind, in.Role = pki.ProfileSystem, access.OrganisationAdministrator
		_, err := o.Enrolment.Order(t.Context(), user, in)
		wantCode(t, "a role that the orderer has not", err, fault.Denied, "enrolment.role.beyond")
		other := o.Company(t, "87654321").Actor
		other.Roles = access.Roles
		_, err = o.Enrolment.Order(t.Context(), other, terms())
		wantCode(t, "where settings allow employees only", err, fault.Conflict, "enrolment.kind.disallowed")
		o.verbs(t)
		if n, err := db.NewSelect().Model((*enrolment.Profile)(nil)).Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d profiles were made, %v", n, err)
		}
	})
}

func TestContactPerson(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		placed := o.order(t, func(in *enrolment.Terms) { in.Kind, in.Method = pki.ProfileSystem, enrolment.ByCode })
		token := o.link(t, "ida@nordvind.example", "certificate")
		if placed.Code == "" || token == "" {
			t.Fatalf("code %q, link %q", placed.Code, token)
		}
		for table, rows := range testkit.Contents(t, db) {
			if all := strings.Join(rows, "\n"); strings.Contains(all, placed.Code) || strings.Contains(all, token) {
				t.Errorf("the table %s has a secret in clear", table)
			}
		}
		o.verbs(t)
		p, err := o.Enrolment.LookUp(t.Context(), token)
		if err != nil || p.Organisation != o.company.Name || p.Profile.Name != "Økonomi" || p.TriesLeft != 5 {
			t.Errorf("LookUp = %+v, %v", p, err)
		}
		key := newKey(t)
		_, err = o.Enrolment.Fetch(t.Context(), token, "AAAA-AAAA-AAAA-AAAA", request(t, key), "192.0.2.9")
		wantCode(t, "a wrong code", err, fault.Invalid, "enrolment.order.code")
		o.wantVerbs(t, "a wrong code", "certificate_order.refuse")
		f, err := o.Enrolment.Fetch(t.Context(), token, strings.ToLower(placed.Code), request(t, key), "192.0.2.9")
		if err != nil {
			t.Fatal(err)
		}
		o.wantVerbs(t, "fetching", "certificate.intend", "certificate.issue", "certificate_order.issue")
		again, err := o.Enrolment.Fetch(t.Context(), token, placed.Code, request(t, key), "192.0.2.9")
		if err != nil || again.Certificate.Serial != f.Certificate.Serial {
			t.Errorf("a lost answer cannot be had again: %v", err)
		}
		_, err = o.Enrolment.LookUp(t.Context(), token)
		wantCode(t, "LookUp of a used link", err, fault.Conflict, "enrolment.order.issued")
		_, err = o.Enrolment.LookUp(t.Context(), "x")
		wantCode(t, "LookUp of another link", err, fault.Absent, "enrolment.order.unknown")
	})
}

func TestFiveWrongCodesLock(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		placed := o.order(t, func(in *enrolment.Terms) { in.Method = enrolment.ByCode })
		token, csr := o.link(t, "ida@nordvind.example", "certificate"), request(t, newKey(t))
		for range enrolment.MaxTries {
			if _, err := o.Enrolment.Fetch(t.Context(), token, "AAAA-AAAA-AAAA-AAAA", csr, ""); err == nil {
				t.Fatal("a wrong code was taken")
			}
		}
		_, err := o.Enrolment.Fetch(t.Context(), token, placed.Code, csr, "")
		wantCode(t, "the right code then", err, fault.Conflict, "enrolment.order.locked")
		if n, err := db.NewSelect().Model((*ca.Certificate)(nil)).Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d certificates, %v", n, err)
		}
		expectState(t, o, placed.Profile.ID, enrolment.Locked)
	})
}

func TestEmailIsConfirmedFirst(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		placed := o.order(t, func(in *enrolment.Terms) { in.Kind, in.Email = pki.ProfileSecureEmail, "søge@nordvind.example" })
		_, err := o.Enrolment.Issue(t.Context(), o.by, placed.Order.ID, request(t, newKey(t)))
		wantCode(t, "Issue before", err, fault.Conflict, "enrolment.order.waiting")
		if ascii := o.order(t, func(in *enrolment.Terms) { in.Email = "soege@nærum.example" }); !placed.EmailWide || ascii.EmailWide {
			t.Errorf("a warning of the address: %t for søge@, %t for a domain of such letters", placed.EmailWide, ascii.EmailWide)
		}
		token := o.link(t, "søge@nordvind.example", "certificate-email")
		_, err = o.Enrolment.Confirm(t.Context(), "x", "")
		wantCode(t, "Confirm by another link", err, fault.Absent, "enrolment.email.unknown")
		o.verbs(t)
		for range 2 {
			if p, err := o.Enrolment.Confirm(t.Context(), token, "192.0.2.9"); err != nil || p.ID != placed.Profile.ID {
				t.Errorf("Confirm = %+v, %v", p, err)
			}
		}
		o.wantVerbs(t, "confirming twice", "certificate_profile.confirm")
		f := o.issue(t, placed, newKey(t))
		cert, err := x509.ParseCertificate(f.Certificate.DER)
		if err != nil || !f.EmailWide || pki.Mailboxes(cert)[0].Address != "søge@nordvind.example" {
			t.Errorf("the certificate has %v, %v", pki.Mailboxes(cert), err)
		}
		renewal, err := o.Enrolment.Renew(t.Context(), o.by, placed.Profile.ID, enrolment.ByUpload)
		if err != nil || renewal.Order.State != enrolment.Ready || !renewal.EmailWide {
			t.Errorf("a renewal asks for the address again: %s, %v", renewal.Order.State, err)
		}
	})
}

// A key belongs to one holder, and one that was revoked to nobody.
func TestKeysAreNotShared(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		first, second, key := o.order(t, nil), o.order(t, nil), newKey(t)
		f := o.issue(t, first, key)
		_, err := o.Enrolment.Issue(t.Context(), o.by, second.Order.ID, request(t, key))
		wantCode(t, "another profile's key", err, fault.Conflict, "ca.request.key_in_use")
		stranger := o.Company(t, "87654321")
		_, err = o.Credential.Activate(t.Context(), stranger.Invitation.Token, stranger.Invitation.Code, request(t, key), "")
		wantCode(t, "an employee elsewhere with the key", err, fault.Conflict, "ca.request.key_in_use")
		renewal, err := o.Enrolment.Renew(t.Context(), o.by, first.Profile.ID, enrolment.ByUpload)
		if err != nil {
			t.Fatal(err)
		}
		o.issue(t, renewal, key) // its own key may go on
		if err := o.Enrolment.Revoke(t.Context(), o.by, string(f.Certificate.Serial), "key_compromise", ""); err != nil {
			t.Fatal(err)
		}
		renewal, err = o.Enrolment.Renew(t.Context(), o.by, first.Profile.ID, enrolment.ByUpload)
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.Enrolment.Issue(t.Context(), o.by, renewal.Order.ID, request(t, key))
		wantCode(t, "a revoked key", err, fault.Conflict, "ca.request.key_in_use")
		_, err = o.Enrolment.Issue(t.Context(), o.by, renewal.Order.ID, []byte("nothing"))
		wantCode(t, "no request", err, fault.Invalid, "enrolment.request.unreadable")
	})
}

func TestOrdersEnd(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		old, gone := o.order(t, nil), o.order(t, nil)
		if err := o.Enrolment.Cancel(t.Context(), o.by, gone.Order.ID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "cancelling again", o.Enrolment.Cancel(t.Context(), o.by, gone.Order.ID), fault.Conflict, "enrolment.order.state")
		_, err := o.Enrolment.Issue(t.Context(), o.by, gone.Order.ID, request(t, newKey(t)))
		wantCode(t, "a cancelled order", err, fault.Conflict, "enrolment.order.cancelled")
		o.Clock.Move(enrolment.OrderDays * 24 * time.Hour)
		_, err = o.Enrolment.Issue(t.Context(), o.by, old.Order.ID, request(t, newKey(t)))
		wantCode(t, "an old order", err, fault.Conflict, "enrolment.order.expired")
		o.verbs(t)
		for range 2 {
			if err := o.Enrolment.ExpireOrders(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		o.wantVerbs(t, "the sweep, twice", "certificate_order.expire")
		expectState(t, o, old.Profile.ID, enrolment.Expired)
	})
}

func TestSealUsers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		seal, plain := o.order(t, func(in *enrolment.Terms) { in.Seal = true }), o.order(t, nil)
		bo := o.Employee(t, o.company.Organisation, "R1", "Bo Berg")
		wantCode(t, "AllowSeal of what is none", o.Enrolment.AllowSeal(t.Context(), o.by, plain.Profile.ID, bo.ID), fault.Conflict, "enrolment.seal.none")
		o.verbs(t)
		for range 2 {
			if err := o.Enrolment.AllowSeal(t.Context(), o.by, seal.Profile.ID, bo.ID); err != nil {
				t.Fatal(err)
			}
		}
		o.wantVerbs(t, "allowing twice", "seal.allow")
		if all, err := o.Enrolment.SealUsers(t.Context(), o.by, seal.Profile.ID); err != nil || len(all) != 1 || all[0].ID != bo.ID {
			t.Errorf("SealUsers = %v, %v", all, err)
		}
		for range 2 {
			if err := o.Enrolment.ForbidSeal(t.Context(), o.by, seal.Profile.ID, bo.ID); err != nil {
				t.Fatal(err)
			}
		}
		o.wantVerbs(t, "forbidding twice", "seal.forbid")
		user := o.by
		user.Roles = []access.Role{access.UserAdministrator}
		wantCode(t, "a user administrator", o.Enrolment.AllowSeal(t.Context(), user, seal.Profile.ID, bo.ID), fault.Denied, "access.right.missing")
	})
}

func TestProfilesByPage(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		for i := range 51 {
			o.order(t, func(in *enrolment.Terms) { in.Name = string(rune('A' + i%26)) })
		}
		page, next, err := o.Enrolment.Profiles(t.Context(), o.by, "")
		if err != nil || len(page) != 50 || next == "" {
			t.Fatalf("Profiles = %d, %q, %v", len(page), next, err)
		}
		rest, end, err := o.Enrolment.Profiles(t.Context(), o.by, next)
		if err != nil || len(rest) != 1 || end != "" || rest[0].Open == nil || rest[0].State != enrolment.Ready {
			t.Errorf("the next page = %+v, %q, %v", rest, end, err)
		}
		other := o.Company(t, "87654321").Actor
		other.Roles = access.Roles
		if page, _, err := o.Enrolment.Profiles(t.Context(), other, ""); err != nil || len(page) != 0 {
			t.Errorf("another organisation sees %d, %v", len(page), err)
		}
	})
}

// What the organisation allows no longer is not renewed either, by nobody.
func TestDisallowedKindIsNotRenewed(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		o := newOffice(t, db)
		placed := o.order(t, nil)
		issued := o.issue(t, placed, newKey(t))
		err := store.InTx(t.Context(), o.DB, func(ctx context.Context, tx bun.Tx) error {
			_, err := o.Setting.Put(ctx, tx, o.by, func(s *setting.Settings) { s.Certificates = []string{"system"} })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		o.verbs(t)
		_, err = o.Enrolment.Renew(t.Context(), o.by, placed.Profile.ID, enrolment.ByUpload)
		wantCode(t, "Renew", err, fault.Conflict, "enrolment.kind.disallowed")
		_, err = o.Enrolment.Reenroll(t.Context(), issued.Certificate.DER, request(t, newKey(t)), "192.0.2.9")
		wantCode(t, "Reenroll", err, fault.Conflict, "enrolment.kind.disallowed")
		o.wantVerbs(t, "refusals")
	})
}
