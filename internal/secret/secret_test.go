package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/adgang/adgang/internal/secret"
)

func keys(t *testing.T, first byte) *secret.Keys {
	t.Helper()
	k, err := secret.New(append([]byte{first}, make([]byte, 31)...))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	plain := []byte("7001014321")
	sealed := k.Seal("p", "org/1", plain)
	if got, err := keys(t, 1).Open("p", "org/1", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open = %q, %v", got, err)
	}
	if bytes.Contains(sealed, plain) || bytes.Equal(sealed, k.Seal("p", "org/1", plain)) {
		t.Error("sealing must hide the value, and be different each time")
	}
	altered := bytes.Clone(sealed)
	altered[len(altered)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return keys(t, 2).Open("p", "org/1", sealed) },
		"another purpose": func() ([]byte, error) { return k.Open("q", "org/1", sealed) },
		"another place":   func() ([]byte, error) { return k.Open("p", "org/2", sealed) },
		"altered":         func() ([]byte, error) { return k.Open("p", "org/1", altered) },
		"cut":             func() ([]byte, error) { return k.Open("p", "org/1", sealed[:10]) },
		"nothing":         func() ([]byte, error) { return k.Open("p", "org/1", nil) },
	} {
		if got, err := open(); !errors.Is(err, secret.ErrSealed) || got != nil {
			t.Errorf("%s: Open = %q, %v, want ErrSealed", name, got, err)
		}
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	mac := k.MAC("p", "a", "b")
	if len(mac) != 32 || !secret.Equal(mac, keys(t, 1).MAC("p", "a", "b")) {
		t.Error("the same parts must give the same MAC of 32 bytes")
	}
	for name, other := range map[string][]byte{
		"parts cut elsewhere": k.MAC("p", "ab"), "another order": k.MAC("p", "b", "a"), "another purpose": k.MAC("q", "a", "b"),
		"another key": keys(t, 2).MAC("p", "a", "b"), "the sealing key": k.Seal("p", "a", []byte("b")), "nothing": nil,
	} {
		if secret.Equal(mac, other) {
			t.Errorf("%s gives the same MAC", name)
		}
	}
}

func TestKeysAreSafeTogether(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			p := secret.Purpose(fmt.Sprint(i % 3))
			if _, err := k.Open(p, "", k.Seal(p, "", []byte("x"))); err != nil {
				t.Error(err)
			}
			k.MAC(p, "x")
		})
	}
	all.Wait()
}

func TestNewAndPrinting(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := secret.New(make([]byte, n)); err == nil {
			t.Errorf("New of %d bytes = nil", n)
		}
	}
	if got := fmt.Sprintf("%v %s", keys(t, 1), keys(t, 1)); got != "[hidden] [hidden]" {
		t.Errorf("keys print as %q", got)
	}
}

func TestCodesAndTokens(t *testing.T) {
	t.Parallel()
	code := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$`)
	seen := map[string]bool{}
	for range 1000 {
		c, token := secret.Code(), secret.Token()
		if !code.MatchString(c) || len(token) != 43 || seen[c] || seen[token] {
			t.Fatalf("Code = %q, Token = %q", c, token)
		}
		seen[c], seen[token] = true, true
		if secret.CleanCode(c) != strings.ReplaceAll(c, "-", "") {
			t.Fatalf("CleanCode(%q) = %q", c, secret.CleanCode(c))
		}
	}
	for typed, want := range map[string]string{
		"7k3m-9qrt-0xw2-hbvn": "7K3M9QRT0XW2HBVN", " 7K3M 9QRT\u00a0OXW2\tHBVN": "7K3M9QRT0XW2HBVN", "il-IL oO": "111100", "": "", "æ": "æ",
	} {
		if got := secret.CleanCode(typed); got != want {
			t.Errorf("CleanCode(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestLoadMaster(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := secret.LoadMasters(path, false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadMaster of a missing file = %v", err)
	}
	// Two processes start together: one key.
	made := make([][][]byte, 8)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			var err error
			if made[i], err = secret.LoadMasters(path, true); err != nil {
				t.Errorf("LoadMaster: %v", err)
			}
		})
	}
	all.Wait()
	for _, key := range made {
		if len(key) != 1 || len(key[0]) != 32 || !bytes.Equal(key[0], made[0][0]) {
			t.Fatalf("keys of %d bytes differ", len(key))
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file = %v, %v, want mode 0600", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%d files, %v, want the key alone", len(left), err)
	}
	if again, err := secret.LoadMasters(path, true); err != nil || len(again) != 1 || !bytes.Equal(again[0], made[0][0]) {
		t.Errorf("LoadMaster again = %v", err)
	}
	for _, text := range []string{"", "x", base64.StdEncoding.EncodeToString(make([]byte, 31)), base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\nx"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.LoadMasters(path, true); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("LoadMaster of %q = %v, want an error that names the file", text, err)
		}
	}
}

// A new master key opens what the old one sealed, and keeps what is recognised.
func TestANewMasterBesideTheOld(t *testing.T) {
	t.Parallel()
	before := keys(t, 1)
	newest, old := append([]byte{2}, make([]byte, 31)...), append([]byte{1}, make([]byte, 31)...)
	both, err := secret.New(newest, old)
	if err != nil {
		t.Fatal(err)
	}
	was := before.Seal("p", "org/1", []byte("x"))
	if got, err := both.Open("p", "org/1", was); err != nil || string(got) != "x" || both.Newest("p", "org/1", was) {
		t.Errorf("Open of what the old key sealed = %q, %v", got, err)
	}
	now := both.Seal("p", "org/1", []byte("x"))
	if _, err := before.Open("p", "org/1", now); !errors.Is(err, secret.ErrSealed) || !both.Newest("p", "org/1", now) {
		t.Errorf("the old key opens what the new one sealed: %v", err)
	}
	if !secret.Equal(before.MAC("p", "a"), both.MAC("p", "a")) || secret.Equal(before.NewestMAC("p", "a"), both.NewestMAC("p", "a")) {
		t.Error("a new master key must keep MAC and change NewestMAC")
	}
	alone := keys(t, 2)
	if secret.Equal(before.MAC("p", "a"), alone.MAC("p", "a")) {
		t.Error("two installations have the same MAC")
	}
	alone.SetRoot(both.Root())
	if !secret.Equal(before.MAC("p", "a"), alone.MAC("p", "a")) {
		t.Error("the root does not keep MAC without the old key")
	}
	if _, err := secret.New(); err == nil {
		t.Error("New without a key = nil")
	}
	path := filepath.Join(t.TempDir(), "keys")
	text := base64.StdEncoding.EncodeToString(newest) + "\n" + base64.StdEncoding.EncodeToString(old) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := secret.LoadMasters(path, false); err != nil || len(got) != 2 || !bytes.Equal(got[0], newest) || !bytes.Equal(got[1], old) {
		t.Errorf("LoadMasters of two = %v, %v", got, err)
	}
}
