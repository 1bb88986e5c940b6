package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/ocsp"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

// asked is the OCSP request about a certificate of an issuing CA.
func asked(t *testing.T, issuing, leaf []byte) []byte {
	t.Helper()
	a, errA := x509.ParseCertificate(issuing)
	b, errB := x509.ParseCertificate(leaf)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	request, err := ocsp.CreateRequest(b, a, &ocsp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// answer asks about a certificate and reads the answer, checked against the CA.
func answer(t *testing.T, s *ca.Service, number int64, leaf []byte) (*ocsp.Response, ca.StatusAnswer) {
	t.Helper()
	der, err := s.IssuingDER(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	raw := s.Status(t.Context(), asked(t, der, leaf))
	issuing, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ocsp.ParseResponse(raw.DER, issuing)
	if err != nil {
		t.Fatalf("ParseResponse: %v (%x)", err, raw.DER)
	}
	return r, raw
}

func TestStatus(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s, other := ready(t, db, clock), ready(t, db, clock)
		c := issue(t, s, "1", alice(), request(t))
		killed(t, node(t, db, clock), signed(), request(t))
		first, raw := answer(t, s, 1, c.DER)
		if first.Status != ocsp.Good || !first.NextUpdate.Equal(first.ThisUpdate.Add(time.Hour)) || !raw.Shared {
			t.Errorf("answer = %+v", first)
		}
		clock.Move(29 * time.Minute)
		if _, again := answer(t, s, 1, c.DER); !bytes.Equal(again.DER, raw.DER) {
			t.Error("an answer in the first half of its life was signed again")
		}
		clock.Move(2 * time.Minute)
		if next, again := answer(t, s, 1, c.DER); bytes.Equal(again.DER, raw.DER) || !next.ThisUpdate.After(first.ThisUpdate) {
			t.Error("an answer in the second half of its life was given again")
		}
		// At once, on every node.
		if err := revoke(t, other, alice(), c.Serial, "key_compromise"); err != nil {
			t.Fatal(err)
		}
		for i, n := range []*ca.Service{s, other, node(t, db, clock)} {
			if r, _ := answer(t, n, 1, c.DER); r.Status != ocsp.Revoked || r.RevocationReason != 1 || !r.RevokedAt.Equal(clock.Now().Truncate(time.Second)) {
				t.Errorf("node %d says %+v after the revocation", i, r)
			}
		}
		// What was recorded and perhaps never signed is unknown, later revoked.
		for _, one := range stored(t, db) {
			if one.State != ca.Intended {
				continue
			}
			if r, _ := answer(t, s, 1, one.Draft); r.Status != ocsp.Unknown {
				t.Errorf("an intended one is %d", r.Status)
			}
			clock.Move(time.Hour)
			sweep(t, s)
			if r, _ := answer(t, s, 1, one.Draft); r.Status != ocsp.Revoked {
				t.Errorf("an abandoned one is %d", r.Status)
			}
		}
	})
}

func TestStatusAfterARollover(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		s := ready(t, db, testkit.NewClock())
		before := issue(t, s, "1", alice(), request(t))
		if err := s.Rollover(t.Context(), access.Command("")); err != nil {
			t.Fatal(err)
		}
		after := issue(t, s, "2", bob(), request(t))
		for number, c := range map[int64]ca.Certificate{1: before, 2: after} {
			if r, _ := answer(t, s, number, c.DER); r.Status != ocsp.Good {
				t.Errorf("of authority %d: %+v", number, r)
			}
			// The other authority did not issue it.
			if r, _ := answer(t, s, 3-number, c.DER); r.Status != ocsp.Unknown {
				t.Errorf("authority %d about a foreign one: %+v", 3-number, r)
			}
		}
	})
}

func TestStatusFailures(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock()
	s, stranger := ready(t, testkit.SQLite(t), clock), ready(t, testkit.SQLite(t), clock)
	c := issue(t, stranger, "1", alice(), request(t))
	foreign, err := stranger.IssuingDER(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		service *ca.Service
		request []byte
		want    pki.StatusFailure
	}{
		"nonsense":         {s, []byte("hello"), pki.MalformedRequest},
		"another CA":       {s, asked(t, foreign, c.DER), pki.Unauthorized},
		"before the setup": {node(t, testkit.SQLite(t), clock), asked(t, foreign, c.DER), pki.TryLater},
	} {
		if got := tc.service.Status(t.Context(), tc.request); !bytes.Equal(got.DER, tc.want.DER()) || got.Shared {
			t.Errorf("%s: answer %x, want %x", name, got.DER, tc.want.DER())
		}
	}
}

// What one node has signed the others give too; the job signs it anew before it is
// due, and a revocation drops it at once, on every node.
func TestAnswersAreSignedAhead(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s, other := ready(t, db, clock), node(t, db, clock)
		c, quiet := issue(t, s, "1", alice(), request(t)), issue(t, s, "2", bob(), request(t))
		same := func(what string) ca.StatusAnswer {
			t.Helper()
			_, one := answer(t, s, 1, c.DER)
			_, two := answer(t, other, 1, c.DER)
			if !bytes.Equal(one.DER, two.DER) || !one.Shared || !two.Shared || !one.ThisUpdate.Equal(two.ThisUpdate) {
				t.Errorf("%s: two nodes give answers of %s and %s", what, one.ThisUpdate, two.ThisUpdate)
			}
			return one
		}
		ahead := func() {
			t.Helper()
			if err := other.SignAhead(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		first := same("signed for the first who asks")
		answer(t, s, 1, quiet.DER)
		clock.Move(10 * time.Minute)
		ahead()
		if again := same("young"); !bytes.Equal(again.DER, first.DER) {
			t.Error("a young answer was signed anew")
		}
		clock.Move(19 * time.Minute)
		ahead()
		signedAt := clock.Now()
		clock.Move(11 * time.Minute) // past half of the first one's life
		if next := same("signed ahead"); !next.ThisUpdate.Equal(signedAt.Truncate(time.Second)) {
			t.Errorf("the answer is of %s, want that of %s, signed ahead", next.ThisUpdate, signedAt)
		}

		// An asker's nonce is answered for that asker alone, and kept nowhere.
		rows := len(testkit.Contents(t, db)["ocsp_answer"])
		der, err := s.IssuingDER(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		live := s.Status(t.Context(), withNonce(t, asked(t, der, c.DER)))
		if live.Shared || !live.ThisUpdate.Equal(clock.Now().Truncate(time.Second)) || len(testkit.Contents(t, db)["ocsp_answer"]) != rows {
			t.Errorf("with a nonce: %+v", live)
		}

		if err := revoke(t, other, alice(), c.Serial, "key_compromise"); err != nil {
			t.Fatal(err)
		}
		if n := len(testkit.Contents(t, db)["ocsp_answer"]); n != rows-1 {
			t.Errorf("%d answers are on record after the revocation, want %d", n, rows-1)
		}
		for i, n := range []*ca.Service{s, other} {
			if r, _ := answer(t, n, 1, c.DER); r.Status != ocsp.Revoked {
				t.Errorf("node %d says %d after the revocation", i, r.Status)
			}
		}
		// One that a slow node stores late does not count.
		if _, err := db.NewUpdate().Table("ocsp_answer").Set("state = 'issued'").Set("revoked_at = NULL").Set("der = ?", first.DER).
			Where("serial = ?", c.Serial).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, _ := answer(t, node(t, db, clock), 1, c.DER); r.Status != ocsp.Revoked {
			t.Errorf("an answer of before the revocation counts: %d", r.Status)
		}

		// What nobody asks for any more is not signed for ever.
		clock.Move(23 * time.Hour)
		answer(t, s, 1, c.DER)
		clock.Move(2 * time.Hour)
		ahead()
		var serials []string
		if err := db.NewSelect().Table("ocsp_answer").Column("serial").Scan(t.Context(), &serials); err != nil || len(serials) != 1 || serials[0] != string(c.Serial) {
			t.Errorf("signed ahead a day later: %v, %v", serials, err)
		}
	})
}

// withNonce adds a nonce to a request of x/crypto, which has no extensions.
func withNonce(t *testing.T, request []byte) []byte {
	t.Helper()
	var whole struct {
		TBS struct {
			List       asn1.RawValue
			Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
		}
	}
	if _, err := asn1.Unmarshal(request, &whole); err != nil {
		t.Fatal(err)
	}
	value, err := asn1.Marshal([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	whole.TBS.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Value: value}}
	der, err := asn1.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// One responder for all nodes, replaced by the sweep at half of its life.
func TestResponderOnSeveralNodes(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		clock := testkit.NewClock()
		s := ready(t, db, clock)
		c := issue(t, s, "1", alice(), request(t))
		signers := func() int {
			var all sync.WaitGroup
			var mu sync.Mutex
			seen := map[string]bool{}
			for range 4 {
				n := node(t, db, clock)
				all.Go(func() {
					r, _ := answer(t, n, 1, c.DER)
					mu.Lock()
					defer mu.Unlock()
					seen[r.Certificate.SerialNumber.String()] = true
				})
			}
			all.Wait()
			return len(seen)
		}
		count := func() int {
			var numbers []int64
			if err := db.NewSelect().Table("ocsp_responder").Column("number").Scan(t.Context(), &numbers); err != nil {
				t.Fatal(err)
			}
			return len(numbers)
		}
		if got := signers(); got != 1 || count() != 1 {
			t.Errorf("%d responders answer, %d on record, want 1", got, count())
		}
		clock.Move(pki.ResponderLife / 2)
		sweep(t, s)
		if got := signers(); got != 1 || count() != 2 {
			t.Errorf("after half of its life %d responders answer, %d on record, want 1 and 2", got, count())
		}
		clock.Move(pki.ResponderLife / 2)
		sweep(t, s)
		if got := count(); got != 2 { // the first has expired and is gone
			t.Errorf("responders on record = %d, want 2", got)
		}
		if n, err := db.NewSelect().Table("audit_entry").Where("verb = 'authority.delegate'").Count(t.Context()); err != nil || n != 3 {
			t.Errorf("entries = %d, %v, want 3", n, err)
		}
		if contents := fmt.Sprint(testkit.Contents(t, db)["ocsp_responder"]); bytes.Contains([]byte(contents), []byte("PRIVATE")) {
			t.Error("a key is stored in the clear")
		}
	})
}
