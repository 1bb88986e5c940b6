package demo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

// read returns status and body of a page.
func (h *house) read(t *testing.T, c *http.Client, path, lang string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.BaseURL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Language", lang)
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// send delivers activation mails into the folder, in this order.
func (h *house) send(t *testing.T, drafts ...mail.Draft) {
	t.Helper()
	for i := range drafts {
		drafts[i].Org, drafts[i].Employee, drafts[i].Kind = "org", "employee", mail.KindActivation
		drafts[i].Params = map[string]string{"organisation": "Pumper & <b>Co</b>", "expires": "2026-12-22T09:30:00Z"}
	}
	err := store.InTx(t.Context(), h.db, func(ctx context.Context, tx bun.Tx) error {
		return h.mail.Queue(ctx, tx, "lot", drafts...)
	})
	if err == nil {
		err = h.mail.Deliver(t.Context(), mail.Lot{Org: "org", Lot: "lot"})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMailEscapes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	h.send(t, mail.Draft{
		Name: `<script>alert(1)</script> ` + h.BaseURL + `.evil.example/x`, Address: "soren@nordvind.example", Token: "TOKEN-with_signs",
	})
	c := browser(t)
	_, list := h.read(t, c, "/demo/mail", "da")
	box, _, err := h.Mails.Mails("", 1)
	if err != nil || len(box) != 1 {
		t.Fatalf("mails = %d, %v; want 1", len(box), err)
	}
	status, page := h.read(t, c, "/demo/mail/"+box[0].ID, "da")
	if status != http.StatusOK {
		t.Fatalf("mail = %d, want 200", status)
	}
	for _, html := range []string{list, page} {
		if strings.Contains(html, "<script") || strings.Contains(html, "<b>Co") || strings.Contains(html, "style=") {
			t.Errorf("the page holds markup from the mail:\n%s", html)
		}
		if !strings.Contains(html, "&lt;script&gt;") {
			t.Errorf("the page does not show the name:\n%s", html)
		}
	}
	link := h.BaseURL + "/activate#TOKEN-with_signs"
	if !strings.Contains(page, `<a href="`+link+`">`+link+`</a>`) {
		t.Errorf("the page has no link to the activation:\n%s", page)
	}
	if strings.Contains(page, `href="`+h.BaseURL+`.evil`) {
		t.Errorf("the page links to another host:\n%s", page)
	}
	for _, path := range []string{"/demo/mail/" + store.NewID(), "/demo/mail/..%2f..%2fmaster.key", "/demo/nothing"} {
		if status, _ := h.read(t, c, path, "da"); status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, status)
		}
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	c := browser(t)
	if status, page := h.read(t, c, "/demo/mail", "da"); status != http.StatusOK || !strings.Contains(page, "Der er ingen mails endnu") {
		t.Errorf("empty mailbox = %d\n%s", status, page)
	}
	drafts := make([]mail.Draft, 130)
	for i := range drafts {
		drafts[i] = mail.Draft{Name: fmt.Sprintf("Åse Nr%03d", i), Address: fmt.Sprintf("aase.%d@nordvind.example", i), Token: "t"}
	}
	h.send(t, drafts...)

	walk := func(path string) (pages []int, seen string) {
		for path != "" {
			_, page := h.read(t, c, path, "da")
			pages = append(pages, strings.Count(page, "<li><a "))
			seen += page
			path = ""
			if _, after, ok := strings.Cut(page, `<a href="/demo/mail?`); ok {
				query, _, _ := strings.Cut(after, `"`)
				path = "/demo/mail?" + strings.ReplaceAll(query, "&amp;", "&")
			}
		}
		return pages, seen
	}
	pages, seen := walk("/demo/mail")
	if fmt.Sprint(pages) != "[50 50 30]" || strings.Index(seen, "Nr129") > strings.Index(seen, "Nr128") {
		t.Errorf("pages = %v, want 50, 50 and 30 mails, newest first", pages)
	}
	for _, d := range drafts {
		if strings.Count(seen, d.Address) != 1 {
			t.Errorf("%s is on %d pages, want 1", d.Address, strings.Count(seen, d.Address))
		}
	}
	for q, want := range map[string]string{"ÅSE+NR0": "[50 50]", "aase.77@": "[1]", "nobody": "[0]", "nordvind.example": "[50 50 30]"} {
		if pages, _ := walk("/demo/mail?q=" + q); fmt.Sprint(pages) != want {
			t.Errorf("search for %s = %v mails, want %s", q, pages, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, testkit.NewClock().Now)
	c := browser(t)
	for _, step := range []struct{ path, accept, want string }{
		{"/demo/mail", "", "da"},
		{"/demo/mail", "en-GB,en;q=0.9,da;q=0.1", "en"},
		{"/demo/mail", "fr", "da"},
		{"/demo/mail?lang=en", "da", "en"},
		{"/demo/service", "da", "en"}, // kept
		{"/demo/service?lang=xx", "da", "en"},
		{"/demo/service?lang=da", "en", "da"},
	} {
		if _, page := h.read(t, c, step.path, step.accept); !strings.Contains(page, `<html lang="`+step.want+`">`) {
			t.Errorf("GET %s with %q is not in %s", step.path, step.accept, step.want)
		}
	}
}
