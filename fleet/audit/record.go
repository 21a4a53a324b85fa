package audit

import (
	"slices"
	"time"
)

// record is what is known of one connection of a device. Facts are kept as they
// were reported, so that the verdict can be found anew whenever one is added.
type record struct {
	conn, session   uint32
	state           state
	cleanStart      bool
	present         bool // Session Present
	hasWill         bool
	other           bool          // of a second client
	asked, answered time.Duration // the broker took the session in between
	willDelay       time.Duration
	expiry          time.Duration
	keepAlive       time.Duration

	isSilent          bool // and not audible again
	isEnded           bool
	confirmed, unsure bool
	how               Ending
	lastSent          time.Duration // with isSilent
	spare             time.Duration // of that, at its end: perhaps nothing of it arrived
	from, to          time.Duration // with isEnded
	endExpiry         time.Duration // of the DISCONNECT; negative: it had none

	// A silence that was longer than the Keep Alive allows and yet ended, or
	// several with no more than a moment between them: the broker may have closed
	// the connection from lapseFrom on, and for the last of them from lapseLast
	// on, until packets passed again at lapseTo; it had to if that was too long.
	lapsed, lapseTooLong          bool
	lapseFrom, lapseLast, lapseTo time.Duration

	way               int // in stripe.ways
	consumed, learned bool
	timed             bool // Config.Delay was told
	seen              []sighting
	beyond            uint32 // sightings that seen has no room for
	beyondAltered     uint32

	counted tally // in the stripe's sums
	decided bool  // as of the stripe's now
}

type state uint8

const (
	unheardOf  state = iota // nothing was said about its CONNECT yet
	accepted                // CONNACK with success
	unanswered              // a CONNECT without CONNACK
)

// sighting is a Will that the auditor saw.
type sighting struct {
	at      time.Duration
	altered bool
}

// mostSightings are told apart for one connection.
const mostSightings = 8

// span makes d something that sums of a few cannot overflow.
func span(d time.Duration) time.Duration { return min(max(d, 0), Forever) }

func (r *record) connected(c Connection) {
	r.state = accepted
	r.session = c.Session
	r.cleanStart, r.present, r.hasWill, r.other = c.CleanStart, c.SessionPresent, c.HasWill, c.Other
	r.asked, r.answered = c.Asked, max(c.Asked, c.Answered)
	r.willDelay, r.expiry, r.keepAlive = span(c.WillDelay), span(c.SessionExpiry), span(c.KeepAlive)
}

func (r *record) unanswered(t Attempt) {
	r.state = unanswered
	r.session = t.Session
	r.cleanStart, r.hasWill = t.CleanStart, t.HasWill
	r.asked, r.answered = t.Asked, max(t.Asked, t.GaveUp)
}

func (r *record) silent(way int, lastSent time.Duration) {
	if r.isEnded || r.isSilent {
		return
	}
	r.isSilent, r.way, r.lastSent, r.spare = true, way, lastSent, 0
}

func (r *record) lost(after time.Duration) {
	if r.isSilent && !r.isEnded {
		r.spare = max(r.lastSent-after, 0)
	}
}

func (r *record) audible(at time.Duration, u rules) {
	if !r.isSilent || r.isEnded {
		return
	}
	r.isSilent = false
	due, ok := r.timesOut()
	out := ok && at >= due
	// A moment between two silences is too short to hear of the end.
	again := r.lapsed && r.lastSent <= r.lapseTo+u.late
	if !again && !out {
		return
	}
	if !r.lapsed || !again && len(r.seen) == 0 {
		r.lapseFrom = due
	}
	if out {
		r.lapseLast = due + r.spare
	}
	tooLong := out && at > due+r.spare+u.silence+u.late
	r.lapseTooLong = tooLong || again && r.lapseTooLong
	r.lapsed, r.lapseTo = true, at
}

// timesOut returns when the broker may close a silent connection at the
// earliest: its timer starts when it receives a packet, which is not before that
// was sent (3.1.2-22). If nothing was lost it is later, by spare.
func (r *record) timesOut() (at time.Duration, ok bool) {
	return r.lastSent - r.spare + r.keepAlive + r.keepAlive/2, r.keepAlive > 0
}

func (r *record) ended(way int, e End) {
	if r.isEnded {
		return
	}
	r.isEnded, r.how = true, e.How
	r.from, r.to = e.From, max(e.From, e.To)
	r.confirmed = e.Confirmed || e.How == ByBroker || e.How == TakenOver
	r.unsure = e.Unsure && e.How == Orderly
	r.endExpiry = -1
	if e.SessionExpiry != nil && e.How == WithWill {
		r.endExpiry = span(*e.SessionExpiry)
	}
	if !r.isSilent {
		r.way = way
	}
}

func (r *record) see(at time.Duration, altered bool) {
	if len(r.seen) == mostSightings {
		r.beyond++
		if altered {
			r.beyondAltered++
		}
		return
	}
	i := len(r.seen)
	for i > 0 && r.seen[i-1].at > at {
		i--
	}
	r.seen = slices.Insert(r.seen, i, sighting{at, altered})
}

// outage reports whether the device reported the connection as gone.
func (r *record) outage() bool { return r.state == accepted && (r.isEnded || r.isSilent) }

// gone is when the device went, as far as it knows.
func (r *record) gone() (from, to time.Duration) {
	if r.isSilent {
		return r.lastSent, r.lastSent
	}
	return r.from, r.to
}

// open reports whether the connection still stands, as far as is known.
func (r *record) open() bool { return r.state == accepted && !r.isEnded && !r.isSilent }

// aliveAt is the last moment at which the connection was certainly not taken
// over, so far as a device can know: it had not heard of it.
func (r *record) aliveAt() time.Duration {
	switch {
	case r.isSilent:
		return r.lastSent - r.spare
	case r.isEnded:
		return r.from
	}
	return r.asked
}
