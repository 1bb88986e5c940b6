package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/app"
	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/testkit"
)

// build builds the program on the embedded default, in a folder that may have
// been used before.
func build(t *testing.T, clock *testkit.Clock, data string) *app.App {
	t.Helper()
	c, err := config.Load([]string{"ADGANG_DATA=" + data, "ADGANG_CA_ALGORITHM=ECDSA"}, false, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.DiscardHandler), Now: clock.Now, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func TestBuiltAgain(t *testing.T) {
	t.Parallel()
	clock, data := testkit.NewClock(), filepath.Join(t.TempDir(), "data")
	first := build(t, clock, data)
	root, err := first.CA.RootDER(t.Context())
	if err != nil || first.Close() != nil {
		t.Fatalf("RootDER = %v", err)
	}
	again, err := build(t, clock, data).CA.RootDER(t.Context())
	if err != nil || string(again) != string(root) {
		t.Errorf("the second time the authority is another one: %v", err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "master.key": 0o600, "uploads": 0o700} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("data/%s = %v, %v, want mode %o", name, info.Mode(), err, want)
		}
	}
}

// What a killed process left in the spool goes at the next start, but not what
// another process may still be reading.
func TestServe(t *testing.T) {
	t.Parallel()
	clock, data := testkit.NewClock(), t.TempDir()
	a := build(t, clock, data)
	for name, age := range map[string]time.Duration{"upload-old": 2 * time.Hour, "upload-new": time.Minute, "other-old": 2 * time.Hour} {
		path := filepath.Join(data, "uploads", name)
		at := clock.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx, listener) }()
	client := testkit.NewClient(t, "http://"+listener.Addr().String(), nil)
	client.Must(t, http.StatusOK, http.MethodGet, "/readyz", nil, nil)
	client.Must(t, http.StatusOK, http.MethodGet, "/metrics", nil, nil)
	for name, want := range map[string]bool{"upload-old": false, "upload-new": true, "other-old": true} {
		if _, err := os.Stat(filepath.Join(data, "uploads", name)); (err == nil) != want {
			t.Errorf("uploads/%s after the start: %v", name, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Serve = %v", err)
	}
}
