package main

import (
	"context"
	"io"

	"github.com/adgang/adgang/internal/access"
)

// usageMonth prints what invoices are made from, of every organisation in one
// month, as a CSV.
func usageMonth(ctx context.Context, e *env) error {
	f := flags("usage")
	month := f.String("month", "", "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	return a.Usage.LedgerCSV(ctx, access.Host(), *month, func() io.Writer { return e.out })
}
