package exporter

import (
	"strings"

	"homefleet/fleet/metrics"
)

// audit sends what became of Will Messages. All of it is gauges: what is learned
// later changes what is known of before. A Will that is missing may come yet, and
// is then late; and one of no known outage goes over to the way of its outage.
func (e *emitter) audit(a *metrics.Audit) {
	if a == nil {
		return
	}
	seen := make(map[string]bool) // a label set that is sent twice would fail the scrape
	for i := range a.Ways {
		t, way := &a.Ways[i].WillTotals, label(a.Ways[i].Way)
		if seen[way] {
			continue
		}
		seen[way] = true
		e.gauge("homefleet_outages", "Connections of devices that ended or fell silent, by the way to go.", float64(t.Outages), "way", way)
		e.gauge("homefleet_will_messages", "Will Messages that came, by the way to go.", float64(t.Messages), "way", way)
		for _, v := range []outcome{
			{"on_time", t.OnTime}, {"early", t.Early}, {"late", t.Late}, {"missing", t.Missing}, {"unwatched", t.Unwatched},
		} {
			e.gauge("homefleet_wills", "Will Messages that were due, by the way to go and by what became of each: they add up to all that were due.",
				float64(v.n), "way", way, "verdict", v.name)
		}
		for _, f := range []outcome{{"duplicate", t.Duplicate}, {"unexpected", t.Unexpected}, {"altered", t.Altered}} {
			e.gauge("homefleet_will_faults", "Will Messages that came and were too many or altered, by the way to go and by what is wrong with them.",
				float64(f.n), "way", way, "fault", f.name)
		}
		e.gauge("homefleet_wills_consumed", "Outages whose Will a watcher answered, by the way to go.", float64(t.Consumed), "way", way)
		e.gauge("homefleet_wills_learned", "Of the consumed, those whose answer the device found when it was back, by the way to go.", float64(t.Learned), "way", way)
	}
	if t := a.Retained; t != nil {
		for _, s := range []outcome{{"right", t.Right}, {"stale", t.Stale}, {"missing", t.Missing}, {"wrong", t.Wrong}} {
			e.gauge("homefleet_retained_topics", "Topics by how the message that the broker retained compares with what the device knows.", float64(s.n), "state", s.name)
		}
	}
}

// recoveries sends how devices came back from the last incident, each group of
// them, and from those that began at the same moment.
func (e *emitter) recoveries(all []metrics.Recovery) {
	if len(all) == 0 {
		return
	}
	last := all[0].At
	for i := range all {
		last = max(last, all[i].At)
	}
	e.gauge("homefleet_recoveries", "Incidents that are over, each group of devices by itself; of very many, those from which devices came back slowest.", float64(len(all)))
	seen := make(map[[2]string]bool)
	for i := range all {
		r := &all[i]
		group := r.Group
		if r.Shard != "" {
			group = strings.TrimSpace(group + " " + r.Shard)
		}
		names := [2]string{label(r.Incident), label(group)}
		if r.At != last || seen[names] {
			continue
		}
		seen[names] = true
		e.recovery(r, "incident", names[0], "group", names[1])
	}
}

func (e *emitter) recovery(r *metrics.Recovery, labels ...string) {
	const (
		timeHelp   = "Time from the end of the last incident until a share of its devices, in percent, was online or answering; none where it did not come to that."
		deviceHelp = "Devices of the last incident, and those of them that came to be online and answering."
	)
	with := func(more ...string) []string { return append(labels[:len(labels):len(labels)], more...) }
	e.gauge("homefleet_recovery_devices", deviceHelp, float64(r.Affected), with("state", "affected")...)
	for _, of := range []struct {
		name  string
		times *metrics.Times
	}{{"online", &r.Online}, {"answering", r.Answering}} {
		if of.times == nil {
			continue
		}
		e.gauge("homefleet_recovery_devices", deviceHelp, float64(of.times.Count), with("state", of.name)...)
		for _, at := range []struct {
			share string
			at    *metrics.Span
		}{{"50", of.times.Half}, {"99", of.times.Most}, {"100", of.times.All}} {
			if at.at != nil {
				e.gauge("homefleet_recovery_seconds", timeHelp, seconds(*at.at), with("of", of.name, "share", at.share)...)
			}
		}
	}
}
