package oiosaml

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/adgang/adgang/internal/fault"
)

// Answer is a Response of an identity provider as it arrived: read, but not yet
// believed. Only Check turns it into a Vouched.
type Answer struct {
	root *etree.Element
}

// ReadAnswer reads the form field SAMLResponse. Errors: fault.Invalid.
func ReadAnswer(samlResponse string) (*Answer, error) {
	if len(samlResponse) > 2*maxMessage {
		return nil, garbled(nil)
	}
	raw, err := decode(samlResponse)
	if err != nil {
		return nil, garbled(err)
	}
	root, err := parse(raw, maxMessage)
	if err != nil {
		return nil, garbled(err)
	}
	if !is(root, nsProtocol, "Response") || attr(root, "Version") != "2.0" || count(root) > maxElements || !usableID(attr(root, "ID")) {
		return nil, garbled(nil)
	}
	return &Answer{root: root}, nil
}

// InResponseTo is the ID of the request that the answer claims to answer, not yet
// believed: it serves to find the request. "" for one that nobody asked for.
func (a *Answer) InResponseTo() string { return attr(a.root, "InResponseTo") }

// Issuer is who the answer claims to come from, not yet believed; "" when only an
// encrypted assertion says it.
func (a *Answer) Issuer() string {
	if name := text(child(a.root, nsAssertion, "Issuer")); name != "" {
		return name
	}
	return text(child(child(a.root, nsAssertion, "Assertion"), nsAssertion, "Issuer"))
}

// Expected is what an answer must fit.
type Expected struct {
	From      Identity
	Audience  string // our entityID
	Consumer  string // the address where it arrived
	InReplyTo string // ID of our request, "" for an answer nobody asked for
	AskedAt   time.Time
	Fresh     bool // the request was made with ForceAuthn
	Opener    Opener
	Skew      time.Duration // how far the two clocks may be apart
}

// Vouched is what a believed answer says of a person.
type Vouched struct {
	Issuer       string
	AssertionID  string
	Until        time.Time // the assertion means nothing from then on
	NameID       NameID
	SessionIndex string // "" when there is none
	SessionEnds  time.Time
	AuthnAt      time.Time
	Class        string // AuthnContextClassRef
	// Level is the level that is stated, the lower of attribute and class; 0 when
	// neither states one.
	Level      Level
	Attributes map[string][]string // by name
	// Encrypted tells whether the assertion came encrypted.
	Encrypted bool
}

// NameID names a person between two parties.
type NameID struct {
	Value, Format, NameQualifier, SPNameQualifier string
}

// One returns the value of an attribute that has exactly one, else "".
func (k Vouched) One(name string) string {
	if v := k.Attributes[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// StatusError is an answer that says why there is no login. Nobody signed it for
// certain: it is shown and logged, and nothing else follows from it.
type StatusError struct {
	Code, Why string // top-level and second-level status code
	Message   string // at most 200 characters
}

func (s *StatusError) Error() string {
	return StatusName(s.Code) + " " + StatusName(s.Why) + ": " + s.Message
}

func garbled(cause error) error {
	e := fault.New(fault.Invalid, "localidp.answer.malformed",
		"The answer from your organisation's login cannot be read. Log in once more; if it happens again, your administrator must look at it.")
	if cause == nil {
		return e
	}
	return e.Because(cause)
}

// wrong is an answer that does not fit; detail is for the administrator.
func wrong(reason, text string) error {
	return fault.New(fault.Denied, "localidp.answer."+reason, "%s", text)
}

// Check verifies the answer. Everything it demands must be there, not only fit
// where it is there; all that Vouched holds was signed by From. Errors: fault.Denied,
// fault.Invalid with codes localidp.answer.*; *StatusError for a refusal.
func (a *Answer) Check(e Expected, now time.Time) (Vouched, error) {
	root, err := a.outer(e)
	if err != nil {
		return Vouched{}, err
	}
	if err := e.envelope(root, now); err != nil {
		return Vouched{}, err
	}
	if err := status(root); err != nil {
		return Vouched{}, err
	}
	assertion, encrypted, err := e.assertion(root)
	if err != nil {
		return Vouched{}, err
	}
	known, err := e.believe(assertion, now)
	known.Encrypted = encrypted
	return known, err
}

// outer verifies the Response's own signature when it has one, and refuses
// signatures anywhere but there and in one assertion, and IDs that come twice.
func (a *Answer) outer(e Expected) (*etree.Element, error) {
	seen := map[string]bool{}
	own := 0
	var walk func(el *etree.Element) bool
	walk = func(el *etree.Element) bool {
		for _, key := range []string{"ID", "Id", "id"} {
			if id := attr(el, key); id != "" {
				if seen[id] {
					return false
				}
				seen[id] = true
			}
		}
		for _, c := range el.ChildElements() {
			if is(c, nsSignature, "Signature") {
				if el == a.root {
					own++
				} else if !is(el, nsAssertion, "Assertion") || el.Parent() != a.root {
					return false
				}
			}
			if !walk(c) {
				return false
			}
		}
		return true
	}
	if !walk(a.root) || own > 1 {
		return nil, wrong("shape", "The answer from your organisation's login has signatures or IDs where none belong.")
	}
	if own == 0 {
		return a.root, nil
	}
	signed, err := verifyOuter(a.root, e.From.Signing)
	if err != nil {
		return nil, wrongSignature(err)
	}
	return signed, nil
}

func wrongSignature(cause error) error {
	return fault.New(fault.Denied, "localidp.answer.signature",
		"The answer from your organisation's login cannot be read, or its signature does not fit the metadata that is registered. It may have been altered, or your organisation's login has a new key that an administrator must accept.").Because(cause)
}

// envelope checks what stands on the Response itself.
func (e Expected) envelope(root *etree.Element, now time.Time) error {
	if issuer := child(root, nsAssertion, "Issuer"); issuer != nil && !e.isFrom(issuer) {
		return wrong("issuer", "The answer comes from another login than the one that was asked.")
	}
	if attr(root, "Destination") != e.Consumer {
		return wrong("destination", "The answer from your organisation's login was made for another address. Its administrator must set the address to "+e.Consumer+".")
	}
	if attr(root, "InResponseTo") != e.InReplyTo {
		return wrong("request", "The answer from your organisation's login belongs to another request.")
	}
	return e.fresh(root, now)
}

// isFrom tells whether an Issuer names From, as an entity (SAML profiles 4.1.4.2).
func (e Expected) isFrom(issuer *etree.Element) bool {
	format := attr(issuer, "Format")
	return text(issuer) == e.From.EntityID && (format == "" || format == "urn:oasis:names:tc:SAML:2.0:nameid-format:entity")
}

// fresh checks an IssueInstant: not older than Skew and two minutes in which the
// browser may carry it, not younger than Skew.
func (e Expected) fresh(el *etree.Element, now time.Time) error {
	issued, err := instant(attr(el, "IssueInstant"))
	if err != nil {
		return garbled(err)
	}
	if age := now.Sub(issued); age > e.Skew+2*time.Minute || age < -e.Skew {
		return wrong("expired", "The answer from your organisation's login is too old, or its clock is wrong. Log in once more.")
	}
	return nil
}

// status demands Success.
func status(root *etree.Element) error {
	all := children(root, nsProtocol, "Status")
	if len(all) != 1 {
		return garbled(nil)
	}
	code := child(all[0], nsProtocol, "StatusCode")
	if code == nil {
		return garbled(nil)
	}
	if attr(code, "Value") == saml.StatusSuccess {
		return nil
	}
	s := &StatusError{Code: clip(attr(code, "Value")), Message: clip(text(child(all[0], nsProtocol, "StatusMessage")))}
	if inner := child(code, nsProtocol, "StatusCode"); inner != nil {
		s.Why = clip(attr(inner, "Value"))
	}
	return s
}

// assertion finds the one assertion, decrypts it and verifies its signature, and
// returns the tree that was signed.
func (e Expected) assertion(root *etree.Element) (signed *etree.Element, encrypted bool, err error) {
	plain, closed := children(root, nsAssertion, "Assertion"), children(root, nsAssertion, "EncryptedAssertion")
	if len(plain)+len(closed) != 1 {
		return nil, false, wrong("assertions", "The answer from your organisation's login must hold exactly one assertion.")
	}
	if len(closed) == 1 {
		one, err := e.Opener.Open(closed[0])
		if err != nil {
			return nil, true, wrongSignature(err)
		}
		plain, encrypted = []*etree.Element{one}, true
	}
	one, err := detach(plain[0])
	if err != nil {
		return nil, encrypted, garbled(err)
	}
	signed, _, err = verifyXML(one, e.From.Signing)
	if errors.Is(err, errUnsigned) && !encrypted {
		return nil, encrypted, wrong("unsigned", "The assertion from your organisation's login is not signed. Its administrator must let it sign assertions, not only responses.")
	}
	if err != nil {
		return nil, encrypted, wrongSignature(err)
	}
	return signed, encrypted, nil
}

// detach copies el out of its document with the namespaces in scope there.
func detach(el *etree.Element) (*etree.Element, error) {
	ctx, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, err
	}
	return etreeutils.NSDetatch(ctx, el)
}

// verifyOuter verifies root's own signature though an assertion below has one too.
func verifyOuter(root *etree.Element, certs []*x509.Certificate) (*etree.Element, error) {
	copied := root.Copy()
	own := children(copied, nsSignature, "Signature")
	if len(own) != 1 || count(copied) > maxElements {
		return nil, errSignature
	}
	// goxmldsig takes the first Signature that names root: it must be this one.
	copied.RemoveChild(own[0])
	copied.InsertChildAt(0, own[0])
	if err := checkShape(copied, own[0]); err != nil {
		return nil, err
	}
	for _, info := range children(own[0], nsSignature, "KeyInfo") {
		own[0].RemoveChild(info)
	}
	for _, cert := range certs {
		if signed, ok := verifyWith(copied, cert); ok {
			return signed, nil
		}
	}
	return nil, errSignature
}

// bearer is the one way to confirm a subject over the browser.
const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer" //nolint:gosec // the name of a method, no credential

// believe reads the assertion that was signed.
func (e Expected) believe(a *etree.Element, now time.Time) (Vouched, error) {
	k := Vouched{Issuer: e.From.EntityID, AssertionID: attr(a, "ID"), Attributes: map[string][]string{}}
	issuer := child(a, nsAssertion, "Issuer")
	if attr(a, "Version") != "2.0" || !usableID(k.AssertionID) {
		return Vouched{}, garbled(nil)
	}
	if issuer == nil || !e.isFrom(issuer) {
		return Vouched{}, wrong("issuer", "The assertion comes from another login than the one that was asked.")
	}
	if err := e.fresh(a, now); err != nil {
		return Vouched{}, err
	}
	for _, step := range []func(*etree.Element, *Vouched, time.Time) error{e.subject, e.conditions, e.statement, e.attributes} {
		if err := step(a, &k, now); err != nil {
			return Vouched{}, err
		}
	}
	k.Level = k.stated()
	return k, nil
}

// subject reads who it is, and demands a bearer confirmation for us, now.
func (e Expected) subject(a *etree.Element, k *Vouched, now time.Time) error {
	subjects := children(a, nsAssertion, "Subject")
	if len(subjects) != 1 {
		return wrong("subject", "The assertion must have exactly one Subject.")
	}
	name := child(subjects[0], nsAssertion, "NameID")
	if closed := child(subjects[0], nsAssertion, "EncryptedID"); name == nil && closed != nil {
		opened, err := e.Opener.Open(closed)
		if err != nil {
			return wrongSignature(err)
		}
		name = opened
	}
	if text(name) == "" || len(text(name)) > 1024 {
		return wrong("name", "The assertion does not name the person: it needs a NameID.")
	}
	k.NameID = NameID{text(name), attr(name, "Format"), attr(name, "NameQualifier"), attr(name, "SPNameQualifier")}
	for _, c := range children(subjects[0], nsAssertion, "SubjectConfirmation") {
		if until, ok := e.confirms(c, now); ok {
			k.Until = until
			return nil
		}
	}
	return wrong("confirmation", "The assertion is not confirmed for this login: it needs a bearer SubjectConfirmation with Recipient, InResponseTo and a NotOnOrAfter that has not passed.")
}

// confirms tells whether one SubjectConfirmation lets the bearer in, and until when.
func (e Expected) confirms(c *etree.Element, now time.Time) (time.Time, bool) {
	data := children(c, nsAssertion, "SubjectConfirmationData")
	if attr(c, "Method") != bearer || len(data) != 1 {
		return time.Time{}, false
	}
	d := data[0]
	end, err := instant(attr(d, "NotOnOrAfter"))
	if err != nil || !now.Before(end.Add(e.Skew)) || attr(d, "Recipient") != e.Consumer || attr(d, "InResponseTo") != e.InReplyTo || !e.begun(d, now) {
		return time.Time{}, false
	}
	return end.Add(e.Skew), true
}

// begun checks NotBefore, which may be absent.
func (e Expected) begun(el *etree.Element, now time.Time) bool {
	value := attr(el, "NotBefore")
	if value == "" {
		return true
	}
	from, err := instant(value)
	return err == nil && !now.Before(from.Add(-e.Skew))
}

// conditions demands that the assertion is meant for us; a condition that nobody
// here knows makes it void (SAML core 2.5.1.1).
func (e Expected) conditions(a *etree.Element, k *Vouched, now time.Time) error {
	all := children(a, nsAssertion, "Conditions")
	if len(all) != 1 {
		return wrong("audience", "The assertion must say whom it is meant for.")
	}
	c := all[0]
	if value := attr(c, "NotOnOrAfter"); value != "" {
		end, err := instant(value)
		if err != nil || !now.Before(end.Add(e.Skew)) {
			return wrong("expired", "The answer from your organisation's login is too old, or its clock is wrong. Log in once more.")
		}
		if end.Add(e.Skew).After(k.Until) {
			k.Until = end.Add(e.Skew)
		}
	}
	if !e.begun(c, now) {
		return wrong("expired", "The answer from your organisation's login is too old, or its clock is wrong. Log in once more.")
	}
	restrictions := 0
	for _, one := range c.ChildElements() {
		switch {
		case is(one, nsAssertion, "AudienceRestriction"):
			restrictions++
			if !slices.ContainsFunc(children(one, nsAssertion, "Audience"), func(el *etree.Element) bool { return text(el) == e.Audience }) {
				return wrong("audience", "The assertion is meant for somebody else: its audience must be "+e.Audience+".")
			}
		case is(one, nsAssertion, "OneTimeUse"), is(one, nsAssertion, "ProxyRestriction"):
		default:
			return wrong("condition", "The assertion has a condition that is not known here.")
		}
	}
	if restrictions == 0 {
		return wrong("audience", "The assertion must say whom it is meant for.")
	}
	return nil
}

// statement reads when and how the person logged in.
func (e Expected) statement(a *etree.Element, k *Vouched, now time.Time) error {
	all := children(a, nsAssertion, "AuthnStatement")
	if len(all) != 1 {
		return wrong("statement", "The assertion must say exactly once when and how the person logged in.")
	}
	at, err := instant(attr(all[0], "AuthnInstant"))
	if err != nil || at.After(now.Add(e.Skew)) {
		return wrong("statement", "The assertion does not say when the person logged in, or says a time to come.")
	}
	if e.Fresh && at.Before(e.AskedAt.Add(-e.Skew)) {
		return wrong("stale", "A new login was asked for, and your organisation's login answered with an old one.")
	}
	if value := attr(all[0], "SessionNotOnOrAfter"); value != "" {
		end, err := instant(value)
		if err != nil || !now.Before(end.Add(e.Skew)) {
			return wrong("expired", "The answer from your organisation's login is too old, or its clock is wrong. Log in once more.")
		}
		k.SessionEnds = end
	}
	k.AuthnAt, k.SessionIndex = at, attr(all[0], "SessionIndex")
	k.Class = text(child(child(all[0], nsAssertion, "AuthnContext"), nsAssertion, "AuthnContextClassRef"))
	return nil
}

// attributes collects the values by name; a name that comes twice keeps all.
func (e Expected) attributes(a *etree.Element, k *Vouched, _ time.Time) error {
	statements := children(a, nsAssertion, "AttributeStatement")
	if len(statements) > 1 {
		return wrong("attributes", "The assertion must have at most one list of attributes.")
	}
	if len(statements) == 0 {
		return nil
	}
	all := children(statements[0], nsAssertion, "Attribute")
	for _, closed := range children(statements[0], nsAssertion, "EncryptedAttribute") {
		opened, err := e.Opener.Open(closed)
		if err != nil {
			return wrongSignature(err)
		}
		all = append(all, opened)
	}
	for _, one := range all {
		for _, value := range children(one, nsAssertion, "AttributeValue") {
			k.Attributes[attr(one, "Name")] = append(k.Attributes[attr(one, "Name")], text(value))
		}
	}
	return nil
}

// stated is the lowest of the levels that attributes (OIOSAML 3 and 4) and class
// state. An attribute with a value that is no level states none at all.
func (k Vouched) stated() Level {
	lowest, _ := levelOf(k.Class)
	for _, name := range []string{attrLoA, attrLoA4} {
		values, there := k.Attributes[name]
		if !there {
			continue
		}
		level := LevelNamed(k.One(name))
		if l, _ := levelOf(k.One(name)); l != 0 {
			level = l
		}
		if len(values) != 1 || level == 0 {
			return 0
		}
		if lowest == 0 || level < lowest {
			lowest = level
		}
	}
	return lowest
}
