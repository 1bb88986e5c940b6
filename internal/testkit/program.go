package testkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/mail"
	"github.com/adgang/adgang/internal/store"
)

// EnvBinary names the variable with the path of a built adgang; without it the
// first test builds one.
const EnvBinary = "ADGANG_TEST_BINARY"

// keyFile is where the master key of the embedded default is.
const keyFile = "master.key"

// CVR is the number of the organisation that a Program begins with.
const CVR = "12345678"

// Patience is how long a test waits for a process on a busy machine.
const Patience = 2 * time.Minute

// Program is the built binary on the embedded default, with a data folder and a
// port of its own. It holds one organisation and takes test data.
type Program struct {
	Binary  string
	Data    string
	BaseURL string
	Env     []string // NAME=value
	// Link and Code activate the organisation's administrator.
	Link, Code string

	server *exec.Cmd
	ended  chan struct{} // closed when server has been waited for
	log    *bytes.Buffer // of server, to be read when it has ended
}

// Result is what a finished command left behind.
type Result struct {
	Code     int
	Out, Err string
}

// template is a data folder with one organisation, made once for all tests of a
// package: keys take seconds.
type template struct {
	binary, link, code string
	database, key      []byte
}

var first = sync.OnceValues(func() (template, error) {
	binary, err := built()
	if err != nil {
		return template{}, err
	}
	dir, err := os.MkdirTemp("", "adgang-first-")
	if err != nil {
		return template{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := Program{Binary: binary, Data: dir}
	cmd := p.command(context.Background(), "org", "create", "--cvr", CVR, "--name", "Nordvind",
		"--admin-email", "aase@nordvind.example", "--admin-name", "Åse Ørsted", "--json")
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return template{}, fmt.Errorf("org create: %w: %s", err, problem.String())
	}
	var answer struct {
		Link string `json:"activation_link"`
		Code string `json:"installation_code"`
	}
	err = json.Unmarshal(out, &answer)
	_, link, _ := strings.Cut(answer.Link, "#")
	files := os.DirFS(dir)
	database, databaseErr := fs.ReadFile(files, store.SQLiteFile)
	key, keyErr := fs.ReadFile(files, keyFile)
	return template{binary, link, answer.Code, database, key}, errors.Join(err, databaseErr, keyErr)
})

// built finds or builds the binary. One that is built replaces the one of an
// earlier run, which may still be running elsewhere.
func built() (string, error) {
	if path := os.Getenv(EnvBinary); path != "" {
		return path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("adgang-test-%d", os.Getuid()), "adgang")
	fresh := fmt.Sprintf("%s-%d", path, os.Getpid())
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", fresh, "github.com/adgang/adgang/cmd/adgang") //nolint:gosec,noctx // our own folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary: %w: %s", err, out)
	}
	return path, os.Rename(fresh, path)
}

// NewProgram prepares a program that does not run yet; env is over its own.
func NewProgram(t testing.TB, env ...string) *Program {
	t.Helper()
	made, err := first()
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{Binary: made.binary, Data: filepath.Join(t.TempDir(), "data"), Link: made.link, Code: made.code}
	err = errors.Join(os.Mkdir(p.Data, 0o700),
		os.WriteFile(filepath.Join(p.Data, store.SQLiteFile), made.database, 0o600),
		os.WriteFile(filepath.Join(p.Data, keyFile), made.key, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	p.BaseURL = "http://localhost:" + port
	p.Env = append([]string{"ADGANG_ADDR=" + addr}, env...)
	t.Cleanup(func() { p.Kill(t) })
	return p
}

// freeAddr is a loopback address below the ports that the kernel gives to
// clients, so that a killed server finds its port free when it is started again.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		n, err := rand.Int(rand.Reader, big.NewInt(10_000))
		if err != nil {
			t.Fatal(err)
		}
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+n.Int64()))
		if err == nil && l.Close() == nil {
			return l.Addr().String()
		}
	}
	t.Fatal("no free port between 20,000 and 30,000")
	return ""
}

// command prepares a run of the binary in the program's environment.
func (p *Program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Binary, args...) //nolint:gosec // our own binary
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "ADGANG_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, "ADGANG_TEST_CVR=1", "ADGANG_DATA="+p.Data)
	cmd.Env = append(cmd.Env, p.Env...)
	return cmd
}

// Run runs a command to its end.
func (p *Program) Run(t testing.TB, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	cmd := p.command(ctx, args...)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	err := cmd.Run()
	if _, isExit := errors.AsType[*exec.ExitError](err); err != nil && !isExit || ctx.Err() != nil {
		t.Fatalf("adgang %s: %v: %s", strings.Join(args, " "), errors.Join(err, ctx.Err()), problem.String())
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Out: out.String(), Err: problem.String()}
}

// Must is Run for a command that has to exit with code; into, unless nil, gets
// the JSON that it prints.
func (p *Program) Must(t testing.TB, code int, into any, args ...string) Result {
	t.Helper()
	r := p.Run(t, args...)
	if r.Code != code {
		t.Fatalf("adgang %s = %d, want %d\n%s%s", strings.Join(args, " "), r.Code, code, r.Out, r.Err)
	}
	if into == nil {
		return r
	}
	if err := json.Unmarshal([]byte(r.Out), into); err != nil {
		t.Fatalf("adgang %s: %v: %s", strings.Join(args, " "), err, r.Out)
	}
	return r
}

// Serve starts the server and returns when it is ready. It ends with the test.
func (p *Program) Serve(t testing.TB, flags ...string) {
	t.Helper()
	p.log, p.ended = &bytes.Buffer{}, make(chan struct{})
	p.server = p.command(context.WithoutCancel(t.Context()), append([]string{"serve"}, flags...)...)
	p.server.Stdout, p.server.Stderr = p.log, p.log
	if err := p.server.Start(); err != nil {
		t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}(p.server, p.ended)
	client := NewClient(t, p.BaseURL, nil)
	Until(t, "the server", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("serve ended at once: %s", p.log)
		default:
		}
		res, err := client.HTTP.Do(client.Request(t, http.MethodGet, "/readyz", nil))
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
}

// Process is the ID of the server's process.
func (p *Program) Process() int { return p.server.Process.Pid }

// Kill is kill -9 of the server, if it runs: nothing is finished.
func (p *Program) Kill(t testing.TB) { p.end(t, os.Kill) }

// Interrupt asks the server to end, as Ctrl-C does, and returns its exit code and
// what it has printed.
func (p *Program) Interrupt(t testing.TB) (code int, log string) {
	t.Helper()
	p.end(t, os.Interrupt)
	return p.server.ProcessState.ExitCode(), p.log.String()
}

func (p *Program) end(t testing.TB, signal os.Signal) {
	t.Helper()
	if p.server == nil {
		return
	}
	if err := p.server.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("end the server: %v", err)
	}
	late := time.NewTimer(Patience)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		_ = p.server.Process.Kill()
		t.Errorf("the server did not end: %s", p.log)
	}
}

// Client is not logged in.
func (p *Program) Client(t testing.TB) *Client {
	t.Helper()
	return NewClient(t, p.BaseURL, nil)
}

// Token is a client with a new API token of the organisation.
func (p *Program) Token(t testing.TB, role string) *Client {
	t.Helper()
	c := p.Client(t)
	c.Token = strings.TrimSpace(p.Must(t, 0, nil, "token", "create", "--org", CVR, "--role", role).Out)
	return c
}

// MailedToken is the link token in the newest mail to an address; it waits until
// there is one.
func (p *Program) MailedToken(t testing.TB, address string) (token string) {
	t.Helper()
	Until(t, "a mail to "+address, func() bool {
		token = linkIn(t, mail.Mailbox(filepath.Join(p.Data, "mail")), address)
		return token != ""
	})
	return token
}

// DB opens the program's database beside it.
func (p *Program) DB(t testing.TB) *bun.DB {
	t.Helper()
	db, err := store.Open("", p.Data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// EmptyPostgresURL creates a database without a schema and returns its URL; it is
// dropped when the test ends.
func EmptyPostgresURL(t testing.TB) string {
	t.Helper()
	server := Need(t, EnvDatabase)
	name := fmt.Sprintf("adgang_empty_%d_%d", os.Getpid(), databases.Add(1))
	creating.Lock()
	err := execOn(server, "CREATE DATABASE "+name)
	creating.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		drop(t, server, name)
	})
	return WithDatabase(server, name)
}

// Until polls until done, with the patience that a busy machine needs.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s did not come within %s", what, Patience)
		}
	}
}
