package store

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
)

// tenantKey is where ForTenant keeps the organisation.
type tenantKey struct{}

// ForTenant returns a context whose statements see and write the rows of one
// organisation only, whatever their conditions say, where the database has the
// second wall (PostgreSQL, ADR 0021). "" lifts it again.
func ForTenant[T ~string](ctx context.Context, org T) context.Context {
	return context.WithValue(ctx, tenantKey{}, string(org))
}

// AcrossTenants returns a context for a statement that has to see rows of several
// organisations while one of them acts: to look up a receiver, to write to one.
// Whoever uses it carries the whole wall in its own condition.
func AcrossTenants(ctx context.Context) context.Context { return ForTenant(ctx, "") }

// Tenant is the organisation that ctx is bound to, "" = none.
func Tenant(ctx context.Context) string {
	org, _ := ctx.Value(tenantKey{}).(string)
	return org
}

// WritingTo is ctx for writing rows of organisations: without its tenant when one
// of them is another. Only for what an organisation's act leaves with others: audit
// entries, work and mails, which name their owner themselves.
func WritingTo[T ~string](ctx context.Context, orgs ...T) context.Context {
	own := Tenant(ctx)
	if own == "" || !slices.ContainsFunc(orgs, func(org T) bool { return string(org) != own }) {
		return ctx
	}
	return AcrossTenants(ctx)
}

// walled makes connections whose statements run with the tenant of their own
// context. The pool cannot do that: it opens connections in a goroutine of its
// own, and tells a connection of a new user only when it is used again.
type walled struct{ driver.Connector }

// Connect opens a connection, which belongs to no tenant yet.
func (w walled) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &walledConn{Conn: c.(*stdlib.Conn), known: true}, nil
}

// walledConn remembers what adgang.org is at the server. database/sql lets one
// goroutine at a time use it.
type walledConn struct {
	*stdlib.Conn

	tenant string
	known  bool // tenant is what the server has
	inTx   bool
	moved  bool // tenant was set within the transaction, which a rollback undoes
}

// enter sets the tenant of ctx, unless the connection has it already.
func (c *walledConn) enter(ctx context.Context) error {
	want := Tenant(ctx)
	if c.known && c.tenant == want {
		return nil
	}
	c.known, c.moved = false, c.inTx
	_, err := c.Conn.ExecContext(ctx, "SELECT set_config('adgang.org', $1, false)", []driver.NamedValue{{Ordinal: 1, Value: want}})
	if err != nil {
		return err
	}
	c.tenant, c.known = want, true
	return nil
}

// ExecContext implements driver.ExecerContext.
func (c *walledConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if strings.HasPrefix(query, "ROLLBACK") {
		defer c.undone()
		return c.Conn.ExecContext(ctx, query, args)
	}
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c *walledConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, query, args)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *walledConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.Conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &walledStmt{Stmt: stmt.(*stdlib.Stmt), conn: c}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *walledConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	tx, err := c.Conn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	c.inTx, c.moved = true, false
	return walledTx{tx, c}, nil
}

// undone is what a rollback does to a tenant that was set in the transaction.
func (c *walledConn) undone() { c.known = c.known && !c.moved }

// walledTx tells its connection how the transaction ended.
type walledTx struct {
	driver.Tx
	conn *walledConn
}

// Commit implements driver.Tx. A commit that fails was a rollback.
func (t walledTx) Commit() error {
	err := t.Tx.Commit()
	if err != nil {
		t.conn.undone()
	}
	t.conn.inTx = false
	return err
}

// Rollback implements driver.Tx.
func (t walledTx) Rollback() error {
	t.conn.undone()
	t.conn.inTx = false
	return t.Tx.Rollback()
}

// walledStmt enters the tenant of each use, not of the preparation.
type walledStmt struct {
	*stdlib.Stmt
	conn *walledConn
}

// ExecContext implements driver.StmtExecContext.
func (s *walledStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.enter(ctx); err != nil {
		return nil, err
	}
	return s.Stmt.ExecContext(ctx, args)
}

// QueryContext implements driver.StmtQueryContext.
func (s *walledStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.enter(ctx); err != nil {
		return nil, err
	}
	return s.Stmt.QueryContext(ctx, args)
}
