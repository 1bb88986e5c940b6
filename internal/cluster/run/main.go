// Command run is `make cluster`: the topology of docker-compose.yml as plain
// processes, until Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/adgang/adgang/internal/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	server := os.Getenv("ADGANG_TEST_DATABASE_URL")
	if server == "" {
		return errors.New("ADGANG_TEST_DATABASE_URL is empty: start with `make cluster`")
	}
	dir, err := os.MkdirTemp("", "adgang-cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := cluster.Start(ctx, cluster.Options{
		Binary: "bin/adgang", Dir: dir, DatabaseURL: server, Env: []string{"ADGANG_TEST_CVR=1"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := describe(c, filepath.Join(dir, "env")); err != nil {
		return err
	}
	<-ctx.Done()
	fmt.Println("\nStopping.")
	return nil
}

// describe prints where everything is and writes env, a file to source before
// running bin/adgang by hand.
func describe(c *cluster.Cluster, env string) error {
	var exports strings.Builder
	for _, pair := range c.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "ADGANG_") {
			fmt.Fprintf(&exports, "export %s='%s'\n", name, value)
		}
	}
	if err := os.WriteFile(env, []byte(exports.String()), 0o600); err != nil {
		return err
	}
	fmt.Printf("Adgang  %s\n", c.BaseURL)
	for _, p := range slices.Concat([]*cluster.Process{c.Proxy, c.Redis}, c.APIs, c.Workers) {
		fmt.Printf("  %-9s %-16s %s\n", p.Name, p.Addr, p.Log)
	}
	fmt.Printf("Mail    %s\nMake an organisation in another terminal:\n", c.Mail)
	fmt.Printf("  source %s && bin/adgang org create --cvr 12345678 --name Example --admin-email admin@example.dk\nCtrl-C stops all.\n", env)
	return nil
}
