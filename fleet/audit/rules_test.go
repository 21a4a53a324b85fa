package audit

import (
	"slices"
	"testing"
	"time"
)

// conn is a connection with a Will, taken at a moment known exactly.
func conn(asked float64, more ...func(*Connection)) Connection {
	c := Connection{Asked: at(asked), Answered: at(asked + 0.1), HasWill: true, SessionPresent: true}
	for _, f := range more {
		f(&c)
	}
	return c
}

func delayed(delay, expiry float64) func(*Connection) {
	return func(c *Connection) { c.WillDelay, c.SessionExpiry = at(delay), at(expiry) }
}

func keepAlive(s float64) func(*Connection) {
	return func(c *Connection) { c.KeepAlive = at(s) }
}

func clean(c *Connection)           { c.CleanStart, c.SessionPresent = true, false }
func absent(c *Connection)          { c.SessionPresent = false }
func willless(c *Connection)        { c.HasWill = false }
func other(c *Connection)           { c.Session = 1 }
func slow(c *Connection)            { c.Answered = c.Asked + 3*sec }
func duplicate(c *Connection)       { c.Other, c.HasWill = true, false }
func endless(c *Connection)         { c.SessionExpiry = Forever }
func end(how Ending, s float64) End { return End{Way: "w", How: how, From: at(s), To: at(s + 0.1)} }

// saw reports Wills of connection 1.
func saw(a *Audit, moments ...float64) {
	for _, s := range moments {
		a.Seen(1, 1, at(s), false)
	}
}

// What the rules of MQTT 5 want of each case, by section.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Audit)
		want want
	}{
		{"3.1.2-8: FIN, no delay", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.3)
		}, want{onTime: 1}},
		{"3.1.2-8: it does not come", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
		}, want{missing: 1}},
		{"3.1.2-8: late by more than the slack", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 11.2)
		}, want{late: 1}},
		{"3.1.2-8: at the end of the slack", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 11.1)
		}, want{onTime: 1}},
		{"3.1.2-8: before the end", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 9.7)
		}, want{early: 1}},
		{"3.1.2-8: twice", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.3, 10.3)
		}, want{onTime: 1, duplicate: 1}},
		{"3.1.2-8: twenty times", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			for range 20 {
				a.Seen(1, 1, at(10.3), true)
			}
		}, want{onTime: 1, duplicate: 19, altered: 20}},
		{"3.1.2-8: closed by the broker", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, End{How: ByBroker, From: at(5), To: at(10)})
			saw(a, 6)
		}, want{onTime: 1}},
		{"3.1.2-8: closed by the broker, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, End{How: ByBroker, From: at(5), To: at(10)})
		}, want{missing: 1}},
		{"3.1.2-8: the connection stands", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			saw(a, 10)
		}, want{unexpected: 1}},
		{"3.1.2-8: a connection of which nothing is known", func(a *Audit) {
			saw(a, 10)
		}, want{unexpected: 1}},
		{"3.1.2-7: no Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, willless))
			a.Ended(1, 1, end(Closed, 10))
		}, want{notDue: 1}},
		{"3.1.2-7: no Will, and yet one", func(a *Audit) {
			a.Connected(1, 1, conn(1, willless))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
		}, want{notDue: 1, unexpected: 1}},
		{"3.14.4-3: DISCONNECT 0x00", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Orderly, 10))
		}, want{notDue: 1}},
		{"3.14.4-3: a Will after DISCONNECT 0x00", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Orderly, 10))
			saw(a, 10.2)
		}, want{notDue: 1, unexpected: 1}},
		{"3.14.4-3: two Wills after DISCONNECT 0x00", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Orderly, 10))
			saw(a, 10.2, 10.2)
		}, want{notDue: 1, unexpected: 2}},
		{"3.14.4-3: the DISCONNECT may not have arrived: no Will", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, End{How: Orderly, Unsure: true, From: at(10), To: at(10)})
		}, want{notDue: 1, maybe: 1}},
		{"3.14.4-3: the DISCONNECT may not have arrived: a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, End{How: Orderly, Unsure: true, From: at(10), To: at(10)})
			saw(a, 10.5)
		}, want{onTime: 1}},
		{"3.14.4-3: the DISCONNECT may not have arrived: a Will too late", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, End{How: Orderly, Unsure: true, From: at(10), To: at(10)})
			saw(a, 15)
		}, want{late: 1}},
		{"3.14.2.1: DISCONNECT 0x04", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(WithWill, 10))
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.14.2.1: DISCONNECT 0x04, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(WithWill, 10))
		}, want{missing: 1}},
		{"3.14.2.2.2: DISCONNECT 0x04 ends the session", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			e := end(WithWill, 10)
			e.SessionExpiry = new(time.Duration(0))
			a.Ended(1, 1, e)
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.14.2.2.2: DISCONNECT 0x04 shortens the session", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			e := end(WithWill, 10)
			e.SessionExpiry = new(5 * sec)
			a.Ended(1, 1, e)
			saw(a, 40)
		}, want{late: 1}},
		{"3.1.3.2.2: the Will Delay passes", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 40.2)
		}, want{onTime: 1}},
		{"3.1.3.2.2: before the delay has passed, at the end of the slack", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Seen(1, 1, 40*sec-200*time.Millisecond, false)
		}, want{onTime: 1}},
		{"3.1.3.2.2: before the delay has passed, a nanosecond beyond the slack", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Seen(1, 1, 40*sec-200*time.Millisecond-1, false)
		}, want{early: 1}},
		{"3.1.3.2.2: after the delay, at the end of the slack", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, End{How: Closed, From: 10 * sec, To: 10 * sec})
			a.Seen(1, 1, 41*sec, false)
		}, want{onTime: 1}},
		{"3.1.3.2.2: after the delay, a nanosecond beyond the slack", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, End{How: Closed, From: 10 * sec, To: 10 * sec})
			a.Seen(1, 1, 41*sec+1, false)
		}, want{late: 1}},
		{"3.1.3.2.2: the longest delay there is", func(a *Audit) {
			a.Connected(1, 1, conn(1, endless, func(c *Connection) { c.WillDelay = Forever }))
			a.Ended(1, 1, end(Closed, 10))
		}, want{runEnded: 1}},
		{"3.1.3.2.2: the longest delay there is, ignored", func(a *Audit) {
			a.Connected(1, 1, conn(1, endless, func(c *Connection) { c.WillDelay = Forever }))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
		}, want{early: 1}},
		{"3.1.3.2.2: sent without its delay", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
		}, want{early: 1}},
		{"3.1.3.2.2: a delay without a session", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 0)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.1.2.11.2: the session expires before the delay", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 20)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 30.2)
		}, want{onTime: 1}},
		{"3.1.2.11.2: it waited for the delay all the same", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 20)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 40.2)
		}, want{late: 1}},
		{"3.1.2.11.2: the session expires with the delay", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 10)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 20.2)
		}, want{onTime: 1}},
		{"3.1.2.11.2: the session expires with the delay, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 10)))
			a.Ended(1, 1, end(Closed, 10))
		}, want{missing: 1}},
		{"3.1.2.11.2: back as the session expires with the delay, in time", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 10)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
		}, want{notDue: 1, maybe: 1}},
		{"3.1.2.11.2: back as the session expires with the delay, too late", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 10)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, absent))
			saw(a, 20.2)
		}, want{onTime: 1}},
		{"3.1.2.11.2: back as the session expires with the delay, too late, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 10)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, absent))
		}, want{missing: 1}},
		{"3.1.2.11.2: a session that never expires", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 0), endless))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 40.2)
		}, want{onTime: 1}},
		{"3.1.3-9: back before the delay is over", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
		}, want{notDue: 1}},
		{"3.1.3-9: back in time, and yet a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
			saw(a, 40.2)
		}, want{notDue: 1, unexpected: 1}},
		{"3.1.3-9: a Will at once, and then back in time", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
			a.Connected(1, 2, conn(20))
		}, want{notDue: 1, unexpected: 1}},
		{"3.1.3-9: back too late", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(5, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
		}, want{missing: 1}},
		{"3.1.3-9: back as the delay ends, no Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
		}, want{notDue: 1, maybe: 1}},
		{"3.1.3-9: back as the delay ends, a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
			saw(a, 20.5)
		}, want{onTime: 1}},
		{"3.1.3-9: the CONNACK takes its time, no Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(18.5, slow))
		}, want{notDue: 1, maybe: 1}},
		{"3.1.3-9: the CONNACK takes its time, a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(10, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(18.5, slow))
			saw(a, 20.5)
		}, want{onTime: 1}},
		{"3.1.3-9: back without a delay", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(10.2))
			saw(a, 10.4)
		}, want{onTime: 1}},
		{"3.1.3-9: back without a delay, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(10.2))
		}, want{missing: 1}},
		{"3.1.3-9: Clean Start ends the session", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, clean))
			saw(a, 20.2)
		}, want{onTime: 1}},
		{"3.1.3-9: Clean Start, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, clean))
		}, want{missing: 1}},
		{"3.1.3-9: Clean Start, only when the delay is over", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, clean))
			saw(a, 40.2)
		}, want{late: 1}},
		{"3.1.3-9: Clean Start, before it", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, clean))
			saw(a, 15)
		}, want{early: 1}},
		{"3.1.2-4: Clean Start after DISCONNECT 0x00", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Orderly, 10))
			a.Connected(1, 2, conn(20, clean))
			saw(a, 20.2)
		}, want{notDue: 1, unexpected: 1}},
		{"3.2.2-3: the session had ended, a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, absent))
			saw(a, 15)
		}, want{onTime: 1}},
		{"3.2.2-3: the session had ended, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, absent))
		}, want{missing: 1}},
		{"3.1.4-3: taken over, no delay", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Connected(1, 2, conn(10))
			a.Ended(1, 1, end(TakenOver, 10.1))
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.1.4-3: taken over, no delay, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Connected(1, 2, conn(10))
			a.Ended(1, 1, end(TakenOver, 10.1))
		}, want{missing: 1}},
		{"3.1.4-3: taken over within the delay", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Connected(1, 2, conn(10))
			a.Ended(1, 1, end(TakenOver, 10.1))
		}, want{notDue: 1}},
		{"3.1.4-3: taken over within the delay, and yet a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Connected(1, 2, conn(10))
			a.Ended(1, 1, end(TakenOver, 10.1))
			saw(a, 40.2)
		}, want{notDue: 1, unexpected: 1}},
		{"3.1.4-3: taken over with Clean Start", func(a *Audit) {
			a.Ended(1, 1, end(TakenOver, 10.1))
			a.Connected(1, 2, conn(10, clean))
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.1.4-3: taken over with Clean Start, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Connected(1, 2, conn(10, clean))
			a.Ended(1, 1, end(TakenOver, 10.1))
		}, want{missing: 1}},
		{"3.1.4-3: taken over by a stranger", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(TakenOver, 10.1))
		}, want{notDue: 1, maybe: 1}},
		{"3.1.4-3: taken over by a stranger with Clean Start", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(TakenOver, 10.1))
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.1.4-3: taken over by a stranger, no delay, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(TakenOver, 10.1))
		}, want{missing: 1}},
		{"3.1.4-3: the end was not reported", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Connected(1, 2, conn(10))
			saw(a, 10.2)
		}, want{onTime: 1}},
		{"3.1.4-3: the new CONNECT overtakes the DISCONNECT 0x00", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Orderly, 10))
			a.Connected(1, 2, conn(10.2))
			saw(a, 10.3)
		}, want{onTime: 1}},
		{"3.1.4-3: it cannot, as the broker had answered", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			e := end(Orderly, 10)
			e.Confirmed = true
			a.Ended(1, 1, e)
			a.Connected(1, 2, conn(10.2))
			saw(a, 10.3)
		}, want{notDue: 1, unexpected: 1}},
		{"3.1.4-3: two at once, the first has the session", func(a *Audit) {
			a.Connected(1, 1, conn(10, slow, delayed(30, 60)))
			a.Connected(1, 2, conn(10.5, slow, delayed(30, 60)))
			a.Ended(1, 2, end(TakenOver, 13))
			a.Ended(1, 1, end(Closed, 50))
			saw(a, 80.2)
		}, want{notDue: 1, onTime: 1}},
		{"3.1.4-3: two at once, the first has the session, but its Will is lost", func(a *Audit) {
			a.Connected(1, 1, conn(10, slow, delayed(30, 60)))
			a.Connected(1, 2, conn(10.5, slow, delayed(30, 60)))
			a.Ended(1, 2, end(TakenOver, 13))
			a.Ended(1, 1, end(Closed, 50))
		}, want{notDue: 1, missing: 1}},
		{"3.1.4-3: a second client comes, and is thrown off", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Connected(1, 2, conn(10, duplicate))
			a.Ended(1, 1, end(TakenOver, 10))
			saw(a, 10.2)
			a.Connected(1, 3, conn(20))
			a.Ended(1, 2, end(TakenOver, 20))
			a.Ended(1, 3, end(Orderly, 30))
		}, want{onTime: 1, notDue: 1}},
		{"3.1.2-10: a second client saves the device's Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, duplicate))
			a.Ended(1, 2, end(Closed, 25))
		}, want{notDue: 1}},
		{"3.1.2-7: a Will of a second client, which had none", func(a *Audit) {
			a.Connected(1, 1, conn(1, duplicate))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
		}, want{notDue: 1, unexpected: 1}},
		{"a second client falls silent", func(a *Audit) {
			a.Connected(1, 1, conn(1, duplicate, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
		}, want{}},
		{"another session does not matter: Clean Start", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, clean, other))
			saw(a, 20.2)
		}, want{early: 1}},
		{"another session does not matter: back", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20, other))
		}, want{missing: 1}},
		{"3.1.2-22: silence", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 35)
		}, want{onTime: 1}},
		{"3.1.2-22: silence, looked for every 5 s", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 41)
		}, want{onTime: 1}},
		{"3.1.2-22: silence, too late", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 41.2)
		}, want{late: 1}},
		{"3.1.2-22: silence, after 1.0 times the Keep Alive", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 30)
		}, want{early: 1}},
		{"3.1.2-22: silence, and a delay", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10), delayed(10, 60)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 35.2)
		}, want{early: 1}},
		{"3.1.2-22: silence, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
		}, want{missing: 1}},
		{"3.1.2-22: silence without a Keep Alive", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Silent(1, 1, "silence", at(20))
		}, want{notDue: 1}},
		{"3.1.2-22: silence without a Keep Alive, a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 30)
		}, want{notDue: 1, unexpected: 1}},
		{"silence until the socket is closed", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Ended(1, 1, end(Closed, 25))
			saw(a, 25.2)
		}, want{onTime: 1}},
		{"silence until the socket is closed, but the Will waits", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Ended(1, 1, end(Closed, 25))
			saw(a, 35.2)
		}, want{late: 1}},
		{"silence beyond the time-out, then closed", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Ended(1, 1, end(Closed, 60))
			saw(a, 60.2)
		}, want{late: 1}},
		{"silence, then an orderly end in time", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Ended(1, 1, end(Orderly, 25))
			saw(a, 35.2)
		}, want{notDue: 1, unexpected: 1}},
		{"silence, then an orderly end too late", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Ended(1, 1, end(Orderly, 60))
		}, want{missing: 1}},
		{"silence until a new connection takes over", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Connected(1, 2, conn(25))
			saw(a, 25.2)
		}, want{onTime: 1}},
		{"silence until a new connection takes over, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Connected(1, 2, conn(25))
		}, want{missing: 1}},
		{"silence until a new connection takes over within the delay", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10), delayed(10, 60)))
			a.Silent(1, 1, "silence", at(20))
			a.Connected(1, 2, conn(25))
		}, want{notDue: 1}},
		{"audible again in time", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Audible(1, 1, at(30))
		}, want{}},
		{"audible again in time, and yet a Will", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Audible(1, 1, at(30))
			saw(a, 35.2)
		}, want{unexpected: 1}},
		{"audible again too late, but the broker had not looked", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Audible(1, 1, at(38))
			a.Ended(1, 1, end(Orderly, 60))
		}, want{notDue: 1}},
		{"audible again too late", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 37)
			a.Audible(1, 1, at(38))
			a.Ended(1, 1, End{Way: "w", How: ByBroker, From: at(38), To: at(38.2)})
		}, want{onTime: 1}},
		{"audible again too late, missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			a.Audible(1, 1, at(38))
			a.Ended(1, 1, End{Way: "w", How: ByBroker, From: at(38), To: at(38.2)})
		}, want{missing: 1}},
		{"audible again too late, and a new connection", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 37)
			a.Audible(1, 1, at(38))
			a.Connected(1, 2, conn(50))
		}, want{onTime: 1}},
		{"audible for a moment between two silences", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(20))
			saw(a, 37)
			a.Audible(1, 1, at(38))
			a.Silent(1, 1, "silence", at(38))
		}, want{onTime: 1}},
		{"no CONNACK: no Will", func(a *Audit) {
			a.Unanswered(1, 1, Attempt{Asked: at(1), GaveUp: at(6), HasWill: true})
		}, want{}},
		{"no CONNACK: a Will", func(a *Audit) {
			a.Unanswered(1, 1, Attempt{Asked: at(1), GaveUp: at(6), HasWill: true})
			saw(a, 50)
		}, want{onTime: 1}},
		{"no CONNACK: a Will before the CONNECT", func(a *Audit) {
			a.Unanswered(1, 1, Attempt{Asked: at(10), GaveUp: at(16), HasWill: true})
			saw(a, 5)
		}, want{unexpected: 1}},
		{"no CONNACK: two Wills", func(a *Audit) {
			a.Unanswered(1, 1, Attempt{Asked: at(1), GaveUp: at(6), HasWill: true})
			saw(a, 7, 8)
		}, want{onTime: 1, duplicate: 1}},
		{"3.1.4-2: refused", func(a *Audit) {
			a.Unanswered(1, 1, Attempt{Asked: at(1), GaveUp: Forever, HasWill: true})
			a.Unanswered(1, 1, Attempt{Asked: at(1), GaveUp: at(6), HasWill: true, Refused: true})
			saw(a, 6)
		}, want{unexpected: 1}},
		{"no CONNACK: it may have come back in time", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Unanswered(1, 2, Attempt{Asked: at(20), GaveUp: at(25), HasWill: true})
		}, want{notDue: 1, maybe: 1}},
		{"no CONNACK: or not", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Unanswered(1, 2, Attempt{Asked: at(20), GaveUp: at(25), HasWill: true})
			saw(a, 40.2)
		}, want{onTime: 1}},
		{"3.1.4-2: refused, so it did not", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Unanswered(1, 2, Attempt{Asked: at(20), GaveUp: at(25), HasWill: true, Refused: true})
		}, want{missing: 1}},
		{"no CONNACK with Clean Start: neither then nor later", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Unanswered(1, 2, Attempt{Asked: at(20), GaveUp: at(25), CleanStart: true})
			saw(a, 32)
		}, want{late: 1}},
		{"no CONNACK with Clean Start: missing", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(30, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Unanswered(1, 2, Attempt{Asked: at(20), GaveUp: at(25), CleanStart: true})
		}, want{missing: 1}},
		{"shutdown: nothing can be expected", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Shutdown, 10))
		}, want{brokerGone: 1}},
		{"shutdown: a Will, when it is back", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Shutdown, 10))
			saw(a, 90)
		}, want{onTime: 1}},
		{"the run ends before the Will is due", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(500, 600)))
			a.Ended(1, 1, end(Closed, 10))
		}, want{runEnded: 1}},
		{"altered", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Seen(1, 1, at(10.2), true)
		}, want{onTime: 1, altered: 1}},
		{"nameless: of the only outage", func(a *Audit) {
			a.Seen(1, 0, at(10.2), true)
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
		}, want{onTime: 1, altered: 1}},
		{"nameless: of the outage whose time it is", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
			a.Ended(1, 2, end(Closed, 30))
			a.Seen(1, 0, at(30.2), true)
		}, want{missing: 1, onTime: 1, altered: 1}},
		{"nameless: of the one before, if this one's came", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Connected(1, 2, conn(20))
			a.Ended(1, 2, end(Closed, 30))
			a.Seen(1, 2, at(30.2), false)
			a.Seen(1, 0, at(30.3), true)
		}, want{late: 1, onTime: 1, altered: 1}},
		{"nameless: of nothing", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Seen(1, 0, at(5), true)
			a.Ended(1, 1, end(Orderly, 10))
		}, want{notDue: 1, unexpected: 1, altered: 1}},
		{"consumed and learned", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
			a.Consumed(1, 1)
			a.Learned(1, 1)
		}, want{onTime: 1, consumed: 1, learned: 1}},
		{"learned, so it was consumed", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.2)
			a.Learned(1, 1)
		}, want{onTime: 1, consumed: 1, learned: 1}},
		{"the auditor was away", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(9), false)
			a.Watching(at(11), true)
		}, want{auditorAway: 1}},
		{"the auditor was away, and had it later", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(9), false)
			a.Watching(at(15), true)
			saw(a, 15.1)
		}, want{auditorAway: 1}},
		{"the auditor was away, and had it in time", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(9), false)
			a.Watching(at(10.5), true)
			saw(a, 10.6)
		}, want{onTime: 1}},
		{"the auditor was away, and had it twice", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			saw(a, 10.3)
			a.Watching(at(10.2), false)
			a.Watching(at(20), true)
			saw(a, 20.1)
		}, want{onTime: 1}},
		{"the auditor was away, but not then", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(12), false)
			a.Watching(at(13), true)
		}, want{missing: 1}},
		{"the broker was killed before the Will was due", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(2))
			a.Watching(at(3), false)
			a.Watching(at(4), true)
			a.Forgot()
		}, want{brokerGone: 1}},
		{"the broker was killed when the Will was overdue", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(20), false)
			a.Watching(at(21), true)
			a.Forgot()
		}, want{missing: 1}},
		{"the broker was killed before the connection", func(a *Audit) {
			a.Watching(at(0), false)
			a.Watching(at(0.5), true)
			a.Forgot()
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Closed, 10))
		}, want{missing: 1}},
		{"a Will that was not due while the auditor was away", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Ended(1, 1, end(Orderly, 10))
			a.Watching(at(9), false)
			a.Watching(at(15), true)
			saw(a, 15.1)
		}, want{notDue: 1, unexpected: 1}},
		{"3.1.2-8: an outage just after the auditor came", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Watching(at(2), false)
			a.Watching(at(9.95), true) // less than Early before
			a.Ended(1, 1, end(Closed, 10))
		}, want{missing: 1}},
		{"3.1.2-8: an outage just before the auditor came", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Watching(at(2), false)
			a.Watching(at(10.05), true)
			a.Ended(1, 1, end(Closed, 10))
		}, want{auditorAway: 1}},
		{"3.1.2-8: an outage at the moment at which the auditor came", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Watching(at(2), false)
			a.Watching(at(10), true)
			a.Ended(1, 1, end(Closed, 10))
		}, want{missing: 1}},
		{"3.1.3.2.2: a delayed Will after an outage just after the auditor came", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(5, 60)))
			a.Watching(at(2), false)
			a.Watching(at(10), true)
			a.Ended(1, 1, end(Closed, 10))
		}, want{missing: 1}},
		{"3.1.3.2.2: a delayed Will that may have come too early in the gap", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(5, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(12), false)
			a.Watching(at(14.9), true)
		}, want{auditorAway: 1}},
		{"3.1.3.2.2: a delayed Will that was due after the gap", func(a *Audit) {
			a.Connected(1, 1, conn(1, delayed(5, 60)))
			a.Ended(1, 1, end(Closed, 10))
			a.Watching(at(12), false)
			a.Watching(at(14.7), true)
		}, want{missing: 1}},
		{"3.1.2-22: a silence that began before the auditor came", func(a *Audit) {
			a.Connected(1, 1, conn(1, keepAlive(10)))
			a.Silent(1, 1, "silence", at(2))
			a.Watching(at(3), false)
			a.Watching(at(16), true)
		}, want{missing: 1}},
		{"3.14.4-3: DISCONNECT 0x00 while the auditor was away", func(a *Audit) {
			a.Connected(1, 1, conn(1))
			a.Watching(at(9), false)
			a.Ended(1, 1, end(Orderly, 10))
			a.Watching(at(12), true)
		}, want{notDue: 1, blind: 1}},
	} {
		a := watched()
		c.do(a)
		mid := a.Totals(at(0))
		check(t, c.name, mid)
		got := a.Close(at(100))
		check(t, c.name, got)
		if got.Wills != c.want.totals() {
			t.Errorf("%s: Close() = %+v; want %+v", c.name, got.Wills, c.want.totals())
		}
	}
}

// The order in which reports arrive must not matter.
func TestReportsInAnyOrder(t *testing.T) {
	reports := []func(*Audit){
		func(a *Audit) { a.Connected(1, 1, conn(1, delayed(30, 60))) },
		func(a *Audit) { a.Ended(1, 1, end(Closed, 10)) },
		func(a *Audit) { a.Connected(1, 2, conn(20, clean)) },
		func(a *Audit) { saw(a, 20.2) },
		func(a *Audit) { a.Connected(1, 3, conn(30)) },
		func(a *Audit) { a.Ended(1, 2, end(TakenOver, 30)) },
		func(a *Audit) { a.Seen(1, 2, at(30.3), false) },
	}
	want := want{onTime: 2}.totals()
	n := 0
	var permute func(k int)
	permute = func(k int) {
		if k == len(reports) {
			if n++; n%some(11, 1) != 0 {
				return
			}
			a := watched()
			for _, f := range reports {
				f(a)
			}
			if got := a.Close(at(100)).Wills; got != want {
				t.Fatalf("order %d: Close() = %+v; want %+v", n, got, want)
			}
			return
		}
		for i := k; i < len(reports); i++ {
			reports[k], reports[i] = reports[i], reports[k]
			permute(k + 1)
			reports[k], reports[i] = reports[i], reports[k]
		}
	}
	permute(0)
	if n != 5040 {
		t.Errorf("%d orders were tried; want 5040", n)
	}
}

// Nobody is accused before what the devices know can have been reported.
func TestTotalsInBetween(t *testing.T) {
	a := watched("cut")
	a.Connected(1, 1, conn(1))
	a.Ended(1, 1, End{Way: "cut", How: Closed, From: at(10), To: at(10)})
	if n, until := a.Pending(at(10)); n != 1 || until != at(11) {
		t.Errorf("Pending() = %d, %v; want 1, 11s", n, until)
	}
	for _, c := range []struct {
		at   float64
		want want
	}{{10.5, want{}}, {12, want{}}, {12.1, want{missing: 1}}} {
		if got := a.Totals(at(c.at)).Wills; got != c.want.totals() {
			t.Errorf("Totals(%vs) = %+v; want %+v", c.at, got, c.want.totals())
		}
	}
	if n, _ := a.Pending(at(13)); n != 0 {
		t.Errorf("Pending() = %d after the window; want 0", n)
	}
	if o, ok := a.Last(1, at(13)); !ok || o.Verdict != Missing || o.DueFrom != at(10) || o.Way != "cut" || !o.Due {
		t.Errorf("Last() = %+v, %v; want missing, due from 10s, by cut", o, ok)
	}
	saw(a, 20) // so it was late
	if got, want := a.Totals(at(20)).Wills, (want{}).totals(); got != want {
		t.Errorf("Totals(20s) = %+v; want %+v", got, want)
	}
	if got, want := a.Totals(at(22)).Wills, (want{late: 1}).totals(); got != want {
		t.Errorf("Totals(22s) = %+v; want %+v", got, want)
	}
	if f := a.Faults(10); len(f) != 1 || f[0].Verdict != Late || f[0].SeenAt != at(20) {
		t.Errorf("Faults() = %+v; want one late Will, seen at 20s", f)
	}
}

// What Config.Delay is told, once for every Will.
func TestDelay(t *testing.T) {
	var got []time.Duration
	a := New(Config{Slack: slack, Delay: func(device int, d time.Duration) { got = append(got, d) }})
	a.Watching(0, true)
	a.Connected(1, 1, conn(1))
	a.Ended(1, 1, End{How: Closed, From: at(10), To: at(10.5)})
	a.Seen(1, 1, at(10.7), false)
	a.Seen(1, 1, at(10.8), false)
	a.Connected(1, 2, conn(20, keepAlive(10), delayed(2, 9)))
	a.Silent(1, 2, "silence", at(30))
	a.Seen(1, 2, at(50), false) // due at 47
	a.Connected(1, 3, conn(60, delayed(10, 60)))
	a.Ended(1, 3, End{How: Closed, From: at(65), To: at(65)})
	a.Seen(1, 3, at(70), false) // early
	a.Connected(1, 4, conn(80))
	a.Ended(1, 4, End{How: Closed, From: at(85), To: at(85)})
	a.Seen(1, 4, at(88), false) // late
	a.Close(at(100))
	if want := []time.Duration{at(0.2), at(3), 0, at(3)}; !slices.EqualFunc(got, want, func(x, y time.Duration) bool { return (x - y).Abs() < time.Microsecond }) {
		t.Errorf("Delay was told %v; want %v", got, want)
	}
}

// Rows come as they were asked for, then by name.
func TestWays(t *testing.T) {
	a := watched("z", "unused", "y")
	for i, way := range []string{"b", "y", "a", "z"} {
		a.Connected(i, 1, conn(1))
		a.Ended(i, 1, End{Way: way, How: Closed, From: at(10), To: at(10)})
	}
	var got []string
	for _, w := range a.Close(at(100)).Ways {
		got = append(got, w.Way)
	}
	if want := []string{"z", "y", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("Ways = %q; want %q", got, want)
	}
}

// A slack that is learnt late counts for what came before.
func TestSetSlack(t *testing.T) {
	a := New(Config{})
	a.Watching(0, true)
	a.Connected(1, 1, conn(1))
	a.Ended(1, 1, end(Closed, 10))
	saw(a, 10.9)
	if got, want := a.Totals(at(50)).Wills, (want{late: 1}).totals(); got != want {
		t.Errorf("Totals() = %+v; want %+v", got, want)
	}
	a.SetSlack(slack)
	got := a.Close(at(60))
	if want := (want{onTime: 1}).totals(); got.Wills != want || got.Slack != slack {
		t.Errorf("Close() = %+v; want %+v and the slack", got, want)
	}
}

// Check must find every sum that does not hold.
func TestCheck(t *testing.T) {
	good := want{notDue: 2, onTime: 3, early: 1, late: 1, missing: 1, auditorAway: 1, duplicate: 1, unexpected: 1, altered: 2, consumed: 2, learned: 1}.totals()
	if err := good.Check(); err != nil {
		t.Errorf("Check(%+v) = %v; want nil", good, err)
	}
	for i, spoil := range []func(){
		func() { good.Outages++ }, func() { good.Due++ }, func() { good.NotDue++ }, func() { good.OnTime++ },
		func() { good.Early++ }, func() { good.Late++ }, func() { good.Missing++ }, func() { good.Unwatched++ },
		func() { good.Messages++ }, func() { good.Duplicate++ }, func() { good.Unexpected++ },
		func() { good.Altered = 99 }, func() { good.Consumed = 99 }, func() { good.Learned = 99 }, func() { good.Altered = -1 },
		func() { good.AuditorAway++ }, func() { good.RunEnded++ }, func() { good.BrokerGone++ }, func() { good.NotDueUnwatched = 99 },
		func() { good.MaybeDue = 99 },
	} {
		was := good
		spoil()
		if good.Check() == nil {
			t.Errorf("Check() = nil after spoiling %d; want an error", i)
		}
		good = was
	}
}
