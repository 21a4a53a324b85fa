package fleet

import (
	"errors"
	"syscall"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
)

// pursuit is that a device is followed until it is back from one occurrence of an
// incident. Those of one device form a list, in the order in which they struck.
type pursuit struct {
	rec     *recovery
	overlap bool // another struck the device before it was back
	asked   bool // the referee asks, or has asked, whether the device answers
	next    *pursuit
}

// mostPursuits bounds them: a device that does not come back for that many
// incidents is not back from the first of them, whatever happens later.
const mostPursuits = 64

// struckBy has the device be followed until it is back from an incident, which
// is still to come. One that is not back from an earlier one is followed for both.
func (r *responder) struckBy(rec *recovery) {
	if r.Cause() != nil {
		return // it was refused for good before it could be struck
	}
	rec.struck()
	p := &pursuit{rec: rec}
	end, n := &r.recovering, 0
	for ; *end != nil; end = &(*end).next {
		n++
		(*end).overlaps()
		p.overlaps()
	}
	*end = p
	if n >= mostPursuits {
		r.recovering.isLost()
		r.recovering = r.recovering.next
	}
}

// isLost ends a pursuit of a device that will not be back. The referee knows by
// itself whom it asks in vain.
func (p *pursuit) isLost() {
	p.rec.isLost()
	if !p.asked {
		p.rec.isMute()
	}
}

func (p *pursuit) overlaps() {
	if !p.overlap {
		p.overlap = true
		p.rec.overlaps()
	}
}

// overWith has a device prove, now that the incident is over for it, that the
// connection it still has works: its socket alone does not know. A query of the
// referee's comes through if it does; where there is no referee the device asks
// for a sign of life. One that has no connection is back with the next.
func (r *responder) overWith(rec *recovery) {
	p := r.recovering
	for p != nil && p.rec != rec {
		p = p.next
	}
	switch {
	case p == nil || !r.Live():
	case r.fleet.asks():
		r.inquire(p)
	default:
		r.Ping(time.Now())
	}
}

// isBack notes that a device has come online on a new connection, and has it
// asked whether it answers.
func (r *responder) isBack() {
	if r.probed && r.fleet.asks() {
		r.fleet.referee.Tell(func() { r.fleet.referee.again(r.spec.Global) })
	}
	r.proven(r.fleet.now())
}

// proven notes that the connection was whole at a moment: the device is back from
// every incident that had let go of it by then.
func (r *responder) proven(at time.Duration) {
	if r.recovering == nil {
		return
	}
	now := r.fleet.now()
	for p := &r.recovering; *p != nil; {
		one := *p
		if at < one.rec.letsGo(r) { // with a Spread longer than the incident it may be struck yet
			p = &one.next
			continue
		}
		one.rec.isOnline(now)
		if !one.asked && r.fleet.asks() {
			r.inquire(one)
		}
		*p = one.next
	}
}

// Ponged implements [client.Ponged]: the PINGREQ of a moment was answered.
func (r *responder) Ponged(asked time.Duration) { r.proven(asked) }

// queried notes a query of the referee's, which the broker has passed on. One that
// is older than the end of the incident may have waited in a socket whose broker is
// done with it.
func (r *responder) queried(p *wire.Publish) {
	if r.fleet.asksThere(p.Props.ResponseTopic) {
		if q, ok := parseQuery(p.Props.CorrelationData); ok && q.device == r.spec.Global {
			r.proven(q.asked)
		}
	}
}

// inquire has the referee ask whether the device answers.
func (r *responder) inquire(p *pursuit) {
	r.probed, p.asked = true, true
	ref := r.fleet.referee
	ref.Tell(func() { ref.probe(r, p.rec) })
}

// isGone notes that the device will not be back from anything, so that nobody waits
// for it: neither those who follow it nor, as to its answers, the referee. It is
// called as the device ends, for whatever reason.
func (r *responder) isGone() {
	for p := r.recovering; p != nil; p = p.next {
		p.isLost()
	}
	r.recovering = nil
	if ref := r.fleet.referee; r.probed && ref != nil {
		ref.Tell(func() { ref.forget(r.spec.Global) })
	}
}

// Connecting implements connecting.
func (r *responder) Connecting() {
	for p := r.recovering; p != nil; p = p.next {
		p.rec.attempt(r.fleet.now())
	}
}

// ConnectFailed implements connectFailed: it notes why a try to connect came to nothing.
func (r *responder) ConnectFailed(err error) {
	if r.recovering == nil || r.IsEnding() {
		return
	}
	why := "connection failed"
	switch refused, ok := errors.AsType[*client.RefusedError](err); {
	case ok:
		why = wire.ReasonName(refused.Code)
	case errors.Is(err, client.ErrNoNetwork):
		why = "no network"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		why = "no file descriptor left"
	case errors.Is(err, client.ErrAway), errors.Is(err, client.ErrStopping):
		return
	}
	for p := r.recovering; p != nil; p = p.next {
		p.rec.failed(why)
	}
}
