package cutover

import (
	"crypto/sha256"
	"math"
	"strings"
)

// seen remembers on which line a value came first, as 96 bits of its hash: two
// and a half million rows fit into some 300 MB, and a false match among them
// has a chance of one in 10^15.
type seen struct {
	lines map[[12]byte]uint32
	text  []byte // scratch
}

// first returns the line on which the parts came first, and notes this line
// when that is here (0).
func (s *seen) first(line int, what field, parts ...string) int {
	s.text = append(s.text[:0], headers[what][1]...)
	s.text = append(s.text, 0)
	for _, p := range parts {
		s.text = append(append(s.text, p...), 0)
	}
	sum := sha256.Sum256(s.text)
	key := [12]byte(sum[:12])
	if before, ok := s.lines[key]; ok {
		return int(before)
	}
	s.lines[key] = uint32(min(line, math.MaxUint32)) //nolint:gosec // a file of 256 MiB has fewer lines
	return 0
}

// compare reports what an earlier row has too. The same RID or CPR number is
// an error; the same e-mail address, or name and date of birth, a notice.
func (c *checker) compare(r Record) {
	twice := false
	if r.RID != "" {
		if before := c.seen.first(r.Line, rid, r.RID); before > 0 {
			twice = true
			c.fail(rid, "cutover.row.duplicate_rid", "Line %d has the same RID. Keep the row that is right and remove the other.", before)
		}
	}
	if r.CPR != "" {
		if before := c.seen.first(r.Line, cpr, r.CPR); before > 0 {
			twice = true
			c.fail(cpr, "cutover.row.duplicate_cpr", "Line %d has the same CPR number. Keep the RID that shall survive and remove the other row.", before)
		}
	}
	if r.Email != "" {
		if before := c.seen.first(r.Line, email, strings.ToLower(r.Email)); before > 0 && !twice {
			c.notice(email, "cutover.row.same_email", "Line %d has the same e-mail address. Check that both employees read it.", before)
		}
	}
	if r.GivenName == "" || r.Surname == "" || r.DateOfBirth.IsZero() {
		return
	}
	name := strings.ToLower(r.GivenName + " " + r.Surname)
	if before := c.seen.first(r.Line, givenName, name, r.DateOfBirth.Format("2006-01-02")); before > 0 && !twice {
		c.notice(givenName, "cutover.row.same_person", "Line %d has the same name and date of birth. Check that they are two persons.", before)
	}
}
