// Package conformance tries how well a business service reads the answers that it
// gets from Adgang: it logs in there as a browser would, as somebody who is nobody,
// with a right answer and with wrong ones, and reports which the service let in.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Service is the front of the package.
type Service struct {
	DB         *bun.DB
	Keys       *secret.Keys
	Org        *org.Service
	Federation *federation.Service
	// PrivateHosts lets a service's server have a private address, and speak http.
	PrivateHosts bool
	Now          func() time.Time
	Log          *slog.Logger
	BaseURL      string
}

const namePurpose secret.Purpose = "conformance.name_id"

// RunRef names a run.
type RunRef struct {
	Org access.OrgID `json:"org"`
	ID  string       `json:"id"`
}

// RunKind tries a service.
var RunKind = outbox.NewKind[RunRef]("conformance.run")

// Plan is how a service's login is tried, as its owner decided.
type Plan struct {
	bun.BaseModel `bun:"table:conformance_plan"`

	ServiceID string       `bun:"service_id,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	Start     string       `bun:"start_url"` // an address that sends an unknown visitor to Adgang at once
	Page      string       `bun:"page_url"`  // that shows who is logged in, "" = where the login ends
	Marker    string       `bun:"marker"`    // a text that it has only for those who are
	Level     string       `bun:"level"`     // that the service demands, "" = what its requests ask for
	Version   int64        `bun:"version"`
	TriedAt   *time.Time   `bun:"tried_at"`
}

// States of a run.
const (
	Running = "running"
	Done    = "done"
)

// Run is one report.
type Run struct {
	bun.BaseModel `bun:"table:conformance_run"`

	ID         string       `bun:"id,pk"`
	OrgID      access.OrgID `bun:"org_id"`
	ServiceID  string       `bun:"service_id"`
	State      string       `bun:"state"`
	Trouble    string       `bun:"trouble"` // a code, "" = the cases could be judged
	Text       string       `bun:"cases"`
	StartedAt  time.Time    `bun:"started_at"`
	FinishedAt *time.Time   `bun:"finished_at"`

	Cases []Case `bun:"-"` // Text, read
}

// Count is how many cases ended so.
func (r *Run) Count(result string) (n int) {
	for _, c := range r.Cases {
		if c.Result == result {
			n++
		}
	}
	return n
}

const (
	keepRuns  = 20               // of each service
	pause     = time.Minute      // between two runs of a service
	abandoned = 15 * time.Minute // after which a run that did not end blocks no other
	maxMarker = 200
)

// Overview is how a service is tried and the reports about it, newest first, without
// what was sent.
type Overview struct {
	Plan Plan
	Who  oiosaml.Person // who is said to log in
	// Name is the name identifier of Who, for a service that must know a person before
	// it lets her in.
	Name  string
	Hosts []string // on which the plan's addresses must be
	Runs  []Run
}

// Overview returns how a service of the organisation is tried. Errors:
// fault.Denied, fault.Absent.
func (s *Service) Overview(ctx context.Context, by access.Actor, service string) (o Overview, err error) {
	p, err := s.Federation.Partner(ctx, by, service)
	if err != nil {
		return o, err
	}
	if o.Plan, err = planOf(ctx, s.DB, by.OrgID, service); err != nil {
		return o, err
	}
	if o.Who, err = s.nobody(ctx, p); err != nil {
		return o, err
	}
	o.Name, o.Hosts = oiosaml.NameIDPrefix+o.Who.NameID, p.Hosts()
	err = s.DB.NewSelect().Model(&o.Runs).Where("org_id = ?", by.OrgID).Where("service_id = ?", service).
		Order("started_at DESC", "id DESC").Limit(keepRuns).Scan(ctx)
	if err != nil {
		return o, err
	}
	for i := range o.Runs {
		if err := o.Runs[i].read(); err != nil {
			return o, err
		}
		for j := range o.Runs[i].Cases {
			o.Runs[i].Cases[j].Sent = ""
		}
	}
	return o, nil
}

// Report returns one run with everything. Errors: fault.Denied, fault.Absent.
func (s *Service) Report(ctx context.Context, by access.Actor, service, id string) (Run, error) {
	if _, err := s.Federation.Partner(ctx, by, service); err != nil {
		return Run{}, err
	}
	var r Run
	err := s.DB.NewSelect().Model(&r).Where("org_id = ?", by.OrgID).Where("service_id = ?", service).Where("id = ?", id).Scan(ctx)
	if err != nil {
		return r, store.Found(err, "conformance.run")
	}
	return r, r.read()
}

func (r *Run) read() error {
	if err := json.Unmarshal([]byte(r.Text), &r.Cases); err != nil {
		return fmt.Errorf("cases of run %s: %w", r.ID, err)
	}
	return nil
}

// planOf returns a service's plan, with Version 0 when there is none.
func planOf(ctx context.Context, db bun.IDB, org access.OrgID, service string) (Plan, error) {
	var rows []Plan
	err := db.NewSelect().Model(&rows).Where("org_id = ?", org).Where("service_id = ?", service).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Plan{ServiceID: service, OrgID: org}, err
	}
	return rows[0], nil
}

// SetPlan decides how a service is tried; plan.Version is the one that the change
// began from. Errors: fault.Denied, fault.Absent, fault.Invalid for an address that
// is not on a host of the service's metadata, fault.Conflict when somebody was faster.
func (s *Service) SetPlan(ctx context.Context, by access.Actor, service string, plan Plan) (Plan, error) {
	p, err := s.Federation.Partner(ctx, by, service)
	if err != nil {
		return plan, err
	}
	plan.ServiceID, plan.OrgID, plan.TriedAt = service, by.OrgID, nil
	plan.Start, plan.Page, plan.Marker = strings.TrimSpace(plan.Start), strings.TrimSpace(plan.Page), strings.TrimSpace(plan.Marker)
	if err := s.check(p, plan); err != nil {
		return plan, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		before, err := planOf(ctx, tx, by.OrgID, service)
		if err != nil {
			return err
		}
		from := plan.Version
		plan.Version++
		var n int64
		if from == 0 {
			n, err = store.Insert(ctx, tx, []Plan{plan}, "ON CONFLICT (service_id) DO NOTHING")
		} else {
			n, err = store.Count(tx.NewUpdate().Model(&plan).Column("start_url", "page_url", "marker", "level", "version").
				WherePK().Where("org_id = ?", by.OrgID).Where("version = ?", from).Exec(ctx))
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "conformance.plan.stale", "Somebody else has changed this in the meantime. Look at the page again.")
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "conformance.plan", "service:"+service, "").Changed(before.words(), plan.words()))
	})
	return plan, err
}

func (p Plan) words() string {
	if p.Start == "" {
		return ""
	}
	return strings.Join([]string{p.Start, p.Page, p.Marker, p.Level}, "\n")
}

func (s *Service) check(p federation.Partner, plan Plan) error {
	if p.Source == "" {
		return fault.New(fault.Invalid, "conformance.plan.saml", "The service does not speak SAML: there is nothing to try.")
	}
	for field, address := range map[string]string{"start_url": plan.Start, "page_url": plan.Page} {
		if field == "page_url" && address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || len(address) > 2000 || !s.speaks(u) {
			return fault.New(fault.Invalid, "conformance.plan.address", "Write a whole address that begins with https://.").On(field)
		}
		if !slices.Contains(p.Hosts(), u.Host) {
			return fault.New(fault.Invalid, "conformance.plan.host", "The address must be on a host that the service's metadata names: %s.", strings.Join(p.Hosts(), ", ")).On(field)
		}
	}
	if plan.Marker == "" || len(plan.Marker) > maxMarker {
		return fault.New(fault.Invalid, "conformance.plan.marker", "Write a text of at most %d bytes that the page has only for somebody who is logged in.", maxMarker).On("marker")
	}
	if plan.Level != "" && oiosaml.LevelNamed(plan.Level) == 0 {
		return fault.New(fault.Invalid, "conformance.plan.level", "There is no such level.").On("level")
	}
	return nil
}

// speaks tells whether an address may be called at all.
func (s *Service) speaks(u *url.URL) bool {
	return u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && s.PrivateHosts)
}

// Start begins a run; a worker carries it out. Errors: fault.Denied, fault.Absent,
// fault.Invalid without a plan, fault.Conflict while one is running or just was.
func (s *Service) Start(ctx context.Context, by access.Actor, service string) (Run, error) {
	p, err := s.Federation.Partner(ctx, by, service)
	if err != nil {
		return Run{}, err
	}
	now := store.Instant(s.Now())
	r := Run{ID: store.NewID(), OrgID: by.OrgID, ServiceID: service, State: Running, Text: "[]", StartedAt: now}
	return r, store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		plan, err := planOf(ctx, tx, by.OrgID, service)
		if err != nil {
			return err
		}
		if plan.Version == 0 {
			return fault.New(fault.Invalid, "conformance.run.plan", "Say first where a login begins and how it is recognised.")
		}
		if err := s.check(p, plan); err != nil { // the metadata may be another by now
			return err
		}
		busy, err := tx.NewSelect().Model((*Run)(nil)).Where("org_id = ?", by.OrgID).Where("service_id = ?", service).
			Where("state = ?", Running).Where("started_at > ?", now.Add(-abandoned)).Exists(ctx)
		if err != nil {
			return err
		}
		// The condition holds off a second start in the same instant, too.
		n, err := store.Count(tx.NewUpdate().Model((*Plan)(nil)).Set("tried_at = ?", now).Where("org_id = ?", by.OrgID).Where("service_id = ?", service).
			Where("(tried_at IS NULL OR tried_at <= ?)", now.Add(-pause)).Exec(ctx))
		if err != nil {
			return err
		}
		if busy || n == 0 {
			return fault.New(fault.Conflict, "conformance.run.soon", "The service is being tried, or was within the last minute. Wait a little.")
		}
		if _, err := store.Insert(ctx, tx, []Run{r}, ""); err != nil {
			return err
		}
		if err := s.dropOld(ctx, tx, by.OrgID, service); err != nil {
			return err
		}
		if err := RunKind.Add(ctx, tx, by.OrgID, RunRef{Org: by.OrgID, ID: r.ID}, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "conformance.start", "service:"+service, "run "+r.ID))
	})
}

// dropOld keeps the newest reports of a service.
func (s *Service) dropOld(ctx context.Context, tx bun.Tx, org access.OrgID, service string) error {
	var ids []string
	err := tx.NewSelect().Model((*Run)(nil)).Column("id").Where("org_id = ?", org).Where("service_id = ?", service).
		Order("started_at DESC", "id DESC").Offset(keepRuns).Limit(keepRuns).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = tx.NewDelete().Model((*Run)(nil)).Where("org_id = ?", org).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return err
}

// nobody is who is said to log in: the same at each run, under a name and an address
// that nobody has (RFC 2606), in the service's own organisation.
func (s *Service) nobody(ctx context.Context, p federation.Partner) (oiosaml.Person, error) {
	o, err := s.Org.Organisation(ctx, p.OrgID)
	if err != nil {
		return oiosaml.Person{}, err
	}
	return oiosaml.Person{
		UUID: s.id(p, "uuid"), NameID: s.id(p, "name"), FullName: "Adgang Konformitetstest", FirstName: "Adgang", LastName: "Konformitetstest",
		Email: "konformitetstest@adgang.invalid", CVR: o.CVR, OrgName: o.Name,
	}, nil
}

// id is a UUID of version 8 (RFC 9562), where employees have version 7.
func (s *Service) id(p federation.Partner, use string) string {
	var id uuid.UUID
	copy(id[:], s.Keys.MAC(namePurpose, string(p.OrgID), p.EntityID, use))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// save writes how far a run is; nothing when it was taken away.
func (s *Service) save(ctx context.Context, r *Run) error {
	text, err := json.Marshal(r.Cases)
	if err != nil {
		return err
	}
	_, err = s.DB.NewUpdate().Model((*Run)(nil)).Set("cases = ?", string(text)).Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).Where("state = ?", Running).Exec(ctx)
	return err
}

// finish closes a run, once.
func (s *Service) finish(ctx context.Context, r *Run) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		n, err := store.Count(tx.NewUpdate().Model((*Run)(nil)).Set("state = ?", Done).Set("trouble = ?", r.Trouble).Set("finished_at = ?", now).
			Where("org_id = ?", r.OrgID).Where("id = ?", r.ID).Where("state = ?", Running).Exec(ctx))
		if err != nil || n == 0 {
			return err
		}
		note := fmt.Sprintf("run %s: %d passed, %d failed, %d unclear", r.ID, r.Count(Passed), r.Count(Failed), r.Count(Unclear))
		return audit.Record(ctx, tx, audit.By(access.System(r.OrgID), now, "conformance.finish", "service:"+r.ServiceID, note))
	})
}

// Carry carries out a run, from where it was left. What the service does wrong is in
// the report; errors are our own.
func (s *Service) Carry(ctx context.Context, ref RunRef) error {
	var r Run
	err := s.DB.NewSelect().Model(&r).Where("org_id = ?", ref.Org).Where("id = ?", ref.ID).Where("state = ?", Running).Scan(ctx)
	if err != nil {
		if _, ok := store.Expected(store.Found(err, "conformance.run")); ok {
			return nil // done, or gone with its service
		}
		return err
	}
	if err := r.read(); err != nil {
		return err
	}
	p, err := s.Federation.Partner(ctx, access.System(ref.Org), r.ServiceID)
	if err != nil {
		return err
	}
	plan, err := planOf(ctx, s.DB, ref.Org, r.ServiceID)
	if err != nil {
		return err
	}
	if err := s.check(p, plan); err != nil {
		r.Trouble = fault.CodeOf(err)
		return s.finish(ctx, &r)
	}
	who, err := s.nobody(ctx, p)
	if err != nil {
		return err
	}
	if err := s.carry(ctx, &r, trial{Service: s, partner: p, plan: plan, who: who}); err != nil {
		return err
	}
	return s.finish(ctx, &r)
}

// carry runs the cases that are left. When the right answer is not let in, the wrong
// ones would tell nothing.
func (s *Service) carry(ctx context.Context, r *Run, t trial) error {
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for _, code := range Codes()[min(len(r.Cases), len(Codes())):] {
		c := Case{Code: code, Result: Skipped}
		if r.trusted() {
			began := s.Now()
			var err error
			if c, err = t.run(limited, code); err != nil {
				if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
					c = Case{Code: code, Result: Unclear, Why: "time"}
				} else {
					return err
				}
			}
			c.At, c.Milliseconds = store.Instant(began), s.Now().Sub(began).Milliseconds()
		}
		r.Cases = append(r.Cases, c)
		if err := s.save(ctx, r); err != nil {
			return err
		}
	}
	if !r.trusted() {
		r.Trouble = "conformance.trouble." + r.Cases[r.untrusted()].Code
	}
	return nil
}

// untrusted is the place of the case without which the others tell nothing, when it
// went wrong; -1 when none did.
func (r *Run) untrusted() int {
	return slices.IndexFunc(r.Cases, func(c Case) bool {
		return (c.Code == Stranger || c.Code == string(oiosaml.NoFlaw)) && c.Result != Passed
	})
}

func (r *Run) trusted() bool { return r.untrusted() < 0 }
