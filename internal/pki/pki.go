// Package pki makes and reads X.509 bytes: authorities, requests, certificates of
// people, organisations and systems, CRLs and key files. It keeps no state, reads no clock (instants
// are arguments) and knows no database: what was issued, to whom and whether it
// still counts is the business of its callers.
package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// arc is Adgang's own object identifier arc, 2.25.<UUID as integer> (ITU-T X.667)
// of the UUID 03f3f966-6371-428f-9e51-ac7ec1ad0378. Below it:
//
//	arc.1    certificate policies, one below it for each profile
//	arc.1.1  employee certificates (key files)
const arc = "2.25.5254470556018535368752305024961151864"

// PolicyArc is the arc of the policies of an authority that was given none.
const PolicyArc = arc + ".1"

// EmployeePolicy is the policy of employee certificates below PolicyArc.
const EmployeePolicy = PolicyArc + ".1"

var anyPolicy = mustOID("2.5.29.32.0")

// foreignArcs are where others say what their certificates are worth: OCES, the
// policies of ETSI and of CAs that browsers trust, and RFC 5280's own.
var foreignArcs = []string{"1.2.208.169", "0.4.0", "2.23.140", "2.5.29"}

// CheckPolicyArc refuses what is no arc below which policies can stand, and those
// of others: a certificate of this program claims nothing that is theirs to give.
// Errors: BadSubject.
func CheckPolicyArc(dotted string) error {
	oid, err := x509.ParseOID(dotted + ".1")
	if err != nil || oid.String() != dotted+".1" || strings.Count(dotted, ".") < 2 || len(dotted) > 120 {
		return refuse(BadSubject, "%q is not an arc of object identifiers.", dotted)
	}
	for _, foreign := range foreignArcs {
		if dotted == foreign || strings.HasPrefix(dotted, foreign+".") {
			return refuse(BadSubject, "The arc %s belongs to others; certificates made here must not claim its policies.", foreign)
		}
	}
	return nil
}

func mustOID(dotted string) x509.OID {
	oid, err := x509.ParseOID(dotted)
	if err != nil {
		panic(err)
	}
	return oid
}

// Reason says what is wrong with something from outside. Reasons never change
// once released: callers build fault codes of them.
type Reason string

// Why a request, a subject, a certificate or a signature is refused.
const (
	Unreadable     Reason = "unreadable"      // not the DER it should be
	WeakKey        Reason = "weak_key"        // another kind of key, or too weak a one
	Unproven       Reason = "unproven"        // a request not signed by the key it asks for
	BadSubject     Reason = "bad_subject"     // a name or number that fits no certificate
	AuthorityEnds  Reason = "authority_ends"  // the certificate would outlive its issuer
	OtherAuthority Reason = "other_authority" // issued by somebody else
	NotYetValid    Reason = "not_yet_valid"
	Expired        Reason = "expired"
	OtherProfile   Reason = "other_profile" // ours, but not for this use
	BadSignature   Reason = "bad_signature"
)

// Error is an expected refusal. Text is a whole sentence that is safe to show
// to the person who asked.
type Error struct {
	Reason Reason
	Text   string
	cause  error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return string(e.Reason) + ": " + e.Text + " (" + e.cause.Error() + ")"
	}
	return string(e.Reason) + ": " + e.Text
}

func (e *Error) Unwrap() error { return e.cause }

func refuse(reason Reason, text string, args ...any) *Error {
	return &Error{Reason: reason, Text: fmt.Sprintf(text, args...)}
}

func (e *Error) because(cause error) *Error {
	e.cause = cause
	return e
}

// Serial is the one written form of a certificate's serial number: lower-case
// hexadecimal, two digits an octet, without separators.
type Serial string

// NewSerial returns 20 random octets whose two top bits are 01: 158 random bits,
// positive, and always exactly the 20 octets that RFC 5280 section 4.1.2.2 allows.
func NewSerial() Serial {
	var b [20]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	b[0] = b[0]&0x3f | 0x40
	return Serial(hex.EncodeToString(b[:]))
}

// SerialOf writes n, which must be positive.
func SerialOf(n *big.Int) Serial { return Serial(hex.EncodeToString(n.Bytes())) }

// ParseSerial reads what people and tools write: either case, with or without
// colons and blanks, 1 to 20 octets. Errors: Unreadable.
func ParseSerial(s string) (Serial, error) {
	digits := strings.NewReplacer(":", "", " ", "").Replace(strings.TrimSpace(s))
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok || n.Sign() <= 0 || n.BitLen() > 159 {
		return "", refuse(Unreadable, "%q is not the serial number of a certificate.", s)
	}
	return SerialOf(n), nil
}

// Int is the number itself, nil for text that SerialOf did not write.
func (s Serial) Int() *big.Int {
	b, err := hex.DecodeString(string(s))
	if err != nil || len(b) == 0 {
		return nil
	}
	return new(big.Int).SetBytes(b)
}
