package jobs

import (
	"context"
	"encoding/json"
	"time"

	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/conformance"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/feed"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/localidp"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/onboarding"
	"github.com/adgang/adgang/internal/openid"
	"github.com/adgang/adgang/internal/operator"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/reminder"
	"github.com/adgang/adgang/internal/review"
	"github.com/adgang/adgang/internal/revocation"
	"github.com/adgang/adgang/internal/roster"
	"github.com/adgang/adgang/internal/samlkey"
	"github.com/adgang/adgang/internal/securemail"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/usage"
)

// Route says which method does the work of a kind.
type Route struct {
	Kind string
	run  func(ctx context.Context, payload string) error
}

// Handle makes a route; the compiler checks that the method takes what the kind
// carries. do may run again after a crash, so a second run must change nothing.
// Its errors: fault.Unavailable and Internal are tried again, the other kinds give
// the item up.
func Handle[T any](kind outbox.Kind[T], do func(context.Context, T) error) Route {
	return Route{Kind: kind.Name(), run: func(ctx context.Context, payload string) error {
		var value T
		if err := json.Unmarshal([]byte(payload), &value); err != nil {
			return fault.New(fault.Invalid, "jobs.payload.malformed", "The payload of this work cannot be read.").Because(err)
		}
		return do(ctx, value)
	}}
}

// Services are the packages whose methods do the work.
type Services struct {
	Org         *org.Service
	Mail        *mail.Service
	CA          *ca.Service
	Credential  *credential.Service
	Enrolment   *enrolment.Service
	Session     *session.Service
	SAMLKeys    *samlkey.Service
	Feeds       *feed.Service
	Federation  *federation.Service
	LocalIdP    *localidp.Service
	OpenID      *openid.Service
	Conformance *conformance.Service
	Cutover     *cutover.Service
	Roster      *roster.Service
	Inventory   *inventory.Service
	Reminder    *reminder.Service
	SecureMail  *securemail.Service
	Onboarding  *onboarding.Service
	Operator    *operator.Service
	Rights      *entitlement.Service
	Review      *review.Service
	Revocation  *revocation.Service
	Approval    *approval.Service
	Usage       *usage.Service
}

// Routes is the table of contents: every kind of work and who does it.
func Routes(s Services) []Route {
	return []Route{
		Handle(mail.Deliver, s.Mail.Deliver),
		Handle(cutover.MigrateChunk, s.Cutover.Migrate),
		Handle(cutover.GiveChunk, s.Cutover.Give),
		Handle(cutover.Tidy, s.Cutover.Forget),
		Handle(cutover.SweepDrafts, plain(s.Cutover.DropDrafts)),
		Handle(roster.ApplyChunk, s.Roster.Apply),
		Handle(roster.Tidy, s.Roster.Forget),
		Handle(roster.SweepDrafts, plain(s.Roster.DropDrafts)),
		Handle(credential.Activated, s.Cutover.RowActivated),
		Handle(credential.BlockDue, s.Credential.EndParallel),
		Handle(credential.Expire, plain(s.Credential.ExpireActivations)),
		Handle(revocation.Kind, s.Revocation.Some),
		Handle(enrolment.Expire, plain(s.Enrolment.ExpireOrders)),
		Handle(org.Stopped, s.Federation.LogOutEmployee),
		Handle(credential.Blocked, s.Federation.LogOutKeyFile),
		Handle(federation.TellKind, s.Federation.Tell),
		Handle(enrolment.Changed, s.Inventory.Adopt),
		Handle(ca.RevokedKind, s.Inventory.AdoptRevoked),
		Handle(inventory.PartnersKind, plain(s.Inventory.ReadPartners)),
		Handle(org.EraseKind, s.Org.Erase),
		Handle(org.Erased, s.SecureMail.Forget),
		Handle(credential.InviteAll, s.Credential.DoAll),
		Handle(credential.Remind, plain(s.Credential.RemindInvitations)),
		Handle(org.Gone, s.Credential.Remove),
		Handle(session.Sweep, plain(s.Session.DropEnded)),
		Handle(federation.SweepKind, plain(s.Federation.DropRequests)),
		Handle(openid.SweepKind, plain(s.OpenID.Sweep)),
		Handle(conformance.RunKind, s.Conformance.Carry),
		Handle(localidp.SweepKind, plain(s.LocalIdP.DropRequests)),
		Handle(feed.SweepKind, plain(s.Feeds.Sweep)),
		Handle(feed.FetchKind, s.Feeds.Fetch),
		Handle(samlkey.SweepKind, plain(s.SAMLKeys.Sweep)),
		Handle(ca.SweepKind, plain(s.CA.Sweep)),
		Handle(ca.SignAheadKind, plain(s.CA.SignAhead)),
		Handle(inventory.ScanKind, s.Inventory.Scan),
		Handle(inventory.ScanAllKind, s.Inventory.ScanAll),
		Handle(inventory.CloseKind, s.Inventory.CloseCampaign),
		Handle(inventory.RecogniseKind, plain(s.Inventory.RecogniseAnew)),
		Handle(inventory.LateKind, plain(s.Inventory.CloseLate)),
		Handle(reminder.SweepKind, s.Reminder.Sweep),
		Handle(reminder.SendKind, s.Reminder.Send),
		Handle(reminder.HookKind, s.Reminder.Call),
		Handle(onboarding.SweepKind, plain(s.Onboarding.Sweep)),
		Handle(onboarding.Announce, s.Onboarding.Tell),
		Handle(operator.Sweep, plain(s.Operator.DropEnded)),
		Handle(entitlement.SweepKind, s.Rights.Sweep),
		Handle(review.SweepKind, s.Review.Sweep),
		Handle(approval.ExpireKind, plain(s.Approval.Expire)),
		Handle(usage.CountKind, s.Usage.Count),
	}
}

// Schedules is what the clock asks for, in UTC.
func Schedules() []Schedule {
	nothing := func(time.Time) struct{} { return struct{}{} }
	return []Schedule{
		Daily(reminder.SweepKind, 6*time.Hour, func(tick time.Time) reminder.Day {
			return reminder.Day{Day: tick.Format(time.DateOnly)}
		}),
		Daily(inventory.ScanAllKind, 4*time.Hour, func(tick time.Time) inventory.Day { return inventory.Day{Day: tick.Format(time.DateOnly)} }),
		Daily(review.SweepKind, 6*time.Hour, func(tick time.Time) review.Day { return review.Day{Day: tick.Format(time.DateOnly)} }),
		Daily(usage.CountKind, time.Hour, func(tick time.Time) usage.Day { return usage.Day{Day: tick.Format(time.DateOnly)} }),
		Daily(entitlement.SweepKind, 6*time.Hour, func(tick time.Time) entitlement.Day {
			return entitlement.Day{Day: tick.Format(time.DateOnly)}
		}),
		Daily(onboarding.SweepKind, 5*time.Hour, nothing),
		Every(operator.Sweep, time.Hour, 40*time.Minute, nothing),
		Daily(org.EraseKind, 3*time.Hour, func(tick time.Time) org.Day { return org.Day{Day: tick.AddDate(0, 0, -1).Format(time.DateOnly)} }),
		Every(credential.Remind, time.Hour, 45*time.Minute, nothing),
		Every(credential.Expire, 10*time.Minute, 0, nothing),
		Every(enrolment.Expire, 10*time.Minute, 5*time.Minute, nothing),
		Every(ca.SweepKind, 10*time.Minute, 0, nothing),
		Every(ca.SignAheadKind, 10*time.Minute, 3*time.Minute, nothing),
		Every(session.Sweep, time.Hour, 10*time.Minute, nothing),
		Every(federation.SweepKind, time.Hour, 20*time.Minute, nothing),
		Every(openid.SweepKind, 10*time.Minute, 5*time.Minute, nothing),
		Every(localidp.SweepKind, time.Hour, 25*time.Minute, nothing),
		Every(feed.SweepKind, 10*time.Minute, 3*time.Minute, nothing),
		Every(samlkey.SweepKind, time.Hour, 25*time.Minute, nothing),
		Every(cutover.SweepDrafts, time.Hour, 30*time.Minute, nothing),
		Every(inventory.RecogniseKind, time.Hour, 5*time.Minute, nothing),
		Every(inventory.LateKind, time.Hour, 15*time.Minute, nothing),
		Every(inventory.PartnersKind, time.Hour, 35*time.Minute, nothing),
		Every(approval.ExpireKind, time.Hour, 40*time.Minute, nothing),
		Every(roster.SweepDrafts, time.Hour, 35*time.Minute, nothing),
	}
}

// plain adapts a method that needs no payload.
func plain(do func(context.Context) error) func(context.Context, struct{}) error {
	return func(ctx context.Context, _ struct{}) error { return do(ctx) }
}
