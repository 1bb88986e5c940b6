package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/adgang/adgang/"
)

// levels is the architecture, lowest first: a package imports only packages of
// lower levels. A folder below one of these belongs to it. Tests are free.
var levels = []string{
	"internal/fault internal/form internal/secret internal/pki internal/token internal/config internal/outside migrations frontend",
	"internal/cvr internal/store internal/access internal/sheet internal/oiosaml",
	"internal/audit internal/outbox",
	"internal/setting internal/operator",
	"internal/mail",
	"internal/approval",
	"internal/org internal/ca",
	"internal/entitlement internal/credential internal/enrolment internal/session",
	"internal/attorney internal/review internal/revocation internal/onboarding internal/samlkey internal/feed",
	"internal/federation internal/cutover internal/roster internal/inventory internal/securemail",
	"internal/localidp internal/openid internal/conformance internal/reminder internal/usage internal/dossier",
	"internal/web internal/demo jobs",
	"internal/app",
	"cmd/adgang internal/testkit internal/archtest internal/cluster internal/bench",
}

// owners names the packages that may import a library, by the library's path or
// the beginning of it. What is not here is free, under the levels.
var owners = map[string][]string{
	"github.com/labstack/echo":            {"internal/web", "internal/bench"}, // bench: the bare handler that answers are compared with
	"github.com/hibiken/asynq":            {"jobs"},
	"github.com/crewjam/saml":             {"internal/oiosaml", "internal/demo"},
	"github.com/russellhaering/goxmldsig": {"internal/oiosaml", "internal/demo"},
	"github.com/jackc/pgx":                {"internal/store", "internal/testkit", "internal/cluster"},
	"modernc.org/sqlite":                  {"internal/store"},
	"github.com/wneessen/go-mail":         {"internal/mail"},
	"github.com/go-webauthn/webauthn":     {"internal/operator"},
	"github.com/zitadel/oidc":             {"internal/openid"},
	"github.com/go-jose/go-jose":          {"internal/openid"},
	"github.com/ThalesGroup/crypto11":     {"internal/token"},
	"github.com/miekg/pkcs11":             {"internal/token"},
}

// strangers are libraries that a package must do without.
var strangers = map[string][]string{
	"internal/web": {"github.com/uptrace/bun", "database/sql"},
}

// listed is what `go list -json` says about one package of this module.
type listed struct {
	ImportPath, Dir, Doc               string
	Imports                            []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// name is the package's path below the module.
func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages lists the module once for all tests here.
var packages = sync.OnceValues(func() ([]listed, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, errors.New(string(exit.Stderr))
	}
	if err != nil {
		return nil, err
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func inventory(t *testing.T) []listed {
	t.Helper()
	all, err := packages()
	if err != nil || len(all) == 0 {
		t.Fatalf("go list ./... = %d packages, %v", len(all), err)
	}
	return all
}

// place finds the entry of levels that a package belongs to, and its level.
func place(name string) (entry string, level int, ok bool) {
	for level, line := range levels {
		for _, entry := range strings.Fields(line) {
			if within(name, entry) {
				return entry, level, true
			}
		}
	}
	return "", 0, false
}

// within says whether the path is the tree's root or lies below it.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for _, p := range inventory(t) {
		entry, level, ok := place(p.name())
		if !ok {
			t.Errorf("%s has no level: give it one here and in docs/architecture.md", p.name())
			continue
		}
		for _, imported := range p.Imports {
			other, isOurs := strings.CutPrefix(imported, module)
			if !isOurs {
				continue
			}
			of, lower, known := place(other)
			if known && of != entry && lower >= level {
				t.Errorf("%s (level %d) imports %s (level %d)", p.name(), level, other, lower)
			}
		}
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	for _, p := range inventory(t) {
		entry, _, _ := place(p.name())
		for _, imported := range p.Imports {
			for library, allowed := range owners {
				if within(imported, library) && !slices.Contains(allowed, entry) {
					t.Errorf("%s imports %s, which belongs to %s", p.name(), imported, strings.Join(allowed, ", "))
				}
			}
			for _, library := range strangers[entry] {
				if within(imported, library) {
					t.Errorf("%s imports %s, which it must do without", p.name(), imported)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range inventory(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment", p.name())
		}
	}
}

// TestDocumentsNameThePackages compares README.md (one sentence per package) and
// docs/architecture.md (one line per level) with what is there.
func TestDocumentsNameThePackages(t *testing.T) {
	t.Parallel()
	readme, architecture := string(read(t, "README.md")), string(read(t, "docs/architecture.md"))
	for _, p := range inventory(t) {
		entry, level, _ := place(p.name())
		if row := "| `" + entry + "` | "; !strings.Contains(readme, row) {
			t.Errorf("README.md says nothing about %s: no row begins with %q", entry, row)
		}
		if line := fmt.Sprintf(`(?m)^\| %d \| .*`+"`%s`", level, regexp.QuoteMeta(entry)); !regexp.MustCompile(line).MatchString(architecture) {
			t.Errorf("docs/architecture.md does not have %s on level %d", entry, level)
		}
	}
}
