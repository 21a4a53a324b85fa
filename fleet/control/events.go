package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/control/api"
	"homefleet/fleet/events"
	"homefleet/fleet/metrics"
	"homefleet/scenarios/tomlfault"
)

// lookingOn are the operations of those who look on.
func (s *Server) lookingOn() []operation {
	which := []parameter{{"kind", "the kind of device"}, {"id", "a pattern; `*` stands for any run of characters"}, {"home", "likewise"}}
	return []operation{
		{method: "GET", path: "/v1/events", id: "events", summary: "What happens, as it happens, as Server-Sent Events; the header Last-Event-ID takes up behind an event",
			query: append(slices.Clone(which), parameter{"types", "of events, with commas between them: " + strings.Join(events.Names(), ", ") + "; default all"},
				parameter{"most", "exchanges and refusals in a second, 1 to 1000; default 50. Those beyond are counted"},
				parameter{"map", "what devices are like at a glance, as it changes, as events `map`: all, or the first and the last of their numbers, such as 0-999"},
				parameter{"tick", "`true`: the latest point of the history once a second, as events `tick`"},
				parameter{"report", "`true`: the report of the run, as an event `report` before the last"},
				parameter{"watch", "ids of up to 100 devices, with commas between them: all that they say of themselves, as it changes, as events `device`"}),
			stream: eventBodies(), problems: []problem{nothingSelected, noSuchDevice, tooManyViewers, notNow}, do: (*call).stream},
		{method: "GET", path: "/v1/map", id: "get-map", summary: "What all devices are like at a glance", reply: api.Map{}, do: (*call).showMap},
		{method: "GET", path: "/v1/homes", id: "list-homes", summary: "Which devices belong together, and of which kind each is", reply: api.Homes{}, do: (*call).listHomes},
		{method: "GET", path: "/v1/devices/{id}/journal", id: "get-journal", summary: "The latest exchanges of a device. In a run of more than 1,000 devices it keeps them from when it is first asked",
			query: []parameter{{"after", "`number` of an exchange: later ones alone"}},
			reply: api.Journal{}, problems: []problem{noSuchDevice, noAnswer, notNow}, do: (*call).journal},
		{method: "GET", path: "/v1/exchanges", id: "list-exchanges", summary: "The latest exchanges of several devices, from their journals",
			query: append(slices.Clone(which), parameter{"online", "true or false"}, parameter{"limit", "of the reply, 1 to 1000; default 20"}),
			reply: api.Exchanges{}, do: (*call).exchanges},
	}
}

// eventBodies are the events of a stream.
func eventBodies() []eventBody {
	return []eventBody{{"hello", api.Hello{}}, {"exchange", api.Exchange{}}, {"refusal", api.Exchange{}}, {"presence", api.PresenceChange{}},
		{"incident", api.Incident{}}, {"will", api.Will{}}, {"intervention", api.Intervention{}}, {"phase", api.PhaseChange{}},
		{"tick", api.Tick{}}, {"map", api.MapChange{}}, {"device", api.Device{}}, {"gap", api.Gap{}}, {"report", api.Report{}}, {"end", api.End{}}}
}

// The bounds of a stream.
const (
	usualMost   = 50
	highestMost = 1000
	takenWithin = 5 * time.Second // if nothing else is said
	heartbeat   = 15 * time.Second
	atATime     = 64                    // events, in one write
	together    = 50 * time.Millisecond // so long what comes after a write waits for more, which costs both sides less than one by one
)

func (s *Server) view() View { return View{s.Fleet} }

// interest reads from the query what a stream is to have.
func (c *call) interest() (events.Interest, error) {
	q := c.r.URL.Query()
	in := events.Interest{Types: events.All}
	most, err := within("most", q.Get("most"), usualMost, 1, highestMost)
	if err != nil {
		return in, err
	}
	in.Most = most
	if text := q.Get("types"); text != "" {
		in.Types = 0
		for name := range strings.SplitSeq(text, ",") {
			at := slices.Index(events.Names(), name)
			if at < 0 {
				return in, badQuery.because(tomlfault.DidYouMean(name, events.Names()), "there is no event %s; want %s", quoted(name), tomlfault.Join(events.Names()))
			}
			in.Types |= events.Set(events.Type(at))
		}
	}
	sel, err := c.queried()
	if err != nil {
		return in, err
	}
	if !sel.All {
		numbers := c.Scenario.Selected(sel.Target, 0)
		if len(numbers) == 0 {
			f := c.Scenario.WhyNobody(sel.Target, 0)
			return in, nothingSelected.because(f.Hint, "%s", f.Message)
		}
		in.Devices = events.NewDevices(c.Scenario.Count(), numbers)
	}
	in.Key = fmt.Sprintf("%d %d %q %q %q", in.Types, most, q.Get("kind"), q.Get("id"), q.Get("home"))
	return in, nil
}

// stream sends events until the viewer or the run has ended.
func (c *call) stream() (any, error) {
	in, err := c.interest()
	if err != nil {
		return nil, err
	}
	m, err := c.mapped()
	if err != nil {
		return nil, err
	}
	w, err := c.watch()
	if err != nil {
		return nil, err
	}
	if c.ticks, err = c.flag("tick"); err != nil {
		return nil, err
	}
	if c.reports, err = c.flag("report"); err != nil {
		return nil, err
	}
	hub := c.Fleet.Events()
	v, err := hub.View(in, c.r.Header.Get("Last-Event-ID"), c.Fleet.Clock(), false)
	switch {
	case errors.Is(err, events.ErrTooMany):
		c.w.Header().Set("Retry-After", "5")
		return nil, tooManyViewers.because("", "%d streams of events are open, which is the most", events.MostViewers)
	case err != nil:
		return nil, notNow.because("", "the run is over")
	}
	slow := false
	defer func() {
		v.Close(c.Fleet.Clock())
		if slow {
			hub.SentAway() // it is none of the viewers any more
		}
	}()
	c.lookout.begin()
	out := newStream(c.w, c.Taken)
	err = c.follow(out, v, in, m, w)
	if slow = errors.Is(err, errSlow); slow {
		c.Log.Warn(fmt.Sprintf("a viewer of events took nothing for %s and was sent away", words.Span(c.Taken)))
	}
	return nil, nil
}

// follow sends what there is for a viewer.
func (c *call) follow(out *stream, v *events.Viewer, in events.Interest, m *mapped, w *watched) error {
	// With an ID: who comes again before anything has happened misses nothing either.
	if err := out.send(c.Fleet.Events().Name(v.Behind()), "hello", c.hello(in)); err != nil {
		return err
	}
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	var charts, looks <-chan time.Time
	if w != nil {
		look := time.NewTicker(watchEach)
		defer look.Stop()
		looks = look.C
		w.ask(time.Now(), c.Fleet.Looks())
	}
	if m != nil {
		chart := time.NewTicker(m.each())
		defer chart.Stop()
		charts = chart.C
		v.Wake() // there is a first look
	}
	quiet := time.Now()
	rest := time.NewTimer(0) // over already
	defer rest.Stop()
	resting := true
	for {
		news := v.News()
		if resting {
			news = nil
		}
		select {
		case <-rest.C:
			resting = false
			continue
		case <-news:
			if m != nil && !m.told {
				if err := c.sendMap(out, m); err != nil {
					return err
				}
			}
		case <-charts:
			if err := c.sendMap(out, m); err != nil {
				return err
			}
			continue
		case now := <-looks:
			w.ask(now, c.Fleet.Looks())
			continue
		case a := <-w.news():
			if d := w.take(c.Server, a); d != nil {
				if err := out.send("", "device", d); err != nil {
					return err
				}
			}
			continue
		case now := <-beat.C:
			if said, err := c.sendBeat(out, v.NotShown(), in.Most, now.Sub(quiet) >= heartbeat); err != nil {
				return err
			} else if said {
				quiet = now
			}
			continue
		case <-c.r.Context().Done():
			return context.Cause(c.r.Context())
		}
		quiet = time.Now()
		rest.Reset(together)
		resting = true
		for more := true; more; {
			all, gap, rest, over := v.Take(atATime)
			more = rest
			if err := c.handOver(out, all, gap); err != nil {
				return err
			}
			if over {
				return c.sendEnd(out)
			}
		}
	}
}

// sendBeat sends what is due once a second: the latest point, how many exchanges were not
// shown, and a sign of life where nothing else was said for long.
func (c *call) sendBeat(out *stream, notShown, most int, long bool) (said bool, err error) {
	said, err = c.sendTick(out)
	if err == nil && notShown > 0 {
		said, err = true, out.send("", "gap", api.Gap{NotShown: notShown, Text: notShownText(notShown, most)})
	}
	if err == nil && long && !said {
		said, err = true, out.comment("still there")
	}
	return said, err
}

// sendTick sends the latest point of the history, if it is wanted and new.
func (c *call) sendTick(out *stream) (told bool, err error) {
	if !c.ticks {
		return false, nil
	}
	t := c.history.tick(c.Server, c.ticked)
	if t == nil {
		return false, nil
	}
	c.ticked = t.N
	return true, out.send("", "tick", t)
}

// sendMap sends what has changed on the map.
func (c *call) sendMap(out *stream, m *mapped) error {
	for _, change := range m.changes(c.Fleet.Looks()) {
		if err := out.send("", "map", change); err != nil {
			return err
		}
	}
	return nil
}

func notShownText(n, most int) string {
	return words.Plural(int64(n), "exchange is", "exchanges are") + fmt.Sprintf(" not shown: there were more than %d in a second", most)
}

// handOver sends events in one write, and before them what was missed.
func (c *call) handOver(out *stream, all []events.Event, gap events.Gap) error {
	if !gap.None() {
		out.add("", "gap", gapOf(gap))
	}
	hub := c.Fleet.Events()
	for i := range all {
		if data := c.view().Event(&all[i]); data != nil {
			out.add(hub.Name(all[i].ID), all[i].Type.String(), data)
		}
	}
	return out.flush()
}

// gapOf says what was missed.
func gapOf(g events.Gap) api.Gap {
	out := api.Gap{Events: g.Events, AtMost: g.AtMost}
	var said []string
	if g.Unknown {
		said = append(said, "the event that this stream was to begin behind is not of this run: nothing is known of those between")
	}
	if g.AtMost > 0 {
		said = append(said, fmt.Sprintf("of what happened meanwhile, %s kept no more", words.Plural(int64(g.AtMost), "event is", "events are")))
	}
	if g.Events > 0 {
		said = append(said, "this stream was taken too slowly: "+words.Plural(int64(g.Events), "event was", "events were")+" left out")
	}
	out.Text = strings.Join(said, "; ")
	return out
}

func (c *call) hello(in events.Interest) api.Hello {
	h := api.Hello{Moment: c.view().Moment(c.Fleet.Clock()), Homefleet: c.Version, Run: c.Run, Scenario: c.Scenario.Name, Phase: c.phase(), Devices: c.presence(), Most: in.Most,
		Kept: api.Kept{Events: events.MostEvents, Bytes: events.MostBytes, For: words.Span(events.Patience)}}
	for i, name := range events.Names() {
		if in.Types.Has(events.Type(i)) {
			h.Types = append(h.Types, name)
		}
	}
	return h
}

// end is what a stream says last.
func (c *call) end() api.End {
	out := api.End{Moment: c.view().Moment(c.Fleet.Clock()), Phase: c.phase()}
	if res, _ := c.Fleet.Result(); res != nil && (c.Scenario.Measured() || res.Verdict == metrics.VerdictFaults || res.Verdict == metrics.VerdictFail) {
		out.Verdict, out.Why = string(res.Verdict), res.Sentences
	}
	return out
}

// errSlow says that a viewer did not take what there was for it.
var errSlow = errors.New("nobody takes the stream")

// stream writes Server-Sent Events.
type stream struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	taken time.Duration // within this time each write has to be, or the viewer is sent away
	out   []byte
}

func newStream(w http.ResponseWriter, taken time.Duration) *stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the request is whole, and nothing more comes
	return &stream{w: w, rc: rc, taken: taken}
}

// add appends an event to what is written next.
func (s *stream) add(id, event string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		return // texts and numbers, which cannot fail
	}
	if id != "" {
		s.out = append(append(append(s.out, "id: "...), id...), '\n')
	}
	s.out = append(append(append(s.out, "event: "...), event...), "\ndata: "...)
	s.out = append(append(s.out, text...), "\n\n"...)
}

// send writes an event at once.
func (s *stream) send(id, event string, data any) error {
	s.add(id, event, data)
	return s.flush()
}

// comment writes what no client hands on.
func (s *stream) comment(text string) error {
	s.out = append(append(append(s.out, ": "...), text...), "\n\n"...)
	return s.flush()
}

// flush writes what was added.
func (s *stream) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.taken)) // who cannot do that has none
	began := time.Now()
	_, err := s.w.Write(s.out)
	if err == nil {
		err = s.rc.Flush()
	}
	if s.out = s.out[:0]; cap(s.out) > mostBody {
		s.out = nil
	}
	if err != nil && time.Since(began) >= s.taken {
		return errSlow
	}
	return err
}
