// Package mail hides how an employee gets a mail: what it says in Danish and
// English, the row that is the truth about it, and the way out, over SMTP or as
// a file in a folder. Delivery is work in outbox, at least once.
package mail

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Kinds of message. Each has a template per language and needs certain
// parameters; see kinds.
const (
	KindActivation    = "activation"
	KindKeyFileExpiry = "key_file_expiry"
	KindRenewal       = "certificate_renewal"   // to who looks after one: it is to be renewed
	KindRenewalLate   = "certificate_late"      // and again: the renewal that is on order has not come
	KindCertificate   = "certificate_expiry"    // one ends
	KindCertificates  = "certificates_expiring" // many end: one mail about all
	KindSecureMail    = "secure_mail_closing"   // to who loses old mail
	KindCampaign      = "campaign_closed"       // to administrators: what a campaign of certificates came to
	KindAgreementEnd  = "agreement_ended"
	KindRightsAsked   = "rights_asked"   // to those who decide: requests wait
	KindRightApproved = "right_approved" // to who asked
	KindRightRejected = "right_rejected"
	KindRightUnasked  = "right_unasked" // nobody answered
	KindReview        = "review"        // to a reviewer: it begins, or its last day comes
	KindRightExpiring = "right_expiring"

	KindCertificateOrder = "certificate_order" // to a contact person: the link
	KindCertificateEmail = "certificate_email" // to the address that a certificate is to show

	KindSAMLKey  = "saml_key" // to who looks after a partner: our key changes
	KindMetadata = "metadata" // to the same: the partner's own keys change, or its metadata fails to come

	KindInvitationExpiry = "invitation_expiry"
	KindEmployeeAsked    = "employee_asked"
	KindEmployeeAnswered = "employee_answered"

	KindApprovalAsked   = "approval_asked"
	KindApprovalDecided = "approval_decided"

	KindRoleChanged   = "role_changed"
	KindRoleRequested = "role_requested"
	KindRoleDecided   = "role_decided"
	KindRoleNominated = "role_nominated"
	KindApplication   = "application_link"
	KindDecided       = "application_decided"
	KindSetUp         = "set_up"
	KindTerms         = "terms_change"
	KindRecoveryLink  = "recovery_link"
	KindRecovery      = "recovery_notice"
	KindRecoveryEnded = "recovery_ended"

	KindPowerGiven     = "power_given"
	KindPowerRequested = "power_requested"
	KindPowerDecided   = "power_decided"
	KindPowerAttached  = "power_attached"
	KindPowerEnded     = "power_ended"
)

// States of a message.
const (
	StateQueued = "queued"
	StateSent   = "sent"
	StateFailed = "failed"

	StateWaiting = "waiting" // a letter to print
	StatePrinted = "printed"
	StateNoticed = "noticed" // shown on the person's page only
)

// linkPurpose seals link tokens; the place is "organisation/message".
const linkPurpose secret.Purpose = "mail.link"

// bulkAbove is the number of messages from which a lot waits behind the mail of
// single employees.
const bulkAbove = 100

// Message is one mail to one employee. Its ID is the left part of the
// Message-ID and the name of the .eml file, so that a mail that goes out twice
// can be known as one.
type Message struct {
	bun.BaseModel `bun:"table:message"`

	ID         string            `bun:"id,pk"`
	OrgID      access.OrgID      `bun:"org_id"`
	EmployeeID access.EmployeeID `bun:"employee_id"`
	Lot        string            `bun:"lot"`
	Kind       string            `bun:"kind"`
	Lang       string            `bun:"lang"` // da or en
	Name       string            `bun:"name"`
	Address    string            `bun:"address"`     // of e-mail; of a letter to somebody outside that of the post
	Params     string            `bun:"params"`      // JSON object of strings
	LinkSealed []byte            `bun:"link_sealed"` // NULL once sent or failed
	State      string            `bun:"state"`
	Attempts   int64             `bun:"attempts"`
	Error      string            `bun:"error"` // why the last attempt failed, a sentence for the administrator
	QueuedAt   time.Time         `bun:"queued_at"`
	SentAt     *time.Time        `bun:"sent_at"` // or printed
	ReadAt     *time.Time        `bun:"read_at"` // on the person's page
}

// LogValue keeps addresses out of logs.
func (Message) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// Draft is a mail to queue. Params are texts; instants among them are RFC 3339.
// Token makes the activation link, "" for a mail without one.
type Draft struct {
	Org           access.OrgID
	Employee      access.EmployeeID
	Kind, Lang    string
	Name, Address string
	Post          string // of somebody outside without an e-mail address: where the letter goes, lines
	Params        map[string]string
	Token         string
}

// LogValue keeps addresses and tokens out of logs.
func (Draft) LogValue() slog.Value { return slog.StringValue("[hidden]") }

// Lot names the messages that one piece of work delivers.
type Lot struct {
	Org access.OrgID
	Lot string
}

// Deliver is the work of delivering a lot.
var Deliver = outbox.NewKind[Lot]("mail.deliver")

// Service queues and delivers mail. From is the sender as people write it,
// "Adgang <adgang@example.dk>"; BaseURL is where links lead.
type Service struct {
	DB        *bun.DB
	Keys      *secret.Keys
	Transport Transport
	Now       func() time.Time
	Log       *slog.Logger
	BaseURL   string
	From      string
}

// Queue records messages of one organisation and one piece of work that
// delivers them, in the caller's transaction. lot names them together, "" makes
// a new name. Errors are a programmer's mistake (an unknown kind, a missing
// parameter, two organisations) or the database's.
func (s *Service) Queue(ctx context.Context, tx bun.Tx, lot string, drafts ...Draft) error {
	if len(drafts) == 0 {
		return nil
	}
	if lot == "" {
		lot = store.NewID()
	}
	now, org := store.Instant(s.Now()), drafts[0].Org
	messages := make([]Message, len(drafts))
	muted, err := s.muted(ctx, tx, org)
	if err != nil {
		return fmt.Errorf("queue mail: %w", err)
	}
	letters, err := byLetter(ctx, tx, org, drafts)
	if err != nil {
		return fmt.Errorf("queue mail: %w", err)
	}
	for i, d := range drafts {
		if d.Org != org {
			return fmt.Errorf("queue mail: lot %s has drafts of two organisations", lot)
		}
		m, err := s.message(d, lot, now)
		if err != nil {
			return fmt.Errorf("queue mail: %w", err)
		}
		switch {
		case muted[d.Kind] && m.LinkSealed == nil && d.Employee != "":
			m.State = StateNoticed
		case letters[d.Employee]:
			m.State = StateWaiting
		case d.Post != "" && d.Employee == "":
			m.State, m.Address = StateWaiting, d.Post
		}
		messages[i] = m
	}
	if _, err := store.Insert(store.WritingTo(ctx, org), tx, messages, ""); err != nil {
		return fmt.Errorf("queue mail: %w", err)
	}
	queue := outbox.Default
	if len(drafts) > bulkAbove {
		queue = outbox.Bulk
	}
	item, err := Deliver.Item(org, queue, Lot{org, lot}, now)
	if err != nil {
		return err
	}
	return outbox.Add(ctx, tx, item)
}

func (s *Service) message(d Draft, lot string, now time.Time) (Message, error) {
	if err := complete(d.Kind, d.Params); err != nil {
		return Message{}, err
	}
	params, err := json.Marshal(d.Params)
	if err != nil {
		return Message{}, err
	}
	m := Message{
		ID: store.NewID(), OrgID: d.Org, EmployeeID: d.Employee, Lot: lot, Kind: d.Kind, Lang: d.Lang,
		Name: d.Name, Address: d.Address, Params: string(params), State: StateQueued, QueuedAt: now,
	}
	if m.Lang != English {
		m.Lang = Danish
	}
	if d.Token != "" {
		m.LinkSealed = s.Keys.Seal(linkPurpose, place(m), []byte(d.Token))
	}
	return m, nil
}

func place(m Message) string { return string(m.OrgID) + "/" + m.ID }

// LatestState returns the state of the newest message of a kind to an employee
// and why its last attempt failed; "" when there has been no such message.
func (s *Service) LatestState(ctx context.Context, org access.OrgID, employee access.EmployeeID, kind string) (state, errorText string, err error) {
	err = s.DB.NewSelect().Model((*Message)(nil)).Column("state", "error").
		Where("org_id = ?", org).Where("employee_id = ?", employee).Where("kind = ?", kind).
		Order("queued_at DESC", "id DESC").Limit(1).Scan(ctx, &state, &errorText)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return state, errorText, err
}
