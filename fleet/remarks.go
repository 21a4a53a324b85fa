package fleet

import (
	"fmt"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// remarks note what should be known beside the figures of a run.
func (f *Fleet) remarks() (all []string) {
	if !f.scenario.Measured() {
		return nil
	}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	up := f.Presence()
	if n := up.Devices - up.Seen; n > 0 && up.Seen > 0 {
		add("%s of %s never came up", words.Grouped(int64(n)), words.Plural(int64(up.Devices), "device", "devices"))
	}
	if c := f.Controllers(); c.Seen < c.Devices && c.Seen > 0 {
		add("%s of %s never came up", words.Grouped(int64(c.Devices-c.Seen)), words.Plural(int64(c.Devices), "controller", "controllers"))
	}
	all = append(all, shortfalls(f.counts)...)
	all = append(all, f.LimitWalls()...)
	controllers := f.scenario.Controllers
	if f.embedded && f.course.inMemory && len(controllers) > 0 {
		add("the broker ran in this process and was reached in memory: its work is in the times, and no network is")
	}
	for i := range controllers {
		if controllers[i].Arrival == scenarios.Closed {
			add("%s are closed: they wait for answers, so a broker that stalls slows them down and hardly shows in their times", words.Printable(controllers[i].Name))
		}
	}
	return all
}

// shortfalls says which subscriptions were granted less than they asked for, and
// which messages the broker's Maximum Packet Size kept from being sent, or a queue
// that was full.
func shortfalls(c *metrics.Counts) (remarks []string) {
	totals := metrics.CountTotals(c)
	if n := totals["subscriptions.lowered"]; n > 0 {
		remarks = append(remarks, words.Plural(n, "subscription", "subscriptions")+" granted at a lower QoS than was asked for (SUBACK): what came there came at that")
	}
	for _, k := range []struct{ name, one, many string }{
		{"telemetry", "telemetry message", "telemetry messages"}, {"state", "state message", "state messages"},
		{"replies", "reply", "replies"}, {"announcements", "announcement of availability", "announcements of availability"},
	} {
		for _, why := range []struct{ name, text string }{
			{"too_large", "too large for the broker's Maximum Packet Size"}, {"no_room", "the device's queue had no room"},
		} {
			switch n := totals[k.name+"."+why.name]; {
			case n == 1:
				remarks = append(remarks, "a "+k.one+" was not sent: "+why.text)
			case n > 1:
				remarks = append(remarks, words.Grouped(n)+" "+k.many+" were not sent: "+why.text)
			}
		}
	}
	return remarks
}
