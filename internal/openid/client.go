package openid

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// How a client proves who it is at the token endpoint.
const (
	BySecret = "client_secret"   // client_secret_basic or client_secret_post
	ByKey    = "private_key_jwt" // RFC 7523
	ByNobody = "none"            // a public client, for which PKCE stands alone
)

// Registration is what the owner has decided about a client.
type Registration struct {
	// Redirects are where answers may go, compared as they are; a public client on
	// a loopback address may use any port (RFC 8252 section 7.3).
	Redirects   []string `json:"redirects"`
	AfterLogout []string `json:"after_logout,omitempty"`
	// Logout is told by server to server when the person logs out, "" = it is not.
	Logout string `json:"logout,omitempty"`
	Auth   string `json:"auth"`
	// KeySet is the client's JSON Web Key Set, for ByKey.
	KeySet  string   `json:"key_set,omitempty"`
	Claims  []string `json:"claims,omitempty"` // attribute names
	Refresh bool     `json:"refresh,omitempty"`
	Level   string   `json:"level,omitempty"` // the NSIS level that every login needs, "" = any
}

// Client is a business service as an OpenID Connect client. Its client_id is the
// service's ID.
type Client struct {
	bun.BaseModel `bun:"table:openid_client,alias:client"`

	ServiceID string       `bun:"service_id,pk"`
	OrgID     access.OrgID `bun:"org_id"` // that owns the service
	Document  string       `bun:"document"`
	SecretMAC []byte       `bun:"secret_mac,nullzero"`
	SecretAt  *time.Time   `bun:"secret_at"`
	Version   int64        `bun:"version"`
	CreatedAt time.Time    `bun:"created_at"`

	Registration Registration `bun:"-"` // Document, read
}

func (c *Client) read() error {
	if err := json.Unmarshal([]byte(c.Document), &c.Registration); err != nil {
		return fmt.Errorf("registration of client %s: %w", c.ServiceID, err)
	}
	return nil
}

// maxAddresses bounds each list of addresses of a client.
const maxAddresses = 20

func (r *Registration) check() error {
	if len(r.Redirects) == 0 {
		return fault.New(fault.Invalid, "openid.client.redirect", "A client needs at least one address to send people back to.").On("redirects")
	}
	for _, list := range []struct {
		field string
		all   []string
	}{{"redirects", r.Redirects}, {"after_logout", r.AfterLogout}} {
		if len(list.all) > maxAddresses {
			return fault.New(fault.Invalid, "openid.client.many", "At most %d addresses can be given.", maxAddresses).On(list.field)
		}
		for _, one := range list.all {
			if err := address(one, list.field); err != nil {
				return err
			}
		}
	}
	if r.Logout != "" {
		if u, err := url.Parse(r.Logout); err != nil || u.Scheme != "https" && !loopback(u) || u.Host == "" || u.Fragment != "" || u.User != nil || len(r.Logout) > 500 {
			return fault.New(fault.Invalid, "openid.client.logout", "The address that is told of logouts must be an https address.").On("logout")
		}
	}
	if r.Level != "" && oiosaml.LevelNamed(r.Level) == 0 {
		return fault.New(fault.Invalid, "openid.client.level", "There is no such level.").On("level")
	}
	for _, one := range r.Claims {
		if !claimable(one) {
			return fault.New(fault.Invalid, "openid.client.claim", "%s is not an attribute that can be told.", one).On("claims")
		}
	}
	slices.Sort(r.Claims)
	r.Claims = slices.Compact(r.Claims)
	switch r.Auth {
	case BySecret, ByNobody:
		r.KeySet = ""
		return nil
	case ByKey:
		_, err := readKeys(r.KeySet)
		return err
	}
	return fault.New(fault.Invalid, "openid.client.auth", "There is no such way for a client to prove who it is.").On("auth")
}

// address demands https, or http on the loopback interface, and nothing that
// browsers and libraries read in two ways (RFC 9700 section 2.1: compared exactly).
func address(one, field string) error {
	u, err := url.Parse(one)
	if err == nil && len(one) <= 500 && u.Host != "" && u.User == nil && !strings.Contains(one, "#") && !strings.ContainsAny(one, " \t\r\n\\*") &&
		(u.Scheme == "https" || loopback(u)) {
		return nil
	}
	return fault.New(fault.Invalid, "openid.client.address", "%s cannot be used: it must be an https address without a fragment, or http on the loopback interface.", one).On(field)
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// readKeys reads a client's public keys for signatures.
func readKeys(text string) (set jose.JSONWebKeySet, err error) {
	if len(text) > 64<<10 || json.Unmarshal([]byte(text), &set) != nil || len(set.Keys) == 0 || len(set.Keys) > maxAddresses {
		return set, fault.New(fault.Invalid, "openid.client.keys", "This is no JSON Web Key Set with public keys.").On("key_set")
	}
	for _, k := range set.Keys {
		if !k.Valid() || !k.IsPublic() {
			return set, fault.New(fault.Invalid, "openid.client.private", "The key set must hold public keys for signatures, and no private or shared ones.").On("key_set")
		}
	}
	return set, nil
}

// Register adds a service that speaks OpenID Connect and no SAML. The secret is ""
// for a client without, else it is shown this one time. Errors: fault.Denied,
// fault.Invalid.
func (s *Service) Register(ctx context.Context, by access.Actor, name string, r Registration) (c Client, p federation.Partner, key string, err error) {
	if err := by.Need(access.ManageServices); err != nil {
		return c, p, "", err
	}
	if err := r.check(); err != nil {
		return c, p, "", err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		if p, err = s.Federation.RegisterFace(ctx, tx, by, Kind, strings.TrimSpace(name)); err != nil {
			return err
		}
		c, key, err = s.put(ctx, tx, by, p.ID, r, 0)
		return err
	})
	return c, p, key, err
}

// Set changes a service's registration, or makes a SAML service a client too;
// version is the one that the change began from, 0 for a service that is none. The
// secret is "" when the client has none or keeps it. Errors: fault.Denied,
// fault.Absent, fault.Invalid, fault.Conflict when somebody was faster.
func (s *Service) Set(ctx context.Context, by access.Actor, id string, r Registration, version int64) (c Client, key string, err error) {
	if err := by.Need(access.ManageServices); err != nil {
		return c, "", err
	}
	if err := r.check(); err != nil {
		return c, "", err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		c, key, err = s.put(ctx, tx, by, id, r, version)
		return err
	})
	return c, key, err
}

func stale() error {
	return fault.New(fault.Conflict, "openid.client.stale", "Somebody else has changed this in the meantime. Look at the page again.")
}

func (s *Service) put(ctx context.Context, tx bun.Tx, by access.Actor, id string, r Registration, version int64) (c Client, key string, err error) {
	if err := s.Federation.SetFace(ctx, tx, by, id, Kind, r.Claims); err != nil {
		return c, "", err
	}
	document, err := json.Marshal(r)
	if err != nil {
		return c, "", err
	}
	var before []Client
	if err := tx.NewSelect().Model(&before).Where("org_id = ?", by.OrgID).Where("service_id = ?", id).Scan(ctx); err != nil {
		return c, "", err
	}
	now := store.Instant(s.Now())
	was := ""
	switch {
	case len(before) == 0 && version == 0:
		c = Client{ServiceID: id, OrgID: by.OrgID, CreatedAt: now}
	case len(before) == 1 && before[0].Version == version:
		c, was = before[0], before[0].Document
	default:
		return c, "", stale()
	}
	c.Document, c.Registration, c.Version = string(document), r, version+1
	if r.Auth != BySecret {
		c.SecretMAC, c.SecretAt = nil, nil
	} else if c.SecretMAC == nil {
		key = secret.Token()
		c.SecretMAC, c.SecretAt = s.Keys.MAC(secretPurpose, id, key), &now
	}
	var n int64
	if version == 0 {
		n, err = store.Insert(ctx, tx, []Client{c}, "ON CONFLICT (service_id) DO NOTHING")
	} else {
		n, err = store.Count(tx.NewUpdate().Model(&c).Column("document", "secret_mac", "secret_at", "version").
			Where("org_id = ?", by.OrgID).WherePK().Where("version = ?", version).Exec(ctx))
	}
	if err == nil && n == 0 {
		err = stale()
	}
	if err != nil {
		return c, "", err
	}
	return c, key, audit.Record(ctx, tx, audit.By(by, now, "openid.client", "service:"+id, "").Changed(was, string(document)))
}

// NewSecret gives a client another secret; the old one ends at once. Errors:
// fault.Denied, fault.Absent; fault.Conflict for a client that has none.
func (s *Service) NewSecret(ctx context.Context, by access.Actor, id string) (key string, err error) {
	if err := by.Need(access.ManageServices); err != nil {
		return "", err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := s.own(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if c.Registration.Auth != BySecret {
			return fault.New(fault.Conflict, "openid.client.no_secret", "This client proves who it is in another way than by a secret.")
		}
		key = secret.Token()
		now := store.Instant(s.Now())
		res, err := tx.NewUpdate().Model((*Client)(nil)).Set("secret_mac = ?", s.Keys.MAC(secretPurpose, id, key)).Set("secret_at = ?", now).
			Where("org_id = ?", by.OrgID).Where("service_id = ?", id).Exec(ctx)
		if err := store.One(res, err, "openid.client"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "openid.secret", "service:"+id, ""))
	})
	return key, err
}

// Unset takes the face away from a service that speaks SAML too. Its codes and
// tokens end. Errors: as Set; fault.Conflict for one that has no other face.
func (s *Service) Unset(ctx context.Context, by access.Actor, id string) error {
	if err := by.Need(access.ManageServices); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		c, err := s.own(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if err := s.Federation.SetFace(ctx, tx, by, id, "", nil); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*Client)(nil)).Where("org_id = ?", by.OrgID).Where("service_id = ?", id).Exec(ctx); err != nil {
			return err
		}
		// The people are of any organisation that uses the service.
		if _, err := tx.NewDelete().Model((*grant)(nil)).Where("service_id = ?", id).Exec(store.AcrossTenants(ctx)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "openid.unset", "service:"+id, "").Changed(c.Document, ""))
	})
}

// Client returns the OpenID Connect side of a service of the organisation. Errors:
// fault.Denied, fault.Absent when it has none.
func (s *Service) Client(ctx context.Context, by access.Actor, id string) (Client, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Client{}, err
	}
	return s.own(ctx, s.DB, by, id)
}

func (s *Service) own(ctx context.Context, db bun.IDB, by access.Actor, id string) (c Client, err error) {
	if err := db.NewSelect().Model(&c).Where("org_id = ?", by.OrgID).Where("service_id = ?", id).Scan(ctx); err != nil {
		return c, store.Found(err, "openid.client")
	}
	return c, c.read()
}

// byID reads a client of whatever organisation. Errors: fault.Absent.
func (s *Service) byID(ctx context.Context, id string) (c Client, err error) {
	if err := s.DB.NewSelect().Model(&c).Where("service_id = ?", id).Scan(store.AcrossTenants(ctx)); err != nil {
		return c, store.Found(err, "openid.client")
	}
	return c, c.read()
}
