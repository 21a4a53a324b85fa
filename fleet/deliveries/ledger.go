package deliveries

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Config is what a ledger needs to know.
type Config struct {
	Devices int     `json:"devices"` // that it hears of; numbered from 0
	Slots   int     `json:"slots"`   // topics of a device at most; numbered from 0
	Groups  []Group `json:"groups"`

	// Elsewhere says that other processes have members of the same shared
	// subscriptions, so that what does not come here may have come there.
	Elsewhere bool `json:"elsewhere,omitempty"`

	// News is called, from any goroutine, when [Ledger.Pending] is worth asking again.
	// It must not wait. Nil is told nothing.
	News func() `json:"-"`

	// Told, if it is not nil, is told of every call that changes the ledger: see
	// [Ledger.Replay]. It may not call the ledger.
	Told func(Fact) `json:"-"`
}

// Group is a group of watchers with the same subscriptions.
type Group struct {
	Name    string   `json:"name"`
	Filters []string `json:"filters"`          // without $share/NAME/
	Shared  bool     `json:"shared,omitempty"` // all members together get each message once
	Members int      `json:"members"`
	QoS     byte     `json:"qos"` // asked for
}

// Ledger keeps the account of one-way messages: see the package comment. All
// methods may be called from any goroutine; those of one device come in the order
// in which it does things, [Ledger.Sent] before the message is written.
type Ledger struct {
	groups    []group
	slots     int
	elsewhere bool
	streams   []*stream // by device and slot; nil: nothing was sent. Under the stripe of the device
	stripes   [stripeCount]stripe

	epoch atomic.Uint32 // goes up whenever some watcher comes or goes

	tell    func()       // Config.News
	told    func(Fact)   // Config.Told
	awaited atomic.Int64 // of what was pending when that was asked, how much has not come; 0: nobody waits

	mu   sync.Mutex // of what follows, and of the coverage of the groups
	sets []match
}

const stripeCount = 64

// stripe guards the streams of the devices whose number modulo stripeCount it has.
type stripe struct {
	mu   sync.Mutex
	rows []metrics.DeliveryTotals // by group and QoS
	sent int64                    // measured messages
	_    [64]byte                 // on a cache line of its own
}

// group is a group with what is known of its members.
type group struct {
	Group
	accounts []coverage
	members  []member
	granted  atomic.Int32 // the QoS granted to its first member; below 0 before
}

// accountOf returns which of the group's accounts a member's messages belong to.
func (g *group) accountOf(member int) int {
	if g.Shared {
		return 0
	}
	return member
}

// qos is that at which the group gets what is published at a QoS (3.8.4).
func (g *group) qos(published byte) byte {
	if granted := g.granted.Load(); granted >= 0 {
		return min(published, byte(granted))
	}
	return min(published, g.QoS)
}

// match is which groups a topic goes to.
type match []matching

type matching struct {
	group  uint16
	copies uint8 // filters that match: as many copies are allowed (3.3.4-2)
}

// New returns an empty ledger.
func New(c Config) (*Ledger, error) {
	if c.Devices < 0 || c.Slots < 1 || c.Devices > math.MaxInt32/max(c.Slots, 1) {
		return nil, fmt.Errorf("a ledger of %d devices with %d topics each; want at least 0 and 1, and at most %d together", c.Devices, c.Slots, math.MaxInt32)
	}
	if len(c.Groups) == 0 || len(c.Groups) > math.MaxUint16 {
		return nil, errors.New("a ledger of deliveries without a group of watchers")
	}
	l := &Ledger{slots: c.Slots, elsewhere: c.Elsewhere, tell: c.News, told: c.Told, streams: make([]*stream, c.Devices*c.Slots), groups: make([]group, len(c.Groups))}
	for i := range c.Groups {
		g := &l.groups[i]
		g.Group = c.Groups[i]
		g.granted.Store(-1)
		g.members = make([]member, g.Members)
		n := g.Members
		if g.Shared {
			n = 1
		}
		g.accounts = make([]coverage, n)
	}
	for i := range l.stripes {
		l.stripes[i].rows = make([]metrics.DeliveryTotals, 3*len(c.Groups))
	}
	if l.told != nil {
		l.told(Fact{What: toldOpened, Ledger: new(c)})
	}
	return l, nil
}

func (l *Ledger) lock(device int) *stripe {
	p := &l.stripes[device%stripeCount]
	p.mu.Lock()
	return p
}

// row is where a message of a QoS to a group is counted.
func (p *stripe) row(group uint16, qos byte) *metrics.DeliveryTotals {
	return &p.rows[3*int(group)+int(min(qos, 2))]
}

// matches returns which groups a topic goes to. Topics that go to the same ones
// share it.
func (l *Ledger) matches(topic string) match {
	var found match
	for i := range l.groups {
		copies := 0
		for _, f := range l.groups[i].Filters {
			if wire.Match(f, topic) {
				copies++
			}
		}
		if copies > 0 {
			found = append(found, matching{uint16(i), uint8(min(copies, 255))})
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
next:
	for _, m := range l.sets {
		if len(m) != len(found) {
			continue
		}
		for i := range m {
			if m[i] != found[i] {
				continue next
			}
		}
		return m
	}
	l.sets = append(l.sets, found)
	return found
}

// Message is one message of a device.
type Message struct {
	Device int
	Slot   int
	Seq    uint32
}

// known reports whether the ledger hears of such a device.
func (l *Ledger) known(m Message) bool {
	return m.Device >= 0 && m.Slot >= 0 && m.Slot < l.slots && m.Device < len(l.streams)/l.slots
}

func (l *Ledger) stream(device, slot int) *stream { return l.streams[device*l.slots+slot] }

// Open says what the topic of a slot is. It comes before its first message, and
// does nothing after that.
func (l *Ledger) Open(device, slot int, topic []byte) {
	p := l.lock(device)
	defer p.mu.Unlock()
	if at := &l.streams[device*l.slots+slot]; *at == nil {
		if l.told != nil {
			l.told(Fact{What: toldTopic, Device: device, Slot: slot, Topic: string(topic)})
		}
		*at = &stream{topic: l.matches(string(topic))}
	}
}

// Sent notes that a message is about to be written, for the first time. The
// sequences of a topic go up; those left out were not sent.
func (l *Ledger) Sent(m Message, qos byte, measured bool) {
	l.sent(m, l.epoch.Load(), qos, measured)
}

// sent is Sent by the watchers of an epoch.
func (l *Ledger) sent(m Message, epoch uint32, qos byte, measured bool) {
	p := l.lock(m.Device)
	defer p.mu.Unlock()
	if l.told != nil {
		f := factOf(toldSent, m)
		f.QoS, f.Measured, f.Epoch = qos, measured, epoch
		l.told(f)
	}
	s := l.stream(m.Device, m.Slot)
	if s == nil {
		return // closed
	}
	if m.Seq < s.sent {
		// It was left out so far, and is counted as what was sent around it.
		if s.trait(m.Seq)&unsent != 0 {
			s.mark(m.Seq, 0, unsent)
			l.count(p, s, m.Seq, 1)
		}
		return
	}
	for seq := s.sent; seq < m.Seq; seq++ {
		s.mark(seq, unsent, 0)
	}
	many := s.extend(m.Seq, epoch, qos, measured)
	s.sent = m.Seq + 1
	l.count(p, s, m.Seq, 1)
	if many {
		l.letGo(p, s)
	}
}

// count adds a message to what was sent, or takes it away.
func (l *Ledger) count(p *stripe, s *stream, seq uint32, n int64) {
	seg := &s.segments[s.at(seq)]
	if !seg.measured {
		return
	}
	p.sent += n
	for _, m := range s.topic {
		g := &l.groups[m.group]
		g.granted.CompareAndSwap(-1, int32(g.QoS)) // from here on it stays as it is
		p.row(m.group, g.qos(seg.qos)).Sent += n * int64(len(g.accounts))
	}
}

// NotSent takes back that a message is written: the connection ended before it was
// whole. It may be sent yet.
func (l *Ledger) NotSent(m Message) {
	l.odd(m, toldNotSent, func(p *stripe, s *stream) {
		if s.trait(m.Seq)&unsent == 0 {
			s.mark(m.Seq, unsent, 0)
			l.count(p, s, m.Seq, -1)
		}
	})
}

// Resent notes that a message is about to be written once more.
func (l *Ledger) Resent(m Message) {
	l.odd(m, toldResent, func(_ *stripe, s *stream) { s.mark(m.Seq, resent, 0) })
}

// Refused notes that a message was acknowledged with a reason code of 0x80 or
// more.
func (l *Ledger) Refused(m Message) {
	l.odd(m, toldRefused, func(_ *stripe, s *stream) { s.mark(m.Seq, refused, 0) })
}

// Unacknowledged notes that a message was sent and its session ended before an
// acknowledgement came.
func (l *Ledger) Unacknowledged(m Message) {
	l.odd(m, toldUnacknowledged, func(_ *stripe, s *stream) { s.mark(m.Seq, unacked, 0) })
}

func (l *Ledger) odd(m Message, what string, do func(*stripe, *stream)) {
	p := l.lock(m.Device)
	defer p.mu.Unlock()
	if l.told != nil {
		l.told(factOf(what, m))
	}
	if s := l.stream(m.Device, m.Slot); s != nil && m.Seq < s.sent {
		do(p, s)
		l.lookAgain()
	}
}

// Cut notes that the connection of a device has ended, not in an orderly way:
// what it sent last at QoS 0 may not have reached the broker.
func (l *Ledger) Cut(device int) {
	p := l.lock(device)
	defer p.mu.Unlock()
	if l.told != nil {
		l.told(Fact{What: toldCut, Device: device})
	}
	for slot := range l.slots {
		if s := l.stream(device, slot); s != nil {
			s.cut = true
		}
	}
	l.lookAgain()
}

// member is when something came last to a watcher, for [Ledger.Close] to know
// whether it keeps up.
type member struct {
	at  atomic.Int64 // when, in nanoseconds
	lag atomic.Int64 // how long it had taken
}

// keepsUp is how old a message may be that comes to a watcher which is not behind.
const keepsUp = 500 * time.Millisecond

// behind reports whether a watcher was still busy with old messages at a time.
func (m *member) behind(now, slow time.Duration) bool {
	at := time.Duration(m.at.Load())
	return at != 0 && time.Duration(m.lag.Load()) > keepsUp && now-at < max(2*slow, time.Second)
}
