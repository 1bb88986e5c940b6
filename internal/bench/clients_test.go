package bench_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// envClients makes this program the clients of a measurement and nothing else: in a
// process of their own, so that their CPU time is charged to neither side.
const envClients = "ADGANG_BENCH_CLIENTS"

// posting is what the clients do: one POST for each body.
type posting struct {
	URL    string
	Host   string // "" = that of URL
	Root   []byte // DER of what the server's certificate stands under, nil = http
	Want   int    // status
	Bodies [][]byte
	// From is a different address for each request, as a proxy would tell it,
	// beginning with this one's number; negative: none.
	From int
}

// post has the clients do it, and returns the time it took and, of CPU, what used
// tells more of afterwards than before.
func (p posting) post(b *testing.B, used func() time.Duration) pace {
	b.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		b.Fatal(err)
	}
	run := exec.Command(os.Args[0])
	run.Env = append(os.Environ(), envClients+"=1")
	run.Stdin = bytes.NewReader(text)
	var out, complaints bytes.Buffer
	run.Stdout, run.Stderr = &out, &complaints
	before := used()
	if err := run.Run(); err != nil {
		b.Fatalf("clients: %v\n%s", err, complaints.String())
	}
	after := used()
	var elapsed time.Duration
	if _, err := fmt.Sscan(out.String(), &elapsed); err != nil {
		b.Fatal(err)
	}
	return pace{units: len(p.Bodies), elapsed: elapsed, cpu: after - before}
}

// beClients reads a posting, does it and prints how long it took.
func beClients() int {
	var p posting
	err := json.NewDecoder(os.Stdin).Decode(&p)
	if err == nil {
		var elapsed time.Duration
		if elapsed, err = p.run(); err == nil {
			fmt.Println(int64(elapsed))
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func (p posting) run() (time.Duration, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: certificateClients}
	if p.Root != nil {
		root, err := x509.ParseCertificate(p.Root)
		if err != nil {
			return 0, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		transport.TLSClientConfig.RootCAs.AddCert(root)
	}
	client := &http.Client{Transport: transport}
	start := time.Now()
	next, failed := make(chan int, len(p.Bodies)), make(chan error, certificateClients)
	for i := range p.Bodies {
		next <- i
	}
	close(next)
	for range certificateClients {
		go func() {
			for i := range next {
				if err := p.one(client, i); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	var err error
	for range certificateClients {
		err = errors.Join(err, <-failed)
	}
	return time.Since(start), err
}

func (p posting) one(client *http.Client, i int) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.URL, bytes.NewReader(p.Bodies[i]))
	if err != nil {
		return err
	}
	r.Host = p.Host
	r.Header.Set("Content-Type", "application/json")
	if p.From >= 0 {
		r.Header.Set("X-Forwarded-For", address(p.From+i))
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != p.Want {
		err = fmt.Errorf("%s answers %d: %s", p.URL, answer.StatusCode, text)
	}
	return err
}
