package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// export writes a file with the given data rows.
func export(t *testing.T, rows ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "export.csv")
	text := "RID;Fornavn;Efternavn;E-mail;CPR\n" + strings.Join(append(rows, ""), "\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	anna  = "1290000000001;Anna;Ågård;anna@nordvind.example;610150-0001"
	bo    = "1290000000002;Bo;Berg;bo@nordvind.example;610151-0002"
	wrong = "1290000000003;Carl;Dahl;carl(at)nordvind.example;610152-0003"
)

// sentence fails the test unless stderr is one line that names what it is about
// and nothing is on stdout.
func sentence(t *testing.T, r testkit.Result, code int, about string) {
	t.Helper()
	line, ended := strings.CutSuffix(r.Err, "\n")
	if r.Code != code || !ended || strings.Contains(line, "\n") || !strings.HasPrefix(line, "adgang: ") || !strings.Contains(line, about) || r.Out != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q; want %d and a line about %q", r.Code, r.Out, r.Err, code, about)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	file := export(t, anna)
	for _, tc := range []struct{ line, about string }{
		{"serve --port 1", "-port"},
		{"serve now", "serve takes 0 arguments"},
		{"work", "ADGANG_DATABASE_URL"},
		{"migrate twice", "migrate takes 0 arguments"},
		{"usage --month May", "YYYY-MM"},
		{"usage now", "usage takes 0 arguments"},
		{"import FILE", "--org"},
		{"import --org 12345678", "import takes 1 arguments"},
		{"import --org 12345678 FILE FILE", "import takes 1 arguments"},
		{"import --org 12345678 --fast FILE", "-fast"},
		{"import --org 12345678 --dry-run --start FILE", "--dry-run"},
		{"import --org 12345678 --dry-run --wait FILE", "--dry-run"},
		{"import --org 12345678 --dry-run --start --wait FILE", "--dry-run"},
		{"import --org 12345678 --wait FILE", "--start"},
		{"import --org 12345678 /nowhere/export.csv", "/nowhere/export.csv"},
		{"import --org 87654321 FILE", "87654321"},
		{"import --org 12345678 /dev/null", "empty"},
		{"batch show", "batch show takes 1 arguments"},
		{"batch show 01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8057"},
		{"org create --cvr 12345678", "--name"},
		{"org create --cvr 12345678 --name A --admin-email a@b.example", "12345678"},
		{"org create --cvr 1234567 --name A --admin-email a@b.example", "1234567"},
		{"org create --cvr 87654321 --name A --admin-email nobody", "nobody"},
		{"token create --org 12345678", "--role"},
		{"token create --org 12345678 --role king", "king"},
		{"token create --org 87654321 --role user-administrator", "87654321"},
		{"sample --rows 0", "--rows"},
		{"sample --rows many", "many"},
		{"version 2", "version takes 0 arguments"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			t.Parallel()
			sentence(t, p.Run(t, strings.Fields(strings.ReplaceAll(tc.line, "FILE", file))...), 2, tc.about)
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	for line, code := range map[string]int{
		"help": 0, "--help": 0, "": 2, "launch": 2, "batch": 2, "org delete": 2,
	} {
		r := p.Run(t, strings.Fields(line)...)
		if r.Code != code || !strings.Contains(r.Err, "adgang import --org CVR [--dry-run] [--start] [--wait] [--json] FILE") {
			t.Errorf("adgang %s = %d %s, want %d and the commands", line, r.Code, r.Err, code)
		}
	}
	if r := p.Run(t, "import", "-h"); r.Code != 0 || !strings.HasPrefix(r.Err, "usage: adgang import --org CVR") {
		t.Errorf("adgang import -h = %d %s", r.Code, r.Err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ variable, env string }{
		{"ADGANG_ADDR", "8080"},
		{"ADGANG_BASE_URL", "ftp://adgang.example"},
		{"ADGANG_BASE_URL", "https://adgang.example/path"},
		{"ADGANG_DATABASE_URL", "mysql://h/d ADGANG_REDIS_URL=redis://h ADGANG_KEY_FILE=/k"},
		{"ADGANG_DATABASE_URL", " ADGANG_REDIS_URL=redis://127.0.0.1:1"},
		{"ADGANG_REDIS_URL", " ADGANG_DATABASE_URL=postgres://127.0.0.1:1/a"},
		{"ADGANG_REDIS_URL", "http://h ADGANG_DATABASE_URL=postgres://h/d ADGANG_KEY_FILE=/k"},
		{"ADGANG_KEY_FILE", " ADGANG_DATABASE_URL=postgres://127.0.0.1:1/a ADGANG_REDIS_URL=redis://127.0.0.1:1"},
		{"ADGANG_KEY_FILE", "/etc/hostname"},
		{"ADGANG_DATA", "/dev/null"},
		{"ADGANG_SMTP_URL", "http://mail.example"},
		{"ADGANG_MAIL_FROM", "nobody"},
		{"ADGANG_PHASES", "closed=tomorrow"},
		{"ADGANG_PHASES", "open=2026-01-01T00:00:00Z"},
		{"ADGANG_MAX_UPLOAD", "1GB"},
		{"ADGANG_TRUSTED_PROXIES", "proxy"},
		{"ADGANG_LOG", "loud"},
		{"ADGANG_TEST_CVR", "yes"},
		{"ADGANG_COLOUR", "red"},
	} {
		t.Run(tc.variable+"="+tc.env, func(t *testing.T) {
			t.Parallel()
			p := testkit.NewProgram(t, strings.Split(tc.variable+"="+tc.env, " ")...)
			sentence(t, p.Run(t, "serve"), 2, tc.variable+" ")
		})
	}
}

func TestServeRefused(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	p.Serve(t)
	for _, tc := range []struct {
		name, about string
		env, args   []string
	}{
		{"a second server on the data", "ADGANG_DATA", []string{"ADGANG_ADDR=127.0.0.1:0", "ADGANG_BASE_URL=http://localhost:1"}, nil},
		{"a second server on the port", "ADGANG_ADDR", []string{"ADGANG_DATA=" + t.TempDir()}, nil},
		{"a demo that others could reach", "ADGANG_ADDR", []string{"ADGANG_ADDR=0.0.0.0:0", "ADGANG_DATA=" + t.TempDir()}, []string{"--demo"}},
		{"a demo on a shared database", "ADGANG_DATABASE_URL", []string{
			"ADGANG_DATABASE_URL=postgres://127.0.0.1:1/a", "ADGANG_REDIS_URL=redis://127.0.0.1:1", "ADGANG_KEY_FILE=" + filepath.Join(p.Data, "master.key"),
		}, []string{"--demo"}},
		{"a demo on the data of others", "ADGANG_DATA", []string{"ADGANG_ADDR=127.0.0.1:0"}, []string{"--demo"}},
		{"a demo on the data of others, again", "ADGANG_DATA", []string{"ADGANG_ADDR=127.0.0.1:0"}, []string{"--demo"}},
	} {
		other := *p
		other.Env = append(slices.Clone(p.Env), tc.env...)
		r := other.Run(t, append([]string{"serve"}, tc.args...)...)
		if sentence(t, r, 2, tc.about+" "); t.Failed() {
			t.Fatal(tc.name)
		}
	}
	if _, err := os.Stat(filepath.Join(p.Data, "demo")); !os.IsNotExist(err) {
		t.Errorf("a refused demo has marked the data folder: %v", err)
	}
	code, log := p.Interrupt(t)
	if code != 0 || !strings.Contains(log, "answers at "+p.BaseURL) {
		t.Errorf("serve ended with %d: %s", code, log)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	var made struct {
		CVR     string `json:"cvr"`
		Link    string `json:"activation_link"`
		Code    string `json:"installation_code"`
		Expires string `json:"expires_at"`
	}
	p.Must(t, 0, &made, "org", "create", "--cvr", "87654321", "--name", "Søvind & Søn", "--admin-email", "a@b.example", "--json")
	if made.CVR != "87654321" || !strings.HasPrefix(made.Link, p.BaseURL+"/activate#") || len(made.Code) != 19 || made.Expires == "" {
		t.Errorf("org create --json = %+v", made)
	}
	if mails, _ := filepath.Glob(filepath.Join(p.Data, "mail", "*.eml")); len(mails) != 0 {
		t.Errorf("org create has sent mail: %v", mails)
	}
	var token struct{ Token, Role string }
	p.Must(t, 0, &token, "token", "create", "--org", testkit.CVR, "--role", "user-administrator", "--json")
	if token.Token == "" || token.Role != "user-administrator" {
		t.Errorf("token create --json = %+v", token)
	}
	var about map[string]string
	p.Must(t, 0, &about, "version", "--json")
	if p.Must(t, 0, &about, "migrate", "--json"); about["version"] == "" || about["schema"] != "up to date" {
		t.Errorf("version and migrate --json = %v", about)
	}
	if a, b := p.Must(t, 0, nil, "sample", "--rows", "3", "--seed", "7"), p.Must(t, 0, nil, "sample", "--seed", "7", "--rows", "3"); a.Out != b.Out || strings.Count(a.Out, "\n") != 4 {
		t.Errorf("sample = %q, then %q", a.Out, b.Out)
	}
	// Without --json people get text.
	for _, args := range [][]string{{"version"}, {"migrate"}, {"token", "create", "--org", testkit.CVR, "--role", "user-administrator"}} {
		if r := p.Must(t, 0, nil, args...); json.Valid([]byte(r.Out)) || r.Out == "" || r.Err != "" {
			t.Errorf("adgang %v = %q %q", args, r.Out, r.Err)
		}
	}
}

func TestTokenIsABearerToken(t *testing.T) {
	t.Parallel()
	p := testkit.NewProgram(t)
	p.Serve(t)
	for role, status := range map[string]int{
		"user-administrator": http.StatusOK, "organisation-administrator": http.StatusForbidden, "rights-administrator": http.StatusForbidden,
	} {
		client := p.Token(t, role)
		if a := client.Do(t, http.MethodGet, "/api/v1/batches", nil); a.Status != status {
			t.Errorf("GET /batches as %s = %d %s, want %d", role, a.Status, a.Body, status)
		}
		var who web.Session
		client.Must(t, http.StatusOK, http.MethodGet, "/api/v1/session", nil, &who)
		if who.Organisation.CVR != testkit.CVR || string(who.Roles[0]) != role {
			t.Errorf("GET /session as %s = %+v", role, who)
		}
	}
}

// PostgreSQL is changed by migrate and by nothing else.
func TestMigrate(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0o600); err != nil {
		t.Fatal(err)
	}
	p := testkit.NewProgram(t, "ADGANG_DATABASE_URL="+testkit.EmptyPostgresURL(t), "ADGANG_REDIS_URL=redis://127.0.0.1:1", "ADGANG_KEY_FILE="+key)
	create := []string{"org", "create", "--cvr", testkit.CVR, "--name", "A", "--admin-email", "a@b.example"}
	for _, args := range [][]string{
		{"serve"},
		{"work"},
		create,
		{"import", "--org", testkit.CVR, export(t, anna)},
		{"batch", "show", "x"},
		{"token", "create", "--org", testkit.CVR, "--role", "user-administrator"},
	} {
		sentence(t, p.Run(t, args...), 1, "adgang migrate")
	}
	for range 2 {
		p.Must(t, 0, nil, "migrate")
	}
	p.Must(t, 0, nil, create...)
	sentence(t, p.Run(t, create...), 2, testkit.CVR)
	sentence(t, p.Run(t, "serve", "--demo"), 2, "ADGANG_DATABASE_URL ")
}
