package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/demo"
	"github.com/adgang/adgang/jobs"
)

// serve answers HTTP. On the embedded default it owns the queue, too.
func serve(ctx context.Context, e *env) error {
	f := flags("serve")
	withDemo := f.Bool("demo", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	c, err := config.Load(e.environ, *withDemo, e.now())
	if err != nil {
		return err
	}
	if *withDemo {
		if err := demo.MarkData(c.Data); err != nil {
			return err
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return &config.Error{Variable: "ADGANG_ADDR", Text: "cannot be listened to: " + err.Error()}
	}
	machines, err := listenTLS(ctx, c)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a, err := app.New(ctx, options(e, c, app.Options{Work: c.Embedded()}))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { _ = a.Close() }()
	release, err := own(c)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer release()
	if c.Embedded() {
		a.Log.InfoContext(ctx, "embedded default: SQLite and an in-process queue, for one machine", "data", c.Data)
	}
	if err := a.Runner.Start(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	defer a.Runner.Stop()
	if *withDemo {
		if err := seed(ctx, e, a); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	_, _ = fmt.Fprintf(e.out, "Adgang %s answers at %s\n", version, c.BaseURL)
	if machines == nil {
		return a.Serve(ctx, l)
	}
	_, _ = fmt.Fprintf(e.out, "Machines are answered at https://%s\n", machines.Addr())
	return both(ctx, func(ctx context.Context) error { return a.Serve(ctx, l) },
		func(ctx context.Context) error { return a.ServeMachines(ctx, machines) })
}

// listenTLS opens the listener for machines, nil without one.
func listenTLS(ctx context.Context, c config.Config) (net.Listener, error) {
	if c.TLSAddr == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.TLSAddr)
	if err != nil {
		return nil, &config.Error{Variable: "ADGANG_TLS_ADDR", Text: "cannot be listened to: " + err.Error()}
	}
	return l, nil
}

// both runs two until ctx ends or one of them does.
func both(ctx context.Context, one, other func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- other(ctx)
		cancel()
	}()
	err := one(ctx)
	cancel()
	return errors.Join(err, <-ended)
}

// own takes the embedded queue, which one process has at a time.
func own(c config.Config) (release func(), err error) {
	if !c.Embedded() {
		return func() {}, nil
	}
	release, ok, err := jobs.LockQueue(c.Data)
	if err == nil && !ok {
		return nil, &config.Error{Variable: "ADGANG_DATA", Text: fmt.Sprintf("%s is in use by another adgang process (serve, or import --wait)", c.Data)}
	}
	return release, err
}

func seed(ctx context.Context, e *env, a *app.App) error {
	access, err := a.Demo.Seed(ctx)
	if err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	_, _ = fmt.Fprintf(e.out, `
Adgang, the demo. Everything in it is fictitious; MitID and CVR are not asked.

  1. Open              %s
  2. Log in with       %s
     its password      %s
                       (also in %s)
  3. Watch the migration run, then try your own: %s
  4. Read every mail   %s
  5. A service to log in to   %s

`, access.URL, access.KeyFile, access.Password, access.PasswordFile, access.Export, access.Mail, access.Service)
	_, _ = fmt.Fprintf(e.out, "  6. Connect an organisation  %s/connect (CVR 10101010, Karla Havblik)\n", a.Config.BaseURL)
	if access.Operator != "" {
		_, _ = fmt.Fprintf(e.out, "     and decide it as the operator, after making a passkey once: %s\n", access.Operator)
	}
	_, _ = fmt.Fprintln(e.out)
	return nil
}

// work carries out work and schedules, beside API nodes.
func work(ctx context.Context, e *env) error {
	if _, err := parse(flags("work"), e.args, 0); err != nil {
		return err
	}
	c, err := config.Load(e.environ, false, e.now())
	if err != nil {
		return err
	}
	if c.Embedded() {
		return usage("work needs ADGANG_DATABASE_URL and ADGANG_REDIS_URL: on the embedded default, serve does the work")
	}
	a, err := app.New(ctx, options(e, c, app.Options{Work: true}))
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	if err := a.Runner.Start(ctx); err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "worker started")
	<-ctx.Done()
	a.Runner.Stop()
	return nil
}

// migrate brings the schema up to date, in either database.
func migrate(ctx context.Context, e *env) error {
	f := flags("migrate")
	asJSON := f.Bool("json", false, "")
	if _, err := parse(f, e.args, 0); err != nil {
		return err
	}
	c, err := config.Load(e.environ, false, e.now())
	if err != nil {
		return err
	}
	a, err := app.New(ctx, options(e, c, app.Options{Migrate: true}))
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	return show(e, *asJSON, map[string]string{"schema": "up to date"}, "The schema is up to date.\n")
}
