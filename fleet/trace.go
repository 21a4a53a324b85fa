package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Follow implements [client.Follows]: it enters what becomes of the device's one-way messages in
// the ledger of deliveries.
func (r *responder) Follow(t client.Trace, what client.TraceEvent, qos byte, measured bool) {
	l := r.fleet.deliveries
	if l == nil {
		return
	}
	m := deliveries.Message{Device: r.fleet.place(r.spec.Global), Slot: int(t.Slot) - 1, Seq: t.Seq}
	switch what {
	case client.TraceSent:
		l.Sent(m, qos, measured)
	case client.TraceNotSent:
		l.NotSent(m)
	case client.TraceResent:
		l.Resent(m)
	case client.TraceRefused:
		l.Refused(m)
	case client.TraceUnacknowledged:
		l.Unacknowledged(m)
	case client.TraceBroken: // nobody knows whether the broker has what was written last
		l.Cut(m.Device)
	}
}

// place returns where a device stands in this fleet, by its number in the whole
// scenario; below 0 if it is another's.
func (f *Fleet) place(number int) int {
	if number >= 0 && number < len(f.responders) && f.responders[number].spec.Global == number {
		return number // but in a shard
	}
	i, ok := slices.BinarySearchFunc(f.responders, number, func(r *responder, n int) int { return cmp.Compare(r.spec.Global, n) })
	if !ok {
		return -1
	}
	return i
}

// oneWay is the account of messages from devices to watchers.
type oneWay struct {
	deliveries   *deliveries.Ledger // of state and telemetry; nil: there are no watchers
	sequences    []uint32           // of the topics of all devices, each device's own; nil likewise
	slowest      []time.Duration    // how long a message takes a watcher, by group of the ledger
	askedOverdue time.Duration      // when the conductor asked it last what is overdue, on the fleet's clock
	caughtUp     atomic.Int64       // when everything had come that was to, on the fleet's clock; 0: it did not get so far
	stamped      bool               // state and telemetry say when they were made
}

// newDeliveries makes the account of one-way messages, if there are watchers, and gives
// it to them.
func (f *Fleet) newDeliveries(watchers *load.WatcherEnv) error {
	if len(f.watching) == 0 {
		return nil
	}
	slots := 1
	for _, r := range f.responders {
		slots = max(slots, r.telemetrySlot()+1)
	}
	c := deliveries.Config{Devices: len(f.responders), Slots: slots, Elsewhere: f.scenario.Part.N > 1}
	shares := make(map[string]int) // of a shared subscription, by name and filter
	for _, w := range f.watching {
		spec, index := w.Spec()
		if index > 0 {
			continue
		}
		at := len(c.Groups)
		for _, t := range spec.Topics {
			if i, ok := shares[spec.Share+"/"+t]; ok && spec.Share != "" {
				at = i // two groups are members of one subscription (4.8.2)
			}
		}
		if at == len(c.Groups) {
			c.Groups = append(c.Groups, deliveries.Group{Name: spec.Name, Shared: spec.Share != "", QoS: spec.QoS})
			f.slowest = append(f.slowest, 0)
		} else {
			c.Groups[at].Name += " and " + spec.Name
			c.Groups[at].QoS = min(c.Groups[at].QoS, spec.QoS)
		}
		g := &c.Groups[at]
		for _, t := range spec.Topics {
			shares[spec.Share+"/"+t] = at
			if !slices.Contains(g.Filters, t) {
				g.Filters = append(g.Filters, t)
			}
		}
		for _, other := range f.watching {
			if of, _ := other.Spec(); of == spec {
				other.Join(at, g.Members)
				g.Members++
			}
		}
		f.slowest[at] = max(f.slowest[at], spec.Slow)
	}
	f.sequences = make([]uint32, c.Devices*c.Slots)
	var err error
	f.deliveries, err = deliveries.New(c)
	watchers.Ledger = f.deliveries
	return err
}

// stamp appends the User Properties of a state or telemetry message, which is
// complete but for them, that say when it was made and which it is.
func (r *responder) stamp(user []byte, p *wire.Publish, made time.Duration, slot int) ([]byte, client.Trace) {
	f := r.fleet
	if !f.stamped {
		return nil, client.Trace{}
	}
	var sentRoom [96]byte
	sent := deliveries.AppendMoment(sentRoom[:0], made, f.run)
	user = wire.AppendUserProperty(user, deliveries.SentKey, sent)
	if f.deliveries == nil {
		return user, client.Trace{}
	}
	seq := *r.sequence(slot)
	if seq == 0 {
		f.deliveries.Open(f.place(r.spec.Global), slot, p.Topic)
	}
	var valueRoom [64]byte
	s := deliveries.Stamp{Device: r.spec.Global, Slot: slot, Seq: seq, Content: deliveries.Content(p)}
	return wire.AppendUserProperty(user, deliveries.SequenceKey, s.Append(valueRoom[:0], sent)), client.Trace{Seq: seq, Slot: uint16(slot + 1)}
}

// telemetrySlot is the last of a device's topics in the ledger; the others are its
// attributes.
func (r *responder) telemetrySlot() int { return len(r.spec.Group.Kind.Attributes) }

// sequence is how many messages of a topic the device has made. Its goroutine alone
// touches it.
func (r *responder) sequence(slot int) *uint32 {
	f := r.fleet
	return &f.sequences[f.place(r.spec.Global)*(len(f.sequences)/len(f.responders))+slot]
}

// publish sends a message that has been stamped.
func (r *responder) publish(p *wire.Publish, kind metrics.MessageKind, made time.Duration, note uint64, t client.Trace) bool {
	sent := r.SendTraced(p, kind, made, note, t)
	if sent && t.On() {
		*r.sequence(int(t.Slot - 1))++
	}
	return sent
}

// settleDeliveries waits, at most until a moment, for messages that are on their way
// to watchers.
func (f *Fleet) settleDeliveries(until time.Time) (stopped bool) {
	if f.deliveries == nil {
		return false
	}
	for wait := 5 * time.Millisecond; time.Now().Before(until) && f.deliveries.Pending() > 0; wait = min(2*wait, 250*time.Millisecond) {
		if !f.sleepUntil(time.Now().Add(wait)) {
			return true
		}
	}
	return false
}

// closeDeliveries decides what did not come, and checks the sums: those of the
// ledger, and that it knows of as many messages as have been counted.
func (f *Fleet) closeDeliveries() error {
	l := f.deliveries
	if l == nil {
		return nil
	}
	if err := l.Check(); err != nil {
		return err
	}
	at := time.Duration(f.caughtUp.Load())
	l.Close(at, at == 0, func(group int) time.Duration { return f.slowest[group] })
	m := &f.counts.Messages
	sent := m.In(metrics.InMeasure, metrics.State, metrics.Sent) + m.In(metrics.InMeasure, metrics.Telemetry, metrics.Sent)
	if n := l.Messages(); n != sent {
		return fmt.Errorf("the ledger of deliveries has %d messages, and %d were sent", n, sent)
	}
	return l.Check()
}
