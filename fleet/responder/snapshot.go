package responder

import (
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// Snapshot is the state of a device at one moment.
type Snapshot struct {
	ID        string
	Online    bool              // connected, subscribed and not stuck, as far as it knows itself
	Values    map[string]string // by attribute, in the model's own words
	Telemetry string            // JSON, as the model has it
}

// Snapshot returns the present state.
func (r *Responder) Snapshot(now time.Time) Snapshot {
	r.step(now)
	snap := Snapshot{ID: r.Name(), Online: r.Live(), Values: make(map[string]string)}
	for i, a := range r.spec.Group.Kind.Attributes {
		snap.Values[a.Name] = string(r.model.AppendValue(nil, i))
	}
	snap.Telemetry = string(r.model.AppendTelemetry(nil))
	return snap
}

// Do carries out a command as a hand on the device's switch would: what changes is
// published. It returns the attribute's value afterwards.
func (r *Responder) Do(now time.Time, attribute, payload string) (string, error) {
	attr, ok := r.spec.Group.Kind.Attribute([]byte(attribute))
	if !ok {
		return "", faces.NewAttributeError([]byte(attribute), r.spec.Group.Kind)
	}
	r.step(now)
	changed, err := r.model.Do(attr, []byte(payload))
	if err != nil {
		return "", err
	}
	if r.Live() {
		r.changed(changed)
		r.plan()
	}
	return string(r.model.AppendValue(nil, attr)), nil
}

// Renew puts another model in the place of the device's, as one that was switched off and
// forgot everything; what the new one has is published.
func (r *Responder) Renew(now time.Time, model devices.Device) {
	r.step(now)
	r.model = model
	if r.Live() {
		r.changed(^devices.Changes(0))
	}
	r.plan()
}
