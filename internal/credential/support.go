package credential

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// NoteLength is how many characters an operator writes at least of how the caller
// was recognised.
const NoteLength = 10

// Reported is what somebody who called an operator wants blocked: a certificate, or
// the order of a key file, which has none yet.
type Reported struct {
	Organisation org.Organisation
	Holder       string // the employee's name, "" for one of no employee
	Certificate  *ca.Certificate
	Ordered      bool // a key file that has not been fetched

	file *KeyFile
}

// Report finds what an operator is asked to block, in whatever organisation: a
// certificate by its serial number, the key file of a CVR and RID. Errors:
// fault.Denied for anybody else, fault.Invalid, fault.Absent.
func (s *Service) Report(ctx context.Context, by access.Actor, serial, cvr, rid string) (Reported, error) {
	if err := by.NeedOperator(); err != nil {
		return Reported{}, err
	}
	in := OpenBlock{Serial: serial, CVR: cvr, RID: rid, Reason: "unspecified"}
	if _, err := in.target(); err != nil {
		return Reported{}, err
	}
	if in.Serial != "" {
		c, err := s.CA.Find(ctx, in.Serial)
		if err != nil {
			return Reported{}, err
		}
		return s.reported(ctx, c.OrgID, c.EmployeeID, &c)
	}
	var e org.Employee
	err := s.DB.NewSelect().Model(&e).Where("rid = ?", in.RID).
		Where("org_id IN (?)", s.DB.NewSelect().Model((*org.Organisation)(nil)).Column("id").Where("cvr = ?", in.CVR)).Limit(1).Scan(ctx)
	if err := store.Found(err, "org.employee"); err != nil {
		return Reported{}, err
	}
	file, live, err := liveKeyFile(ctx, s.DB, e.OrgID, e.ID)
	switch {
	case err != nil:
		return Reported{}, err
	case !live:
		return Reported{}, fault.New(fault.Absent, "credential.key_file.absent", "The employee has no key file and none on order.")
	case file.Serial == nil:
		r, err := s.reported(ctx, e.OrgID, e.ID, nil)
		r.Ordered, r.file = true, &file
		return r, err
	}
	c, err := s.CA.Certificate(ctx, e.OrgID, *file.Serial)
	if err != nil {
		return Reported{}, err
	}
	return s.reported(ctx, e.OrgID, e.ID, &c)
}

func (s *Service) reported(ctx context.Context, orgID access.OrgID, holder access.EmployeeID, c *ca.Certificate) (Reported, error) {
	r := Reported{Certificate: c}
	var err error
	if r.Organisation, err = org.ByID(ctx, s.DB, orgID); err != nil {
		return r, err
	}
	e, err := org.Get(ctx, s.DB, orgID, holder)
	if fault.KindOf(err) == fault.Absent {
		return r, nil // of no employee, or of one who was erased
	}
	r.Holder = e.Name()
	return r, err
}

// BlockReported blocks what Report finds, for good and at once. note says how the
// caller was recognised. It returns when it was blocked; what is blocked already
// stays as it is. Errors: as Report.
func (s *Service) BlockReported(ctx context.Context, by access.Actor, serial, cvr, rid, reason, note string) (time.Time, error) {
	r, err := s.Report(ctx, by, serial, cvr, rid)
	if err != nil {
		return time.Time{}, err
	}
	if err := known(reason); err != nil {
		return time.Time{}, err
	}
	if note = strings.TrimSpace(note); utf8.RuneCountInString(note) < NoteLength {
		return time.Time{}, fault.New(fault.Invalid, "credential.block.note", "Write in at least %d characters who called and how you recognised them.", NoteLength).On("note")
	}
	if c := r.Certificate; c != nil && c.RevokedAt != nil {
		return *c.RevokedAt, nil
	}
	by = by.For(r.Organisation.ID)
	return store.Instant(s.Now()), store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if r.file != nil {
			return s.blockKeyFile(ctx, tx, by, *r.file, reason, note)
		}
		return s.revoke(ctx, tx, by, *r.Certificate, reason, note)
	})
}
