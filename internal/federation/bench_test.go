package federation_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"testing"
)

// One signed and encrypted response; compare with BenchmarkBareRSASignature,
// which is what it cannot go below.
func BenchmarkResponse(b *testing.B) {
	md := service(b, signingKey(rsaKey()), encryptionKey(otherKey(), ""), postACS)
	idp := provider()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := idp.Respond(request, md, person, noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareRSASignature(b *testing.B) {
	key, digest := rsaKey().Private, sha256.Sum256([]byte("an assertion"))
	for b.Loop() {
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}
