package control

import (
	"errors"
	"strconv"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/control/api"
	"homefleet/fleet/incident"
	"homefleet/scenarios"
)

// incidents are the operations on incidents.
func (s *Server) incidents() []operation {
	return []operation{
		{method: "GET", path: "/v1/incidents", id: "list-incidents", summary: "The incidents that have begun, and those that somebody has planned",
			reply: api.Incidents{}, do: (*call).listIncidents},
		{method: "POST", path: "/v1/incidents", id: "strike", summary: "Have an incident happen: the keys are those of an [[incident]], and `at` counts from now",
			query: []parameter{{"dry_run", "`true`: say how many devices it would affect, and do nothing"}},
			body:  scenarios.IncidentFacts(), keyed: true, reply: api.Struck{}, status: 201,
			problems: []problem{badIncident, nothingSelected, notHere, notNow}, do: (*call).strike},
		{method: "GET", path: "/v1/incidents/{number}", id: "get-incident", summary: "One incident, and how devices come back from it",
			reply: api.Incident{}, problems: []problem{noSuchIncident}, do: (*call).getIncident},
		{method: "DELETE", path: "/v1/incidents/{number}", id: "end-incident", summary: "End an incident now: its devices are let go, and what it has not done yet it does not do",
			reply: api.Struck{}, problems: []problem{noSuchIncident, notNow}, do: (*call).endIncident},
	}
}

func (c *call) listIncidents() (any, error) {
	out := &api.Incidents{Incidents: []api.Incident{}}
	for _, one := range c.Fleet.Happenings() {
		out.Incidents = append(out.Incidents, c.incidentOf(&one, false))
	}
	return out, nil
}

// incidentOf is an incident as replies have it.
func (s *Server) incidentOf(one *incident.Happening, recovery bool) api.Incident {
	now := s.Fleet.Clock()
	out := api.Incident{Number: one.Number, Name: one.Name, Kind: string(one.Kind), State: "running",
		From: s.moment(one.From), To: s.moment(one.To), Devices: one.Devices, Text: one.Text, ByHand: one.ByHand, Ended: one.Ended}
	switch {
	case one.Ended || now >= one.Over:
		out.State = "over"
	case now < one.From:
		out.State = "planned"
	}
	if !recovery {
		return out
	}
	for _, r := range s.Fleet.Recovered(one) {
		of := api.Recovery{Group: r.Group, Affected: r.Affected, Online: r.Online.Count}
		if r.Answering != nil {
			of.Answering = new(r.Answering.Count)
		}
		if r.Online.All != nil {
			of.AllOnline = span(time.Duration(*r.Online.All))
		}
		out.Recovery = append(out.Recovery, of)
	}
	return out
}

func (c *call) numbered() (incident.Happening, error) {
	text := c.r.PathValue("number")
	n, err := strconv.Atoi(text)
	if err == nil {
		for _, one := range c.Fleet.Happenings() {
			if one.Number == n {
				return one, nil
			}
		}
	}
	return incident.Happening{}, noSuchIncident.because("GET /v1/incidents lists them", "no incident %s", quoted(text))
}

func (c *call) getIncident() (any, error) {
	one, err := c.numbered()
	if err != nil {
		return nil, err
	}
	out := c.incidentOf(&one, true)
	return &out, nil
}

func (c *call) strike() (any, error) {
	in, err := scenarios.ParseIncident(c.body)
	if err != nil {
		return nil, incidentProblem(err)
	}
	dry, err := c.flag("dry_run")
	if err != nil {
		return nil, err
	}
	if err := c.running(); err != nil {
		return nil, err
	}
	if incident.TakesBroker(in.Kind) && !c.Fleet.OwnsBroker() {
		return nil, notHere.because("leave --broker out, or stop that broker yourself", "the broker is not this run's to take away")
	}
	if in.Target.Share == 0 && len(c.Scenario.Selected(in.Target, 0)) == 0 {
		f := c.Scenario.WhyNobody(in.Target, 0)
		return nil, nothingSelected.because(f.Hint, "%s", f.Message)
	}
	if dry {
		checked, err := incident.With(c.Scenario, in)
		if err != nil {
			return nil, incidentProblem(err)
		}
		last := len(checked.Incidents) - 1
		of := &checked.Incidents[last]
		return &api.Struck{DryRun: true, Incident: api.Incident{Name: of.Name, Kind: string(of.Kind), State: "planned", ByHand: true,
			From: c.moment(c.Fleet.Clock() + of.At), To: c.moment(c.Fleet.Clock() + of.At + of.For), Devices: c.present(checked.Meant(c.Fleet.NextStrike(checked)))}}, nil
	}
	n := c.number()
	one, err := c.Fleet.StrikeWith(c.r.Context(), in)
	if err != nil {
		if _, bad := errors.AsType[scenarios.Faults](err); !bad {
			return nil, runProblem(err)
		}
		return nil, incidentProblem(err)
	}
	c.note(n, one.Devices, one.Devices)
	c.w.Header().Set("Location", "/v1/incidents/"+strconv.Itoa(one.Number))
	return &api.Struck{Intervention: n, Incident: c.incidentOf(&one, false)}, nil
}

// present counts those of some devices that are there.
func (c *call) present(numbers []int) (n int) {
	for _, number := range numbers {
		if d := c.Fleet.At(number); !d.Absent() && !d.Removed() {
			n++
		}
	}
	return n
}

// incidentProblem is what is wrong with an incident.
func incidentProblem(err error) error {
	faults, ok := errors.AsType[scenarios.Faults](err)
	if !ok {
		return err
	}
	for i := range faults { // of one that was checked with its scenario, the place begins with that
		if _, rest, cut := cutIndex(faults[i].Path); cut {
			faults[i].Path = rest
		}
	}
	return badIncident.faulty(faults)
}

// cutIndex takes "incident[3]." off a path.
func cutIndex(path string) (index, rest string, ok bool) {
	const prefix = "incident["
	if len(path) < len(prefix) || path[:len(prefix)] != prefix {
		return "", path, false
	}
	for i := len(prefix); i < len(path); i++ {
		if path[i] == ']' {
			rest = path[i+1:]
			if rest != "" && rest[0] == '.' {
				rest = rest[1:]
			}
			return path[len(prefix):i], rest, true
		}
	}
	return "", path, false
}

// runProblem is the problem of a run that cannot do that now.
func runProblem(err error) error {
	if errors.Is(err, fleet.ErrEnded) {
		return notNow.because("", "the run is over")
	}
	return notNow.because("", "%v", err)
}

func (c *call) endIncident() (any, error) {
	before, err := c.numbered()
	if err != nil {
		return nil, err
	}
	one, err := c.Fleet.EndIncident(c.r.Context(), before.Number)
	switch {
	case errors.Is(err, incident.ErrOver):
		return &api.Struck{Incident: c.incidentOf(&before, false)}, nil // by nature it may be asked for twice
	case err != nil:
		return nil, runProblem(err)
	}
	n := c.number()
	c.note(n, one.Devices, one.Devices)
	return &api.Struck{Intervention: n, Incident: c.incidentOf(&one, false)}, nil
}
