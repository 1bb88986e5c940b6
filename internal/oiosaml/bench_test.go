package oiosaml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/adgang/adgang/internal/oiosaml/peer"
)

// One signed and encrypted response; compare with BenchmarkBareRSASignature,
// which is what it cannot go below.
func BenchmarkResponse(b *testing.B) {
	md := peer.Service(b, peer.SigningKey(peer.RSA()), peer.EncryptionKey(peer.Other(), ""), peer.PostACS)
	idp := provider()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := idp.Respond(request, md, person, peer.Noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareRSASignature(b *testing.B) {
	key, digest := peer.RSA().Private, sha256.Sum256([]byte("an assertion"))
	for b.Loop() {
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}
