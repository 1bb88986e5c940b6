package enrolment

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// Planned is a renewal for which a day is set.
type Planned struct {
	ProfileID string
	Serial    string    // of the certificate that it follows
	NotAfter  time.Time // its end: until then a machine can renew
	RenewBy   string    // YYYY-MM-DD
	Machine   bool      // it renews by itself over EST
}

// OrderPlanned puts renewals on order, in the caller's transaction: for a machine an
// order that its next request over EST takes, for the others one that waits for an
// uploaded request (CSR). What is on order already stays so and gets the day. It
// returns how many orders are new. Errors: unexpected only.
func OrderPlanned(ctx context.Context, tx bun.Tx, by access.Actor, now time.Time, all []Planned) (placed int, err error) {
	now = store.Instant(now)
	for _, p := range all {
		row, err := p.order(ctx, tx, by, now)
		if err != nil {
			return placed, err
		}
		conflict := "ON CONFLICT (org_id, profile_id) WHERE state IN ('waiting', 'ready') AND method <> 'est' DO NOTHING"
		if p.Machine {
			conflict = "ON CONFLICT (org_id, renews) WHERE method = 'est' AND state <> 'cancelled' DO NOTHING"
		}
		n, err := store.Insert(ctx, tx, []Order{row}, conflict)
		if err != nil {
			return placed, err
		}
		if n == 0 {
			// Whoever set the day anew is reminded anew.
			_, err := tx.NewUpdate().Model((*Order)(nil)).Set("renew_by = ?", p.RenewBy).Set("reminded_at = NULL").Where("org_id = ?", by.OrgID).
				Where("profile_id = ?", p.ProfileID).Where("state IN (?, ?)", Waiting, Ready).Where("(method = ?) = ?", ByEST, p.Machine).Exec(ctx)
			if err != nil {
				return placed, err
			}
			continue
		}
		placed++
		entry := audit.By(by, now, "certificate_order.create", row.object(), "certificate_profile:"+p.ProfileID+" "+row.Method+" by "+p.RenewBy)
		if err := audit.Record(ctx, tx, entry); err != nil {
			return placed, err
		}
	}
	return placed, nil
}

func (p Planned) order(ctx context.Context, tx bun.Tx, by access.Actor, now time.Time) (Order, error) {
	o := Order{
		ID: store.NewID(), OrgID: by.OrgID, ProfileID: p.ProfileID, State: Ready, Method: ByUpload, Renews: p.Serial, RenewBy: p.RenewBy,
		CreatedAt: now, ExpiresAt: now.AddDate(0, 0, OrderDays),
	}
	if p.Machine {
		o.Method, o.ExpiresAt = ByEST, store.Instant(p.NotAfter)
		return o, nil
	}
	day, err := time.Parse(time.DateOnly, p.RenewBy)
	if err != nil {
		return o, err
	}
	// It counts from its day on as long as one that is placed by hand.
	if end := store.Instant(day.AddDate(0, 0, OrderDays)); end.After(o.ExpiresAt) {
		o.ExpiresAt = end
	}
	whose, err := profile(ctx, tx, by.OrgID, p.ProfileID)
	if err == nil && whose.Email != "" && whose.EmailConfirmedAt == nil {
		o.State = Waiting
	}
	return o, err
}

// Orderable tells whether an organisation allows certificates of a profile's kind.
func Orderable(ctx context.Context, db bun.IDB, id access.OrgID, profileID string) (bool, error) {
	p, err := profile(ctx, db, id, profileID)
	if fault.KindOf(err) == fault.Absent {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return allowed(ctx, db, id, p.Kind)
}

// allowed looks whether the organisation has decided to have such certificates.
// Secure e-mail goes with those of the organisation.
func allowed(ctx context.Context, db bun.IDB, id access.OrgID, kind pki.Profile) (bool, error) {
	settings, err := setting.Of(ctx, db, id)
	needs := "organisation"
	if kind == pki.ProfileSystem {
		needs = "system"
	}
	return slices.Contains(settings.Certificates, needs), err
}

// RenewalOf is the newest order that follows a certificate and was not cancelled,
// nil without one.
func RenewalOf(ctx context.Context, db bun.IDB, id access.OrgID, profileID, serial string) (*Order, error) {
	var all []Order
	err := db.NewSelect().Model(&all).Where("org_id = ?", id).Where("profile_id = ?", profileID).Where("renews = ?", serial).
		Where("state <> ?", Cancelled).Order("id DESC").Limit(1).Scan(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Late are orders of plans whose day has passed on day (YYYY-MM-DD), whose
// certificate has not come, and of which nobody was told; the first after an ID, at
// most limit.
func Late(ctx context.Context, db bun.IDB, day, after string, limit int64) ([]Order, error) {
	var all []Order
	err := db.NewSelect().Model(&all).Where("state IN (?, ?)", Waiting, Ready).Where("renew_by <> ''").Where("reminded_at IS NULL").
		Where("renew_by < ?", day).Where("id > ?", after).Order("id").Limit(limit).Scan(ctx)
	return all, err
}

// Reminded marks an order as one of which somebody is told; no if somebody else did,
// or if it was settled meanwhile.
func Reminded(ctx context.Context, tx bun.Tx, o Order, now time.Time) (bool, error) {
	n, err := store.Count(tx.NewUpdate().Model((*Order)(nil)).Set("reminded_at = ?", store.Instant(now)).Where("org_id = ?", o.OrgID).
		Where("id = ?", o.ID).Where("state IN (?, ?)", Waiting, Ready).Where("renew_by = ?", o.RenewBy).Where("reminded_at IS NULL").Exec(ctx))
	return n == 1, err
}
