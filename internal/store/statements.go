package store

import (
	"context"
	"database/sql/driver"
)

// keeping makes SQLite connections that keep their prepared statements: parsing one
// of Insert costs as much as running it once. Statements of bun are not among them,
// since it writes the values into the text.
type keeping struct{ driver.Connector }

// mostKept is far more than Insert has texts.
const mostKept = 200

// liteConn is what database/sql asks of an SQLite connection.
type liteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// liteStmt is what database/sql asks of a statement of one.
type liteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// Connect implements driver.Connector.
func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &keepingConn{liteConn: c.(liteConn), kept: map[string]liteStmt{}}, nil
}

// keepingConn has the statements that nobody uses just now. database/sql lets one
// goroutine at a time use it.
type keepingConn struct {
	liteConn
	kept map[string]liteStmt // by their text
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *keepingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if s, ok := c.kept[query]; ok {
		delete(c.kept, query)
		return &keptStmt{liteStmt: s, conn: c, text: query}, nil
	}
	s, err := c.liteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &keptStmt{liteStmt: s.(liteStmt), conn: c, text: query}, nil
}

// Close implements driver.Conn. What it still keeps would hold the file open.
func (c *keepingConn) Close() error {
	for _, s := range c.kept {
		_ = s.Close()
	}
	c.kept = nil
	return c.liteConn.Close()
}

// keptStmt goes back to its connection when it is closed, unless it has failed.
type keptStmt struct {
	liteStmt
	conn   *keepingConn
	text   string
	failed bool
}

// ExecContext implements driver.StmtExecContext.
func (s *keptStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	r, err := s.liteStmt.ExecContext(ctx, args)
	s.failed = s.failed || err != nil
	return r, err
}

// Close implements driver.Stmt.
func (s *keptStmt) Close() error {
	if _, twice := s.conn.kept[s.text]; s.failed || twice || s.conn.kept == nil || len(s.conn.kept) >= mostKept {
		return s.liteStmt.Close()
	}
	s.conn.kept[s.text] = s.liteStmt
	return nil
}
