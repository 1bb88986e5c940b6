package pki_test

import (
	"crypto"
	"strings"
	"testing"

	"github.com/adgang/adgang/internal/pki"
)

// OpenSSL as a reader of its own accepts every profile, for the purposes that are
// meant and no other.
func TestProfilesWithOpenSSL(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.RSA)
	for _, tc := range []struct {
		name    string
		subject pki.Subject
		rsa     bool
		fits    []string // purposes
		not     []string
		text    []string
	}{
		{"employee", someone(), false, []string{"sslclient"}, nil, []string{"UI:DK-E:G:", "email:aase@example.dk"}},
		{"organisation", something(pki.ProfileOrganisation), true, []string{"sslclient", "smimesign"}, nil, []string{"UI:DK-O:G:", "Non Repudiation", "NTRDK-12345678"}},
		{"system", something(pki.ProfileSystem), false, []string{"sslclient"}, nil, []string{"UI:DK-O:G:", "Digital Signature"}},
		{"mailbox", something(pki.ProfileSecureEmail), true, []string{"smimesign", "smimeencrypt"}, []string{"sslclient", "sslserver"}, []string{"E-mail Protection", "email:post@example.dk"}},
		{"mail of a person", mailOf("bøje@ærø.example"), false, []string{"smimesign"}, []string{"sslserver"}, []string{"UI:DK-E:G:", "othername"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var key crypto.Signer = newKey(t)
			if tc.rsa {
				key = rsaKey(t, 3072)
			}
			der := h.issue(t, key, tc.subject)
			files := map[string][]byte{"root": armour("CERTIFICATE", h.root), "issuing": armour("CERTIFICATE", h.issuing), "leaf": armour("CERTIFICATE", der)}
			profile := tc.subject.Profile
			if profile == "" {
				profile = pki.ProfileEmployee
			}
			verify := []string{"verify", "-x509_strict", "-policy_check", "-explicit_policy", "-policy", profile.Policy(pki.PolicyArc), "-CAfile", "root", "-untrusted", "issuing", "-attime", "1774834275"}
			for _, purpose := range tc.fits {
				if out, err := openssl(t, files, append(verify, "-purpose", purpose, "leaf")...); err != nil {
					t.Errorf("not fit for %s: %v\n%s", purpose, err, out)
				}
			}
			for _, purpose := range tc.not {
				if out, err := openssl(t, files, append(verify, "-purpose", purpose, "leaf")...); err == nil {
					t.Errorf("fit for %s:\n%s", purpose, out)
				}
			}
			text, err := openssl(t, files, "x509", "-in", "leaf", "-noout", "-text")
			for _, want := range tc.text {
				if err != nil || !strings.Contains(text, want) {
					t.Errorf("openssl x509: %v, %q is missing in\n%s", err, want, text)
				}
			}
		})
	}
}

// A login is for people: a certificate of another profile is none, and each is
// read as what it is where its profile is asked for.
func TestVerifyAsksForTheProfile(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	for _, p := range pki.Profiles {
		subject := something(p)
		if p == pki.ProfileEmployee {
			subject = someone()
		}
		der := h.issue(t, newKey(t), subject)
		leaf, err := h.trust.Verify(der, day, p)
		if err != nil || leaf.Profile != p || leaf.UUID != strings.ToLower(subject.UUID) || leaf.Name != subject.Name || leaf.Email != subject.Email || leaf.Person != (p == pki.ProfileEmployee) {
			t.Errorf("%s: Verify = %+v, %v", p, leaf, err)
		}
		for _, other := range pki.Profiles {
			if _, err := h.trust.Verify(der, day, other); (reasonOf(err) == "") != (other == p) {
				t.Errorf("%s taken for %s: %v", p, other, err)
			}
		}
		if _, err := h.trust.Verify(der, day); (reasonOf(err) == "") != (p == pki.ProfileEmployee) {
			t.Errorf("%s logs in: %v", p, err)
		}
	}
}

func TestPolicyArc(t *testing.T) {
	t.Parallel()
	h := newHierarchy(t, pki.ECDSA)
	for arc, ok := range map[string]bool{
		"1.3.6.1.4.1.32473.5": true, "2.25.329800735698586629295641978511506172918": true, "": true,
		"1.2.208.169.1.1.1": false, "1.2.208.169": false, "0.4.0.2042.1": false, "2.23.140.1": false, "2.5.29.32": false,
		"1": false, "x": false, "1.3.": false, "9.1.1": false,
	} {
		issuer, err := pki.NewIssuer(h.issuing, urls, arc)
		if (err == nil) != ok {
			t.Errorf("NewIssuer with the arc %q = %v", arc, err)
		}
		if !ok || err != nil {
			continue
		}
		draft, err := issuer.Draft(request(t, newKey(t)), something(pki.ProfileSystem), day)
		if err != nil {
			t.Fatalf("%q: %v", arc, err)
		}
		der, err := draft.Sign(h.issuingKey)
		if err != nil {
			t.Fatal(err)
		}
		want := arc
		if arc == "" {
			want = pki.PolicyArc
		}
		if got := parse(t, der).Policies; len(got) != 1 || got[0].String() != want+".3" {
			t.Errorf("policies below %q are %v", arc, got)
		}
		trust, err := pki.NewTrust([][]byte{h.root}, [][]byte{h.issuing}, arc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trust.Verify(der, day, pki.ProfileSystem); err != nil {
			t.Errorf("Verify below %q = %v", arc, err)
		}
		if _, err := h.trust.Verify(der, day, pki.ProfileSystem); (err == nil) != (want == pki.PolicyArc) {
			t.Errorf("Verify by an authority of another arc than %q = %v", arc, err)
		}
	}
}
