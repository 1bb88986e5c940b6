package jobs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/outbox"
	"github.com/adgang/adgang/jobs"
)

func TestEveryKindHasARoute(t *testing.T) {
	t.Parallel()
	var declared, routed []string
	for _, kind := range outbox.Kinds() {
		if !strings.HasPrefix(kind, "jobs_test.") {
			declared = append(declared, kind)
		}
	}
	for _, route := range jobs.Routes(jobs.Services{}) {
		routed = append(routed, route.Kind)
	}
	slices.Sort(declared)
	slices.Sort(routed)
	if !slices.Equal(declared, routed) {
		t.Errorf("declared kinds of work:\n  %s\nkinds with a line in routes.go:\n  %s",
			strings.Join(declared, "\n  "), strings.Join(routed, "\n  "))
	}
}
