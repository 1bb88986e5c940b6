package cluster

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed proxy.conf
var proxyConf string

// nginxConf is what a Debian package would have in /etc/nginx. Every path is
// below the folder that nginx is started with.
const nginxConf = `daemon off;
pid nginx.pid;
error_log stderr warn;
%s
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include adgang.conf;
}
`

// proxy is nginx with proxy.conf, in front of the nodes.
func (c *Cluster) proxy(addr string, nodes []string) (*Process, error) {
	path, err := program("nginx")
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(c.dir, "proxy")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// As root, nginx would hand its work to a user who may not read the folder.
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	files := map[string]string{
		"nginx.conf":  fmt.Sprintf(nginxConf, user),
		"adgang.conf": strings.Replace(withNodes(proxyConf, nodes), "listen 8080;", "listen "+addr+";", 1),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return &Process{
		Name: "proxy", Addr: addr, Log: c.log("proxy"), path: path,
		args: []string{"-p", dir, "-e", "stderr", "-c", "nginx.conf"}, env: os.Environ(), ready: answers("http://" + addr + "/readyz"),
	}, nil
}

// withNodes puts the nodes' addresses in the place of proxy.conf's servers.
func withNodes(conf string, nodes []string) string {
	var out []string
	placed := false
	for line := range strings.Lines(conf) {
		_, options, isServer := strings.Cut(line, ":8080 ")
		switch {
		case !isServer:
			out = append(out, line)
		case !placed:
			placed = true
			for _, node := range nodes {
				out = append(out, "\tserver "+node+" "+options)
			}
		}
	}
	return strings.Join(out, "")
}

// redis keeps nothing: started again, it is empty.
func (c *Cluster) redis(addr string) (*Process, error) {
	path, err := program("redis-server")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return &Process{
		Name: "redis", Addr: addr, Log: c.log("redis"), path: path,
		args: []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"},
		env:  os.Environ(), ready: pongs(addr),
	}, nil
}

// program finds a server that Debian keeps out of a user's PATH.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(filepath.Join("/usr/sbin", name))
	if err != nil {
		return "", fmt.Errorf("%s is not installed: run make setup", name)
	}
	return path, nil
}

// answers is ready when the URL gives 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, res.Status)
		}
		return nil
	}
}

// pongs is ready when a Redis on addr answers PING.
func pongs(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if deadline, ok := ctx.Deadline(); ok {
			_ = conn.SetDeadline(deadline)
		}
		if _, err := conn.Write([]byte("PING\r\n")); err != nil {
			return err
		}
		answer := make([]byte, 7)
		if _, err := conn.Read(answer); err != nil {
			return err
		}
		if string(answer) != "+PONG\r\n" {
			return fmt.Errorf("redis on %s answers %q", addr, answer)
		}
		return nil
	}
}

// freeAddrs returns n loopback addresses that nothing listens on. They lie below
// the ports that the kernel gives to clients, so that a stopped server finds its
// port free when it is started again.
func freeAddrs(n int) ([]string, error) {
	const lowest, ports = 10000, 10000
	var addrs []string
	for range 100 * n {
		port := lowest + int(binary.BigEndian.Uint32(random(4)))%ports
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		if addrs = append(addrs, l.Addr().String()); len(addrs) == n {
			return addrs, nil
		}
	}
	return nil, fmt.Errorf("found %d of %d free ports between %d and %d", len(addrs), n, lowest, lowest+ports)
}
