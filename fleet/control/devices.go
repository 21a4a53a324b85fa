package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// aboutDevices are the operations that look at devices.
func (s *Server) aboutDevices() []operation {
	selecting := []parameter{
		{"kind", "the kind of device"}, {"id", "a pattern; `*` stands for any run of characters"},
		{"home", "likewise"}, {"online", "true or false"},
	}
	return []operation{
		{method: "GET", path: "/v1/devices", id: "list-devices", summary: "The devices, a page at a time; none of them is woken",
			query: append(selecting, parameter{"cursor", "`next` of the page before"}, parameter{"limit", "of a page, 1 to 1000; default 100"}),
			reply: api.Devices{}, do: (*call).listDevices},
		{method: "GET", path: "/v1/devices/{id}", id: "get-device", summary: "All that one device says of itself",
			reply: api.Device{}, problems: []problem{noSuchDevice, noAnswer}, do: (*call).getDevice},
		{method: "GET", path: "/v1/kinds", id: "list-kinds", summary: "The kinds of device that there are, and what each can be told",
			reply: api.Kinds{}, do: (*call).listKinds},
		{method: "GET", path: "/v1/faces", id: "list-faces", summary: "The dialects that devices can speak, and how many of this run do",
			reply: api.Faces{}, do: (*call).listFaces},
		{method: "GET", path: "/v1/wills", id: "list-wills", summary: "What became of the Will Messages of the latest outages of devices, where they are audited",
			query: append(selecting, parameter{"verdict", "one of the verdicts"}, parameter{"way", "how they went offline"}),
			reply: api.Wills{}, problems: []problem{notHere}, do: (*call).listWills},
		{method: "GET", path: "/v1/interventions", id: "list-interventions", summary: "What was done to the run so far",
			reply: api.Interventions{}, do: (*call).listInterventions},
	}
}

const (
	defaultPage = 100
	longestPage = 1000
)

// queried reads a selection from the query; nothing there is everybody.
func (c *call) queried() (*scenarios.Selector, error) {
	q := c.r.URL.Query()
	sel := make(map[string]any)
	for _, name := range []string{"kind", "id", "home"} {
		if v := q.Get(name); v != "" {
			sel[name] = v
		}
	}
	if v := q.Get("online"); v != "" {
		online, err := c.flag("online")
		if err != nil {
			return nil, err
		}
		sel["online"] = online
	}
	if len(sel) == 0 {
		sel["all"] = true
	}
	body, err := json.Marshal(map[string]any{"select": sel})
	if err != nil {
		return nil, err
	}
	o, err := scenarios.ParseOrder(scenarios.Behave, body, true)
	if err != nil {
		p := asProblem(err)
		return nil, badQuery.because(p.Hint, "%s", p.Detail)
	}
	return &o.Select, nil
}

func (c *call) listDevices() (any, error) {
	q := c.r.URL.Query()
	limit, err := within("limit", q.Get("limit"), defaultPage, 1, longestPage)
	if err != nil {
		return nil, err
	}
	from, err := within("cursor", q.Get("cursor"), 0, 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	sel, err := c.queried()
	if err != nil {
		return nil, err
	}
	out := &api.Devices{Devices: []api.DeviceLine{}}
	for _, d := range c.there(c.Scenario.Selected(sel.Target, 0)) {
		n := d.Number()
		if sel.Online != nil && d.Online() != *sel.Online {
			continue
		}
		out.Total++
		switch {
		case n < from || out.Next != "":
		case len(out.Devices) == limit:
			out.Next = strconv.Itoa(n)
		default:
			out.Devices = append(out.Devices, lineOf(d))
		}
	}
	return out, nil
}

// within reads a whole number from the query.
func within(name, text string, def, low, high int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, badQuery.because("", "%s is %s; want a whole number from %d to %d", name, quoted(text), low, high)
	}
	return n, nil
}

func lineOf(d *fleet.Device) api.DeviceLine {
	return api.DeviceLine{ID: d.ID(), Kind: d.Kind(), Home: d.Home(), Number: d.Number(), Online: d.Online(), Absent: d.Absent()}
}

func (c *call) getDevice() (any, error) {
	d, err := c.device()
	if err != nil {
		return nil, err
	}
	out := &api.Device{DeviceLine: lineOf(d), HeldBy: []string{}, Slow: []string{}}
	told := each(c.r.Context(), []*fleet.Device{d}, func(_ int, r *responder.Responder) outcome {
		describe(out, r)
		return outcome{}
	})
	if !told[0].told {
		if told[0].refused == fleet.ErrEnded.Error() || d.Ended() != nil {
			return nil, notNow.because("", "%s: %s", d.ID(), told[0].refused)
		}
		return nil, noAnswer.because("", "%s has not answered in time", d.ID())
	}
	c.addWill(out, d)
	return out, nil
}

// describe fills in what a device says of itself. Its own goroutine calls it.
func describe(out *api.Device, r *responder.Responder) {
	snap := r.Snapshot(time.Now())
	out.Online, out.Values, out.Telemetry = snap.Online, snap.Values, json.RawMessage(snap.Telemetry)
	out.ClientID, out.Misbehaves, out.MQTT = r.ClientID(), r.Misbehavior().Settings(), "5"
	if r.V311() {
		out.MQTT = "3.1.1"
	}
	off, slow := r.HeldBy()
	out.HeldBy, out.Slow = causes(off), causes(slow)
	if said, delay, ok := r.LastWords(); ok {
		out.LastWords = &api.LastWords{Message: messageOf(&said), Delay: delay}
	}
}

// addWill adds what became of the device's latest Will.
func (s *Server) addWill(out *api.Device, d *fleet.Device) {
	if outages := d.Outages(); len(outages) > 0 {
		out.Will = new(s.willOf(d, &outages[len(outages)-1]))
	}
}

// causes says what holds a device.
func causes(of []client.Cause) []string {
	all := []string{}
	for _, c := range of {
		text := "hand"
		if c == client.NotPresent {
			text = "not present"
		} else if !c.IsHand() {
			text = fmt.Sprintf("incident %d", c)
		}
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// willOf is an outage as replies have it.
func (s *Server) willOf(d *fleet.Device, o *audit.Outage) api.Will {
	w := api.Will{ID: d.ID(), Way: o.Way, Verdict: verdictWord(o.Verdict), Due: o.Due, Seen: o.Seen,
		Altered: o.Altered, Answered: o.Consumed, Learned: o.Learned}
	if o.Due && o.DueTo < audit.Forever {
		w.DueFrom, w.DueTo = s.moment(o.DueFrom), s.moment(o.DueTo)
	}
	if o.Seen > 0 {
		w.SeenAt = s.moment(o.SeenAt)
	}
	return w
}

// verdictWord is a verdict as one word.
func verdictWord(v audit.Verdict) string { return scenarios.WillVerdicts[v] }

// moment is one on the clock of the run as replies have it.
func (s *Server) moment(at time.Duration) string { return span(s.Fleet.OffsetOf(at)) }

func (c *call) listKinds() (any, error) {
	out := &api.Kinds{Kinds: []api.Kind{}}
	for g := range c.Scenario.EachGroup() {
		at := slices.IndexFunc(out.Kinds, func(k api.Kind) bool { return k.Kind == g.Kind.Name })
		if at < 0 {
			one := api.Kind{Kind: g.Kind.Name, Doc: g.Kind.Doc, Attributes: []api.Attribute{}}
			for _, a := range g.Kind.Attributes {
				one.Attributes = append(one.Attributes, api.Attribute{Name: a.Name, Doc: a.Doc, Accepts: a.Wants})
			}
			at, out.Kinds = len(out.Kinds), append(out.Kinds, one)
		}
		out.Kinds[at].Devices += g.Total()
	}
	return out, nil
}

// audited is a problem where nothing is known of Will Messages.
func (c *call) audited() error {
	err := c.Fleet.Unaudited()
	if err == nil {
		return nil
	}
	hint := "add [audit] to the scenario, which then measures; power-cut and mass-offline have it"
	if errors.Unwrap(err) != nil { // somebody would, and the broker does not let him
		hint = "its user must be allowed to connect as the auditor, and to subscribe where the Wills go"
	}
	return notHere.because(hint, "%v", err)
}

// mostWills bounds those that a reply lists.
const mostWills = 1000

func (c *call) listWills() (any, error) {
	if err := c.audited(); err != nil {
		return nil, err
	}
	sel, err := c.queried()
	if err != nil {
		return nil, err
	}
	q := c.r.URL.Query()
	verdict, way := q.Get("verdict"), q.Get("way")
	if verdict != "" && !slices.Contains(scenarios.WillVerdicts, verdict) {
		return nil, badQuery.because(tomlfault.DidYouMean(verdict, scenarios.WillVerdicts), "there is no verdict %s; want %s", quoted(verdict), tomlfault.Join(scenarios.WillVerdicts))
	}
	return c.willsOf(sel, verdict, way), nil
}

// willsOf are the outages of some devices, of a verdict and a way if these are not empty.
func (c *call) willsOf(sel *scenarios.Selector, verdict, way string) *api.Wills {
	out := &api.Wills{Wills: []api.Will{}, Counts: []api.WillCount{}}
	for _, d := range c.there(c.Scenario.Selected(sel.Target, 0)) {
		if sel.Online != nil && d.Online() != *sel.Online {
			continue
		}
		outages := d.Outages()
		for i := range outages {
			o := &outages[i]
			if verdict != "" && verdictWord(o.Verdict) != verdict || way != "" && o.Way != way {
				continue
			}
			countWill(out, o.Way, verdictWord(o.Verdict))
			switch {
			case len(out.Wills) == mostWills:
				out.LeftOut++
			default:
				out.Wills = append(out.Wills, c.willOf(d, o))
			}
		}
	}
	return out
}

// countWill counts an outage among those of its way and verdict, which are few.
func countWill(in *api.Wills, way, verdict string) {
	at := slices.IndexFunc(in.Counts, func(n api.WillCount) bool { return n.Way == way && n.Verdict == verdict })
	if at < 0 {
		at, in.Counts = len(in.Counts), append(in.Counts, api.WillCount{Way: way, Verdict: verdict})
	}
	in.Counts[at].Count++
}

func (c *call) listInterventions() (any, error) {
	all, more := c.Fleet.Interventions().All(metrics.Span(-c.Fleet.OffsetOf(0)))
	out := &api.Interventions{Interventions: []api.Intervention{}, LeftOut: more}
	for _, i := range all {
		out.Interventions = append(out.Interventions, interventionOf(&i))
	}
	return out, nil
}

// within bounds a context by a time.
func (c *call) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.r.Context(), d)
}
