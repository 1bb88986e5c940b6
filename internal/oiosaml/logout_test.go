package oiosaml_test

import (
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/oiosaml/simplesamlphp"
)

// party is us as another side sees us: what we write must be readable by us.
func party() oiosaml.Party {
	return oiosaml.Party{EntityID: peer.Base + "/saml/idp/metadata", Signing: []*x509.Certificate{provider().Own().Key.Certificate}}
}

var named = oiosaml.NameID{Value: "https://data.gov.dk/model/core/eid/professional/uuid/1", Format: oiosaml.Persistent}

func logoutQuery(t *testing.T, to, relay string, at time.Time) string {
	t.Helper()
	m, err := provider().Own().AskLogout(oiosaml.LogoutService{Binding: oiosaml.HTTPRedirect, URL: to}, oiosaml.Leaving{Name: named, Session: "_session", Until: at.Add(time.Minute)}, relay, at)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(m.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.RawQuery
}

func TestLogoutRequest(t *testing.T) {
	t.Parallel()
	own := provider().Own()
	good := logoutQuery(t, own.SLO, "a&b=c d", peer.Noon)
	unsigned, _, _ := strings.Cut(good, "&SigAlg")
	for _, tc := range []struct {
		name, query string
		now         time.Time
		ok          bool
	}{
		{"as it was sent", good, peer.Noon, true},
		{"unsigned", unsigned, peer.Noon, false},
		{"another relay state", strings.Replace(good, "RelayState=a", "RelayState=b", 1), peer.Noon, false},
		{"too old", good, peer.Noon.Add(oiosaml.Skew + time.Second), false},
		{"from the future", good, peer.Noon.Add(-oiosaml.Skew - time.Second), false},
		{"for another address", logoutQuery(t, own.SLO+"/x", "", peer.Noon), peer.Noon, false},
	} {
		m, err := oiosaml.ReadLogoutRedirect(tc.query)
		if err != nil {
			t.Fatalf("%s: ReadLogoutRedirect = %v", tc.name, err)
		}
		r, err := m.Request(party(), own, tc.now)
		if (err == nil) != tc.ok || r.ID == "" {
			t.Errorf("%s: Request = %+v, %v", tc.name, r, err)
		}
		if tc.ok && (r.NameID != named || len(r.Sessions) != 1 || r.Sessions[0] != "_session" || r.RelayState != "a&b=c d") {
			t.Errorf("%s: Request = %+v", tc.name, r)
		}
	}
}

// Messages by POST verify with xmlsec1 and are valid by the schema.
func TestLogoutByOtherHands(t *testing.T) {
	t.Parallel()
	own, dir := provider().Own(), t.TempDir()
	ask, err := own.AskLogout(oiosaml.LogoutService{Binding: oiosaml.HTTPPost, URL: peer.ACS}, oiosaml.Leaving{Name: named, Session: "_session", Until: peer.Noon.Add(time.Minute)}, "", peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := own.AnswerLogout(oiosaml.LogoutService{Binding: oiosaml.HTTPPost, Answers: peer.ACS}, oiosaml.LogoutRequest{ID: "_a"}, oiosaml.Partial(), peer.Noon)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "key.der")
	if err := os.WriteFile(key, own.Key.Certificate.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for tag, m := range map[string]oiosaml.Move{"LogoutRequest": ask, "LogoutResponse": answer} {
		file := filepath.Join(dir, tag+".xml")
		if err := os.WriteFile(file, peer.Must(base64.StdEncoding.DecodeString(m.Value)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range [][]string{
			{"xmlsec1", "--verify", "--pubkey-cert-der", key, "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:" + tag, file},
			{"xmllint", "--nonet", "--noout", "--schema", filepath.Join(simplesamlphp.Schemas, "saml-schema-protocol-2.0.xsd"), file},
		} {
			if out, err := exec.CommandContext(t.Context(), cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", strings.Join(cmd, " "), err, out)
			}
		}
	}
}
