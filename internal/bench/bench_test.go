package bench_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(envClients) != "" {
		os.Exit(beClients())
	}
	code := m.Run()
	if lines := summary(); lines != "" {
		fmt.Print("\n" + lines)
	}
	os.Exit(code)
}

// results are the lines of the table that ends the run.
var results struct {
	mu    sync.Mutex
	lines []string
}

func summary() string {
	results.mu.Lock()
	defer results.mu.Unlock()
	return strings.Join(results.lines, "")
}

// pace is a measured amount of work.
type pace struct {
	units   int
	elapsed time.Duration
	cpu     time.Duration // 0 = not measured
}

func (p pace) perSecond() float64 { return float64(p.units) / p.elapsed.Seconds() }

func (p pace) cpuEach() float64 { return p.cpu.Seconds() * 1e6 / float64(p.units) }

// comparison is our work beside the limit, round by round.
type comparison struct {
	name, unit string
	limitName  string
	// goal is the least of the limit's rate that ours should reach; within is the
	// most times as long that it may take. 0 = none.
	goal, within float64
	ours, limit  []pace
	note         string // what is said of the CPU time
}

func (c *comparison) add(ours, limit pace) {
	c.ours, c.limit = append(c.ours, ours), append(c.limit, limit)
}

// ratio is the median over the rounds of ours divided by limit: both of a round
// ran one after the other, so a machine that is busy for a while slows both.
func (c *comparison) ratio() float64 {
	ratios := make([]float64, len(c.ours))
	for i := range c.ours {
		ratios[i] = c.ours[i].perSecond() / c.limit[i].perSecond()
	}
	return median(ratios)
}

// report gives the figures to the benchmark and adds a line to the table.
func (c *comparison) report(b *testing.B) {
	b.Helper()
	ours, limit := middle(c.ours, pace.perSecond), middle(c.limit, pace.perSecond)
	b.ReportMetric(0, "ns/op") // the length of all rounds says nothing
	b.ReportMetric(ours, c.unit+"/s")
	b.ReportMetric(limit, "limit-"+c.unit+"/s")
	b.ReportMetric(c.ratio(), "ratio")
	goal := ""
	switch {
	case c.goal > 0:
		goal = fmt.Sprintf(" (goal %.2f: %s)", c.goal, verdict(c.ratio() >= c.goal))
	case c.within > 0:
		times := 1 / c.ratio()
		goal = fmt.Sprintf(", %.2f times as long (goal %.2f: %s)", times, c.within, verdict(times <= c.within))
	}
	spent := ""
	if c.ours[0].cpu > 0 {
		spent = fmt.Sprintf("; CPU us/%s: %.0f, %.0f", strings.TrimSuffix(c.unit, "s"), middle(c.limit, pace.cpuEach), middle(c.ours, pace.cpuEach))
	}
	results.mu.Lock()
	defer results.mu.Unlock()
	results.lines = append(results.lines, fmt.Sprintf("%s: %s %s %s/s, ours %s %s/s, ratio %.2f%s%s%s\n",
		c.name, c.limitName, thousands(limit), c.unit, thousands(ours), c.unit, c.ratio(), goal, spent, c.note))
}

func verdict(reached bool) string {
	if reached {
		return "reached"
	}
	return "MISSED"
}

// middle is the median of one figure of the rounds.
func middle(paces []pace, figure func(pace) float64) float64 {
	values := make([]float64, len(paces))
	for i, p := range paces {
		values[i] = figure(p)
	}
	return median(values)
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// thousands writes a number as people read it: 31,000.
func thousands(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
