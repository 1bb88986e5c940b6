package setting_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// entries are what the audit log says about settings, "field before -> after".
func entries(t *testing.T, db *bun.DB, org access.OrgID) (all []string) {
	t.Helper()
	err := db.NewSelect().Table("audit_entry").ColumnExpr("object || ' ' || before || ' -> ' || after").
		Where("org_id = ?", org).Where("verb = ?", "setting.change").Order("object", "id").Scan(t.Context(), &all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChange(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		a, b := d.Company(t, "34051178"), d.Company(t, "30808460")
		got, err := d.Setting.Settings(t.Context(), a.Actor)
		if err != nil || got.Version != 0 || got.FullLoadLimit != 10 || !slices.Equal(got.Authenticators, []string{"key_file"}) {
			t.Fatalf("Settings of a new organisation = %+v, %v", got, err)
		}
		after, err := d.Setting.Change(t.Context(), a.Actor, 0, func(s *setting.Settings) {
			s.MinimumLevel = "Substantial"
			s.Creation.Required = []string{"phone", "cpr", "phone"}
			s.Creation.Extra = []string{" Afdeling ", "", "Leder"}
			s.Public = true // not the administrator's to change
		})
		if err != nil || after.Version != 1 || after.Public {
			t.Fatalf("Change = %+v, %v", after, err)
		}
		stored, err := setting.Of(t.Context(), db, a.ID)
		if err != nil || stored.Version != 1 || stored.MinimumLevel != "Substantial" ||
			!slices.Equal(stored.Creation.Required, []string{"cpr", "phone"}) || !slices.Equal(stored.Creation.Extra, []string{"Afdeling", "Leder"}) {
			t.Errorf("Of = %+v, %v", stored, err)
		}
		want := []string{
			`setting:creation.extra [] -> ["Afdeling","Leder"]`,
			`setting:creation.required [] -> ["cpr","phone"]`,
			`setting:minimum_level "Low" -> "Substantial"`,
		}
		if got := entries(t, db, a.ID); !slices.Equal(got, want) {
			t.Errorf("audit entries = %q, want %q", got, want)
		}
		same, err := d.Setting.Change(t.Context(), a.Actor, 1, func(s *setting.Settings) { s.MinimumLevel = "Substantial" })
		if err != nil || same.Version != 1 || len(entries(t, db, a.ID)) != 3 {
			t.Errorf("Change to the same = %+v, %v: a version or an entry too many", same, err)
		}
		if other, err := setting.Of(t.Context(), db, b.ID); err != nil || other.Version != 0 || other.MinimumLevel != "Low" {
			t.Errorf("the other organisation has %+v, %v", other, err)
		}
	})
}

func TestChangeOfAStaleVersionSaysWhatHasChanged(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		if _, err := d.Setting.Change(t.Context(), c.Actor, 0, func(s *setting.Settings) { s.RetentionDays = 120 }); err != nil {
			t.Fatal(err)
		}
		_, err := d.Setting.Change(t.Context(), c.Actor, 0, func(s *setting.Settings) { s.FullLoadLimit = 5 })
		if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "retention_days") || strings.Contains(err.Error(), "full_load_limit") {
			t.Errorf("Change of version 0 = %v, want a conflict that names retention_days", err)
		}
		if now, _ := setting.Of(t.Context(), db, c.ID); now.FullLoadLimit != 10 || now.Version != 1 {
			t.Errorf("the stale change left %+v", now)
		}
		if _, err := d.Setting.Change(t.Context(), c.Actor, 7, func(*setting.Settings) {}); fault.KindOf(err) != fault.Absent {
			t.Errorf("Change of a version that never was = %v, want absent", err)
		}
	})
}

func TestOneOfTwoAtOnceIsSaved(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				_, errs[i] = d.Setting.Change(context.WithoutCancel(t.Context()), c.Actor, 0, func(s *setting.Settings) { s.RetentionDays = 100 + i })
			})
		}
		all.Wait()
		saved := 0
		for _, err := range errs {
			if err == nil {
				saved++
			} else if fault.KindOf(err) != fault.Conflict {
				t.Errorf("Change = %v, want saved or a conflict", err)
			}
		}
		if n := len(entries(t, db, c.ID)); saved != 1 || n != 1 {
			t.Errorf("%d were saved with %d entries, want one each", saved, n)
		}
	})
}

func TestPutIsForOnboarding(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		d := testkit.NewDomain(t, db)
		c := d.Company(t, "34051178")
		err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
			_, err := d.Setting.Put(ctx, tx, access.System(c.ID), func(s *setting.Settings) { s.Public = true })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Setting.Change(t.Context(), c.Actor, 1, func(s *setting.Settings) {
			s.Invoice = setting.Invoice{Method: setting.MethodEmail, Email: "faktura@nordvind.example"}
		})
		if fault.CodeOf(err) != "setting.invoice.public" {
			t.Errorf("an authority's invoices by e-mail = %v", err)
		}
		after, err := d.Setting.Change(t.Context(), c.Actor, 1, func(s *setting.Settings) {
			s.Invoice = setting.Invoice{Method: setting.MethodEAN, EAN: "5798 0000 00018", Email: "left@over.example"}
		})
		if err != nil || after.Invoice != (setting.Invoice{Method: setting.MethodEAN, EAN: "5798000000018"}) {
			t.Errorf("an authority's invoices by EAN = %+v, %v", after.Invoice, err)
		}
	})
}

func TestChangeRefuses(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	c := d.Company(t, "34051178")
	long := strings.Repeat("æ", 61)
	for _, tc := range []struct {
		name, field string
		edit        func(*setting.Settings)
	}{
		{"no authenticator", "authenticators", func(s *setting.Settings) { s.Authenticators = nil }},
		{"an unknown authenticator", "authenticators", func(s *setting.Settings) { s.Authenticators = []string{"smoke"} }},
		{"an unknown required field", "creation.required", func(s *setting.Settings) { s.Creation.Required = []string{"shoe_size"} }},
		{"self-request beside a local identity provider", "creation.self_request", func(s *setting.Settings) {
			s.Authenticators, s.Creation.SelfRequest = []string{"local_idp"}, true
		}},
		{"eight kinds of information", "creation.extra", func(s *setting.Settings) { s.Creation.Extra = strings.Split("abcdefgh", "") }},
		{"a kind twice", "creation.extra", func(s *setting.Settings) { s.Creation.Extra = []string{"Afdeling", "AFDELING"} }},
		{"a kind of 61 characters", "creation.extra", func(s *setting.Settings) { s.Creation.Extra = []string{long} }},
		{"one mailbox for everybody", "creation.default_email", func(s *setting.Settings) { s.Creation.DefaultEmail = "post@nordvind.example" }},
		{"an unknown placeholder", "creation.default_email", func(s *setting.Settings) { s.Creation.DefaultEmail = "{cpr}@nordvind.example" }},
		{"a placeholder as domain", "creation.default_email", func(s *setting.Settings) { s.Creation.DefaultEmail = "{rid}@{rid}.example" }},
		{"an unknown level", "minimum_level", func(s *setting.Settings) { s.MinimumLevel = "Highest" }},
		{"an unknown language", "mail_language", func(s *setting.Settings) { s.MailLanguage = "sv" }},
		{"29 days", "retention_days", func(s *setting.Settings) { s.RetentionDays = 29 }},
		{"101 percent", "full_load_limit", func(s *setting.Settings) { s.FullLoadLimit = 101 }},
		{"an unknown certificate", "certificates", func(s *setting.Settings) { s.Certificates = []string{"qualified"} }},
		{"an unknown mail", "notifications.muted", func(s *setting.Settings) { s.Notifications.Muted = []string{"no_such"} }},
		{"an unknown invoice method", "invoice.method", func(s *setting.Settings) { s.Invoice.Method = "pigeon" }},
		{"no address", "invoice.email", func(s *setting.Settings) { s.Invoice.Method = setting.MethodEmail }},
		{"an address with a name", "invoice.email", func(s *setting.Settings) {
			s.Invoice = setting.Invoice{Method: setting.MethodEmail, Email: "Bo <bo@nordvind.example>"}
		}},
		{"a wrong check digit", "invoice.ean", func(s *setting.Settings) {
			s.Invoice = setting.Invoice{Method: setting.MethodEAN, EAN: "5798000000019"}
		}},
	} {
		_, err := d.Setting.Change(t.Context(), c.Actor, 0, tc.edit)
		f, ok := err.(*fault.Error) //nolint:errorlint // the method returns it bare
		if !ok || f.Kind != fault.Invalid || f.Field != tc.field {
			t.Errorf("%s: Change = %v, want invalid on %s", tc.name, err, tc.field)
		}
	}
	view := access.Actor{OrgID: c.ID, ID: "test", Roles: []access.Role{access.UserAdministrator}}
	if _, err := d.Setting.Settings(t.Context(), view); err != nil {
		t.Errorf("Settings by a user administrator = %v", err)
	}
	if _, err := d.Setting.Change(t.Context(), view, 0, func(s *setting.Settings) { s.RetentionDays = 99 }); fault.KindOf(err) != fault.Denied {
		t.Errorf("Change by a user administrator = %v, want denied", err)
	}
	if _, err := d.Setting.Settings(t.Context(), access.Actor{OrgID: c.ID, ID: "test"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("Settings by an employee = %v, want denied", err)
	}
	if got := entries(t, d.DB, c.ID); len(got) != 0 {
		t.Errorf("what was refused is in the audit log: %q", got)
	}
}

func TestDefaultEmail(t *testing.T) {
	t.Parallel()
	d := testkit.NewDomain(t, testkit.SQLite(t))
	c := d.Company(t, "34051178")
	after, err := d.Setting.Change(t.Context(), c.Actor, 0, func(s *setting.Settings) { s.Creation.DefaultEmail = " {given_name}.{surname}@nordvind.example" })
	if err != nil || after.Creation.DefaultEmail != "{given_name}.{surname}@nordvind.example" {
		t.Errorf("Change = %+v, %v", after.Creation, err)
	}
}

// Each way to log in is allowed by itself, and none by default but the key file.
func TestAllows(t *testing.T) {
	t.Parallel()
	for _, one := range setting.Authenticators {
		if err := setting.Defaults().Allows(one); (err == nil) != (one == setting.KeyFile) {
			t.Errorf("Allows(%s) by default = %v", one, err)
		}
		chosen := setting.Settings{Authenticators: []string{one}}
		for _, other := range append([]string{""}, setting.Authenticators...) {
			err := chosen.Allows(other)
			if (err == nil) != (one == other) || err != nil && (fault.KindOf(err) != fault.Denied || fault.CodeOf(err) != "setting.authenticator.off") {
				t.Errorf("Allows(%q) where only %s is allowed = %v", other, one, err)
			}
		}
	}
}
