package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// keyRotate seals anew what an older master key of ADGANG_KEY_FILE sealed.
func keyRotate(ctx context.Context, e *env) error {
	f := flags("key rotate")
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	done, err := a.RotateKeys(ctx)
	if err != nil {
		return err
	}
	text := ""
	for _, table := range slices.Sorted(maps.Keys(done)) {
		text += fmt.Sprintf("%-24s %d\n", table, done[table])
	}
	return show(e, *asJSON, map[string]any{"sealed_anew": done},
		"%severything is sealed by the first key of the file; the keys below it can go, when no process has the old file\n", text)
}
