package jobs_test

import (
	"strings"
	"testing"

	"github.com/adgang/adgang/jobs"
)

func TestLockQueue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, ok, err := jobs.LockQueue(dir)
	if !ok || err != nil {
		t.Fatalf("LockQueue = %v, %v", ok, err)
	}
	if _, ok, err := jobs.LockQueue(dir); ok || err != nil {
		t.Errorf("LockQueue beside an owner = %v, %v, want false", ok, err)
	}
	release()
	release, ok, err = jobs.LockQueue(dir)
	if !ok || err != nil {
		t.Fatalf("LockQueue after release = %v, %v", ok, err)
	}
	release()
	if _, _, err := jobs.LockQueue(dir + "/absent"); err == nil {
		t.Error("LockQueue without a folder = nil")
	}
}

func TestAWrongRedisURLDoesNotShowItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://user:hidden@host", "redis://user:hidden@host/x", "redis://user:hidden@ho st", "redis-sentinel://:hidden@a b", "redis-sentinel://:hidden@a:26379"} {
		if _, err := jobs.FromURL(url); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("FromURL(%q) = %v", url, err)
		}
	}
	for _, url := range []string{"redis://localhost:6379/1", "rediss://u:p@host", "redis-sentinel://:p@a:26379,b:26379?master=adgang"} {
		r, err := jobs.FromURL(url)
		if err != nil {
			t.Errorf("FromURL(%q) = %v", url, err)
			continue
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
