package onboarding_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cvr"
)

func credentialOf(link, code string) credential.Invitation {
	return credential.Invitation{Token: link, Code: code}
}

// away is a register on a port that nobody listens to.
func away(t *testing.T) cvr.Register {
	t.Helper()
	return &cvr.Virk{URL: "http://127.0.0.1:1", HTTP: &http.Client{}, Pause: time.Microsecond, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}
