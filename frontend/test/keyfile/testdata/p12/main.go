// Command p12 opens and writes key files with go-pkcs12, for the tests of the
// browser's key files.
//
//	p12 open FILE PASSWORD                 prints the certificates and the public key as PEM
//	p12 make HOW KEY CERT CA PASSWORD OUT  HOW is Modern2023, LegacyDES or LegacyRC2; the rest are PEM files
package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"software.sslmate.com/src/go-pkcs12"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "open":
		return open(args[1], args[2])
	case len(args) == 7 && args[0] == "make":
		return write(args[1], args[2], args[3], args[4], args[5], args[6])
	}
	return errors.New("p12 open FILE PASSWORD, or p12 make HOW KEY CERT CA PASSWORD OUT")
}

func open(file, password string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	key, leaf, above, err := pkcs12.DecodeChain(content, password)
	if err != nil {
		return err
	}
	for _, c := range append([]*x509.Certificate{leaf}, above...) {
		if err := pem.Encode(os.Stdout, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
			return err
		}
	}
	public, err := x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
	if err != nil {
		return err
	}
	return pem.Encode(os.Stdout, &pem.Block{Type: "PUBLIC KEY", Bytes: public})
}

func write(how, key, cert, ca, password, out string) error {
	encoder, ok := map[string]*pkcs12.Encoder{"Modern2023": pkcs12.Modern2023, "LegacyDES": pkcs12.LegacyDES, "LegacyRC2": pkcs12.LegacyRC2}[how]
	if !ok {
		return fmt.Errorf("%s is not a way to write", how)
	}
	var der [3][]byte
	for i, file := range []string{key, cert, ca} {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		block, _ := pem.Decode(content)
		if block == nil {
			return fmt.Errorf("%s is no PEM", file)
		}
		der[i] = block.Bytes
	}
	private, err := x509.ParsePKCS8PrivateKey(der[0])
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der[1])
	if err != nil {
		return err
	}
	issuer, err := x509.ParseCertificate(der[2])
	if err != nil {
		return err
	}
	file, err := encoder.Encode(private, leaf, []*x509.Certificate{issuer}, password)
	if err != nil {
		return err
	}
	return os.WriteFile(out, file, 0o600)
}
