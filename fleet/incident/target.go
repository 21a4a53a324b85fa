package incident

import (
	"context"
	"time"

	"homefleet/fleet/client"
	"homefleet/scenarios"
)

// Target is a device that incidents happen to. Its methods may be called from any
// goroutine.
type Target interface {
	// Spec says who the device is. It does not change.
	Spec() *scenarios.Device
	// Tell has the goroutine that owns the device do something to it, in its turn. It
	// does not wait for that, and is false when that goroutine has ended.
	Tell(do func(Device)) bool
	// Gone returns a channel that is closed when that goroutine has ended.
	Gone() <-chan struct{}
}

// Device is a target in the hands of the goroutine that owns it, which alone may call
// its methods, and only until the function returns that was given it.
type Device interface {
	Presence
	Network
	Identity
	Followed
}

// Presence lets devices go offline and come back. A device is back only when the last of
// all causes has let go of it.
type Presence interface {
	// Disconnect has the device go offline, if it is not off already, and stay so until
	// Reconnect.
	Disconnect(by client.Cause, how client.OfflineMode)
	// Reconnect lets it return, unless another cause keeps it off.
	Reconnect(by client.Cause, how client.Reconnect)
	// BrokerLeft says that the broker has ended all connections, between two moments on
	// the clock of the run.
	BrokerLeft(from, to time.Duration)
}

// Network takes the network from devices that go on running, or makes it slow.
type Network interface {
	// CutNetwork has nothing pass any more; why is how reports call that.
	CutNetwork(by client.Cause, why string)
	// RestoreNetwork gives the network back, unless another cause keeps it. A router
	// that forgot its connections answers them with RST; how says how the device
	// then connects again.
	RestoreNetwork(by client.Cause, forgot bool, how client.Reconnect)
	// Slow puts faults on this and each further connection, until Quicken is called with
	// their cause.
	Slow(client.SlowLink)
	Quicken(by client.Cause)
}

// Identity is about other clients with the client id of a device.
type Identity interface {
	// DuplicateCame has the device connect again when another client takes its session over
	// (0x8E), until DuplicateGone is called as often.
	DuplicateCame()
	DuplicateGone()
	// Duplicate returns another client with the device's client id; clean has each of
	// its connections begin with a new session. It does nothing before Run.
	Duplicate(clean bool) Duplicate
}

// Duplicate is another client with the client id of a device.
type Duplicate interface {
	// Run connects, again and again, until EndSoon or until the broker refuses it for good.
	// ctx ends a dial. It is called once.
	Run(ctx context.Context) error
	// EndSoon has Run return soon. It may be called from any goroutine, at any time.
	EndSoon()
}

// Followed is a device that is followed until it is back; see [Recovering].
type Followed interface {
	// Follow begins it, before the incident has happened.
	Follow(*Recovery)
	// IsOver says that the incident has let go of the device: one that was never away
	// proves now that its connection works.
	IsOver(*Recovery)
}

// BrokerControl takes a broker away and brings it back. Both are called from one
// goroutine, in turn.
type BrokerControl interface {
	Suspend()
	Resume()
}
