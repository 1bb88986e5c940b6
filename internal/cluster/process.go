package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startTime = 60 * time.Second      // until a started process answers
	stopTime  = 30 * time.Second      // from SIGTERM to SIGKILL
	pollTime  = 50 * time.Millisecond // between two looks
	logTail   = 2000                  // bytes of a log in an error
)

// Process is one process of the cluster. Its methods are for one caller at a
// time.
type Process struct {
	Name string
	Addr string // 127.0.0.1:port, "" for a worker
	Log  string // path of the file with its output, of all its runs

	path  string
	args  []string
	env   []string
	ready func(ctx context.Context) error // nil = ready at once
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has been waited for
}

// Start starts the process and waits until it answers.
func (p *Process) Start(ctx context.Context) error {
	if p.running() {
		return fmt.Errorf("start %s: it runs already", p.Name)
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	// Not CommandContext: the process outlives the call that starts it.
	cmd := exec.Command(p.path, p.args...) //nolint:gosec,noctx // this package names the programs
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = p.env, log, log, filepath.Dir(p.Log)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended
	return p.answer(ctx)
}

// answer waits until the process is ready, or says with its log why not.
func (p *Process) answer(ctx context.Context) error {
	if p.ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("%s ended at once: %s", p.Name, tail(p.Log))
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer (%w): %s", p.Name, err, tail(p.Log))
		}
	}
}

// Kill is kill -9: nothing is finished, nothing is said. It returns when the
// process is gone.
func (p *Process) Kill() error {
	return p.end(syscall.SIGKILL)
}

// Stop asks the process to end and waits for it; one that does not end is
// killed, which is an error.
func (p *Process) Stop() error {
	return p.end(syscall.SIGTERM)
}

func (p *Process) end(signal syscall.Signal) error {
	if !p.running() {
		return nil
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	late := time.NewTimer(stopTime)
	defer late.Stop()
	select {
	case <-p.ended:
		return nil
	case <-late.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end within %s of a signal: %s", p.Name, stopTime, tail(p.Log))
	}
}

func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func tail(path string) string {
	text, err := os.ReadFile(path) //nolint:gosec // a log of this package
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logTail):])
}
