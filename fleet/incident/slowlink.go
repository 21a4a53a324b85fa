package incident

import (
	"fmt"

	"homefleet/fleet/client"
	"homefleet/fleet/faults"
	"homefleet/scenarios"
)

// slowLink makes the devices' own connections slow.
var slowLink = kind{
	name:    scenarios.SlowLink,
	what:    always("on a slow connection"),
	begin:   slowDown,
	breaks:  breaksNone,
	staysOn: true,
}

func slowDown(o *occurrence) {
	link := LinkOf(o.by, o.incident)
	o.each(func(d Device) { d.Slow(link) }, func(d Device) { d.Quicken(o.by) })
}

// LinkOf translates what an incident makes slow into the faults of a connection.
func LinkOf(by client.Cause, in *scenarios.Incident) client.SlowLink {
	l := client.SlowLink{By: by}
	add := func(name string, f faults.Fault) {
		l.Names = append(l.Names, fmt.Sprintf("%s %d", name, by))
		l.Faults = append(l.Faults, f)
	}
	if in.Slice > 0 {
		add("slicer", faults.Slicer{AverageSize: in.Slice, SizeVariation: in.Slice / 2, Delay: in.SliceDelay})
	}
	if in.Bandwidth > 0 {
		add("bandwidth", faults.Bandwidth{Rate: in.Bandwidth})
	}
	if in.Latency > 0 || in.Jitter > 0 {
		add("latency", faults.Latency{Latency: in.Latency, Jitter: in.Jitter})
	}
	return l
}
