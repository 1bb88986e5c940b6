//go:build !pkcs11

package token

import "crypto"

const built = false

// connection is nobody's: New refuses.
type connection struct{}

func connect(Config, string) (*connection, error) { return nil, ErrNotBuilt }

func (*connection) generate(string, Kind) (crypto.PublicKey, error) { return nil, ErrNotBuilt }
func (*connection) find(string) (crypto.Signer, error)              { return nil, ErrNotBuilt }
func (*connection) remove(string) error                             { return ErrNotBuilt }
func (*connection) close()                                          {}

func broken(error) bool { return false }
