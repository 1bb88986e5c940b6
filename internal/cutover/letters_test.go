package cutover_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/cutover"
)

// pages prints letters and reads them back.
func pages(t *testing.T, head cutover.Letterhead, letters ...cutover.Letter) []string {
	t.Helper()
	var pdf bytes.Buffer
	if err := cutover.Letters(&pdf, head, letters); err != nil {
		t.Fatal(err)
	}
	return readPDF(t, &pdf)
}

// readPDF is the text of each page, by poppler.
func readPDF(t *testing.T, pdf *bytes.Buffer) []string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Fatal("pdftotext is missing (Debian package poppler-utils): run .ci/setup")
	}
	var text bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tool, "-layout", "-", "-")
	cmd.Stdin, cmd.Stdout = pdf, &text
	if err := cmd.Run(); err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	return strings.Split(strings.TrimSuffix(text.String(), "\f"), "\f")
}

func TestLetters(t *testing.T) {
	t.Parallel()
	copenhagen := time.FixedZone("", 3600)
	expires := time.Date(2026, 12, 20, 23, 30, 0, 0, time.UTC).In(copenhagen)
	head := cutover.Letterhead{Organisation: "Nordvind Åse A/S", BaseURL: "https://adgang.example", Date: expires.AddDate(0, -1, 0)}
	for _, tc := range []struct {
		language, name string
		want           []string
	}{
		{"da", "Søren Østergård", []string{"Kære Søren Østergård", "Nordvind Åse A/S", "til og med den 21. december 2026", "https://adgang.example", "7K3M-9QRT-0XW2-HBVN", "RID: r1", "21. november 2026"}},
		{"en", "Zbigniew Gołąb-Święcicki", []string{"Dear Zbigniew Gołąb-Święcicki", "including 21 December 2026"}},
		{"", "Nguyễn Șerban 王", []string{"Kære Nguyen Șerban ?"}},
		{"da", strings.Repeat("Margrethe ", 20), []string{"7K3M-9QRT-0XW2-HBVN", "RID: r1"}},
	} {
		t.Run(tc.language+" "+tc.name[:8], func(t *testing.T) {
			t.Parallel()
			h := head
			h.Language = tc.language
			got := pages(t, h,
				cutover.Letter{Name: tc.name, RID: "r1", Code: "7K3M-9QRT-0XW2-HBVN", ExpiresAt: expires},
				cutover.Letter{Name: "B", RID: "r2", Code: "0000-0000-0000-0000", ExpiresAt: expires})
			if len(got) != 2 {
				t.Fatalf("%d pages, want 2", len(got))
			}
			for _, want := range tc.want {
				if !strings.Contains(got[0], want) {
					t.Errorf("page 1 lacks %q:\n%s", want, got[0])
				}
			}
			if strings.Contains(got[1], "7K3M") || !strings.Contains(got[1], "0000-0000-0000-0000") {
				t.Errorf("page 2 has another's code:\n%s", got[1])
			}
		})
	}
}

func TestLettersHideTheirCode(t *testing.T) {
	t.Parallel()
	if got := (cutover.Letter{Code: "7K3M"}).LogValue().String(); got != "[hidden]" {
		t.Errorf("LogValue = %s", got)
	}
	if got := (cutover.Record{CPR: "6101364123"}).LogValue().String(); got != "[hidden]" {
		t.Errorf("LogValue = %s", got)
	}
}
