package demo

import (
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
	arrival *arrival
	refusal *refusal
	until   time.Time
}

// visits are kept in memory, by the value of their cookie.
type visits struct {
	mu      sync.Mutex
	byToken map[string]visit
}

// begin keeps v and returns its token. When there are too many, those that are
// over go, and then any one.
func (s *visits) begin(v visit, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byToken == nil {
		s.byToken = map[string]visit{}
	}
	for token, old := range s.byToken {
		if !now.Before(old.until) {
			delete(s.byToken, token)
		}
	}
	for token := range s.byToken {
		if len(s.byToken) < maxVisits {
			break
		}
		delete(s.byToken, token)
	}
	token := secret.Token()
	v.until = now.Add(visitLife)
	s.byToken[token] = v
	return token
}

func (s *visits) find(token string, now time.Time) (visit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.byToken[token]
	return v, ok && now.Before(v.until)
}

func (s *visits) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byToken, token)
}
