package outside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Why a document was not fetched, besides ErrInside and what the network says.
var (
	ErrAddress = errors.New("not an address that is fetched")
	ErrStatus  = errors.New("the address does not answer with the document")
	ErrSize    = errors.New("the document is too large or did not arrive whole")
)

// Version is what a server said of a document, to ask whether it has changed.
type Version struct {
	ETag, LastModified string
}

// Document is what an address serves.
type Document struct {
	Version

	Body      []byte
	Unchanged bool          // it is still the Version that was asked about; Body is nil
	Fresh     time.Duration // how long the server says it stays so, 0 = it does not say
}

// Fetch gets a document of at most limit bytes, if it has changed since known. There
// is no proxy and no redirect. private allows http and addresses in the operator's
// own network. Errors: ErrAddress, ErrInside, ErrStatus, ErrSize, and the network's.
func Fetch(ctx context.Context, address, accept string, known Version, limit int64, private bool) (Document, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !private) || len(address) > 2000 {
		return Document{}, ErrAddress
	}
	u.Fragment = ""
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return Document{}, ErrAddress
	}
	request.Header.Set("Accept", accept)
	if known.ETag != "" {
		request.Header.Set("If-None-Match", known.ETag)
	} else if known.LastModified != "" {
		request.Header.Set("If-Modified-Since", known.LastModified)
	}
	client := Client(private)
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return Document{}, err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	d := Document{
		Version: Version{ETag: short(answer.Header.Get("ETag")), LastModified: short(answer.Header.Get("Last-Modified"))},
		Fresh:   maxAge(answer.Header.Get("Cache-Control")),
	}
	if answer.StatusCode == http.StatusNotModified && known != (Version{}) {
		d.Version, d.Unchanged = known, true
		return d, nil
	}
	if answer.StatusCode != http.StatusOK {
		return Document{}, fmt.Errorf("%w: %s", ErrStatus, answer.Status)
	}
	d.Body, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil || int64(len(d.Body)) > limit {
		return Document{}, ErrSize
	}
	return d, nil
}

// short drops a validator that nobody needs to keep.
func short(s string) string {
	if len(s) > 200 {
		return ""
	}
	return s
}

func maxAge(control string) time.Duration {
	for part := range strings.SplitSeq(control, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(name, "max-age") {
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				return time.Duration(n) * time.Second
			}
		}
	}
	return 0
}
