package fleet

import (
	"slices"
	"time"

	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/fleet/retained"
	"homefleet/fleet/wire"
)

const (
	fetchEach   = 500 * time.Microsecond // longer, for each device
	mostFetches = 3
)

// fetch returns what the broker has retained by filters; see [retained.Fetch].
func (f *Fleet) fetch(filters []string) map[string]retained.Message {
	id := retainedProbeID(f.run)
	found, _ := retained.Fetch(f.env, f.auditorProfile(), identity{auditorRole, 1}.stream(), retained.Probing{
		Name: "the retained probe", Filters: filters, Patience: retained.LongestFetch + time.Duration(f.scenario.Count())*fetchEach,
		ClientID: id, Credentials: f.auditorCredentials(id), Marks: f.marks,
	})
	return found
}

// marks reads what a message of this run says of itself.
func (f *Fleet) marks(p *wire.Publish) (m retained.Marks) {
	if at, run, ok := deliveries.MadeAt(p); ok && run == f.run {
		m.Own, m.Made = true, at
	}
	if _, n, run := responder.ConnectionOf(p); run == f.run {
		m.Own, m.Number = true, n
	}
	m.Altered = deliveries.IsAltered(p)
	return m
}

// inspect compares what the broker retains with what the devices know. A
// difference counts only if it is still there when looked at again: devices go
// on living meanwhile.
func (f *Fleet) inspect() *metrics.RetainedTotals {
	filters := f.retainedFilters()
	var t metrics.RetainedTotals
	for range mostFetches {
		before := f.expectsRetained()
		found := f.fetch(filters)
		if found == nil {
			return nil // nobody could look
		}
		after := f.expectsRetained()
		t = metrics.RetainedTotals{}
		for n := range before {
			if len(before[n]) != len(after[n]) {
				continue // it has ended
			}
			for i, x := range before[n] {
				x.Values = append(x.Values, after[n][i].Values...)
				x.Absent = x.Absent || after[n][i].Absent
				x.Count(&t, found)
			}
		}
		if t.Right == t.Checked || f.stopped() {
			break
		}
	}
	return &t
}

// oneMore appends what is not there yet.
func oneMore(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// expectsRetained asks every device; those that have ended expect nothing.
func (f *Fleet) expectsRetained() [][]retained.Expected {
	type answer struct {
		number  int
		expects []retained.Expected
	}
	everybody := f.everybody()
	answers := make(chan answer, len(everybody)) // so that no device waits
	asked := 0
	for n, r := range everybody {
		if r.Tell(func() { answers <- answer{n, r.ExpectsRetained()} }) {
			asked++
		}
	}
	all := make([][]retained.Expected, len(everybody))
	patience := time.NewTimer(retained.LongestFetch)
	defer patience.Stop()
	for range asked {
		select {
		case <-patience.C: // one has ended with the question unread
			return all
		case a := <-answers:
			all[a.number] = a.expects
		case <-f.stop: // who is stopping does not answer any more
			return all
		}
	}
	return all
}
