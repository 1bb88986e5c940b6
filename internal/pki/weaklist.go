package pki

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// WeakKeys are keys that anybody can make again, such as those of Debian's OpenSSL of
// 2006 to 2008 (CVE-2008-0166), which knew 32,768 beginnings for each architecture.
// Nothing in a key shows it, so they are looked up: in lists as the project
// CVE-2008-0166/dwk_blocklists publishes them for RSA of 2,048, 3,072, 4,096 and 8,192
// bits, P-256 and P-384. A nil *WeakKeys has none.
type WeakKeys struct {
	marks []uint64 // sorted; the first 64 bits of each hash, of which none is met by chance
}

// ReadWeakKeys reads every .csv of a folder: a line of each is the SHA-256, in
// hexadecimal, of a modulus or of the x coordinate of a point, without leading zeros.
func ReadWeakKeys(folder fs.FS) (*WeakKeys, error) {
	names, err := fs.Glob(folder, "*.csv")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no file of the folder ends in .csv")
	}
	w := &WeakKeys{}
	for _, name := range names {
		if err := w.read(folder, name); err != nil {
			return nil, err
		}
	}
	slices.Sort(w.marks)
	w.marks = slices.Compact(w.marks)
	return w, nil
}

func (w *WeakKeys) read(folder fs.FS, name string) error {
	f, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		hash, err := hex.DecodeString(strings.TrimSpace(lines.Text()))
		if err != nil || len(hash) != sha256.Size {
			return fmt.Errorf("line %d of %s is not a SHA-256 in hexadecimal", n, name)
		}
		w.marks = append(w.marks, binary.BigEndian.Uint64(hash))
	}
	return lines.Err()
}

// Len is how many keys are known.
func (w *WeakKeys) Len() int {
	if w == nil {
		return 0
	}
	return len(w.marks)
}

// Has tells whether a key is one of them.
func (w *WeakKeys) Has(public crypto.PublicKey) bool {
	if w == nil {
		return false
	}
	var hash [sha256.Size]byte
	switch key := public.(type) {
	case *rsa.PublicKey:
		hash = sha256.Sum256(key.N.Bytes())
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return false
		}
		x := point[1 : 1+len(point)/2]
		for len(x) > 0 && x[0] == 0 {
			x = x[1:]
		}
		hash = sha256.Sum256(x)
	default:
		return false
	}
	_, known := slices.BinarySearch(w.marks, binary.BigEndian.Uint64(hash[:]))
	return known
}
