package credential

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
)

// ChallengeMinutes is how long a login challenge lives.
const ChallengeMinutes = 5

// challenge is what the browser that asked keeps for us, sealed, in its cookie. Only
// its end is written down, so nobody fills the database by asking.
type challenge struct {
	ID        string    `json:"id"`
	Nonce     string    `json:"nonce"`
	Flow      string    `json:"flow"`
	ExpiresAt time.Time `json:"expires_at"`
}

// spentChallenge is one that has been answered.
type spentChallenge struct {
	bun.BaseModel `bun:"table:login_challenge"`

	ID        string    `bun:"id,pk"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// cookiePlace is where a challenge opens.
const cookiePlace = "login"

// Challenge is what a key file is asked to sign. Cookie goes to the browser
// that asked, and only its login counts.
type Challenge struct {
	ID        string
	Text      string
	Cookie    string
	ExpiresAt time.Time
}

// text is what is signed, domain-separated and bound to this origin, so that a
// signature made for another site or purpose is worth nothing here.
func (s *Service) text(c challenge) string {
	flow := c.Flow
	if flow == "" {
		flow = "-"
	}
	return strings.Join([]string{
		"adgang-keyfile-login-v1", s.Origin, c.ID, c.Nonce, flow, c.ExpiresAt.UTC().Format(time.RFC3339),
	}, "\n")
}

// NewChallenge begins a key-file login; flow is the pending SAML request that
// brought the person here, "" for none. Errors: fault.Invalid for a flow that
// cannot be one.
func (s *Service) NewChallenge(flow string) (Challenge, error) {
	if len(flow) > 64 || strings.ContainsFunc(flow, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Challenge{}, fault.New(fault.Invalid, "credential.login.flow", "The login was begun by a link that is not whole. Start again at the service.").On("flow")
	}
	c := challenge{
		ID: store.NewID(), Nonce: secret.Token(), Flow: flow,
		ExpiresAt: store.Instant(s.Now()).Add(ChallengeMinutes * time.Minute).Truncate(time.Second),
	}
	kept, err := json.Marshal(c)
	if err != nil {
		return Challenge{}, err
	}
	cookie := base64.RawURLEncoding.EncodeToString(s.Keys.Seal(cookiePurpose, cookiePlace, kept))
	return Challenge{ID: c.ID, Text: s.text(c), Cookie: cookie, ExpiresAt: c.ExpiresAt}, nil
}

// Login is the answer to a challenge.
type Login struct {
	Challenge string
	Cookie    string
	Algorithm string // ES256 or PS256
	Leaf      []byte // the key file's certificate, DER
	Signature []byte
	Address   string
}

// Holder is who logged in, by which certificate, and for which flow; Token is of the
// session that began.
type Holder struct {
	Employee org.Employee
	Serial   string
	Flow     string
	Token    string
}

// LogIn checks a login: the certificate (our CA, validity, revocation), the
// signature, and that key file and employee are in use; the challenge is spent in
// the transaction that records how it ended, and begins the session. Errors:
// fault.Denied, with a code that says which check failed.
func (s *Service) LogIn(ctx context.Context, in Login) (Holder, error) {
	c, err := s.asked(in)
	if err != nil {
		return Holder{}, s.refuse(ctx, in, nil, "", "", err)
	}
	holder, by, err := s.answered(ctx, in, c)
	if err != nil {
		return Holder{}, s.refuse(ctx, in, &c, by.org, by.serial, err)
	}
	fresh := false
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		if fresh, err = spend(ctx, tx, c); err != nil || !fresh {
			return err
		}
		holder.Token, err = s.Begin(ctx, tx, holder.Employee, holder.Serial, in.Address)
		return err
	})
	if err == nil && !fresh {
		return Holder{}, s.refuse(ctx, in, nil, "", "", errChallenge)
	}
	if err != nil {
		return Holder{}, err
	}
	return holder, nil
}

// blamed is whose log tells of a refused login, and of which certificate.
type blamed struct {
	org    access.OrgID
	serial string
}

// answered finds out who has answered the challenge.
func (s *Service) answered(ctx context.Context, in Login, c challenge) (Holder, blamed, error) {
	leaf, err := s.CA.Verify(ctx, in.Leaf, s.Now())
	if err != nil {
		orgID, serial := s.owner(ctx, in.Leaf, err)
		return Holder{}, blamed{orgID, serial}, err
	}
	o, err := s.Org.ByCVR(ctx, leaf.CVR)
	if err != nil {
		return Holder{}, blamed{}, err
	}
	by := blamed{o.ID, string(leaf.Serial)}
	if o.Ended(s.Now()) {
		return Holder{}, by, fault.New(fault.Denied, "credential.login.ended", "The organisation's agreement has ended, so nobody logs in for it any more.")
	}
	if err := pki.VerifyLogin(leaf.PublicKey, in.Algorithm, []byte(s.text(c)), in.Signature); err != nil {
		return Holder{}, by, fault.New(fault.Denied, "credential.login.signature", "The signature does not fit the key file and this page. Load the page again and log in once more.").Because(err)
	}
	id := access.EmployeeID(leaf.UUID)
	file, live, err := liveKeyFile(ctx, s.DB, o.ID, id)
	if err != nil {
		return Holder{}, by, err
	}
	if !live || file.Serial == nil || *file.Serial != by.serial {
		return Holder{}, by, fault.New(fault.Denied, "credential.login.blocked", "The key file is blocked. Ask your administrator for a new one.")
	}
	e, err := org.Get(ctx, s.DB, o.ID, id)
	if err != nil {
		return Holder{}, by, err
	}
	if e.State != org.Active {
		return Holder{}, by, fault.New(fault.Denied, "credential.login.stopped", "Your access to the organisation has been stopped. Ask your administrator.")
	}
	if err := s.known(ctx, e); err != nil {
		return Holder{}, by, err
	}
	if err := s.allowed(ctx, s.DB, e); err != nil {
		return Holder{}, by, err
	}
	return Holder{Employee: e, Serial: by.serial, Flow: c.Flow}, by, nil
}

// known refuses whose identity is not known as well as the organisation demands.
// Administrators get in all the same, so that somebody can record proofings after
// the demand was raised; services are told their level as it is.
func (s *Service) known(ctx context.Context, e org.Employee) error {
	err := org.Standing(ctx, s.DB, e)
	if fault.KindOf(err) != fault.Conflict {
		return err
	}
	return exempt(ctx, s.DB, e, err)
}

// allowed refuses a key file where the organisation has taken key files out of its
// authenticators. Administrators keep theirs, so that somebody can put them back.
func (s *Service) allowed(ctx context.Context, db bun.IDB, e org.Employee) error {
	settings, err := setting.Of(ctx, db, e.OrgID)
	if err != nil {
		return err
	}
	if off := settings.Allows(setting.KeyFile); off != nil {
		return exempt(ctx, db, e, off)
	}
	return nil
}

// exempt is err, nil for administrators of the organisation or of its users.
func exempt(ctx context.Context, db bun.IDB, e org.Employee, err error) error {
	roles, lookErr := org.RolesOf(ctx, db, e.OrgID, e.ID)
	if lookErr != nil {
		return lookErr
	}
	if slices.Contains(roles, access.OrganisationAdministrator) || slices.Contains(roles, access.UserAdministrator) {
		return nil
	}
	return err
}

// owner is the organisation and serial number of a certificate that was refused
// although our authority signed it: its log tells of the attempt.
func (s *Service) owner(ctx context.Context, der []byte, refusal error) (access.OrgID, string) {
	if code := fault.CodeOf(refusal); code != "ca.certificate.revoked" && code != "ca.certificate.expired" {
		return "", ""
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", ""
	}
	serial := string(pki.SerialOf(cert.SerialNumber))
	for _, a := range cert.Subject.Names {
		cvr, isOurs := strings.CutPrefix(fmt.Sprint(a.Value), "NTRDK-")
		if !isOurs || a.Type.String() != "2.5.4.97" { // organizationIdentifier
			continue
		}
		if o, err := s.Org.ByCVR(ctx, cvr); err == nil {
			return o.ID, serial
		}
	}
	return "", serial
}

var errChallenge = fault.New(fault.Denied, "credential.login.challenge", "The login took longer than %d minutes, was sent twice, or was begun in another browser. Log in once more.", ChallengeMinutes)

// asked opens the challenge that the browser kept: ours, in time, and the one that
// is answered.
func (s *Service) asked(in Login) (challenge, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(in.Cookie)
	if err != nil {
		return challenge{}, errChallenge
	}
	kept, err := s.Keys.Open(cookiePurpose, cookiePlace, sealed)
	if err != nil {
		return challenge{}, errChallenge
	}
	var c challenge
	if err := json.Unmarshal(kept, &c); err != nil {
		return challenge{}, err
	}
	if c.ID != in.Challenge || !s.Now().Before(c.ExpiresAt) {
		return challenge{}, errChallenge
	}
	return c, nil
}

// spend uses a challenge up; it is not fresh when that has been done before.
func spend(ctx context.Context, tx bun.Tx, c challenge) (fresh bool, err error) {
	n, err := store.Insert(ctx, tx, []spentChallenge{{ID: c.ID, ExpiresAt: c.ExpiresAt}}, "ON CONFLICT (id) DO NOTHING")
	return n == 1, err
}

// refuse records a refused login, spends its challenge if it had one, and returns
// why, unless the reason is not the person's.
func (s *Service) refuse(ctx context.Context, in Login, c *challenge, orgID access.OrgID, serial string, why error) error {
	if k := fault.KindOf(why); k == fault.Internal || k == fault.Unavailable {
		return why
	}
	by := access.Actor{OrgID: orgID, ID: "anonymous", Address: in.Address}
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		if c != nil {
			if _, err := spend(ctx, tx, *c); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.By(by, s.Now(), "login.refuse", "certificate:"+serial, fault.CodeOf(why)))
	})
	return errors.Join(why, err)
}
