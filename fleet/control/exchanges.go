package control

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/client"
	"homefleet/fleet/control/api"
	"homefleet/fleet/events"
	"homefleet/fleet/responder"
)

// View turns what a fleet has into what goes over the wire, for whoever looks on: a
// stream of the API, or the process itself. It may be used from any goroutine.
type View struct{ Fleet *fleet.Fleet }

// Moment is a moment of the run's clock.
func (v View) Moment(at time.Duration) api.Moment {
	return api.Moment{At: span(v.Fleet.OffsetOf(at)), Time: v.Fleet.WallTime(at).UTC().Format("2006-01-02T15:04:05.000Z")}
}

// Exchange is an exchange of a device.
func (v View) Exchange(device int, x *responder.Exchange) api.Exchange {
	d := v.Fleet.At(device)
	out := api.Exchange{Moment: v.Moment(x.At), Number: x.Number, ID: d.ID(), Kind: d.Kind(), Home: d.Home(),
		Outcome: x.Outcome.String(), Why: x.Why, Took: span(x.Took)}
	for i := range x.Messages {
		m := messageOf(&x.Messages[i])
		switch part := x.Messages[i].Part; {
		case part == responder.Request:
			out.Request = m
		case part == responder.Also:
			out.Also = append(out.Also, m)
		case out.Response == nil:
			out.Response = &m
		default:
			out.More = append(out.More, m)
		}
	}
	return out
}

// messageOf is a message of an exchange as replies have it.
func messageOf(s *responder.Said) api.Message {
	p := &s.Props
	m := api.Message{Topic: string(s.Topic), Payload: shown(s.Payload), Bytes: s.Bytes, QoS: s.QoS, Retain: s.Retain, Duplicate: s.Dup,
		ResponseTopic: string(p.ResponseTopic), CorrelationData: hex.EncodeToString(p.CorrelationData), ContentType: string(p.ContentType), Cut: s.Cut}
	if p.HasPayloadFormat {
		m.PayloadFormat = new(p.PayloadFormat)
	}
	if p.HasMessageExpiry {
		m.MessageExpiry = new(p.MessageExpiry)
	}
	for k, v := range p.UserProperties() {
		m.Properties = append(m.Properties, api.Property{Key: k, Value: v})
	}
	return m
}

// Event is what an event says; nil where it cannot be read.
func (v View) Event(e *events.Event) any {
	switch e.Type {
	case events.Exchange, events.Refusal:
		x, ok := responder.ReadExchange(e.Body)
		if !ok {
			return nil
		}
		return v.Exchange(e.Device, &x)
	case events.Presence:
		var p responder.Presence
		if json.Unmarshal(e.Body, &p) != nil {
			return nil
		}
		d := v.Fleet.At(e.Device)
		return api.PresenceChange{Moment: v.Moment(e.At), ID: d.ID(), Kind: d.Kind(), Home: d.Home(),
			Online: p.Online, Way: p.Way, HeldBy: held(p.By), Why: p.Why}
	}
	return json.RawMessage(e.Body)
}

// held is what keeps a device off; nil where nothing does.
func held(by []client.Cause) []string {
	if len(by) == 0 {
		return nil
	}
	return causes(by)
}

// mostInReply bounds the exchanges of a reply.
const mostInReply = 1000

func (c *call) journal() (any, error) {
	d, err := c.device()
	if err != nil {
		return nil, err
	}
	after, err := within("after", c.r.URL.Query().Get("after"), 0, 0, math.MaxInt)
	if err != nil {
		return nil, err
	}
	kept, err := c.journals([]*fleet.Device{d})
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, notNow.because("", "1,000 devices keep a journal, which is the most")
	}
	j := kept[0].Journal
	out := &api.Journal{ID: d.ID(), Since: span(c.Fleet.OffsetOf(j.Since)), Missed: j.Missed, Exchanges: []api.Exchange{}}
	for i := range j.Exchanges {
		if j.Exchanges[i].Number > uint64(after) {
			out.Exchanges = append(out.Exchanges, c.view().Exchange(d.Number(), &j.Exchanges[i]))
		}
	}
	return out, nil
}

// keptBy is the journal of a device.
type keptBy struct {
	device int
	responder.Journal
}

// journals returns those that devices keep.
func (c *call) journals(all []*fleet.Device) ([]keptBy, error) {
	type read struct {
		responder.Journal
		kept bool
	}
	got := make([]read, len(all)) // each by its own device, until it has told
	var out []keptBy
	for i, o := range each(c.r.Context(), all, func(i int, r *responder.Responder) outcome {
		got[i].Journal, got[i].kept = r.Journal()
		return outcome{}
	}) {
		switch {
		case o.told && got[i].kept:
			out = append(out, keptBy{all[i].Number(), got[i].Journal})
		case !o.told && len(all) == 1:
			return nil, noAnswer.because("", "%s: %s", all[i].ID(), o.refused)
		}
	}
	return out, nil
}

func (c *call) exchanges() (any, error) {
	limit, err := within("limit", c.r.URL.Query().Get("limit"), 20, 1, mostInReply)
	if err != nil {
		return nil, err
	}
	sel, err := c.queried()
	if err != nil {
		return nil, err
	}
	all := c.there(c.Scenario.Selected(sel.Target, 0))
	if len(all) > responder.MostJournals {
		return nil, badQuery.because("kind, id and home say which", "%d devices are meant; want at most %d", len(all), responder.MostJournals)
	}
	kept, err := c.journals(all)
	if err != nil {
		return nil, err
	}
	type one struct {
		device int
		*responder.Exchange
	}
	var found []one
	for i := range kept {
		for k := range kept[i].Exchanges {
			found = append(found, one{kept[i].device, &kept[i].Exchanges[k]})
		}
	}
	slices.SortFunc(found, func(a, b one) int { return int(a.Number) - int(b.Number) })
	out := &api.Exchanges{Exchanges: []api.Exchange{}, Devices: len(kept)}
	for _, x := range found[max(0, len(found)-limit):] {
		out.Exchanges = append(out.Exchanges, c.view().Exchange(x.device, x.Exchange))
	}
	return out, nil
}
