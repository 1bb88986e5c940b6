//go:build !pkcs11

package token_test

import (
	"errors"
	"testing"

	"github.com/adgang/adgang/internal/token"
)

func TestNotBuilt(t *testing.T) {
	t.Parallel()
	if made, err := token.New(token.Config{Module: "m", Label: "l", PINFile: "p"}); made != nil || !errors.Is(err, token.ErrNotBuilt) {
		t.Errorf("New = %v, %v, want ErrNotBuilt", made, err)
	}
}
