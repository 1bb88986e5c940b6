// Package config turns the environment into one validated value. Only cmd and
// app read it; every other package gets plain values. A wrong value is one
// sentence that names the variable.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Variables lists every variable that Adgang reads; any other ADGANG_ name in
// the environment is a mistake that Load reports.
var Variables = []string{
	"ADGANG_ADDR", "ADGANG_BASE_URL", "ADGANG_DATA", "ADGANG_DATABASE_URL", "ADGANG_REDIS_URL", "ADGANG_SMTP_URL",
	"ADGANG_MAIL_FROM", "ADGANG_KEY_FILE", "ADGANG_KEY_FILE_ALGORITHM", "ADGANG_PHASES", "ADGANG_MAX_UPLOAD",
	"ADGANG_TRUSTED_PROXIES", "ADGANG_METRICS_TOKEN", "ADGANG_LOG", "ADGANG_TEST_CVR", "ADGANG_CA_ALGORITHM",
	"ADGANG_PKI_URL", "ADGANG_POLICY_ARC", "ADGANG_TLS_ADDR", "ADGANG_TLS_CERT_FILE", "ADGANG_TLS_KEY_FILE",
	"ADGANG_CVR_URL", "ADGANG_CVR_USER", "ADGANG_CVR_PASSWORD_FILE", "ADGANG_CVR_FILE", "ADGANG_RECOVERY_WAIT", "ADGANG_PRIVATE_HOSTS",
	"ADGANG_PKCS11_MODULE", "ADGANG_PKCS11_TOKEN", "ADGANG_PKCS11_PIN_FILE",
	"ADGANG_WEAK_KEYS",
	"ADGANG_AUTHORITIES",
}

// Config is the validated environment.
type Config struct {
	Addr    string   // host:port to listen on
	BaseURL *url.URL // scheme and host only; what people and services see
	// PKIURL is where certificates say that their issuer's files are: http, host
	// only.
	PKIURL       *url.URL
	Data         string // folder of the embedded default
	DatabaseURL  string // "" = SQLite in Data
	RedisURL     string // "" = in-process
	SMTPURL      string // "" = files in Data/mail
	MailFrom     string
	KeyFile      string // path of the master key
	KeyAlgorithm string // of employees' key files: P-256 or RSA-3072
	CAAlgorithm  string // of the issuing authority when it is first made: RSA or ECDSA
	PolicyArc    string // of the issuing authority when it is first made, "" = the program's own
	// The listener that Adgang terminates TLS of itself, for machines; "" = none.
	TLSAddr, TLSCertFile, TLSKeyFile string

	// Authorities is a PEM file of authorities by which the inventory recognises
	// certificates, beside those that come with the program; "" = none.
	Authorities string
	WeakKeys    string // folder with lists of keys that get no certificate, "" = none

	// The PKCS#11 token on which authorities have their keys; "" = the database.
	TokenModule, TokenLabel, TokenPINFile string

	LimitedAt    *time.Time
	ClosedAt     *time.Time
	MaxUpload    int64 // bytes
	Proxies      []netip.Prefix
	MetricsToken string
	// The company register: Virk's distribution API, or a file of companies; with
	// neither, the fictitious ones that the program brings along.
	CVRURL, CVRUser, CVRPasswordFile, CVRFile string
	RecoveryWait                              time.Duration // before a new administrator is appointed; 0 = the default
	PrivateHosts                              bool          // scans and webhooks may reach private networks
	LogJSON                                   bool
	TestData                                  bool // test CVR and CPR numbers are accepted with a notice
	Demo                                      bool
}

// Error names the variable that is wrong.
type Error struct{ Variable, Text string }

func (e *Error) Error() string { return e.Variable + " " + e.Text + "." }

func wrong(variable, text string, args ...any) error {
	return &Error{variable, fmt.Sprintf(text, args...)}
}

// Embedded tells whether the embedded default runs: SQLite and the in-process
// queue.
func (c Config) Embedded() bool { return c.DatabaseURL == "" }

// MailFolder is where mail goes without an SMTP server.
func (c Config) MailFolder() string { return filepath.Join(c.Data, "mail") }

// Loopback tells whether the listener can be reached from this machine only.
func (c Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && loopback(host)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Load reads the environment (as os.Environ gives it) for a command; demo is
// the --demo flag of serve and now the clock's instant, which the demo's phases
// are relative to. Errors are *Error.
func Load(environ []string, demo bool, now time.Time) (Config, error) {
	env := map[string]string{}
	for _, pair := range environ {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "ADGANG_") && value != "" {
			env[name] = value
		}
	}
	c := Config{
		Addr: or(env["ADGANG_ADDR"], "127.0.0.1:8080"), Data: or(env["ADGANG_DATA"], "data"),
		DatabaseURL: env["ADGANG_DATABASE_URL"], RedisURL: env["ADGANG_REDIS_URL"], SMTPURL: env["ADGANG_SMTP_URL"],
		KeyFile: env["ADGANG_KEY_FILE"], WeakKeys: env["ADGANG_WEAK_KEYS"], Authorities: env["ADGANG_AUTHORITIES"], MetricsToken: env["ADGANG_METRICS_TOKEN"], Demo: demo,
	}
	for _, step := range []func(*Config, map[string]string) error{
		readNames, readAddresses, readTLS, readToken, readStores, readRegister, readChoices, readLimits,
	} {
		if err := step(&c, env); err != nil {
			return Config{}, err
		}
	}
	if err := readPhases(&c, env["ADGANG_PHASES"], now); err != nil {
		return Config{}, err
	}
	if demo {
		return c, checkDemo(&c)
	}
	return c, nil
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// readNames refuses a misspelt variable, which would otherwise be a default
// that nobody asked for. ADGANG_TEST_* other than TEST_CVR belongs to tests.
func readNames(_ *Config, env map[string]string) error {
	for name := range env {
		known := strings.HasPrefix(name, "ADGANG_TEST_")
		for _, v := range Variables {
			known = known || v == name
		}
		if !known {
			return wrong(name, "is not a variable that Adgang knows; see docs/operations.md for the list")
		}
	}
	return nil
}

func readAddresses(c *Config, env map[string]string) error {
	_, port, err := net.SplitHostPort(c.Addr)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 0 || n > 65535 {
		return wrong("ADGANG_ADDR", "must be host:port, like 127.0.0.1:8080, not %q", c.Addr)
	}
	base := or(env["ADGANG_BASE_URL"], "http://localhost:"+port)
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return wrong("ADGANG_BASE_URL", "must be http(s)://host[:port] without a path, not %q", base)
	}
	// Browsers leave the scheme's own port out, so the origin has none either.
	host := strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	c.BaseURL = &url.URL{Scheme: u.Scheme, Host: host}
	if err := readPKI(c, env["ADGANG_PKI_URL"]); err != nil {
		return err
	}
	c.MailFrom = or(env["ADGANG_MAIL_FROM"], "adgang@"+mailHost(c.BaseURL.Hostname()))
	if at := strings.LastIndexByte(c.MailFrom, '@'); at < 1 || at == len(c.MailFrom)-1 || strings.ContainsAny(c.MailFrom, " \r\n<>,;") {
		return wrong("ADGANG_MAIL_FROM", "must be one e-mail address, not %q", c.MailFrom)
	}
	for one := range strings.SplitSeq(env["ADGANG_TRUSTED_PROXIES"], ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(one)
		if err != nil {
			ip, ipErr := netip.ParseAddr(one)
			if ipErr != nil {
				return wrong("ADGANG_TRUSTED_PROXIES", "must be addresses or networks with commas between, like 10.0.0.0/8; %q is neither", one)
			}
			prefix = netip.PrefixFrom(ip, ip.BitLen())
		}
		c.Proxies = append(c.Proxies, prefix)
	}
	return nil
}

// readPKI wants http: whoever checks a certificate cannot first check the
// certificate of a TLS server (RFC 5280 section 8).
func readPKI(c *Config, text string) error {
	c.PKIURL = &url.URL{Scheme: "http", Host: c.BaseURL.Host}
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return wrong("ADGANG_PKI_URL", "must be http://host[:port] without a path, not %q: certificates are checked over plain http", text)
	}
	c.PKIURL.Host = strings.TrimSuffix(strings.ToLower(u.Host), ":80")
	return nil
}

// readTLS reads the listener for machines.
func readTLS(c *Config, env map[string]string) error {
	c.TLSAddr, c.TLSCertFile, c.TLSKeyFile = env["ADGANG_TLS_ADDR"], env["ADGANG_TLS_CERT_FILE"], env["ADGANG_TLS_KEY_FILE"]
	if c.TLSAddr == "" && c.TLSCertFile == "" && c.TLSKeyFile == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(c.TLSAddr)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 0 || n > 65535 {
		return wrong("ADGANG_TLS_ADDR", "must be host:port, like 0.0.0.0:8443, not %q", c.TLSAddr)
	}
	for variable, value := range map[string]string{"ADGANG_TLS_CERT_FILE": c.TLSCertFile, "ADGANG_TLS_KEY_FILE": c.TLSKeyFile} {
		if value == "" {
			return wrong(variable, "is missing: it goes together with ADGANG_TLS_ADDR")
		}
	}
	return nil
}

// readToken reads which token authorities have their keys on.
func readToken(c *Config, env map[string]string) error {
	c.TokenModule, c.TokenLabel, c.TokenPINFile = env["ADGANG_PKCS11_MODULE"], env["ADGANG_PKCS11_TOKEN"], env["ADGANG_PKCS11_PIN_FILE"]
	if c.TokenModule == "" && c.TokenLabel == "" && c.TokenPINFile == "" {
		return nil
	}
	for variable, value := range map[string]string{
		"ADGANG_PKCS11_MODULE": c.TokenModule, "ADGANG_PKCS11_TOKEN": c.TokenLabel, "ADGANG_PKCS11_PIN_FILE": c.TokenPINFile,
	} {
		if value == "" {
			return wrong(variable, "is missing: a token is named by ADGANG_PKCS11_MODULE, ADGANG_PKCS11_TOKEN and ADGANG_PKCS11_PIN_FILE together")
		}
	}
	return nil
}

func mailHost(host string) string {
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return "localhost.localdomain"
	}
	return host
}

func readStores(c *Config, _ map[string]string) error {
	if (c.DatabaseURL == "") != (c.RedisURL == "") {
		missing, given := "ADGANG_REDIS_URL", "ADGANG_DATABASE_URL"
		if c.DatabaseURL == "" {
			missing, given = given, missing
		}
		return wrong(missing, "is missing: %s is set, and PostgreSQL and Redis go together (leave both empty for the embedded default)", given)
	}
	if err := scheme("ADGANG_DATABASE_URL", c.DatabaseURL, "postgres", "postgresql"); err != nil {
		return err
	}
	if err := scheme("ADGANG_REDIS_URL", c.RedisURL, "redis", "rediss", "redis-sentinel"); err != nil {
		return err
	}
	if err := scheme("ADGANG_SMTP_URL", c.SMTPURL, "smtp", "smtps"); err != nil {
		return err
	}
	if c.KeyFile == "" && !c.Embedded() {
		return wrong("ADGANG_KEY_FILE", "is required with ADGANG_DATABASE_URL: a file with the master key that every node reads (head -c 32 /dev/urandom | base64)")
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "master.key")
	}
	return nil
}

// readRegister reads where companies are looked up. A password goes over TLS
// only, but to this machine.
func readRegister(c *Config, env map[string]string) error {
	c.CVRURL, c.CVRUser = strings.TrimSuffix(env["ADGANG_CVR_URL"], "/"), env["ADGANG_CVR_USER"]
	c.CVRPasswordFile, c.CVRFile = env["ADGANG_CVR_PASSWORD_FILE"], env["ADGANG_CVR_FILE"]
	if err := scheme("ADGANG_CVR_URL", c.CVRURL, "https", "http"); err != nil {
		return err
	}
	if u, err := url.Parse(c.CVRURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return wrong("ADGANG_CVR_URL", "must start with https://, for a password goes along")
	}
	if c.CVRURL != "" && c.CVRFile != "" {
		return wrong("ADGANG_CVR_FILE", "must be empty when ADGANG_CVR_URL is set: there is one register")
	}
	if (c.CVRUser == "") != (c.CVRPasswordFile == "") || c.CVRUser != "" && c.CVRURL == "" {
		return wrong("ADGANG_CVR_USER", "goes together with ADGANG_CVR_URL and ADGANG_CVR_PASSWORD_FILE")
	}
	if text := env["ADGANG_RECOVERY_WAIT"]; text != "" {
		wait, err := time.ParseDuration(text)
		if err != nil || wait < time.Hour || wait > 90*24*time.Hour {
			return wrong("ADGANG_RECOVERY_WAIT", "must be a time from 1h to 2160h, like 168h, not %q", text)
		}
		c.RecoveryWait = wait
	}
	return nil
}

func scheme(variable, value string, allowed ...string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err == nil && u.Host != "" {
		for _, s := range allowed {
			if u.Scheme == s {
				return nil
			}
		}
	}
	// The value may hold a password, so it is not repeated.
	return wrong(variable, "must be a URL that starts with %s://", strings.Join(allowed, ":// or "))
}

func readChoices(c *Config, env map[string]string) error {
	var err error
	if c.KeyAlgorithm, err = oneOf("ADGANG_KEY_FILE_ALGORITHM", env, "P-256", "RSA-3072"); err != nil {
		return err
	}
	if c.CAAlgorithm, err = oneOf("ADGANG_CA_ALGORITHM", env, "RSA", "ECDSA"); err != nil {
		return err
	}
	if c.PolicyArc = env["ADGANG_POLICY_ARC"]; c.PolicyArc != "" && !arcForm.MatchString(c.PolicyArc) {
		return wrong("ADGANG_POLICY_ARC", "must be an arc of object identifiers, like 1.3.6.1.4.1.32473.1, not %q", c.PolicyArc)
	}
	log, err := oneOf("ADGANG_LOG", env, "text", "json")
	c.LogJSON = log == "json"
	if err != nil {
		return err
	}
	test, err := oneOf("ADGANG_TEST_CVR", env, "0", "1")
	c.TestData = test == "1" || c.Demo
	return err
}

// arcForm is the form of an arc; whose it is, pki.CheckPolicyArc knows.
var arcForm = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*)){2,}$`)

// oneOf returns the value of the variable, the first of allowed when empty.
func oneOf(variable string, env map[string]string, allowed ...string) (string, error) {
	value := or(env[variable], allowed[0])
	for _, a := range allowed {
		if value == a {
			return value, nil
		}
	}
	return "", wrong(variable, "must be one of %s, not %q", strings.Join(allowed, ", "), value)
}

func readLimits(c *Config, env map[string]string) error {
	private, err := oneOf("ADGANG_PRIVATE_HOSTS", env, "0", "1")
	if err != nil {
		return err
	}
	c.PrivateHosts = private == "1"
	c.MaxUpload = 256 << 20
	if text := env["ADGANG_MAX_UPLOAD"]; text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return wrong("ADGANG_MAX_UPLOAD", "must be a positive number of bytes, not %q", text)
		}
		c.MaxUpload = n
	}
	return nil
}

// readPhases reads "limited_operation=INSTANT,closed=INSTANT" in RFC 3339;
// either may be left out.
func readPhases(c *Config, text string, now time.Time) error {
	if text == "" && c.Demo {
		day := now.UTC().Truncate(24 * time.Hour)
		limited, closed := day.AddDate(0, 0, -30), day.AddDate(0, 0, 93)
		c.LimitedAt, c.ClosedAt = &limited, &closed
		return nil
	}
	for one := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		at, err := time.Parse(time.RFC3339, value)
		switch {
		case err != nil:
			return wrong("ADGANG_PHASES", "must be limited_operation=INSTANT,closed=INSTANT with instants like 2023-06-30T00:00:00Z; %q is not", one)
		case name == "limited_operation":
			c.LimitedAt = &at
		case name == "closed":
			c.ClosedAt = &at
		default:
			return wrong("ADGANG_PHASES", "knows the phases limited_operation and closed, not %q", name)
		}
	}
	if c.LimitedAt != nil && c.ClosedAt != nil && !c.LimitedAt.Before(*c.ClosedAt) {
		return wrong("ADGANG_PHASES", "must have limited_operation before closed")
	}
	return nil
}

func checkDemo(c *Config) error {
	if !c.Loopback() {
		return wrong("ADGANG_ADDR", "must be a loopback address with --demo, whose administrator's key lies on this disk; %s is not", c.Addr)
	}
	if c.DatabaseURL != "" {
		return wrong("ADGANG_DATABASE_URL", "must be empty with --demo, which runs on the embedded default only")
	}
	if c.SMTPURL != "" {
		return wrong("ADGANG_SMTP_URL", "must be empty with --demo, whose fictitious mail stays in files")
	}
	return nil
}
