package openid

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// leaving is what a client wants of a logout that it began.
type leaving struct {
	To string `json:"to"` // where the browser goes afterwards, "" = nowhere
}

// ConfirmPath is the page that asks a person whether to log out.
const ConfirmPath = "/openid/logout"

// EndSession is RP-Initiated Logout 1.0. An ID token of ours says whose session it is
// and that it was the client's; without one the person is asked, since any page could
// have sent the browser here.
func (v *server) EndSession(ctx context.Context, r *op.Request[oidc.EndSessionRequest]) (*op.Redirect, error) {
	to, err := v.s.endSession(ctx, callOf(ctx), r.Data, false)
	if err != nil {
		return nil, v.s.ours(ctx, err)
	}
	return op.NewRedirect(to), nil
}

// Confirmed is what EndSession does when the person has said yes on the page. It
// needs a login.
func (s *Service) Confirmed(ctx context.Context, b Browser, form url.Values) Answer {
	c := &call{Browser: b}
	to, err := s.endSession(ctx, c, &oidc.EndSessionRequest{
		ClientID: form.Get("client_id"), PostLogoutRedirectURI: form.Get("post_logout_redirect_uri"), State: form.Get("state"),
	}, true)
	c.answer.Header = http.Header{"Location": {to}}
	if err != nil {
		c.answer.Err = err
		if c.fail != nil {
			c.answer.Err = c.fail
		}
	}
	return c.answer
}

func (s *Service) endSession(ctx context.Context, c *call, in *oidc.EndSessionRequest, confirmed bool) (string, error) {
	var h hint
	if in.IdTokenHint != "" {
		var ok bool
		var err error
		if h, ok, err = s.readHint(ctx, in.IdTokenHint); err != nil {
			return "", err
		}
		if !ok || in.ClientID != "" && in.ClientID != h.Client {
			return "", c.because("openid.logout.hint", oidc.ErrInvalidRequest().WithDescription("The service did not say rightly whom to log out. You may still be logged in: close the browser."))
		}
		in.ClientID = h.Client
	}
	after, err := s.after(ctx, c, in)
	if err != nil {
		return "", err
	}
	switch {
	case h.Session != "":
		return s.leave(ctx, c, h, after)
	case c.Login == nil:
		if after == "" {
			after = "/"
		}
		return after, nil
	case !confirmed:
		q := url.Values{}
		for name, value := range map[string]string{"client_id": in.ClientID, "post_logout_redirect_uri": in.PostLogoutRedirectURI, "state": in.State} {
			if value != "" {
				q.Set(name, value)
			}
		}
		return ConfirmPath + "?" + q.Encode(), nil
	}
	by := c.Login.Actor
	l := federation.Logout{OrgID: by.OrgID, EmployeeID: by.Employee}
	return s.begin(ctx, c, by, l, in.ClientID, after, c.Login.Session)
}

// after is where the browser goes afterwards: only to an address that the client has
// registered for it.
func (s *Service) after(ctx context.Context, c *call, in *oidc.EndSessionRequest) (string, error) {
	if in.ClientID == "" && in.PostLogoutRedirectURI == "" {
		return "", nil
	}
	wrong := func() error {
		return c.because("openid.logout.redirect", oidc.ErrInvalidRequest().WithDescription("The service wants you to go on to an address that is not registered for it. You may still be logged in: close the browser."))
	}
	client, err := s.byID(ctx, in.ClientID)
	if fault.KindOf(err) == fault.Absent {
		return "", wrong()
	}
	if err != nil || in.PostLogoutRedirectURI == "" {
		return "", err
	}
	if !slices.Contains(client.Registration.AfterLogout, in.PostLogoutRedirectURI) {
		return "", wrong()
	}
	if in.State == "" {
		return in.PostLogoutRedirectURI, nil
	}
	return with(in.PostLogoutRedirectURI, url.Values{"state": {in.State}}), nil
}

// leave logs out of the browser session that an ID token came from.
func (s *Service) leave(ctx context.Context, c *call, h hint, after string) (string, error) {
	var all []grant
	err := s.DB.NewSelect().Model(&all).Where("service_id = ?", h.Client).Where("id = ?", h.Session).Scan(store.AcrossTenants(ctx))
	if err != nil {
		return "", err
	}
	if len(all) == 0 { // it was over long ago
		if after == "" {
			after = "/"
		}
		return after, nil
	}
	g := all[0]
	by := access.Actor{OrgID: g.OrgID, ID: "service:" + g.ServiceID, Address: c.Address}
	return s.begin(ctx, c, by, federation.Logout{OrgID: g.OrgID, EmployeeID: g.EmployeeID}, g.ServiceID, after, g.SessionID)
}

func (s *Service) begin(ctx context.Context, c *call, by access.Actor, l federation.Logout, client, after, session string) (string, error) {
	request, err := json.Marshal(leaving{after})
	if err != nil {
		return "", err
	}
	if client != "" {
		p, err := s.Federation.Named(ctx, client)
		if err != nil {
			return "", err
		}
		l.Kind, l.BeganBy, l.RequestID, l.Request = Kind, p.ID, "openid-"+store.NewID(), string(request)
		if after != "" {
			l.BeganName = p.Name // the page offers to go back to it
		}
	}
	turn, err := s.Federation.Begin(ctx, by, l, c.Cookie, session)
	if err != nil {
		return "", err
	}
	c.answer.Ended = c.Login != nil && c.Login.Session == session
	if turn.Flow == "" {
		return "/", nil
	}
	c.answer.Cookie = turn.Cookie
	return "/saml/logout?flow=" + url.QueryEscape(turn.Flow), nil
}

// finish sends the browser back to the client that began a logout, if it said where.
func (s *Service) finish(_ context.Context, _, request string, _ bool) (oiosaml.Move, error) {
	var l leaving
	err := json.Unmarshal([]byte(request), &l)
	return oiosaml.Move{URL: l.To}, err
}

// reaches tells whether a client wants to be told of logouts.
func (s *Service) reaches(ctx context.Context, one federation.Part) (bool, error) {
	client, err := s.byID(ctx, one.ServiceID)
	if fault.KindOf(err) == fault.Absent {
		return false, nil
	}
	return err == nil && client.Registration.Logout != "", err
}

// event is what makes a token a logout token (Back-Channel Logout 1.0 section 2.4).
const event = "http://schemas.openid.net/event/backchannel-logout"

// tell logs a person out at a client from server to server (Back-Channel Logout 1.0
// section 2.5). Errors: fault.Unavailable, to be tried again.
func (s *Service) tell(ctx context.Context, one federation.Part) error {
	client, err := s.byID(ctx, one.ServiceID)
	if fault.KindOf(err) == fault.Absent || err == nil && client.Registration.Logout == "" {
		return nil // it has nothing to be told with any more
	}
	if err != nil {
		return err
	}
	p, err := s.Federation.Named(ctx, one.ServiceID)
	if err != nil {
		return err
	}
	now := s.Now()
	message, err := s.sign(ctx, p, "logout+jwt", map[string]any{
		"iss": s.BaseURL, "aud": client.ServiceID, "iat": now.Unix(), "exp": now.Add(logoutLife).Unix(), "jti": store.NewID(),
		"sub": one.NameID, "sid": one.SessionIndex, "events": map[string]any{event: struct{}{}},
	})
	if err != nil {
		return err
	}
	if err := s.post(ctx, client.Registration.Logout, url.Values{"logout_token": {message}}); err != nil {
		return fault.New(fault.Unavailable, "openid.logout.unreachable", "The service %s does not take a logout.", p.Name).Because(err)
	}
	return nil
}

func (s *Service) post(ctx context.Context, address string, form url.Values) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.once.Do(s.build)
	response, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxBody)); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}
