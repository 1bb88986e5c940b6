package oiosaml

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// signatureHash is the allow-list of signature algorithms: SHA-1, MACs and
// whatever comes later are unknown here.
var signatureHash = map[string]crypto.Hash{
	dsig.RSASHA256SignatureMethod:   crypto.SHA256,
	dsig.RSASHA384SignatureMethod:   crypto.SHA384,
	dsig.RSASHA512SignatureMethod:   crypto.SHA512,
	dsig.ECDSASHA256SignatureMethod: crypto.SHA256,
	dsig.ECDSASHA384SignatureMethod: crypto.SHA384,
	dsig.ECDSASHA512SignatureMethod: crypto.SHA512,
}

// digests is the allow-list of reference digests.
var digests = []string{
	"http://www.w3.org/2001/04/xmlenc#sha256",
	"http://www.w3.org/2001/04/xmldsig-more#sha384",
	"http://www.w3.org/2001/04/xmlenc#sha512",
}

// canonical is the allow-list of canonicalisations, as SAML core 5.4.3 and
// 5.4.4 have them.
var canonical = []string{
	string(dsig.CanonicalXML10ExclusiveAlgorithmId),
	string(dsig.CanonicalXML10ExclusiveWithCommentsAlgorithmId),
}

// errSignature is what every failed verification wraps; errUnsigned means that
// there is no signature at all.
var (
	errSignature = errors.New("signature does not verify")
	errUnsigned  = errors.New("not signed")
)

// verifyBytes checks a detached signature, as the Redirect binding has it,
// with one key. An ECDSA signature is r||s (RFC 4050 3.3), as in XML.
func verifyBytes(cert *x509.Certificate, algorithm string, signed, signature []byte) bool {
	hash, ok := signatureHash[algorithm]
	if !ok {
		return false
	}
	h := hash.New()
	h.Write(signed)
	digest := h.Sum(nil)
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return strings.Contains(algorithm, "#rsa-") && rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		der, err := derSignature(key, signature)
		return err == nil && strings.Contains(algorithm, "#ecdsa-") && ecdsa.VerifyASN1(key, digest, der)
	}
	return false
}

// derSignature turns r||s, each as long as the curve's order, into the ASN.1
// form that Go verifies.
func derSignature(key *ecdsa.PublicKey, raw []byte) ([]byte, error) {
	size := (key.Params().N.BitLen() + 7) / 8
	if len(raw) != 2*size {
		return nil, errSignature
	}
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:size]), new(big.Int).SetBytes(raw[size:])})
}

// verifyXML checks the enveloped signature of root with each certificate in
// turn and returns a new tree of exactly the bytes that were signed, and the
// certificate. The
// caller reads that tree and nothing else. KeyInfo and certificate dates have
// no say. Errors: errUnsigned, errSignature.
func verifyXML(root *etree.Element, certs []*x509.Certificate) (*etree.Element, *x509.Certificate, error) {
	if count(root) > maxElements {
		return nil, nil, errSignature
	}
	root = root.Copy()
	sig, err := soleSignature(root)
	if err != nil {
		return nil, nil, err
	}
	if err := checkShape(root, sig); err != nil {
		return nil, nil, err
	}
	if info := child(sig, nsSignature, "KeyInfo"); info != nil {
		sig.RemoveChild(info)
	}
	for _, cert := range certs {
		if signed, ok := verifyWith(root, cert); ok {
			return signed, cert, nil
		}
	}
	return nil, nil, errSignature
}

// soleSignature finds the one Signature of the message. A second one, or one
// that is no direct child of root, is how signature wrapping starts.
func soleSignature(root *etree.Element) (*etree.Element, error) {
	var all []*etree.Element
	var walk func(*etree.Element)
	walk = func(el *etree.Element) {
		for _, c := range el.ChildElements() {
			if is(c, nsSignature, "Signature") {
				all = append(all, c)
			}
			walk(c)
		}
	}
	walk(root)
	if len(all) == 0 {
		return nil, errUnsigned
	}
	if len(all) > 1 || all[0].Parent() != root {
		return nil, errSignature
	}
	return all[0], nil
}

// checkShape demands one SignedInfo with one Reference to the whole of root, and
// algorithms of the allow-lists only.
func checkShape(root, sig *etree.Element) error {
	infos := children(sig, nsSignature, "SignedInfo")
	values := children(sig, nsSignature, "SignatureValue")
	keys := children(sig, nsSignature, "KeyInfo")
	if len(infos) != 1 || len(values) != 1 || len(sig.ChildElements()) != 2+len(keys) || len(keys) > 1 {
		return errSignature
	}
	info := infos[0]
	refs := children(info, nsSignature, "Reference")
	if len(refs) != 1 || len(info.ChildElements()) != 3 ||
		!slices.Contains(canonical, algorithmOf(info, "CanonicalizationMethod")) ||
		signatureHash[algorithmOf(info, "SignatureMethod")] == 0 {
		return errSignature
	}
	ref, id := refs[0], attr(root, "ID")
	if id == "" || attr(ref, "URI") != "#"+id || !slices.Contains(digests, algorithmOf(ref, "DigestMethod")) ||
		len(children(ref, nsSignature, "DigestValue")) != 1 || len(ref.ChildElements()) != 3 {
		return errSignature
	}
	transforms := children(ref, nsSignature, "Transforms")
	if len(transforms) != 1 {
		return errSignature
	}
	steps := transforms[0].ChildElements()
	if len(steps) != 2 || attr(steps[0], "Algorithm") != string(dsig.EnvelopedSignatureAltorithmId) ||
		!slices.Contains(canonical, attr(steps[1], "Algorithm")) {
		return errSignature
	}
	return nil
}

func algorithmOf(parent *etree.Element, tag string) string {
	if c := children(parent, nsSignature, tag); len(c) == 1 {
		return attr(c[0], "Algorithm")
	}
	return ""
}

// verifyWith lets goxmldsig verify with one key. It wants the ECDSA value in
// ASN.1; SignatureValue is not under the signature, so it is rewritten in the
// copy. The clock stands inside the certificate's own dates.
func verifyWith(root *etree.Element, cert *x509.Certificate) (*etree.Element, bool) {
	root = root.Copy()
	sig := child(root, nsSignature, "Signature")
	value := child(sig, nsSignature, "SignatureValue")
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text(value)), ""))
	if err != nil {
		return nil, false
	}
	if key, ok := cert.PublicKey.(*ecdsa.PublicKey); ok {
		raw, err = derSignature(key, raw)
		if err != nil {
			return nil, false
		}
	}
	value.SetText(base64.StdEncoding.EncodeToString(raw))
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	ctx.Clock = dsig.NewFakeClockAt(cert.NotBefore)
	signed, err := ctx.Validate(root)
	if err != nil || signed == nil || attr(signed, "ID") != attr(root, "ID") {
		return nil, false
	}
	return signed, true
}

// signedQuery rebuilds what a Redirect signature covers: the parameters as they
// were received, still escaped, in the order of SAML bindings 3.4.4.1.
func signedQuery(field, message, relay, algorithm string, hasRelay bool) []byte {
	var b bytes.Buffer
	b.WriteString(field + "=" + message)
	if hasRelay {
		b.WriteString("&RelayState=" + relay)
	}
	b.WriteString("&SigAlg=" + algorithm)
	return b.Bytes()
}
