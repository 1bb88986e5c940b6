package inventory

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // days of Denmark, on machines without zones too

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// copenhagen is the zone of days that people write.
var copenhagen = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err) // tzdata is linked in
	}
	return zone
}()

// Report is what an upload brought.
type Report struct {
	Added    []Certificate // new here, without DER
	Known    int           // were here before
	Replaced int           // certificates whose successor was found among the added
	Refused  []Refusal
}

// Import takes the certificates of a file into the inventory: one certificate or
// many (DER, PEM, base64), a ZIP of such files, SAML metadata, or a list (CSV,
// .xlsx). What is no certificate is reported and changes nothing. A certificate
// that continues another one here (same subject ID and generation) becomes its
// successor. Errors: fault.Denied; fault.Invalid when nothing in the file could be
// read.
func (s *Service) Import(ctx context.Context, by access.Actor, name string, content []byte) (Report, error) {
	if err := by.Need(access.OrderCertificate); err != nil {
		return Report{}, err
	}
	r := reading{ctx: ctx, now: s.Now()}
	r.read("", content, false)
	if len(r.all) == 0 && len(r.refused) == 1 && r.refused[0].Where == "" {
		return Report{}, fault.New(fault.Invalid, r.refused[0].Code, "%s", r.refused[0].Text).On("file")
	}
	report, err := s.take(ctx, by, r.all)
	report.Refused = r.refused
	return report, err
}

// take adds what was found, in one transaction.
func (s *Service) take(ctx context.Context, by access.Actor, all []found) (Report, error) {
	var report Report
	own, err := s.own(ctx)
	if err != nil {
		return report, err
	}
	issuers, err := s.issuers(ctx, by.OrgID, all)
	if err != nil {
		return report, err
	}
	rows := make([]Certificate, 0, len(all))
	seen := map[string]bool{}
	for _, f := range all {
		c := s.row(by.OrgID, f, own, issuers...)
		if seen[c.Fingerprint] {
			continue
		}
		seen[c.Fingerprint] = true
		rows = append(rows, c)
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		report = Report{}
		var entries []audit.Entry
		for _, c := range rows {
			added, err := s.keep(ctx, tx, c)
			if err != nil {
				return err
			}
			if !added {
				report.Known++
				continue
			}
			entries = append(entries, audit.By(by, s.Now(), "inventory.add", object(c.ID), c.Source+" serial "+c.Serial))
			c.DER = nil
			report.Added = append(report.Added, c)
		}
		if slices.ContainsFunc(report.Added, func(c Certificate) bool { return c.Kind == OfAuthority }) {
			if err := s.lookAnew(ctx, tx, by.OrgID); err != nil {
				return err
			}
		}
		for _, c := range report.Added {
			n, err := s.succeed(ctx, tx, by, c)
			if err != nil {
				return err
			}
			report.Replaced += n
		}
		if err := s.join(ctx, tx, by.OrgID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, entries...)
	})
	return report, err
}

// row is what is stored of a certificate that was found.
func (s *Service) row(id access.OrgID, f found, own []*x509.Certificate, issuers ...*x509.Certificate) Certificate {
	c := f.listed
	if p := f.parsed; p != nil {
		known := s.known().recognise(p, own, issuers)
		sum := sha256.Sum256(p.Raw)
		c = Certificate{
			Fingerprint: hex.EncodeToString(sum[:]), DER: p.Raw, Name: cut(known.Name), Subject: p.Subject.String(), SubjectID: known.SubjectID, CVR: known.CVR,
			Issuer: p.Issuer.String(), Serial: serialOf(p), Email: known.Email, Generation: known.Generation, Kind: known.Kind, Test: known.Test,
			SecureEmail: known.SecureEmail, Chain: known.Chain, Recognised: s.known().version(), NotBefore: p.NotBefore, NotAfter: p.NotAfter,
		}
	} else {
		c.Fingerprint = listPrint(c.Serial, c.Name)
		c.Subject = c.Name
	}
	c.ID, c.OrgID, c.Source, c.Version, c.CreatedAt = store.NewID(), id, f.source, 1, store.Instant(s.Now())
	c.NotBefore, c.NotAfter = store.Instant(c.NotBefore), store.Instant(c.NotAfter)
	c.ContactLang = mail.Danish
	c.Plan = planOf(c, nil)
	c.SearchKey = searchKey(c)
	return c
}

// listPrint stands for the fingerprint of one that only a list told of.
func listPrint(serial, name string) string {
	if serial == "" {
		serial = "name " + name
	}
	sum := sha256.Sum256([]byte(serial))
	return "list:" + hex.EncodeToString(sum[:])
}

// keep stores a certificate unless it is here. One that a list told of before is
// filled in when the certificate itself comes.
func (s *Service) keep(ctx context.Context, tx bun.Tx, c Certificate) (added bool, err error) {
	if c.Generation == Adgang && c.Kind == OfEmployee && c.Source != FromScan {
		// A key file issued here is followed by itself, and would be counted twice.
		n, err := tx.NewSelect().Table("certificate").Where("org_id = ?", c.OrgID).Where("serial = ?", c.Serial).Count(ctx)
		if err != nil || n > 0 {
			return false, err
		}
	}
	if c.DER == nil {
		// Lists name the serial numbers of certificates that may be here already.
		n, err := tx.NewSelect().Model((*Certificate)(nil)).Where("c.org_id = ?", c.OrgID).Where("c.serial = ?", c.Serial).Where("c.serial <> ''").Count(ctx)
		if err != nil || n > 0 {
			return false, err
		}
	} else {
		res, err := tx.NewUpdate().Model(&c).
			Column("fingerprint", "der", "name", "subject", "subject_id", "cvr", "issuer", "email", "generation", "kind", "test", "secure_email", "chain", "not_before", "not_after", "search_key").
			Set("version = version + 1").Where("org_id = ?", c.OrgID).Where("fingerprint = ?", listPrint(c.Serial, c.Name)).Exec(ctx)
		if n, err := store.Count(res, err); err != nil || n > 0 {
			return false, err
		}
	}
	n, err := store.Insert(ctx, tx, []Certificate{c}, "ON CONFLICT (org_id, fingerprint) DO NOTHING")
	return n > 0, err
}

// succeed makes c the successor of those that it continues: the same subject ID in
// the same generation, valid until earlier, and without a successor.
func (s *Service) succeed(ctx context.Context, tx bun.Tx, by access.Actor, c Certificate) (int, error) {
	if c.SubjectID == "" || c.CVR == "" {
		return 0, nil
	}
	var before []Certificate
	err := tx.NewSelect().Model(&before).ExcludeColumn("der").Where("c.org_id = ?", c.OrgID).Where("c.cvr = ?", c.CVR).Where("c.subject_id = ?", c.SubjectID).
		Where("c.generation = ?", c.Generation).Where("c.kind = ?", c.Kind).Where("c.not_after < ?", c.NotAfter).Where("c.successor_id = ''").
		Where("c.retired_at IS NULL").Scan(ctx)
	if err != nil {
		return 0, err
	}
	for _, b := range before {
		was := b.Plan
		b.SuccessorID = c.ID
		if err := replan(ctx, tx, &b); err != nil {
			return 0, err
		}
		if err := audit.Record(ctx, tx, audit.By(by, s.Now(), "inventory.succeed", object(b.ID), "successor "+c.ID).Changed(was, b.Plan)); err != nil {
			return 0, err
		}
	}
	return len(before), nil
}

var escaped = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func words(q string) []string { return strings.Fields(org.Fold(q)) }

func searchKey(c Certificate) string {
	return strings.Join(words(strings.Join([]string{c.Name, c.Subject, c.SubjectID, c.CVR, c.Issuer, c.Serial, c.Email, c.ContactName, c.ContactEmail}, " ")), " ")
}

func cut(name string) string {
	if r := []rune(name); len(r) > maxText {
		return string(r[:maxText])
	}
	return name
}
