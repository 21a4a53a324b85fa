package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Device is a hold on one running device, for whoever tests against it or plays
// its surroundings. Its methods may be called from any goroutine; each is
// carried out by the goroutine that owns the device.
type Device struct{ r *responder }

// Device returns the device with an id.
func (f *Fleet) Device(id string) (*Device, bool) {
	f.byIDOnce.Do(func() {
		f.byID = make(map[string]*responder, len(f.responders))
		for _, r := range f.responders {
			f.byID[r.spec.ID] = r
		}
	})
	r, ok := f.byID[id]
	return &Device{r}, ok
}

// Devices returns all devices in the order of the scenario.
func (f *Fleet) Devices() []*Device {
	ds := make([]*Device, len(f.responders))
	for i, r := range f.responders {
		ds[i] = &Device{r}
	}
	return ds
}

// ID returns the device's id.
func (d *Device) ID() string { return d.r.spec.ID }

// Home returns the home the device belongs to; "" if none.
func (d *Device) Home() string { return d.r.spec.Home }

// Kind returns the name of the device's kind.
func (d *Device) Kind() string { return d.r.spec.Group.Kind.Name }

// Snapshot is the state of a device at one moment.
type Snapshot struct {
	ID        string
	Online    bool
	Values    map[string]string // by attribute, as on state/<id>/<attribute>
	Telemetry string            // JSON, as on tele/<id>/state
}

// ErrEnded says that a device's goroutine has ended.
var ErrEnded = errors.New("the device has ended")

// call has the device's goroutine do something and waits for it.
func (d *Device) call(ctx context.Context, do letter) error {
	done := make(chan struct{})
	ok := d.r.inbox.put(func() {
		do()
		close(done)
	})
	if !ok {
		return d.ended()
	}
	select {
	case <-done:
		return nil
	case <-d.r.done:
		select {
		case <-done:
			return nil
		default:
			return d.ended()
		}
	case <-ctx.Done():
		return fmt.Errorf("%s: waiting for the device: %w", d.ID(), context.Cause(ctx))
	}
}

func (d *Device) ended() error {
	select {
	case <-d.r.done:
		if d.r.cause != nil {
			return fmt.Errorf("%w: %w", ErrEnded, d.r.cause)
		}
	default:
	}
	return fmt.Errorf("%s: %w", d.ID(), ErrEnded)
}

// Snapshot returns the device's present state.
func (d *Device) Snapshot(ctx context.Context) (Snapshot, error) {
	snap := Snapshot{ID: d.ID()}
	r := d.r
	err := d.call(ctx, func() {
		r.step(time.Now())
		snap.Online = r.link != nil && r.link.online
		snap.Values = make(map[string]string)
		for i, a := range r.spec.Group.Kind.Attributes {
			snap.Values[a.Name] = string(r.model.AppendValue(nil, i))
		}
		snap.Telemetry = string(r.model.AppendTelemetry(nil))
	})
	return snap, err
}

// Do carries out a command at the device itself, as a hand on its switch would;
// what changes is published. It returns the attribute's value afterwards.
func (d *Device) Do(ctx context.Context, attribute, payload string) (string, error) {
	var value string
	var fault error
	r := d.r
	err := d.call(ctx, func() {
		attr, ok := r.spec.Group.Kind.Attribute([]byte(attribute))
		if !ok {
			fault = unknownAttribute(r.spec.Group.Kind, []byte(attribute))
			return
		}
		r.step(time.Now())
		changed, err := r.model.Do(attr, []byte(payload))
		if err != nil {
			fault = err
			return
		}
		value = string(r.model.AppendValue(nil, attr))
		if r.link != nil && r.link.online {
			r.publishStates(changed, -1)
			r.plan()
		}
	})
	if err == nil && fault != nil {
		err = fmt.Errorf("%s: %w", d.ID(), fault)
	}
	return value, err
}

// Die makes the device go offline in the given way and stay away until
// [Device.Return]. It returns once the order is given.
func (d *Device) Die(ctx context.Context, how Way) error {
	return d.call(ctx, func() { d.r.away, d.r.way = true, how })
}

// Return brings a device back that went away: it connects at once, and resumes
// its session if that can still be there.
func (d *Device) Return(ctx context.Context) error {
	return d.call(ctx, func() { d.r.away, d.r.hurry, d.r.failures = false, true, 0 })
}
