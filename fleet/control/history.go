package control

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
)

// Bounds of the history: points, those that a report comes with, and the time between two.
const (
	mostPoints  = 3600
	lastPoints  = 60
	historyEach = time.Second
)

// history is how the run went, a point a second. One goroutine looks, on which the server
// waits; it reads what is counted anyway, and no device hears of it.
type history struct {
	running sync.WaitGroup

	mu     sync.Mutex
	points []point // oldest first
	given  int     // numbers
	soFar  *api.Requests
	open   int64 // requests, sent and not decided

	// Of the goroutine.

	before sums
	lately metrics.Lately
}

// point is one of them, with its moment on the run's clock.
type point struct {
	at time.Duration
	api.HistoryPoint
}

// sums are counts that only grow.
type sums struct {
	commands, messages, connects, lost int64
	requests                           api.Requests
}

// keepHistory has points be made until the server ends.
func (s *Server) keepHistory() {
	s.history.running.Go(func() {
		tick := time.NewTicker(historyEach)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.history.look(s)
			case <-s.ending:
				s.history.look(s) // or a short run would have none
				return
			}
		}
	})
}

// look makes a point of what is new.
func (h *history) look(s *Server) {
	f := s.Fleet
	up, counts := s.presence(), f.Counts()
	snap := f.Recorder().Progress(f.Elapsed(), metrics.Series{Metric: metrics.ResponseTime})
	now := sums{commands: counts.Requests.Load(), connects: counts.Connects.Load(), lost: counts.Lost.Load(),
		messages: counts.Messages.Total(metrics.Sent, metrics.Reply, metrics.ErrorReply, metrics.State, metrics.Telemetry),
		requests: requestsOf(&snap.Totals)}
	p := point{f.Clock(), api.HistoryPoint{Phase: s.phase(), Devices: up.Total, Online: up.Online,
		Commands: now.commands - h.before.commands, Messages: now.messages - h.before.messages,
		Connects: now.connects - h.before.connects, Lost: now.lost - h.before.lost}}
	loaded := len(f.Load().Groups()) > 0
	if loaded {
		p.Requests = new(now.requests.Since(&h.before.requests))
	}
	p.Response = responseOf(h.lately.Look(snap.Series[metrics.Series{Metric: metrics.ResponseTime}]))
	h.before = now
	h.mu.Lock()
	defer h.mu.Unlock()
	h.given++
	p.N = h.given
	if len(h.points) == mostPoints {
		h.points = slices.Delete(h.points, 0, 1)
	}
	h.points = append(h.points, p)
	if loaded {
		h.soFar, h.open = &now.requests, snap.Totals.Outstanding
	}
}

func responseOf(r metrics.Recent) *api.Response {
	if r.Total == 0 {
		return nil
	}
	text := func(d time.Duration) string {
		if d == metrics.NoAnswer {
			return ""
		}
		return span(d)
	}
	return &api.Response{Count: r.Total, Unanswered: r.Unanswered, P50: text(r.P50), P99: text(r.P99), Max: text(r.Max)}
}

// requestsOf is what became of requests as replies have it.
func requestsOf(t *metrics.Totals) api.Requests {
	return api.Requests{Planned: t.Planned, Sent: t.Sent, Answered: t.Answered, Late: t.Late, Lost: t.Lost, Refused: t.Refused,
		NotSent: t.NotSent.Total(), Paused: t.NotSent.Paused, Interrupted: t.Interrupted}
}

// later returns the points with numbers above one, and how many of them are kept no more.
func (h *history) later(s *Server, after int) (all []api.HistoryPoint, leftOut int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = []api.HistoryPoint{}
	first := h.given - len(h.points) // number of the last that is kept no more
	for _, p := range h.points[min(max(after-first, 0), len(h.points)):] {
		p.At = s.moment(p.at)
		all = append(all, p.HistoryPoint)
	}
	return all, max(first-after, 0)
}

// latest returns the last points.
func (h *history) latest(s *Server) []api.HistoryPoint {
	h.mu.Lock()
	after := max(h.given-lastPoints, 0)
	h.mu.Unlock()
	all, _ := h.later(s, after)
	return all
}

// tick is the latest point if its number is above one; else nil.
func (h *history) tick(s *Server, after int) *api.Tick {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.given <= after {
		return nil
	}
	p := h.points[len(h.points)-1]
	p.At = s.moment(p.at)
	return &api.Tick{HistoryPoint: p.HistoryPoint, Time: s.view().Moment(p.at).Time, SoFar: h.soFar, Outstanding: h.open}
}

// lookingBack are the operations of those who want to know how it went.
func (s *Server) lookingBack() []operation {
	return []operation{
		{method: "GET", path: "/v1/history", id: "get-history", summary: "How the run went, a point a second, of the last hour",
			query: []parameter{{"after", "`n` of a point: later ones alone"}}, reply: api.History{}, do: (*call).getHistory},
		{method: "GET", path: "/v1/result", id: "get-result", summary: "The result of the run, or what is known of it so far",
			query: []parameter{{"brief", "`true`: without time line and recoveries, and of distributions the figures alone, for whoever asks often"}}, reply: api.Result{}, do: (*call).getResult},
	}
}

func (c *call) getHistory() (any, error) {
	after, err := within("after", c.r.URL.Query().Get("after"), 0, 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	out := &api.History{Interval: span(historyEach)}
	out.Points, out.LeftOut = c.history.later(c.Server, after)
	return out, nil
}

func (c *call) getResult() (any, error) {
	brief, err := c.flag("brief")
	if err != nil {
		return nil, err
	}
	res, _ := c.Fleet.Result() // what else the run failed of is in it
	out := &api.Result{Over: res != nil}
	if res == nil {
		res = c.Fleet.SoFar()
	}
	if brief {
		res = res.Brief()
	}
	out.Result, err = json.Marshal(res)
	return out, err
}
