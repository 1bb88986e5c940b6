// Package migrations is the schema: one ordered set of SQL files that SQLite
// and PostgreSQL both run unchanged. Files are named
// <14 digits>_<name>.tx.up.sql and never edited once released.
package migrations

import (
	"embed"

	"github.com/uptrace/bun/migrate"
)

//go:embed *.sql
var files embed.FS

// All returns the ordered set. Errors mean that a file is misnamed.
func All() (*migrate.Migrations, error) {
	m := migrate.NewMigrations()
	if err := m.Discover(files); err != nil {
		return nil, err
	}
	return m, nil
}
