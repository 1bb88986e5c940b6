package bench_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
)

const (
	loginRounds   = 5
	loginsEach    = 60
	loginPassword = "bench"
	loginService  = "https://service.example/metadata"
)

// BenchmarkLogin has people log in to a service from nothing: the service's signed
// request, the login page, the proof, and the form with the signed and encrypted
// assertion, with fresh cookies each. The other side is SimpleSAMLphp's identity
// provider (PHP's own server with four workers, compiled scripts kept), under the
// same load and by turns; it takes a password where Adgang takes a signature by a
// key file, and keeps no record. CPU is that of the servers, databases included.
func BenchmarkLogin(b *testing.B) {
	for _, where := range []string{"sqlite", "postgres"} {
		for _, kind := range []struct {
			name        string
			ecdsa       bool
			rate, spent float64 // goals: times SimpleSAMLphp's rate, and a share of its CPU time
		}{{"RSA-2048", false, 10, 14}, {"P-256", true, 20, 28}} {
			b.Run(where+"/"+kind.name, func(b *testing.B) {
				key := samlKey(b, time.Now())
				peer := peerLogin(b, key)
				ours := ownLogin(b, key, where, kind.ecdsa)
				for b.Loop() {
					result := comparison{name: "login to a service, " + where + ", " + kind.name, unit: "logins", limitName: "SimpleSAMLphp", goal: kind.rate}
					for range loginRounds {
						limit := peer.run(b)
						result.add(ours.run(b), limit)
					}
					less := middle(result.limit, pace.cpuEach) / middle(result.ours, pace.cpuEach)
					b.ReportMetric(less, "times-less-CPU")
					result.note = fmt.Sprintf(" = %.1f times less (goal %.0f: %s)", less, kind.spent, verdict(less >= kind.spent))
					result.report(b)
				}
			})
		}
	}
}

// provider is an identity provider under load.
type provider struct {
	servers []int // processes; their children count too
	ask     func() (address string, err error)
	prove   func(ctx context.Context, v visitor, at string, page []byte) ([]byte, error)
}

func (p provider) run(b *testing.B) pace {
	b.Helper()
	asked := make([]string, loginsEach)
	for i := range asked {
		var err error
		if asked[i], err = p.ask(); err != nil {
			b.Fatal(err)
		}
	}
	before := usedBy(p.servers...)
	result := spread(b, cpu{}, loginsEach, func(i int) error { return p.login(b.Context(), asked[i]) })
	result.cpu = usedBy(p.servers...) - before
	return result
}

func (p provider) login(ctx context.Context, address string) error {
	v, err := newVisitor()
	if err != nil {
		return err
	}
	at, page, err := v.visit(ctx, http.MethodGet, address, "", nil)
	if err != nil {
		return err
	}
	form, err := p.prove(ctx, v, at, page)
	if err != nil {
		return err
	}
	found := samlForm.FindSubmatch(form)
	if found == nil {
		return fmt.Errorf("no SAMLResponse in %s", form)
	}
	text, err := base64.StdEncoding.DecodeString(html.UnescapeString(string(found[1])))
	if err == nil && (!bytes.Contains(text, []byte("status:Success")) || !bytes.Contains(text, []byte("EncryptedAssertion"))) {
		err = fmt.Errorf("not a login: %s", text)
	}
	return err
}

var (
	samlForm  = regexp.MustCompile(`name="SAMLResponse" value="([^"]*)"`)
	authState = regexp.MustCompile(`name="AuthState" value="([^"]*)"`)
)

// visitor is a browser of one person.
type visitor struct {
	http    http.Client
	address string
}

// connections are shared by all: a browser's handshake is not what is measured.
var connections = &http.Transport{MaxIdleConnsPerHost: certificateClients}

// visitors have an address of their own each: requests from one are throttled.
var visitors atomic.Int32

func newVisitor() (visitor, error) {
	jar, err := cookiejar.New(nil)
	n := visitors.Add(1)
	return visitor{http.Client{Jar: jar, Transport: connections}, fmt.Sprintf("10.0.%d.%d", n/256%256, n%256)}, err
}

// visit follows redirects and returns where they end.
func (v visitor) visit(ctx context.Context, method, address, kind string, body io.Reader) (at string, page []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return "", nil, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	// As a proxy would say it.
	r.Header.Set("X-Forwarded-For", v.address)
	answer, err := v.http.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	page, err = io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %d %s", method, address, answer.StatusCode, page)
	}
	return answer.Request.URL.String(), page, err
}

// loginMetadata is the service's, with one key for all.
func loginMetadata(key oiosaml.Key) []byte {
	return fmt.Appendf(nil, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID=%q>
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="true" WantAssertionsSigned="true">
<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
<NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
<AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://service.example/acs"/>
</SPSSODescriptor></EntityDescriptor>`, loginService, base64.StdEncoding.EncodeToString(key.Certificate.Raw))
}

// asks returns what writes signed requests to the provider with that metadata.
func asks(b *testing.B, key oiosaml.Key, metadata []byte) func() (string, error) {
	b.Helper()
	to, err := oiosaml.ParseIdentity(metadata, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	return func() (string, error) {
		sent, err := key.Ask(to, oiosaml.Asking{
			ID: oiosaml.NewRequestID(), Issuer: loginService, Consumer: "https://service.example/acs", NameID: oiosaml.Persistent, RelayState: "a",
		}, time.Now())
		return sent.URL, err
	}
}

// peerLogin is SimpleSAMLphp, which signs the assertion only, as Adgang does.
func peerLogin(b *testing.B, key oiosaml.Key) provider {
	b.Helper()
	php := simplesamlphp.New(b, simplesamlphp.Options{Load: true, Password: loginPassword, IdP: []string{"'saml20.sign.response' => false,"}})
	php.Trust(b, "", loginMetadata(key))
	return provider{
		servers: []int{php.Process()},
		ask:     asks(b, key, php.IdP),
		prove: func(ctx context.Context, v visitor, at string, page []byte) ([]byte, error) {
			state := authState.FindSubmatch(page)
			if state == nil {
				return nil, fmt.Errorf("no login form at %s: %s", at, page)
			}
			address, _, _ := strings.Cut(at, "?")
			form := url.Values{"username": {"bo"}, "password": {loginPassword}, "AuthState": {html.UnescapeString(string(state[1]))}}
			_, page, err := v.visit(ctx, http.MethodPost, address, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
			return page, err
		},
	}
}

// ownLogin is the built program with its default workers.
func ownLogin(b *testing.B, key oiosaml.Key, where string, ecdsa bool) provider {
	b.Helper()
	env := []string{"ADGANG_TRUSTED_PROXIES=127.0.0.0/8", "ADGANG_LOG=text"}
	var servers []int
	if where == "postgres" {
		database := testkit.PostgresURL(b)
		env = append(env, "ADGANG_DATABASE_URL="+database, "ADGANG_REDIS_URL="+testkit.Need(b, testkit.EnvRedis))
		db, err := store.Open(database, "")
		if err != nil {
			b.Fatal(err)
		}
		servers = append(servers, cpuOf(b, db).postmaster)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
	p := testkit.NewProgram(b, env...)
	if where == "postgres" {
		p.Env = append(p.Env, "ADGANG_KEY_FILE="+filepath.Join(p.Data, "master.key"))
		var made struct {
			Link string `json:"activation_link"`
			Code string `json:"installation_code"`
		}
		p.Must(b, 0, &made, "org", "create", "--cvr", testkit.CVR, "--name", "Nordvind", "--admin-email", "aase@nordvind.example", "--json")
		_, p.Link, _ = strings.Cut(made.Link, "#")
		p.Code = made.Code
	}
	p.Serve(b)
	register(b, p, key, ecdsa)
	holder := p.Client(b).Activate(b, p.Link, p.Code)
	return provider{
		servers: append(servers, p.Process()),
		ask:     asks(b, key, p.Client(b).Must(b, http.StatusOK, http.MethodGet, "/saml/idp/metadata", nil, nil).Body),
		prove: func(ctx context.Context, v visitor, at string, _ []byte) ([]byte, error) {
			return prove(ctx, b, v, p.BaseURL, at, holder)
		},
	}
}

func register(b *testing.B, p *testkit.Program, key oiosaml.Key, ecdsa bool) {
	b.Helper()
	token := p.Token(b, "organisation-administrator")
	a := token.Do(b, http.MethodPost, "/api/v1/services", bytes.NewReader(loginMetadata(key)), "Content-Type", "application/samlmetadata+xml")
	if a.Status != http.StatusCreated {
		b.Fatalf("register the service: %d %s", a.Status, a.Body)
	}
	var service struct {
		ID string `json:"id"`
	}
	a.JSON(b, &service)
	var policy map[string]any
	token.Must(b, http.StatusOK, http.MethodGet, "/api/v1/services/"+service.ID+"/policy", nil, &policy)
	if policy["ecdsa"] = ecdsa; !ecdsa {
		return
	}
	token.Must(b, http.StatusOK, http.MethodPut, "/api/v1/services/"+service.ID+"/policy", policy, nil)
}

// prove does what the login page does, its two questions to the program included.
func prove(ctx context.Context, b *testing.B, v visitor, base, at string, holder testkit.KeyFile) ([]byte, error) {
	page, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	var challenge struct{ ID, Text string }
	if err := v.post(ctx, base+"/api/v1/login/challenges", map[string]any{"flow": page.Query().Get("flow")}, &challenge); err != nil {
		return nil, err
	}
	algorithm, signature := holder.Sign(b, challenge.Text)
	var next struct{ Continue string }
	err = v.post(ctx, base+"/api/v1/login/key-file", map[string]any{
		"challenge_id": challenge.ID, "algorithm": algorithm, "chain": [][]byte{holder.Leaf}, "signature": signature,
	}, &next)
	if err != nil {
		return nil, err
	}
	_, form, err := v.visit(ctx, http.MethodGet, base+next.Continue, "", nil)
	return form, err
}

func (v visitor) post(ctx context.Context, address string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, answer, err := v.visit(ctx, http.MethodPost, address, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// usedBy is the CPU time so far of processes and all that they have started.
func usedBy(roots ...int) time.Duration {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	all := make(map[int]procStat, len(paths))
	for _, path := range paths {
		if stat, ok := readStat(path); ok {
			all[stat.id] = stat
		}
	}
	var sum time.Duration
	for id, stat := range all {
		for at := id; at > 1; at = all[at].parent {
			if at == roots[0] || len(roots) > 1 && at == roots[1] {
				sum += stat.alive + stat.dead
				break
			}
		}
	}
	return sum
}
