package responder

import (
	"errors"
	"syscall"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/incident"
	"homefleet/fleet/wire"
)

// What of a device tells whether it is back from the incidents that struck it stands here;
// see [incident.Recovering].

// isBack notes that a device has come online on a new connection, and has it
// asked whether it answers.
func (r *Responder) isBack() {
	if r.probed && r.env.Asks() {
		r.env.Auditor.Again(r.spec.Global)
	}
	r.proven(r.env.now())
}

// proven notes that the connection was whole at a moment.
func (r *Responder) proven(at time.Duration) {
	if !r.recovering.None() {
		r.recovering.Proven(r.spec.Global, at, r.env.now(), r.asker())
	}
}

// Ponged implements [client.Ponged]: the PINGREQ of a moment was answered.
func (r *Responder) Ponged(asked time.Duration) { r.proven(asked) }

// PingIfRecovering has a device that is recovering find out by itself whether its connection
// works.
func (r *Responder) PingIfRecovering(now time.Time) {
	if !r.recovering.None() && r.Live() {
		r.Ping(now)
	}
}

// queried notes a query of the auditor's, which the broker has passed on. One that
// is older than the end of the incident may have waited in a socket whose broker is
// done with it.
func (r *Responder) queried(p *wire.Publish) {
	if r.env.asksThere(p.Props.ResponseTopic) {
		if device, asked, ok := audit.Queried(p); ok && device == r.spec.Global {
			r.proven(asked)
		}
	}
}

// asker returns what has the auditor ask whether the device answers; nil where nobody
// asks.
func (r *Responder) asker() func(*incident.Recovery) {
	if !r.env.Asks() {
		return nil
	}
	return func(rec *incident.Recovery) {
		r.probed = true
		topic, payload := r.query()
		r.env.Auditor.Inquire(r.spec.Global, topic, payload, rec.LetsGo(r.spec.Global), rec)
	}
}

// query is how the device is asked for the value of its first attribute, which changes
// nothing.
func (r *Responder) query() (topic string, payload []byte) {
	who := r.spec.Who()
	at, payload := r.voice.(faces.Requester).AppendRequest(nil, nil, &who, 0, "")
	return string(at), payload
}

// isGone notes that the device will not be back from anything, so that nobody waits
// for it: neither those who follow it nor, as to its answers, the auditor. It is
// called as the device ends, for whatever reason.
func (r *Responder) isGone() {
	if r.IsRemoved() {
		r.recovering.Withdraw()
	}
	r.recovering.IsGone()
	if a := r.env.Auditor; r.probed && a != nil {
		a.Forget(r.spec.Global)
	}
}

// Connecting implements connecting.
func (r *Responder) Connecting() {
	if !r.recovering.None() {
		r.recovering.Attempt(r.env.now())
	}
}

// ConnectFailed implements connectFailed: it notes why a try to connect came to nothing,
// where the device is followed until it is back from an incident.
func (r *Responder) ConnectFailed(err error) bool {
	if r.recovering.None() || r.IsEnding() || errors.Is(err, client.ErrRenewing) {
		return false
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
		return true
	}
	r.recovering.Failed(why)
	return true
}
