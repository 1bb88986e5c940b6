package credential_test

import (
	"context"
	"slices"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

func states(t *testing.T, db *bun.DB, ids ...access.EmployeeID) (all []string) {
	t.Helper()
	for _, id := range ids {
		var state string
		if err := db.NewSelect().Table("key_file").Column("state").Where("employee_id = ?", id).Scan(t.Context(), &state); err != nil {
			t.Fatal(err)
		}
		all = append(all, state)
	}
	return all
}

func TestBlockMany(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c, other := d.Company(t, "34051178"), d.Company(t, "30808460")
		bo, eva, ib := d.Employee(t, c.Organisation, "1", "Bo Holm"), d.Employee(t, c.Organisation, "2", "Eva Holm"), d.Employee(t, c.Organisation, "3", "Ib Holm")
		key := d.Activate(t, d.Invite(t, c.Organisation, bo))
		d.Invite(t, c.Organisation, eva)
		in := credential.MassBlock{Employees: []access.EmployeeID{ib.ID, eva.ID, bo.ID, bo.ID}, Reason: "key_compromise"}

		entries := func() int64 {
			n, err := db.NewSelect().Table("audit_entry").Where("verb IN ('key_file.block', 'certificate.revoke')").Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		out, waiting, err := d.Credential.BlockMany(t.Context(), c.Actor, in, true)
		if err != nil || waiting != nil || len(out.Blocked) != 2 || !slices.Equal(out.Without, []access.EmployeeID{ib.ID}) {
			t.Fatalf("dry BlockMany = %+v, %v, %v", out, waiting, err)
		}
		if got := states(t, db, bo.ID, eva.ID); !slices.Equal(got, []string{"active", "ordered"}) || entries() != 0 {
			t.Errorf("the dry run left %q and %d entries", got, entries())
		}
		for name, tc := range map[string]struct {
			by   access.Actor
			in   credential.MassBlock
			want fault.Kind
		}{
			"without the right":  {access.Actor{OrgID: c.ID, ID: "x", Roles: []access.Role{access.RightsAdministrator}}, in, fault.Denied},
			"another's employee": {other.Actor, in, fault.Absent},
			"free text":          {c.Actor, credential.MassBlock{Employees: in.Employees, Reason: "Bo lost it"}, fault.Invalid},
			"nobody":             {c.Actor, credential.MassBlock{Reason: "superseded"}, fault.Invalid},
		} {
			if _, _, err := d.Credential.BlockMany(t.Context(), tc.by, tc.in, false); fault.KindOf(err) != tc.want {
				t.Errorf("BlockMany %s = %v, want kind %d", name, err, tc.want)
			}
		}
		out, _, err = d.Credential.BlockMany(t.Context(), c.Actor, in, false)
		if err != nil || len(out.Blocked) != 2 {
			t.Fatalf("BlockMany = %+v, %v", out, err)
		}
		if got := states(t, db, bo.ID, eva.ID); !slices.Equal(got, []string{"blocked", "blocked"}) || entries() != 3 {
			t.Errorf("BlockMany left %q and %d entries, want two of key files and one of a certificate", got, entries())
		}
		var state string
		if err := db.NewSelect().Table("certificate").Column("state").Where("serial = ?", key.Serial).Scan(t.Context(), &state); err != nil || state != "revoked" {
			t.Errorf("the certificate is %q, %v", state, err)
		}
	})
}

func TestBlockManyWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		bo, second := d.Employee(t, c.Organisation, "1", "Bo Holm"), d.Employee(t, c.Organisation, "2", "Eva Holm")
		d.Invite(t, c.Organisation, bo)
		by := access.Actor{OrgID: c.ID, ID: "employee:" + string(second.ID), Employee: second.ID, Name: "Eva Holm", Roles: []access.Role{access.UserAdministrator}}
		if err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			if err := d.Org.Assign(ctx, tx, second, access.UserAdministrator); err != nil {
				return err
			}
			_, err := d.Setting.Put(ctx, tx, c.Actor, func(s *setting.Settings) { s.FourEyes = []string{credential.BlockManyAct.Name} })
			return err
		}); err != nil {
			t.Fatal(err)
		}
		in := credential.MassBlock{Employees: []access.EmployeeID{bo.ID}, Reason: "superseded"}
		_, waiting, err := d.Credential.BlockMany(t.Context(), c.Actor, in, false)
		if err != nil || waiting == nil {
			t.Fatalf("BlockMany = %v, %v, want it to wait", waiting, err)
		}
		if got := states(t, db, bo.ID); got[0] != "ordered" {
			t.Errorf("the key file is %s before the approval", got[0])
		}
		if _, err := d.Approval.Approve(t.Context(), by, waiting.ID); err != nil {
			t.Fatalf("Approve: %v", err)
		}
		if got := states(t, db, bo.ID); got[0] != "blocked" {
			t.Errorf("the key file is %s after the approval", got[0])
		}
	})
}
