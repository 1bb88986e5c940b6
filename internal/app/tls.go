package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/adgang/adgang/internal/config"
	"github.com/adgang/adgang/internal/web"
)

// ServeMachines answers machines over TLS at l until ctx ends, then lets requests
// finish for ten seconds. The server's certificate is read again when its files
// change. Errors: *config.Error for files that cannot be used.
func (a *App) ServeMachines(ctx context.Context, l net.Listener) error {
	files := &serverCertificate{certificate: a.Config.TLSCertFile, key: a.Config.TLSKeyFile, log: a.Log}
	if _, err := files.get(nil); err != nil {
		return &config.Error{Variable: "ADGANG_TLS_CERT_FILE", Text: "cannot be used: " + err.Error()}
	}
	server := &http.Server{
		Handler: a.Web.Machines(), TLSConfig: web.MachineTLS(files.get),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug), // handshakes that strangers begin
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(l, "", "") }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(end)
}

// serverCertificate is a pair of files, read again when one of them changes.
type serverCertificate struct {
	certificate, key string
	log              *slog.Logger

	mu      sync.Mutex
	changed [2]time.Time
	pair    *tls.Certificate
}

// get is tls.Config's GetCertificate. Files that cannot be read leave the pair that
// was read before.
func (s *serverCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed [2]time.Time
	for i, name := range []string{s.certificate, s.key} {
		info, err := os.Stat(name)
		if err != nil {
			return s.kept(err)
		}
		changed[i] = info.ModTime()
	}
	if s.pair != nil && changed == s.changed {
		return s.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(s.certificate, s.key)
	if err != nil {
		return s.kept(err)
	}
	s.pair, s.changed = &pair, changed
	return s.pair, nil
}

func (s *serverCertificate) kept(err error) (*tls.Certificate, error) {
	if s.pair == nil {
		return nil, fmt.Errorf("read the certificate of the listener for machines: %w", err)
	}
	s.log.Warn("certificate of the listener for machines cannot be read; the one from before serves on", "err", err) //nolint:sloglint // a handshake has no context of ours
	return s.pair, nil
}
