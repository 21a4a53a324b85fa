//go:build linux

package bench

import (
	"slices"
	"strings"
)

// headTable is what was promised of homefleet's cost, in short: the figures of
// the other tables, each with what it must be and is to be. Where a line has
// several, the worst of them is judged.
func (r *report) headTable() table {
	t := table{title: "In short", columns: []string{"", "homefleet", "must", "aim"}}
	add := func(title, unit string, b bound, values ...float64) {
		if len(values) == 0 {
			return
		}
		var text []string
		for _, v := range values {
			text = append(text, short(v))
		}
		must, aim := b.judged(slices.Max(values), unit)
		t.rows = append(t.rows, []string{title, strings.Join(text, " / "), must, aim})
	}
	one := func(figure, contender string, n, qos int) []float64 {
		if s := r.sample(figure, contender, n, qos); len(s) > 0 {
			return []float64{s.median()}
		}
		return nil
	}
	// all are medians of every size that the floor has, at each QoS of a command.
	all := func(figure string, ratio bool, qualities ...int) (values []float64) {
		for _, n := range r.sizes("cpu", "floor") {
			for _, qos := range qualities {
				ours, floor := r.sample(figure, "fleet", n, qos), r.sample(figure, "floor", n, qos)
				switch {
				case len(ours) == 0:
				case !ratio:
					values = append(values, ours.median())
				case floor.median() > 0:
					values = append(values, ours.median()/floor.median())
				}
			}
		}
		return values
	}

	for _, n := range r.sizes("program rss", "fleet") {
		add("RSS per idle device, "+number(n)+" on TCP, built program, KiB", "", bound{must: 8, aim: 5}, one("program rss", "fleet", n, 0)...)
	}
	var goroutines []float64
	for _, n := range r.sizes("goroutines", "floor") {
		goroutines = append(goroutines, one("goroutines", "fleet", n, 0)...)
	}
	add("goroutines per device (TCP / TLS)", "", bound{1, 1, 0.01}, append(goroutines, one("goroutines", "fleet on TLS", small*perHome, 0)...)...)
	var sizes strings.Builder
	for i, n := range r.sizes("cpu", "floor") {
		if i > 0 {
			sizes.WriteString(", then ")
		}
		sizes.WriteString(number(n) + " devices")
	}
	add("CPU per command-and-answer, QoS 0 / QoS 1, ratio to the floor ("+sizes.String()+")", "x", bound{must: 1.5, aim: 1.15}, all("cpu", true, 0, 1)...)
	add("allocations per command-and-answer, likewise", "", bound{4, 0, 0.05}, all("allocations", false, 0, 1)...)
	add("reads per command-and-answer, QoS 0", "", bound{2, 2, 0.05}, all("reads", false, 0)...)
	add("writes per command-and-answer, QoS 0", "", bound{1, 1, 0.05}, all("writes", false, 0)...)
	for _, n := range r.sizes("cpu", "generator") {
		var ratios []float64
		for qos := range 2 {
			g, ours := r.sample("cpu", "generator", n, qos), r.sample("cpu", "fleet", n, qos)
			if len(g) > 0 && len(ours) > 0 {
				ratios = append(ratios, g.median()/ours.median())
			}
		}
		add("CPU per request on the controller side, QoS 0 / QoS 1, ratio to the device side", "x", bound{must: 1.5, aim: 1}, ratios...)
	}
	for _, n := range r.sizes("like requester", "fleet") {
		var ratios []float64
		for qos := range 2 {
			if s := r.sample("like requester", "fleet", n, qos); len(s) > 0 {
				ratios = append(ratios, s.median()/r.sample("like lights", "fleet", n, qos).median())
			}
		}
		add("  the same, closed, "+number(likeInFlight)+" requests in flight on one connection", "x", bound{must: 1.5, aim: 1}, ratios...)
	}
	for _, n := range r.sizes("program cpu", "fleet") {
		add("idle fleet of "+number(n)+", telemetry every 60 s, % of one core", "", bound{must: 2, aim: 1}, one("program cpu", "fleet", n, 0)...)
	}
	var scale []float64
	n := slices.Max(append(r.sizes("rss", "fleet"), 0))
	for _, x := range scaled {
		few, many := r.sample(x.figure, "fleet", small*perHome, x.qos), r.sample(x.figure, "fleet", n, x.qos)
		if len(few) > 0 && len(many) > 0 && n > small*perHome {
			scale = append(scale, many.median()/few.median())
		}
	}
	add("per-device cost at "+number(n)+" against 1,000: RSS, heap, CPU at QoS 0 and 1", "x", bound{must: 1.1, aim: 1.05}, scale...)
	for _, x := range []struct {
		title, figure, contender string
		bound                    bound
	}{
		{"embedded broker: RSS per idle connection in memory, KiB", "rss", "broker in memory", bound{must: 12, aim: 6}},
		{"embedded broker: RSS per idle connection on TCP, KiB", "rss", "broker on TCP", bound{must: 10, aim: 5}},
		{"%s devices and the embedded broker in one process: up in, s", "city up", "fleet", bound{must: 30, aim: 10}},
		{"  and the most memory, GiB", "city peak", "fleet", bound{must: 2.5, aim: 1.5}},
		{"from `run bedroom` to ready, ms", "start", "fleet", bound{must: 150, aim: 50}},
	} {
		for _, n := range r.sizes(x.figure, x.contender) {
			add(strings.ReplaceAll(x.title, "%s", number(n)), "", x.bound, one(x.figure, x.contender, n, 0)...)
		}
	}
	return t
}
