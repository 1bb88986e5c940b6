package main_test

import (
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crewjam/saml" //nolint:depguard // the peer by other hands, in both roles
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/oiosaml/peer"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// crewjamIdP is the library's identity provider, at which Bo is always logged in.
type crewjamIdP struct {
	*saml.IdentityProvider
	sp *saml.EntityDescriptor
}

func (c *crewjamIdP) GetServiceProvider(*http.Request, string) (*saml.EntityDescriptor, error) {
	if c.sp == nil {
		return nil, os.ErrNotExist
	}
	return c.sp, nil
}

func (c *crewjamIdP) GetSession(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session {
	attribute := func(name, value string) saml.Attribute {
		return saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri", Values: []saml.AttributeValue{{Type: "xs:string", Value: value}}}
	}
	return &saml.Session{
		ID: "bo", Index: "_session", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour), NameID: "bo", NameIDFormat: oiosaml.Persistent,
		CustomAttributes: []saml.Attribute{attribute(oiosaml.AttrCVR, testkit.CVR), attribute(oiosaml.AttrFullName, "Bo Berg"), attribute(oiosaml.AttrEmail, "bo@nordvind.example")},
	}
}

// crewjam/saml's identity provider as an own login: a person comes through it to a
// service. Its encryption is AES-128-CBC with OAEP and nothing else, so the setting
// for CBC has to be on.
func TestOwnLoginByCrewjam(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	idp := &crewjamIdP{}
	var once sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Lock()
		defer once.Unlock()
		idp.ServeSSO(w, r)
	}))
	t.Cleanup(server.Close)
	base := peer.Must(url.Parse(server.URL))
	idp.IdentityProvider = &saml.IdentityProvider{
		Key: peer.RSA().Private, Certificate: peer.RSA().Certificate, Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
		MetadataURL: *base.JoinPath("metadata"), SSOURL: *base.JoinPath("sso"), ServiceProviderProvider: idp, SessionProvider: idp,
		SignatureMethod: dsig.RSASHA256SignatureMethod,
	}
	var sp saml.EntityDescriptor
	if err := xml.Unmarshal(c.Client(t).Must(t, http.StatusOK, http.MethodGet, "/saml/sp/metadata", nil, nil).Body, &sp); err != nil {
		t.Fatalf("the library reads our metadata: %v", err)
	}
	idp.sp = &sp
	metadata := peer.Must(xml.Marshal(idp.Metadata()))
	for _, tc := range []struct {
		name string
		cbc  bool
	}{{"CBC refused", false}, {"CBC allowed", true}} {
		id := ""
		if !tc.cbc {
			id = c.connect(t, metadata, nil)
		} else {
			admin := c.Token(t, "organisation-administrator")
			var all web.IdentityProviderList
			admin.Must(t, http.StatusOK, http.MethodGet, "/api/v1/identity-providers", nil, &all)
			one := all.Items[0]
			id = one.ID
			admin.Must(t, http.StatusOK, http.MethodPut, "/api/v1/identity-providers/"+id, web.IdentityProviderTerms{
				Name: one.Name, JoinBy: "local_user_id", Level: "Low", Creates: true, Cbc: true, Skew: 300, Version: one.Version,
			}, nil)
		}
		browser := c.Client(t)
		page := enterBy(t, c, browser, id)
		in := mellon.Attributes(string(page.Body))["https://data.gov.dk/model/core/eid/fullName"] == "Bo Berg"
		if in != tc.cbc {
			t.Errorf("%s: ended with %d: %s", tc.name, page.Status, page.Body)
		}
	}
}

// crewjam/saml's service provider logs in at Adgang: with AES-128-GCM, the best that
// it reads, because its metadata asks for that.
func TestCrewjamAsAService(t *testing.T) {
	t.Parallel()
	c := newCountry(t)
	idp := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(c.Client(t).Must(t, http.StatusOK, http.MethodGet, "/saml/idp/metadata", nil, nil).Body, idp); err != nil {
		t.Fatalf("the library reads our metadata: %v", err)
	}
	key := peer.Other()
	const base = "https://crewjam.example/"
	sp := saml.ServiceProvider{
		EntityID: base + "metadata", Key: key.Private, Certificate: key.Certificate, IDPMetadata: idp,
		AcsURL: *peer.Must(url.Parse(base + "acs")), MetadataURL: *peer.Must(url.Parse(base + "metadata")), AuthnNameIDFormat: saml.PersistentNameIDFormat,
		SignatureMethod: dsig.RSASHA256SignatureMethod,
	}
	metadata := strings.NewReplacer(peer.EntityID, base+"metadata", peer.ACS, base+"acs").Replace(peer.Metadata(
		peer.SigningKey(key), peer.EncryptionKey(key, `<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"/>`), peer.PostACS))
	a := c.Token(t, "organisation-administrator").Do(t, http.MethodPost, "/api/v1/services", strings.NewReader(metadata), "Content-Type", "application/samlmetadata+xml")
	if a.Status != http.StatusCreated {
		t.Fatalf("POST /services = %d %s", a.Status, a.Body)
	}
	request, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	browser := c.Client(t)
	address, _ := follow(t, browser, peer.Must(request.Redirect("", &sp)).String())
	login := peer.Must(url.Parse(address))
	next := browser.LogIn(t, c.own, login.Query().Get("flow"))
	message := response(t, browser.Must(t, http.StatusOK, http.MethodGet, next, nil, nil))
	if !strings.Contains(message, "xmlenc11#aes128-gcm") {
		t.Errorf("not encrypted as the metadata asks: %s", message)
	}
	got, err := sp.ParseXMLResponse([]byte(message), []string{request.ID}, sp.AcsURL)
	if err != nil {
		if private, ok := err.(*saml.InvalidResponseError); ok { //nolint:errorlint // the library returns it bare
			err = private.PrivateErr
		}
		t.Fatalf("ParseXMLResponse = %v", err)
	}
	if !strings.HasPrefix(got.Subject.NameID.Value, oiosaml.NameIDPrefix) {
		t.Errorf("NameID = %q", got.Subject.NameID.Value)
	}
}
