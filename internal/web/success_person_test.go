package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"slices"
	"testing"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/ocsp"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/attorney"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/enrolment"
	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/oiosaml/mellon"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/store"
	"github.com/adgang/adgang/internal/testkit"
	"github.com/adgang/adgang/internal/web"
)

// openSuccesses need no login.
var openSuccesses = []success{
	{route: "POST /api/v1/login/key-file", want: 200, verbs: "session.start", prepare: func(t *testing.T, r *rulings) act {
		client, file := r.newClient(t, "LOGIN")
		var ask web.Challenge
		client.Must(t, http.StatusCreated, post, "/api/v1/login/challenges", map[string]string{}, &ask)
		algorithm, signature := file.Sign(t, ask.Text)
		return act{by: client, body: map[string]any{"challenge_id": ask.ID, "algorithm": algorithm, "chain": [][]byte{file.Leaf}, "signature": signature}}
	}},
	{route: "POST /api/v1/activation/look-up", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.client(t), body: map[string]any{"token": r.invited(t, "LOOKUP").Token}}
	}},
	{route: "POST /api/v1/activation/certificate", want: 200, verbs: "certificate.intend certificate.issue key_file.activate", prepare: func(t *testing.T, r *rulings) act {
		i := r.invited(t, "ACTIVATE")
		return act{by: r.client(t), body: map[string]any{"token": i.Token, "code": i.Code, "csr": request(t)}}
	}},
	{route: "POST /api/v1/key-file/block", want: 200, verbs: "certificate.revoke key_file.block", prepare: func(t *testing.T, r *rulings) act {
		i, client := r.invited(t, "CODE"), r.client(t)
		var issued web.IssuedCertificate
		client.Must(t, http.StatusOK, post, "/api/v1/activation/certificate", map[string]any{"token": i.Token, "code": i.Code, "csr": request(t)}, &issued)
		return act{by: client, body: map[string]any{"serial": issued.Serial, "code": issued.RevocationCode, "reason": "key_compromise"}}
	}},
	{route: "POST /ca/ocsp", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		client, file := r.newClient(t, "OCSP")
		asked, err := ocsp.CreateRequest(certificateOf(t, file.Leaf), certificateOf(t, client.Must(t, http.StatusOK, get, "/ca/issuing.cer", nil, nil).Body), nil)
		if err != nil {
			t.Fatal(err)
		}
		ask := func() act {
			return act{by: client, body: bytes.NewReader(asked), header: []string{"Content-Type", "application/ocsp-request"}}
		}
		first := ask() // makes the key that answers
		client.Do(t, post, "/ca/ocsp", first.body, first.header...)
		return ask()
	}},
	{route: "POST /api/v1/me/key-file/revocation-code", want: 201, verbs: "key_file.recode", prepare: func(t *testing.T, r *rulings) act {
		client, file := r.newClient(t, "RECODE")
		client.LogIn(t, file, "")
		return act{by: client, body: map[string]any{"serial": file.Serial}}
	}},
	{route: "PUT /api/v1/certificate-profiles/:id/directory", want: 204, verbs: "certificate_profile.publish", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, path: "/api/v1/certificate-profiles/" + r.mailbox(t, "shown@nordvind.example") + "/directory"}
	}},
	{route: "DELETE /api/v1/certificate-profiles/:id/directory", want: 204, verbs: "certificate_profile.withdraw", prepare: func(t *testing.T, r *rulings) act {
		path := "/api/v1/certificate-profiles/" + r.mailbox(t, "hidden@nordvind.example") + "/directory"
		r.own.admin.Must(t, http.StatusNoContent, put, path, nil, nil)
		return act{by: r.own.admin, path: path}
	}},
	{route: "POST /api/v1/employee-requests", want: 202, verbs: "employee_request.create", prepare: func(t *testing.T, r *rulings) act {
		r.set(t, func(s *setting.Settings) { s.Creation.SelfRequest = true })
		return act{by: r.client(t), body: map[string]any{"cvr": cvr, "given_name": "Ida", "surname": "Ny", "email": "ida@ny.example", "reason": "I begin on Monday"}}
	}},
	{route: "POST /api/v1/certificate-order/look-up", want: 200, verbs: nothing, prepare: func(t *testing.T, r *rulings) act {
		_, token := r.ordered(t, "", "lookup@nordvind.example")
		return act{by: r.client(t), body: map[string]any{"token": token}}
	}},
	{route: "POST /api/v1/certificate-order/certificate", want: 200, verbs: "certificate.intend certificate.issue certificate_order.issue", prepare: func(t *testing.T, r *rulings) act {
		placed, token := r.ordered(t, "", "fetch@nordvind.example")
		return act{by: r.client(t), body: map[string]any{"token": token, "code": placed.Code, "csr": csr(t)}}
	}},
	{route: "POST /api/v1/certificate-email/confirm", want: 200, verbs: "certificate_profile.confirm", prepare: func(t *testing.T, r *rulings) act {
		_, token := r.ordered(t, "segl@nordvind.example", "ida@nordvind.example")
		return act{by: r.client(t), body: map[string]any{"token": token}}
	}},
}

// personSuccesses are of employees and administrators.
var personSuccesses = []success{
	{route: "POST /api/v1/powers/:id/reject", want: 204, verbs: "attorney.reject attorney.rejected", prepare: func(t *testing.T, r *rulings) act {
		partner := r.Company(t, "31313131")
		by := partner.Actor
		by.Roles = access.Roles
		asked, err := r.Attorney.Request(t.Context(), by, attorney.Terms{CVR: cvr, Rights: []entitlement.ID{openRight(t, r.Domain, partner)}, Reason: "Vi fører jeres bøger."})
		if err != nil {
			t.Fatal(err)
		}
		return act{by: r.own.admin, path: "/api/v1/powers/" + asked.ID + "/reject", body: map[string]any{"reason": "Vi fører dem selv."}}
	}},
	{route: "POST /api/v1/key-files/block", want: 200, verbs: "certificate.revoke key_file.block", prepare: func(t *testing.T, r *rulings) act {
		r.newClient(t, "MASS")
		return act{by: r.own.admin, body: map[string]any{"ids": []string{r.whoIs(t, "MASS")}, "reason": "superseded"}}
	}},
	{route: "POST /api/v1/certificate-kinds/revoke", want: 200, verbs: "certificate_kind.revoke", prepare: func(t *testing.T, r *rulings) act {
		var kinds web.CertificateKinds
		r.own.admin.Must(t, http.StatusOK, get, "/api/v1/certificate-kinds", nil, &kinds)
		i := slices.IndexFunc(kinds.Items, func(one web.CertificateStanding) bool { return one.Kind != "employee" && one.Live > 0 })
		if i < 0 {
			t.Fatalf("there is nothing to revoke: %+v", kinds)
		}
		return act{by: r.own.admin, body: map[string]any{"kind": kinds.Items[i].Kind, "reason": "superseded", "live": kinds.Items[i].Live}}
	}},
	{route: "POST /api/v1/me/anonymity", want: 204, verbs: "employee_request.create", prepare: func(t *testing.T, r *rulings) act {
		r.set(t, func(s *setting.Settings) { s.Creation.Anonymous = true })
		return act{by: r.newcomerIn(t, "ANON"), body: map[string]any{"reason": "Jeg vil helst være anonym."}}
	}},
	{route: "POST /api/v1/role-requests", want: 201, verbs: "role_request.create", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.newcomerIn(t, "WISH"), body: map[string]any{"role": "user-administrator", "reason": "Jeg passer de nye."}}
	}},
	{route: "DELETE /api/v1/role-requests/:id", want: 204, verbs: "role_request.withdraw", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "REGRET")
		return act{by: client, path: "/api/v1/role-requests/" + r.wish(t, client)}
	}},
	{route: "POST /api/v1/role-requests/:id/reject", want: 204, verbs: "role_request.reject", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, path: "/api/v1/role-requests/" + r.wish(t, r.newcomerIn(t, "REFUSED")) + "/reject", body: map[string]any{"reason": "Du er her kun i sommer."}}
	}},
	{route: "PUT /api/v1/approval-acts", want: 200, verbs: "setting.change", prepare: func(t *testing.T, r *rulings) act {
		second := r.Employee(t, r.own.Organisation, "EYES", "Eva Eriksen")
		if _, err := r.Org.ChangeRoles(t.Context(), r.ruler(), second.ID, []access.Role{access.UserAdministrator}, nil); err != nil {
			t.Fatal(err)
		}
		return act{by: r.own.admin, body: map[string]any{"acts": []string{"credential.block_many"}}}
	}},
	{route: "DELETE /api/v1/approvals/:id", want: 204, verbs: "approval.withdraw", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, path: "/api/v1/approvals/" + r.waiting(t, "OWN", r.own.Admin.ID)}
	}},
	{route: "POST /api/v1/approvals/:id/reject", want: 200, verbs: "approval.reject", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, path: "/api/v1/approvals/" + r.waiting(t, "NO", access.EmployeeID(r.own.ids["steward"])) + "/reject", body: map[string]any{"reason": "Det er for sent nu."}}
	}},
	{route: "POST /api/v1/batches/:id/retry", want: 200, verbs: "batch.retry", prepare: func(t *testing.T, r *rulings) act {
		b := draft(t, r.own.admin, header+"RETRY;Søren;Ågård;retry@nordvind.example;610180-0001\n")
		// Whose RID is somebody else's when the row is done.
		other, err := r.Org.Create(t.Context(), r.ruler(), org.Person{RID: "RETRY", GivenName: "Per", Surname: "Skov", Email: "per@nordvind.example", DateOfBirth: "1970-01-01"}, "")
		if err != nil {
			t.Fatal(err)
		}
		r.own.admin.Must(t, http.StatusOK, post, "/api/v1/batches/"+*b.ID+"/start", nil, nil)
		r.Drain(t)
		if done := batchIn(t, r.own.admin, get, *b.ID); done.Counts.Failed != 1 {
			t.Fatalf("batch with employee %s = %+v, want a failed row", other.ID, done.Counts)
		}
		return act{by: r.own.admin, path: "/api/v1/batches/" + *b.ID + "/retry"}
	}},
	{route: "POST /api/v1/services", want: 201, verbs: "service.register", prepare: func(t *testing.T, r *rulings) act {
		metadata := bytes.ReplaceAll(mellon.New(t).Metadata, []byte("https://"), []byte("https://third."))
		return act{by: r.own.admin, body: bytes.NewReader(metadata), header: []string{"Content-Type", "application/xml"}}
	}},
	{route: "DELETE /api/v1/mail-templates", want: 204, verbs: "mail_template.reset", prepare: func(t *testing.T, r *rulings) act {
		body, header := jsonBody(words)
		if a := r.own.admin.Do(t, put, "/api/v1/mail-templates", body, header...); a.Status != http.StatusNoContent {
			t.Fatalf("PUT = %d %s", a.Status, a.Body)
		}
		return act{by: r.own.admin, path: "/api/v1/mail-templates?kind=key_file_expiry&lang=da"}
	}},
	{route: "PUT /api/v1/mail-logo", want: 204, verbs: "mail_logo.change", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.own.admin, body: picture(t), header: []string{"Content-Type", "image/png"}}
	}},
	{route: "DELETE /api/v1/mail-logo", want: 204, verbs: "mail_logo.remove", prepare: func(t *testing.T, r *rulings) act {
		if a := r.own.admin.Do(t, put, "/api/v1/mail-logo", picture(t), "Content-Type", "image/png"); a.Status != http.StatusNoContent {
			t.Fatalf("PUT = %d %s", a.Status, a.Body)
		}
		return act{by: r.own.admin}
	}},
	{route: "POST /api/v1/me/key-file/block", want: 204, verbs: "certificate.revoke key_file.block", prepare: func(t *testing.T, r *rulings) act {
		client := r.newcomerIn(t, "LOST")
		var me web.Self
		client.Must(t, http.StatusOK, get, "/api/v1/me", nil, &me)
		return act{by: client, body: map[string]any{"serial": me.Certificates[0].Serial, "reason": "key_compromise"}}
	}},
	{route: "POST /api/v1/employees/:id/sessions/end", want: 204, verbs: "session.end", prepare: func(t *testing.T, r *rulings) act {
		r.newcomerIn(t, "ENDED")
		path := "/api/v1/employees/" + r.whoIs(t, "ENDED") + "/sessions"
		var open web.OpenSessionList
		r.own.admin.Must(t, http.StatusOK, get, path, nil, &open)
		if len(open.Items) != 1 || open.Items[0].Here || open.Items[0].Provider != nil || open.Items[0].Address == "" {
			t.Fatalf("sessions = %+v", open.Items)
		}
		return act{by: r.own.admin, path: path + "/end", body: map[string]any{"session": open.Items[0].ID}}
	}},
	{route: "POST /api/v1/me/sessions/end", want: 204, verbs: "session.end", prepare: func(t *testing.T, r *rulings) act {
		client, file := r.newClient(t, "TWOFOLD")
		client.LogIn(t, file, "")
		other := r.client(t)
		other.LogIn(t, file, "")
		var open web.OpenSessionList
		client.Must(t, http.StatusOK, get, "/api/v1/me/sessions", nil, &open)
		if len(open.Items) != 2 || open.Items[0].Here || !open.Items[1].Here {
			t.Fatalf("sessions = %+v", open.Items)
		}
		return act{by: client, body: map[string]any{"session": open.Items[0].ID}}
	}},
	{route: "PATCH /api/v1/me", want: 204, verbs: "employee.wish", prepare: func(t *testing.T, r *rulings) act {
		return act{by: r.newcomerIn(t, "ENGLISH"), body: map[string]any{"lang": "en"}}
	}},
}

// ruler is the own company's administrator in every role.
func (r *rulings) ruler() access.Actor {
	by := r.own.Actor
	by.Roles = access.Roles
	return by
}

// set changes the own company's settings.
func (r *rulings) set(t *testing.T, change func(*setting.Settings)) {
	t.Helper()
	now, err := r.Setting.Settings(t.Context(), r.ruler())
	if err == nil {
		_, err = r.Setting.Change(t.Context(), r.ruler(), now.Version, change)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// invited is the invitation of a new employee of the own company.
func (r *rulings) invited(t *testing.T, rid string) credential.Invitation {
	t.Helper()
	return r.Invite(t, r.own.Organisation, r.Employee(t, r.own.Organisation, rid, "Bo "+rid))
}

// newClient has activated a new employee's key file, and not logged in.
func (r *rulings) newClient(t *testing.T, rid string) (*testkit.Client, testkit.KeyFile) {
	t.Helper()
	client, i := r.client(t), r.invited(t, rid)
	return client, client.Activate(t, i.Token, i.Code)
}

// newcomerIn is a new employee of the own company, logged in.
func (r *rulings) newcomerIn(t *testing.T, rid string) *testkit.Client {
	t.Helper()
	client, file := r.newClient(t, rid)
	client.LogIn(t, file, "")
	return client
}

// whoIs is the employee with a RID.
func (r *rulings) whoIs(t *testing.T, rid string) (id string) {
	t.Helper()
	if err := r.DB.NewSelect().Table("employee").Column("id").Where("org_id = ?", r.own.ID).Where("rid = ?", rid).Scan(t.Context(), &id); err != nil {
		t.Fatal(err)
	}
	return id
}

// wish asks for a role.
func (r *rulings) wish(t *testing.T, client *testkit.Client) string {
	t.Helper()
	var made web.RoleRequest
	client.Must(t, http.StatusCreated, post, "/api/v1/role-requests", map[string]any{"role": "user-administrator", "reason": "Jeg passer de nye."}, &made)
	return made.ID
}

// waiting is a change of a new employee's roles that somebody has asked for.
func (r *rulings) waiting(t *testing.T, rid string, asker access.EmployeeID) string {
	t.Helper()
	pupil := r.Employee(t, r.own.Organisation, rid, "Per "+rid)
	payload, err := json.Marshal(org.RoleChange{Employee: pupil.ID, Give: []access.Role{access.UserAdministrator}})
	if err != nil {
		t.Fatal(err)
	}
	waits := approval.Request{
		OrgID: r.own.ID, ID: store.NewID(), Act: org.RolesAct.Name, Needs: access.AssignRoles, Object: "employee:" + string(pupil.ID),
		Details: "{}", Payload: string(payload), State: approval.Pending, Asker: "employee:" + string(asker), AskerID: asker,
		AskedAt: r.Clock.Now(), ExpiresAt: r.Clock.Now().Add(approval.Lifetime),
	}
	err = store.InTx(t.Context(), r.DB, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&waits).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return waits.ID
}

// ordered orders a certificate by code, with an address in it or without, and
// returns what the order's mail, or that to the address, leads to.
func (r *rulings) ordered(t *testing.T, address, contact string) (enrolment.Placed, string) {
	t.Helper()
	terms := enrolment.Terms{Kind: pki.ProfileSystem, Name: "System af " + contact, ContactName: "Ida", ContactEmail: contact, Method: enrolment.ByCode}
	if address != "" {
		terms.Kind, terms.Email = pki.ProfileSecureEmail, address
	}
	placed, err := r.Enrolment.Order(t.Context(), r.ruler(), terms)
	if err != nil {
		t.Fatal(err)
	}
	if address != "" {
		contact = address
	}
	return placed, r.mailed(t, contact)
}

func picture(t *testing.T) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 120, 40))); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

// mailbox is a profile of secure e-mail whose address is confirmed, of an organisation
// that has the public directory on.
func (r *rulings) mailbox(t *testing.T, address string) string {
	t.Helper()
	r.set(t, func(s *setting.Settings) {
		s.Directory, s.Certificates = true, []string{"user", "organisation", "system"}
	})
	var placed web.PlacedOrder
	r.own.admin.Must(t, http.StatusCreated, post, "/api/v1/certificate-profiles", map[string]any{
		"kind": "secure_email", "name": "Post", "email": address, "contact_name": "Ida", "contact_email": address, "method": "upload",
	}, &placed)
	_, err := r.DB.NewUpdate().Table("certificate_profile").Set("email_confirmed_at = created_at").Where("id = ?", placed.ProfileID).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return placed.ProfileID
}
