package cvr_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adgang/adgang/internal/cvr"
	"github.com/adgang/adgang/internal/fault"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// index is a server that answers as Virk's does; statuses come first, one for
// each request.
type index struct {
	*httptest.Server
	asked    atomic.Int64
	statuses []int
	body     []byte
}

func startIndex(t *testing.T, body []byte, statuses ...int) *index {
	t.Helper()
	x := &index{statuses: statuses, body: body}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(x.asked.Add(1))
		user, password, _ := r.BasicAuth()
		query, _ := io.ReadAll(r.Body)
		var q struct {
			Query struct{ Term map[string]int64 }
		}
		if r.URL.Path != "/cvr-permanent/virksomhed/_search" || user != "bruger" || password != "hemmelig" || json.Unmarshal(query, &q) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if n <= len(x.statuses) {
			w.WriteHeader(x.statuses[n-1])
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if q.Query.Term["Vrvirksomhed.cvrNummer"] != 20202020 {
			_, _ = w.Write([]byte(`{"took":1,"timed_out":false,"hits":{"total":0,"max_score":null,"hits":[]}}`))
			return
		}
		_, _ = w.Write(x.body)
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *index) register(clock *time.Time) *cvr.Virk {
	return &cvr.Virk{
		URL: x.URL, User: "bruger", Password: "hemmelig", HTTP: x.Client(), Pause: time.Microsecond,
		Now: func() time.Time { return *clock }, Log: slog.New(slog.DiscardHandler),
	}
}

func recorded(t *testing.T) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/virksomhed.json")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestVirkReadsTheCompanyOfToday(t *testing.T) {
	t.Parallel()
	clock := now
	c, err := startIndex(t, recorded(t)).register(&clock).Company(t.Context(), "20202020")
	if err != nil {
		t.Fatalf("Company = %v", err)
	}
	if c.Name != "Tårnby Toner A/S" || c.Form != cvr.Limited || c.FormText != "A/S" || !c.Active ||
		c.Address != "Klokkevej 12B, 2 tv, 9998 Opdigtet By" || !slices.Equal(c.PUnits, []string{"1020202020"}) ||
		c.Rule != "Selskabet tegnes af to bestyrelsesmedlemmer i forening." {
		t.Errorf("Company = %+v", c)
	}
	if c.Signing.Kind != cvr.Jointly || c.Signing.Number != 2 {
		t.Errorf("Signing = %+v, want two jointly", c.Signing)
	}
	var people []string
	for _, p := range c.Persons {
		people = append(people, p.Name+" "+string(p.Roles[0]))
	}
	if want := []string{"Ditte Ørum chair", "Mogens Æbelø board", "Søren Ågård director"}; !slices.Equal(people, want) {
		t.Errorf("persons = %q, want %q", people, want)
	}
	for name, want := range map[string]bool{
		"Ditte Ørum": true, " mogens  ÆBELØ ": true, "Søren Ågård": false, "Fratrådt Formand": false, "": false, "Ditte": false,
	} {
		if _, got := c.Entitled(name); got != want {
			t.Errorf("Entitled(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestVirkTriesAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		number   string
		statuses []int
		body     string
		want     fault.Kind
		asked    int64
	}{
		{name: "at once", number: "20202020", asked: 1},
		{name: "after a refusal", number: "20202020", statuses: []int{503, 429}, asked: 3},
		{name: "not for ever", number: "20202020", statuses: []int{500, 502, 503}, want: fault.Unavailable, asked: 3},
		{name: "not with a wrong password", number: "20202020", statuses: []int{401}, want: fault.Unavailable, asked: 1},
		{name: "unknown number", number: "30303030", want: fault.Absent, asked: 1},
		{name: "no number", number: "abc", want: fault.Absent},
		{name: "nonsense", number: "20202020", body: "<html>", want: fault.Unavailable, asked: 1},
		{name: "too much", number: "20202020", body: strings.Repeat(" ", 9<<20), want: fault.Unavailable, asked: 1},
		{name: "out of time", number: "20202020", body: `{"timed_out":true}`, want: fault.Unavailable, asked: 3},
		{name: "another company", number: "20202020", body: `{"hits":{"hits":[{"_source":{"Vrvirksomhed":{"cvrNummer":1}}}]}}`, want: fault.Unavailable, asked: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			clock, body := now, recorded(t)
			if tc.body != "" {
				body = []byte(tc.body)
			}
			x := startIndex(t, body, tc.statuses...)
			_, err := x.register(&clock).Company(t.Context(), tc.number)
			if fault.KindOf(err) != tc.want || x.asked.Load() != tc.asked {
				t.Errorf("Company = %v after %d requests, want kind %d after %d", err, x.asked.Load(), tc.want, tc.asked)
			}
		})
	}
}

func TestVirkRemembersForAnHour(t *testing.T) {
	t.Parallel()
	clock := now
	x := startIndex(t, recorded(t))
	v := x.register(&clock)
	for _, step := range []struct {
		after time.Duration
		asked int64
	}{{0, 1}, {59 * time.Minute, 1}, {time.Minute, 2}} {
		clock = clock.Add(step.after)
		if _, err := v.Company(t.Context(), "20202020"); err != nil || x.asked.Load() != step.asked {
			t.Errorf("after %s: %v, %d requests, want %d", step.after, err, x.asked.Load(), step.asked)
		}
	}
}

func TestVirkStopsWithTheCaller(t *testing.T) {
	t.Parallel()
	clock := now
	x := startIndex(t, nil, 503, 503, 503)
	v := x.register(&clock)
	v.Pause = time.Hour
	ctx, stop := context.WithCancel(t.Context())
	v.HTTP.Transport = stopping{v.HTTP.Transport, stop}
	if _, err := v.Company(ctx, "20202020"); err == nil || x.asked.Load() > 1 {
		t.Errorf("Company = %v after %d requests, want the cancellation after the first", err, x.asked.Load())
	}
}

type stopping struct {
	http.RoundTripper
	stop func()
}

func (s stopping) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	s.stop()
	return res, err
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		form, rule string
		kind       string
		number     int
	}{
		{"APS", "Selskabet tegnes af en direktør alene.", cvr.Alone, 1},
		{"APS", "Selskabet tegnes af direktørerne hver for sig", cvr.Alone, 1},
		{"A/S", "Selskabet tegnes af to bestyrelsesmedlemmer i forening.", cvr.Jointly, 2},
		{"A/S", "Selskabet tegnes af 3 medlemmer af bestyrelsen, bestyrelsesmedlemmer, i forening", cvr.Unclear, 0},
		{"A/S", "Selskabet tegnes af en direktør i forening med bestyrelsens formand.", cvr.Jointly, 2},
		{"A/S", "Selskabet tegnes af den samlede bestyrelse.", cvr.Jointly, 3},
		{"A/S", "Selskabet tegnes af to direktører i forening eller af den samlede bestyrelse.", cvr.Unclear, 0},
		{"A/S", "Selskabet tegnes af to direktører i forening med formanden.", cvr.Unclear, 0},
		{"A/S", "Selskabet tegnes efter aftale.", cvr.Unclear, 0},
		{"A/S", "", cvr.Unclear, 0},
		{"ENK", "", cvr.Alone, 1},
		{"I/S", "Interessentskabet tegnes af interessenterne hver for sig.", cvr.Alone, 1},
	} {
		path := filepath.Join(t.TempDir(), "one.json")
		text, err := json.Marshal([]map[string]any{{
			"cvr": "12345678", "name": "En", "form_text": tc.form, "active": true, "rule": tc.rule,
			"persons": []map[string]any{
				{"name": "A", "roles": []string{"chair"}},
				{"name": "B", "roles": []string{"board"}},
				{"name": "C", "roles": []string{"board"}},
				{"name": "D", "roles": []string{"director"}},
			},
		}})
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := cvr.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := f.Company(t.Context(), "12345678")
		if err != nil || c.Signing.Kind != tc.kind || c.Signing.Number != tc.number {
			t.Errorf("%s %q = %+v, %v, want %s %d", tc.form, tc.rule, c.Signing, err, tc.kind, tc.number)
		}
	}
}

// The companies that the program brings along are nobody's: each number fails
// modulus 11.
func TestFictitiousCompaniesAreNobodys(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("companies.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ CVR string }
	if err := json.Unmarshal(text, &list); err != nil || len(list) < 5 {
		t.Fatalf("%d companies, %v", len(list), err)
	}
	f := cvr.Fictitious()
	for _, one := range list {
		sum := 0
		for i, weight := range []int{2, 7, 6, 5, 4, 3, 2, 1} {
			sum += weight * int(one.CVR[i]-'0')
		}
		if sum%11 == 0 {
			t.Errorf("%s may be somebody's", one.CVR)
		}
		if c, err := f.Company(t.Context(), one.CVR); err != nil || !strings.Contains(c.Name, "fiktiv") {
			t.Errorf("Company(%s) = %+v, %v", one.CVR, c, err)
		}
	}
	if _, err := f.Company(t.Context(), "99999999"); fault.CodeOf(err) != "cvr.company.absent" {
		t.Errorf("an unknown company = %v, want Absent", err)
	}
	for _, bad := range []string{`{}`, `[{"cvr":"1","name":"x"}]`, `[{"cvr":"12345678"}]`, `[{"cvr":"12345678","name":"x","colour":"red"}]`} {
		path := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cvr.OpenFile(path); err == nil {
			t.Errorf("OpenFile of %s = nil", bad)
		}
	}
	if _, err := cvr.OpenFile(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("OpenFile of no file = nil")
	}
}
