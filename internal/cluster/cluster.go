// Package cluster starts the topology of docker-compose.yml as plain processes:
// one migrate run, API nodes behind nginx, workers, a Redis, all on loopback and
// on a PostgreSQL database of their own. Each process can be killed and started
// again, which is what the durability tests are about.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Options says what to start.
type Options struct {
	Binary      string   // path of the adgang binary
	Dir         string   // existing folder for logs, mail and the master key
	DatabaseURL string   // a PostgreSQL server on which a database may be made
	APIs        int      // 0 = 2
	Workers     int      // 0 = 2
	Env         []string // NAME=value for every adgang process, over the cluster's own
}

// Cluster is a running topology.
type Cluster struct {
	BaseURL     string // of the proxy, ADGANG_BASE_URL of every node
	DatabaseURL string // the cluster's own database
	RedisURL    string
	Mail        string // folder of *.eml files that all workers write to

	APIs, Workers []*Process
	Redis, Proxy  *Process

	server string // Options.DatabaseURL
	binary string
	dir    string
	env    []string
	drop   func() error // drops the database, nil before it exists
}

// Start starts everything and returns when the proxy answers for the API nodes.
// After an error nothing runs.
func Start(ctx context.Context, o Options) (_ *Cluster, err error) {
	c := &Cluster{server: o.DatabaseURL, dir: o.Dir}
	if c.binary, err = filepath.Abs(o.Binary); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	if err := c.plan(o); err != nil {
		return nil, err
	}
	if err := c.createDatabase(ctx); err != nil {
		return nil, err
	}
	if out, err := c.Command(ctx, "migrate").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("adgang migrate: %w: %s", err, out)
	}
	for _, p := range c.processes() {
		if err := p.Start(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Stop ends all processes, the proxy first, and drops the database. It may be
// called again.
func (c *Cluster) Stop() error {
	var problems []error
	for _, p := range slices.Backward(c.processes()) {
		problems = append(problems, p.Stop())
	}
	if c.drop != nil {
		problems = append(problems, c.drop())
	}
	return errors.Join(problems...)
}

// Command prepares a run of the binary, like "org", "create", ..., in the
// cluster's environment. Its caller may change all of it.
func (c *Cluster) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.binary, args...) //nolint:gosec // the caller's own binary
	cmd.Env, cmd.Dir = c.Environ(), c.dir
	return cmd
}

// Environ is the environment of every adgang process of the cluster.
func (c *Cluster) Environ() []string { return append([]string(nil), c.env...) }

// processes in the order of starting.
func (c *Cluster) processes() []*Process {
	all := slices.Concat([]*Process{c.Redis}, c.APIs, c.Workers, []*Process{c.Proxy})
	return slices.DeleteFunc(all, func(p *Process) bool { return p == nil })
}

// plan fills in everything that is known before anything runs.
func (c *Cluster) plan(o Options) error {
	apis, workers := or(o.APIs, 2), or(o.Workers, 2)
	addrs, err := freeAddrs(apis + 2)
	if err != nil {
		return err
	}
	proxy, redis, nodes := addrs[0], addrs[1], addrs[2:]

	key := filepath.Join(o.Dir, "master.key")
	if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(random(32))), 0o600); err != nil {
		return err
	}
	database, err := url.Parse(o.DatabaseURL)
	if err != nil {
		return err
	}
	database.Path = "/adgang_cluster_" + hex.EncodeToString(random(6))
	c.DatabaseURL, c.RedisURL = database.String(), "redis://"+redis+"/0"
	c.BaseURL = "http://localhost" + strings.TrimPrefix(proxy, "127.0.0.1")
	c.Mail = filepath.Join(o.Dir, "work", "mail")

	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "ADGANG_") {
			c.env = append(c.env, pair)
		}
	}
	c.env = append(c.env,
		"ADGANG_DATABASE_URL="+c.DatabaseURL, "ADGANG_REDIS_URL="+c.RedisURL, "ADGANG_BASE_URL="+c.BaseURL,
		"ADGANG_KEY_FILE="+key, "ADGANG_TRUSTED_PROXIES=127.0.0.1", "ADGANG_DATA="+filepath.Join(o.Dir, "data"))
	c.env = append(c.env, o.Env...)

	if c.Redis, err = c.redis(redis); err != nil {
		return err
	}
	if c.Proxy, err = c.proxy(proxy, nodes); err != nil {
		return err
	}
	for i, addr := range nodes {
		name := fmt.Sprintf("api-%d", i+1)
		api := c.adgang(name, "serve", "ADGANG_ADDR="+addr, "ADGANG_DATA="+filepath.Join(o.Dir, name))
		api.Addr, api.ready = addr, answers("http://"+addr+"/readyz")
		c.APIs = append(c.APIs, api)
	}
	for i := range workers {
		c.Workers = append(c.Workers, c.adgang(fmt.Sprintf("worker-%d", i+1), "work", "ADGANG_DATA="+filepath.Dir(c.Mail)))
	}
	return nil
}

func (c *Cluster) adgang(name, command string, env ...string) *Process {
	return &Process{Name: name, Log: c.log(name), path: c.binary, args: []string{command}, env: append(c.Environ(), env...)}
}

func (c *Cluster) log(name string) string { return filepath.Join(c.dir, name+".log") }

func (c *Cluster) createDatabase(ctx context.Context) error {
	own, err := url.Parse(c.DatabaseURL)
	if err != nil {
		return err
	}
	name := pgx.Identifier{strings.TrimPrefix(own.Path, "/")}.Sanitize()
	if err := c.onServer(ctx, "CREATE DATABASE "+name); err != nil {
		return err
	}
	c.drop = func() error { // also when ctx is over, which is when clusters are stopped
		return c.onServer(context.WithoutCancel(ctx), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
	return nil
}

func (c *Cluster) onServer(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.server)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

func or(n, fallback int) int {
	if n == 0 {
		return fallback
	}
	return n
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
