package responder

import (
	"strconv"
	"strings"

	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/wire"
)

// deviceObserver tells the audit what happens to the connections of a device.
type deviceObserver struct{ r *Responder }

// Asked implements observer.
func (o deviceObserver) Asked(number uint32, a client.Attempt) {
	t := audit.Attempt{Asked: a.Asked, GaveUp: a.GaveUp, Session: a.Generation, Refused: a.Refused, CleanStart: a.CleanStart, HasWill: a.HasWill}
	if a.GaveUp == 0 {
		t.GaveUp = audit.Forever
	}
	o.r.env.Audit.Unanswered(o.r.spec.Global, number, t)
}

// Accepted implements observer.
func (o deviceObserver) Accepted(number uint32, a client.Acceptance) { o.accepted(number, a, false) }

// accepted enters a connection of the device, or of another client with its client id.
func (o deviceObserver) accepted(number uint32, a client.Acceptance, other bool) {
	o.r.env.Audit.Connected(o.r.spec.Global, number, audit.Connection{
		Asked: a.Asked, Answered: a.Answered, Session: a.Generation,
		CleanStart: a.CleanStart, SessionPresent: a.SessionPresent,
		HasWill: a.HasWill, WillDelay: a.WillDelay,
		SessionExpiry: a.SessionExpiry, KeepAlive: a.KeepAlive, Other: other,
	})
}

// Reached implements observer.
func (o deviceObserver) Reached(number uint32, r client.Reachability) {
	a, device := o.r.env.Audit, o.r.spec.Global
	switch {
	case !r.Silent:
		a.Audible(device, number, r.At)
	default:
		a.Silent(device, number, r.Why, r.Wrote)
		if r.Delays {
			a.Lost(device, number, r.Past)
		}
	}
}

// Ended implements observer.
func (o deviceObserver) Ended(number uint32, e client.End) {
	how := endings[e.Ending]
	way := e.Why
	if way == "" && how == audit.TakenOver {
		way = audit.WayTakenOver
	}
	o.r.env.Audit.Ended(o.r.spec.Global, number, audit.End{Way: way, How: how, From: e.From, To: e.To,
		Confirmed: e.Confirmed, Unsure: how == audit.Orderly && !e.Confirmed, SessionExpiry: e.SessionExpiry})
}

// endings are those of a connection in the words of the audit.
var endings = [...]audit.Ending{
	client.EndingOrderly: audit.Orderly, client.EndingWithWill: audit.WithWill, client.EndingClosed: audit.Closed,
	client.EndingByBroker: audit.ByBroker, client.EndingTakenOver: audit.TakenOver, client.EndingShutdown: audit.Shutdown,
}

// duplicateObserver tells the audit what happens to the connections of another client
// with the client id of a device.
type duplicateObserver struct{ deviceObserver }

// Accepted implements observer.
func (o duplicateObserver) Accepted(number uint32, a client.Acceptance) { o.accepted(number, a, true) }

// ConnectionKey names the User Property of a Will Message that says of which
// connection of which device it is: "run-1/12.3" is the third of device 12 in the
// run "run-1". Wills have it only where they are audited.
const ConnectionKey = "homefleet-connection"

// AppendConnection appends the User Property to a Will's.
func (r *Responder) AppendConnection(user []byte, number uint32) []byte {
	value := r.env.Run + "/" + strconv.Itoa(r.spec.Global) + "." + strconv.FormatUint(uint64(number), 10)
	return wire.AppendUserProperty(user, ConnectionKey, value)
}

// ConnectionOf reads it; run is "" where there is none that can be read.
func ConnectionOf(p *wire.Publish) (device int, number uint32, run string) {
	if p.Props.User == nil {
		return 0, 0, ""
	}
	for k, v := range p.Props.UserProperties() {
		if k != ConnectionKey {
			continue
		}
		slash := strings.LastIndexByte(v, '/')
		d, n, found := strings.Cut(v[slash+1:], ".")
		device, err := strconv.Atoi(d)
		if slash < 1 || !found || err != nil || device < 0 {
			return 0, 0, ""
		}
		n64, err := strconv.ParseUint(n, 10, 32)
		if err != nil || n64 == 0 {
			return 0, 0, ""
		}
		return device, uint32(n64), v[:slash]
	}
	return 0, 0, ""
}
