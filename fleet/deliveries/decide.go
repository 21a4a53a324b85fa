package deliveries

import (
	"fmt"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

// coverage is when an account had somebody who was subscribed. Ledger.mu guards it.
type coverage struct {
	changes []change // in order
	up      int      // members that are subscribed
	over    bool     // there were too many changes: it counts as away from the last on
}

// change is a member that came or went.
type change struct {
	epoch uint32
	loss  bool // one went, and what was on its way to it may be gone
	up    bool // somebody is subscribed from here on
}

// mostChanges bounds what is kept of an account, to 768 KiB.
const mostChanges = 1 << 16

func (c *coverage) note(epoch uint32, members int, loss bool) {
	c.up += members
	if c.over {
		return
	}
	c.over = len(c.changes) >= mostChanges-1
	c.changes = append(c.changes, change{epoch, loss, c.up > 0 && !c.over})
}

// covered reports whether somebody was subscribed when a message of an epoch was
// sent.
func (c *coverage) covered(epoch uint32) bool {
	i := c.after(epoch)
	return i > 0 && c.changes[i-1].up
}

// after returns the first change after an epoch.
func (c *coverage) after(epoch uint32) int {
	i, _ := slices.BinarySearchFunc(c.changes, epoch, func(c change, epoch uint32) int {
		if c.epoch <= epoch {
			return -1
		}
		return 1
	})
	return i
}

// lost reports whether a member went after one epoch and not after another.
func (c *coverage) lost(after, until uint32) bool {
	for i := c.after(after); i < len(c.changes) && c.changes[i].epoch <= until; i++ {
		if c.changes[i].loss {
			return true
		}
	}
	return false
}

// Up notes that a watcher has its SUBACK, with the QoS that it was granted:
// whatever a device sends after this is for it.
func (l *Ledger) Up(group, member int, granted byte) { l.change(group, member, 1, &granted) }

// Down notes that the session of a watcher has ended: what was sent before this
// may not have come to it, and what is sent after it will not.
func (l *Ledger) Down(group, member int) { l.change(group, member, -1, nil) }

func (l *Ledger) change(group, member, n int, granted *byte) {
	g := &l.groups[group]
	if granted != nil {
		g.granted.CompareAndSwap(-1, int32(min(*granted, g.QoS)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told != nil {
		f := Fact{What: toldDown, Group: group, Member: member}
		if granted != nil {
			f.What, f.QoS = toldUp, *granted
		}
		l.told(f)
	}
	epoch := l.epoch.Load() + 1
	g.accounts[g.accountOf(member)].note(epoch, n, n < 0)
	l.epoch.Store(epoch)
	l.lookAgain()
}

// ending says how a ledger is closed, for what nothing came behind.
type ending struct {
	closing bool
	behind  bool // the account was not done with what it had
}

// giveUp decides what is missing in the oldest words of a receipt, in which there
// is no room for what is coming.
func (l *Ledger) giveUp(p *stripe, s *stream, r *receipt, group, account int, words, coming uint32) {
	to := r.floor + 64*words
	r.gaps(min(to, s.sent), func(g gap) {
		if !g.closed {
			g.next, g.closed = coming, true
		}
		if l.decide(p.rows, s, group, account, g, ending{}) {
			r.beyond().missed = true
		}
	})
	r.skip(words)
}

// letGo gives up what is missing of what a stream sent in circumstances long gone,
// half of those that are kept ago, if later messages of it have come since.
func (l *Ledger) letGo(p *stripe, s *stream) {
	if s.receipts == nil {
		return // nothing has come yet
	}
	limit := s.segments[len(s.segments)-manySegments/2].from
	for _, o := range s.odd {
		if o.what&unsent != 0 && s.segments[s.at(o.seq)].qos > 0 {
			limit = min(limit, o.seq) // it may be sent yet
			break
		}
	}
	at := 0
	for _, m := range s.topic {
		for account := range l.groups[m.group].accounts {
			r := &s.receipts[at]
			at++
			if to := min(limit, r.top); to >= r.floor+64 {
				l.giveUp(p, s, r, int(m.group), account, (to-r.floor)/64, to)
			}
		}
	}
	s.prune()
}

// decide says what became of messages that did not come. It reports whether there
// are any, of those that were sent.
func (l *Ledger) decide(rows []metrics.DeliveryTotals, s *stream, group, account int, g gap, e ending) (missed bool) {
	now := l.epoch.Load()
	grp := &l.groups[group]
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &grp.accounts[account]
	last := len(s.segments) - 1
	nextSegment, nextEpoch := last, now
	if g.closed {
		nextSegment = s.at(g.next)
		nextEpoch = s.segments[nextSegment].epoch
	}
	for i := s.at(g.from); i <= last && s.segments[i].from < g.to; i++ {
		seg := &s.segments[i]
		from, to := max(g.from, seg.from), min(g.to, s.end(i))
		n := int64(to) - int64(from)
		if n <= 0 {
			continue
		}
		missed = true
		if !seg.measured {
			continue
		}
		row := &rows[3*group+int(grp.qos(seg.qos))]
		k, _ := s.oddity(from)
		for ; k < len(s.odd) && s.odd[k].seq < to; k++ {
			switch what := s.odd[k].what; {
			case what&unsent != 0:
			case what&refused != 0:
				row.Refused++
			case what&unacked != 0:
				row.Unconfirmed++
			default:
				continue
			}
			n--
		}
		cut := !g.closed && s.cut
		for j := i + 1; j <= nextSegment; j++ {
			cut = cut || s.segments[j].cut
		}
		until := nextEpoch
		if grp.Shared {
			until = now // the next one may have come to another member
		}
		switch {
		case !c.covered(seg.epoch), c.lost(seg.epoch, until), grp.Shared && l.elsewhere:
			row.Unwatched += n
		case seg.qos == 0 && cut, s.blurred:
			row.Unconfirmed += n
		case e.closing && e.behind && !g.closed:
			row.Unfinished += n
		default:
			row.Lost += n
		}
	}
	return missed
}

// walk decides everything that is not decided, into rows; of each gap, so much as
// part leaves of it, unless that is nil.
func (l *Ledger) walk(ending func(group, account int) ending, part func(*stream, gap) (gap, bool), rows []metrics.DeliveryTotals, settle bool) {
	for i := range l.streams {
		p := l.lock(i / l.slots)
		s := l.streams[i]
		if s == nil {
			p.mu.Unlock()
			continue
		}
		at := 0
		var none receipt
		for _, m := range s.topic {
			for account := range l.groups[m.group].accounts {
				r := &none
				if s.receipts != nil {
					r = &s.receipts[at]
				}
				at++
				e := ending(int(m.group), account)
				r.gaps(s.sent, func(g gap) {
					if part != nil {
						var some bool
						if g, some = part(s, g); !some {
							return
						}
					}
					into := rows
					if settle {
						into = p.rows
					}
					l.decide(into, s, int(m.group), account, g, e)
				})
			}
		}
		if settle {
			*s = stream{}
			l.streams[i] = nil
		}
		p.mu.Unlock()
	}
}

// Overdue is Deliveries, but what is overdue counts as lost already: it was sent
// before this was called last, has not come, and something behind it has. Whoever
// asks at intervals says by their length how much time everything has to come. It
// looks at every topic.
func (l *Ledger) Overdue() []metrics.Delivery {
	rows := make([]metrics.DeliveryTotals, 3*len(l.groups))
	l.walk(func(int, int) ending { return ending{} }, func(s *stream, g gap) (gap, bool) {
		g.to = min(g.to, s.asked)
		return g, g.closed && g.from < g.to
	}, rows, false)
	for i := range l.streams {
		p := l.lock(i / l.slots)
		if s := l.streams[i]; s != nil {
			s.asked = s.sent
		}
		p.mu.Unlock()
	}
	return l.deliveries(rows)
}

// Close decides what is left. Interrupted says that the run ended before what was
// on its way could come; slow is how long a message takes a watcher of a group.
// Nothing may be noted afterwards.
func (l *Ledger) Close(now time.Duration, interrupted bool, slow func(group int) time.Duration) {
	if l.told != nil {
		f := Fact{What: toldClosed, At: now, Interrupted: interrupted}
		for g := range l.groups {
			f.Slow = append(f.Slow, slow(g))
		}
		l.told(f)
	}
	l.walk(func(group, account int) ending {
		e := ending{closing: true, behind: interrupted}
		g := &l.groups[group]
		members := g.members[account : account+1]
		if g.Shared {
			members = g.members
		}
		for i := range members {
			e.behind = e.behind || members[i].behind(now, slow(group))
		}
		return e
	}, nil, nil, true)
}

// Deliveries returns what became of all so far, by group and QoS; rows in which
// there is nothing are left out. What is missing is outstanding until the ledger
// is closed, but for what was given up to bound its memory.
func (l *Ledger) Deliveries() []metrics.Delivery {
	return l.deliveries(make([]metrics.DeliveryTotals, 3*len(l.groups)))
}

// deliveries returns the totals so far on top of those of rows.
func (l *Ledger) deliveries(rows []metrics.DeliveryTotals) []metrics.Delivery {
	l.add(rows)
	var all []metrics.Delivery
	for i := range rows {
		t := &rows[i]
		if *t == (metrics.DeliveryTotals{}) {
			continue
		}
		t.Outstanding = t.Sent - t.Expected() - t.Unjudged()
		g := &l.groups[i/3]
		all = append(all, metrics.Delivery{Watcher: g.Name, Shared: g.Shared, Watchers: g.Members, QoS: byte(i % 3), DeliveryTotals: *t})
	}
	return all
}

// Messages returns how many messages were sent in the measuring, whoever watches.
func (l *Ledger) Messages() (n int64) {
	for i := range l.stripes {
		p := &l.stripes[i]
		p.mu.Lock()
		n += p.sent
		p.mu.Unlock()
	}
	return n
}

// Check returns an error if a sum does not hold: it counts anew what is not
// decided, message by message.
func (l *Ledger) Check() error {
	held := make([]metrics.DeliveryTotals, 3*len(l.groups))
	l.walk(func(int, int) ending { return ending{} }, nil, held, false)
	rows := make([]metrics.DeliveryTotals, 3*len(l.groups))
	l.add(rows)
	for i := range rows {
		rows[i].Outstanding = held[i].Lost + held[i].Unjudged()
		if err := rows[i].Check(); err != nil {
			return fmt.Errorf("the deliveries to %s at QoS %d: %w", l.groups[i/3].Name, i%3, err)
		}
	}
	return nil
}
