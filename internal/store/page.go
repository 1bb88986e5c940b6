package store

import (
	"encoding/base64"
	"encoding/json"

	"github.com/adgang/adgang/internal/fault"
)

// Cursor packs the sort values of the last row of a page into the opaque text
// that asks for the next page.
func Cursor(values ...string) string {
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor is the inverse of Cursor for n values; "" gives nil, the first
// page. Errors: fault.Invalid.
func ParseCursor(text string, n int) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var values []string
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &values)
	}
	if err != nil || len(values) != n {
		return nil, fault.New(fault.Invalid, "page.cursor.malformed", "The cursor is not one that this list gave out. Start again without it.").On("cursor")
	}
	return values, nil
}
