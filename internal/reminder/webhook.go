package reminder

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/outside"
	"github.com/adgang/adgang/internal/store"
)

// Hook is the payload of the work that calls a webhook: its body, under an ID that
// stays the same however often it is tried.
type Hook struct {
	Org  access.OrgID    `json:"org"`
	ID   string          `json:"id"`
	Body json.RawMessage `json:"body"`
}

// HookKind calls the webhook of an organisation.
var HookKind = outbox.NewKind[Hook]("reminder.call_webhook")

// hookBody is what a webhook gets.
type hookBody struct {
	Type         string     `json:"type"` // "certificates.expiring"
	Timestamp    time.Time  `json:"timestamp"`
	Certificates []hookLine `json:"certificates"`
}

type hookLine struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	NotAfter time.Time `json:"not_after"`
	Rule     int64     `json:"rule_days"` // the rule that made it due
	Address  string    `json:"address"`   // of its page
}

func (s *Service) queueHook(ctx context.Context, tx bun.Tx, id access.OrgID, left []due) error {
	now := store.Instant(s.Now())
	names, err := s.names(ctx, tx, id, left, mail.Danish)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(left, maxHookLines) {
		body := hookBody{Type: "certificates.expiring", Timestamp: now}
		for _, d := range part {
			body.Certificates = append(body.Certificates, hookLine{
				ID: strings.TrimPrefix(d.Certificate, outsideKey), Name: names[d.Certificate].text, NotAfter: d.NotAfter, Rule: d.Days,
				Address: s.BaseURL + names[d.Certificate].page,
			})
		}
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		if err := HookKind.Add(ctx, tx, id, Hook{Org: id, ID: "msg_" + store.NewID(), Body: raw}, now); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, audit.By(access.System(id), now, "reminder.queue", "webhook:"+string(id), note(left, 1)))
}

// Call posts to the webhook of an organisation, signed as Standard Webhooks
// (standardwebhooks.com, v1: HMAC-SHA-256 over "ID.seconds.body"). Anything but a
// 2xx is tried again; a webhook that was taken away is done. Errors:
// fault.Unavailable, fault.Invalid.
func (s *Service) Call(ctx context.Context, job Hook) error {
	called, err := s.call(ctx, job)
	if !called || ctx.Err() != nil {
		return err
	}
	outcome := "ok"
	if err != nil {
		outcome = fault.CodeOf(err)
	}
	_, failure := s.DB.NewUpdate().Model((*rulesRow)(nil)).Set("webhook_outcome = ?", outcome).Set("webhook_at = ?", store.Instant(s.Now())).
		Where("org_id = ?", job.Org).Exec(ctx)
	return errors.Join(err, failure)
}

// call is one try. called is false when there is no webhook.
func (s *Service) call(ctx context.Context, job Hook) (called bool, err error) {
	row, err := rowOf(ctx, s.DB, job.Org)
	if err != nil {
		return false, err
	}
	if row.WebhookURL == "" || row.WebhookSealed == nil {
		return false, nil
	}
	secret, err := s.Keys.Open(webhookPurpose, string(job.Org), row.WebhookSealed)
	if err != nil {
		return true, fault.New(fault.Invalid, "reminder.webhook.sealed", "The webhook's secret cannot be read with the master key in use. Enter the address anew.").Because(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, row.WebhookURL, bytes.NewReader(job.Body))
	if err != nil {
		return true, fault.New(fault.Invalid, "reminder.webhook.address", "The webhook's address cannot be used.").Because(err)
	}
	seconds := fmt.Sprint(s.Now().Unix())
	mac := hmac.New(sha256.New, secret)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", job.ID, seconds, job.Body) // a hash never fails
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Adgang")
	request.Header.Set("Webhook-Id", job.ID)
	request.Header.Set("Webhook-Timestamp", seconds)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	answer, err := outside.Client(s.PrivateHosts).Do(request)
	if errors.Is(err, outside.ErrInside) {
		return true, fault.New(fault.Invalid, "reminder.webhook.inside", "The webhook's address is in a private network, which the operator has not allowed.").Because(err)
	}
	if err != nil {
		return true, fault.New(fault.Unavailable, "reminder.webhook.away", "The webhook does not answer.").Because(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	_ = answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return true, fault.New(fault.Unavailable, "reminder.webhook.refused", "The webhook answered %d.", answer.StatusCode)
	}
	return true, nil
}

// HookCall is a call of a webhook, as its work stands.
type HookCall struct {
	ID           string // of Webhook-Id
	State        string // waiting, retried (it failed and is tried again), done, failed
	QueuedAt     time.Time
	Certificates int
	Attempts     int64
	NextAt       *time.Time // nil = there is no next try
}

// HookCalls returns the last ten calls of the organisation's webhook, the newest
// first. Errors: fault.Denied.
func (s *Service) HookCalls(ctx context.Context, by access.Actor) ([]HookCall, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, err
	}
	items, err := HookKind.Latest(ctx, s.DB, by.OrgID, 10)
	if err != nil {
		return nil, err
	}
	all := make([]HookCall, len(items))
	for i, one := range items {
		var job Hook
		var body hookBody
		if err := json.Unmarshal([]byte(one.Payload), &job); err != nil {
			return nil, fmt.Errorf("work %s: %w", one.ID, err)
		}
		if err := json.Unmarshal(job.Body, &body); err != nil {
			return nil, fmt.Errorf("work %s: %w", one.ID, err)
		}
		all[i] = HookCall{ID: job.ID, State: "waiting", QueuedAt: body.Timestamp, Certificates: len(body.Certificates), Attempts: one.Attempts}
		switch one.State {
		case outbox.Done:
			all[i].State = "done"
		case outbox.Failed:
			all[i].State = "failed"
		default:
			if one.LastError != "" {
				all[i].State = "retried"
			}
			all[i].NextAt = &items[i].DueAt
		}
	}
	return all, nil
}
