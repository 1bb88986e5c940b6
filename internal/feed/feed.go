// Package feed fetches the metadata of partners from where they publish it, again
// and again: spread over time, no more often than they wish, never from inside the
// operator's network. What a document means to a partner its own package says; the
// last one that was good goes on counting, and people are told when none arrives.
package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/outside"
	"github.com/adgang/adgang/internal/store"
)

// How often: as the document and its server say, within these bounds, and usual
// where they say nothing. Partners that follow one rule of thumb do not come at the
// same minute: each has a place of its own within spread of the interval.
const (
	usual    = 6 * time.Hour
	soonest  = time.Hour
	latest   = 24 * time.Hour
	spread   = 5 // a fifth
	again    = time.Hour
	patience = 24 * time.Hour     // without a good document before people are told
	repeat   = 7 * 24 * time.Hour // and before they are told again
	window   = 200                // fetched for one tick
)

// SweepKind finds what is due; FetchKind fetches one document.
var (
	SweepKind = outbox.NewKind[struct{}]("feed.sweep")
	FetchKind = outbox.NewKind[Ref]("feed.fetch_document")
)

// Ref names a feed.
type Ref struct {
	Org     access.OrgID
	Partner string
}

// Feed is where one partner's metadata comes from.
type Feed struct {
	bun.BaseModel `bun:"table:metadata_feed"`

	Partner      string       `bun:"partner,pk"` // "service:ID" or "idp:ID"
	OrgID        access.OrgID `bun:"org_id"`
	URL          string       `bun:"url"`
	ETag         string       `bun:"etag"`
	LastModified string       `bun:"last_modified"`
	ValidUntil   *time.Time   `bun:"valid_until"` // of the last good document
	FetchedAt    *time.Time   `bun:"fetched_at"`  // the last attempt
	GoodAt       *time.Time   `bun:"good_at"`     // the last that went well
	NextAt       time.Time    `bun:"next_at"`
	Failure      string       `bun:"failure"`      // fault code of the last attempt, "" = it went well
	FailureText  string       `bun:"failure_text"` // the same in an English sentence
	ToldAt       *time.Time   `bun:"told_at"`      // since then people know that it fails
}

// Taken is what a partner's package read in a document.
type Taken struct {
	ValidUntil time.Time     // zero = never ends
	CacheFor   time.Duration // 0 = it does not say
}

// Taker knows what the documents of one kind of partner mean.
type Taker struct {
	// Take reads a document. Errors of an expected kind mean that it cannot be used.
	Take func(ctx context.Context, org access.OrgID, id string, document []byte) (Taken, error)
	// Missed is told of a fetch that failed; nil when nobody wants to know.
	Missed func(ctx context.Context, org access.OrgID, id, code string) error
	// People are who is told when documents fail to come: name of the partner, page
	// about it, and addresses.
	People func(ctx context.Context, org access.OrgID, id string) (name, page string, to []Reader, err error)
}

// Reader is who gets a mail. Employee is "" for a contact outside the organisation.
type Reader struct {
	Employee      access.EmployeeID
	Name, Address string
	Lang          string
}

// Service is the front of the package.
type Service struct {
	DB   *bun.DB
	Mail *mail.Service
	Now  func() time.Time
	Log  *slog.Logger
	// PrivateHosts lets documents be fetched inside the operator's own network.
	PrivateHosts bool
	// Takers are the kinds of partners, by the word before the colon.
	Takers map[string]Taker
}

// Readers are whom to tell about a partner of an organisation: who has the right
// to answer for it there, and the addresses that the partner names.
func (s *Service) Readers(ctx context.Context, of access.OrgID, right access.Right, addresses []string) ([]Reader, error) {
	holders, err := org.Holders(ctx, s.DB, of, right)
	if err != nil {
		return nil, err
	}
	var to []Reader
	for _, h := range holders {
		to = append(to, Reader{Employee: h.ID, Name: h.Name, Address: h.Email, Lang: h.Lang})
	}
	for _, address := range addresses {
		to = append(to, Reader{Name: address, Address: address})
	}
	return to, nil
}

// Get fetches a document now, whoever's it is. Errors: fault.Invalid, codes feed.*.
func (s *Service) Get(ctx context.Context, address string) ([]byte, error) {
	d, err := s.get(ctx, address, outside.Version{})
	return d.Body, err
}

func (s *Service) get(ctx context.Context, address string, known outside.Version) (outside.Document, error) {
	d, err := outside.Fetch(ctx, address, "application/samlmetadata+xml, application/xml, text/xml", known, oiosaml.MaxAggregate, s.PrivateHosts)
	code, text := "", ""
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, outside.ErrAddress):
		code, text = "address", "The address must be a web address that begins with https://."
	case errors.Is(err, outside.ErrInside):
		code, text = "private", "The address lies in a private network, where Adgang does not go. Upload the metadata as a file."
	case errors.Is(err, outside.ErrStatus):
		code, text = "status", "The address does not answer with metadata: give the address of the file itself, without a redirect or a login."
	case errors.Is(err, outside.ErrSize):
		code, text = "size", "The metadata is larger than 16 MiB or did not arrive whole."
	default:
		code, text = "unreachable", "The address does not answer. Check it, or upload the metadata as a file."
	}
	return d, fault.New(fault.Invalid, "feed."+code, "%s", text).On("url").Because(err)
}

// Follow sets where a partner's metadata comes from; "" ends it. The document there
// was read by the caller just now.
func (s *Service) Follow(ctx context.Context, tx bun.Tx, org access.OrgID, partner, url string, read Taken) error {
	if _, err := tx.NewDelete().Model((*Feed)(nil)).Where("org_id = ?", org).Where("partner = ?", partner).Exec(ctx); err != nil || url == "" {
		return err
	}
	now := store.Instant(s.Now())
	f := Feed{Partner: partner, OrgID: org, URL: url, FetchedAt: &now, GoodAt: &now, ValidUntil: end(read)}
	f.NextAt = store.Instant(f.next(now, read, 0))
	_, err := store.Insert(ctx, tx, []Feed{f}, "")
	return err
}

func end(t Taken) *time.Time {
	if t.ValidUntil.IsZero() {
		return nil
	}
	until := store.Instant(t.ValidUntil)
	return &until
}

// next is when to fetch again after a good document. It comes before the end of
// the document, so that the next one is there in time.
func (f Feed) next(now time.Time, t Taken, fresh time.Duration) time.Time {
	every := t.CacheFor
	if every == 0 {
		every = fresh
	}
	if every == 0 {
		every = usual
	}
	every = min(max(every, soonest), latest)
	at := now.Add(every - f.place(every/spread))
	if half := now.Add(t.ValidUntil.Sub(now) / 2); !t.ValidUntil.IsZero() && half.Before(at) {
		at = half
	}
	if first := now.Add(soonest); at.Before(first) && at.Before(now.Add(every/2)) {
		at = first
	}
	return at
}

// place is the partner's own place within a span of time.
func (f Feed) place(span time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(f.Partner))
	return time.Duration(binary.BigEndian.Uint32(sum[:])) * (span / (1 << 20)) / (1 << 12)
}

// Of returns the feed of a partner, nil when it has none.
func (s *Service) Of(ctx context.Context, db bun.IDB, org access.OrgID, partner string) (*Feed, error) {
	var all []Feed
	err := db.NewSelect().Model(&all).Where("org_id = ?", org).Where("partner = ?", partner).Limit(1).Scan(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Sweep asks for a fetch of each document that is due. It may run at any time, and
// again: a feed that was asked for is not due for a while.
func (s *Service) Sweep(ctx context.Context) error {
	now := store.Instant(s.Now())
	var due []Feed
	if err := s.DB.NewSelect().Model(&due).Where("next_at <= ?", now).Order("next_at", "partner").Limit(window).Scan(ctx); err != nil {
		return err
	}
	for _, f := range due {
		err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			n, err := store.Count(tx.NewUpdate().Model((*Feed)(nil)).Set("next_at = ?", now.Add(again)).
				Where("org_id = ?", f.OrgID).Where("partner = ?", f.Partner).Where("next_at = ?", f.NextAt).Exec(ctx))
			if err != nil || n == 0 { // another node was first
				return err
			}
			return FetchKind.Add(ctx, tx, f.OrgID, Ref{f.OrgID, f.Partner}, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Fetch fetches one document and lets its partner take it. What goes wrong out there
// is noted, not returned: the next attempt is the schedule's. Without a feed it does
// nothing.
func (s *Service) Fetch(ctx context.Context, r Ref) error {
	ctx = store.ForTenant(ctx, r.Org)
	f, err := s.Of(ctx, s.DB, r.Org, r.Partner)
	if err != nil || f == nil {
		return err
	}
	kind, id, _ := strings.Cut(f.Partner, ":")
	taker, ok := s.Takers[kind]
	if !ok {
		return fault.New(fault.Invalid, "feed.partner", "No partner of the kind %s is known.", kind)
	}
	d, err := s.get(ctx, f.URL, outside.Version{ETag: f.ETag, LastModified: f.LastModified})
	taken := Taken{}
	if f.ValidUntil != nil {
		taken.ValidUntil = *f.ValidUntil
	}
	if err == nil && d.Unchanged && f.ValidUntil != nil && !s.Now().Before(*f.ValidUntil) {
		err = fault.New(fault.Invalid, "federation.metadata.expired", "The metadata was valid until %s: export it from the service again.", f.ValidUntil.Format(time.DateOnly))
	} else if err == nil && !d.Unchanged {
		taken, err = taker.Take(ctx, r.Org, id, d.Body)
	}
	if k := fault.KindOf(err); err != nil && (k == fault.Internal || k == fault.Unavailable) {
		return err
	}
	if err != nil {
		return s.missed(ctx, *f, taker, id, err)
	}
	now := store.Instant(s.Now())
	_, err = s.DB.NewUpdate().Model((*Feed)(nil)).Set("etag = ?", d.ETag).Set("last_modified = ?", d.LastModified).
		Set("valid_until = ?", end(taken)).Set("fetched_at = ?", now).Set("good_at = ?", now).Set("failure = ''").Set("failure_text = ''").Set("told_at = NULL").
		Set("next_at = ?", store.Instant(f.next(now, taken, d.Fresh))).
		Where("org_id = ?", r.Org).Where("partner = ?", r.Partner).Where("url = ?", f.URL).Exec(ctx)
	return err
}

// missed notes why there is no document, and tells people when it has lasted.
func (s *Service) missed(ctx context.Context, f Feed, taker Taker, id string, why error) error {
	now, code, text := store.Instant(s.Now()), fault.CodeOf(why), ""
	if f, ok := errors.AsType[*fault.Error](why); ok {
		text = f.Text
	}
	s.Log.WarnContext(ctx, "metadata of a partner not fetched", "org", f.OrgID, "partner", f.Partner, "err", why)
	if taker.Missed != nil {
		if err := taker.Missed(ctx, f.OrgID, id, code); err != nil {
			return err
		}
	}
	long := f.GoodAt == nil || now.Sub(*f.GoodAt) >= patience
	tell := long && (f.ToldAt == nil || now.Sub(*f.ToldAt) >= repeat)
	var drafts []mail.Draft
	if tell {
		name, page, to, err := taker.People(ctx, f.OrgID, id)
		if err != nil {
			return err
		}
		params := map[string]string{"step": "failing", "partner": name, "address": page, "source": f.URL, "code": code, "changes": "-"}
		if f.GoodAt != nil {
			params["since"] = f.GoodAt.UTC().Format(time.RFC3339)
		}
		drafts = Drafts(f.OrgID, to, params)
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		update := tx.NewUpdate().Model((*Feed)(nil)).Set("failure = ?", code).Set("failure_text = ?", text).Set("fetched_at = ?", now).
			Set("next_at = ?", now.Add(again+f.place(again/spread))).Where("org_id = ?", f.OrgID).Where("partner = ?", f.Partner).Where("url = ?", f.URL)
		if tell {
			update.Set("told_at = ?", now)
		}
		if _, err := update.Exec(ctx); err != nil {
			return err
		}
		if !tell {
			return nil
		}
		if err := s.Mail.Queue(ctx, tx, "", drafts...); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.System(f.OrgID), now, "metadata.missing", f.Partner, code))
	})
}

// Drafts are mails of the kind mail.KindMetadata, one for each address. Params hold
// step (waits, accepted or failing), partner, address (of the page), source, code, changes and since.
func Drafts(org access.OrgID, to []Reader, params map[string]string) []mail.Draft {
	var all []mail.Draft
	seen := map[string]bool{}
	for _, r := range to {
		if r.Address == "" || seen[r.Address] {
			continue
		}
		seen[r.Address] = true
		lang := r.Lang
		if lang == "" {
			lang = mail.Danish
		}
		all = append(all, mail.Draft{Org: org, Employee: r.Employee, Kind: mail.KindMetadata, Lang: lang, Name: r.Name, Address: r.Address, Params: params})
	}
	return all
}
