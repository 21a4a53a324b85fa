package responder

import (
	"encoding/json"
	"errors"

	"homefleet/fleet/client"
	"homefleet/fleet/events"
)

// Presence is the body of an event of type [events.Presence], as JSON.
type Presence struct {
	Online bool           `json:"online"`
	Way    string         `json:"way,omitempty"` // how it went, if it was told to
	By     []client.Cause `json:"by,omitempty"`  // what keeps it off, or the network from it
	Why    string         `json:"why,omitempty"` // its connection ended by itself
}

// tellPresence tells those who look on that the device has come online or gone offline.
func (r *Responder) tellPresence(online bool, way string, err error) {
	e := r.env
	if e.Events == nil || !e.Events.Wants(events.Presence, r.spec.Number) {
		return
	}
	p := Presence{Online: online, Way: way}
	if !online {
		p.By, _ = r.HeldBy()
	}
	if err != nil && !errors.Is(err, client.ErrAway) && !errors.Is(err, client.ErrStopping) {
		p.Why = err.Error()
	}
	body, err := json.Marshal(&p)
	if err != nil {
		return // texts and numbers, which cannot fail
	}
	e.Events.Publish(events.Presence, r.spec.Number, e.now(), body)
}
