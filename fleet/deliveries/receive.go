package deliveries

import (
	"time"

	"homefleet/fleet/metrics"
)

// Arrival is a message that came to a watcher.
type Arrival struct {
	Group    int           `json:"-"`
	Member   int           `json:"-"`
	At       time.Duration `json:"at"`   // on the clock of Made
	Made     time.Duration `json:"made"` // when the message says that it was made
	QoS      byte          `json:"qos,omitempty"`
	Altered  bool          `json:"altered,omitempty"`  // topic, payload or properties are not those that were sent
	Again    bool          `json:"again,omitempty"`    // it has the DUP flag, in a session that was resumed
	Retained bool          `json:"retained,omitempty"` // it has the RETAIN flag
}

// Received takes a message with a whole stamp of a device of this ledger. It
// reports whether the message is the first of its sequence.
func (l *Ledger) Received(m Message, a Arrival) (first bool) {
	g := &l.groups[a.Group]
	if a.Member < len(g.members) {
		g.members[a.Member].at.Store(int64(a.At))
		g.members[a.Member].lag.Store(int64(a.At - a.Made))
	}
	if !l.known(m) {
		if l.told != nil {
			l.told(received(m, a))
		}
		l.stray(a.Group, a.QoS, Foreign)
		return false
	}
	p := l.lock(m.Device)
	defer p.mu.Unlock()
	if l.told != nil {
		l.told(received(m, a))
	}
	s := l.stream(m.Device, m.Slot)
	if s == nil || m.Seq >= s.sent || s.trait(m.Seq)&unsent != 0 {
		p.row(uint16(a.Group), a.QoS).NeverSent++
		return false
	}
	r, copies := l.receipt(s, a.Group, g.accountOf(a.Member))
	if r == nil {
		p.row(uint16(a.Group), a.QoS).Misrouted++
		return false
	}
	if a.Retained && l.stored(s, r, g, m.Seq, a.Member) {
		p.row(uint16(a.Group), a.QoS).FromStore++
		return false
	}
	if m.Seq < r.floor {
		l.again(p, s, m.Seq, a, r.more != nil && r.more.missed, copies)
		return false
	}
	if r.has(m.Seq) {
		l.again(p, s, m.Seq, a, false, copies)
		return false
	}
	if n := r.overflow(m.Seq); n > 0 {
		l.giveUp(p, s, r, a.Group, g.accountOf(a.Member), n, m.Seq)
		l.lookAgain()
	}
	r.set(m.Seq)
	late := l.behindOthers(s, r, g, m.Seq, a.Member)
	r.top = max(r.top, m.Seq+1)
	l.came()
	seg := &s.segments[s.at(m.Seq)]
	if !seg.measured {
		return true
	}
	row := p.row(uint16(a.Group), g.qos(seg.qos))
	if a.Altered {
		row.Altered++
	} else {
		row.Delivered++
	}
	if late {
		row.Reordered++
	}
	if a.QoS != g.qos(seg.qos) {
		row.OtherQoS++
	}
	if a.Retained {
		row.OtherRetain++
	}
	return true
}

// stored reports whether a message with the RETAIN flag is out of the broker's store,
// for a new subscription: it was sent when nobody was subscribed, or has come already.
// One that is sent to who is subscribed has RETAIN 0 (3.3.1-12), unless that was asked
// for, which no watcher does.
func (l *Ledger) stored(s *stream, r *receipt, g *group, seq uint32, member int) bool {
	if seq < r.floor || r.has(seq) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !g.accounts[g.accountOf(member)].covered(s.segments[s.at(seq)].epoch)
}

// receipt returns that of an account for a stream, and how many copies of a
// message it may get; nil if it is to get none.
func (l *Ledger) receipt(s *stream, group, account int) (*receipt, uint8) {
	before := 0
	for _, m := range s.topic {
		if int(m.group) != group {
			before += len(l.groups[m.group].accounts)
			continue
		}
		if s.receipts == nil {
			n := 0
			for _, m := range s.topic {
				n += len(l.groups[m.group].accounts)
			}
			s.receipts = make([]receipt, n)
		}
		return &s.receipts[before+account], m.copies
	}
	return nil, 0
}

// again counts a message that has come before, or may have.
func (l *Ledger) again(p *stripe, s *stream, seq uint32, a Arrival, unsure bool, copies uint8) {
	seg := &s.segments[s.at(seq)]
	if !seg.measured {
		return
	}
	qos := l.groups[a.Group].qos(seg.qos)
	row := p.row(uint16(a.Group), qos)
	switch {
	case unsure:
		row.Forgotten++
	case copies > 1:
		// Its filters overlap, and the broker may send a copy for each (3.3.4-2).
	case qos == 1 && (a.Again || s.trait(seq)&resent != 0):
		row.Redelivered++
	default:
		row.Duplicate++
	}
}

// behindOthers reports whether a message comes behind a later one of its topic and
// QoS that went the same way: from one connection to one session.
func (l *Ledger) behindOthers(s *stream, r *receipt, g *group, seq uint32, member int) bool {
	top := r.top
	if g.Shared && g.Members > 1 {
		top = r.place(uint32(member), seq+1)
	}
	if top <= seq {
		return false
	}
	from, to := s.at(seq), s.at(top-1)
	if s.segments[from].qos != s.segments[to].qos {
		return false
	}
	for i := from + 1; i <= to; i++ {
		if s.segments[i].cut {
			return false
		}
	}
	return true
}

// place returns how far a member had come, and notes that it has come as far as
// top. It knows so many members, those that came last.
func (r *receipt) place(member, top uint32) (before uint32) {
	m := r.beyond()
	for i := range m.order {
		if m.order[i].member == member {
			before = m.order[i].top
			m.order[i].top = max(before, top)
			return before
		}
	}
	if len(m.order) == mostMembers {
		m.order = m.order[:copy(m.order, m.order[1:])]
	}
	m.order = append(m.order, place{member, top})
	return 0
}

// Kind says what a message is that belongs to no stream of the ledger.
type Kind uint8

// The kinds.
const (
	Unstamped Kind = iota // on the topics of states and telemetry, without a sequence
	BadStamp              // its sequence was altered
	Foreign               // of a device elsewhere, or of another run
	FromStore             // retained, and not known here
)

// Stray counts a message that came to a group and is of none of the streams.
func (l *Ledger) Stray(group int, qos byte, k Kind) {
	if l.told != nil {
		l.told(Fact{What: toldStray, Group: group, QoS: qos, Kind: k})
	}
	l.stray(group, qos, k)
}

func (l *Ledger) stray(group int, qos byte, k Kind) {
	p := l.lock(group)
	defer p.mu.Unlock()
	row := p.row(uint16(group), qos)
	switch k {
	case Unstamped:
		row.Unstamped++
	case BadStamp:
		row.BadStamp++
	case Foreign:
		row.Foreign++
	case FromStore:
		row.FromStore++
	}
}

// add adds totals up, row by row.
func (l *Ledger) add(into []metrics.DeliveryTotals) {
	for i := range l.stripes {
		p := &l.stripes[i]
		p.mu.Lock()
		for k := range p.rows {
			into[k].Add(p.rows[k])
		}
		p.mu.Unlock()
	}
}
