package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/store"
)

// MassBlock names the employees whose key files are to be blocked together, and
// why: a reason of Reasons, since it may wait in clear for a second person.
type MassBlock struct {
	Employees []access.EmployeeID `json:"employees"`
	Reason    string              `json:"reason"`
}

// MassOutcome is what a mass block does, or would do: whose key file or order is
// blocked, and who has none.
type MassOutcome struct {
	Blocked []access.EmployeeID
	Without []access.EmployeeID
}

// MaxMassBlock is how many employees one mass block names at most.
const MaxMassBlock = 500

// BlockManyAct is an act that an organisation may want a second person for.
var BlockManyAct = approval.NewAct[MassBlock]("credential.block_many", access.ManageEmployees,
	"spærre mange medarbejderes nøglefiler på én gang", "block the key files of many employees at once")

// BlockManyRoute ties the act to what does it.
func (s *Service) BlockManyRoute() approval.Route {
	return approval.Handle(BlockManyAct, func(ctx context.Context, tx bun.Tx, by access.Actor, in MassBlock) error {
		_, err := s.blockMany(ctx, tx, by, in, false)
		return err
	})
}

// BlockMany blocks the key files and orders of up to MaxMassBlock employees and
// revokes their certificates, all or none; dry only tells what that would be.
// Whoever has no key file is passed over. It returns the request that waits where
// a second person must approve. Errors: fault.Denied, fault.Invalid, fault.Absent
// for somebody who is not in the organisation.
func (s *Service) BlockMany(ctx context.Context, by access.Actor, in MassBlock, dry bool) (out MassOutcome, waiting *approval.Request, err error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return out, nil, err
	}
	if in, err = in.tidy(); err != nil {
		return out, nil, err
	}
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if out, err = s.blockMany(ctx, tx, by, in, true); err != nil || dry || len(out.Blocked) == 0 {
			return err
		}
		waiting, err = BlockManyAct.Ask(ctx, tx, s.Approval, by, in, approval.About{
			Object: in.object(), Details: map[string]string{"count": strconv.Itoa(len(out.Blocked)), "reason": in.Reason},
		})
		if waiting != nil || err != nil {
			return err
		}
		out, err = s.blockMany(ctx, tx, by, in, false)
		return err
	})
	return out, waiting, err
}

func (m MassBlock) tidy() (MassBlock, error) {
	if !slices.Contains(Reasons, m.Reason) {
		return m, fault.New(fault.Invalid, "credential.block.reason", "The reason must be one of %s.", strings.Join(Reasons, ", ")).On("reason")
	}
	ids := slices.Clone(m.Employees)
	slices.Sort(ids)
	m.Employees = slices.Compact(ids)
	if len(m.Employees) == 0 || len(m.Employees) > MaxMassBlock {
		return m, fault.New(fault.Invalid, "credential.block_many.number", "Choose 1 to %d employees.", MaxMassBlock).On("ids")
	}
	return m, nil
}

// object names the same people alike, so that the same block does not wait twice.
func (m MassBlock) object() string {
	sum := sha256.New()
	for _, id := range m.Employees {
		sum.Write([]byte(id + "\n"))
	}
	return "key_files:" + hex.EncodeToString(sum.Sum(nil)[:8])
}

func (s *Service) blockMany(ctx context.Context, tx bun.Tx, by access.Actor, in MassBlock, dry bool) (out MassOutcome, err error) {
	if err := by.Need(access.ManageEmployees); err != nil {
		return out, err
	}
	n, err := tx.NewSelect().Model((*org.Employee)(nil)).Where("org_id = ?", by.OrgID).Where("id IN (?)", bun.List(in.Employees)).Count(ctx)
	if err != nil {
		return out, err
	}
	if n != int64(len(in.Employees)) {
		return out, fault.New(fault.Absent, "org.employee.absent", "Somebody among the chosen is not in the organisation.")
	}
	var files []KeyFile
	if err := tx.NewSelect().Model(&files).Where("org_id = ?", by.OrgID).Where("employee_id IN (?)", bun.List(in.Employees)).
		Where("state <> 'blocked'").Order("employee_id").Scan(ctx); err != nil {
		return out, err
	}
	for _, file := range files {
		if !dry {
			if err := s.blockKeyFile(ctx, tx, by, file, in.Reason, ""); err != nil {
				return out, fmt.Errorf("block the key file of %s: %w", file.EmployeeID, err)
			}
		}
		out.Blocked = append(out.Blocked, file.EmployeeID)
	}
	for _, id := range in.Employees {
		if !slices.Contains(out.Blocked, id) {
			out.Without = append(out.Without, id)
		}
	}
	return out, nil
}
