package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/session"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// open columns hold bytes that are no secret.
var openColumns = []string{
	"audit_checkpoint.digest", "audit_checkpoint.signature", "audit_key.public", "audit_seal.digests", "audit_text.salt", "authority.certificate",
	"certificate.der", "certificate.draft", "certificate.key_hash", "inventory_certificate.der", "mail_logo.image", "ocsp_answer.der", "ocsp_answer.question", "ocsp_responder.certificate", "revocation_list.der", "saml_key.certificate",
}

// Whatever a migration adds is sealed and in the list, a keyed hash, or named here.
func TestEverySealedColumnIsRotated(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t)
	var columns []string
	err := db.NewRaw("SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND (data_type = 'bytea' OR column_name LIKE '%sealed') ORDER BY 1").Scan(t.Context(), &columns)
	if err != nil || len(columns) < 20 {
		t.Fatalf("columns = %q, %v", columns, err)
	}
	for _, name := range columns {
		listed := slices.ContainsFunc(app.SealedColumns, func(s store.Sealed) bool { return s.Table+"."+s.Column == name })
		if !listed && !strings.HasSuffix(name, "_mac") && !slices.Contains(openColumns, name) {
			t.Errorf("%s is neither in sealedColumns, nor a keyed hash, nor open", name)
		}
	}
}

func master(first byte) []byte { return append([]byte{first}, make([]byte, 31)...) }

func keysOf(t *testing.T, masters ...[]byte) *secret.Keys {
	t.Helper()
	keys, err := secret.New(masters...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// sealedValues reads every sealed value with its place.
func sealedValues(t *testing.T, db *bun.DB, keys *secret.Keys) (opened int, failed []string) {
	t.Helper()
	for _, s := range app.SealedColumns {
		var rows []struct {
			Place string
			Value []byte
		}
		err := db.NewSelect().Table(s.Table).ColumnExpr(s.Place+" AS place, ? AS value", bun.Ident(s.Column)).
			Where("? IS NOT NULL", bun.Ident(s.Column)).Scan(t.Context(), &rows)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if _, err := keys.Open(s.Purpose, r.Place, r.Value); err != nil {
				failed = append(failed, s.Table)
			}
			opened++
		}
	}
	return opened, failed
}

func TestRotateKeys(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db) // under a key of zeroes
		d.Federate(t)
		old := make([]byte, 32)
		if err := app.KeepRoot(t.Context(), db, keysOf(t, old)); err != nil {
			t.Fatal(err)
		}
		o := d.Company(t, "12345678")
		var people []org.Employee
		for i := range 1200 { // more than one batch
			e := d.Employee(t, o.Organisation, fmt.Sprint("R", i), "Bo Berg")
			people = append(people, e)
		}
		seal(t, db, d.Keys, people)
		invited := d.Invite(t, o.Organisation, people[0])
		token, err := d.Session.CreateAPIToken(t.Context(), o.Actor, "user-administrator")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Audit.PublicKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		both := keysOf(t, master(9), old)
		log := &audit.Service{DB: db, Keys: both, Now: d.Clock.Now, Log: nil}

		// Broken off, then run again.
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := app.Rotate(stopped, db, both, log); err == nil {
			t.Error("a rotation without time = nil")
		}
		done, err := app.Rotate(t.Context(), db, both, log)
		if err != nil || done["employee"] != 1200 || done["saml_key"] == 0 || done["authority"] == 0 || done["activation"] != 2 || done["audit_key"] != 1 {
			t.Fatalf("Rotate = %v, %v", done, err)
		}
		again, err := app.Rotate(t.Context(), db, both, log)
		for table, n := range again {
			if n != 0 || err != nil {
				t.Errorf("Rotate again = %d of %s, %v", n, table, err)
			}
		}
		entries, err := audit.Of(t.Context(), db, "", "installation")
		if err != nil || len(entries) != 1 || entries[0].Verb != "master_key.rotate" {
			t.Errorf("entries = %+v, %v, want one", entries, err)
		}

		// The new key alone opens everything, and knows again what was hashed.
		alone := keysOf(t, master(9))
		if err := app.KeepRoot(t.Context(), db, alone); err != nil {
			t.Fatal(err)
		}
		if n, failed := sealedValues(t, db, alone); n < 1205 || len(failed) > 0 {
			t.Errorf("of %d values %d do not open: %v", n, len(failed), failed[:min(len(failed), 5)])
		}
		if _, failed := sealedValues(t, db, keysOf(t, old)); len(failed) < 1205 {
			t.Errorf("the old key still opens all but %d", len(failed))
		}
		var found org.Employee
		err = db.NewSelect().Model(&found).Where("org_id = ?", o.ID).Where("cpr_mac = ?", org.CPRMAC(alone, o.ID, "6101500007")).Scan(t.Context())
		if err != nil || found.ID != people[7].ID {
			t.Errorf("the employee by CPR = %s, %v", found.ID, err)
		}
		by, err := (&session.Service{DB: db, Keys: alone, Now: d.Clock.Now}).APIActor(t.Context(), token, "")
		if err != nil || by.OrgID != o.ID {
			t.Errorf("the API token of before = %+v, %v", by, err)
		}
		d.Credential.Keys = alone
		if _, err := d.Credential.LookUp(t.Context(), invited.Token); err != nil {
			t.Errorf("the link of before: %v", err)
		}

		// Another key is another installation's.
		_, isConfig := errors.AsType[*config.Error](app.KeepRoot(t.Context(), db, keysOf(t, master(7))))
		if !isConfig {
			t.Error("a wrong master key is taken")
		}
	})
}

// seal gives employees CPR numbers.
func seal(t *testing.T, db *bun.DB, keys *secret.Keys, people []org.Employee) {
	t.Helper()
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		for i, e := range people {
			e.CPRSealed, e.CPRMAC = org.SealCPR(keys, e.OrgID, e.RIDText(), fmt.Sprintf("610150%04d", i))
			if _, err := tx.NewUpdate().Model(&e).Column("cpr_sealed", "cpr_mac").WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if contents := strings.Join(testkit.Contents(t, db)["employee"], "\n"); bytes.Contains([]byte(contents), []byte("6101500007")) {
		t.Error("a CPR number lies in clear")
	}
}
