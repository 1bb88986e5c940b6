package cvr

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Virk is the distribution API of Erhvervsstyrelsen: an Elasticsearch index,
// asked over HTTP with a user name and a password. Answers are kept for Keep.
type Virk struct {
	// URL is scheme, host and port, without the path: the index is fixed.
	URL, User, Password string
	HTTP                *http.Client
	Now                 func() time.Time
	Log                 *slog.Logger
	// Keep is how long an answer counts; 0 = an hour.
	Keep time.Duration
	// Pause before the second attempt, doubled for the third; 0 = 300 ms.
	Pause time.Duration

	mu    sync.Mutex
	known map[string]kept
}

type kept struct {
	company Company
	until   time.Time
}

const (
	index      = "/cvr-permanent/virksomhed/_search"
	attempts   = 3
	eachMost   = 8 * time.Second
	maxAnswer  = 8 << 20 // the largest companies have a few megabytes of history
	maxKept    = 5_000
	defaultAge = time.Hour
)

// Company implements Register.
func (v *Virk) Company(ctx context.Context, number string) (Company, error) {
	if c, ok := v.recall(number); ok {
		return c, nil
	}
	var why error
	pause := cmp.Or(v.Pause, 300*time.Millisecond)
	for try := range attempts {
		if try > 0 {
			wait := time.NewTimer(pause)
			pause *= 2
			select {
			case <-ctx.Done():
				wait.Stop()
				return Company{}, ctx.Err()
			case <-wait.C:
			}
		}
		c, again, err := v.ask(ctx, number)
		if err == nil {
			v.keep(c)
			return c, nil
		}
		if why = err; !again {
			break
		}
	}
	if errors.Is(why, errAbsent) {
		return Company{}, errAbsent
	}
	v.Log.WarnContext(ctx, "company register away", "err", why)
	return Company{}, errAway.Because(why)
}

func (v *Virk) recall(number string) (Company, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.known[number]
	return k.company, ok && v.Now().Before(k.until)
}

func (v *Virk) keep(c Company) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil || len(v.known) >= maxKept {
		v.known = map[string]kept{} // simpler than an order of use, and as good here
	}
	v.known[c.CVR] = kept{c, v.Now().Add(cmp.Or(v.Keep, defaultAge))}
}

// ask makes one attempt; again tells whether another may go better.
func (v *Virk) ask(ctx context.Context, number string) (c Company, again bool, err error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return c, false, errAbsent
	}
	ctx, cancel := context.WithTimeout(ctx, eachMost)
	defer cancel()
	query := fmt.Sprintf(`{"size":1,"query":{"term":{"Vrvirksomhed.cvrNummer":%d}}}`, n)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(v.URL, "/")+index, bytes.NewBufferString(query))
	if err != nil {
		return c, false, err
	}
	r.Header.Set("Content-Type", "application/json")
	if v.User != "" {
		r.SetBasicAuth(v.User, v.Password)
	}
	res, err := v.HTTP.Do(r)
	if err != nil {
		return c, true, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		again = res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests
		return c, again, fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return c, true, err
	}
	if len(body) > maxAnswer {
		return c, false, fmt.Errorf("answer of more than %d bytes", maxAnswer)
	}
	var found answer
	if err := json.Unmarshal(body, &found); err != nil {
		return c, false, fmt.Errorf("answer: %w", err)
	}
	if found.TimedOut {
		return c, true, errors.New("the index ran out of time")
	}
	if len(found.Hits.Hits) == 0 {
		return c, false, errAbsent
	}
	c = found.Hits.Hits[0].Source.Company.today(v.Now())
	if c.CVR != number {
		return c, false, fmt.Errorf("answer about %s", c.CVR)
	}
	return c, false, nil
}
