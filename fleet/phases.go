package fleet

import (
	"time"

	"homefleet/fleet/metrics"
)

// phasesOf says when each part of a run began and ended that has measured for some
// time, from the start of measuring.
func (f *Fleet) phasesOf(measured time.Duration) []metrics.Phase {
	span := func(name string, from, to time.Duration) metrics.Phase {
		return metrics.Phase{Name: name, From: metrics.Span(from), To: metrics.Span(to)}
	}
	began, ended := f.course.times()
	zero, ok := f.MeasureStart()
	if !ok {
		return []metrics.Phase{span("connect", -ended.Sub(began).Round(time.Millisecond), 0)}
	}
	p := &f.scenario.Phases
	at := func(t time.Time) time.Duration { return t.Sub(zero).Round(time.Millisecond) }
	all := []metrics.Phase{span("connect", at(began), -p.WarmUp)}
	if p.WarmUp > 0 {
		all = append(all, span("warm-up", -p.WarmUp, min(0, at(ended))))
	}
	stages := 0
	for i := range f.scenario.Controllers {
		group := &f.scenario.Controllers[i]
		from := time.Duration(0)
		for _, s := range group.Stages {
			if from >= measured {
				break
			}
			name := s.Name
			if stages > 0 && i > 0 {
				name = group.Name + ": " + name
			}
			all = append(all, span(name, from, min(from+s.For, measured)))
			from += s.For
		}
		stages += len(group.Stages)
	}
	if stages == 0 && measured > 0 {
		all = append(all, span("measure", 0, measured))
	}
	// A drain with nothing to wait for is one all the same.
	if to := at(ended); measured > 0 && measured == p.Measure && to >= measured {
		all = append(all, span("drain", measured, to))
	}
	return all
}
