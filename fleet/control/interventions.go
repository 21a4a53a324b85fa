package control

import (
	"cmp"
	"encoding/json"
	"time"

	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
)

// Bounds of what is kept of the bodies of requests, in bytes: of one, and of all.
const (
	mostNoted    = 64 << 10
	mostNotedAll = 16 << 20
)

// interventionOf is an intervention as replies have it.
func interventionOf(i *metrics.Intervention) api.Intervention {
	return api.Intervention{N: i.N, At: span(time.Duration(i.At)), Op: i.Op, Request: i.Request, Selected: i.Selected, Done: i.Done}
}

// number gives out the number of the intervention that the call is.
func (c *call) number() int {
	if c.preset > 0 {
		c.Fleet.Interventions().Take(c.preset)
		return c.preset
	}
	return c.Fleet.Interventions().Next()
}

// clock is the present moment on the run's clock.
func (s *Server) clock() time.Duration {
	if s.Fleet == nil {
		return 0
	}
	return s.Fleet.Clock()
}

// begin enters an intervention that is about to take its time: it is one from now on,
// whatever becomes of the client that asked for it, and of the run.
func (c *call) begin(n, selected int) {
	if c.entry == nil {
		c.entry = new(c.intervention(n, selected))
		c.Fleet.Interventions().Begin(*c.entry)
	}
}

// note enters an intervention in the result of the run.
func (c *call) note(n, selected, done int) {
	if c.entry == nil {
		c.entry = new(c.intervention(n, selected))
	}
	c.entry.Selected, c.entry.Done = selected, done
	c.Fleet.Interventions().Note(*c.entry)
}

// intervention is the one that the call is, with nobody done yet.
func (c *call) intervention(n, selected int) metrics.Intervention {
	body := json.RawMessage(c.body)
	if len(body) > mostNoted || len(body) == 0 || c.noted.Add(int64(len(body))) > mostNotedAll {
		body = nil
	}
	op := c.op.id
	if id := c.r.PathValue("id") + c.r.PathValue("number") + c.r.PathValue("group") + c.r.PathValue("name"); id != "" {
		op += " " + id
	}
	return metrics.Intervention{N: n, At: metrics.Span(c.asked), By: cmp.Or(c.by, "control"), Op: op, Request: body, Selected: selected}
}
