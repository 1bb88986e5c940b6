package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/ca"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/pki"
)

// authorityApp opens the program for ca init and ca rollover, which may choose
// the algorithm of the keys to come.
func authorityApp(ctx context.Context, e *env, name, algorithm string, o app.Options) (*app.App, error) {
	c, err := config.Load(e.environ, false, e.now())
	if err != nil {
		return nil, err
	}
	if algorithm != "" {
		if algorithm = strings.ToUpper(algorithm); algorithm != "RSA" && algorithm != "ECDSA" {
			return nil, usage("%s: --algorithm must be RSA or ECDSA", name)
		}
		c.CAAlgorithm = algorithm
	}
	return app.New(ctx, options(e, c, o))
}

// caInit makes root and issuing CA, if there are none, and shows what there is.
func caInit(ctx context.Context, e *env) error {
	f := flags("ca init")
	algorithm, asJSON := f.String("algorithm", "", ""), f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	a, err := authorityApp(ctx, e, "ca init", *algorithm, app.Options{Migrate: true})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	all, err := a.CA.Authorities(ctx)
	if err != nil {
		return err
	}
	if *algorithm != "" && !strings.HasPrefix(all[0].Key, strings.ToUpper(*algorithm)) {
		return usage("ca init: this installation has its root already, with a key of %s; it stays", all[0].Key)
	}
	return showAuthorities(e, *asJSON, all)
}

func caShow(ctx context.Context, e *env) error {
	f := flags("ca show")
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	all, err := a.CA.Authorities(ctx)
	if err != nil {
		return err
	}
	return showAuthorities(e, *asJSON, all)
}

// caRollover makes a new issuing CA beside the old.
func caRollover(ctx context.Context, e *env) error {
	f := flags("ca rollover")
	algorithm, asJSON := f.String("algorithm", "", ""), f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	a, err := authorityApp(ctx, e, "ca rollover", *algorithm, app.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	if err := a.CA.Rollover(ctx, access.Command("")); err != nil {
		return err
	}
	all, err := a.CA.Authorities(ctx)
	if err != nil {
		return err
	}
	return showAuthorities(e, *asJSON, all)
}

func showAuthorities(e *env, asJSON bool, all []ca.Authority) error {
	var text strings.Builder
	for _, a := range all {
		fmt.Fprintf(&text, "%s %d, %s\n  %s\n  key %s in %s, valid %s to %s\n  serial %s\n  SHA-256 %s\n",
			a.Role, a.Number, a.State, a.Subject, a.Key, a.KeyAt, a.NotBefore.Format(time.DateOnly), a.NotAfter.Format(time.DateOnly), a.Serial, a.Fingerprint)
		fmt.Fprintf(&text, "  issued %d, revoked %d\n  %s\n  %s\n", a.Issued, a.Revoked, a.Certificate, a.CRL)
	}
	return show(e, asJSON, all, "%s", text.String())
}

// caRevoke revokes one certificate, whosoever it is, and blocks the key file it
// is in.
func caRevoke(ctx context.Context, e *env) error {
	f := flags("ca revoke")
	reason, asJSON := f.String("reason", "unspecified", ""), f.Bool("json", false, "")
	args, err := parse(f, e.args, 1)
	if err != nil {
		return err
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	c, err := a.Credential.BlockSerial(ctx, args[0], *reason)
	if err != nil {
		return err
	}
	return show(e, *asJSON, certificateLine(c), "Certificate %s is revoked.\n", c.Serial)
}

// line is what certificates list prints of one.
type line struct {
	Serial    pki.Serial `json:"serial"`
	Profile   string     `json:"profile"`
	Employee  string     `json:"employee_id,omitempty"` // of a key file
	ProfileID string     `json:"profile_id,omitempty"`  // of all others
	State     string     `json:"state"`
	NotBefore time.Time  `json:"not_before"`
	NotAfter  time.Time  `json:"not_after"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

func certificateLine(c ca.Certificate) line {
	l := line{
		Serial: c.Serial, Profile: c.Profile, State: string(c.State), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		RevokedAt: c.RevokedAt, Reason: c.RevokeReason,
	}
	if c.Profile == string(pki.ProfileEmployee) {
		l.Employee = string(c.EmployeeID)
	} else {
		l.ProfileID = string(c.EmployeeID)
	}
	return l
}

// certificatesList prints what was issued to an organisation, newest first.
func certificatesList(ctx context.Context, e *env) error {
	f := flags("certificates list")
	cvr, asJSON := f.String("org", "", ""), f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	if *cvr == "" {
		return usage("certificates list needs --org")
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	o, err := a.Org.ByCVR(ctx, *cvr)
	if err != nil {
		return notThere(err, "no organisation has the CVR number %s", *cvr)
	}
	all := []line{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := a.CA.Certificates(ctx, o.ID, cursor, 500)
		if err != nil {
			return err
		}
		for _, c := range page {
			all = append(all, certificateLine(c))
		}
		cursor = next
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, c := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Serial, c.Profile, cmp.Or(c.Employee, c.ProfileID), c.State, c.NotAfter.Format(time.DateOnly))
	}
	_ = w.Flush()
	return show(e, *asJSON, all, "%s", text.String())
}
