package fleet

import (
	"context"
	"errors"
	"fmt"
)

// Device is a hold on one running device, for whoever tests against it or plays
// its surroundings. Its methods may be called from any goroutine; each is
// carried out by the goroutine that owns the device.
type Device struct{ s *session }

// Device returns the device with an id.
func (f *Fleet) Device(id string) (*Device, bool) {
	f.byIDOnce.Do(func() {
		f.byID = make(map[string]*session, len(f.sessions))
		for _, s := range f.sessions {
			f.byID[s.spec.ID] = s
		}
	})
	s, ok := f.byID[id]
	return &Device{s}, ok
}

// Devices returns all devices in the order of the scenario.
func (f *Fleet) Devices() []*Device {
	ds := make([]*Device, len(f.sessions))
	for i, s := range f.sessions {
		ds[i] = &Device{s}
	}
	return ds
}

// ID returns the device's id.
func (d *Device) ID() string { return d.s.spec.ID }

// Home returns the home the device belongs to; "" if none.
func (d *Device) Home() string { return d.s.spec.Home }

// Kind returns the name of the device's kind.
func (d *Device) Kind() string { return d.s.spec.Group.Kind.Name }

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
	ok := d.s.inbox.put(func(s *session) {
		do(s)
		close(done)
	})
	if !ok {
		return d.ended()
	}
	select {
	case <-done:
		return nil
	case <-d.s.done:
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
	case <-d.s.done:
		if d.s.cause != nil {
			return fmt.Errorf("%w: %w", ErrEnded, d.s.cause)
		}
	default:
	}
	return fmt.Errorf("%s: %w", d.ID(), ErrEnded)
}

// Snapshot returns the device's present state.
func (d *Device) Snapshot(ctx context.Context) (Snapshot, error) {
	snap := Snapshot{ID: d.ID()}
	err := d.call(ctx, func(s *session) {
		s.stepNow()
		snap.Online = s.link != nil && s.link.online
		snap.Values = make(map[string]string)
		for i, a := range s.spec.Group.Kind.Attributes {
			snap.Values[a.Name] = string(s.model.AppendValue(nil, i))
		}
		snap.Telemetry = string(s.model.AppendTelemetry(nil))
	})
	return snap, err
}

// Do carries out a command at the device itself, as a hand on its switch would;
// what changes is published. It returns the attribute's value afterwards.
func (d *Device) Do(ctx context.Context, attribute, payload string) (string, error) {
	var value string
	var fault error
	err := d.call(ctx, func(s *session) {
		attr, ok := s.spec.Group.Kind.Attribute([]byte(attribute))
		if !ok {
			fault = unknownAttribute(s.spec.Group.Kind, []byte(attribute))
			return
		}
		s.stepNow()
		changed, err := s.model.Do(attr, []byte(payload))
		if err != nil {
			fault = err
			return
		}
		value = string(s.model.AppendValue(nil, attr))
		if s.link != nil && s.link.online {
			s.publishStates(changed, -1)
			s.plan()
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
	return d.call(ctx, func(s *session) { s.away, s.way = true, how })
}

// Return brings a device back that went away: it connects at once, and resumes
// its session if that can still be there.
func (d *Device) Return(ctx context.Context) error {
	return d.call(ctx, func(s *session) { s.away, s.failures = false, 0 })
}
