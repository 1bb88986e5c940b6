package conformance

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	parser "golang.org/x/net/html"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/outside"
)

const (
	maxPage = 1 << 20 // bytes that are read of a page
	maxHops = 10
)

// browser visits one service, as one that runs no scripts: it keeps cookies, follows
// redirects, and stops where it is sent to Adgang to log in. It goes to the hosts of
// the service and nowhere else.
type browser struct {
	client *http.Client
	hosts  []string
	sso    string
	speaks func(*url.URL) bool
}

func (t trial) browser() *browser {
	client := outside.Client(t.PrivateHosts)
	client.Jar, _ = cookiejar.New(nil) // without options it cannot fail
	return &browser{client: client, hosts: t.partner.Hosts(), sso: strings.TrimSuffix(t.BaseURL, "/") + "/saml/idp/sso", speaks: t.speaks}
}

// page is where a visit ended.
type page struct {
	at      *url.URL
	status  int
	body    []byte
	request *oiosaml.Message // the page sends the person to log in
}

// has tells whether the page has a text, as it is or as HTML writes it.
func (p page) has(text string) bool {
	return bytes.Contains(p.body, []byte(text)) || strings.Contains(html.UnescapeString(string(p.body)), text)
}

func (b *browser) get(ctx context.Context, address string) (page, error) {
	return b.visit(ctx, http.MethodGet, address, nil)
}

func (b *browser) post(ctx context.Context, address string, form url.Values) (page, error) {
	return b.visit(ctx, http.MethodPost, address, form)
}

// visit goes to an address and on to where that leads. Errors: *trouble, with as much
// of the page as there is.
func (b *browser) visit(ctx context.Context, method, address string, form url.Values) (page, error) {
	defer b.client.CloseIdleConnections()
	to, err := url.Parse(address)
	if err != nil {
		return page{}, &trouble{"elsewhere", err}
	}
	for range maxHops {
		if request := b.asked(to); request != nil {
			return page{request: request}, nil
		}
		if !b.speaks(to) || !slices.Contains(b.hosts, to.Host) {
			return page{at: to}, &trouble{"elsewhere", nil}
		}
		p, next, err := b.one(ctx, method, to, form)
		if err != nil || next == nil {
			return p, err
		}
		if p.status != http.StatusTemporaryRedirect && p.status != http.StatusPermanentRedirect {
			method, form = http.MethodGet, nil
		}
		to = next
	}
	return page{at: to}, &trouble{"loops", nil}
}

// one asks for one page; next is where it redirects.
func (b *browser) one(ctx context.Context, method string, to *url.URL, form url.Values) (p page, next *url.URL, err error) {
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	p.at = to
	request, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return p, nil, &trouble{"elsewhere", err}
	}
	request.Header.Set("User-Agent", "Adgang-conformance")
	request.Header.Set("Accept", "text/html,*/*;q=0.5")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.client.Do(request)
	if err != nil {
		return p, nil, lost(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	p.status = answer.StatusCode
	if location := answer.Header.Get("Location"); location != "" && p.status >= 300 && p.status < 400 {
		next, err := to.Parse(location)
		if err != nil {
			return p, nil, &trouble{"elsewhere", err}
		}
		return p, next, nil
	}
	p.body, err = io.ReadAll(io.LimitReader(answer.Body, maxPage))
	if err != nil {
		return p, nil, lost(ctx, err)
	}
	p.request = b.posted(to, p.body)
	return p, nil, nil
}

// lost says why the network did not bring a page.
func lost(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, outside.ErrInside):
		return &trouble{"inside", err}
	}
	return &trouble{"network", err}
}

// asked reads the login request from an address, when it is Adgang's for logins.
func (b *browser) asked(to *url.URL) *oiosaml.Message {
	if (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String() != b.sso {
		return nil
	}
	m, err := oiosaml.ReadRedirect(to.RawQuery)
	if err != nil {
		return nil
	}
	return m
}

// posted reads the login request from a page with a form that posts itself.
func (b *browser) posted(at *url.URL, body []byte) *oiosaml.Message {
	fields, inside := map[string]string{}, false
	tokens := parser.NewTokenizer(bytes.NewReader(body))
	for {
		kind := tokens.Next()
		if kind == parser.ErrorToken {
			return nil
		}
		token := tokens.Token()
		attr := func(name string) string {
			i := slices.IndexFunc(token.Attr, func(a parser.Attribute) bool { return a.Key == name })
			if i < 0 {
				return ""
			}
			return token.Attr[i].Val
		}
		switch {
		case token.Data == "form" && kind == parser.StartTagToken:
			to, err := at.Parse(attr("action"))
			inside = err == nil && to.String() == b.sso
		case token.Data == "form" && kind == parser.EndTagToken && inside:
			m, err := oiosaml.ReadPost(fields["SAMLRequest"], fields["RelayState"])
			if err != nil {
				return nil
			}
			return m
		case token.Data == "input" && inside:
			fields[attr("name")] = attr("value")
		}
	}
}
