package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

// never is how a file says that a session does not expire.
const never = "never"

// connectKeys are the keys of [connect].
var connectKeys = describe[Connect](table{name: "[connect]", keys: []key{
	{name: "rate", form: rate("as fast as it goes"), defDoc: "as fast as it goes", doc: "connects of the whole fleet"},
	{name: "timeout", form: span(1, 0), def: 10 * time.Second, doc: "for dialling, and for CONNACK and SUBACK each"},
	{name: "keep_alive", form: seconds(65535*time.Second, "none"), def: 60 * time.Second, doc: "Keep Alive"},
	{name: "session_expiry", form: secondsOrNever(), def: time.Duration(0),
		doc: "Session Expiry Interval of the devices; 0 ends the session with the connection. The sessions of controllers and watchers always end with theirs: " +
			"an answer that waited for a later connection is of no use to a measurement"},
	{name: "clean_start", form: yesNo{not: true}, field: "resume", defDoc: "`true`",
		doc: "Clean Start on the first connect; `false` takes up the sessions that an earlier run left, and leaves them for the next"},
	{name: "client_id", form: template{text{fault: textFault}, devicePlaces}, def: "{id}", doc: "Client Identifier; `\"\"` lets the broker assign one"},
	{name: "backoff", form: oneOf{texts(FullJitter, Naive)}, def: FullJitter, doc: "how a device waits before it connects again"},
	{name: "backoff_min", form: backoffSpan(), def: time.Second, doc: "first ceiling; the fixed delay of `naive`"},
	{name: "backoff_max", form: backoffSpan(), least: "backoff_min", defDoc: "`\"1m\"`, or `backoff_min` if that is longer", doc: "last ceiling"},
	{name: "backoff_reset", form: span(0, 0), def: 30 * time.Second, doc: "connected this long, the back-off starts anew"},
	{name: "receive_maximum", form: whole(1, 65535), def: 32, doc: "Receive Maximum"},
}})

const defaultBackoffMax = time.Minute

// fill puts the defaults in the place of what a Go author left out.
func (c *Connect) fill() {
	if !c.filled {
		connectKeys.fill(c)
		c.fillMost()
		c.filled = true
	}
}

func (c *Connect) fillMost() {
	if c.BackoffMax == 0 {
		c.BackoffMax = max(defaultBackoffMax, c.BackoffMin)
	}
}

func readConnect(r *reader) {
	c := &r.s.Connect
	connectKeys.read(r.top.Table("connect"), c)
	c.fillMost()
	c.filled = true
	for i := range r.s.Groups {
		r.s.Groups[i].inheritBackoff(c)
	}
}

func checkConnect(ch *checker) {
	r, c := ch.rules("connect"), &ch.s.Connect
	if connectKeys.check(r, c); r.ok("client_id") {
		ch.distinctClients(r)
	}
}

// distinctClients checks that no two devices have one client identifier: the
// broker would throw each off for the other, for ever (MQTT 5.0, 3.1.4-3).
func (c *checker) distinctClients(r rules) {
	id, n := c.s.Connect.ClientID, c.s.Count()
	switch {
	case id == "" || n < 2 || !c.distinct:
		return // the broker's choice, or the ids are at fault
	case id.Has("id") && !id.Has("n") && !id.Has("h") && !id.Has("home") && !id.Has("kind"):
		return // as distinct as the ids
	case id.Fixed():
		r.errorf("client_id", `did you mean "{id}"?`, "client_id %q is the same for all %d devices; want one for each", tomlfault.Short(string(id)), n)
		return
	}
	seen := newSeen(n)
	var buf []byte
	for d := range c.s.Devices() {
		buf = id.Append(buf[:0], d.Vars(""))
		if other, ok := seen.add(buf, d.Number); ok {
			r.errorf("client_id", "use {id} in it", "client_id is %q for both %s and %s; want one for each device",
				tomlfault.Short(string(buf)), tomlfault.Short(c.s.Device(other).ID), tomlfault.Short(d.ID))
			return
		}
	}
}
