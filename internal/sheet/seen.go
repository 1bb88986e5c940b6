package sheet

import (
	"crypto/sha256"
	"math"
)

// Seen remembers on which line a value came first, as 96 bits of its hash: two
// and a half million rows fit into some 300 MB, and a false match among them
// has a chance of one in 10^15.
type Seen struct {
	lines map[[12]byte]uint32
	text  []byte // scratch
}

// First returns the line on which the parts came first, and notes this line
// when that is here (0).
func (s *Seen) First(line int, what string, parts ...string) int {
	s.text = append(s.text[:0], what...)
	s.text = append(s.text, 0)
	for _, p := range parts {
		s.text = append(append(s.text, p...), 0)
	}
	if s.lines == nil {
		s.lines = map[[12]byte]uint32{}
	}
	sum := sha256.Sum256(s.text)
	key := [12]byte(sum[:12])
	if before, ok := s.lines[key]; ok {
		return int(before)
	}
	s.lines[key] = uint32(min(line, math.MaxUint32)) //nolint:gosec // a file of 256 MiB has fewer lines
	return 0
}
