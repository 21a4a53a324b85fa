package fleet

import (
	"fmt"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// remarks note what should be known beside the figures of a run.
func (f *Fleet) remarks() (all []string) {
	if text := f.env.TakeOvers.Sentence(); text != "" {
		all = append(all, text)
	}
	if !f.scenario.Measured() {
		return all
	}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	up := f.Presence()
	if n := up.Devices - up.Seen; n > 0 && up.Seen > 0 {
		add("%s of %s never came up", words.Grouped(int64(n)), words.Plural(int64(up.Devices), "device", "devices"))
	}
	if c := f.Controllers(); c.Seen < c.Devices && c.Seen > 0 {
		add("%s of %s never came up", words.Grouped(int64(c.Devices-c.Seen)), words.Plural(int64(c.Devices), "controller", "controllers"))
	}
	all = append(all, metrics.Shortfalls(f.counts)...)
	all = append(all, f.LimitWalls()...)
	if text := f.surveyed.Findings().Remark(); text != "" {
		add("%s", text)
	}
	controllers := f.scenario.Controllers
	if f.embedded && f.course.inMemory && len(controllers) > 0 {
		add("the broker ran in this process and was reached in memory: its work is in the times, and no network is")
	}
	for i := range controllers {
		if controllers[i].Arrival == scenarios.Closed {
			add("%s are closed: they wait for answers, so a broker that stalls slows them down and hardly shows in their times", words.Printable(controllers[i].Name))
		}
	}
	return append(all, f.remarks311()...)
}

// remarks311 say what is not known because of MQTT 3.1.1, and how its requesters fared.
func (f *Fleet) remarks311() (all []string) {
	sc := f.scenario
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	old := sc.SomeSpeak311()
	unseen := old
	for i := range sc.Watchers {
		unseen = unseen || sc.Speaks311(sc.Watchers[i].MQTT)
	}
	if unseen && len(sc.Watchers) > 0 {
		add("messages from or to a client of MQTT 3.1.1 have no User Properties, so that nothing is known of how long they took, or whether they arrived")
	}
	groups := make([]metrics.Totals, len(sc.Controllers))
	for _, r := range f.requesters {
		groups[r.Group.Index()].Add(r.Totals())
	}
	any311 := false
	for i := range sc.Controllers {
		any311 = any311 || sc.Speaks311(sc.Controllers[i].MQTT)
	}
	for i := range sc.Controllers {
		c, t := &sc.Controllers[i], &groups[i]
		name, b := words.Printable(c.Name), &t.ByTopic
		switch {
		case !any311:
		case !sc.Speaks311(c.MQTT):
			add("%s matched answers by Correlation Data: each of %s was its own", name, words.Grouped(t.Answers))
		case b.Known() > 0:
			add("%s matched answers by topic, since MQTT 3.1.1 has no Correlation Data: %s of %s (%.1f%%) that they took for their own were not. What is answered or lost, and the times, are by each request's own answer",
				name, words.Grouped(b.Mistaken()), words.Grouped(b.Known()), 100*float64(b.Mistaken())/float64(b.Known()))
		default:
			add("%s matched answers by topic, since MQTT 3.1.1 has no Correlation Data: any answer may be another requester's, and its time that of another request; `identify` tells which", name)
		}
	}
	return all
}
