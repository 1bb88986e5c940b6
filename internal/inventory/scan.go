package inventory

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/internal/outside"
	"github.com/adgang/adgang/internal/store"
)

// Host is one whose TLS certificate is read every day.
type Host struct {
	bun.BaseModel `bun:"table:inventory_host,alias:h"`

	ID            string       `bun:"id,pk"`
	OrgID         access.OrgID `bun:"org_id"`
	Address       string       `bun:"address"`        // host:port
	CertificateID string       `bun:"certificate_id"` // "" = not read yet
	Failure       string       `bun:"failure"`        // code of why it was not read the last time, "" = it was
	ScannedAt     *time.Time   `bun:"scanned_at"`
	CreatedAt     time.Time    `bun:"created_at"`
}

// Scan is the payload of the work of one scan.
type Scan struct {
	Org  access.OrgID `json:"org"`
	Host string       `json:"host"`
}

// ScanKind reads one host; ScanAllKind asks for all, every day.
var (
	ScanKind    = outbox.NewKind[Scan]("inventory.scan")
	ScanAllKind = outbox.NewKind[Day]("inventory.scan_all")
)

// Day is a date of UTC, YYYY-MM-DD, and not the clock's.
type Day struct {
	Day string `json:"day"`
}

// Failures of a scan.
const (
	FailedInside  = "inside"  // the address is in a private network
	FailedUnknown = "unknown" // the name cannot be resolved
	FailedAway    = "away"    // no connection
	FailedTLS     = "tls"     // it answers, and not in TLS
)

const maxHosts = 500

var hostForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func hostAddress(text string) (string, error) {
	refuse := fault.New(fault.Invalid, "inventory.host.form", "Write a host as name.firm.dk or name.firm.dk:8443.").On("address")
	text = strings.ToLower(strings.TrimSpace(text))
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "443"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", refuse
	}
	if _, err := netip.ParseAddr(host); err != nil && (len(host) > 253 || !hostForm.MatchString(host)) {
		return "", refuse
	}
	return net.JoinHostPort(host, port), nil
}

// Hosts lists the hosts that are scanned, by address. Errors: fault.Denied.
func (s *Service) Hosts(ctx context.Context, by access.Actor) ([]Host, error) {
	if err := by.Need(access.ViewCertificates); err != nil {
		return nil, err
	}
	var all []Host
	err := s.DB.NewSelect().Model(&all).Where("h.org_id = ?", by.OrgID).Order("h.address").Scan(ctx)
	return all, err
}

// AddHost puts a host on the list and asks for its first scan. Errors:
// fault.Denied, fault.Invalid, fault.Conflict.
func (s *Service) AddHost(ctx context.Context, by access.Actor, address string) (Host, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Host{}, err
	}
	address, err := hostAddress(address)
	if err != nil {
		return Host{}, err
	}
	now := store.Instant(s.Now())
	h := Host{ID: store.NewID(), OrgID: by.OrgID, Address: address, CreatedAt: now}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		n, err := tx.NewSelect().Model((*Host)(nil)).Where("h.org_id = ?", by.OrgID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxHosts {
			return fault.New(fault.Conflict, "inventory.host.many", "An organisation has at most %d hosts here.", maxHosts)
		}
		added, err := store.Insert(ctx, tx, []Host{h}, "ON CONFLICT (org_id, address) DO NOTHING")
		if err == nil && added == 0 {
			err = fault.New(fault.Conflict, "inventory.host.exists", "This host is on the list already.").On("address")
		}
		if err != nil {
			return err
		}
		if err := ScanKind.Add(ctx, tx, by.OrgID, Scan{by.OrgID, h.ID}, now); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, now, "inventory.host_add", "host:"+h.ID, address))
	})
	return h, err
}

// RemoveHost takes a host off the list; its certificate stays. Errors:
// fault.Denied, fault.Absent.
func (s *Service) RemoveHost(ctx context.Context, by access.Actor, id string) error {
	return s.host(ctx, by, id, "inventory.host_remove", func(ctx context.Context, tx bun.Tx, h Host) error {
		_, err := tx.NewDelete().Model((*Host)(nil)).Where("org_id = ?", by.OrgID).Where("id = ?", h.ID).Exec(ctx)
		return err
	})
}

// AskScan asks for a scan of one host now. Errors: fault.Denied, fault.Absent.
func (s *Service) AskScan(ctx context.Context, by access.Actor, id string) error {
	return s.host(ctx, by, id, "inventory.scan_ask", func(ctx context.Context, tx bun.Tx, h Host) error {
		waiting, err := ScanKind.Waiting(ctx, tx, by.OrgID, h.ID)
		if err != nil || waiting {
			return err
		}
		return ScanKind.Add(ctx, tx, by.OrgID, Scan{by.OrgID, h.ID}, s.Now())
	})
}

func (s *Service) host(ctx context.Context, by access.Actor, id, verb string, do func(context.Context, bun.Tx, Host) error) error {
	if err := by.Need(access.OrderCertificate); err != nil {
		return err
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		var h Host
		err := tx.NewSelect().Model(&h).Where("h.org_id = ?", by.OrgID).Where("h.id = ?", id).Scan(ctx)
		if err := store.Found(err, "inventory.host"); err != nil {
			return err
		}
		if err := do(ctx, tx, h); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, "host:"+id, h.Address))
	})
}

// ScanAll asks for a scan of every host. Errors: fault.Invalid for a day that is
// none.
func (s *Service) ScanAll(ctx context.Context, d Day) error {
	if _, err := parseDay("day", d.Day); err != nil {
		return err
	}
	for after := ""; ; {
		var page []Host
		if err := s.DB.NewSelect().Model(&page).Where("h.id > ?", after).Order("h.id").Limit(200).Scan(ctx); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
			for _, h := range page {
				if err := ScanKind.AddOnce(ctx, tx, "inventory.scan:"+h.ID+"@"+d.Day, h.OrgID, Scan{h.OrgID, h.ID}, s.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		after = page[len(page)-1].ID
	}
}

// Scan reads the certificate of one host and takes it into the inventory. A host
// that does not answer keeps what was read before, with the reason beside it.
// Errors: unexpected ones only; a host that is gone is done.
func (s *Service) Scan(ctx context.Context, job Scan) error {
	var h Host
	err := s.DB.NewSelect().Model(&h).Where("h.org_id = ?", job.Org).Where("h.id = ?", job.Host).Scan(ctx)
	switch err := store.Found(err, "inventory.host"); {
	case fault.KindOf(err) == fault.Absent:
		return nil
	case err != nil:
		return err
	}
	state, failure := s.shake(ctx, h.Address)
	if ctx.Err() != nil {
		return fault.New(fault.Unavailable, "inventory.scan.cut", "The scan was cut short.").Because(context.Cause(ctx))
	}
	certificate := h.CertificateID
	by := access.System(job.Org)
	if state != nil && len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		if _, err := s.take(ctx, by, []found{{source: FromScan, parsed: leaf}}); err != nil {
			return err
		}
		own := s.row(job.Org, found{parsed: leaf}, nil)
		if err := s.DB.NewSelect().Model((*Certificate)(nil)).Column("id").Where("c.org_id = ?", job.Org).Where("c.fingerprint = ?", own.Fingerprint).
			Scan(ctx, &certificate); err != nil {
			return err
		}
	}
	return store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if certificate != h.CertificateID && h.CertificateID != "" {
			if err := s.follow(ctx, tx, by, h, certificate); err != nil {
				return err
			}
		}
		if state != nil && certificate != "" {
			if err := s.seen(ctx, tx, by, h, certificate); err != nil {
				return err
			}
		}
		_, err := tx.NewUpdate().Model((*Host)(nil)).Set("certificate_id = ?", certificate).Set("failure = ?", failure).Set("scanned_at = ?", store.Instant(s.Now())).
			Where("org_id = ?", h.OrgID).Where("id = ?", h.ID).Exec(ctx)
		if err != nil || failure == h.Failure && certificate == h.CertificateID {
			return err
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.scan", "host:"+h.ID, firstOf(failure, "certificate "+certificate)))
	})
}

// follow makes what a host shows now the successor of what it showed before, unless
// somebody has said what comes after that.
func (s *Service) follow(ctx context.Context, tx bun.Tx, by access.Actor, h Host, next string) error {
	before, err := get(ctx, tx, h.OrgID, h.CertificateID)
	if fault.KindOf(err) == fault.Absent || err == nil && before.SuccessorID != "" {
		return nil
	}
	if err != nil {
		return err
	}
	was := before.Plan
	before.SuccessorID = next
	if err := replan(ctx, tx, &before); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.succeed", object(before.ID), "successor "+next).Changed(was, before.Plan))
}

// seen ticks what a scan proves: a host that shows a certificate is a place of it,
// and where its predecessor was listed the successor is installed.
func (s *Service) seen(ctx context.Context, tx bun.Tx, by access.Actor, h Host, certificate string) error {
	c, err := get(ctx, tx, h.OrgID, certificate)
	if err != nil {
		return err
	}
	var before []Certificate
	q := tx.NewSelect().Model(&before).ExcludeColumn("der").Where("c.org_id = ?", h.OrgID).Where("c.plan <> ?", PlanRetired)
	if c.Generation == Adgang {
		q.Where("c.successor_id IN (?, ?)", c.ID, c.Serial)
	} else {
		q.Where("c.successor_id = ?", c.ID)
	}
	if err := q.Order("c.id").Scan(ctx); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(h.Address)
	for _, b := range before {
		all, err := places(ctx, tx, h.OrgID, b.ID)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.InstalledAt != nil || !strings.EqualFold(p.Name, h.Address) && !strings.EqualFold(p.Name, host) {
				continue
			}
			_, err := tx.NewUpdate().Model((*Place)(nil)).Set("installed_at = ?", store.Instant(s.Now())).Where("org_id = ?", h.OrgID).Where("id = ?", p.ID).Exec(ctx)
			if err != nil {
				return err
			}
			was := b.Plan
			if err := replan(ctx, tx, &b); err != nil {
				return err
			}
			entry := audit.By(by, s.Now(), "inventory.place_tick", object(b.ID), "place "+p.ID+" seen by a scan").Changed(was, b.Plan)
			if err := audit.Record(ctx, tx, entry); err != nil {
				return err
			}
		}
	}
	p := Place{ID: store.NewID(), OrgID: h.OrgID, CertificateID: c.ID, Name: h.Address, CreatedAt: store.Instant(s.Now())}
	all, err := places(ctx, tx, h.OrgID, c.ID)
	listed := func(one Place) bool {
		return strings.EqualFold(one.Name, h.Address) || strings.EqualFold(one.Name, host)
	}
	if err != nil || len(all) >= maxPlaces || slices.ContainsFunc(all, listed) {
		return err
	}
	if _, err := store.Insert(ctx, tx, []Place{p}, "ON CONFLICT (org_id, certificate_id, name) DO NOTHING"); err != nil {
		return err
	}
	if err := replan(ctx, tx, &c); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.place_add", object(c.ID), "place "+p.ID+" seen by a scan"))
}

// shake makes a TLS handshake and returns what the host showed. The chain is not
// checked: what is wrong with it is what the inventory is to show.
func (s *Service) shake(ctx context.Context, address string) (*tls.ConnectionState, string) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, FailedUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	raw, err := outside.Dialer(s.PrivateHosts).DialContext(ctx, "tcp", address)
	if err != nil {
		var unknown *net.DNSError
		switch {
		case errors.Is(err, outside.ErrInside):
			return nil, FailedInside
		case errors.As(err, &unknown):
			return nil, FailedUnknown
		}
		return nil, FailedAway
	}
	defer func() { _ = raw.Close() }()
	c := tls.Client(raw, &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) //nolint:gosec // read only, see above
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, FailedTLS
	}
	state := c.ConnectionState()
	return &state, ""
}
