package app

import (
	"context"
	"errors"

	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/token"
)

// openToken opens the token that authorities have their keys on, if there is one.
// One that is away does not keep a node from starting: what needs no signature
// goes on. Errors: *config.Error.
func (a *App) openToken(ctx context.Context) error {
	c := a.Config
	if c.TokenModule == "" {
		return nil
	}
	made, err := token.New(token.Config{Module: c.TokenModule, Label: c.TokenLabel, PINFile: c.TokenPINFile})
	if errors.Is(err, token.ErrNotBuilt) {
		return &config.Error{
			Variable: "ADGANG_PKCS11_MODULE",
			Text: "needs an adgang with PKCS#11 in it, and this one was built without: build it with `make bin/adgang-pkcs11` " +
				"(CGO_ENABLED=1 go build -tags pkcs11 ./cmd/adgang), or leave the variable empty to keep the keys in the database",
		}
	}
	if err != nil {
		return err
	}
	a.token = made
	switch err := made.Check(); {
	case errors.Is(err, token.ErrModule):
		return &config.Error{Variable: "ADGANG_PKCS11_MODULE", Text: "cannot be used: " + err.Error()}
	case errors.Is(err, token.ErrPIN):
		return &config.Error{Variable: "ADGANG_PKCS11_PIN_FILE", Text: "cannot be used: " + err.Error()}
	case err != nil:
		a.Log.WarnContext(ctx, "the PKCS#11 token does not answer: nothing is signed until it does", "err", err)
	}
	return nil
}
