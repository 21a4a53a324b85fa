// Package exporter shows a run that is under way to Prometheus: an HTTP handler
// that reads a snapshot of the run's figures whenever it is scraped. It keeps
// no figures of its own, listens on nothing and starts no goroutine.
package exporter

import (
	_ "embed"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"homefleet/fleet/metrics"
)

// Dashboard is a Grafana dashboard over the metrics of this package. It asks
// for its Prometheus data source when it is imported.
//
//go:embed dashboard.json
var Dashboard []byte

// Info is what does not change while a run lasts. All fields may be empty.
type Info struct {
	Version  string // of homefleet
	Scenario string // its name
	Run      string // tells this run from others
	Broker   string // without a password

	// Started is when counting began. Prometheus may use it to tell a new run
	// from one whose figures fell.
	Started time.Time

	// Counts are read at each scrape for what a snapshot has only the totals
	// of: the reason codes of refusals. nil: there are none.
	Counts *metrics.Counts
}

// liveHeap is what the runtime calls the heap that was live after the last collection:
// go_gc_heap_live_bytes.
var liveHeap = regexp.MustCompile(`^/gc/heap/live:bytes$`)

// atOnce bounds the scrapes under way: each takes a snapshot, and the rest of
// the machine is for the run.
const atOnce = 2

// New returns a handler that serves the metrics under /metrics, [Dashboard]
// under /dashboard.json, and under / a line of text that says so. source is
// called once a scrape, from the goroutine of the request and perhaps from two
// at a time; the snapshot is only read, and nil means that there is nothing to
// show yet. Of a series that the snapshot lacks nothing is shown, so source
// decides what a scrape costs: see [metrics.Recorder.Progress].
func New(source func() *metrics.Snapshot, info Info) http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(
		&collector{source: source, info: info},
		collectors.NewBuildInfoCollector(),
		// What is live after a collection shows whether a long run stays as it began.
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: liveHeap})),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: atOnce,
	}))
	mux.HandleFunc("GET /dashboard.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(Dashboard) // a client that went away is no concern of ours
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "homefleet: metrics are at /metrics, a Grafana dashboard for them at /dashboard.json\n")
	})
	return mux
}
