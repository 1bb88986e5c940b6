package store

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Insert adds many rows of one bun model in one round trip (PostgreSQL: INSERT
// from unnest, one array per column) or one prepared statement (SQLite), and
// returns how many were inserted. suffix is "" or an ON CONFLICT clause.
// Columns may be text, []byte, bool, int64, time.Time and pointers to them.
func Insert[T any](ctx context.Context, tx bun.Tx, rows []T, suffix string) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	table := tx.Dialect().Tables().Get(reflect.TypeFor[T]())
	var names []string
	for _, f := range table.Fields {
		names = append(names, string(f.SQLName))
	}
	into := fmt.Sprintf("INSERT INTO %s (%s) ", table.SQLName, strings.Join(names, ", "))
	if SQLite(tx) {
		return insertPrepared(ctx, tx, into, suffix, table.Fields, rows)
	}
	return insertUnnest(ctx, tx, into, suffix, table.Fields, rows)
}

func insertPrepared[T any](ctx context.Context, tx bun.Tx, into, suffix string, fields []*schema.Field, rows []T) (int64, error) {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(fields)), ", ")
	stmt, err := tx.PrepareContext(ctx, into+"VALUES ("+marks+") "+suffix)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stmt.Close() }()
	var total int64
	args := make([]any, len(fields))
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for j, f := range fields {
			args[j] = sqliteValue(row.FieldByIndex(f.Index))
		}
		n, err := Count(stmt.ExecContext(ctx, args...))
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// sqliteValue writes instants as bun does, so that both compare as text.
func sqliteValue(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil
	}
	if v.Kind() == reflect.String {
		return v.String()
	}
	if t, ok := v.Interface().(time.Time); ok {
		return t.UTC().Format("2006-01-02 15:04:05.999999-07:00")
	}
	return v.Interface()
}

func insertUnnest[T any](ctx context.Context, tx bun.Tx, into, suffix string, fields []*schema.Field, rows []T) (int64, error) {
	// Unlike bun's, these statements have the same text each time, so a connection
	// asks once for their parameter types and sends arrays in the binary format,
	// which is less work for both ends than text.
	args := []any{pgx.QueryExecModeCacheDescribe}
	marks := make([]string, len(fields))
	for j, f := range fields {
		column, sqlType, err := pgColumn(f, rows)
		if err != nil {
			return 0, err
		}
		args = append(args, column)
		marks[j] = fmt.Sprintf("$%d::%s[]", j+1, sqlType)
	}
	return Count(tx.Tx.ExecContext(ctx, into+"SELECT * FROM unnest("+strings.Join(marks, ", ")+") "+suffix, args...))
}

// pgColumn collects one column of all rows as an array that pgx can send.
func pgColumn[T any](f *schema.Field, rows []T) (array any, sqlType string, err error) {
	t := f.StructField.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return collect(f, rows, func(v reflect.Value) time.Time { return v.Interface().(time.Time) }), "timestamptz", nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		out := make([][]byte, len(rows)) // a nil slice is NULL
		for i := range rows {
			out[i] = reflect.ValueOf(&rows[i]).Elem().FieldByIndex(f.Index).Bytes()
		}
		return out, "bytea", nil
	case t.Kind() == reflect.String:
		return collect(f, rows, reflect.Value.String), "text", nil
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		return collect(f, rows, reflect.Value.Int), "bigint", nil
	case t.Kind() == reflect.Bool:
		return collect(f, rows, reflect.Value.Bool), "boolean", nil
	}
	return nil, "", fmt.Errorf("column %s: type %s cannot be inserted in bulk", f.Name, t)
}

func collect[T, V any](f *schema.Field, rows []T, value func(reflect.Value) V) any {
	nullable := f.StructField.Type.Kind() == reflect.Pointer
	plain := make([]V, 0, len(rows))
	ptrs := make([]*V, 0, len(rows))
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem().FieldByIndex(f.Index)
		if !nullable {
			plain = append(plain, value(v))
			continue
		}
		if v.IsNil() {
			ptrs = append(ptrs, nil)
			continue
		}
		one := value(v.Elem())
		ptrs = append(ptrs, &one)
	}
	if nullable {
		return ptrs
	}
	return plain
}
