package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/adgang/adgang/internal/store"
)

// tick is the unit of CPU times in /proc, the same on all of Linux.
const tick = time.Second / 100

// cpu measures the CPU time that this process and its database have used. Beside
// other work on the machine it is steadier than the clock.
type cpu struct {
	postmaster int // 0 for SQLite
}

// cpuOf finds the PostgreSQL server behind db, on this machine.
func cpuOf(b *testing.B, db *bun.DB) cpu {
	b.Helper()
	if store.SQLite(db) {
		return cpu{}
	}
	var backend int // a plain role sees no other process than its own
	if err := db.NewRaw("SELECT pg_backend_pid()").Scan(b.Context(), &backend); err != nil {
		b.Fatal(err)
	}
	stat, ok := readStat(fmt.Sprintf("/proc/%d/stat", backend))
	if !ok {
		b.Fatal("the PostgreSQL server is not on this machine: its CPU time cannot be read")
	}
	return cpu{postmaster: stat.parent}
}

// used is the time so far.
func (c cpu) used(b *testing.B) time.Duration {
	b.Helper()
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		b.Fatal(err)
	}
	sum := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	if c.postmaster == 0 {
		return sum
	}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range paths {
		stat, ok := readStat(path)
		switch {
		case !ok: // has ended meanwhile
		case stat.id == c.postmaster:
			sum += stat.dead
		case stat.parent == c.postmaster:
			sum += stat.alive
		}
	}
	return sum
}

// procStat is what /proc/PID/stat says about a process: the CPU time of its own
// and of children that have ended.
type procStat struct {
	id, parent  int
	alive, dead time.Duration
}

func readStat(path string) (procStat, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return procStat{}, false
	}
	// The second field is the name, in parentheses, and may hold blanks.
	id, rest, _ := strings.Cut(string(text), " ")
	fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	if len(fields) < 15 {
		return procStat{}, false
	}
	number := func(s string) int {
		n, _ := strconv.Atoi(s)
		return n
	}
	return procStat{
		id: number(id), parent: number(fields[1]),
		alive: time.Duration(number(fields[11])+number(fields[12])) * tick,
		dead:  time.Duration(number(fields[13])+number(fields[14])) * tick,
	}, true
}
