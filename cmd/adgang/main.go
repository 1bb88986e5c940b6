// Command adgang is Adgang in one binary: the server, the worker and the
// commands of its operators.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // Europe/Copenhagen on machines without a zone database

	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/fault"
)

// version is set by the build.
var version = "dev"

// Exit codes: done, the work failed, the request was wrong.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that cannot be carried out.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(text string, args ...any) error { return &usageError{fmt.Sprintf(text, args...)} }

// env is what a command runs with.
type env struct {
	args    []string
	environ []string
	out     io.Writer
	err     io.Writer
	now     func() time.Time
}

// command is one subcommand; names may have two words.
type command struct {
	name, synopsis, about string
	run                   func(context.Context, *env) error
}

func commands() []command {
	return []command{
		{"serve", "serve [--demo]", "answer HTTP; without PostgreSQL also work and schedule", serve},
		{"work", "work", "carry out work and schedules (with PostgreSQL and Redis)", work},
		{"migrate", "migrate [--json]", "bring the database schema up to date", migrate},
		{"import", "import --org CVR [--dry-run] [--start] [--wait] [--json] FILE", "read an employee export into a migration batch", importFile},
		{"batch show", "batch show [--json] ID", "show a migration batch", batchShow},
		{"org create", "org create --cvr CVR --name NAME --admin-email MAIL [--admin-name NAME] [--json]", "create an organisation and its first administrator", orgCreate},
		{"operator add", "operator add EMAIL --name NAME [--json]", "make an operator, and print the one-time set-up link", operatorAdd},
		{"operator remove", "operator remove EMAIL", "end an operator's account at once", operatorRemove},
		{"token create", "token create --org CVR --role ROLE [--json]", "create an API token", tokenCreate},
		{"ca init", "ca init [--algorithm RSA|ECDSA] [--json]", "make the root and the issuing authority, if there are none", caInit},
		{"ca show", "ca show [--json]", "show the authorities", caShow},
		{"ca rollover", "ca rollover [--algorithm RSA|ECDSA] [--json]", "make a new issuing authority beside the old", caRollover},
		{"ca revoke", "ca revoke [--reason REASON] [--json] SERIAL", "revoke a certificate and block its key file", caRevoke},
		{"certificates list", "certificates list --org CVR [--json]", "list the certificates of an organisation", certificatesList},
		{"audit verify", "audit verify [--org CVR] [--file EXPORT] [--json]", "compare the audit log, or an export of it, with its seals and signatures", auditVerify},
		{"key rotate", "key rotate [--json]", "seal anew, with the first key of ADGANG_KEY_FILE, what the older ones below it sealed", keyRotate},
		{"usage", "usage [--month YYYY-MM]", "print the usage of every organisation in a month as CSV, the latest that was counted if none is named", usageMonth},
		{"sample", "sample --rows N --seed S", "print a fictitious employee export", sample},
		{"version", "version [--json]", "print the version", showVersion},
	}
}

func main() {
	// zitadel/oidc tells every refusal by the default logger; they are on record as
	// attempts.
	slog.SetLogLoggerLevel(slog.LevelError)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, &env{args: os.Args[1:], environ: os.Environ(), out: os.Stdout, err: os.Stderr, now: time.Now})
	stop()
	os.Exit(code)
}

// run finds the command and turns its error into an exit code, with the reason
// in one line on stderr.
func run(ctx context.Context, e *env) int {
	c, rest, ok := find(e.args)
	if !ok {
		help(e.err)
		if len(e.args) > 0 && slices.Contains([]string{"help", "-h", "--help"}, e.args[0]) {
			return exitDone
		}
		return exitUsage
	}
	e.args = rest
	err := c.run(ctx, e)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintf(e.err, "usage: adgang %s\n%s\n", c.synopsis, c.about)
		return exitDone
	case errors.Is(err, errSomeBad):
		return exitUsage
	}
	_, _ = fmt.Fprintln(e.err, "adgang: "+sentence(err))
	return exitCode(err)
}

func find(args []string) (c command, rest []string, ok bool) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c, args[len(words):], true
		}
	}
	return command{}, nil, false
}

func help(w io.Writer) {
	_, _ = fmt.Fprintln(w, "adgang: business identity administration\n\ncommands:")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(w, "  adgang %s\n        %s\n", c.synopsis, c.about)
	}
	_, _ = fmt.Fprintln(w, "\nThe environment (ADGANG_*) is described in docs/operations.md.")
}

// exitCode is 2 for what the caller can mend in the request, 1 for the rest.
func exitCode(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		return exitUsage
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Denied, fault.Absent, fault.Conflict:
		return exitUsage
	default:
		return exitFailed
	}
}

// sentence is what a person gets to read of err.
func sentence(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal {
		return f.Text
	}
	return err.Error()
}

// flags prepares the flags of a command; errors are reported by run.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse reads flags, also behind arguments, and wants n arguments.
func parse(f *flag.FlagSet, args []string, n int) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usage("%s: %v", f.Name(), err)
		}
		if args = f.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	if len(rest) != n {
		return nil, usage("%s takes %d arguments, not %d; see adgang help", f.Name(), n, len(rest))
	}
	return rest, nil
}

// open builds the program for a command that only reads and writes rows.
func open(ctx context.Context, e *env) (*app.App, error) {
	c, err := config.Load(e.environ, false, e.now())
	if err != nil {
		return nil, err
	}
	return app.New(ctx, options(e, c, app.Options{}))
}

func options(e *env, c config.Config, o app.Options) app.Options {
	o.Config, o.Now, o.Version = c, e.now, version
	o.Log = slog.New(slog.NewTextHandler(e.err, nil))
	if c.LogJSON {
		o.Log = slog.New(slog.NewJSONHandler(e.err, nil))
	}
	return o
}

// show prints value as JSON, or text.
func show(e *env, asJSON bool, value any, text string, args ...any) error {
	if !asJSON {
		_, err := fmt.Fprintf(e.out, text, args...)
		return err
	}
	encoder := json.NewEncoder(e.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
