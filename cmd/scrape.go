package cmd

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/exporter"
	"homefleet/fleet/metrics"
	"homefleet/fleet/web"
)

// scrape serves a run's figures to Prometheus while it lasts.
type scrape struct {
	url     string
	server  *http.Server
	serving sync.WaitGroup

	seen  atomic.Bool   // somebody has asked for the figures
	ended atomic.Bool   // the run is over: they are what they will be
	last  chan struct{} // somebody has asked for these
}

// defaultLinger is how long the figures of a run that is over wait for the next
// scrape of whoever scraped before: longer than the 15 s that most leave between
// two.
const defaultLinger = 20 * time.Second

// noting is a handler that notes who has seen the figures.
func (s *scrape) noting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			h.ServeHTTP(w, r)
			return
		}
		// Noted before it is answered: the run may end meanwhile, and the answer be without
		// the last losses.
		s.seen.Store(true)
		ended := s.ended.Load()
		h.ServeHTTP(w, r)
		if ended {
			select {
			case s.last <- struct{}{}:
			default:
			}
		}
	})
}

// linger leaves the figures of a run that is over where they are: for as long as
// --linger says or, without it and if nobody stopped the run, until the next
// scrape if there was one before. Otherwise no scrape had the last losses, which
// the run learns of as it ends. Ctrl-C ends it.
func (r *running) linger(ctx context.Context, wanted spanFlag) {
	s := r.scrape
	if s == nil {
		return
	}
	s.ended.Store(true)
	most := defaultLinger
	var last <-chan struct{} = s.last
	switch {
	case wanted.set && wanted.d <= 0, !wanted.set && (!s.seen.Load() || ctx.Err() != nil):
		return
	case wanted.set:
		most, last = wanted.d, nil
	}
	if !r.quiet {
		text := "the metrics wait for the next scrape, at most " + setting(most)
		if wanted.set {
			text = "the metrics stay for " + setting(most)
		}
		fmt.Fprintf(r.screen, "%s; Ctrl-C ends that\n", text)
	}
	done := ctx.Done()
	if ctx.Err() != nil {
		done = nil // the first Ctrl-C stopped the run; the second quits at once
	}
	over := time.NewTimer(most)
	defer over.Stop()
	select {
	case <-last:
	case <-over.C:
	case <-done:
	}
}

// mostScrapes bounds the connections to --metrics.
const mostScrapes = 64

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
	s := &scrape{url: "http://" + l.Addr().String() + "/metrics", last: make(chan struct{}, 1)}
	figures := exporter.New(func() *metrics.Snapshot { return r.fleet.Progress(series...) }, r.exporterInfo())
	s.server = web.NewServer(l, hostOf(address), mostScrapes, s.noting(web.Buffered(figures)), r.log)
	if addr, ok := l.Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
		s.url = "http://" + hereAddress(addr) + "/metrics"
		a.warn("--metrics listens beyond this machine, for everybody who can reach it")
	}
	s.serving.Go(func() { _ = s.server.Serve(l) }) // it ends when the server is closed
	return s, nil
}

// exporterInfo is what does not change while the run lasts.
func (r *running) exporterInfo() exporter.Info {
	return exporter.Info{
		Version: thisVersion(), Scenario: r.sc.Name, Run: r.id, Broker: r.url,
		Started: time.Now(), Counts: r.fleet.Counts(),
	}
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

// close ends the serving, once what is under way has been answered. A nil scrape
// serves nothing.
func (s *scrape) close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		_ = s.server.Close()
	}
	s.serving.Wait()
}
