package samlkey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Partner is a party that must know the keys: a business service, or an
// organisation's own identity provider.
type Partner struct {
	ID       string // "service:ID" or "idp:ID"
	Org      access.OrgID
	Name     string
	Contacts []string // e-mail addresses of those who look after it
	Address  string   // where it fetches the metadata, its own
}

// How a partner was seen to have a key.
const (
	Fetched = "fetched" // it fetched the metadata at its own address
	Used    = "used"    // it encrypted to the key
	Told    = "told"    // a contact said so, by the link in the mail
	ByHand  = "by_hand" // an administrator or operator said so
)

// seen is that a partner has a key.
type seen struct {
	bun.BaseModel `bun:"table:saml_key_seen"`

	KeyID   string       `bun:"key_id,pk"`
	Partner string       `bun:"partner,pk"`
	OrgID   access.OrgID `bun:"org_id"`
	How     string       `bun:"how"`
	SeenAt  time.Time    `bun:"seen_at"`
}

// Standing is a partner and whether it has a key.
type Standing struct {
	Partner

	How    string // "" = not seen
	SeenAt *time.Time
}

// State is a key with the standing of every partner.
type State struct {
	Key

	Standing []Standing
}

// Fingerprint is SHA-256 over the DER certificate, in hex.
func Fingerprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:])
}

// partners are all parties that use the keys.
func (s *Service) partners(ctx context.Context) ([]Partner, error) {
	var all []Partner
	for _, list := range s.Partners {
		some, err := list(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (s *Service) standing(ctx context.Context, key Key) ([]Standing, error) {
	partners, err := s.partners(ctx)
	if err != nil {
		return nil, err
	}
	var rows []seen
	if err := s.DB.NewSelect().Model(&rows).Where("key_id = ?", key.ID).Scan(ctx); err != nil {
		return nil, err
	}
	by := map[string]seen{}
	for _, row := range rows {
		by[row.Partner] = row
	}
	all := make([]Standing, 0, len(partners))
	for _, p := range partners {
		one := Standing{Partner: p}
		if row, ok := by[p.ID]; ok {
			one.How, one.SeenAt = row.How, &row.SeenAt
		}
		all = append(all, one)
	}
	return all, nil
}

// States returns every key, the newest first, and for those announced how each
// partner stands. Errors: fault.Denied.
func (s *Service) States(ctx context.Context, by access.Actor) ([]State, error) {
	if err := by.NeedOperator(); err != nil {
		return nil, err
	}
	var rows []Key
	if err := s.DB.NewSelect().Model(&rows).ExcludeColumn("key_sealed").Order("created_at DESC", "id DESC").Limit(100).Scan(ctx); err != nil {
		return nil, err
	}
	all := make([]State, len(rows))
	for i, row := range rows {
		all[i].Key = row
		if row.State != Announced {
			continue
		}
		var err error
		if all[i].Standing, err = s.standing(ctx, row); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Fetched records that a partner fetched metadata with certain keys; those announced
// are news.
func (s *Service) Fetched(ctx context.Context, partner string, org access.OrgID, published []oiosaml.Key) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var keys []Key
		err := tx.NewSelect().Model(&keys).ExcludeColumn("key_sealed").Where("state = ?", Announced).
			Where("id NOT IN (SELECT s.key_id FROM saml_key_seen AS s WHERE s.partner = ?)", partner).Scan(ctx)
		if err != nil || len(keys) == 0 {
			return err
		}
		for _, k := range keys {
			if !slices.ContainsFunc(published, func(p oiosaml.Key) bool { return bytes.Equal(p.Certificate.Raw, k.Certificate) }) {
				continue // announced after this node read the keys
			}
			if err := s.saw(ctx, tx, access.System(org), k, partner, org, Fetched); err != nil {
				return err
			}
		}
		return nil
	})
}

// Used records that a partner encrypted to a key, named by its certificate.
func (s *Service) Used(ctx context.Context, partner string, org access.OrgID, certificate []byte) error {
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var k Key
		err := tx.NewSelect().Model(&k).ExcludeColumn("key_sealed").Where("certificate = ?", certificate).Where("state = ?", Announced).Scan(ctx)
		if fault.KindOf(store.Found(err, "samlkey.key")) == fault.Absent {
			return nil // an active key, of which everybody knows
		}
		if err != nil {
			return err
		}
		return s.saw(ctx, tx, access.System(org), k, partner, org, Used)
	})
}

// Vouch records that an operator knows a partner to have a key. Errors:
// fault.Denied, fault.Absent for either.
func (s *Service) Vouch(ctx context.Context, by access.Actor, id, partner string) error {
	if err := by.NeedOperator(); err != nil {
		return err
	}
	all, err := s.partners(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.ID != partner {
			continue
		}
		return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			k, err := s.key(ctx, tx, id)
			if err != nil {
				return err
			}
			return s.saw(ctx, tx, by.For(p.Org), k, p.ID, p.Org, ByHand)
		})
	}
	return fault.New(fault.Absent, "samlkey.partner.absent", "There is no such partner. It may have been removed.")
}

func (s *Service) saw(ctx context.Context, tx bun.Tx, by access.Actor, k Key, partner string, org access.OrgID, how string) error {
	now := store.Instant(s.Now())
	row := seen{KeyID: k.ID, Partner: partner, OrgID: org, How: how, SeenAt: now}
	n, err := store.Insert(store.WritingTo(ctx, org), tx, []seen{row}, "ON CONFLICT (key_id, partner) DO NOTHING")
	if err != nil || n == 0 {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, now, "saml_key.seen", partner, how+" "+k.about()))
}

// The steps of a rollover that contacts are told of.
const (
	StepAnnounced = "announced"
	StepReminded  = "reminded"
	StepSwitched  = "switched"
)

// tokenPurpose makes the keyed hash of the token in a mail's link.
const tokenPurpose secret.Purpose = "samlkey.token"

// notice is that one address was told of one step.
type notice struct {
	bun.BaseModel `bun:"table:saml_key_notice"`

	KeyID     string       `bun:"key_id,pk"`
	Partner   string       `bun:"partner,pk"`
	Step      string       `bun:"step,pk"`
	Address   string       `bun:"address,pk"`
	OrgID     access.OrgID `bun:"org_id"`
	TokenMAC  []byte       `bun:"token_mac"`
	CreatedAt time.Time    `bun:"created_at"`
}

// tell mails the contacts of partners about a step, each address once.
func (s *Service) tell(ctx context.Context, tx bun.Tx, key Key, step string, partners []Partner) error {
	end, err := key.End()
	if err != nil {
		return err
	}
	for _, p := range partners {
		if err := s.tellOne(ctx, tx, key, step, p, end); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) tellOne(ctx context.Context, tx bun.Tx, key Key, step string, p Partner, end time.Time) error {
	now := store.Instant(s.Now())
	var drafts []mail.Draft
	for _, address := range p.Contacts {
		token := secret.Token()
		row := notice{KeyID: key.ID, Partner: p.ID, Step: step, Address: address, OrgID: p.Org, TokenMAC: s.Keys.MAC(tokenPurpose, token), CreatedAt: now}
		n, err := store.Insert(store.WritingTo(ctx, p.Org), tx, []notice{row}, "ON CONFLICT (key_id, partner, step, address) DO NOTHING")
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		drafts = append(drafts, mail.Draft{
			Org: p.Org, Kind: mail.KindSAMLKey, Lang: mail.Danish, Name: address, Address: address, Token: token,
			Params: map[string]string{
				"step": step, "use": key.Use, "service": p.Name, "metadata": p.Address, "fingerprint": spaced(Fingerprint(key.Certificate)),
				"switch": now.Add(overlap).Format(time.RFC3339), "end": end.UTC().Format(time.RFC3339),
			},
		})
	}
	return s.Mail.Queue(ctx, tx, "", drafts...)
}

// Installation is what the link in a mail is about.
type Installation struct {
	Name        string // of the partner
	Use         string
	Fingerprint string
	State       string // of the key
	Installed   bool
}

// Installation tells what the token of a mail's link is about. Errors:
// fault.Absent for a link that means nothing.
func (s *Service) Installation(ctx context.Context, token string) (Installation, error) {
	i, _, _, err := s.installation(ctx, token)
	return i, err
}

func (s *Service) installation(ctx context.Context, token string) (Installation, notice, Key, error) {
	var n notice
	err := s.DB.NewSelect().Model(&n).Where("token_mac = ?", s.Keys.MAC(tokenPurpose, token)).Limit(1).Scan(ctx)
	if err != nil {
		return Installation{}, n, Key{}, store.Found(err, "samlkey.link")
	}
	k, err := s.key(ctx, s.DB, n.KeyID)
	if err != nil {
		return Installation{}, n, k, err
	}
	i := Installation{Use: k.Use, Fingerprint: Fingerprint(k.Certificate), State: k.State}
	i.Installed, err = s.DB.NewSelect().Model((*seen)(nil)).Where("key_id = ?", k.ID).Where("partner = ?", n.Partner).Exists(ctx)
	if err != nil {
		return i, n, k, err
	}
	all, err := s.partners(ctx)
	for _, p := range all {
		if p.ID == n.Partner {
			i.Name = p.Name
		}
	}
	return i, n, k, err
}

// Installed records that a contact says the partner has the key. A second time
// changes nothing. Errors: fault.Absent.
func (s *Service) Installed(ctx context.Context, token, address string) (Installation, error) {
	i, n, k, err := s.installation(ctx, token)
	if err != nil {
		return i, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		by := access.Actor{OrgID: n.OrgID, ID: "contact", Name: n.Address, Address: address}
		return s.saw(ctx, tx, by, k, n.Partner, n.OrgID, Told)
	})
	i.Installed = err == nil
	return i, err
}

// spaced breaks a fingerprint into pairs, as people compare them.
func spaced(hexed string) string {
	var b strings.Builder
	for i := 0; i+2 <= len(hexed); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hexed[i : i+2]))
	}
	return b.String()
}
