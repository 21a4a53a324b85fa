package fleettest

import (
	"context"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// Device is one device of a running fleet.
type Device struct {
	f *Fleet
	d *fleet.Device
}

// ctx bounds a call by the kit's patience.
func (d *Device) ctx() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(d.f.t.Context()), d.f.setup.patience)
}

func (d *Device) check(doing string, err error) {
	d.f.t.Helper()
	if err != nil {
		d.f.t.Fatalf("fleettest: %s %s: %v", doing, d.d.ID(), err)
	}
}

// State returns an attribute's value as the device knows it, which says nothing
// of what the broker or anyone else knows. A wrong attribute ends the test.
func (d *Device) State(attribute string) string {
	d.f.t.Helper()
	snap := d.Snapshot()
	value, ok := snap.Values[attribute]
	if !ok {
		d.f.t.Fatalf("fleettest: %s is a %s, which has no attribute %q", d.d.ID(), d.d.Kind(), attribute)
	}
	return value
}

// Snapshot returns the whole state.
func (d *Device) Snapshot() fleet.Snapshot {
	d.f.t.Helper()
	ctx, cancel := d.ctx()
	defer cancel()
	snap, err := d.d.Snapshot(ctx)
	d.check("looking at", err)
	return snap
}

// Touch carries out a command at the device itself, as a hand on its switch
// would, and returns the attribute's value afterwards.
func (d *Device) Touch(attribute, payload string) string {
	d.f.t.Helper()
	ctx, cancel := d.ctx()
	defer cancel()
	value, err := d.d.Do(ctx, attribute, payload)
	d.check("touching", err)
	return value
}

// Command sends a command through the broker as an MQTT 5 request, with a
// Response Topic and Correlation Data of its own, and returns the device's
// answer. An error answer or none ends the test; see [Fleet.Request] for those.
func (d *Device) Command(attribute, payload string) string {
	d.f.t.Helper()
	topic, asked, err := d.d.Request(attribute, payload)
	d.check("commanding", err)
	answer, err := d.f.Request(topic, string(asked))
	d.check("commanding", err)
	return string(answer.Payload)
}

// Die makes the device go offline; it stays away until [Device.Return].
func (d *Device) Die(how fleet.OfflineMode) {
	d.f.t.Helper()
	ctx, cancel := d.ctx()
	defer cancel()
	d.check("taking down", d.d.Die(ctx, how))
}

// Return brings the device back, on its session if that is still there, and
// waits until it is online.
func (d *Device) Return() {
	d.f.t.Helper()
	d.ReturnAs(fleet.Reconnect{})
}

// ReturnAs is Return with a new session, under another client id, or after the
// device's back-off.
func (d *Device) ReturnAs(how fleet.Reconnect) {
	d.f.t.Helper()
	ctx, cancel := d.ctx()
	defer cancel()
	d.check("bringing back", d.d.ReturnAs(ctx, how))
	d.f.Eventually(d.d.ID()+" is online", func() bool { return d.Snapshot().Online })
}

// Misbehave has the device do wrong from now on; with nil it behaves again.
func (d *Device) Misbehave(how *scenarios.Misbehavior) {
	d.f.t.Helper()
	ctx, cancel := d.ctx()
	defer cancel()
	d.check("spoiling", d.d.Misbehave(ctx, how))
}

// WaitState waits until an attribute has a value.
func (d *Device) WaitState(attribute, want string) {
	d.f.t.Helper()
	var got string
	if !d.f.wait(func() bool { got = d.State(attribute); return got == want }) {
		d.f.t.Fatalf("fleettest: after %v %s of %s is %q; want %q", d.f.setup.patience, attribute, d.d.ID(), got, want)
	}
}

// WaitOffline waits until the device has no connection.
func (d *Device) WaitOffline() {
	d.f.t.Helper()
	d.f.Eventually(d.d.ID()+" is offline", func() bool { return !d.Snapshot().Online })
}
