// Package onboarding connects organisations: applications from either start to
// the first administrator, the terms they accept, the operators' decision, the
// set-up that follows, and the way back in through the management
// representative when no administrator is left.
package onboarding

import (
	"context"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cvr"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/setting"
)

// Service is the front of the package.
type Service struct {
	DB         *bun.DB
	Keys       *secret.Keys
	Register   cvr.Register
	Org        *org.Service
	Credential *credential.Service
	Setting    *setting.Service
	Mail       *mail.Service
	Now        func() time.Time
	Log        *slog.Logger
	// TestData lets CVR numbers fail modulus 11, with a warning.
	TestData bool
	// Wait is how long administrators may object to a recovery; 0 = 7 days.
	Wait time.Duration
}

// Lifetimes.
const (
	linkDays    = 30 // of a party's link
	eraseDays   = 30 // documents, after the decision
	staleDays   = 90 // applications that nobody goes on with
	remindDays  = 14 // before a set-up link ends
	defaultWait = 7 * 24 * time.Hour
)

// Limits.
const (
	maxSigners   = 6
	maxDocuments = 5
	MaxDocument  = 10 << 20 // bytes
	mailsAnHour  = 5        // to one address, of those that anybody can ask for
)

const (
	linkPurpose     secret.Purpose = "onboarding.link"
	documentPurpose secret.Purpose = "onboarding.document"
	recoveryPurpose secret.Purpose = "onboarding.recovery"
)

// Work of the package.
var (
	// SweepKind reminds of set-up links and erases what is no longer needed.
	SweepKind = outbox.NewKind[struct{}]("onboarding.sweep")
	// Announce tells the administrators of an organisation of new terms.
	Announce = outbox.NewKind[Notice]("onboarding.announce_terms")
)

// Notice names an organisation and a version of the terms.
type Notice struct {
	Org     access.OrgID `json:"org"`
	Version int64        `json:"version"`
}

// party is the actor of somebody who has no account, only a link.
func (p Party) actor(address string) access.Actor {
	return access.Actor{ID: "applicant:" + p.ID, Name: p.Name, Address: address}
}

func checkEmail(field, email string) (string, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if !form.Mail(email) || len(email) > 200 {
		return "", fault.New(fault.Invalid, "onboarding.email.form", "Write one e-mail address, like name@example.dk.").On(field)
	}
	return email, nil
}

func checkName(field, name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		return "", fault.New(fault.Invalid, "onboarding.name.length", "Write a name of 1 to 100 characters.").On(field)
	}
	return name, nil
}

func checkReason(text string) (string, error) {
	text, ok := form.Reason(text, 2000)
	if !ok {
		return "", fault.New(fault.Invalid, "onboarding.reason.length", "Write a reason of 10 to 2,000 characters.").On("reason")
	}
	return text, nil
}

func language(lang string) string {
	if lang == mail.English {
		return mail.English
	}
	return mail.Danish
}

// Setup prepares what a new version of the program needs of old data.
func (s *Service) Setup(ctx context.Context) error { return s.Org.IndexNames(ctx) }
