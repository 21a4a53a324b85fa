package control

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/control/api"
)

// operations is what can be asked for, in the order of the document.
func (s *Server) operations() []operation {
	all := s.aboutTheRun()
	if s.Fleet != nil {
		all = slices.Concat(all, s.aboutDevices(), s.actions(), s.growth(), s.faults(), s.waiting(), s.incidents(), s.loads(), s.lookingOn(), s.lookingBack())
	}
	return all
}

// aboutTheRun are the operations that a broker alone has, too.
func (s *Server) aboutTheRun() []operation {
	return []operation{
		{method: "GET", path: "/healthz", id: "health", summary: "Whether the process answers", reply: api.Health{}, open: true, do: (*call).health},
		{method: "GET", path: "/readyz", id: "ready", summary: "Whether every device is up", reply: api.Ready{}, open: true, do: (*call).ready},
		{method: "GET", path: "/v1", id: "status", summary: "The run at a glance", reply: api.Status{}, do: (*call).status},
		{method: "POST", path: "/v1/stop", id: "stop", summary: "End the run in an orderly way, as Ctrl-C does; its result still comes", reply: api.Stopping{},
			status: http.StatusAccepted, do: (*call).stop},
	}
}

func (c *call) uptime() string { return span(time.Since(c.began)) }

func (c *call) health() (any, error) {
	return &api.Health{Status: "ok", Homefleet: c.Version, Uptime: c.uptime()}, nil
}

// phase is the phase of the run; a broker alone is running.
func (s *Server) phase() string {
	if s.Fleet == nil {
		return fleet.Running.String()
	}
	return s.Fleet.Phase().String()
}

func (s *Server) presence() api.Presence {
	if s.Fleet == nil {
		return api.Presence{}
	}
	p := s.Fleet.Presence()
	return api.Presence{Total: p.Devices, Online: p.Online, Seen: p.Seen, GaveUp: p.GaveUp, NotPresent: p.Absent}
}

func (c *call) ready() (any, error) {
	p := c.presence()
	out := &api.Ready{Online: p.Online, Devices: p.Total, Phase: c.phase()}
	switch {
	case out.Phase == fleet.Ended.String():
		out.Why = "the run is over"
	case p.Seen+p.GaveUp < p.Total:
		out.Why = words.Plural(int64(p.Total-p.Seen-p.GaveUp), "device has", "devices have") + " not been online yet"
	case p.GaveUp > 0:
		out.Why = words.Plural(int64(p.GaveUp), "device was", "devices were") + " refused by the broker for good"
	case c.Fleet != nil && !c.Fleet.WatchersUp():
		out.Why = "those who watch are not up yet"
	default:
		out.Ready = true
	}
	return out, nil
}

func (c *call) status() (any, error) {
	out := &api.Status{Homefleet: c.Version, Phase: c.phase(), Uptime: c.uptime(), Devices: c.presence(),
		Brokers: c.Brokers, Abilities: []string{"stop"}}
	if c.Fleet != nil {
		sc := c.Scenario
		out.Run, out.Scenario, out.Title, out.Seed = c.Run, sc.Name, sc.Title, strconv.FormatUint(sc.Seed, 10)
		out.Abilities = c.abilities()
		out.Simulated = &api.Simulated{Start: words.Duration(sc.Start), Factor: sc.Time}
		out.Interventions = c.Fleet.Interventions().Count()
		looking := c.Fleet.Events().State()
		out.Viewers, out.SlowViewers = looking.Viewers, looking.Slow
	}
	return out, nil
}

// abilities are what this run can do.
func (c *call) abilities() []string {
	all := []string{"stop", "devices", "incidents"}
	if len(c.Fleet.Load().Groups()) > 0 {
		all = append(all, "load")
	}
	if c.Fleet.OwnsBroker() {
		all = append(all, "broker-outage")
	}
	if c.Fleet.Unaudited() == nil {
		all = append(all, "wills")
	}
	return all
}

func (c *call) stop() (any, error) {
	out := &api.Stopping{Phase: c.phase()}
	if c.Fleet != nil && c.Fleet.Phase() != fleet.Ended {
		n := c.number()
		out.Intervention = n
		c.note(n, 0, 0)
	}
	c.Stop()
	return out, nil
}

// span is a time as replies have it: to the microsecond, or to a thousandth of a long one.
func span(d time.Duration) string {
	if d >= time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}
