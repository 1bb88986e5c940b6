package demo

import (
	"maps"
	"sync"
	"time"

	"github.com/adgang/adgang/internal/secret"
)

const (
	// visitLife is how long a visit lasts, a login on the way included.
	visitLife = time.Hour
	// maxVisits bounds the memory that strangers can take up.
	maxVisits = 1000
)

// visit is one browser at the service: waiting for the answer to a request,
// logged in, or refused.
type visit struct {
	request string // its ID
	level   string // class that it asks for at least, "" = any
	arrival *arrival
	refusal *refusal
	left    string // how a logout everywhere went: leftAll, leftSome, "" = there was none
}

// How a logout everywhere went.
const (
	leftAll  = "all"
	leftSome = "some"
)

// shelf keeps what belongs to browsers in memory, by the value of their cookie.
type shelf[T any] struct {
	mu      sync.Mutex
	byToken map[string]kept[T]
}

type kept[T any] struct {
	value T
	until time.Time
}

// begin keeps v and returns its token. When there are too many, those that are
// over go, and then any one.
func (s *shelf[T]) begin(v T, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byToken == nil {
		s.byToken = map[string]kept[T]{}
	}
	maps.DeleteFunc(s.byToken, func(_ string, old kept[T]) bool { return !now.Before(old.until) })
	for token := range s.byToken {
		if len(s.byToken) < maxVisits {
			break
		}
		delete(s.byToken, token)
	}
	token := secret.Token()
	s.byToken[token] = kept[T]{v, now.Add(visitLife)}
	return token
}

func (s *shelf[T]) find(token string, now time.Time) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.byToken[token]
	return v.value, ok && now.Before(v.until)
}

func (s *shelf[T]) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byToken, token)
}

// endAll ends those that which picks.
func (s *shelf[T]) endAll(which func(T) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byToken, func(_ string, one kept[T]) bool { return which(one.value) })
}
