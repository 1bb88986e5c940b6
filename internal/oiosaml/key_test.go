package oiosaml_test

import (
	"crypto/rsa"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/oiosaml"
	"github.com/adgang/adgang/internal/oiosaml/peer"
)

func TestNewKey(t *testing.T) {
	t.Parallel()
	k, err := oiosaml.NewKey(oiosaml.RSA, "https://adgang.example/"+string(make([]byte, 100)), peer.Noon)
	if err != nil {
		t.Fatalf("NewKey: %v", err)
	}
	if bits := k.Private.Public().(*rsa.PublicKey).N.BitLen(); bits != 2048 {
		t.Errorf("key has %d bits, want 2048", bits)
	}
	if end := k.Certificate.NotAfter; end.Before(peer.Noon.AddDate(2, 11, 0)) || end.After(peer.Noon.AddDate(3, 0, 1)) || k.Certificate.NotBefore.After(peer.Noon.Add(-time.Minute)) {
		t.Errorf("certificate is valid from %v to %v, want three years from %v", k.Certificate.NotBefore, end, peer.Noon)
	}
	if err := k.Certificate.CheckSignature(k.Certificate.SignatureAlgorithm, k.Certificate.RawTBSCertificate, k.Certificate.Signature); err != nil {
		t.Errorf("certificate is not signed by its own key: %v", err)
	}
}

func TestLoadKey(t *testing.T) {
	t.Parallel()
	pkcs8, certificate, err := peer.RSA().Marshal()
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	got, err := oiosaml.LoadKey(pkcs8, certificate)
	if err != nil || !got.Private.(*rsa.PrivateKey).Equal(peer.RSA().Private) || !got.Certificate.Equal(peer.RSA().Certificate) {
		t.Errorf("LoadKey = %v, %v, want the same key", got.Certificate, err)
	}
	if _, err := oiosaml.LoadKey(pkcs8, nil); err == nil {
		t.Error("LoadKey without certificate = nil")
	}
	ecPKCS8, ecCertificate, err := peer.EC().Marshal()
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	if got, err := oiosaml.LoadKey(ecPKCS8, ecCertificate); err != nil || got.Algorithm() != oiosaml.ECDSA {
		t.Errorf("LoadKey of an ECDSA key = %v, %v", got.Certificate, err)
	}
}
