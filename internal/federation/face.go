package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/audit"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// Face is another protocol than SAML that services ask for logins by. The flow,
// the decision (Release), the record and the statistics are this package's; a face
// only puts the answer into its protocol.
type Face struct {
	// Grant makes the answer of a login that is decided, in the transaction that
	// records it.
	Grant func(ctx context.Context, tx bun.Tx, one Granted) (Given, error)
	// Refuse says where the browser takes a refusal, and the protocol's word for it.
	Refuse func(ctx context.Context, p Partner, detail string, why *oiosaml.RefusalError) (to, status string, err error)
}

// Granted is a login that a face is to answer.
type Granted struct {
	Partner Partner
	Detail  string // as the face gave it to Ask
	Login   Login
	Release Release
}

// Given is a face's answer.
type Given struct {
	Part Part   // where the person is logged in now
	To   string // where the browser takes it
	Note string // for the audit log
}

// FaceRequest is a login request that a face has read and found well formed. Its Request
// needs ID, Context, ForceAuthn, IsPassive and Subject.
type FaceRequest struct {
	Face    string
	Service string // its ID
	Request oiosaml.Request
	MaxAge  *int64 // seconds that the login may be old, nil = any
	Detail  string // what the face needs again to answer
	Facts   Facts
}

// Ask takes a login request of another face in. cookie is the browser's flow
// cookie, "" for none. Errors: fault.Denied for a request that was made before,
// fault.Absent.
func (s *Service) Ask(ctx context.Context, w FaceRequest, cookie, address string) (Outcome, error) {
	p, err := s.partner(ctx, w.Service)
	if err != nil {
		return Outcome{}, store.Found(err, "federation.service")
	}
	w.Request.Service, w.Request.IssuedAt = p.EntityID, store.Instant(s.Now())
	a := s.attempt(p, nil, 0)
	a.Facts = w.Facts
	a.Facts.Binding, a.Facts.RequestID = w.Face, w.Request.ID
	a.asked(w.Request)
	if len(cookie) != 43 {
		cookie = secret.Token()
	}
	n, err := s.store(ctx, p, w.Request, a, pending{Kind: w.Face, Detail: w.Detail, MaxAge: w.MaxAge}, cookie, nil)
	if err == nil && n == 0 {
		err = s.refused(ctx, p, a, fault.New(fault.Denied, "federation.request.replay", "This login request has been used already. Go back to the service and start again."), address)
	}
	return Outcome{Flow: a.ID, Cookie: cookie}, err
}

// Refused records something that another face has refused a service, for its
// administrators.
func (s *Service) Refused(ctx context.Context, service string, facts Facts, why *fault.Error, status, address string) error {
	p, err := s.partner(ctx, service)
	if err != nil {
		return err
	}
	a := s.attempt(p, nil, 0)
	a.Facts, a.Status = facts, status
	a.Facts.Text = why.Text
	if err := s.refused(ctx, p, a, why, address); fault.CodeOf(err) != why.Code {
		return err
	}
	return nil
}

// grant lets the service's face answer.
func (s *Service) grant(ctx context.Context, v verdict) (Outcome, error) {
	v.attempt.by(v.out)
	v.attempt.Result = LoggedIn
	var given Given
	err := store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) (err error) {
		given, err = s.Faces[v.face].Grant(ctx, tx, Granted{Partner: v.partner, Detail: v.detail, Login: v.login, Release: v.out})
		if err != nil {
			return err
		}
		given.Part.Kind, given.Part.ServiceID, given.Part.ServiceName = v.face, v.partner.ID, v.partner.Name
		if err := s.record(ctx, tx, v, nil, v.face+".login", given.Note); err != nil {
			return err
		}
		return s.Join(ctx, tx, given.Part)
	})
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Flow: v.attempt.ID, To: given.To}, nil
}

// refuseElsewhere is refuse for another face.
func (s *Service) refuseElsewhere(ctx context.Context, v verdict, why *oiosaml.RefusalError) (Outcome, error) {
	to, status, err := s.Faces[v.face].Refuse(ctx, v.partner, v.detail, why)
	if err != nil {
		return Outcome{}, err
	}
	v.attempt.failed(why)
	v.attempt.by(v.out)
	v.attempt.needs(v.partner, why)
	v.attempt.Status = status
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		return s.record(ctx, tx, v, nil, v.face+".refuse", why.Error())
	})
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{To: to}
	if !slices.Contains(quiet, why.Reason) {
		out.Refusal = told(v.partner, v.request, v.out, why)
	}
	return out, nil
}

// Decide is Release for a face that asks again about a person who is logged in:
// may the login still be used, and what may be told now? Errors: as Release, and
// fault.Absent for a service that is no longer there.
func (s *Service) Decide(ctx context.Context, service string, login Login) (Release, error) {
	p, err := s.partner(ctx, service)
	if err != nil {
		return Release{}, store.Found(err, "federation.service")
	}
	return s.Release(ctx, p, login, Asked{Attributes: p.told()})
}

// LiveIn tells whether a part that a face recorded is still one, by the session
// index that it was given.
func (s *Service) LiveIn(ctx context.Context, db bun.IDB, org access.OrgID, face, service, index string) (bool, error) {
	return db.NewSelect().Model((*Part)(nil)).Where("org_id = ?", org).Where("kind = ?", face).Where("service_id = ?", service).
		Where("session_index = ?", index).Where("ended_at IS NULL").Where("expires_at > ?", store.Instant(s.Now())).Exists(ctx)
}

// Leave ends a part by itself: the person stays logged in everywhere else.
func (s *Service) Leave(ctx context.Context, tx bun.Tx, org access.OrgID, face, service, index string) error {
	_, err := tx.NewUpdate().Model((*Part)(nil)).Set("ended_at = ?", store.Instant(s.Now())).Where("org_id = ?", org).Where("kind = ?", face).
		Where("service_id = ?", service).Where("session_index = ?", index).Where("ended_at IS NULL").Exec(ctx)
	return err
}

// told are the attributes that the service asks for by its other face, never nil.
func (p *Partner) told() []string {
	all := []string{}
	if p.Claims != "" && json.Unmarshal([]byte(p.Claims), &all) != nil {
		return []string{} // what cannot be read asks for nothing
	}
	return all
}

func requested(names []string) []oiosaml.RequestedAttribute {
	all := make([]oiosaml.RequestedAttribute, 0, len(names))
	for _, name := range names {
		all = append(all, oiosaml.RequestedAttribute{Name: name})
	}
	return all
}

// offered is everything that the service may be told, by either face.
func (p *Partner) offered(rights bool) []oiosaml.Offered {
	var all []oiosaml.Offered
	if p.Source != "" {
		all = oiosaml.Told(p.Metadata, rights)
	}
	if p.Face == "" {
		return all
	}
	for _, one := range oiosaml.Told(oiosaml.Metadata{Requested: requested(p.told())}, rights) {
		if !slices.ContainsFunc(all, func(o oiosaml.Offered) bool { return o.Name == one.Name }) {
			all = append(all, one)
		}
	}
	return all
}

// RegisterFace adds a service that speaks another protocol and no SAML. Errors:
// fault.Denied, fault.Invalid.
func (s *Service) RegisterFace(ctx context.Context, tx bun.Tx, by access.Actor, face, name string) (Partner, error) {
	if err := by.Need(access.ManageServices); err != nil {
		return Partner{}, err
	}
	if n := len([]rune(name)); n == 0 || n > 200 {
		return Partner{}, fault.New(fault.Invalid, "federation.service.name", "A service needs a name of at most 200 characters.").On("name")
	}
	p := Partner{ID: store.NewID(), OrgID: by.OrgID, Name: name, CreatedAt: store.Instant(s.Now()), Face: face}
	p.EntityID = "urn:uuid:" + p.ID
	if _, err := store.Insert(ctx, tx, []Partner{p}, ""); err != nil {
		return Partner{}, err
	}
	if err := p.introduce(ctx, tx); err != nil {
		return Partner{}, err
	}
	return p, audit.Record(ctx, tx, audit.By(by, s.Now(), "service.register", "service:"+p.ID, p.EntityID))
}

// SetFace says by which protocol beside SAML a service asks for logins, and what it
// asks to be told by it. face "" takes it away. Errors: fault.Denied, fault.Absent;
// fault.Conflict for a service that would have no face left.
func (s *Service) SetFace(ctx context.Context, tx bun.Tx, by access.Actor, id, face string, attributes []string) error {
	if err := by.Need(access.ManageServices); err != nil {
		return err
	}
	claims, err := json.Marshal(attributes)
	if err != nil {
		return err
	}
	var p Partner
	if err := tx.NewSelect().Model(&p).Where("org_id = ?", by.OrgID).Where("id = ?", id).Scan(ctx); err != nil {
		return store.Found(err, "federation.service")
	}
	if face == "" && p.Source == "" {
		return fault.New(fault.Conflict, "federation.service.faceless", "The service has no other way to log in. Remove the service instead.")
	}
	res, err := tx.NewUpdate().Model((*Partner)(nil)).Set("face = ?", face).Set("claims = ?", string(claims)).
		Where("org_id = ?", by.OrgID).Where("id = ?", id).Exec(ctx)
	if err := store.One(res, err, "federation.service"); err != nil {
		return fmt.Errorf("face of service %s: %w", id, err)
	}
	return nil
}

// Named returns a service of whatever organisation by its ID, for a face that a
// service turns to. Errors: fault.Absent.
func (s *Service) Named(ctx context.Context, id string) (Partner, error) {
	p, err := s.partner(ctx, id)
	return p, store.Found(err, "federation.service")
}

// NameIDOf is the name that a service knows an employee by.
func (s *Service) NameIDOf(p Partner, r Release) string { return s.nameID(r.Employee, p) }
