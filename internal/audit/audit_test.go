package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

func record(t *testing.T, db *bun.DB, end error, entries ...audit.Entry) {
	t.Helper()
	err := store.InTx(t.Context(), db, func(ctx context.Context, tx bun.Tx) error {
		return errors.Join(audit.Record(ctx, tx, entries...), end)
	})
	if !errors.Is(err, end) {
		t.Fatalf("InTx = %v, want %v", err, end)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		at := time.Date(2026, 11, 22, 10, 30, 0, 123456789, time.FixedZone("CET", 3600))
		by := access.Actor{OrgID: "org", ID: "employee:1", Address: "192.0.2.7"}
		record(t, db, nil) // nothing to record is no error
		record(t, db, nil, audit.By(by, at, "thing.make", "thing:1", "first"), audit.By(by, at, "thing.make", "thing:2", ""))
		record(t, db, nil, audit.By(by, at.Add(time.Second), "thing.block", "thing:1", "it's \"lost\"; æøå"))
		record(t, db, errors.New("rolled back"), audit.By(by, at, "thing.sell", "thing:1", ""))
		other := by
		other.OrgID = "other"
		record(t, db, nil, audit.By(other, at, "thing.see", "thing:1", ""))

		got, err := audit.Of(t.Context(), db, "org", "thing:1")
		if err != nil || len(got) != 2 {
			t.Fatalf("Of = %+v, %v, want two entries", got, err)
		}
		if e := got[0]; e.Verb != "thing.make" || e.Actor != "employee:1" || e.Address != "192.0.2.7" || e.Note != "first" || e.OrgID != "org" ||
			!e.At.Equal(time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)) {
			t.Errorf("the first = %+v", e)
		}
		if e := got[1]; e.Verb != "thing.block" || e.Note != "it's \"lost\"; æøå" {
			t.Errorf("the second = %+v", e)
		}
	})
}

func TestOfIsBounded(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, func(t *testing.T, db *bun.DB) {
		var entries []audit.Entry
		for i := range 1001 {
			entries = append(entries, audit.By(access.System("org"), time.Unix(int64(i), 0), "thing.do", "thing:1", fmt.Sprint(i)))
		}
		record(t, db, nil, entries...)
		got, err := audit.Of(t.Context(), db, "org", "thing:1")
		if err != nil || len(got) != 1000 || got[0].Note != "0" || got[999].Note != "999" {
			t.Errorf("Of = %d entries, %v, want the 1,000 oldest in order", len(got), err)
		}
	})
}
