package oiosaml_test

import (
	"slices"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml"
)

func TestClass(t *testing.T) {
	t.Parallel()
	const (
		low, substantial, high = "https://data.gov.dk/concept/core/nsis/loa/Low", "https://data.gov.dk/concept/core/nsis/loa/Substantial", "https://data.gov.dk/concept/core/nsis/loa/High"
		low4, substantial4     = "https://data.gov.dk/concept/core/loa/Low", "https://data.gov.dk/concept/core/loa/Substantial"
		professional, person   = "https://data.gov.dk/eid/Professional", "https://data.gov.dk/eid/Person"
		ac                     = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
	)
	for _, tc := range []struct {
		name       string
		comparison string
		classes    []string
		level      oiosaml.Level
		want       string // "" = refused
	}{
		{"nothing asked", "", nil, oiosaml.Low, low},
		{"exact", "exact", []string{low}, oiosaml.Low, low},
		{"exact, form of 4.0", "exact", []string{low4}, oiosaml.Low, low4},
		{"exact above", "exact", []string{substantial}, oiosaml.Low, ""},
		{"exact below", "exact", []string{low}, oiosaml.High, ""},
		{"exact, one of two", "exact", []string{substantial, low}, oiosaml.Low, low},
		{"exact, one of two forms", "exact", []string{substantial, low4}, oiosaml.Low, low4},
		{"minimum reached", "minimum", []string{low}, oiosaml.Substantial, substantial},
		{"minimum reached, form of 4.0", "minimum", []string{low4}, oiosaml.Substantial, substantial4},
		{"minimum not reached", "minimum", []string{substantial}, oiosaml.Low, ""},
		{"minimum, one of two reached", "minimum", []string{high, low}, oiosaml.Low, low},
		{"better", "better", []string{low}, oiosaml.Substantial, substantial},
		{"better than itself", "better", []string{low}, oiosaml.Low, ""},
		{"maximum", "maximum", []string{substantial}, oiosaml.Low, low},
		{"maximum exceeded", "maximum", []string{low}, oiosaml.High, ""},
		{"professional", "exact", []string{professional}, oiosaml.Low, professional},
		{"professional, 4.0", "minimum", []string{professional + "/DK"}, oiosaml.Low, professional + "/DK"},
		{"person", "exact", []string{person}, oiosaml.Low, ""},
		{"person or professional", "exact", []string{person, professional}, oiosaml.Low, professional},
		{"foreign professional", "exact", []string{professional + "/EU"}, oiosaml.Low, ""},
		{"professional at a level", "minimum", []string{professional, low}, oiosaml.Low, low},
		{"professional above the level", "minimum", []string{professional, substantial}, oiosaml.Low, ""},
		{"person at a level", "minimum", []string{low, person}, oiosaml.Low, ""},
		{"unknown beside a level", "exact", []string{"urn:unknown", low}, oiosaml.Low, low},
		{"unknown alone", "exact", []string{"urn:unknown"}, oiosaml.Low, ""},
		{"declaration instead of class", "exact", []string{""}, oiosaml.Low, ""},
		{"unspecified", "exact", []string{ac + "unspecified"}, oiosaml.Low, ac + "unspecified"},
		{"certificate", "exact", []string{ac + "Password", ac + "X509"}, oiosaml.Low, ac + "X509"},
		{"password exactly", "exact", []string{ac + "PasswordProtectedTransport"}, oiosaml.Low, ""},
		{"password at least", "minimum", []string{ac + "PasswordProtectedTransport"}, oiosaml.Low, ac + "X509"},
		{"unknown comparison", "sideways", []string{low}, oiosaml.Low, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			backwards := slices.Clone(tc.classes)
			slices.Reverse(backwards)
			for _, classes := range [][]string{tc.classes, backwards} {
				got, ok := oiosaml.Context{Comparison: tc.comparison, Classes: classes}.Class(tc.level, true)
				if !ok {
					got = ""
				}
				if got != tc.want || ok != (tc.want != "") {
					t.Errorf("Class of %s %q at %v = %q, %v, want %q", tc.comparison, classes, tc.level, got, ok, tc.want)
				}
			}
		})
	}
}

// Of a login at an organisation's own identity provider nothing is stated but its
// level: no certificate was seen.
func TestClassOfALoginElsewhere(t *testing.T) {
	t.Parallel()
	const ac = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
	for class, want := range map[string]string{
		ac + "X509": "", ac + "SoftwarePKI": "", ac + "unspecified": ac + "unspecified", ac + "PasswordProtectedTransport": "",
		"https://data.gov.dk/concept/core/nsis/loa/Low": "https://data.gov.dk/concept/core/nsis/loa/Low",
	} {
		for _, comparison := range []string{"exact", "minimum"} {
			if got, ok := (oiosaml.Context{Comparison: comparison, Classes: []string{class}}).Class(oiosaml.Low, false); got != want || ok != (want != "") {
				t.Errorf("%s of %s = %q, %v, want %q", comparison, class, got, ok, want)
			}
		}
	}
}
