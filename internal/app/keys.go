package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// sealedColumns is everything that the master key seals; a test finds the column
// that is missing here.
var sealedColumns = []store.Sealed{
	{Table: "employee", Column: "cpr_sealed", Key: []string{"id"}, Place: "org_id || '/' || coalesce(rid, '')", Purpose: "org.cpr", Hash: "cpr_mac", MAC: cprMAC},
	{Table: "employee_request", Column: "person", Key: []string{"id"}, Place: "org_id || '/' || id", Purpose: "org.request"},
	{Table: "batch_row", Column: "cpr_sealed", Key: []string{"batch_id", "row_no"}, Place: "org_id || '/' || rid", Purpose: "org.cpr", Hash: "cpr_mac", MAC: cprMAC},
	{Table: "roster_row", Column: "person", Key: []string{"run_id", "row_no"}, Place: "org_id || '/' || run_id || '/' || row_no", Purpose: "roster.row"},
	{Table: "message", Column: "link_sealed", Key: []string{"id"}, Place: "org_id || '/' || id", Purpose: "mail.link"},
	{Table: "activation", Column: "code_sealed", Key: []string{"id"}, Place: "org_id || '/' || id", Purpose: "credential.installation_code"},
	{Table: "application_document", Column: "sealed", Key: []string{"id"}, Place: "application_id || '/' || id", Purpose: "onboarding.document"},
	{Table: "authority", Column: "key_sealed", Key: []string{"id"}, Place: "id", Purpose: "ca.key"},
	{Table: "ocsp_responder", Column: "key_sealed", Key: []string{"authority_id", "number"}, Place: "authority_id || '/' || number", Purpose: "ca.ocsp_key"},
	{Table: "local_idp_request", Column: "known", Key: []string{"id"}, Place: "id", Purpose: "localidp.known"},
	{Table: "saml_key", Column: "key_sealed", Key: []string{"id"}, Place: "id", Purpose: "federation.key"},
	{Table: "service_message", Column: "sealed", Key: []string{"attempt_id", "part"}, Place: "org_id || '/' || attempt_id || '/' || part", Purpose: "federation.message"},
	{Table: "reminder_rules", Column: "webhook_sealed", Key: []string{"org_id"}, Place: "org_id", Purpose: "reminder.webhook"},
	{Table: "audit_key", Column: "key_sealed", Key: []string{"id"}, Place: "id", Purpose: "audit.key"},
}

func cprMAC(keys *secret.Keys, id string, plain []byte) []byte {
	return org.CPRMAC(keys, access.OrgID(id), string(plain))
}

// rootName is where the installation keeps what keyed hashes are derived from.
const (
	rootName                   = "hash_root"
	rootPurpose secret.Purpose = "app.hash_root"
)

// fact is a row of the installation's table of facts.
type fact struct {
	bun.BaseModel `bun:"table:installation"`

	Name  string `bun:"name,pk"`
	Value string `bun:"value"`
}

// keepRoot reads the root of keyed hashes, which the first start writes, so that
// hashes outlive the master key that they began under.
func keepRoot(ctx context.Context, db *bun.DB, keys *secret.Keys) error {
	made := fact{Name: rootName, Value: base64.StdEncoding.EncodeToString(keys.Seal(rootPurpose, rootName, keys.Root()))}
	if _, err := db.NewInsert().Model(&made).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return err
	}
	root, _, err := readRoot(ctx, db, keys)
	if errors.Is(err, secret.ErrSealed) {
		return &config.Error{Variable: "ADGANG_KEY_FILE", Text: "does not hold the master key of this database"}
	}
	if err == nil {
		keys.SetRoot(root)
	}
	return err
}

// readRoot opens the root, and tells whether the newest key sealed it.
func readRoot(ctx context.Context, db *bun.DB, keys *secret.Keys) (root []byte, newest bool, err error) {
	var row fact
	if err := db.NewSelect().Model(&row).Where("name = ?", rootName).Scan(ctx); err != nil {
		return nil, false, err
	}
	sealed, err := base64.StdEncoding.DecodeString(row.Value)
	if err != nil {
		return nil, false, err
	}
	root, err = keys.Open(rootPurpose, rootName, sealed)
	return root, keys.Newest(rootPurpose, rootName, sealed), err
}

// RotateKeys seals everything that an older master key sealed with the newest one,
// and returns how many values that were, by table. It may be broken off and run
// again, and while others work.
func (a *App) RotateKeys(ctx context.Context) (map[string]int64, error) {
	return rotate(ctx, a.DB, a.Keys, a.Audit)
}

func rotate(ctx context.Context, db *bun.DB, keys *secret.Keys, log *audit.Service) (map[string]int64, error) {
	done := map[string]int64{}
	var total int64
	for _, column := range sealedColumns {
		n, err := store.Rewrap(ctx, db, keys, column)
		done[column.Table] += n
		total += n
		if err != nil {
			return done, err
		}
	}
	root, newest, err := readRoot(ctx, db, keys)
	if err != nil || newest && total == 0 {
		return done, err
	}
	err = store.InTx(ctx, db, func(ctx context.Context, tx bun.Tx) error {
		row := fact{Name: rootName, Value: base64.StdEncoding.EncodeToString(keys.Seal(rootPurpose, rootName, root))}
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.By(access.Command(""), log.Now(), "master_key.rotate", "installation", fmt.Sprint(total)))
	})
	return done, err
}
