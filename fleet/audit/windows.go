package audit

import (
	"math"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

// rules are what verdicts depend on besides the facts.
type rules struct {
	early, late, silence time.Duration
	gaps                 []gap // in which the auditor was not watching, in order
}

// gap is a time without the auditor.
type gap struct {
	from, to time.Duration
	forgot   bool // the broker lost its state in it
}

func newRules(s metrics.Slack, gaps []gap) rules {
	return rules{early: span(time.Duration(s.Early)), late: span(time.Duration(s.Late)), silence: span(time.Duration(s.Silence)), gaps: gaps}
}

// unwatched reports whether the auditor was away at any time from from to to.
func (u rules) unwatched(from, to time.Duration) bool {
	for i := len(u.gaps) - 1; i >= 0 && u.gaps[i].to > from; i-- {
		if u.gaps[i].from <= to {
			return true
		}
	}
	return false
}

// forgotten reports whether the broker lost its state between a CONNECT that it
// was sent and the latest moment for the Will in it.
func (u rules) forgotten(asked, limit time.Duration) bool {
	for i := len(u.gaps) - 1; i >= 0 && u.gaps[i].to >= asked; i-- {
		if u.gaps[i].forgot && u.gaps[i].from <= limit {
			return true
		}
	}
	return false
}

// window is when a Will may be published by one possible course of events: from
// the earliest moment to the latest by what is known, and to limit with what the
// broker may be late by. It may be seen early before the first, but not before
// born: no Will is published while its connection stands.
type window struct{ from, to, limit, born time.Duration }

// expectedWindows are those of all possible courses of events together.
type expectedWindows struct {
	room  [8]window
	n     int  // of them are in use
	never bool // in one of them no Will is published
	open  bool // in one of them the broker cannot know yet that the device is gone
}

// never is later than any moment.
const never = math.MaxInt64

// after adds without running over.
func after(t, d time.Duration) time.Duration {
	if t > never-d {
		return never
	}
	return t + d
}

func (p *expectedWindows) windows() []window { return p.room[:p.n] }

func (p *expectedWindows) add(w window) {
	switch {
	case slices.Contains(p.windows(), w):
	case p.n < len(p.room):
		p.room[p.n] = w
		p.n++
	default: // rather too wide than to blame without a cause
		l := &p.room[p.n-1]
		l.from, l.to, l.limit, l.born = min(l.from, w.from), max(l.to, w.to), max(l.limit, w.limit), min(l.born, w.born)
	}
}

// onTime finds the window in which a Will was seen, and for how long it was due
// by the latest of them.
func (p *expectedWindows) onTime(at time.Duration, u rules) (delay time.Duration, ok bool) {
	for _, w := range p.windows() {
		if at >= w.from-u.early && at <= w.limit {
			d := max(0, at-w.to)
			if !ok || d < delay {
				delay = d
			}
			ok = true
		}
	}
	return delay, ok
}

// hull is the window around all windows.
func (p *expectedWindows) hull() window {
	h := p.room[0]
	for _, w := range p.room[1:p.n] {
		h.from, h.to, h.limit, h.born = min(h.from, w.from), max(h.to, w.to), max(h.limit, w.limit), min(h.born, w.born)
	}
	return h
}

// death is a way in which the broker may have seen a connection end, unless
// another connection took the session over before: not before lo, by to if
// everything is prompt, by hi at the latest. Then a Will is due d later, seen by
// limit and d at the latest.
type death struct {
	lo, to, hi, limit time.Duration
	born              time.Duration // the Will cannot have been published before
	d                 time.Duration
	session           time.Duration // expires that much later
	will, none        bool          // a Will follows; none does; or one of the two
}

// deaths lists them; no connection has more than three, or with a lapse four.
func (r *record) deaths(u rules, list []death) []death {
	delay := min(r.willDelay, r.expiry) // 3.1.3.2.2, 3.1.2.11.2
	if r.isEnded && r.how != TakenOver {
		e := death{lo: r.from, born: r.from, to: r.to, hi: r.to, limit: r.to + u.late, d: delay, session: r.expiry, will: true}
		if r.endExpiry >= 0 { // 3.14.2.2.2
			e.d, e.session = min(r.willDelay, r.endExpiry), r.endExpiry
		}
		if !r.confirmed {
			e.hi = e.limit
		}
		if r.how == Orderly { // 3.14.4-3
			e.will, e.none = r.unsure, true
		}
		list = append(list, e)
	}
	if at, ok := r.timesOut(); ok && r.isSilent && !(r.isEnded && r.how == TakenOver) {
		t := death{lo: at, born: at - u.early, to: at + r.spare, hi: at + r.spare + u.silence + u.late, d: delay, session: r.expiry, will: true}
		t.limit = t.hi
		if len(list) > 0 {
			// Whichever of time-out and socket's end is first: the other comes to nothing.
			e := list[0]
			list = list[:0]
			if e.lo <= t.hi {
				list = append(list, e.by(t.hi))
			}
			t = t.by(e.hi)
			t.limit = min(t.limit, e.limit)
		}
		if t.lo <= t.hi {
			list = append(list, t)
		}
	}
	if r.lapsed && !(r.isEnded && r.how == TakenOver) && r.aliveAt() <= r.lapseTo+u.late {
		// It had perhaps died before, and the device did not know.
		if r.isEnded && !r.isSilent && r.how == ByBroker && r.from < r.lapseTo {
			list = r.aroundLapse(u, list)
		}
		list = append(list, r.lapse(u, delay))
	}
	return list
}

// aroundLapse takes the silence out of the time in which the broker may have
// closed the connection: during the silence it does that as the Keep Alive wants,
// and if that is long over, it had to.
func (r *record) aroundLapse(u rules, list []death) []death {
	e := list[0]
	list = list[:0]
	if e.lo < r.lastSent {
		b := e.by(r.lastSent)
		b.limit = b.to + u.late
		list = append(list, b)
	}
	e.lo = r.lapseTo
	if e.lo <= e.hi && !r.lapseTooLong {
		list = append(list, e)
	}
	return list
}

// by bounds when a connection died.
func (e death) by(hi time.Duration) death {
	e.to, e.hi = min(e.to, hi), min(e.hi, hi)
	return e
}

// lapse is that the Keep Alive ran out during a silence that came to an end.
func (r *record) lapse(u rules, delay time.Duration) death {
	hi := min(r.lapseLast+u.silence, r.lapseTo) + u.late
	return death{lo: r.lapseFrom, born: r.lapseFrom - u.early, to: r.lapseFrom, hi: hi, limit: hi, d: delay, session: r.expiry, will: true}
}

// successor is a connection that may have taken the session from another.
type successor struct {
	*record
	lo, hi time.Duration // the broker did it in between
	forced bool          // it did so though the device knew nothing of it
}

// successors finds who may have been the first to take the session after r.
// certain says that somebody did.
func (b *book) successors(r *record, u rules, list []successor) (_ []successor, certain bool) {
	first := time.Duration(never) // by when the first of those did that certainly did
	for i := range b.records {
		n := &b.records[i]
		if n == r || n.session != r.session || n.state == unheardOf {
			continue
		}
		s := successor{record: n, lo: max(n.asked, r.asked), hi: n.answered}
		if n.state == unanswered {
			s.hi += u.late // the device gave up, its CONNECT may not have
		}
		if s.hi < r.asked {
			continue
		}
		if s.hi < r.aliveAt()-u.late {
			// Had it been after r, the device had heard of it.
			if n.asked <= r.answered {
				continue
			}
			s.forced = true
		}
		if r.isEnded && r.how == TakenOver {
			s.lo, s.hi = max(s.lo, r.from-u.late), min(s.hi, r.to)
			if s.lo > s.hi {
				continue
			}
		}
		// Moments that are equal, as under a clock that moves in leaps, say nothing.
		if n.state == accepted && r.answered < n.asked {
			certain = true
			first = min(first, s.hi)
		}
		list = append(list, s)
	}
	if !certain {
		return list, false
	}
	kept := list[:0]
	for _, s := range list {
		if s.lo <= first {
			s.hi = min(s.hi, first)
			kept = append(kept, s)
		}
	}
	return kept, true
}

// expectedWindows works out what may become of the Will of a connection.
func (b *book) expectedWindows(r *record, u rules) (p expectedWindows) {
	switch {
	case !r.hasWill || r.state == unheardOf:
		p.never = true
		return p
	case r.state == unanswered:
		// If the broker took it, it may have found out at any time that it ended,
		// and how the CONNACK would have changed the delay nobody knows.
		p.add(window{r.asked, never, never, r.asked})
		p.never = true
		return p
	case r.isEnded && r.how == Shutdown:
		p.add(window{r.from, never, never, r.from})
		return p
	}
	var deathRoom [4]death
	var successorRoom [8]successor
	deaths := r.deaths(u, deathRoom[:0])
	next, certain := b.successors(r, u, successorRoom[:0])
	for _, n := range next {
		p.takeOver(r, n, deaths, u)
		for _, e := range deaths {
			p.reconnected(n, e, u)
		}
	}
	taken := r.isEnded && r.how == TakenOver
	if certain || taken && len(next) > 0 {
		return p
	}
	// Or nobody took it.
	for _, e := range deaths {
		p.expire(e)
	}
	switch {
	case taken: // by somebody who is no device
		p.add(window{r.from, r.to, r.to + u.late, r.from})
		if min(r.willDelay, r.expiry) > 0 {
			p.never = true
		}
	case r.isSilent && len(deaths) == 0:
		p.never, p.open = true, true
	case r.open():
		p.never = true
	}
	return p
}

// takeOver adds that n found the connection still open (3.1.4-3).
func (p *expectedWindows) takeOver(r *record, n successor, deaths []death, u rules) {
	hi := time.Duration(never)
	if len(deaths) > 0 && !r.open() {
		hi = deaths[0].hi
		for _, e := range deaths[1:] {
			hi = max(hi, e.hi)
		}
		if n.lo > hi && !n.forced {
			return
		}
	}
	switch {
	case min(r.willDelay, r.expiry) == 0, n.cleanStart, n.state == accepted && !n.present:
		to := max(n.lo, min(n.hi, hi))
		p.add(window{n.lo, to, to + u.late, n.lo})
	default: // 3.1.3-9
		p.never = true
	}
}

// reconnected adds that n came when the connection had ended.
func (p *expectedWindows) reconnected(n successor, e death, u rules) {
	if e.lo > n.hi {
		return
	}
	if e.none {
		p.never = true
	}
	if !e.will {
		return
	}
	w := window{after(e.lo, e.d), after(e.to, e.d), after(e.limit, e.d), e.born}
	bounded := window{w.from, min(w.to, n.hi), min(w.limit, n.hi+u.late), e.born}
	switch {
	case e.d == 0:
		p.add(bounded)
	case n.cleanStart: // 3.1.3-9, 3.1.2-4: the session ends, if it had not yet
		bounded.from = min(w.from, max(e.lo, n.lo))
		p.add(bounded)
	case n.state == accepted && !n.present: // 3.1.2-7: it had ended
		if n.hi < after(e.lo, e.session)-u.early {
			bounded.from = e.lo // before its time, nobody knows when
		}
		p.add(bounded)
	default:
		if w.from-u.early <= n.hi {
			bounded.from = min(bounded.from, n.hi)
			p.add(bounded)
		}
		if n.lo < w.limit { // 3.1.3-9
			p.never = true
		}
	}
}

// expire adds that nobody came.
func (p *expectedWindows) expire(e death) {
	if e.none {
		p.never = true
	}
	if e.will { // 3.1.2-8
		p.add(window{after(e.lo, e.d), after(e.to, e.d), after(e.limit, e.d), e.born})
	}
}
