package cmd

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"homefleet/fleet/exporter"
	"homefleet/fleet/metrics"
)

// scrape serves a run's figures to Prometheus while it lasts.
type scrape struct {
	url     string
	server  *http.Server
	serving sync.WaitGroup
}

// openScrape starts serving at an address; "" serves nothing. A port alone is
// one of this machine only.
func (a *app) openScrape(address string, r *running) (*scrape, error) {
	if address == "" {
		return nil, nil
	}
	l, err := listen("--metrics", address)
	if err != nil {
		return nil, err
	}
	series := allSeries(r)
	info := exporter.Info{
		Version: thisVersion(), Scenario: r.sc.Name, Run: r.id, Broker: r.url,
		Started: time.Now(), Counts: r.fleet.Counts(),
	}
	s := &scrape{
		url: "http://" + l.Addr().String() + "/metrics",
		server: &http.Server{
			Handler:           exporter.New(func() *metrics.Snapshot { return r.fleet.Progress(series...) }, info),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(r.log.Handler(), slog.LevelDebug),
		},
	}
	if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
		s.url = "http://" + hereAddress(addr) + "/metrics"
		a.warn("--metrics listens beyond this machine, for everybody who can reach it")
	}
	s.serving.Go(func() { _ = s.server.Serve(l) }) // it ends when the server is closed
	return s, nil
}

// allSeries lists every distribution of a run.
func allSeries(r *running) []metrics.Series {
	labels := []metrics.Label{{}}
	seen := map[metrics.Label]bool{}
	add := func(d metrics.Dimension, name string) {
		if l := (metrics.Label{Dimension: d, Name: name}); !seen[l] {
			seen[l] = true
			labels = append(labels, l)
		}
	}
	for i := range r.sc.Groups {
		add(metrics.ByKind, r.sc.Groups[i].Kind.Name)
	}
	for i := range r.sc.Controllers {
		add(metrics.ByController, r.sc.Controllers[i].Name)
		for _, s := range r.sc.Controllers[i].Stages {
			add(metrics.ByStage, s.Name)
		}
	}
	var all []metrics.Series
	for _, m := range metrics.Metrics() {
		for _, l := range labels {
			all = append(all, metrics.Series{Metric: m, Label: l})
		}
	}
	return all
}

// close ends the serving. A nil scrape serves nothing.
func (s *scrape) close() {
	if s == nil {
		return
	}
	_ = s.server.Close()
	s.serving.Wait()
}
