package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
)

// holding is a certificate of the demo's list, as MitID Erhverv or an older system
// would export it. Its days are counted from the first start, so that there is
// always a wave to look at: what was issued three years ago ends now.
type holding struct {
	name, issuer, kind string
	ends               int // days from now; it was issued three years before that
	contact            string
	owned              bool
	places             []string
	successor          string // name of another one
	ticked             int    // of the places
	renewBy            int    // days from now, 0 = none
}

const (
	ocesTwo   = "TRUST2408 OCES CA III (fiktiv)"
	ocesThree = "Den Danske Stat OCES udstedende-CA 1 (fiktiv)"
)

// holdings are the certificates of Nordvind Pumper; every name is made up.
var holdings = []holding{
	{name: "eIndkomst (fiktiv)", issuer: ocesThree, kind: "system", ends: 9, owned: true, places: []string{"Lønsystem, drift", "Skattestyrelsen, eIndkomst"}},
	{name: "Fakturering NemHandel (fiktiv)", issuer: ocesThree, kind: "system", ends: 16, contact: "drift"},
	{name: "Digital Post, afsender (fiktiv)", issuer: ocesThree, kind: "organisation", ends: 23, owned: true, renewBy: 12},
	{name: "Virksomhedscertifikat (fiktiv)", issuer: ocesThree, kind: "organisation", ends: 30, successor: "Virksomhedscertifikat 2 (fiktiv)", places: []string{"Indberetning, Virk", "Bank, fuldmagter"}, ticked: 1},
	{name: "EDI-gateway (fiktiv)", issuer: ocesThree, kind: "system", ends: 34},
	{name: "Tidsregistrering (fiktiv)", issuer: ocesThree, kind: "system", ends: 38, owned: true, renewBy: 20},
	{name: "Lager og told (fiktiv)", issuer: ocesThree, kind: "system", ends: 41},
	{name: "Pensionsindberetning (fiktiv)", issuer: ocesThree, kind: "system", ends: 45, contact: "pension"},
	{name: "Segl, kvalitetscertifikater (fiktiv)", issuer: ocesThree, kind: "organisation", ends: 52, owned: true, successor: "Segl 2 (fiktiv)", places: []string{"Måleprotokoller"}, ticked: 1},
	{name: "Medarbejdercertifikat, Bodil Ravn (fiktiv)", issuer: ocesThree, kind: "medarbejder", ends: 40},
	{name: "Medarbejdercertifikat, Jens Aagaard (fiktiv)", issuer: ocesThree, kind: "medarbejder", ends: 44},
	{name: "Medarbejdercertifikat, Åse Lind (fiktiv)", issuer: ocesThree, kind: "medarbejder", ends: 49},
	{name: "Medarbejdercertifikat, Poul Kjær (fiktiv)", issuer: ocesThree, kind: "medarbejder", ends: 58},
	{name: "Serviceaftaler, API (fiktiv)", issuer: ocesThree, kind: "system", ends: 71},
	{name: "Energidata (fiktiv)", issuer: ocesThree, kind: "system", ends: 76, contact: "energi"},
	{name: "Forsyningsportal (fiktiv)", issuer: ocesThree, kind: "system", ends: 104},
	{name: "Grænsehandel (fiktiv)", issuer: ocesThree, kind: "system", ends: 131, contact: "drift"},
	{name: "Reservedele, webshop (fiktiv)", issuer: ocesThree, kind: "system", ends: 290},
	{name: "Virksomhedscertifikat 2 (fiktiv)", issuer: ocesThree, kind: "organisation", ends: 1060, owned: true},
	{name: "Segl 2 (fiktiv)", issuer: ocesThree, kind: "organisation", ends: 1075, owned: true},
	{name: "Løn 2 (fiktiv)", issuer: ocesThree, kind: "system", ends: 1020, owned: true},
	{name: "VOCES Nordvind (fiktiv)", issuer: ocesTwo, kind: "voces", ends: 95, owned: true, places: []string{"Bank, betalinger", "Told, indfortolkning"}},
	{name: "FOCES løn (fiktiv)", issuer: ocesTwo, kind: "foces", ends: 120, owned: true, successor: "Løn 2 (fiktiv)", places: []string{"Lønsystem, test", "Lønsystem, drift"}, ticked: 1},
	{name: "FOCES mailgateway (fiktiv)", issuer: ocesTwo, kind: "foces", ends: 140, contact: "post"},
	{name: "MOCES indkøb (fiktiv)", issuer: ocesTwo, kind: "moces", ends: 150},
}

// campaignName is the one campaign of the demo.
const campaignName = "Fra OCES2 til OCES3 (fiktiv)"

// stock gives the demo an inventory, hosts and a running campaign, once: the
// campaign is started last.
func (s *Service) stock(ctx context.Context, by access.Actor) error {
	if s.Inventory == nil {
		return nil
	}
	campaigns, err := s.Inventory.Campaigns(ctx, by)
	if err != nil {
		return err
	}
	if len(campaigns) > 0 {
		if campaigns[0].State != inventory.Draft {
			return nil
		}
		return s.Inventory.StartCampaign(ctx, by, campaigns[0].ID)
	}
	report, err := s.Inventory.Import(ctx, by, "certifikater.csv", []byte(s.exported()))
	if err != nil {
		return err
	}
	if len(report.Added) > 0 {
		metadata, err := s.partner()
		if err != nil {
			return err
		}
		if _, err := s.Inventory.Import(ctx, by, "partner.xml", metadata); err != nil {
			return err
		}
	}
	if err := s.care(ctx, by); err != nil {
		return err
	}
	if _, err := s.Inventory.AddHost(ctx, by, "portal."+sampleHost); err != nil && fault.KindOf(err) != fault.Conflict {
		return err
	}
	c, err := s.Inventory.NewCampaign(ctx, by, campaignName, inventory.OCES2, s.Now().AddDate(0, 0, 60))
	if err != nil {
		return err
	}
	return s.Inventory.StartCampaign(ctx, by, c.ID)
}

func (s *Service) day(ahead int) string {
	return s.Now().UTC().AddDate(0, 0, ahead).Format(time.DateOnly)
}

// exported is the demo's list of certificates.
func (s *Service) exported() string {
	var out strings.Builder
	out.WriteString("Navn;Serienummer;Udsteder;Gyldig fra;Gyldig til;Type;Kontaktperson;Kontakt e-mail\r\n")
	for i, h := range holdings {
		contact, address := "", ""
		if h.contact != "" {
			contact, address = "Kontakt "+h.contact, h.contact+"@"+sampleHost
		}
		fmt.Fprintf(&out, "%s;%06x;%s;%s;%s;%s;%s;%s\r\n", h.name, 0xd30000+i, h.issuer, s.day(h.ends-1095), s.day(h.ends), h.kind, contact, address)
	}
	return out.String()
}

// care gives the certificates of the list owners, plans and places.
func (s *Service) care(ctx context.Context, by access.Actor) error {
	known := map[string]inventory.Certificate{}
	err := s.Inventory.Each(ctx, by, inventory.Filter{}, func(c inventory.Certificate) error {
		known[c.Name] = c
		return nil
	})
	if err != nil {
		return err
	}
	for _, h := range holdings {
		c := known[h.name]
		in := inventory.Care{Version: c.Version, ContactName: c.ContactName, ContactEmail: c.ContactEmail, SuccessorID: known[h.successor].ID}
		if h.owned {
			in.OwnerID = by.Employee
		}
		if h.renewBy > 0 {
			in.RenewBy = s.day(h.renewBy)
		}
		if h.owned || h.renewBy > 0 || h.successor != "" {
			if err := s.Inventory.Change(ctx, by, c.ID, in); err != nil {
				return err
			}
		}
		for i, name := range h.places {
			p, err := s.Inventory.AddPlace(ctx, by, c.ID, inventory.Place{Name: name})
			if fault.KindOf(err) == fault.Conflict {
				continue // of a start that was cut short
			}
			if err == nil && i < h.ticked {
				err = s.Inventory.Installed(ctx, by, c.ID, p.ID, true)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// partner is SAML metadata of a fictitious partner, with a certificate that it has
// made itself.
func (s *Service) partner() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	template := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(0, 0, 64), KeyUsage: x509.KeyUsageDigitalSignature,
		Subject: pkix.Name{Country: []string{"DK"}, Organization: []string{"Havnens Rederi A/S (fiktiv)"}, CommonName: "login.havnens-rederi.example"},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://login.havnens-rederi.example/saml">`+
		`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">`+
		`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s</X509Certificate></X509Data></KeyInfo>`+
		`</KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`, base64.StdEncoding.EncodeToString(der)), nil
}
