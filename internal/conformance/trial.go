package conformance

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/adgang/adgang/internal/federation"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/store"
)

// How a case ended.
const (
	Passed  = "passed"
	Failed  = "failed"
	Unclear = "unclear" // the service could not be asked
	Skipped = "skipped" // it does not apply, or would tell nothing
)

// Cases beside the flaws of answers.
const (
	Stranger = "stranger" // without a login the page does not have the text
	Replay   = "replay"   // an answer that has logged somebody in, in another browser
)

// Codes are the cases in the order in which they are run. The first two say whether
// the others tell anything.
func Codes() []string {
	all := []string{Stranger}
	for _, f := range []oiosaml.Flaw{
		oiosaml.NoFlaw, oiosaml.Expired, oiosaml.Early, oiosaml.OtherAudience, oiosaml.OtherAddress, oiosaml.OtherRequest, oiosaml.TooLow,
		oiosaml.Unsigned, oiosaml.OtherKey, oiosaml.Altered, oiosaml.WeakDigest, oiosaml.CutAudience, oiosaml.WrappedBeside, oiosaml.WrappedInside,
	} {
		all = append(all, string(f))
	}
	return append(all, Replay)
}

// Case is one answer that was sent to a service and what the service made of it.
type Case struct {
	Code         string    `json:"code"` // of Codes
	Result       string    `json:"result"`
	Why          string    `json:"why"`    // what happened, a word for the program
	Status       int       `json:"status"` // of the last page, 0 = there was none
	Ended        string    `json:"ended"`  // its address without the query
	Sent         string    `json:"sent"`   // the assertion before encryption, "" = none was sent
	At           time.Time `json:"at"`
	Milliseconds int64     `json:"ms"`
}

const (
	longest = 5 * time.Minute // of a run
	// session is how long the service may keep the person who is nobody logged in.
	session = 5 * time.Minute
)

// trial is a service with how it is tried.
type trial struct {
	*Service

	partner federation.Partner
	plan    Plan
	who     oiosaml.Person
}

// run carries out one case. Errors: our own, and of ctx.
func (t trial) run(ctx context.Context, code string) (Case, error) {
	c := Case{Code: code}
	switch code {
	case Stranger:
		return t.stranger(ctx, c)
	case Replay:
		return t.replay(ctx, c)
	}
	b := t.browser()
	probe, ok, err := t.begin(ctx, b, &c)
	if err != nil || !ok {
		return c, err
	}
	who, need := t.levelled(probe)
	flaw := oiosaml.Flaw(code)
	if flaw == oiosaml.TooLow {
		if need <= oiosaml.Low {
			c.Result, c.Why = Skipped, "no_level"
			return c, nil
		}
		who.Level, who.Identity, who.Authenticator = need-1, need-1, need-1
	}
	reply, err := t.Federation.Wrong(ctx, probe, flaw, who)
	if err != nil {
		return c, err
	}
	err = t.deliver(ctx, b, reply, &c)
	return c.wanted(flaw == oiosaml.NoFlaw), err
}

// wanted turns what happened into a result.
func (c Case) wanted(in bool) Case {
	if c.Result == Unclear {
		return c
	}
	c.Result = Failed
	if (c.Why == "in") == in {
		c.Result = Passed
	}
	return c
}

// stranger looks at the page without a login: a text that everybody sees proves
// nothing.
func (t trial) stranger(ctx context.Context, c Case) (Case, error) {
	address := t.plan.Page
	if address == "" {
		address = t.plan.Start
	}
	last, err := t.browser().get(ctx, address)
	if err := t.judge(last, err, &c); err != nil {
		return c, err
	}
	return c.wanted(false), nil
}

// replay logs in, and takes the same answer to another browser, in which a login has
// begun too.
func (t trial) replay(ctx context.Context, c Case) (Case, error) {
	first := t.browser()
	probe, ok, err := t.begin(ctx, first, &c)
	if err != nil || !ok {
		return c, err
	}
	who, _ := t.levelled(probe)
	reply, err := t.Federation.Wrong(ctx, probe, oiosaml.NoFlaw, who)
	if err != nil {
		return c, err
	}
	if err := t.deliver(ctx, first, reply, &c); err != nil || c.Why != "in" {
		c.Result = Unclear
		return c, err
	}
	second := t.browser()
	if _, ok, err := t.begin(ctx, second, &c); err != nil || !ok {
		return c, err
	}
	err = t.deliver(ctx, second, reply, &c)
	return c.wanted(false), err
}

// levelled is who is said to log in, at the level that the service needs.
func (t trial) levelled(probe federation.Probe) (who oiosaml.Person, need oiosaml.Level) {
	need = max(oiosaml.LevelNamed(t.plan.Level), probe.Request.Context.Needs())
	who = t.who
	who.Level = need
	if need == 0 {
		who.Level = oiosaml.Substantial
	}
	now := store.Instant(t.Now())
	who.Identity, who.Authenticator, who.Profile = who.Level, who.Level, probe.Request.Profile
	who.LoginAt, who.Until = now, now.Add(session)
	return who, need
}

// begin goes where a login begins, up to the request for it. Nothing is sent to a
// service that does not ask Adgang for a login itself, by a request that counts.
func (t trial) begin(ctx context.Context, b *browser, c *Case) (federation.Probe, bool, error) {
	last, err := b.get(ctx, t.plan.Start)
	c.ended(last)
	if err != nil {
		return federation.Probe{}, false, c.unclear(err)
	}
	if last.request == nil {
		c.Result, c.Why = Unclear, "no_request"
		return federation.Probe{}, false, nil
	}
	probe, err := t.Federation.Probed(ctx, t.partner, last.request)
	if err == nil {
		return probe, true, nil
	}
	if _, ok := errors.AsType[*oiosaml.RefusalError](err); ok {
		c.Result, c.Why = Unclear, "refusal"
		return probe, false, nil
	}
	if known, ok := store.Expected(err); ok {
		c.Result, c.Why = Unclear, known.Code
		return probe, false, nil
	}
	return probe, false, err
}

// deliver posts an answer and looks whether it let the person in.
func (t trial) deliver(ctx context.Context, b *browser, reply oiosaml.Reply, c *Case) error {
	c.Sent = string(reply.Signed)
	form := url.Values{"SAMLResponse": {reply.SAMLResponse}}
	if reply.RelayState != "" {
		form.Set("RelayState", reply.RelayState)
	}
	last, err := b.post(ctx, reply.URL, form)
	if err == nil && last.request == nil && last.status < http.StatusInternalServerError && t.plan.Page != "" {
		refused := last
		last, err = b.get(ctx, t.plan.Page)
		if err == nil && last.request != nil && refused.status >= http.StatusBadRequest {
			last = refused // that tells more than the login which begins anew
		}
	}
	return t.judge(last, err, c)
}

// judge says what a last page means.
func (t trial) judge(last page, err error, c *Case) error {
	c.ended(last)
	switch {
	case err != nil:
		return c.unclear(err)
	case last.request != nil:
		c.Why = "again"
	case last.status >= http.StatusInternalServerError:
		c.Why = "broke"
	case last.status >= http.StatusBadRequest:
		c.Why = "refused"
	case last.has(t.plan.Marker):
		c.Why = "in"
	default:
		c.Why = "out"
	}
	return nil
}

func (c *Case) ended(last page) {
	c.Status, c.Ended = last.status, ""
	if last.at != nil {
		c.Ended = (&url.URL{Scheme: last.at.Scheme, Host: last.at.Host, Path: last.at.Path}).String()
	}
}

// unclear notes why the service could not be asked; what is no answer to that is
// returned.
func (c *Case) unclear(err error) error {
	why, ok := errors.AsType[*trouble](err)
	if !ok {
		return err
	}
	c.Result, c.Why = Unclear, why.code
	return nil
}

// trouble is why a page was not read.
type trouble struct {
	code  string
	cause error
}

func (t *trouble) Error() string {
	if t.cause == nil {
		return "conformance: " + t.code
	}
	return "conformance: " + t.code + ": " + t.cause.Error()
}

func (t *trouble) Unwrap() error { return t.cause }
