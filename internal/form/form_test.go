package form_test

import (
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/form"
)

func TestMail(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"bo@nordvind.example": true, "åse.ø+1@blåbær.example": true, "a'b@x.example": true,
		strings.Repeat("a", 64) + "@x.example": true, strings.Repeat("a", 65) + "@x.example": false,
		"": false, "bo": false, "@x.example": false, "bo@": false, "bo@localhost": false, "bo@1.2.3.4": false, "bo@[10.0.0.1]": false,
		`"b o"@x.example`: false, "Bo <bo@x.example>": false, "bo@x.example ": false, "b..o@x.example": false, ".bo@x.example": false,
		"bo@-x.example": false, "bo@x_y.example": false, "bo@x.example,per@x.example": false, "bo@" + strings.Repeat("a.", 130) + "dk": false,
	} {
		if got := form.Mail(text); got != want {
			t.Errorf("Mail(%q) = %v", text, got)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Rejste i går": true, "  Rejste i går\n": true, "æøåæøåæøåæ": true, "for kort": false, "   for kort   ": false,
		strings.Repeat("æ", 20): true, strings.Repeat("æ", 21): false, "en nul \x00 i midten": false, "ikke UTF-8 \xff": false,
	} {
		got, ok := form.Reason(text, 20)
		if ok != want || got != strings.TrimSpace(text) {
			t.Errorf("Reason(%q) = %q, %v", text, got, ok)
		}
	}
}

func TestModulus11(t *testing.T) {
	t.Parallel()
	for cvr, want := range map[string]bool{"34051178": true, "10103940": true, "34051179": false, "3405117": false, "3405117x": false, "340511780": false, "": false} {
		if got := form.Modulus11(cvr); got != want {
			t.Errorf("Modulus11(%q) = %v", cvr, got)
		}
	}
}
