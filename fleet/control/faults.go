package control

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/client"
	"homefleet/fleet/control/api"
	"homefleet/fleet/incident"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// Bounds of named faults: how many there may be, and how long a name.
const (
	mostFaults  = 100
	longestName = 64
)

// namedFaults are the faults that somebody has put on connections of devices, by name.
type namedFaults struct {
	mu sync.Mutex // held while devices are told, so that of two requests one is first
	by map[string]*namedFault
}

type namedFault struct {
	api.NamedFault
	cause   client.Cause
	devices []*fleet.Device
}

// now is the fault as replies have it: with the devices that have it still.
func (one *namedFault) now() api.NamedFault {
	one.devices = slices.DeleteFunc(one.devices, (*fleet.Device).Removed)
	one.Devices = len(one.devices)
	return one.NamedFault
}

// spare takes devices out of the faults with these causes, which have been taken off them.
func (f *namedFaults) spare(all []*fleet.Device, from []client.Cause) {
	spared := make(map[int]bool, len(all))
	for _, d := range all {
		spared[d.Number()] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.by {
		if slices.Contains(from, one.cause) {
			one.devices = slices.DeleteFunc(one.devices, func(d *fleet.Device) bool { return spared[d.Number()] })
		}
	}
}

// faults are the operations on them.
func (s *Server) faults() []operation {
	return []operation{
		{method: "GET", path: "/v1/faults", id: "list-faults", summary: "The faults that connections of devices have by somebody's will", reply: api.NamedFaults{}, do: (*call).listFaults},
		{method: "GET", path: "/v1/faults/{name}", id: "get-fault", summary: "One of them", reply: api.NamedFault{}, problems: []problem{noSuchFault}, do: (*call).getFault},
		{method: "PUT", path: "/v1/faults/{name}", id: "put-fault", summary: "Have the connections of devices be slow, as with a slow-link, or let nothing pass, until the fault is deleted; put again it takes the place of the one with its name",
			query: []parameter{{"dry_run", "`true`: say whom it would affect, and do nothing"}},
			body:  scenarios.OrderFacts(scenarios.FaultOrder, true), reply: api.Bulk{},
			problems: []problem{badSelector, nothingSelected, noSuchDevice, notNow, allRefused}, do: (*call).putFault},
		{method: "DELETE", path: "/v1/faults/{name}", id: "delete-fault", summary: "Take a fault away; where there is none, nothing is done",
			reply: api.Bulk{}, problems: []problem{notNow}, do: (*call).deleteFault},
	}
}

func (c *call) listFaults() (any, error) {
	f := &c.faulted
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &api.NamedFaults{Faults: []api.NamedFault{}}
	for _, name := range slices.Sorted(maps.Keys(f.by)) {
		out.Faults = append(out.Faults, f.by[name].now())
	}
	return out, nil
}

func (c *call) getFault() (any, error) {
	f, name := &c.faulted, c.r.PathValue("name")
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.by[name]; one != nil {
		return new(one.now()), nil
	}
	hint := "GET /v1/faults lists them"
	if near, ok := words.Nearest(name, slices.Collect(maps.Keys(f.by))); ok {
		hint = "did you mean " + quoted(near) + "?"
	}
	return nil, noSuchFault.because(hint, "no fault %s", quoted(name))
}

func (c *call) putFault() (any, error) {
	o, err := c.order(scenarios.FaultOrder)
	if err != nil {
		return nil, err
	}
	name := c.r.PathValue("name")
	if name == "" || len(name) > longestName || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, badBody.because("", "the name of a fault is %s; want 1 to %d letters, digits and signs of ASCII", quoted(name), longestName)
	}
	f := &c.faulted
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by[name] == nil && len(f.by) == mostFaults {
		return nil, notNow.because("DELETE one of them", "there are %d faults, which is the most", mostFaults)
	}
	in := scenarios.Incident{Latency: o.Latency, Jitter: o.Jitter, Bandwidth: o.Bandwidth, Slice: o.Slice, SliceDelay: o.SliceDelay}
	return c.bulk(&o.Select, func(n int, all []*fleet.Device) []outcome {
		c.lift(name)
		one := &namedFault{cause: client.Hand(n), NamedFault: api.NamedFault{Name: name, Fault: settingsOf(o)}}
		f.by[name] = one
		c.Fleet.ExpectSlow(in)
		link := incident.LinkOf(one.cause, &in)
		out := each(c.r.Context(), all, func(_ int, r *responder.Responder) outcome {
			if o.Blackhole {
				r.CutNetwork(one.cause, "fault "+name)
			}
			if len(link.Faults) > 0 {
				r.Slow(link)
			}
			return outcome{}
		})
		one.devices = told(all, out)
		return out
	})
}

// settingsOf says what a fault does, in the words that it was asked for with.
func settingsOf(o *scenarios.Order) api.FaultSettings {
	out := api.FaultSettings{Slice: o.Slice, Blackhole: o.Blackhole}
	if o.Latency > 0 {
		out.Latency = words.Duration(o.Latency)
	}
	if o.Jitter > 0 {
		out.Jitter = words.Duration(o.Jitter)
	}
	if o.SliceDelay > 0 {
		out.SliceDelay = words.Duration(o.SliceDelay)
	}
	out.Bandwidth = o.Bandwidth
	return out
}

func (c *call) deleteFault() (any, error) {
	if err := c.running(); err != nil {
		return nil, err
	}
	f, name := &c.faulted, c.r.PathValue("name")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by[name] == nil {
		return &api.Bulk{Refused: []api.Refusal{}, Took: span(0)}, nil
	}
	n, start := c.number(), time.Now()
	of := f.by[name].now().Devices
	c.begin(n, of)
	done := c.lift(name)
	c.note(n, of, done)
	return &api.Bulk{Intervention: n, Selected: of, Done: done, Refused: []api.Refusal{}, Took: span(time.Since(start))}, nil
}

// lift takes a fault away, and returns from how many devices. One that does not come to it
// in time loses it later: none keeps a fault that is not listed.
func (c *call) lift(name string) (done int) {
	one := c.faulted.by[name]
	if one == nil {
		return 0
	}
	delete(c.faulted.by, name)
	for i, o := range each(c.r.Context(), one.devices, func(_ int, r *responder.Responder) outcome {
		unfault(r, one.cause)
		return outcome{}
	}) {
		if o.told || one.devices[i].Tell(func(r *responder.Responder) { unfault(r, one.cause) }) {
			done++
		}
	}
	return done
}

// unfault takes what a fault has put on a device away.
func unfault(r *responder.Responder, by client.Cause) {
	r.Quicken(by)
	r.RestoreNetwork(by, false, client.Reconnect{})
}

// causes are those of all faults.
func (f *namedFaults) causes() (all []client.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.by {
		all = append(all, one.cause)
	}
	return all
}
