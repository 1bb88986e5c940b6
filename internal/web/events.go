package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
)

const (
	pollEvery    = 400 * time.Millisecond
	commentEvery = 15 * time.Second
	// A stream ends now and then; the browser comes back, and who it is gets
	// checked again.
	streamFor = 5 * time.Minute
)

// batchEvents: GET /api/v1/batches/:id/events -> 200 text/event-stream.
func (s *Server) batchEvents(c echo.Context) error {
	ctx, by, id := c.Request().Context(), actor(c), c.Param("id")
	if _, err := s.Cutover.Progress(ctx, by, id); err != nil {
		return err
	}
	states, leave := s.watched.join(watchKey{by.OrgID, id})
	defer leave()
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx: hand it on as it comes
	c.Response().WriteHeader(http.StatusOK)
	c.Response().Flush()
	comment := time.NewTicker(commentEvery)
	defer comment.Stop()
	end := time.NewTimer(streamFor)
	defer end.Stop()
	for {
		var text string
		select {
		case <-ctx.Done():
			return nil
		case <-s.closing:
			return nil
		case <-end.C:
			return nil
		case <-comment.C:
			text = ": still here\n\n"
		case state, open := <-states:
			if !open {
				return nil
			}
			text = fmt.Sprintf("event: batch\ndata: %s\n\n", state)
		}
		if _, err := c.Response().Write([]byte(text)); err != nil {
			return nil // the viewer is gone, which is no error
		}
		c.Response().Flush()
	}
}

// EndStreams ends all streams, so that the server can stop; browsers come back
// to another node by themselves.
func (s *Server) EndStreams() { s.closeOnce.Do(func() { close(s.closing) }) }

// progress is a batch as a viewer gets it: without errors and notices.
func (s *Server) progress(ctx context.Context, key watchKey) ([]byte, error) {
	v, err := s.Cutover.Progress(ctx, access.System(key.org), key.batch)
	if err != nil {
		return nil, err
	}
	return json.Marshal(batchEvent{Batch: NewBatch(v)})
}

// batchEvent leaves out what is long and does not change, so that a viewer can
// lay it over the batch it has.
type batchEvent struct {
	Batch

	Errors  *[]Finding `json:"errors,omitempty"`
	Notices *[]Finding `json:"notices,omitempty"`
}

type watchKey struct {
	org   access.OrgID
	batch string
}

// watched polls each batch once for all who watch it in this process, and only
// while somebody does.
type watched struct {
	read func(context.Context, watchKey) ([]byte, error)
	mu   sync.Mutex
	all  map[watchKey]*watch
}

type watch struct {
	viewers map[chan []byte]bool
	last    []byte
	stop    context.CancelFunc
}

func newWatched(read func(context.Context, watchKey) ([]byte, error)) *watched {
	return &watched{read: read, all: map[watchKey]*watch{}}
}

// join returns a channel of states, newest last; a slow viewer misses states in
// between. The channel is closed when the batch can no longer be read.
func (w *watched) join(key watchKey) (states <-chan []byte, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.all[key]
	if one == nil {
		ctx, stop := context.WithCancel(context.Background())
		one = &watch{viewers: map[chan []byte]bool{}, stop: stop}
		w.all[key] = one
		go w.poll(ctx, key, one)
	}
	mine := make(chan []byte, 1)
	one.viewers[mine] = true
	if one.last != nil {
		mine <- one.last
	}
	return mine, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(one.viewers, mine)
		if len(one.viewers) == 0 && w.all[key] == one {
			one.stop()
			delete(w.all, key)
		}
	}
}

func (w *watched) poll(ctx context.Context, key watchKey, one *watch) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		state, err := w.read(ctx, key)
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		if err != nil {
			for viewer := range one.viewers {
				close(viewer)
			}
			if w.all[key] == one {
				delete(w.all, key)
			}
			one.stop()
			w.mu.Unlock()
			return
		}
		if string(state) != string(one.last) {
			one.last = state
			for viewer := range one.viewers {
				select { // replace a state that was not read yet
				case <-viewer:
				default:
				}
				viewer <- state
			}
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
