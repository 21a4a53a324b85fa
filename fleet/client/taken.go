package client

import (
	"math"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

// taken are the messages of QoS 2 that a session has taken, whose PUBREL is still to
// come (4.3.3).
type taken []unreleased

type unreleased struct {
	id      uint16
	overdue bool          // the last connection has ended in order, and the PUBREL had had ackTime to come
	at      time.Duration // when its PUBREC was posted, or the session was resumed, on the fleet's clock
}

// withheld is the moment of a PUBREC that is not sent: no PUBREL can come.
const withheld = time.Duration(math.MaxInt64)

func (t taken) find(id uint16) int {
	return slices.IndexFunc(t, func(m unreleased) bool { return m.id == id })
}

// released takes out a message and reports where it was; negative: nowhere.
func (t *taken) released(id uint16) int {
	i := t.find(id)
	if i >= 0 {
		*t = slices.Delete(*t, i, i+1)
	}
	return i
}

// resumed notes that the broker has to send either PUBREL or the message again (4.4).
func (t taken) resumed(now time.Duration) {
	for i := range t {
		t[i].at, t[i].overdue = now, false
	}
}

// disconnected is that of an outbox.
func (t taken) disconnected(missed time.Duration) {
	for i := range t {
		t[i].overdue = t[i].at <= missed
	}
}

// forget drops everything, because the session has ended or the run has, and counts
// what has been missed.
func (t *taken) forget(c *metrics.Counts) {
	for _, m := range *t {
		if m.overdue {
			c.MissingAcks.Add(1)
		}
	}
	*t = nil
}
