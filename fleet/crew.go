package fleet

import (
	"log/slog"
	"sync/atomic"
)

// crew counts sessions of one sort: the devices, or the controllers.
type crew struct {
	log      *slog.Logger
	notes    *notes
	size     int
	timed    bool          // each read takes the time
	devices  bool          // not controllers or watchers
	hidden   bool          // no part of the fleet: what their connections take is not recorded
	ready    chan struct{} // closed when every one was up once or gave up
	settled  atomic.Int64  // that were up once or gave up
	seen     atomic.Int64  // that were up once
	upNow    atomic.Int64
	departed atomic.Int64 // that gave up
}

// Presence says how many there are, are online now, have been online at least
// once, and were refused for good; and how many were the one or the other, or both.
type Presence struct{ Devices, Online, Seen, GaveUp, Settled int }

func (c *crew) presence() Presence {
	return Presence{c.size, int(c.upNow.Load()), int(c.seen.Load()), int(c.departed.Load()), int(c.settled.Load())}
}

// online notes that one is up.
func (c *crew) online(s *session) {
	c.upNow.Add(1)
	if !s.wasUp {
		s.wasUp = true
		c.seen.Add(1)
		c.settle(s)
	}
	c.log.Debug("online", "device", s.name)
}

// offline notes that one that was up is so no more.
func (c *crew) offline(s *session) {
	c.upNow.Add(-1)
	c.log.Debug("offline", "device", s.name)
}

// gaveUp notes that one is done for.
func (c *crew) gaveUp(s *session, err error) {
	c.departed.Add(1)
	c.notes.gaveUp(err, c.devices)
	c.settle(s)
}

// settle counts one that is no longer waited for.
func (c *crew) settle(s *session) {
	if s.settled {
		return
	}
	s.settled = true
	if int(c.settled.Add(1)) == c.size {
		close(c.ready)
	}
}
