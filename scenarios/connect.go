package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

// never is how a file says that a session does not expire.
const never = "never"

func defaultConnect() Connect {
	return Connect{
		Timeout:        10 * time.Second,
		KeepAlive:      60 * time.Second,
		ClientID:       "{id}",
		Backoff:        FullJitter,
		BackoffMin:     time.Second,
		BackoffMax:     time.Minute,
		BackoffReset:   30 * time.Second,
		ReceiveMaximum: 32,
		filled:         true,
	}
}

// fill puts the defaults in the place of what a Go author left out.
func (c *Connect) fill() {
	if c.filled {
		return
	}
	d := defaultConnect()
	c.Timeout = orDefault(c.Timeout, d.Timeout)
	c.KeepAlive = orDefault(c.KeepAlive, d.KeepAlive)
	c.SessionExpiry = orDefault(c.SessionExpiry, 0)
	c.BackoffMin = orDefault(c.BackoffMin, d.BackoffMin)
	c.BackoffMax = orDefault(c.BackoffMax, max(d.BackoffMax, c.BackoffMin))
	c.BackoffReset = orDefault(c.BackoffReset, d.BackoffReset)
	if c.ClientID == "" {
		c.ClientID = d.ClientID
	}
	if c.Backoff == "" {
		c.Backoff = d.Backoff
	}
	if c.ReceiveMaximum == 0 {
		c.ReceiveMaximum = d.ReceiveMaximum
	}
	c.filled = true
}

func readConnect(r *reader) {
	t, c := r.top.Table("connect"), &r.s.Connect
	*c = defaultConnect()
	t.Rate("rate", &c.Rate)
	t.Duration("timeout", &c.Timeout)
	t.Duration("keep_alive", &c.KeepAlive)
	t.Duration("session_expiry", &c.SessionExpiry, tomlfault.Word{Text: never, Value: SessionNeverExpires})
	clean := !c.Resume
	t.Bool("clean_start", &clean)
	c.Resume = !clean
	text(t, "client_id", &c.ClientID)
	readBackoffKind(t, &c.Backoff)
	t.Duration("backoff_min", &c.BackoffMin)
	c.BackoffMax = max(c.BackoffMax, c.BackoffMin)
	t.Duration("backoff_max", &c.BackoffMax)
	t.Duration("backoff_reset", &c.BackoffReset)
	tomlfault.Int(t, "receive_maximum", 1, 65535, &c.ReceiveMaximum)
}

func checkConnect(ch *checker) {
	r, c := ch.rules("connect"), &ch.s.Connect
	if !(c.Rate >= 0 && c.Rate <= 1e6) {
		r.errorf("rate", "", "%v is out of range; want 0, for as fast as it goes, to 1000000 a second", c.Rate)
	}
	if c.Timeout <= 0 {
		r.errorf("timeout", "", "timeout is %v; want more than 0", c.Timeout)
	}
	r.seconds("keep_alive", c.KeepAlive, 65535*time.Second, "0s, for none, to 65535s")
	r.seconds("session_expiry", c.SessionExpiry, SessionNeverExpires, `0s to 4294967294s, or "never"`)
	if r.template("client_id", c.ClientID, devicePlaces, textFault, ch.samples...) {
		ch.distinctClients(r)
	}
	checkBackoff(r, backoff{c.Backoff, c.BackoffMin, c.BackoffMax}, true, true, true)
	if c.BackoffReset < 0 {
		r.errorf("backoff_reset", "", "backoff_reset is %v; want 0 or more", c.BackoffReset)
	}
}

// seconds checks a duration that MQTT counts in whole seconds.
func (r rules) seconds(key string, d, most time.Duration, want string) {
	switch {
	case d < 0 || d > most:
		r.errorf(key, "", "%s is %s; want %s", last(key), tomlfault.FormatDuration(d), want)
	case d%time.Second != 0:
		r.errorf(key, "", "%s is %s; want whole seconds, which is how MQTT counts", last(key), tomlfault.FormatDuration(d))
	}
}

// distinctClients checks that no two devices have one client identifier: the
// broker would throw each off for the other, for ever (MQTT 5.0, 3.1.4-3).
func (c *checker) distinctClients(r rules) {
	id, n := c.s.Connect.ClientID, c.s.Count()
	switch {
	case id == "" || n < 2 || !c.distinct:
		return // the broker's choice, or the ids are at fault
	case id.has("id") && !id.has("n") && !id.has("h") && !id.has("home") && !id.has("kind"):
		return // as distinct as the ids
	case id.fixed():
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
