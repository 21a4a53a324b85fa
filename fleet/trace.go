package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"homefleet/fleet/deliveries"
	"homefleet/fleet/load"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
)

// place returns where a device stands in this fleet, by its number in the whole
// scenario; below 0 if it is another's.
func (f *Fleet) place(number int) int {
	if number >= 0 && number < len(f.responders) && f.responders[number].Spec().Global == number {
		return number // but in a shard
	}
	i, ok := slices.BinarySearchFunc(f.responders, number, func(r *responder.Responder, n int) int { return cmp.Compare(r.Spec().Global, n) })
	if !ok {
		return -1
	}
	return i
}

// oneWay is the account of messages from devices to watchers.
type oneWay struct {
	deliveries   *deliveries.Ledger // of state and telemetry; nil: there are no watchers
	slowest      []time.Duration    // how long a message takes a watcher, by group of the ledger
	askedOverdue time.Duration      // when the conductor asked it last what is overdue, on the fleet's clock
	caughtUp     atomic.Int64       // when everything had come that was to, on the fleet's clock; 0: it did not get so far
}

// newDeliveries makes the account of one-way messages, if there are watchers, and gives
// it to them.
func (f *Fleet) newDeliveries(watchers *load.WatcherEnv) error {
	if !slices.ContainsFunc(f.watching, func(w *load.Watcher) bool { return !w.V311() }) {
		return nil
	}
	slots := 1
	for _, r := range f.responders {
		slots = max(slots, r.TelemetrySlot()+1)
	}
	c := deliveries.Config{Devices: len(f.responders), Slots: slots, Elsewhere: f.scenario.Part.N > 1, News: f.news.tell, Told: f.told.Messages}
	shares := make(map[string]int) // of a shared subscription, by name and filter
	for _, w := range f.watching {
		spec, index := w.Spec()
		if index > 0 || w.V311() {
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
	var err error
	f.deliveries, err = deliveries.New(c)
	watchers.Ledger = f.deliveries
	e := f.deviceEnv
	e.Deliveries, e.Sequences, e.Slots = f.deliveries, make([]uint32, c.Devices*c.Slots), c.Slots
	return err
}

// settleDeliveries waits, at most until a moment, for messages that are on their way
// to watchers.
func (f *Fleet) settleDeliveries(until time.Time) (stopped bool) {
	if f.deliveries == nil {
		return false
	}
	for time.Now().Before(until) && f.deliveries.Pending() > 0 {
		if !f.await(until) {
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
	unstamped := f.scenario.SomeSpeak311() || f.grown.Load() != nil // whose messages are of the sent, and not in the ledger
	if n := l.Messages(); n > sent || n < sent && !unstamped {
		return fmt.Errorf("the ledger of deliveries has %d messages, and %d were sent", n, sent)
	}
	return l.Check()
}
