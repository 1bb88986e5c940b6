package main

import (
	"context"
	"strings"

	"github.com/adgang/adgang/internal/access"
)

// operatorAdd makes an operator's account and prints its set-up link, once.
func operatorAdd(ctx context.Context, e *env) error {
	f := flags("operator add")
	name, asJSON := f.String("name", "", ""), f.Bool("json", false, "")
	rest, err := parse(f, e.args, 1)
	if err != nil {
		return err
	}
	if *name == "" {
		return usage("operator add needs --name")
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	o, token, err := a.Operator.Add(ctx, access.Host(), rest[0], *name)
	if err != nil {
		return err
	}
	link := a.Config.BaseURL.String() + "/operator/setup#" + token
	return show(e, *asJSON, map[string]any{"operator_id": o.ID, "email": o.Email, "setup_link": link, "expires_at": o.SetUpExpiresAt},
		"%s registers a passkey at\n  %s\nThe link works once, for 24 hours, and is shown only now.\n", o.Email, link)
}

// operatorRemove ends an account, for when its passkey is lost.
func operatorRemove(ctx context.Context, e *env) error {
	rest, err := parse(flags("operator remove"), e.args, 1)
	if err != nil {
		return err
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	all, err := a.Operator.Operators(ctx, access.Host())
	if err != nil {
		return err
	}
	for _, o := range all {
		if strings.EqualFold(o.Email, rest[0]) {
			return a.Operator.Remove(ctx, access.Host(), o.ID)
		}
	}
	return usage("no operator has the address %s", rest[0])
}
