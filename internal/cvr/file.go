package cvr

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
)

//go:embed companies.json
var fictitious []byte

// File is a register read from JSON: a list of companies as Company has them,
// without what follows from the rest (form, signing).
type File struct{ companies map[string]Company }

// Fictitious is the file that the program brings along. Its CVR numbers all
// fail modulus 11, so they are nobody's and a strict installation never asks.
func Fictitious() *File {
	f, err := parseFile(fictitious)
	if err != nil {
		panic(err) // our own file
	}
	return f
}

// OpenFile reads a register from a file of the operator's.
func OpenFile(path string) (*File, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	return parseFile(text)
}

func parseFile(text []byte) (*File, error) {
	var list []Company
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("read companies: %w", err)
	}
	f := &File{companies: map[string]Company{}}
	for _, c := range list {
		if len(c.CVR) != 8 || c.Name == "" {
			return nil, fmt.Errorf("read companies: %q has no CVR number of 8 digits or no name", c.CVR)
		}
		c.complete()
		f.companies[c.CVR] = c
	}
	return f, nil
}

// Company implements Register.
func (f *File) Company(_ context.Context, number string) (Company, error) {
	c, ok := f.companies[number]
	if !ok {
		return Company{}, errAbsent
	}
	return c, nil
}
