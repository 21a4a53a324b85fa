package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"homefleet/devices"
	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/responder"
	"homefleet/scenarios"
)

// Device is a hold on one running device, for whoever tests against it or plays
// its surroundings. Its methods may be called from any goroutine; each is
// carried out by the goroutine that owns the device.
type Device struct {
	r *responder.Responder
	f *Fleet
}

// Device returns the device with an id.
func (f *Fleet) Device(id string) (*Device, bool) {
	if r, ok := f.byID()[id]; ok {
		return &Device{r, f}, true
	}
	for _, r := range f.everybody()[len(f.responders):] {
		if r.Spec().ID == id {
			return &Device{r, f}, true
		}
	}
	return nil, false
}

// devicesByID returns the devices of the scenario by their ids.
func (f *Fleet) devicesByID() map[string]*responder.Responder {
	all := make(map[string]*responder.Responder, len(f.responders))
	for _, r := range f.responders {
		all[r.Spec().ID] = r
	}
	return all
}

// Devices returns all devices in the order of the scenario.
func (f *Fleet) Devices() []*Device {
	ds := make([]*Device, len(f.everybody()))
	for i, r := range f.everybody()[:len(ds)] {
		ds[i] = &Device{r, f}
	}
	return ds
}

// ID returns the device's id.
func (d *Device) ID() string { return d.r.Spec().ID }

// Home returns the home the device belongs to; "" if none.
func (d *Device) Home() string { return d.r.Spec().Home }

// Kind returns the name of the device's kind.
func (d *Device) Kind() string { return d.r.Spec().Group.Kind.Name }

// Request is how the device is asked to set an attribute; see [scenarios.Device.Request].
func (d *Device) Request(attribute, value string) (topic string, payload []byte, err error) {
	return d.r.Spec().Request(attribute, value)
}

// Number is the device's among those of this fleet, from 0.
func (d *Device) Number() int { return d.r.Spec().Number }

// Online reports whether the device is online, without asking it: a moment later it may be
// otherwise. A device whose connection stands, but that is silent or has no network, is not.
func (d *Device) Online() bool { return d.r.IsUp() }

// Absent reports whether the device is not there yet: nobody has brought it so far.
func (d *Device) Absent() bool { return d.r.IsAbsent() }

// At returns the device with a number from 0, as [scenarios.Device] has it.
func (f *Fleet) At(number int) *Device { return &Device{f.everybody()[number], f} }

// Tell has the goroutine that owns the device do something with it, in its turn. It does
// not wait for that, and is false when that goroutine has ended. What do is given it may
// use until it returns, and nowhere else.
func (d *Device) Tell(do func(*responder.Responder)) bool {
	return d.r.Tell(func() { do(d.r) })
}

// Gone returns a channel that is closed when the device's goroutine has ended.
func (d *Device) Gone() <-chan struct{} { return d.r.Gone() }

// Ended returns why the device's goroutine has ended; nil: it has not, or nothing was wrong.
func (d *Device) Ended() error {
	select {
	case <-d.r.Gone():
		return d.r.Cause()
	default:
		return nil
	}
}

// Fresh returns a model of the device as it was at the start of the run, for
// [responder.Responder.Renew].
func (d *Device) Fresh() (devices.Device, error) {
	spec := d.r.Spec()
	maker, err := spec.Group.Kind.Prepare(spec.Group.Params)
	if err != nil {
		return nil, err
	}
	return maker(deviceSeed(d.f.scenario.Seed, spec.Global), d.f.scenario.TimeOfDay()), nil
}

// Snapshot is the state of a device at one moment.
type Snapshot = responder.Snapshot

// ErrEnded says that a device's goroutine has ended.
var ErrEnded = errors.New("the device has ended")

// ask has the device's goroutine do something and waits for what it returns. A
// caller that gives up gets the zero value: the answer, if it still comes, goes
// nowhere.
func ask[T any](ctx context.Context, d *Device, do func() T) (none T, err error) {
	answer := make(chan T, 1)
	if !d.r.Tell(func() { answer <- do() }) {
		return none, d.ended()
	}
	select {
	case v := <-answer:
		return v, nil
	case <-d.r.Gone():
		select {
		case v := <-answer:
			return v, nil
		default:
			return none, d.ended()
		}
	case <-ctx.Done():
		return none, fmt.Errorf("%s: waiting for the device: %w", d.ID(), context.Cause(ctx))
	}
}

// tell is ask for what returns nothing.
func (d *Device) tell(ctx context.Context, do func()) error {
	_, err := ask(ctx, d, func() struct{} {
		do()
		return struct{}{}
	})
	return err
}

func (d *Device) ended() error {
	select {
	case <-d.r.Gone():
		if d.r.Cause() != nil {
			return fmt.Errorf("%w: %w", ErrEnded, d.r.Cause())
		}
	default:
	}
	return fmt.Errorf("%s: %w", d.ID(), ErrEnded)
}

// Snapshot returns the device's present state.
func (d *Device) Snapshot(ctx context.Context) (Snapshot, error) {
	r := d.r
	return ask(ctx, d, func() Snapshot { return r.Snapshot(time.Now()) })
}

// Do carries out a command at the device itself, as a hand on its switch would;
// what changes is published. It returns the attribute's value afterwards.
func (d *Device) Do(ctx context.Context, attribute, payload string) (string, error) {
	type result struct {
		value string
		fault error
	}
	r := d.r
	got, err := ask(ctx, d, func() result {
		value, err := r.Do(time.Now(), attribute, payload)
		return result{value, err}
	})
	if err == nil && got.fault != nil {
		err = fmt.Errorf("%s: %w", d.ID(), got.fault)
	}
	return got.value, err
}

// Die makes the device go offline in the given way and stay away until
// [Device.Return]. It returns once the order is given; the modes are those of
// [scenarios.OfflineModes].
func (d *Device) Die(ctx context.Context, how OfflineMode) error {
	if !slices.Contains(scenarios.OfflineModes(), how) {
		return fmt.Errorf("%s: there is no offline mode %q; want one of %v", d.ID(), how, scenarios.OfflineModes())
	}
	return d.tell(ctx, func() { d.r.Disconnect(client.ByHand, client.OfflineMode(how)) })
}

// Return brings a device back that went away: it connects at once, and resumes
// its session if that can still be there.
func (d *Device) Return(ctx context.Context) error { return d.ReturnAs(ctx, client.Reconnect{}) }

// ReturnAs is Return in another way. One that was not present at first is from now on.
func (d *Device) ReturnAs(ctx context.Context, how client.Reconnect) error {
	return d.tell(ctx, func() { d.r.Reconnect(client.ByHand, how); d.r.Reconnect(client.NotPresent, how) })
}

// Misbehave has the device do wrong from now on, or with nil, behave again. What
// it holds back goes out then.
func (d *Device) Misbehave(ctx context.Context, how *scenarios.Misbehavior) error {
	if how == nil {
		return d.tell(ctx, d.r.Behave)
	}
	m := *how
	if err := m.Check(); err != nil {
		return fmt.Errorf("%s: %w", d.ID(), err)
	}
	return d.tell(ctx, func() { d.r.Misbehave(&m) })
}

// WillsChanged returns the devices of whose outages something is known that was not at the
// last call; none as long as nobody wants to hear of Wills.
func (f *Fleet) WillsChanged() (all []*Device) {
	if f.audit == nil {
		return nil
	}
	for _, global := range f.audit.Changed(f.now()) {
		if r := f.numbered(global); r != nil {
			all = append(all, &Device{r, f})
		}
	}
	return all
}

// Outages returns what the audit knows of the device's latest outages, in the
// order of its connections; none where nothing is audited.
func (d *Device) Outages() []audit.Outage {
	f := d.f
	if f.audit == nil {
		return nil
	}
	return f.audit.Recent(d.r.Spec().Global, f.now())
}
