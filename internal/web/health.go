package web

import (
	"context"
	"crypto/subtle"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/adgang/adgang/internal/fault"
)

// healthz: GET /healthz -> 200 while the process answers.
func (s *Server) healthz(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok", "version": s.Version})
}

// readyz: GET /readyz -> 200 {"status": "ok" or "degraded"}, 503 without the
// database. Without Redis people can still read and import; work waits.
func (s *Server) readyz(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 3*time.Second)
	defer cancel()
	away := s.Ready(ctx)
	switch {
	case slices.Contains(away, "database"):
		return c.JSON(http.StatusServiceUnavailable, map[string]any{"status": "unavailable", "away": away})
	case len(away) > 0:
		return c.JSON(http.StatusOK, map[string]any{"status": "degraded", "away": away})
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// metricsShow: GET /metrics -> 200 in Prometheus' text form. One figure alone has
// organisations as its label: the days to the end of the next certificate.
func (s *Server) metricsShow(c echo.Context) error {
	bearer := strings.TrimPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
	allowed := s.OpenMetrics || (s.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(bearer), []byte(s.MetricsToken)) == 1)
	if !allowed {
		return fault.New(fault.Denied, "metrics.token", "Metrics need the token of ADGANG_METRICS_TOKEN as a bearer token.")
	}
	s.metrics.handler.ServeHTTP(c.Response(), c.Request())
	return nil
}

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	blocks   *prometheus.HistogramVec
	handler  http.Handler
}

func newMetrics(gauges, daysLeft func(context.Context) (map[string]float64, error)) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "adgang_http_requests_total", Help: "Answered requests by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "adgang_http_request_seconds", Help: "Seconds from request to answer, by route.", Buckets: prometheus.DefBuckets,
		}, []string{"route"}),
	}
	m.blocks = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "adgang_block_seconds", Buckets: prometheus.DefBuckets,
		Help: "Seconds from the arrival of a block to its answer, by who blocks: from then on logins, sessions, OCSP and revocation lists know of it.",
	}, []string{"by"})
	r := prometheus.NewRegistry()
	r.MustRegister(m.requests, m.seconds, m.blocks, gaugeCollector(gauges), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if daysLeft != nil {
		r.MustRegister(daysLeftCollector(daysLeft))
	}
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	return m
}

// observe counts one request. A method that no route has is one label, whatever
// strangers call it.
func (m *metrics) observe(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// blocking measures the blocks of a route.
func (s *Server) blocking(by string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := s.Now()
			err := next(c)
			if err == nil {
				s.metrics.blocks.WithLabelValues(by).Observe(s.Now().Sub(start).Seconds())
			}
			return err
		}
	}
}

// gaugeCollector reads figures anew for each scrape.
type gaugeCollector func(context.Context) (map[string]float64, error)

// Describe sends nothing: the figures are known only when they are read.
func (g gaugeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect sends the figures, or why they could not be read.
func (g gaugeCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	figures, err := g(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(prometheus.NewDesc("adgang_work", "Work in the database.", nil, nil), err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		desc := prometheus.NewDesc("adgang_"+name, "Read from the database at the scrape.", nil, nil)
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, figures[name])
	}
}

// daysLeftCollector reads the days that organisations have left anew for each
// scrape.
type daysLeftCollector func(context.Context) (map[string]float64, error)

var daysLeftDesc = prometheus.NewDesc("adgang_certificate_days_left",
	"Days to the end of the organisation's next certificate that has no installed successor.", []string{"cvr"}, nil)

// Describe implements prometheus.Collector.
func (d daysLeftCollector) Describe(out chan<- *prometheus.Desc) { out <- daysLeftDesc }

// Collect implements prometheus.Collector.
func (d daysLeftCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	figures, err := d(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(daysLeftDesc, err)
		return
	}
	for _, cvr := range slices.Sorted(maps.Keys(figures)) {
		out <- prometheus.MustNewConstMetric(daysLeftDesc, prometheus.GaugeValue, figures[cvr], cvr)
	}
}
