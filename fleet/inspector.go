package fleet

import (
	"context"
	"slices"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// inspector is a client that fetches what the broker has retained, as anybody
// would who subscribes now. It lives as long as that takes.
type inspector struct {
	client.Session
	fleet   *Fleet
	filters []string
	got     chan retained // what came, and news of the connection between
}

// retained is a message out of the broker's store.
type retained struct {
	topic, payload string
	made           time.Duration // by its stamp, on the fleet's clock; 0: it has none
	number         uint32        // of the connection, if it is a Will
	news           news          // instead of a message
}

// news is what becomes of the inspector's connection.
type news byte

const (
	begun      news = iota + 1 // another one: what came on an earlier one may be old
	subscribed                 // from now on silence means that there is no more
)

const (
	quietFor     = 500 * time.Millisecond // without a message, and the store has been sent
	longestFetch = 10 * time.Second
	fetchEach    = 500 * time.Microsecond // longer, for each device
	mostFetches  = 3
	mostFetched  = 1 << 14 // under way between the session and whoever compares
)

// fetch returns the retained messages of the filters by topic; nil where the
// broker does not let them be seen, or not all of them in time.
func (f *Fleet) fetch(filters []string) map[string]retained {
	i := &inspector{fleet: f, filters: filters, got: make(chan retained, mostFetched)}
	i.Init(f.env, f.auditorProfile(), i, client.Setup{Name: "the inspector", Stream: identity{auditorRole, 1}.stream(), ClientID: inspectorID(f.run), Apart: true})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = i.Run(ctx) }() // what it did not fetch is missing
	found, complete := make(map[string]retained), false
	end := time.NewTimer(longestFetch + time.Duration(len(f.responders))*fetchEach)
	defer end.Stop()
	quiet := time.NewTimer(longestFetch)
	defer quiet.Stop()
collect:
	for {
		select {
		case m := <-i.got:
			switch m.news {
			case begun:
				clear(found)
				complete = false
			case subscribed:
				complete = true
			default:
				found[m.topic] = m // a broker may send some before its SUBACK (3.8.4)
			}
			if complete {
				quiet.Reset(quietFor)
			}
		case <-i.Gone(): // it has given up
			break collect
		case <-quiet.C:
			break collect
		case <-end.C:
			complete = false // what has not come by now is not known to be missing
			break collect
		case <-f.stop:
			break collect
		}
	}
	cancel()
	i.EndSoon()
	for {
		select {
		case <-i.got: // so that it is not held up
		case <-i.Gone():
			if !complete {
				return nil
			}
			return found
		}
	}
}

// FillConnect implements [client.Handler].
func (i *inspector) FillConnect(p *wire.Connect) error {
	i.got <- retained{news: begun}
	p.CleanStart, p.SessionExpiry, p.ReceiveMaximum = true, 0, client.AllAtOnce
	return i.fleet.credentials(p, auditorVars(i.ClientID(), i.fleet.scenario.Seed, i.fleet.run))
}

// Subscriptions implements [client.Handler].
func (i *inspector) Subscriptions() ([]packets.SubOptions, int, error) {
	subs := make([]packets.SubOptions, len(i.filters))
	for k, filter := range i.filters {
		subs[k] = packets.SubOptions{Topic: filter}
	}
	return subs, len(subs), nil
}

// Online implements [client.Handler].
func (i *inspector) Online(time.Time) (next time.Time) {
	i.got <- retained{news: subscribed}
	return next
}

// Message implements [client.Handler].
func (i *inspector) Message(p *wire.Publish) {
	if !p.Retain {
		return // it is new, and not from the store
	}
	m := retained{topic: string(p.Topic), payload: string(p.Payload)}
	if made, run, ok := deliveries.MadeAt(p); ok && run == i.fleet.run {
		m.made = made
	}
	if _, number, run := connectionOf(p); run == i.fleet.run {
		m.number = number
	}
	i.got <- m
}

// inspect compares what the broker retains with what the devices know. A
// difference counts only if it is still there when looked at again: devices go
// on living meanwhile.
func (f *Fleet) inspect() *metrics.RetainedTotals {
	filters := f.availabilityFilters()
	for i := range f.scenario.Groups {
		if f.scenario.Groups[i].Retain && !slices.Contains(filters, "state/+/+") {
			filters = append(filters, "state/+/+")
		}
	}
	var t metrics.RetainedTotals
	for range mostFetches {
		before := f.claims()
		found := f.fetch(filters)
		if found == nil {
			return nil // nobody could look
		}
		after := f.claims()
		t = metrics.RetainedTotals{}
		for n := range before {
			if len(before[n]) != len(after[n]) {
				continue // it has ended
			}
			for i, c := range before[n] {
				c.values = append(c.values, after[n][i].values...)
				c.absent = c.absent || after[n][i].absent
				count(&t, &c, found)
			}
		}
		if t.Right == t.Checked || f.stopped() {
			break
		}
	}
	return &t
}

// count adds what became of one claim.
func count(t *metrics.RetainedTotals, c *claim, found map[string]retained) {
	m, ok := found[c.topic]
	t.Checked++
	switch {
	case !ok && c.absent:
		t.Right++
	case !ok:
		t.Missing++
	case slices.Contains(c.values, m.payload):
		t.Right++
	case m.number > 0 && m.number < c.number, m.made > 0 && m.made < c.since:
		t.Stale++
	default:
		t.Wrong++
	}
}

// claims asks every device; those that have ended claim nothing.
func (f *Fleet) claims() [][]claim {
	type answer struct {
		number int
		claims []claim
	}
	answers := make(chan answer, len(f.responders)) // so that no device waits
	asked := 0
	for n, r := range f.responders {
		if r.Tell(func() { answers <- answer{n, r.claims()} }) {
			asked++
		}
	}
	all := make([][]claim, len(f.responders))
	patience := time.NewTimer(longestFetch)
	defer patience.Stop()
	for range asked {
		select {
		case <-patience.C: // one has ended with the question unread
			return all
		case a := <-answers:
			all[a.number] = a.claims
		case <-f.stop: // who is stopping does not answer any more
			return all
		}
	}
	return all
}
