package main

import (
	"context"
	"strings"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/cutover"
)

// orgCreate makes an organisation with one administrator and prints the
// activation link and the installation code, once.
func orgCreate(ctx context.Context, e *env) error {
	f := flags("org create")
	cvr, name := f.String("cvr", "", ""), f.String("name", "", "")
	mail, person := f.String("admin-email", "", ""), f.String("admin-name", "", "")
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	if *cvr == "" || *name == "" || *mail == "" {
		return usage("org create needs --cvr, --name and --admin-email")
	}
	local, domain, ok := strings.Cut(*mail, "@")
	if !ok || local == "" || domain == "" || strings.ContainsAny(*mail, " \t\r\n<>,;") {
		return usage("org create: --admin-email must be one e-mail address, not %q", *mail)
	}
	given, surname := adminName(*person, local)
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	o, admin, invitation, err := a.Credential.Found(ctx, credential.Founding{
		CVR: *cvr, Name: strings.TrimSpace(*name), GivenName: given, Surname: surname, Email: *mail,
	})
	if err != nil {
		return err
	}
	link := a.Config.BaseURL.String() + "/activate#" + invitation.Token
	return show(e, *asJSON, map[string]any{
		"organisation_id": o.ID, "cvr": o.CVR, "name": o.Name, "administrator_id": admin.ID,
		"activation_link": link, "installation_code": invitation.Code, "expires_at": invitation.ExpiresAt,
	}, "%s (CVR %s) is created. Its administrator activates with\n  link  %s\n  code  %s\nboth valid until %s and shown only now.\n",
		o.Name, o.CVR, link, invitation.Code, invitation.ExpiresAt.Format("2006-01-02 15:04 MST"))
}

// adminName splits a full name before its last word; without one the person is
// called Administrator until the name is known.
func adminName(full, local string) (given, surname string) {
	words := strings.Fields(full)
	if len(words) < 2 {
		return "Administrator", strings.Join(append(words, local)[:1], "")
	}
	return strings.Join(words[:len(words)-1], " "), words[len(words)-1]
}

// tokenCreate makes an API token and prints it, once.
func tokenCreate(ctx context.Context, e *env) error {
	f := flags("token create")
	cvr, role, asJSON := f.String("org", "", ""), f.String("role", "", ""), f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	if *cvr == "" || *role == "" {
		return usage("token create needs --org and --role")
	}
	a, err := open(ctx, e)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	o, err := a.Org.ByCVR(ctx, *cvr)
	if err != nil {
		return notThere(err, "no organisation has the CVR number %s; create it with adgang org create", *cvr)
	}
	token, err := a.Session.CreateAPIToken(ctx, access.Command(o.ID), access.Role(*role))
	if err != nil {
		return err
	}
	return show(e, *asJSON, map[string]any{"token": token, "cvr": o.CVR, "role": *role}, "%s\n", token)
}

// sample prints a fictitious export, the same for the same seed.
func sample(_ context.Context, e *env) error {
	f := flags("sample")
	rows, seed := f.Int("rows", 100, ""), f.Uint64("seed", 1, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	if *rows < 1 || *rows > 10_000_000 {
		return usage("sample: --rows must be 1 to 10,000,000")
	}
	return cutover.Sample(e.out, cutover.SampleOptions{Rows: *rows, Seed: *seed})
}

func showVersion(_ context.Context, e *env) error {
	f := flags("version")
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	return show(e, *asJSON, map[string]string{"version": version}, "adgang %s\n", version)
}
