package demo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/credential"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/org"
	"github.com/adgang/adgang/internal/pki"
	"github.com/adgang/adgang/internal/secret"
	"github.com/adgang/adgang/internal/store"
)

// administrator makes the company and the key file of its administrator, and
// returns the administrator as the actor of what follows. The key is the only
// one that is ever made outside a browser.
func (s *Service) administrator(ctx context.Context, a Access) (org.Organisation, access.Actor, error) {
	o, e, err := s.founder(ctx, company.founding)
	var invitation credential.Invitation
	switch {
	case fault.KindOf(err) == fault.Absent:
		// What is left of an installation that is gone would pass for this one's.
		if err := remove(a.KeyFile); err != nil {
			return o, access.Actor{}, err
		}
		o, e, invitation, err = s.Credential.Found(ctx, company.founding)
	case err == nil:
		invitation, err = s.invite(ctx, a, o, e)
	}
	if err == nil && invitation.Token != "" {
		err = s.activate(ctx, a, invitation)
	}
	if err != nil {
		return o, access.Actor{}, err
	}
	by, err := org.ActorOf(ctx, s.DB, e, "")
	return o, by, err
}

// invite returns a new invitation of the administrator, the zero Invitation
// when the key file is there. One that was made before is worth nothing: its
// secrets, or the key, were lost with the process or with the files.
func (s *Service) invite(ctx context.Context, a Access, o org.Organisation, e org.Employee) (credential.Invitation, error) {
	by := access.Command(o.ID)
	there, err := exists(a.KeyFile, a.PasswordFile)
	if err != nil || there {
		return credential.Invitation{}, err
	}
	if err := remove(a.KeyFile); err != nil { // one without its password
		return credential.Invitation{}, err
	}
	d, err := s.Credential.Details(ctx, by, e.ID)
	if err != nil {
		return credential.Invitation{}, err
	}
	if d.KeyFile != "none" && d.KeyFile != "blocked" {
		if err := s.Credential.BlockKeyFile(ctx, by, e.ID, "superseded", ""); err != nil {
			return credential.Invitation{}, err
		}
	}
	var invitation credential.Invitation
	err = store.InTx(ctx, s.DB, func(ctx context.Context, tx bun.Tx) error {
		made, err := s.Credential.Orders(ctx, tx, by, o, []credential.Order{{Employee: e}}, false)
		if err == nil && len(made) != 1 {
			err = fmt.Errorf("%d invitations for one administrator", len(made))
		}
		if err == nil {
			invitation = made[0]
		}
		return err
	})
	return invitation, err
}

// activate does what the administrator's browser would do: a key, a request,
// the certificate, and a key file under a password.
func (s *Service) activate(ctx context.Context, a Access, i credential.Invitation) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	request, err := pki.NewRequest(key)
	if err != nil {
		return err
	}
	issued, err := s.Credential.Activate(ctx, i.Token, i.Code, request, "")
	if err != nil {
		return err
	}
	password := strings.ToLower(secret.Code() + "-" + secret.Code()[:4]) // 100 bits, 24 characters
	file, err := pki.EncodeKeyFile(key, issued.Certificate.DER, issued.Chain, password)
	if err != nil {
		return err
	}
	if err := write(a.PasswordFile, contents([]byte(password+"\n"))); err != nil {
		return err
	}
	return write(a.KeyFile, contents(file))
}

// remove makes sure that there is no such file.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func readLine(path string) (string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // one of the demo's own files
	return strings.TrimSpace(string(text)), err
}
