package responder

import (
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/incident"
)

// Target is a device as incidents know it. It holds nothing but the pointer; most
// of what incidents do to a device its session does.
type Target struct{ *Responder }

// Tell implements incident.Target.
func (t Target) Tell(do func(incident.Device)) bool {
	return t.Responder.Tell(func() { do(t) })
}

// Duplicate implements incident.Identity.
func (t Target) Duplicate(clean bool) incident.Duplicate {
	return newDuplicate(t.Responder, clean)
}

// Disconnect implements incident.Presence. Nobody waits for a device that leaves, as stages
// have it, to be back from anything.
func (t Target) Disconnect(by client.Cause, how client.OfflineMode) {
	t.Responder.Disconnect(by, how)
	if by == client.NotPresent {
		t.recovering.Withdraw()
	}
}

// Follow implements incident.Followed. A device that was refused for good before it could
// be struck, or has left, is not struck.
func (t Target) Follow(rec *incident.Recovery) {
	if t.Cause() == nil && !t.HasLeft() {
		t.recovering.Add(rec)
	}
}

// IsOver implements incident.Followed. The socket of a connection alone does not know
// whether it still works: a query of the auditor's comes through if it does, and where
// there is no auditor the device asks for a sign of life. A device that has no connection
// is back with the next.
func (t Target) IsOver(rec *incident.Recovery) {
	if !t.Live() {
		return
	}
	ask := t.asker()
	if t.recovering.IsOver(rec, ask) && ask == nil {
		t.Ping(time.Now())
	}
}

// TargetOf returns a device as incidents know it; nil where it is not there yet, or no
// more, so that nothing befalls it.
func TargetOf(r *Responder) incident.Target {
	if r.IsAbsent() || r.HasLeft() {
		return nil
	}
	return Anybody(r)
}

// Anybody is TargetOf also for one that is not there yet.
func Anybody(r *Responder) incident.Target {
	if r.IsRemoved() {
		return nil
	}
	return Target{Responder: r}
}
