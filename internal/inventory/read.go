package inventory

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/sheet"
)

// Limits of one upload.
const (
	MaxFile        = 20 << 20 // octets
	maxEntries     = 5_000    // files in a ZIP
	maxEntry       = 5 << 20  // octets of one of them
	maxUnpacked    = 64 << 20 // octets of all of them
	maxCertificate = 64 << 10 // octets
	maxFound       = 5_000    // certificates of one upload
	maxDepth       = 64       // elements inside each other, of metadata
)

// Sources of a certificate.
const (
	FromUpload   = "upload"
	FromMetadata = "metadata"
	FromList     = "list"
	FromScan     = "scan"
	FromIssue    = "issued" // by this installation
)

// Refusal is a part of an upload that is no certificate.
type Refusal struct {
	Where string // file inside a ZIP, or line of a list; "" = the whole file
	Code  string // inventory.file.*
	Text  string // a sentence with what to do
}

// found is one certificate of an upload.
type found struct {
	where  string
	source string
	parsed *x509.Certificate // nil for a line of a list
	listed Certificate       // of a list
}

// reading collects what an upload holds.
type reading struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call of read
	now     time.Time
	all     []found
	refused []Refusal
	full    bool
}

func (r *reading) refuse(where, code, text string) {
	r.refused = append(r.refused, Refusal{where, "inventory.file." + code, text})
}

func (r *reading) add(f found) {
	if len(r.all) >= maxFound {
		if !r.full {
			r.refuse(f.where, "many", fmt.Sprintf("An upload holds at most %d certificates; the rest was left out. Upload it in parts.", maxFound))
		}
		r.full = true
		return
	}
	r.all = append(r.all, f)
}

func (r *reading) der(where, source string, der []byte) {
	if len(der) > maxCertificate {
		r.refuse(where, "large", "This is too large for a certificate.")
		return
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		r.refuse(where, "unreadable", "This certificate cannot be read: it is damaged, or not X.509.")
		return
	}
	r.add(found{where: where, source: source, parsed: c})
}

// read finds the certificates of a file of any kind that Import knows. inside is
// set for files of a ZIP.
func (r *reading) read(where string, content []byte, inside bool) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")))
	switch {
	case len(trimmed) == 0:
		r.refuse(where, "empty", "The file is empty.")
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		r.archive(where, content, inside)
	case bytes.Contains(content, []byte("-----BEGIN ")):
		r.pem(where, content)
	case trimmed[0] == '<':
		r.metadata(where, trimmed)
	case isPKCS12(content):
		r.refuse(where, "pkcs12", "This is a key file. It is never sent to the server: choose it on the page, which opens it in the browser and sends its certificates only.")
	case content[0] == 0x30:
		r.der(where, FromUpload, content)
	case bytes.HasPrefix(trimmed, []byte("MII")):
		if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(trimmed)), "")); err == nil {
			r.der(where, FromUpload, der)
			return
		}
		r.refuse(where, "unreadable", "This looks like a certificate in base64, and is damaged.")
	default:
		r.list(where, content)
	}
}

// isPKCS12 tells a PFX by its first element, the version 3 (RFC 7292 section 4).
func isPKCS12(content []byte) bool {
	var pfx struct {
		Version int
		Rest    asn1.RawContent `asn1:"optional"`
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(content, &outer); err != nil || outer.Tag != asn1.TagSequence {
		return false
	}
	_, err := asn1.Unmarshal(outer.Bytes, &pfx.Version)
	return err == nil && pfx.Version == 3
}

func (r *reading) pem(where string, content []byte) {
	n := 0
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		n++
		at := where
		if n > 1 || len(bytes.TrimSpace(rest)) > 0 {
			at = strings.TrimPrefix(fmt.Sprintf("%s, %d", where, n), ", ")
		}
		switch {
		case block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" || block.Type == "TRUSTED CERTIFICATE":
			r.der(at, FromUpload, block.Bytes)
		case strings.Contains(block.Type, "PRIVATE KEY"):
			r.refuse(at, "private_key", "The file holds a private key. It was not stored; do not send private keys to anybody, and upload the certificate alone.")
		default:
			r.refuse(at, "block", "This part of the file is no certificate.")
		}
	}
	if n == 0 {
		r.refuse(where, "unreadable", "The file begins like PEM, and is damaged.")
	}
}

func (r *reading) archive(where string, content []byte, inside bool) {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		r.refuse(where, "unreadable", "The ZIP file is damaged. Make it anew.")
		return
	}
	for _, f := range z.File {
		if f.Name == "[Content_Types].xml" {
			r.list(where, content)
			return
		}
	}
	if inside {
		r.refuse(where, "nested", "A ZIP file inside a ZIP file is not opened. Upload it by itself.")
		return
	}
	if len(z.File) > maxEntries {
		r.refuse(where, "many", fmt.Sprintf("The ZIP file holds more than %d files. Upload it in parts.", maxEntries))
		return
	}
	left := int64(maxUnpacked)
	for _, f := range z.File {
		if f.FileInfo().IsDir() || strings.HasPrefix(path.Base(f.Name), ".") {
			continue
		}
		name := sheet.Shown(f.Name)
		one, err := unpack(f, min(maxEntry, left))
		if err != nil {
			r.refuse(name, "unreadable", "This file of the ZIP file is damaged, has a password or is too large.")
			continue
		}
		left -= int64(len(one))
		r.read(name, one, true)
	}
}

var errLarge = errors.New("too large")

func unpack(f *zip.File, limit int64) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	out, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(out)) > limit {
		err = errLarge
	}
	return out, err
}

// metadata reads the certificates that SAML metadata hands out (XML-Signature's
// X509Certificate, base64 of DER). Nothing else of the document is believed.
func (r *reading) metadata(where string, content []byte) {
	d := xml.NewDecoder(bytes.NewReader(content))
	entity, depth, n := "", 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.refuse(where, "unreadable", "The XML file is damaged.")
			return
		}
		switch t := token.(type) {
		case xml.Directive:
			r.refuse(where, "doctype", "The XML file has a document type declaration, which metadata never has. It was not read.")
			return
		case xml.StartElement:
			if depth++; depth > maxDepth {
				r.refuse(where, "unreadable", "The XML file is nested too deep for metadata.")
				return
			}
			if t.Name.Local == "EntityDescriptor" {
				entity = attribute(t, "entityID")
			}
			if t.Name.Local != "X509Certificate" || t.Name.Space != "http://www.w3.org/2000/09/xmldsig#" {
				continue
			}
			var text string
			if err := d.DecodeElement(&text, &t); err != nil {
				r.refuse(where, "unreadable", "The XML file is damaged.")
				return
			}
			depth--
			n++
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				r.refuse(firstOf(sheet.Shown(entity), where), "unreadable", "A certificate of the metadata is damaged.")
				continue
			}
			r.der(firstOf(sheet.Shown(entity), where), FromMetadata, der)
		case xml.EndElement:
			depth--
		}
	}
	if n == 0 {
		r.refuse(where, "none", "The XML file holds no certificates. Upload SAML metadata.")
	}
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Columns of a list of certificates.
const (
	colName sheet.Field = iota
	colSerial
	colIssuer
	colFrom
	colUntil
	colEmail
	colType
	colContact
	colContactEmail
)

var columns = []sheet.Column{
	{Names: []string{"navn", "name", "certifikatnavn", "certificate name", "emne", "subject", "cn", "common name"}, Required: true},
	{Names: []string{"serienummer", "serial number", "serial", "serialnumber", "serie nr.", "løbenummer"}, Mask: sheet.MaskNothing},
	{Names: []string{"udsteder", "issuer", "ca", "udstedt af", "issued by"}},
	{Names: []string{"gyldig fra", "valid from", "not before", "udstedt", "issued"}},
	{Names: []string{"gyldig til", "valid to", "valid until", "not after", "udløber", "udløbsdato", "expires", "expiry", "expiry date"}, Required: true},
	{Names: []string{"e-mail", "email", "mail"}},
	{Names: []string{"type", "certifikattype", "certificate type"}},
	{Names: []string{"kontaktperson", "contact", "contact name", "kontakt"}},
	{Names: []string{"kontakt e-mail", "contact e-mail", "kontaktmail", "contact email", "kontaktpersons e-mail"}},
}

// listKinds are the words for a type in lists.
var listKinds = map[string]string{
	"medarbejder": OfEmployee, "medarbejdercertifikat": OfEmployee, "brugercertifikat": OfEmployee, "moces": OfEmployee, "user": OfEmployee, "employee": OfEmployee,
	"organisation": OfOrganisation, "organisationscertifikat": OfOrganisation, "virksomhedscertifikat": OfOrganisation, "voces": OfOrganisation,
	"system": OfSystem, "systemcertifikat": OfSystem, "funktionscertifikat": OfFunction, "foces": OfFunction, "function": OfFunction,
}

// list reads a CSV or .xlsx with a line per certificate.
func (r *reading) list(where string, content []byte) {
	form := sheet.Form{Columns: columns, Inert: true, Now: r.now}
	sum, err := form.Read(r.ctx, bytes.NewReader(content), func(row *sheet.Row) error {
		c, ok := listed(row)
		at := strings.TrimPrefix(fmt.Sprintf("%s, %d", where, row.Line), ", ")
		if !ok {
			for _, f := range row.Findings {
				if f.Severity == sheet.Error {
					r.refused = append(r.refused, Refusal{at, f.Code, f.Message})
					break
				}
			}
			return nil
		}
		r.add(found{where: at, source: FromList, listed: c})
		return nil
	})
	_ = sum
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*sheet.FileError](err); ok {
		e, _ := errors.AsType[*fault.Error](err)
		r.refuse(where, "unknown", "This is neither a certificate, nor metadata, nor a list of certificates: "+e.Text)
		return
	}
	r.refuse(where, "unreadable", "The file cannot be read.")
}

func listed(row *sheet.Row) (Certificate, bool) {
	c := Certificate{
		Name: row.Text(colName, maxText), Serial: row.Text(colSerial, 100), Issuer: row.Text(colIssuer, 500), Email: row.Email(colEmail),
		ContactName: row.Text(colContact, maxText), ContactEmail: row.Email(colContactEmail), Generation: Unknown, Kind: Unknown,
	}
	if n, err := pki.ParseSerial(c.Serial); err == nil {
		c.Serial = string(n)
	}
	c.NotBefore = instant(row, colFrom)
	c.NotAfter = instant(row, colUntil)
	if kind := listKinds[strings.ToLower(row.Text(colType, 100))]; kind != "" {
		c.Kind = kind
	}
	for _, known := range issuers {
		if strings.Contains(c.Issuer, known.organisation) {
			c.Generation = known.generation
		}
	}
	if c.ContactEmail == "" {
		c.ContactName = ""
	}
	return c, row.Readable && !sheet.Bad(row.Findings)
}

var dayForms = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "02-01-2006 15:04:05", "02-01-2006 15:04", "02-01-2006",
	"02.01.2006", "2/1/2006", "02/01/2006",
}

// instant reads a day or an instant of Denmark; a day without an hour ends at
// midnight.
func instant(row *sheet.Row, f sheet.Field) time.Time {
	text := row.Text(f, 40)
	if text == "" {
		return time.Time{}
	}
	for _, form := range dayForms {
		at, err := time.ParseInLocation(form, text, copenhagen)
		if err != nil {
			continue
		}
		if f == colUntil && !strings.Contains(form, "15") {
			at = at.AddDate(0, 0, 1).Add(-time.Second)
		}
		return at.UTC()
	}
	row.Fail(f, "inventory.file.day", "This is not a day. Write it as 31-12-2026 or 2026-12-31.")
	return time.Time{}
}
