package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/testkit"
)

// BenchmarkBlock measures over HTTP, with 100,000 revoked on record, from the click
// on "block" of one who has only the revocation code: until the answer, until the
// next request of a session is refused, until OCSP says revoked, and until the list
// that the certificate names has it. The line says the median of each.
func BenchmarkBlock(b *testing.B) {
	b.Run("postgres", func(b *testing.B) {
		benchmarkBlock(b, program(b, testkit.PostgresURL(b), testkit.Need(b, testkit.EnvRedis)))
	})
	b.Run("sqlite", func(b *testing.B) { benchmarkBlock(b, program(b, "", "")) })
}

const blocks = 20

func benchmarkBlock(b *testing.B, a *app.App) {
	fill(b, a, 100_000)
	server := httptest.NewServer(a.Web)
	b.Cleanup(server.Close)
	for b.Loop() {
		var answered, session, status, list []float64
		for i, body := range invited(b, a, blocks, ecKey) {
			h := holderOf(b, a, server.URL, i, body)
			call := func(method, path, kind string, body []byte, want int) []byte {
				return h.call(b, method, path, kind, body, want)
			}
			call(http.MethodGet, "/api/v1/session", "", nil, http.StatusOK)
			asked := question(b, a, h.serial)
			part := fmt.Sprintf("/ca/1/crl/%d.crl", h.serial.Part())
			if lists(b, call(http.MethodGet, part, "", nil, http.StatusOK), h.serial) {
				b.Fatal("the list has it before")
			}
			block, err := json.Marshal(map[string]string{"serial": string(h.serial), "code": h.code, "reason": "key_compromise"})
			if err != nil {
				b.Fatal(err)
			}
			click := time.Now()
			call(http.MethodPost, "/api/v1/key-file/block", "application/json", block, http.StatusOK)
			answered = append(answered, ms(click))
			call(http.MethodGet, "/api/v1/session", "", nil, http.StatusUnauthorized)
			session = append(session, ms(click))
			if got := statusIn(b, call(http.MethodPost, "/ca/ocsp", "application/ocsp-request", asked, http.StatusOK)); got != ocsp.Revoked {
				b.Fatalf("OCSP says %d", got)
			}
			status = append(status, ms(click))
			if !lists(b, call(http.MethodGet, part, "", nil, http.StatusOK), h.serial) {
				b.Fatal("the list has it not after")
			}
			list = append(list, ms(click))
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median(answered), "answer-ms")
		b.ReportMetric(median(session), "session-ms")
		b.ReportMetric(median(status), "ocsp-ms")
		b.ReportMetric(median(list), "crl-ms")
	}
}

// loggedIn is somebody with a key file, a session and the revocation code.
type loggedIn struct {
	base, host, address, cookie, code string
	serial                            pki.Serial
}

func holderOf(b *testing.B, a *app.App, base string, i int, body []byte) loggedIn {
	b.Helper()
	h := loggedIn{base: base, host: a.Config.BaseURL.Host, address: address(i)}
	var issued struct {
		Serial string `json:"serial"`
		Code   string `json:"revocation_code"`
	}
	text := h.call(b, http.MethodPost, "/api/v1/activation/certificate", "application/json", body, http.StatusOK)
	if err := json.Unmarshal(text, &issued); err != nil {
		b.Fatal(err)
	}
	h.serial, h.code = pki.Serial(issued.Serial), issued.Code
	var e org.Employee
	err := a.DB.NewSelect().Model(&e).Where("id = (SELECT employee_id FROM key_file WHERE serial = ?)", issued.Serial).Scan(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if h.cookie, err = a.Session.Start(b.Context(), e, issued.Serial, h.address); err != nil {
		b.Fatal(err)
	}
	return h
}

func (h loggedIn) call(b *testing.B, method, path, kind string, body []byte, want int) []byte {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, h.base+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Host = h.host
	r.Header.Set("X-Forwarded-For", h.address)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.AddCookie(&http.Cookie{Name: "adgang_session", Value: h.cookie})
	answer, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		b.Fatalf("%s %s = %d %s, %v, want %d", method, path, answer.StatusCode, text, err, want)
	}
	return text
}
