package pki

import (
	"crypto/rsa"
	"math/big"
	"sync"
)

// checkModulus refuses RSA keys whose private half others can work out. Keys that
// others can make again look like any other: WeakKeys looks them up.
func checkModulus(key *rsa.PublicKey) error {
	switch {
	case new(big.Int).GCD(nil, nil, key.N, smallPrimes().product).Cmp(big.NewInt(1)) != 0:
		return refuse(WeakKey, "The RSA key is not the product of two large primes. Make a new key.")
	case roca(key.N):
		return refuse(WeakKey, "The RSA key was made by a faulty chip (ROCA, CVE-2017-15361). Make a new key with other equipment.")
	case closePrimes(key.N):
		return refuse(WeakKey, "The primes of the RSA key are too close together (CVE-2022-26320). Make a new key with other software.")
	}
	return nil
}

// fermatRounds is how far Fermat's factoring is tried: it finds primes that share
// their upper half, as faulty libraries made them, in the first rounds.
const fermatRounds = 100

// closePrimes tells whether n = a*a - b*b for an a just above its root.
func closePrimes(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	square, root := new(big.Int), new(big.Int)
	if root.Mul(a, a).Cmp(n) != 0 {
		a.Add(a, big.NewInt(1)) // the first whose square is not below n
	}
	for range fermatRounds {
		square.Mul(a, a).Sub(square, n)
		root.Sqrt(square)
		if root.Mul(root, root).Cmp(square) == 0 {
			return true
		}
		a.Add(a, big.NewInt(1))
	}
	return false
}

// primes are the 125 odd ones of the first 126, to 701, and which remainders by them a
// modulus of the faulty library has.
type primes struct {
	all     []int64
	product *big.Int
	marks   []map[int64]bool
}

// smallPrimes is made once. The primes of the library are k*M + 65537^a mod M, M
// being the product of the first primes, 126 of them for keys of 1,984 to 3,936
// bits and more for larger ones. So a modulus lies, by each of these primes, in the
// powers of 65537 (Nemec and others, The Return of Coppersmith's Attack, ACM CCS
// 2017, section 2).
var smallPrimes = sync.OnceValue(func() primes {
	p := primes{product: big.NewInt(2)}
	for n := int64(3); len(p.all) < 125; n += 2 {
		if !big.NewInt(n).ProbablyPrime(0) {
			continue
		}
		powers, power := map[int64]bool{}, int64(1)
		for !powers[power] {
			powers[power] = true
			power = power * (65537 % n) % n
		}
		p.all, p.marks = append(p.all, n), append(p.marks, powers)
		p.product.Mul(p.product, big.NewInt(n))
	}
	return p
})

// roca tells whether n has the fingerprint.
func roca(n *big.Int) bool {
	p, rest := smallPrimes(), new(big.Int)
	for i, prime := range p.all {
		if !p.marks[i][rest.Mod(n, big.NewInt(prime)).Int64()] {
			return false
		}
	}
	return true
}
