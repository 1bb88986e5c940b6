package ca_test

import (
	"crypto/elliptic"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		live, gone, forgotten := issue(t, s, "1", alice(), request(t)), issue(t, s, "2", alice(), request(t)), issue(t, s, "3", bob(), request(t))
		if err := revoke(t, s, alice(), gone.Serial, "lost"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.NewDelete().Table("certificate").Where("serial = ?", forgotten.Serial).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		foreign := issue(t, ready(t, testkit.SQLite(t), clock), "1", alice(), request(t))
		issuing, err := s.IssuingDER(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name string
			der  []byte
			at   time.Time
			kind fault.Kind
			code string
		}{
			{name: "live", der: live.DER, at: s.Now()},
			{name: "its last second", der: live.DER, at: live.NotAfter},
			{name: "the second after", der: live.DER, at: live.NotAfter.Add(time.Second), kind: fault.Denied, code: "ca.certificate.expired"},
			{name: "the second before", der: live.DER, at: live.NotBefore.Add(-time.Second), kind: fault.Denied, code: "ca.certificate.not_yet_valid"},
			{name: "revoked", der: gone.DER, at: s.Now(), kind: fault.Denied, code: "ca.certificate.revoked"},
			{name: "not on record", der: forgotten.DER, at: s.Now(), kind: fault.Denied, code: "ca.certificate.unknown"},
			{name: "of another authority of the same name", der: foreign.DER, at: s.Now(), kind: fault.Denied, code: "ca.certificate.other_ca"},
			{name: "the issuing CA's own", der: issuing, at: s.Now(), kind: fault.Denied, code: "ca.certificate.profile"},
			{name: "a draft", der: live.Draft, at: s.Now(), kind: fault.Denied, code: "ca.certificate.other_ca"},
			{name: "with another signature that fits", der: resigned(t, live.DER), at: s.Now(), kind: fault.Denied, code: "ca.certificate.unknown"},
			{name: "no certificate", der: []byte("key file"), at: s.Now(), kind: fault.Invalid, code: "ca.certificate.unreadable"},
		} {
			leaf, err := s.Verify(t.Context(), tc.der, tc.at)
			if fault.KindOf(err) != tc.kind || fault.CodeOf(err) != tc.code || (leaf == nil) != (tc.kind != 0) {
				t.Errorf("%s: Verify = %v, %v, want kind %d, code %s", tc.name, leaf, err, tc.kind, tc.code)
			}
		}
	})
}

// resigned is the certificate with (r, n-s) for the signature (r, s) of ECDSA,
// which anybody can make of it and which verifies as well.
func resigned(t *testing.T, der []byte) []byte {
	t.Helper()
	var outer struct {
		TBS, Algorithm asn1.RawValue
		Signature      asn1.BitString
	}
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(outer.Signature.Bytes, &signature); err != nil {
		t.Fatal(err)
	}
	signature.S.Sub(elliptic.P256().Params().N, signature.S)
	b, err := asn1.Marshal(signature)
	if err != nil {
		t.Fatal(err)
	}
	outer.Signature = asn1.BitString{Bytes: b, BitLength: 8 * len(b)}
	if der, err = asn1.Marshal(outer); err != nil {
		t.Fatal(err)
	}
	return der
}

func TestVerifyAnAbandonedOne(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		c := issue(t, s, "r", alice(), request(t))
		// As if the node had died after it signed and before it stored.
		if _, err := db.NewUpdate().Table("certificate").Set("state = 'intended', der = NULL").Where("serial = ?", c.Serial).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := s.Verify(t.Context(), c.DER, s.Now())
		wantCode(t, "Verify of an intended one", err, fault.Denied, "ca.certificate.unknown")
		clock.Move(time.Hour)
		sweep(t, s)
		_, err = s.Verify(t.Context(), c.DER, s.Now())
		wantCode(t, "Verify of an abandoned one", err, fault.Denied, "ca.certificate.revoked")
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := ready(t, db, testkit.NewClock())
		c := issue(t, s, "r", alice(), request(t))
		wantCode(t, "RevokeIn by another organisation", revoke(t, s, bob(), c.Serial, "envy"), fault.Conflict, "ca.certificate.state")
		if _, err := s.Verify(t.Context(), c.DER, s.Now()); err != nil {
			t.Errorf("Verify after that: %v", err)
		}
		if err := revoke(t, s, alice(), c.Serial, "lost"); err != nil {
			t.Fatalf("RevokeIn: %v", err)
		}
		wantCode(t, "RevokeIn a second time", revoke(t, s, alice(), c.Serial, "again"), fault.Conflict, "ca.certificate.state")
		got, err := s.Certificate(t.Context(), c.OrgID, string(c.Serial))
		if err != nil || got.State != ca.Revoked || got.RevokeReason != "lost" || got.RevokedAt == nil || !got.RevokedAt.Equal(s.Now()) {
			t.Errorf("Certificate = %+v, %v", got, err)
		}
		if got, want := verbs(t, db, c), []string{"certificate.intend", "certificate.issue", "certificate.revoke"}; !slices.Equal(got, want) {
			t.Errorf("audit entries = %v, want %v", got, want)
		}
	})
}

func TestExpiringBetween(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		// One certificate a day: of the people 1 to 5, again of 2, again of 5. Those
		// of 3 and the second of 5 are revoked.
		person := func(n byte) ca.Holder {
			h := alice()
			h.EmployeeID = access.EmployeeID(fmt.Sprintf("01934567-89ab-7cde-8f01-%012d", n))
			return h
		}
		var all []ca.Certificate
		for i, n := range []byte{1, 2, 3, 4, 5, 2, 5} {
			all = append(all, issue(t, s, string(rune('a'+i)), person(n), request(t)))
			clock.Move(24 * time.Hour)
		}
		for _, i := range []int{2, 6} {
			if err := revoke(t, s, alice(), all[i].Serial, "lost"); err != nil {
				t.Fatal(err)
			}
		}
		end := func(i int) time.Time { return all[i].NotAfter }
		for _, tc := range []struct {
			name     string
			from, to time.Time
			want     []int
		}{
			{name: "all", from: end(0), to: end(6).Add(time.Hour), want: []int{0, 3, 4, 5}},
			{name: "from is in, to is out", from: end(3), to: end(4), want: []int{3}},
			{name: "none", from: end(1), to: end(3)},
		} {
			for _, limit := range []int{1, 3, 500} {
				var got, want []pki.Serial
				for _, i := range tc.want {
					want = append(want, all[i].Serial)
				}
				for cursor, first := "", true; first || cursor != ""; first = false {
					page, next, err := s.ExpiringBetween(t.Context(), tc.from, tc.to, cursor, limit)
					if err != nil || len(page) > limit {
						t.Fatalf("%s: ExpiringBetween = %d, %v, want at most %d", tc.name, len(page), err, limit)
					}
					for _, c := range page {
						got = append(got, c.Serial)
					}
					cursor = next
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, %d a page: got %v, want %v", tc.name, limit, got, want)
				}
			}
		}
		for _, cursor := range []string{"!", "WyJ5IiwieCJd"} {
			_, _, err := s.ExpiringBetween(t.Context(), end(0), end(1), cursor, 10)
			wantCode(t, "ExpiringBetween from "+cursor, err, fault.Invalid, "page.cursor.malformed")
		}
	})
}
