package oiosaml

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// durationForm is xs:duration without a sign; a lexical form that no document
// needs (nothing after P or T) is refused below.
var durationForm = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$`)

// duration reads an xs:duration, years as 365 days and months as 30. ok is false
// for what is none, or is longer than a year: nobody means that of a cache.
func duration(s string) (d time.Duration, ok bool) {
	parts := durationForm.FindStringSubmatch(strings.TrimSpace(s))
	if parts == nil {
		return 0, false
	}
	const day, most = 24 * time.Hour, 366 * 24 * time.Hour
	seen := false
	for i, unit := range []time.Duration{365 * day, 30 * day, day, time.Hour, time.Minute, time.Second} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.ParseUint(parts[i+1], 10, 31)
		if err != nil || time.Duration(n) > most/unit {
			return 0, false
		}
		seen = true
		d += time.Duration(n) * unit
	}
	return d, seen && d <= most
}

// cacheFor is the shortest cacheDuration of the elements, 0 for none. One that
// cannot be read is no reason to refuse keys that can.
func cacheFor(els ...*etree.Element) (shortest time.Duration) {
	for _, el := range els {
		if d, ok := duration(attr(el, "cacheDuration")); ok && (shortest == 0 || d < shortest) {
			shortest = d
		}
	}
	return shortest
}
