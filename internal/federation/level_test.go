package federation_test

import (
	"slices"
	"testing"

	"github.com/adgang/adgang/internal/federation"
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
		level      federation.Level
		want       string // "" = refused
	}{
		{"nothing asked", "", nil, federation.Low, low},
		{"exact", "exact", []string{low}, federation.Low, low},
		{"exact, form of 4.0", "exact", []string{low4}, federation.Low, low4},
		{"exact above", "exact", []string{substantial}, federation.Low, ""},
		{"exact below", "exact", []string{low}, federation.High, ""},
		{"exact, one of two", "exact", []string{substantial, low}, federation.Low, low},
		{"exact, one of two forms", "exact", []string{substantial, low4}, federation.Low, low4},
		{"minimum reached", "minimum", []string{low}, federation.Substantial, substantial},
		{"minimum reached, form of 4.0", "minimum", []string{low4}, federation.Substantial, substantial4},
		{"minimum not reached", "minimum", []string{substantial}, federation.Low, ""},
		{"minimum, one of two reached", "minimum", []string{high, low}, federation.Low, low},
		{"better", "better", []string{low}, federation.Substantial, substantial},
		{"better than itself", "better", []string{low}, federation.Low, ""},
		{"maximum", "maximum", []string{substantial}, federation.Low, low},
		{"maximum exceeded", "maximum", []string{low}, federation.High, ""},
		{"professional", "exact", []string{professional}, federation.Low, professional},
		{"professional, 4.0", "minimum", []string{professional + "/DK"}, federation.Low, professional + "/DK"},
		{"person", "exact", []string{person}, federation.Low, ""},
		{"person or professional", "exact", []string{person, professional}, federation.Low, professional},
		{"foreign professional", "exact", []string{professional + "/EU"}, federation.Low, ""},
		{"professional at a level", "minimum", []string{professional, low}, federation.Low, low},
		{"professional above the level", "minimum", []string{professional, substantial}, federation.Low, ""},
		{"person at a level", "minimum", []string{low, person}, federation.Low, ""},
		{"unknown beside a level", "exact", []string{"urn:unknown", low}, federation.Low, low},
		{"unknown alone", "exact", []string{"urn:unknown"}, federation.Low, ""},
		{"declaration instead of class", "exact", []string{""}, federation.Low, ""},
		{"unspecified", "exact", []string{ac + "unspecified"}, federation.Low, ac + "unspecified"},
		{"certificate", "exact", []string{ac + "Password", ac + "X509"}, federation.Low, ac + "X509"},
		{"password exactly", "exact", []string{ac + "PasswordProtectedTransport"}, federation.Low, ""},
		{"password at least", "minimum", []string{ac + "PasswordProtectedTransport"}, federation.Low, ac + "X509"},
		{"unknown comparison", "sideways", []string{low}, federation.Low, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			backwards := slices.Clone(tc.classes)
			slices.Reverse(backwards)
			for _, classes := range [][]string{tc.classes, backwards} {
				got, ok := federation.Context{Comparison: tc.comparison, Classes: classes}.Class(tc.level)
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
