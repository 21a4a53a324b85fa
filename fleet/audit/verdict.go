package audit

import (
	"time"

	"homefleet/fleet/metrics"
)

// Verdict is what became of an outage's Will.
type Verdict uint8

// The verdicts.
const (
	Pending    Verdict = iota // it is not decided yet
	NotDue                    // no Will was to follow, and none came
	OnTime                    // it came when due, within the slack
	Early                     // it came before
	Late                      // it came after
	Missing                   // it did not come
	Unwatched                 // the auditor was away, or the run ended, before it had to come
	Unexpected                // it came and was not due
)

var verdictNames = [...]string{"pending", "not due", "on time", "early", "late", "missing", "unwatched", "unexpected"}

func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// tally is what a record adds to the sums. Pending adds no outage.
type tally struct {
	verdict               Verdict   // never Unexpected: that is NotDue with messages
	why                   unwatched // with Unwatched
	blind                 bool      // with NotDue: the auditor was away as it ended
	maybe                 bool      // with NotDue: a Will may have been due, and none came
	consumed, learned     bool
	way                   int32
	came                  uint32 // 1 if the outage's own Will is counted
	duplicate, unexpected uint32
	altered               uint32
}

// addTo adds the tally sign times.
func (t tally) addTo(w *metrics.WillTotals, sign int64) {
	w.Messages += sign * int64(t.came+t.duplicate+t.unexpected)
	w.Duplicate += sign * int64(t.duplicate)
	w.Unexpected += sign * int64(t.unexpected)
	w.Altered += sign * int64(t.altered)
	if t.verdict == Pending {
		return
	}
	w.Outages += sign
	if t.consumed {
		w.Consumed += sign
	}
	if t.learned {
		w.Learned += sign
	}
	if t.verdict == NotDue {
		w.NotDue += sign
		if t.blind {
			w.NotDueUnwatched += sign
		}
		if t.maybe {
			w.MaybeDue += sign
		}
		return
	}
	w.Due += sign
	switch t.verdict {
	case OnTime:
		w.OnTime += sign
	case Early:
		w.Early += sign
	case Late:
		w.Late += sign
	case Missing:
		w.Missing += sign
	case Unwatched:
		w.Unwatched += sign
		switch t.why {
		case auditorAway:
			w.AuditorAway += sign
		case runEnded:
			w.RunEnded += sign
		case brokerGone:
			w.BrokerGone += sign
		}
	}
}

// unwatched is why a Will that was due is not judged.
type unwatched uint8

const (
	auditorAway unwatched = iota + 1 // it had no connection, or had not begun
	runEnded                         // before the Will had to come
	brokerGone                       // it went away, or lost its sessions
)

// finding is the verdict on a record as things stand.
type finding struct {
	tally
	decided bool          // time alone will not change it
	delay   time.Duration // of a Will that came when due
	// The Will was or is due, by all or some of the courses of events.
	due   bool
	bound window // around all windows, if due
}

// docket is what a verdict is found by.
type docket struct {
	rules
	now     time.Duration
	closing bool // it is the end
	// A nameless Will waits to be told whose it is: outages without one too.
	held bool
}

// over reports whether a moment is so long ago that what was known of it then
// has been reported.
func (d *docket) over(at time.Duration) bool { return d.closing || d.now > after(at, d.late) }

// overFor is over, and that the end of the connection is as long ago: who took it
// over has been reported.
func (d *docket) overFor(r *record, at time.Duration) bool {
	return d.over(at) && (!r.isEnded || d.over(r.to))
}

// find finds the verdict on a connection.
func (b *book) find(r *record, d docket) (f finding) {
	f.way = int32(r.way)
	f.decided = true
	out := r.outage()
	if !out && len(r.seen) == 0 {
		return f
	}
	p := b.expectedWindows(r, d.rules)
	if f.due = p.n > 0; f.due {
		f.bound = p.hull()
	}
	if len(r.seen) > 0 {
		f.sighted(r, &p, d)
	} else {
		f.unseen(r, &p, d)
	}
	if f.verdict == NotDue {
		f.blind = f.unexpected == 0 && d.unwatched(r.gone())
	}
	if r.other && f.verdict == NotDue && len(r.seen) == 0 {
		f.verdict = Pending // and stays so: there was no outage
	}
	if f.verdict != Pending {
		f.consumed, f.learned = r.consumed, r.learned
	}
	return f
}

// unseen judges an outage without a Will.
func (f *finding) unseen(r *record, p *expectedWindows, d docket) {
	switch {
	case !f.due && p.open && !d.closing: // silent, with no Keep Alive to find out by
		f.decided = false
	case !f.due:
		f.verdict = NotDue
	case r.isEnded && r.how == Shutdown:
		f.verdict, f.why = Unwatched, brokerGone
	case !d.overFor(r, f.bound.limit), d.held && !d.closing, p.open && !d.closing:
		f.decided = false
	case p.never:
		f.verdict, f.maybe = NotDue, true
	case d.forgotten(r.asked, f.bound.limit):
		f.verdict, f.why = Unwatched, brokerGone
	case d.now <= f.bound.limit: // the auditor leaves at the end, too
		f.verdict, f.why = Unwatched, runEnded
	case d.missed(p):
		f.verdict, f.why = Unwatched, auditorAway
	default:
		f.verdict = Missing
	}
}

// missed reports whether the auditor was away when a Will may have come.
func (d *docket) missed(p *expectedWindows) bool {
	for _, w := range p.windows() {
		if d.unwatched(max(w.from-d.early, w.born), w.limit) {
			return true
		}
	}
	return false
}

// sighted judges a connection of which a Will was seen.
func (f *finding) sighted(r *record, p *expectedWindows, d docket) {
	first := r.seen[0]
	delay, onTime := p.onTime(first.at, d.rules)
	out := r.outage()
	if !onTime && !d.overFor(r, first.at) {
		f.decided = false
		return
	}
	switch {
	case onTime:
		f.verdict, f.delay = OnTime, delay
		if !out && !r.lapsed {
			f.way = wayTakenOver
			if r.state == unanswered {
				f.way = wayUnanswered
			}
		}
	case r.open() && f.due && first.at > f.bound.limit && d.missed(p):
		return // it may have been taken over while the auditor was away
	case !out || !f.due:
		if f.verdict = NotDue; !out {
			f.verdict, f.way = Pending, wayNone
		}
		f.unexpected = uint32(len(r.seen)) + r.beyond
		f.altered = r.beyondAltered
		for _, s := range r.seen {
			f.spoilt(s)
		}
		return
	case first.at < f.bound.from-d.early:
		f.verdict = Early
	case d.missed(p):
		f.verdict, f.why = Unwatched, auditorAway
	default:
		f.verdict, f.delay = Late, max(0, first.at-f.bound.to)
	}
	if f.verdict != Unwatched {
		f.came = 1
		f.spoilt(first)
	}
	for i, s := range r.seen[1:] {
		if !d.unwatched(r.seen[i].at, s.at) {
			f.duplicate++
			f.spoilt(s)
		}
	}
	f.duplicate += r.beyond
	f.altered += r.beyondAltered
}

func (f *finding) spoilt(s sighting) {
	if s.altered {
		f.altered++
	}
}
