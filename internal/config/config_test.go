package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/config"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"HOME=/root", "ADGANG_SMTP_URL="}, false, now)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.BaseURL.String() != "http://localhost:8080" || c.Data != "data" || !c.Embedded() ||
		c.KeyFile != "data/master.key" || c.MaxUpload != 256<<20 || c.KeyAlgorithm != "P-256" || c.TestData || c.ClosedAt != nil || c.LogJSON {
		t.Errorf("Load of nothing = %+v", c)
	}
}

func TestBaseURLIsAnOrigin(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://Adgang.example/":     "https://adgang.example",
		"https://adgang.example:443":  "https://adgang.example",
		"http://adgang.example:80":    "http://adgang.example",
		"http://adgang.example:443":   "http://adgang.example:443",
		"https://adgang.example:8443": "https://adgang.example:8443",
		"http://[::1]:8080":           "http://[::1]:8080",
	} {
		c, err := config.Load([]string{"ADGANG_BASE_URL=" + given}, false, now)
		if err != nil || c.BaseURL.String() != want {
			t.Errorf("base URL of %s = %s, %v, want %s", given, c.BaseURL, err, want)
		}
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil, true, now)
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	if !c.TestData || !c.LimitedAt.Equal(day.AddDate(0, 0, -30)) || !c.ClosedAt.Equal(day.AddDate(0, 0, 93)) {
		t.Errorf("demo = %+v, want test data, limited since 30 days, closing in 93", c)
	}
}

func TestAWrongValueNamesItsVariable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env      string
		demo     bool
		variable string
	}{
		{env: "ADGANG_ADDR=8080", variable: "ADGANG_ADDR"},
		{env: "ADGANG_ADDR=host:99999", variable: "ADGANG_ADDR"},
		{env: "ADGANG_BASE_URL=adgang.example", variable: "ADGANG_BASE_URL"},
		{env: "ADGANG_BASE_URL=https://adgang.example/path", variable: "ADGANG_BASE_URL"},
		{env: "ADGANG_DATABASE_URL=postgres://h/db", variable: "ADGANG_REDIS_URL"},
		{env: "ADGANG_REDIS_URL=redis://h", variable: "ADGANG_DATABASE_URL"},
		{env: "ADGANG_DATABASE_URL=mysql://h/db ADGANG_REDIS_URL=redis://h", variable: "ADGANG_DATABASE_URL"},
		{env: "ADGANG_DATABASE_URL=postgres://h/db ADGANG_REDIS_URL=redis://h", variable: "ADGANG_KEY_FILE"},
		{env: "ADGANG_SMTP_URL=mail.example:25", variable: "ADGANG_SMTP_URL"},
		{env: "ADGANG_MAIL_FROM=nobody", variable: "ADGANG_MAIL_FROM"},
		{env: "ADGANG_KEY_FILE_ALGORITHM=RSA-1024", variable: "ADGANG_KEY_FILE_ALGORITHM"},
		{env: "ADGANG_PHASES=closed=tomorrow", variable: "ADGANG_PHASES"},
		{env: "ADGANG_PHASES=shut=2026-01-01T00:00:00Z", variable: "ADGANG_PHASES"},
		{env: "ADGANG_PHASES=limited_operation=2026-02-01T00:00:00Z,closed=2026-01-01T00:00:00Z", variable: "ADGANG_PHASES"},
		{env: "ADGANG_MAX_UPLOAD=256M", variable: "ADGANG_MAX_UPLOAD"},
		{env: "ADGANG_TRUSTED_PROXIES=10.0.0.0/8,nginx", variable: "ADGANG_TRUSTED_PROXIES"},
		{env: "ADGANG_PKCS11_MODULE=/m.so ADGANG_PKCS11_TOKEN=t", variable: "ADGANG_PKCS11_PIN_FILE"},
		{env: "ADGANG_LOG=xml", variable: "ADGANG_LOG"},
		{env: "ADGANG_TEST_CVR=yes", variable: "ADGANG_TEST_CVR"},
		{env: "ADGANG_ADRR=127.0.0.1:1", variable: "ADGANG_ADRR"},
		{env: "ADGANG_ADDR=0.0.0.0:8080", demo: true, variable: "ADGANG_ADDR"},
		{env: "ADGANG_ADDR=:8080", demo: true, variable: "ADGANG_ADDR"},
		{env: "ADGANG_DATABASE_URL=postgres://h/db ADGANG_REDIS_URL=redis://h ADGANG_KEY_FILE=/k", demo: true, variable: "ADGANG_DATABASE_URL"},
	} {
		t.Run(tc.env, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(strings.Fields(tc.env), tc.demo, now)
			if e, ok := errors.AsType[*config.Error](err); !ok || e.Variable != tc.variable {
				t.Errorf("Load = %v, want an error that names %s", err, tc.variable)
			}
		})
	}
}
