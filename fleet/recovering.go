package fleet

import (
	"errors"
	"syscall"

	"homefleet/fleet/wire"
)

// struckBy has the device be followed until it is back from an incident, which
// is still to come. One that is not back from an earlier one is followed from the
// one on only that lets go of it last: it could not have been back before.
func (r *responder) struckBy(rec *recovery) {
	if old := r.recovering; old != nil {
		if rec.mild || !old.mild && old.letsGo(r) > rec.letsGo(r) {
			return
		}
		old.spared()
	}
	if r.probed {
		r.probed = false
		r.fleet.referee.inbox.put(func() { r.fleet.referee.cancel(r.number) })
	}
	r.recovering = rec
	rec.struck()
}

// overWith notes that the incident is over: a device that is online is back.
func (r *responder) overWith(rec *recovery) {
	if r.recovering == rec && r.live() && r.hasNetwork() && !r.link.forgotten && !r.away {
		r.isBack()
	}
}

// isBack notes that a device is online that had been struck, and has it asked
// whether it answers.
func (r *responder) isBack() {
	rec, now := r.recovering, r.fleet.now()
	if rec == nil && r.probed && r.fleet.asks() {
		r.fleet.referee.inbox.put(func() { r.fleet.referee.again(r.number) })
	}
	if rec == nil || now < rec.letsGo(r) {
		return // with a Spread longer than the incident it may be struck yet
	}
	since := rec.isOnline(now)
	if ref := r.fleet.referee; r.fleet.asks() {
		r.probed = true
		ref.inbox.put(func() { ref.probe(r, rec, since) })
	}
	r.recovering = nil
}

// attempt implements actor.
func (r *responder) attempt() {
	if r.recovering != nil {
		r.recovering.attempt(r.fleet.now())
	}
}

// attemptFailed notes why a try to connect came to nothing.
func (r *responder) attemptFailed(err error) {
	if r.recovering == nil || r.stopping {
		return
	}
	why := "connection failed"
	switch refused, ok := errors.AsType[*RefusedError](err); {
	case ok:
		why = wire.ReasonName(refused.Code)
	case errors.Is(err, errNoNetwork):
		why = "no network"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		why = "no file descriptor left"
	case errors.Is(err, errAway), errors.Is(err, errStopping):
		return
	}
	r.recovering.failed(why)
}
