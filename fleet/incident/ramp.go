package incident

import (
	"fmt"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// ramp plans what the stages of a group make of its devices, the first of which has this
// number: one move after the other.
func (s *Scheduler) ramp(zero time.Time, number int, g *scenarios.Group) {
	begin := zero
	for _, st := range g.Stages {
		from := begin
		s.at(from, func() { s.announceStage(g, st, from) })
		begin = begin.Add(st.For)
	}
	moves := g.Moves()
	var next func()
	next = func() {
		m, ok := moves.Next()
		if !ok {
			return
		}
		s.at(zero.Add(m.At), func() {
			s.move(number+m.Device, m.Comes)
			next()
		})
	}
	next()
}

// move has a device come, or go in an orderly way.
func (s *Scheduler) move(number int, comes bool) {
	t := s.config.Anybody(number)
	switch {
	case t == nil: // it has been removed
	case comes:
		t.Tell(func(d Device) { d.Reconnect(client.NotPresent, client.Reconnect{}) })
	default:
		t.Tell(func(d Device) { d.Disconnect(client.NotPresent, client.OfflineMode(scenarios.Orderly)) })
	}
}

// announceStage logs a stage and puts it on the time line.
func (s *Scheduler) announceStage(g *scenarios.Group, st scenarios.DeviceStage, begin time.Time) {
	all := words.Plural(int64(g.Total()), g.Kind.Name, g.Kind.Name+"s")
	if g.Name != "" {
		all += " (" + g.Name + ")"
	}
	text := fmt.Sprintf("stage: %s of %s there for %v", words.Grouped(int64(g.At(st.From))), all, st.For)
	if st.From != st.To {
		text = fmt.Sprintf("stage: from %s to %s of %s there in %v", words.Grouped(int64(g.At(st.From))), words.Grouped(int64(g.At(st.To))), all, st.For)
	}
	s.config.Log.Info(text)
	s.events.Add(metrics.Incident{At: metrics.Span(s.onClock(begin)), To: metrics.Span(s.onClock(begin.Add(st.For))), Text: text})
}
