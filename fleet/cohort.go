package fleet

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"homefleet/fleet/metrics"
)

// cohort counts sessions of one sort: the devices, or the controllers. The fields that
// say how are set before the first of them runs; all else may be used from any
// goroutine.
type cohort struct {
	log     *slog.Logger
	faults  *faultLog
	counts  *metrics.Counts // of what happens to their connections
	size    int             // below 0: as many as there may be
	timed   bool            // each read takes the time
	devices bool            // what becomes of their messages is counted one by one
	hidden  bool            // no part of the fleet: how long their connecting took is not recorded
	lasting bool            // they stay until the others have gone
	// lost, if there is one, is told of each connection that ended without our will.
	lost func()
	// lowered, if there is one, is told that a subscription was granted a lower QoS
	// than was asked for, and by whom.
	lowered func(name string, asked, granted byte)
	// changed, if there is one, is told that one more need not be waited for.
	changed func()

	ready     chan struct{} // closed when every one was up once or gave up, or the run has ended
	readyOnce sync.Once
	settled   atomic.Int64 // that were up once or gave up
	seen      atomic.Int64 // that were up once
	upNow     atomic.Int64
	departed  atomic.Int64 // that gave up
}

// Presence says how many there are, are online now, have been online at least
// once, and were refused for good; and how many were the one or the other, or both.
type Presence struct{ Devices, Online, Seen, GaveUp, Settled int }

func (c *cohort) presence() Presence {
	return Presence{c.size, int(c.upNow.Load()), int(c.seen.Load()), int(c.departed.Load()), int(c.settled.Load())}
}

// standing is what a cohort has been told of one session.
type standing struct {
	wasUp   bool // was online at least once
	settled bool // nobody waits for it to come up any more
	tried   bool // the first try to connect has ended
}

// online notes that one is up.
func (c *cohort) online(s *standing, name string) {
	c.upNow.Add(1)
	if !s.wasUp {
		s.wasUp = true
		c.seen.Add(1)
		c.settle(s)
	}
	c.log.Debug("online", "device", name)
}

// offline notes that one that was up is so no more.
func (c *cohort) offline(name string) {
	c.upNow.Add(-1)
	c.log.Debug("offline", "device", name)
}

// gaveUp notes that one is done for.
func (c *cohort) gaveUp(s *standing, err error) {
	c.departed.Add(1)
	c.faults.gaveUp(err, c.devices)
	c.settle(s)
}

// settle counts one that is no longer waited for.
func (c *cohort) settle(s *standing) {
	if s.settled {
		return
	}
	s.settled = true
	if int(c.settled.Add(1)) == c.size {
		c.isReady()
	}
	if c.changed != nil {
		c.changed()
	}
}

// isReady tells whoever waits that there is nothing to wait for any more.
func (c *cohort) isReady() { c.readyOnce.Do(func() { close(c.ready) }) }
