package oiosaml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"

	"github.com/beevik/etree"
)

// ErrDecrypt is all that Open says: which step failed would help whoever tries
// ciphertexts (padding and key oracles).
var ErrDecrypt = errors.New("what was encrypted cannot be read")

// Opener decrypts what a partner encrypted to any one of Keys, whose Private must
// be crypto.Decrypters; others are passed over. AES-GCM always, AES-CBC, which
// does not notice alteration, only when CBC is set; rsa-1_5 never.
type Opener struct {
	Keys []Key
	CBC  bool
	// Notice is told of each key that fitted, nil = nobody. Anyone can encrypt to a
	// key: it means something once the sender is verified.
	Notice func(Key)
}

// inside is what each wrapper holds.
var inside = map[string]string{
	"EncryptedAssertion": "Assertion",
	"EncryptedID":        "NameID",
	"EncryptedAttribute": "Attribute",
}

// maxWrapped is how many EncryptedKeys of one wrapper are tried; more than one
// is there when a message is for several readers. Each costs a private-key
// operation for each of our keys.
const maxWrapped = 4

// Open decrypts an EncryptedAssertion, EncryptedID or EncryptedAttribute and
// returns the Assertion, NameID or Attribute that it holds, a root of its own,
// not yet believed. When no key fits it goes on with a random one, so that the
// failure looks and lasts the same. Errors: ErrDecrypt.
func (o Opener) Open(wrapper *etree.Element) (*etree.Element, error) {
	tag := inside[wrapper.Tag]
	data := children(wrapper, nsXMLEnc, "EncryptedData")
	if tag == "" || wrapper.NamespaceURI() != nsAssertion || len(data) != 1 {
		return nil, ErrDecrypt
	}
	sealed, ok := cipherValue(data[0])
	at := slices.IndexFunc(blocks, func(b block) bool { return b.algorithm == encryptionMethod(data[0]).Algorithm })
	if !ok || at < 0 || !blocks[at].gcm && !o.CBC {
		return nil, ErrDecrypt
	}
	key, err := o.unwrap(wrapper, data[0], blocks[at].size)
	if err != nil {
		return nil, err
	}
	plain, ok := blocks[at].open(key, sealed)
	if !ok {
		return nil, ErrDecrypt
	}
	root, err := parse(plain, maxMessage)
	if err != nil || !is(root, nsAssertion, tag) {
		return nil, ErrDecrypt
	}
	return root, nil
}

// unwrap finds the content key of size bytes, random when none can be had. The
// EncryptedKey stands in the data's KeyInfo, or beside the data (SAML core
// errata E43); the reference from one to the other decides nothing.
func (o Opener) unwrap(wrapper, data *etree.Element, size int) ([]byte, error) {
	key := make([]byte, size)
	if _, err := rand.Read(key); err != nil {
		return nil, ErrDecrypt
	}
	var wrapped []*etree.Element
	if info := child(data, nsSignature, "KeyInfo"); info != nil {
		wrapped = children(info, nsXMLEnc, "EncryptedKey")
	}
	wrapped = append(wrapped, children(wrapper, nsXMLEnc, "EncryptedKey")...)
	for _, el := range wrapped[:min(len(wrapped), maxWrapped)] {
		if found := o.unwrapOne(el, size); found != nil {
			return found, nil
		}
	}
	return key, nil
}

// unwrapOne tries each key with each form of OAEP that el may mean.
func (o Opener) unwrapOne(el *etree.Element, size int) []byte {
	value, ok := cipherValue(el)
	if !ok {
		return nil
	}
	for _, options := range oaepOf(el) {
		for _, k := range o.Keys {
			private, ok := k.Private.(crypto.Decrypter)
			if !ok {
				continue
			}
			key, err := private.Decrypt(rand.Reader, value, &options)
			if err == nil && len(key) == size {
				if o.Notice != nil {
					o.Notice(k)
				}
				return key
			}
		}
	}
	return nil
}

// oaepHash are the digests of OAEP that are read. The last two are no registered
// names; crewjam/saml writes them.
var oaepHash = map[string]crypto.Hash{
	sha1URI: crypto.SHA1, digests[0]: crypto.SHA256, digests[1]: crypto.SHA384, digests[2]: crypto.SHA512,
	nsSignature + "sha256": crypto.SHA256, nsSignature + "sha512": crypto.SHA512,
}

var maskHash = map[string]crypto.Hash{
	nsXMLEnc11 + "mgf1sha1": crypto.SHA1, nsXMLEnc11 + "mgf1sha256": crypto.SHA256,
	nsXMLEnc11 + "mgf1sha384": crypto.SHA384, nsXMLEnc11 + "mgf1sha512": crypto.SHA512,
}

// oaepOf returns the forms that an EncryptedKey may mean, none for any algorithm
// but RSA-OAEP. What is not given is SHA-1 (XML Encryption 1.1 section 5.5.2),
// but libraries that have one hash for both take the digest's as mask too.
func oaepOf(el *etree.Element) []rsa.OAEPOptions {
	m := encryptionMethod(el)
	if m.Algorithm != oaepOld && m.Algorithm != oaepNew {
		return nil
	}
	hash, mask := crypto.SHA1, crypto.SHA1
	if m.Digest != "" {
		hash = oaepHash[m.Digest]
	}
	if m.MGF != "" {
		mask = maskHash[m.MGF]
	}
	label, err := decode(text(child(child(el, nsXMLEnc, "EncryptionMethod"), nsXMLEnc, "OAEPparams")))
	if hash == 0 || mask == 0 || err != nil {
		return nil
	}
	forms := []rsa.OAEPOptions{{Hash: hash, MGFHash: mask, Label: label}}
	if m.MGF == "" && hash != mask {
		forms = append(forms, rsa.OAEPOptions{Hash: hash, MGFHash: hash, Label: label})
	}
	return forms
}

// encryptionMethod reads the EncryptionMethod of an EncryptedData or
// EncryptedKey, the zero Method when it has none.
func encryptionMethod(el *etree.Element) Method {
	e := child(el, nsXMLEnc, "EncryptionMethod")
	if e == nil {
		return Method{}
	}
	return methodOf(e)
}

// cipherValue reads the bytes that stand in the element; those elsewhere
// (CipherReference) are not fetched.
func cipherValue(el *etree.Element) ([]byte, bool) {
	data := child(el, nsXMLEnc, "CipherData")
	if data == nil {
		return nil, false
	}
	value, err := decode(text(child(data, nsXMLEnc, "CipherValue")))
	return value, err == nil && len(value) > 0
}

// open is the inverse of seal. A wrong padding of CBC is left in: what comes out
// is no XML then, and the reader of that says so, as it does of a wrong key.
func (b block) open(key, sealed []byte) ([]byte, bool) {
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	if b.gcm {
		aead, err := cipher.NewGCMWithRandomNonce(c)
		if err != nil {
			return nil, false
		}
		plain, err := aead.Open(nil, nil, sealed, nil)
		return plain, err == nil
	}
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, false
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(c, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	if n := int(plain[len(plain)-1]); n >= 1 && n <= aes.BlockSize {
		plain = plain[:len(plain)-n]
	}
	return plain, true
}
