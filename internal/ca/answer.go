package ca

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/store"
)

// SignAheadKind is the regular work of SignAhead.
var SignAheadKind = outbox.NewKind[struct{}]("ca.sign_answers")

const (
	// answerLife is how long a client may rely on an answer; it is signed anew at
	// half of that at the latest.
	answerLife = time.Hour
	// answerAge is how old SignAhead lets an answer become. It comes every ten
	// minutes, so nobody who asks waits for a signature of half of answerLife.
	answerAge = 15 * time.Minute
	// answerWanted is how long after the last question an answer is signed ahead.
	answerWanted = 24 * time.Hour
	// askedEvery is how exactly the last question is on record.
	askedEvery = time.Hour
	// answersKept bounds the answers that a node keeps in memory, about 2 kB each.
	answersKept = 20_000
	// aheadPage is how many answers SignAhead stores together.
	aheadPage = 200
)

// StatusAnswer is an OCSP response (DER) as it is sent.
type StatusAnswer struct {
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
	// Shared tells that everybody who asks the same gets these octets: one question
	// without a nonce.
	Shared bool
}

// storedAnswer is an answer to one question as all nodes find it.
type storedAnswer struct {
	bun.BaseModel `bun:"table:ocsp_answer"`

	Serial      pki.Serial `bun:"serial,pk"`
	Question    []byte     `bun:"question,pk"` // the CertID (DER)
	AuthorityID string     `bun:"authority_id"`
	State       State      `bun:"state"`
	RevokedAt   *time.Time `bun:"revoked_at"`
	DER         []byte     `bun:"der"`
	ThisUpdate  time.Time  `bun:"this_update"`
	NextUpdate  time.Time  `bun:"next_update"`
	AskedAt     time.Time  `bun:"asked_at"`
}

func (a storedAnswer) kept() kept {
	return kept{
		StatusAnswer: StatusAnswer{DER: a.DER, ThisUpdate: a.ThisUpdate.UTC(), NextUpdate: a.NextUpdate.UTC(), Shared: true},
		state:        a.State, revoked: revokedAt(Certificate{RevokedAt: a.RevokedAt}),
	}
}

// kept is an answer that has been signed, and what it says.
type kept struct {
	StatusAnswer

	state   State
	revoked time.Time
}

// holds tells whether the answer still says what is on record and is in the first
// half of its life. Only this makes an answer count, wherever it was kept: so a
// revocation shows with the next question, on every node.
func (k kept) holds(c Certificate, now time.Time) bool {
	return k.state == c.State && k.revoked.Equal(revokedAt(c)) && !now.Before(k.ThisUpdate) && k.NextUpdate.Sub(now) >= answerLife/2
}

// shared answers one question without a nonce: from memory, from what a node has
// signed before, else it signs and stores.
func (s *Service) shared(ctx context.Context, i *issuing, q pki.StatusQuestion, c Certificate) (StatusAnswer, error) {
	name := i.ID + string(q.ID)
	if k, ok := s.answers.get(name); ok && k.holds(c, s.Now()) {
		return k.StatusAnswer, nil
	}
	known := c.State == Issued || c.State == Revoked // nobody fills the table with what is unknown
	if known {
		k, err := s.storedAnswer(ctx, q, c)
		if err != nil {
			return StatusAnswer{}, err
		}
		if k.DER != nil {
			s.answers.put(name, k)
			return k.StatusAnswer, nil
		}
	}
	signed, err := s.signStatus(ctx, i, []pki.StatusAnswer{statusOf(q, c)}, nil)
	if err != nil {
		return StatusAnswer{}, err
	}
	signed.Shared = true
	if !known {
		return signed, nil
	}
	now := store.Instant(s.Now())
	row := storedAnswer{
		Serial: q.Serial, Question: q.ID, AuthorityID: i.ID, State: c.State, RevokedAt: c.RevokedAt,
		DER: signed.DER, ThisUpdate: signed.ThisUpdate, NextUpdate: signed.NextUpdate, AskedAt: now,
	}
	query := s.DB.NewInsert().Model(&row).On("CONFLICT (serial, question) DO UPDATE")
	for _, column := range []string{"authority_id", "state", "revoked_at", "der", "this_update", "next_update", "asked_at"} {
		query.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := query.Exec(ctx); err != nil {
		return StatusAnswer{}, fmt.Errorf("store OCSP answer: %w", err)
	}
	s.answers.put(name, row.kept())
	return signed, nil
}

// storedAnswer is what some node has signed and still holds, one without DER for
// nothing. It notes that somebody asked.
func (s *Service) storedAnswer(ctx context.Context, q pki.StatusQuestion, c Certificate) (kept, error) {
	var row storedAnswer
	err := s.DB.NewSelect().Model(&row).Where("serial = ?", q.Serial).Where("question = ?", q.ID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return kept{}, nil
	}
	if err != nil {
		return kept{}, fmt.Errorf("read OCSP answer: %w", err)
	}
	now := s.Now()
	k := row.kept()
	if !k.holds(c, now) {
		return kept{}, nil
	}
	if now.Sub(row.AskedAt) >= askedEvery {
		_, err = s.DB.NewUpdate().Model((*storedAnswer)(nil)).Set("asked_at = ?", store.Instant(now)).
			Where("serial = ?", q.Serial).Where("question = ?", q.ID).Exec(ctx)
	}
	return k, err
}

// forget drops what was signed about certificates, in the transaction that changes
// what is to be said of them.
func forget(ctx context.Context, tx bun.Tx, serials ...pki.Serial) error {
	_, err := tx.NewDelete().Model((*storedAnswer)(nil)).Where("serial IN (?)", bun.List(serials)).Exec(ctx)
	return err
}

// SignAhead signs anew, before they are due, the answers that somebody asked for
// within a day, and drops the others. It may run at any time and on several nodes
// at once; cut short, it goes on where it stopped.
func (s *Service) SignAhead(ctx context.Context) error {
	now := s.Now()
	wanted := store.Instant(now.Add(-answerWanted))
	if _, err := s.DB.NewDelete().Model((*storedAnswer)(nil)).Where("asked_at <= ?", wanted).Exec(ctx); err != nil {
		return fmt.Errorf("drop OCSP answers: %w", err)
	}
	h, err := s.hierarchy(ctx)
	if err != nil {
		return err
	}
	by := map[string]*issuing{}
	for _, i := range h.issuing {
		by[i.ID] = i
	}
	for {
		var due []storedAnswer
		err := s.DB.NewSelect().Model(&due).ExcludeColumn("der").Where("this_update <= ?", store.Instant(now.Add(-answerAge))).
			Order("this_update", "serial").Limit(aheadPage).Scan(ctx)
		if err != nil {
			return fmt.Errorf("read OCSP answers: %w", err)
		}
		if err := s.signPage(ctx, by, due); err != nil {
			return err
		}
		if len(due) < aheadPage {
			return nil
		}
	}
}

// signPage signs the answers of one page and stores them, each by itself: a block of
// many key files drops answers too, in an order of its own. What was revoked or
// answered anew meanwhile stays as that left it.
func (s *Service) signPage(ctx context.Context, by map[string]*issuing, due []storedAnswer) error {
	questions := map[string][]pki.StatusQuestion{}
	for _, row := range due {
		questions[row.AuthorityID] = append(questions[row.AuthorityID], pki.StatusQuestion{ID: row.Question, Serial: row.Serial})
	}
	for authority, asked := range questions {
		found, err := s.statesOf(ctx, by[authority], asked)
		if err != nil {
			return err
		}
		for _, row := range due {
			if row.AuthorityID != authority {
				continue
			}
			c := found[row.Serial]
			signed, err := s.signStatus(ctx, by[authority], []pki.StatusAnswer{statusOf(pki.StatusQuestion{ID: row.Question}, c)}, nil)
			if err != nil {
				return err
			}
			_, err = s.DB.NewUpdate().Model((*storedAnswer)(nil)).
				Set("state = ?", c.State).Set("revoked_at = ?", c.RevokedAt).Set("der = ?", signed.DER).
				Set("this_update = ?", signed.ThisUpdate).Set("next_update = ?", signed.NextUpdate).
				Where("serial = ?", row.Serial).Where("question = ?", row.Question).Where("this_update = ?", row.ThisUpdate).Exec(ctx)
			if err != nil {
				return fmt.Errorf("store OCSP answer: %w", err)
			}
		}
	}
	return nil
}

// answers are what a node keeps in memory.
type answers struct {
	mu  sync.Mutex
	by  map[string]*answering // by authority
	all map[string]kept
}

func (a *answers) get(name string) (kept, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.all[name]
	return k, ok
}

// put keeps an answer; when there are too many, some are dropped.
func (a *answers) put(name string, k kept) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string]kept{}
	}
	for old := range a.all { // in no order
		if len(a.all) < answersKept {
			break
		}
		delete(a.all, old)
	}
	a.all[name] = k
}
