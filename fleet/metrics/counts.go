// Package metrics counts what a fleet does. It knows nothing of devices or
// connections; it holds numbers, and turns them into names and values.
package metrics

import (
	"sync/atomic"

	"homefleet/fleet/wire"
)

// Counts are the totals of one run. All fields may be added to from any
// goroutine.
type Counts struct {
	Dials        atomic.Int64 // connections tried
	DialFailures atomic.Int64 // no connection came about
	Connects     atomic.Int64 // CONNACK with success
	Resumes      atomic.Int64 // of these, with Session Present
	Lost         atomic.Int64 // connections that ended without our will

	// LostUnexplained and FailedUnexplained are, of Lost and of ConnectFailed, those for which
	// what is emulated has no reason.
	LostUnexplained, FailedUnexplained atomic.Int64

	TimedOut      atomic.Int64 // handshakes and PINGRESPs that did not come in time
	BadPackets    atomic.Int64 // malformed packets and protocol errors of the broker
	Requests      ByPeriod     // commands received
	BadTopics     atomic.Int64 // Response Topics that were refused
	Rejected      atomic.Int64 // connections ended because of a request that the product takes for a protocol error
	GhostCommands atomic.Int64 // retained commands that were ignored
	Duplicates    atomic.Int64 // QoS 2 messages received again and not acted on
	WillsSeen     atomic.Int64 // Wills of a device of which it found that they were answered

	WillAnswersAltered, WillAnswersDoubled atomic.Int64 // of watchers, as they came to devices
	WillsUnseen                            atomic.Int64 // times that a device was back on its session and found none, though its Will was due
	Pings                                  atomic.Int64
	Resent                                 atomic.Int64 // PUBLISH and PUBREL sent again after a resume
	Abandoned                              atomic.Int64 // QoS 1 and 2 messages whose session, or the run, ended before the acknowledgement
	Dropped                                atomic.Int64 // messages for which the device's queue had no room
	TooLarge                               atomic.Int64 // messages over the broker's Maximum Packet Size
	Unfit                                  atomic.Int64 // messages that were not sent again after a resume: the broker's limits had changed
	Wakes                                  atomic.Int64 // times a session had something to read or do

	// HandshakeFailures are connections that came about and ended before a
	// CONNACK without our will: by time-out, close or garbage. One that was
	// refused in CONNACK is in Refused alone.
	HandshakeFailures atomic.Int64

	FaultsOnRequest atomic.Int64 // requests that said what was to become of their answer, and it did

	SubsLowered atomic.Int64 // subscriptions granted a lower QoS than was asked for

	StrayAcks     atomic.Int64 // PUBACKs, PUBRECs and PUBCOMPs that acknowledge nothing: nothing was sent with their Packet Identifier, or it was acknowledged before
	MissingAcks   atomic.Int64 // PUBLISHes, PUBRECs and PUBRELs without what answers them as their connection was ended, a second and more after they had been written
	NoSubscribers atomic.Int64 // PUBACKs and PUBRECs with 0x10: the broker had nobody to give the message to

	Watched atomic.Int64 // messages that watchers received

	// Messages are those that are no requests, by what became of each.
	Messages Messages

	// Misbehavior counts what devices did wrong on purpose, by sort.
	Misbehavior [misbehaviorCount]atomic.Int64

	Refused        Reasons // CONNACK with a reason code of 0x80 or more
	Disconnected   Reasons // DISCONNECT from the broker
	SubsRefused    Reasons // SUBACK
	PublishRefused Reasons // PUBACK, PUBREC and PUBCOMP
}

// ConnectFailed returns how many connections came to nothing: those that could not be
// opened, that broke before CONNACK, and that were refused in it.
func (c *Counts) ConnectFailed() int64 {
	return c.DialFailures.Load() + c.HandshakeFailures.Load() + c.Refused.Total()
}

// Reasons counts reason codes.
type Reasons [256]atomic.Int64

// Add counts one.
func (r *Reasons) Add(code byte) { r[code].Add(1) }

// Total returns how many were counted in all.
func (r *Reasons) Total() (n int64) {
	for i := range r {
		n += r[i].Load()
	}
	return n
}

// Reasons returns the reason codes of the broker that refused something or ended a
// connection, as results have them: by where they came, and by name. It is nil where
// there was none.
func (c *Counts) Reasons() map[string]map[string]int64 {
	var all map[string]map[string]int64
	for _, from := range []struct {
		what  string
		codes *Reasons
	}{
		{"connections refused", &c.Refused}, {"subscriptions refused", &c.SubsRefused},
		{"device messages refused", &c.PublishRefused}, {"disconnected by the broker", &c.Disconnected},
	} {
		if counts := from.codes.ByName(); counts != nil {
			if all == nil {
				all = make(map[string]map[string]int64)
			}
			all[from.what] = counts
		}
	}
	return all
}

// ByName returns the counts that are not zero by the standard's name of the
// reason code; nil when all are.
func (r *Reasons) ByName() map[string]int64 {
	var m map[string]int64
	for i := range r {
		if n := r[i].Load(); n != 0 {
			if m == nil {
				m = make(map[string]int64)
			}
			m[wire.ReasonName(byte(i))] = n
		}
	}
	return m
}
