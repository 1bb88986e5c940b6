package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

var (
	oidAlternativeName = asn1.ObjectIdentifier{2, 5, 29, 17}
	// id-on-SmtpUTF8Mailbox of RFC 9598 section 3.
	oidMailbox = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 9}
)

// Mailbox is an e-mail address as certificates hold it.
type Mailbox struct {
	Address string // the domain in A-labels, the local part in NFC
	// Wide tells that the local part has letters beyond ASCII: such an address is
	// an SmtpUTF8Mailbox, which readers without RFC 9598 do not see. Every other
	// is an rfc822Name.
	Wide bool
}

// ParseMailbox reads an address without a name around it; its domain may have
// letters beyond ASCII. Errors: BadSubject.
func ParseMailbox(text string) (Mailbox, error) {
	bad := refuse(BadSubject, "%q is not an e-mail address.", text)
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 254 {
		return Mailbox{}, bad.because(err)
	}
	at := strings.LastIndexByte(text, '@')
	local, domain := norm.NFC.String(text[:at]), text[at+1:]
	if wide(domain) {
		if domain, err = idna.Lookup.ToASCII(domain); err != nil {
			return Mailbox{}, bad.because(err)
		}
	}
	if !printable(local) || strings.ContainsFunc(local, unicode.IsSpace) {
		return Mailbox{}, bad
	}
	return Mailbox{Address: local + "@" + domain, Wide: wide(local)}, nil
}

func wide(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// extension is the subjectAltName with the one mailbox.
func (m Mailbox) extension() (pkix.Extension, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if !m.Wide {
			b.AddASN1(cbasn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(m.Address)) })
			return
		}
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { // otherName
			b.AddASN1ObjectIdentifier(oidMailbox)
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(m.Address)) })
			})
		})
	})
	der, err := b.Bytes()
	return pkix.Extension{Id: oidAlternativeName, Value: der}, err
}

// MailboxOf is the e-mail address of a certificate (DER) of ours, zero without one.
func MailboxOf(der []byte) (Mailbox, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Mailbox{}, refuse(Unreadable, "This is not a certificate.").because(err)
	}
	for _, m := range Mailboxes(cert) {
		return m, nil
	}
	return Mailbox{}, nil
}

// Mailboxes are the e-mail addresses of a certificate, of either kind.
func Mailboxes(cert *x509.Certificate) []Mailbox {
	var all []Mailbox
	for _, address := range cert.EmailAddresses {
		all = append(all, Mailbox{Address: address})
	}
	for _, e := range cert.Extensions {
		if !e.Id.Equal(oidAlternativeName) {
			continue
		}
		input := cryptobyte.String(e.Value)
		var names cryptobyte.String
		if !input.ReadASN1(&names, cbasn1.SEQUENCE) {
			return all
		}
		for !names.Empty() {
			var name cryptobyte.String
			var tag cbasn1.Tag
			if !names.ReadAnyASN1(&name, &tag) {
				return all
			}
			if address, ok := readMailbox(name, tag); ok {
				all = append(all, Mailbox{Address: address, Wide: true})
			}
		}
	}
	return all
}

func readMailbox(name cryptobyte.String, tag cbasn1.Tag) (address string, ok bool) {
	var oid asn1.ObjectIdentifier
	var value, text cryptobyte.String
	ok = tag == explicit(0) && name.ReadASN1ObjectIdentifier(&oid) && oid.Equal(oidMailbox) &&
		name.ReadASN1(&value, explicit(0)) && value.ReadASN1(&text, cbasn1.UTF8String)
	return string(text), ok
}
