package localidp

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/outside"
	"github.com/adgang/adgang/internal/store"
)

// maxMetadata is the largest document that is fetched, in bytes.
const maxMetadata = 1 << 20

// fetch gets metadata from an address outside. Errors: fault.Invalid for the
// address, fault.Unavailable.
func (s *Service) fetch(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !s.PrivateHosts) {
		return nil, fault.New(fault.Invalid, "localidp.url", "The address of the metadata must be an https address.").On("url")
	}
	away := func(cause error) error {
		code, text := "localidp.fetch.away", "The metadata could not be fetched. Check the address, or upload the file instead."
		if errors.Is(cause, outside.ErrInside) {
			code, text = "localidp.fetch.inside", "The address lies in a private network and is not fetched. Upload the file instead."
		}
		return fault.New(fault.Unavailable, code, "%s", text).On("url").Because(cause)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, away(err)
	}
	r.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	answer, err := outside.Client(s.PrivateHosts).Do(r)
	if err != nil {
		return nil, away(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxMetadata+1))
	if err == nil && (answer.StatusCode != http.StatusOK || len(body) > maxMetadata) {
		err = errors.New(answer.Status)
	}
	if err != nil {
		return nil, away(err)
	}
	return body, nil
}

// Difference is what new metadata would change.
type Difference struct {
	EntityID  string // the new one; always equal, since another is refused
	Added     []Certificate
	Removed   []Certificate
	Kept      []Certificate
	Addresses []Change
	Notices   []string
}

// Certificate is a key of a provider as people compare it.
type Certificate struct {
	Use         string // signing or encryption
	Subject     string
	Fingerprint string // SHA-256 of the certificate in hex
	NotAfter    string // RFC 3339
}

// Change is one value before and after, "" where there is none.
type Change struct {
	What, Before, After string
}

// Certificates lists the keys in the metadata.
func Certificates(md oiosaml.Identity) []Certificate {
	var all []Certificate
	add := func(use string, c *x509.Certificate) {
		sum := sha256.Sum256(c.Raw)
		all = append(all, Certificate{use, c.Subject.String(), hex.EncodeToString(sum[:]), c.NotAfter.UTC().Format("2006-01-02T15:04:05Z")})
	}
	for _, c := range md.Signing {
		add("signing", c)
	}
	for _, r := range md.Encryption {
		add("encryption", r.Certificate)
	}
	return all
}

// Difference compares what counts with what is proposed; nil when nothing is.
func (p IdP) Difference() (*Difference, error) {
	if p.Proposed == "" {
		return nil, nil //nolint:nilnil // nothing is proposed, and that is no error
	}
	md, err := oiosaml.ParseIdentity([]byte(p.Proposed), *p.ProposedAt)
	if err != nil {
		return nil, err
	}
	d := Difference{EntityID: md.EntityID, Notices: md.Notices}
	before, after := Certificates(p.Metadata), Certificates(md)
	for _, c := range after {
		if slices.Contains(before, c) {
			d.Kept = append(d.Kept, c)
		} else {
			d.Added = append(d.Added, c)
		}
	}
	for _, c := range before {
		if !slices.Contains(after, c) {
			d.Removed = append(d.Removed, c)
		}
	}
	for _, c := range []Change{
		{"sign_on", addresses(p.Metadata.SignOn), addresses(md.SignOn)},
		{"logout", addresses(p.Metadata.Logout), addresses(md.Logout)},
		{"name_id", strings.Join(p.Metadata.NameIDs, "\n"), strings.Join(md.NameIDs, "\n")},
	} {
		if c.Before != c.After {
			d.Addresses = append(d.Addresses, c)
		}
	}
	return &d, nil
}

func addresses(all []oiosaml.Endpoint) string {
	var lines []string
	for _, e := range all {
		lines = append(lines, e.Binding[strings.LastIndex(e.Binding, ":")+1:]+" "+e.URL)
	}
	return strings.Join(lines, "\n")
}

// Propose lays new metadata beside what counts; raw nil fetches it from the
// provider's address. Metadata that changes nothing is not kept. Errors:
// fault.Denied, fault.Absent, fault.Invalid, fault.Unavailable.
func (s *Service) Propose(ctx context.Context, by access.Actor, id string, raw []byte) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	p, err := s.one(ctx, s.DB, by.OrgID, id)
	if err != nil {
		return p, err
	}
	if raw == nil {
		if p.MetadataURL == "" {
			return p, fault.New(fault.Invalid, "localidp.no_url", "This login has no address to fetch its metadata from. Upload the file.").On("url")
		}
		if raw, err = s.fetch(ctx, p.MetadataURL); err != nil {
			return p, err
		}
	}
	if err := s.propose(ctx, by, p, raw); err != nil {
		return p, err
	}
	return s.IdP(ctx, by, id)
}

func (s *Service) propose(ctx context.Context, by access.Actor, p IdP, raw []byte) error {
	md, err := oiosaml.ParseIdentity(raw, s.Now())
	if err != nil {
		return err
	}
	if md.EntityID != p.EntityID {
		return fault.New(fault.Invalid, "localidp.entity_id", "The metadata belongs to %s, this login is %s. Register it as another one.", md.EntityID, p.EntityID).On("metadata")
	}
	now := store.Instant(s.Now())
	next := p
	next.Proposed, next.ProposedAt = string(raw), &now
	d, err := next.Difference()
	if err != nil {
		return err
	}
	if len(d.Added)+len(d.Removed)+len(d.Addresses) == 0 {
		next.Proposed, next.ProposedAt = "", nil
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*IdP)(nil)).Set("proposed = ?", next.Proposed).Set("proposed_at = ?", next.ProposedAt).
			Set("fetched_at = ?", now).Set("fetch_failure = ''").
			Where("org_id = ?", p.OrgID).Where("id = ?", p.ID).Exec(ctx)
		if err != nil || next.Proposed == p.Proposed {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "idp.propose", "idp:"+p.ID, summary(*d)))
	})
}

func summary(d Difference) string {
	var all []string
	for _, c := range d.Added {
		all = append(all, "+"+c.Use+" "+c.Fingerprint[:16])
	}
	for _, c := range d.Removed {
		all = append(all, "-"+c.Use+" "+c.Fingerprint[:16])
	}
	for _, c := range d.Addresses {
		all = append(all, c.What)
	}
	return strings.Join(all, ", ")
}

// Accept lets the proposed metadata count. Errors: fault.Denied, fault.Absent,
// fault.Conflict when nothing is proposed.
func (s *Service) Accept(ctx context.Context, by access.Actor, id string) (IdP, error) {
	return s.decide(ctx, by, id, "idp.accept")
}

// Discard drops the proposed metadata. Errors: as Accept.
func (s *Service) Discard(ctx context.Context, by access.Actor, id string) (IdP, error) {
	return s.decide(ctx, by, id, "idp.discard")
}

func (s *Service) decide(ctx context.Context, by access.Actor, id, verb string) (IdP, error) {
	if err := by.Need(access.ChangeSettings); err != nil {
		return IdP{}, err
	}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		p, err := s.one(ctx, tx, by.OrgID, id)
		if err != nil {
			return err
		}
		d, err := p.Difference()
		if err != nil {
			return err
		}
		if d == nil {
			return fault.New(fault.Conflict, "localidp.nothing_proposed", "There is no new metadata to decide about.")
		}
		update := tx.NewUpdate().Model((*IdP)(nil)).Set("proposed = ''").Set("proposed_at = NULL").Set("version = version + 1")
		if verb == "idp.accept" {
			update.Set("metadata = ?", p.Proposed).Set("metadata_at = ?", store.Instant(s.Now()))
		}
		res, err := update.Where("org_id = ?", by.OrgID).Where("id = ?", id).Where("proposed = ?", p.Proposed).Exec(ctx)
		if err := store.One(res, err, "localidp"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "idp:"+id, summary(*d)))
	})
	if err != nil {
		return IdP{}, err
	}
	return s.IdP(ctx, by, id)
}

// Refresh fetches the metadata of every provider that has an address for it. What
// differs is proposed, not used; the last good copy goes on counting.
func (s *Service) Refresh(ctx context.Context) error {
	var all []IdP
	if err := s.DB.NewSelect().Model(&all).Where("i.metadata_url <> ''").Where("i.state <> ?", Off).Order("i.id").Scan(ctx); err != nil {
		return err
	}
	for _, p := range all {
		if err := s.refresh(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) refresh(ctx context.Context, p IdP) error {
	ctx = store.ForTenant(ctx, p.OrgID)
	err := p.read()
	if err == nil {
		var raw []byte
		if raw, err = s.fetch(ctx, p.MetadataURL); err == nil {
			err = s.propose(ctx, access.System(p.OrgID), p, raw)
		}
	}
	if fault.KindOf(err) == fault.Internal && err != nil {
		return err
	}
	if err == nil {
		return nil
	}
	s.Log.WarnContext(ctx, "metadata of a local identity provider not fetched", "org", p.OrgID, "idp", p.ID, "err", err)
	_, err = s.DB.NewUpdate().Model((*IdP)(nil)).Set("fetch_failure = ?", fault.CodeOf(err)).Set("fetched_at = ?", store.Instant(s.Now())).
		Where("org_id = ?", p.OrgID).Where("id = ?", p.ID).Exec(ctx)
	return err
}
