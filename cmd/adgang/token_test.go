//go:build pkcs11

package main_test

import (
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/adgang/adgang/internal/testkit"
)

// withPKCS11 builds the program with the tag, once.
var withPKCS11 = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("ADGANG_TEST_BINARY_PKCS11"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "adgang-pkcs11-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "adgang")
	cmd := exec.Command("go", "build", "-tags", "pkcs11", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

// The whole story of keys on a token: made by one process, used by a second, and
// by a third without the first knowing.
func TestAuthorityOnToken(t *testing.T) {
	t.Parallel()
	binary, err := withPKCS11()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := testkit.Token(t)
	on := []string{"ADGANG_PKCS11_MODULE=" + c.Module, "ADGANG_PKCS11_TOKEN=" + c.Label, "ADGANG_PKCS11_PIN_FILE=" + c.PINFile}
	p := testkit.NewProgram(t, append(on, "ADGANG_CA_ALGORITHM=ECDSA")...)
	without := p.Binary
	p.Binary, p.Data = binary, filepath.Join(t.TempDir(), "fresh")

	type authority struct {
		Role, State string
		Number      int
		KeyAt       string `json:"key_at"`
	}
	var all []authority
	p.Must(t, 0, &all, "ca", "init", "--json")
	if len(all) != 2 || !strings.HasPrefix(all[0].KeyAt, "token adgang-") || !strings.HasPrefix(all[1].KeyAt, "token adgang-") {
		t.Errorf("ca init = %+v", all)
	}
	var made struct {
		Link string `json:"activation_link"`
		Code string `json:"installation_code"`
	}
	p.Must(t, 0, &made, "org", "create", "--cvr", testkit.CVR, "--name", "Nordvind", "--admin-email", "aase@nordvind.example", "--admin-name", "Åse Ørsted", "--json")
	_, link, _ := strings.Cut(made.Link, "#")
	p.Serve(t)
	p.Must(t, 0, &all, "ca", "rollover", "--json")
	p.Must(t, 0, &all, "ca", "show", "--json")
	if len(all) != 3 || all[1].Number != 2 || all[1].State != "active" || !strings.HasPrefix(all[1].KeyAt, "token adgang-") {
		t.Errorf("ca show after the rollover = %+v", all)
	}
	web := p.Client(t)
	leaf, err := x509.ParseCertificate(web.Activate(t, link, made.Code).Leaf)
	if err != nil {
		t.Fatal(err)
	}
	issuing, err := x509.ParseCertificate(web.Must(t, http.StatusOK, http.MethodGet, "/ca/issuing.cer", nil, nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := leaf.CheckSignatureFrom(issuing); err != nil {
		t.Errorf("a certificate of the running process: %v", err)
	}
	p.Interrupt(t)

	if err := os.WriteFile(c.PINFile, []byte("000000"), 0o600); err != nil {
		t.Fatal(err)
	}
	sentence(t, p.Run(t, "ca", "show"), 2, "ADGANG_PKCS11_PIN_FILE")
	p.Binary = without
	sentence(t, p.Run(t, "ca", "show"), 2, "make bin/adgang-pkcs11")
	p.Env = p.Env[:1]
	sentence(t, p.Run(t, "ca", "show"), 1, "ADGANG_PKCS11_MODULE")
}
