package retained

import (
	"context"
	"slices"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// probe is a client that fetches what the broker has retained, as anybody
// would who subscribes now. It lives as long as that takes.
type probe struct {
	client.Session
	Probing
	got chan Message // what came, and news of the connection between
}

// Probing is what a retained probe is to fetch, and how.
type Probing struct {
	Name        string // of who fetches, in errors
	Filters     []string
	Patience    time.Duration // for all of it
	ClientID    string
	Credentials func(*wire.Connect) error
	// Marks reads what a message says of itself.
	Marks func(*wire.Publish) Marks
}

// Message is a message out of the broker's store.
type Message struct {
	Topic, Payload string
	Marks
	news news // instead of a message
}

// Marks are what a message says of itself; the zero value is that it says nothing.
type Marks struct {
	Own     bool          // of the run: one of the next two is known
	Made    time.Duration // on the fleet's clock
	Number  uint32        // of the connection, if it is a Will
	Altered bool          // its checksum does not fit
}

// news is what becomes of the connection of a retained probe.
type news byte

const (
	begun      news = iota + 1 // another one: what came on an earlier one may be old
	subscribed                 // from now on silence means that there is no more
)

const (
	quietFor     = 500 * time.Millisecond // without a message, and the store has been sent
	LongestFetch = 10 * time.Second       // of a store that is not huge, and for anybody who is asked about it
	mostFetched  = 1 << 14                // under way between the session and whoever compares
)

// Fetch returns the retained messages of the filters by topic; nil where the
// broker does not let them be seen, with its refusal as the error, or not all of them in
// time.
func Fetch(e *client.Env, profile *client.Profile, stream int, what Probing) (map[string]Message, error) {
	p := &probe{Probing: what, got: make(chan Message, mostFetched)}
	p.Init(e, profile, p, client.Setup{Name: what.Name, Stream: stream, ClientID: what.ClientID, Apart: true})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = p.Run(ctx) }() // what it did not fetch is missing
	found, complete := make(map[string]Message), false
	end := time.NewTimer(what.Patience)
	defer end.Stop()
	quiet := time.NewTimer(LongestFetch)
	defer quiet.Stop()
collect:
	for {
		select {
		case m := <-p.got:
			switch m.news {
			case begun:
				clear(found)
				complete = false
			case subscribed:
				complete = true
			default:
				found[m.Topic] = m // a broker may send some before its SUBACK (3.8.4)
			}
			if complete {
				quiet.Reset(quietFor)
			}
		case <-p.Gone(): // it has given up
			break collect
		case <-quiet.C:
			break collect
		case <-end.C:
			complete = false // what has not come by now is not known to be missing
			break collect
		case <-e.Stop:
			break collect
		}
	}
	cancel()
	p.EndSoon()
	for {
		select {
		case <-p.got: // so that it is not held up
		case <-p.Gone():
			if !complete {
				return nil, p.Cause()
			}
			return found, nil
		}
	}
}

// FillConnect implements [client.Handler].
func (p *probe) FillConnect(c *wire.Connect) error {
	p.got <- Message{news: begun}
	c.CleanStart, c.SessionExpiry, c.ReceiveMaximum = true, 0, client.AllAtOnce
	return p.Credentials(c)
}

// Subscriptions implements [client.Handler].
func (p *probe) Subscriptions() ([]packets.SubOptions, int, error) {
	subs := make([]packets.SubOptions, len(p.Filters))
	for k, filter := range p.Filters {
		subs[k] = packets.SubOptions{Topic: filter}
	}
	return subs, len(subs), nil
}

// Online implements [client.Handler].
func (p *probe) Online(time.Time) (next time.Time) {
	p.got <- Message{news: subscribed}
	return next
}

// Message implements [client.Handler].
func (p *probe) Message(m *wire.Publish) {
	if !m.Retain {
		return // it is new, and not from the store
	}
	p.got <- Message{Topic: string(m.Topic), Payload: string(m.Payload), Marks: p.Probing.Marks(m)}
}

// Expected is what a device says a retained topic must hold.
type Expected struct {
	Topic  string
	Values []string      // any of them is right
	Absent bool          // so is nothing
	Since  time.Duration // what was made before is stale
	Number uint32        // so is the Will of an earlier connection
	Marked bool          // it was made with marks: without any it is altered
}

// Count adds what became of it.
func (x *Expected) Count(t *metrics.RetainedTotals, found map[string]Message) {
	m, ok := found[x.Topic]
	t.Checked++
	switch {
	case !ok && x.Absent:
		t.Right++
	case !ok:
		t.Missing++
	case m.Altered, x.Marked && !m.Own:
		t.Wrong++
	case slices.Contains(x.Values, m.Payload):
		t.Right++
	case m.Number > 0 && m.Number < x.Number, m.Made > 0 && m.Made < x.Since:
		t.Stale++
	default:
		t.Wrong++
	}
}
