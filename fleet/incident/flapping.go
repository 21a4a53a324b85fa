package incident

import (
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/draws"
	"homefleet/scenarios"
)

// flapping has the devices come and go, each by itself.
var flapping = kind{
	name:  scenarios.Flapping,
	what:  always("coming and going"),
	begin: flap,
}

func flap(o *occurrence) {
	in, back := o.incident, o.back()
	for _, t := range o.targets {
		late := o.late(t)
		to := o.to.Add(late)
		count := uint64(0)
		about := func(mean time.Duration) time.Duration {
			count++
			draw := draws.Chance(o.s.config.Scenario.Seed, t.Spec().Global, draws.Incident, o.draw+count)
			return time.Duration((0.5 + draw) * float64(mean))
		}
		var down, up func()
		down = func() {
			if now := time.Now(); now.Before(to) {
				t.Tell(func(d Device) { d.Disconnect(o.by, client.OfflineMode(in.Way)) })
				o.release(client.Earlier(now.Add(about(in.Down)), to), up)
			}
		}
		up = func() {
			t.Tell(func(d Device) { d.Reconnect(o.by, back) })
			o.strike(time.Now().Add(about(in.Up)), down)
		}
		o.strike(o.from.Add(late+about(in.Up)-in.Up/2), down)
	}
}
