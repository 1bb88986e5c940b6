package operator

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

type passkey struct {
	bun.BaseModel `bun:"table:operator_passkey"`

	ID         string     `bun:"id,pk"` // credential ID, hex
	OperatorID string     `bun:"operator_id"`
	Credential string     `bun:"credential"` // JSON of the library's record; a public key
	CreatedAt  time.Time  `bun:"created_at"`
	UsedAt     *time.Time `bun:"used_at"`
}

// pending is a registration or login on its way.
type pending struct {
	bun.BaseModel `bun:"table:operator_ceremony"`

	ID         string    `bun:"id,pk"`
	CookieMAC  []byte    `bun:"cookie_mac"`
	OperatorID string    `bun:"operator_id"` // "" for a login: the passkey says whose it is
	Session    string    `bun:"session"`
	ExpiresAt  time.Time `bun:"expires_at"`
}

// holder is an operator as the library sees one.
type holder struct {
	Operator
	credentials []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.ID) }
func (h holder) WebAuthnName() string                       { return h.Email }
func (h holder) WebAuthnDisplayName() string                { return h.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

var (
	errLink    = fault.New(fault.Absent, "operator.link.unknown", "The link is not valid: it works once and for 24 hours. Ask another operator for a new one, or run adgang operator add.")
	errPasskey = fault.New(fault.Denied, "operator.passkey.refused", "The passkey was not accepted. Try again with the passkey that you registered here.")
	errLate    = fault.New(fault.Conflict, "operator.ceremony.over", "It took too long, or another page was opened meanwhile. Begin again.")
)

func (s *Service) bySetUp(ctx context.Context, db bun.IDB, token string) (Operator, error) {
	var o Operator
	err := db.NewSelect().Model(&o).Where("setup_mac = ?", s.Keys.MAC(setUpPurpose, token)).
		Where("state = ?", active).Where("setup_expires_at > ?", store.Instant(s.Now())).Scan(ctx)
	if fault.KindOf(store.Found(err, "operator")) == fault.Absent {
		return o, errLink
	}
	return o, err
}

// BeginSetUp returns what the browser needs to make a passkey for the account
// of a set-up link (PublicKeyCredentialCreationOptionsJSON), and the cookie that
// FinishSetUp wants. Errors: fault.Absent.
func (s *Service) BeginSetUp(ctx context.Context, token string) (o Operator, options json.RawMessage, cookie string, err error) {
	if o, err = s.bySetUp(ctx, s.DB, token); err != nil {
		return o, nil, "", err
	}
	lib, err := s.library()
	if err != nil {
		return o, nil, "", err
	}
	creation, state, err := lib.BeginRegistration(holder{Operator: o})
	if err != nil {
		return o, nil, "", fmt.Errorf("begin registration: %w", err)
	}
	options, cookie, err = s.begin(ctx, o.ID, creation.Response, state)
	return o, options, cookie, err
}

func (s *Service) begin(ctx context.Context, id string, public any, state *webauthn.SessionData) (json.RawMessage, string, error) {
	options, err := json.Marshal(public)
	if err != nil {
		return nil, "", err
	}
	kept, err := json.Marshal(state)
	if err != nil {
		return nil, "", err
	}
	cookie := secret.Token()
	row := pending{
		ID: store.NewID(), CookieMAC: s.Keys.MAC(ceremonyPurpose, cookie), OperatorID: id, Session: string(kept),
		ExpiresAt: store.Instant(s.Now().Add(ceremony)),
	}
	_, err = s.DB.NewInsert().Model(&row).Exec(ctx)
	return options, cookie, err
}

// spend takes a ceremony, which counts once. Errors: fault.Conflict.
func (s *Service) spend(ctx context.Context, cookie string) (pending, webauthn.SessionData, error) {
	var row pending
	var state webauthn.SessionData
	_, err := s.DB.NewDelete().Model(&row).Where("cookie_mac = ?", s.Keys.MAC(ceremonyPurpose, cookie)).
		Where("expires_at > ?", store.Instant(s.Now())).Returning("*").Exec(ctx, &row)
	if err != nil && fault.KindOf(store.Found(err, "operator")) != fault.Absent {
		return row, state, err
	}
	if row.ID == "" {
		return row, state, errLate
	}
	return row, state, json.Unmarshal([]byte(row.Session), &state)
}

// FinishSetUp registers the passkey that a browser made and uses up the link.
// response is the JSON of PublicKeyCredential.toJSON. Errors: fault.Absent,
// fault.Conflict, fault.Denied.
func (s *Service) FinishSetUp(ctx context.Context, token, cookie string, response []byte, address string) error {
	row, state, err := s.spend(ctx, cookie)
	if err != nil {
		return err
	}
	o, err := s.bySetUp(ctx, s.DB, token)
	if err != nil {
		return err
	}
	if row.OperatorID != o.ID {
		return errLate
	}
	lib, err := s.library()
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return errPasskey.Because(err)
	}
	made, err := lib.CreateCredential(holder{Operator: o}, state, parsed)
	if err != nil {
		return errPasskey.Because(err)
	}
	record, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		now := store.Instant(s.Now())
		res, err := tx.NewUpdate().Model((*Operator)(nil)).Set("setup_mac = NULL").Set("setup_expires_at = NULL").
			Where("id = ?", o.ID).Where("setup_mac = ?", s.Keys.MAC(setUpPurpose, token)).Exec(ctx)
		if err := store.One(res, err, "operator.link"); err != nil {
			return err
		}
		key := passkey{ID: hex.EncodeToString(made.ID), OperatorID: o.ID, Credential: string(record), CreatedAt: now}
		if _, err := tx.NewInsert().Model(&key).Exec(ctx); err != nil {
			return err
		}
		by := access.Actor{ID: "operator:" + o.ID, Address: address}
		return audit.Record(ctx, tx, audit.By(by, now, "operator.set_up", "operator:"+o.ID, ""))
	})
}

// BeginLogin returns what the browser needs to show a passkey
// (PublicKeyCredentialRequestOptionsJSON), and the cookie that FinishLogin
// wants. It is the same for everyone.
func (s *Service) BeginLogin(ctx context.Context) (options json.RawMessage, cookie string, err error) {
	lib, err := s.library()
	if err != nil {
		return nil, "", err
	}
	assertion, state, err := lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fmt.Errorf("begin login: %w", err)
	}
	return s.begin(ctx, "", assertion.Response, state)
}

// FinishLogin checks the passkey and starts a session; token is the cookie's
// value. Errors: fault.Denied, fault.Conflict.
func (s *Service) FinishLogin(ctx context.Context, cookie string, response []byte, address string) (token string, err error) {
	row, state, err := s.spend(ctx, cookie)
	if err != nil {
		return "", err
	}
	lib, err := s.library()
	if err != nil {
		return "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil || row.OperatorID != "" {
		return "", errPasskey.Because(err)
	}
	var who Operator
	used, err := lib.ValidateDiscoverableLogin(func(rawID, userHandle []byte) (webauthn.User, error) {
		h, err := s.holder(ctx, string(userHandle), hex.EncodeToString(rawID))
		who = h.Operator
		return h, err
	}, state, parsed)
	if err != nil {
		return "", errPasskey.Because(err)
	}
	if used.Authenticator.CloneWarning {
		s.Log.WarnContext(ctx, "an operator's passkey counts backwards", "actor", "operator:"+who.ID)
		return "", errPasskey
	}
	record, err := json.Marshal(used)
	if err != nil {
		return "", err
	}
	return s.start(ctx, who, hex.EncodeToString(used.ID), string(record), address)
}

func (s *Service) holder(ctx context.Context, id, key string) (holder, error) {
	o, err := one(ctx, s.DB, id)
	if err != nil {
		return holder{}, err
	}
	var row passkey
	err = s.DB.NewSelect().Model(&row).Where("id = ?", key).Where("operator_id = ?", id).Scan(ctx)
	if err != nil {
		return holder{}, store.Found(err, "operator.passkey")
	}
	var c webauthn.Credential
	err = json.Unmarshal([]byte(row.Credential), &c)
	return holder{o, []webauthn.Credential{c}}, err
}
