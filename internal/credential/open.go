package credential

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

const (
	revocationPurpose secret.Purpose = "credential.revocation_code"
	targetPurpose     secret.Purpose = "credential.block_target"
)

// A target may be tried BlockTries times in BlockWindow without the right code.
const (
	BlockTries  = 5
	BlockWindow = time.Hour
)

// OpenBlock asks to block a certificate without login. Target is its serial number
// or, of a key file, CVR and RID of its holder.
type OpenBlock struct {
	Serial   string
	CVR, RID string
	Code     string // the revocation code, as typed
	Reason   string // one of Reasons
	Address  string
}

// blockTry counts the refused blocks of one target.
type blockTry struct {
	bun.BaseModel `bun:"table:block_try"`

	TargetMAC []byte    `bun:"target_mac,pk"`
	Tries     int64     `bun:"tries"`
	WindowAt  time.Time `bun:"window_at"`
}

// newRevocationCode gives an active key file its code, in the place of one that
// may have been lost with an answer, and returns it, the only time it is seen; ""
// when the file is no longer active.
func (s *Service) newRevocationCode(ctx context.Context, tx bun.Tx, file, serial string) (string, error) {
	code := secret.Code()
	n, err := store.Count(tx.NewUpdate().Model((*KeyFile)(nil)).
		Set("revocation_mac = ?", s.revocationMAC(file, code)).
		Where("id = ?", file).Where("serial = ?", serial).Where("state = 'active'").Exec(ctx))
	if err != nil || n == 0 {
		return "", err
	}
	return code, nil
}

func (s *Service) revocationMAC(file, code string) []byte {
	return s.Keys.MAC(revocationPurpose, file, secret.CleanCode(code))
}

// BlockOpenly blocks a key file or any other certificate for good for whoever has
// its revocation code: logins by it and its sessions end at once, the certificate
// is revoked. Blocking a blocked one changes nothing. It returns when it was
// blocked. An unknown target and a wrong code are told alike, and both count as a
// try. Errors: fault.Invalid, fault.Denied credential.block.{refused,too_many}.
func (s *Service) BlockOpenly(ctx context.Context, in OpenBlock) (at time.Time, err error) {
	target, err := in.target()
	if err != nil {
		return at, err
	}
	var refused error
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		mac := s.Keys.MAC(targetPurpose, target...)
		if refused, err = s.spendBlockTry(ctx, tx, mac); err != nil {
			return err
		}
		meant, err := s.targets(ctx, tx, in)
		if err != nil {
			return err
		}
		if refused != nil {
			return s.recordRefusal(ctx, tx, meant, in.Address, refused)
		}
		file, c := s.opened(meant, in.Code)
		if file == nil && c == nil {
			refused = fault.New(fault.Denied, "credential.block.refused", "The revocation code does not fit what you typed. Look at both again. An administrator of your organisation can also block it.").On("code")
			return s.recordRefusal(ctx, tx, meant, in.Address, refused)
		}
		if _, err := tx.NewDelete().Model((*blockTry)(nil)).Where("target_mac = ?", mac).Exec(ctx); err != nil {
			return err
		}
		at, err = s.blockOpened(ctx, tx, file, c, in)
		return err
	})
	return at, errors.Join(err, refused)
}

// blockOpened blocks the one of the two that is not nil, and returns since when it
// is blocked.
func (s *Service) blockOpened(ctx context.Context, tx bun.Tx, file *KeyFile, c *ca.Certificate, in OpenBlock) (time.Time, error) {
	by := access.Actor{ID: "revocation code", Address: in.Address}
	now := store.Instant(s.Now())
	switch {
	case file != nil && file.BlockedAt != nil:
		return *file.BlockedAt, nil
	case file != nil:
		by.OrgID = file.OrgID
		return now, s.blockKeyFile(ctx, tx, by, *file, in.Reason, "")
	case c.RevokedAt != nil:
		return *c.RevokedAt, nil
	}
	by.OrgID = c.OrgID
	return now, s.CA.RevokeIn(ctx, tx, by, string(c.Serial), in.Reason, "")
}

// target checks the input and returns what tries are counted by.
func (in *OpenBlock) target() ([]string, error) {
	if err := known(in.Reason); err != nil {
		return nil, err
	}
	in.CVR, in.RID = strings.ReplaceAll(strings.TrimSpace(in.CVR), " ", ""), strings.TrimSpace(in.RID)
	if strings.TrimSpace(in.Serial) == "" {
		if in.CVR == "" || in.RID == "" {
			return nil, fault.New(fault.Invalid, "credential.block.target", "Type the CVR number and the RID, or the serial number of the certificate.").On("rid")
		}
		return []string{"rid", in.CVR, in.RID}, nil
	}
	serial, err := pki.ParseSerial(in.Serial)
	if err != nil {
		return nil, fault.New(fault.Invalid, "credential.block.serial", "The serial number of a certificate is written in hexadecimal digits.").On("serial").Because(err)
	}
	in.Serial = string(serial)
	return []string{"serial", in.Serial}, nil
}

// spendBlockTry counts a try before the code is looked at, so that many at once
// cannot pass the limit.
func (s *Service) spendBlockTry(ctx context.Context, tx bun.Tx, mac []byte) (refused, err error) {
	now := store.Instant(s.Now())
	try := blockTry{TargetMAC: mac, Tries: 1, WindowAt: now}
	err = tx.NewInsert().Model(&try).
		On("CONFLICT (target_mac) DO UPDATE").
		Set("tries = CASE WHEN block_try.window_at <= ? THEN 1 ELSE block_try.tries + 1 END", now.Add(-BlockWindow)).
		Set("window_at = CASE WHEN block_try.window_at <= ? THEN EXCLUDED.window_at ELSE block_try.window_at END", now.Add(-BlockWindow)).
		Returning("tries, window_at").Scan(ctx)
	if err != nil || try.Tries <= BlockTries {
		return nil, err
	}
	return fault.New(fault.Denied, "credential.block.too_many", "This has been tried %d times within an hour. Try again after %s, or ask an administrator of your organisation, who can block at once.",
		BlockTries, try.WindowAt.Add(BlockWindow).UTC().Format("15:04 MST")), nil
}

// targets are what may be meant, all with a revocation code.
type targets struct {
	files        []KeyFile
	certificates []ca.Certificate // of no employee
}

// targets are none for a target that does not exist.
func (s *Service) targets(ctx context.Context, tx bun.Tx, in OpenBlock) (targets, error) {
	var meant targets
	query := tx.NewSelect().Model(&meant.files).Where("revocation_mac IS NOT NULL").Order("ordered_at DESC").Limit(20)
	if in.Serial != "" {
		query.Where("serial = ?", in.Serial)
	} else {
		query.Where("(org_id, employee_id) IN (?)", tx.NewSelect().Model((*org.Employee)(nil)).Column("org_id", "id").
			Where("rid = ?", in.RID).Where("org_id IN (?)", tx.NewSelect().Model((*org.Organisation)(nil)).Column("id").Where("cvr = ?", in.CVR)))
	}
	if err := query.Scan(ctx); err != nil || in.Serial == "" {
		return meant, err
	}
	return meant, tx.NewSelect().Model(&meant.certificates).ExcludeColumn("draft", "der").
		Where("serial = ?", in.Serial).Where("revocation_mac IS NOT NULL").Scan(ctx)
}

// opened is the key file or the certificate that the code is of, nil and nil for
// none. It computes one MAC of each at least, so that an unknown target takes about
// as long as a known one.
func (s *Service) opened(meant targets, typed string) (*KeyFile, *ca.Certificate) {
	code := secret.CleanCode(typed)
	for i, file := range meant.files {
		if secret.Equal(file.RevocationMAC, s.Keys.MAC(revocationPurpose, file.ID, code)) {
			return &meant.files[i], nil
		}
	}
	if len(meant.files) == 0 {
		s.Keys.MAC(revocationPurpose, "", code)
	}
	for i, c := range meant.certificates {
		if s.CA.Opens(c, typed) {
			return nil, &meant.certificates[i]
		}
	}
	if len(meant.certificates) == 0 {
		s.CA.Opens(ca.Certificate{}, typed)
	}
	return nil, nil
}

// recordRefusal tells the organisation, if there is one, that somebody tried.
func (s *Service) recordRefusal(ctx context.Context, tx bun.Tx, meant targets, address string, why error) error {
	by, object, verb := access.Actor{ID: "anonymous", Address: address}, "key_file:unknown", "key_file.refuse_block"
	switch {
	case len(meant.files) > 0:
		by.OrgID, object = meant.files[0].OrgID, "employee:"+string(meant.files[0].EmployeeID)
	case len(meant.certificates) > 0:
		by.OrgID, object = meant.certificates[0].OrgID, "certificate:"+string(meant.certificates[0].Serial)
		verb = "certificate.refuse_block"
	}
	return audit.Record(ctx, tx, audit.By(by, s.Now(), verb, object, fault.CodeOf(why)))
}
