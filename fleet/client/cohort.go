package client

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/fleet/metrics"
)

// Cohort counts sessions of one sort: the devices, or the controllers. The fields that
// say how are set before the first of them runs; all else may be used from any
// goroutine.
type Cohort struct {
	Log     *slog.Logger
	Faults  *FaultLog
	Counts  *metrics.Counts // of what happens to their connections
	Size    int             // that are there from the beginning; below 0: as many as there may be
	Absent  int             // that are not there yet
	Timed   bool            // each read takes the time
	Devices bool            // what becomes of their messages is counted one by one
	Hidden  bool            // no part of the fleet: how long their connecting took is not recorded
	Lasting bool            // they stay until the others have gone
	Aside   bool            // the run goes on without them, also where the first that gives up ends it
	// Lost, if there is one, is told of each connection that ended without our will.
	Lost func()
	// Lowered, if there is one, is told that a subscription was granted a lower QoS
	// than was asked for, and by whom.
	Lowered func(name string, asked, granted byte)
	// Changed, if there is one, is told that one more need not be waited for.
	Changed func()

	Ready     chan struct{} // closed when every one was up once or gave up, or the run has ended
	readyAt   atomic.Pointer[time.Time]
	readyOnce sync.Once
	settled   atomic.Int64 // that were up once or gave up
	seen      atomic.Int64 // that were up once
	upNow     atomic.Int64
	departed  atomic.Int64 // that gave up
	joined    atomic.Int64 // that were absent at first
	left      atomic.Int64 // that were there, and were removed
	removed   atomic.Int64 // the same and those that were absent
	awaited   atomic.Int64 // that came as absent ones, less the absent that were removed

	offlineAtEnd atomic.Int64 // as the fleet stopped, though nothing kept them so
}

// Presence says how many there are, are online now, have been online at least
// once, and were refused for good; how many were the one or the other, or both; and how many
// there are to be beside them that are not there yet, and were that have been removed.
type Presence struct{ Devices, Online, Seen, GaveUp, Settled, Absent, Removed int }

// Presence returns the present numbers. Who is among the settled has been seen or has given
// up, also where that happens meanwhile: what is noted last is looked at first.
func (c *Cohort) Presence() (p Presence) {
	p.Settled = int(c.settled.Load())
	p.GaveUp = int(c.departed.Load())
	p.Seen = int(c.seen.Load())
	p.Online = int(c.upNow.Load())
	p.Devices = c.size()
	p.Absent, p.Removed = c.Absent+int(c.awaited.Load()-c.joined.Load()), int(c.removed.Load())
	return p
}

// OfflineAtEnd is how many were offline as the fleet stopped, though neither an incident
// nor somebody kept them so, nor had they given up. It is known when all have ended.
func (c *Cohort) OfflineAtEnd() int { return int(c.offlineAtEnd.Load()) }

// standing is what a cohort has been told of one session.
type standing struct {
	wasUp   bool // was online at least once
	settled bool // nobody waits for it to come up any more
	tried   bool // the first try to connect has ended
	absent  atomic.Bool
	left    atomic.Bool // it was there, and is there no more
	removed atomic.Bool
	up      atomic.Bool // it counts as online now
}

// HasLeft reports whether the session's device was there, and is there no more until NotPresent
// lets go. It may be called from any goroutine, and be a moment late.
func (s *Session) HasLeft() bool { return s.left.Load() }

// join notes that one is there that was not.
func (c *Cohort) join(s *standing) {
	s.settled = false
	c.joined.Add(1)
	if c.Changed != nil {
		c.Changed()
	}
}

// size is how many there are by now.
func (c *Cohort) size() int { return c.Size + int(c.joined.Load()-c.left.Load()) }

// Await counts more that are not there yet.
func (c *Cohort) Await(more int) { c.awaited.Add(int64(more)) }

// leave counts one no more, which may have given up before.
func (c *Cohort) leave(s *standing, gaveUp bool) {
	c.removed.Add(1)
	if gaveUp {
		c.departed.Add(-1)
	}
	if s.absent.Load() {
		c.awaited.Add(-1)
		return
	}
	if s.wasUp {
		c.seen.Add(-1)
	}
	c.left.Add(1)
	if s.settled {
		c.settled.Add(-1)
	}
	s.settled = true
	if int(c.settled.Load()) == c.size() { // it was the last to be waited for
		c.IsReady()
	}
	if c.Changed != nil {
		c.Changed()
	}
}

// online notes that one is up.
func (c *Cohort) online(s *standing, name string) {
	c.upNow.Add(1)
	if !s.wasUp {
		s.wasUp = true
		c.seen.Add(1)
		c.settle(s)
	}
	c.Log.Debug("online", "device", name)
}

// offline notes that one that was up is so no more.
func (c *Cohort) offline(name string) {
	c.upNow.Add(-1)
	c.Log.Debug("offline", "device", name)
}

// gaveUp notes that one is done for.
func (c *Cohort) gaveUp(s *standing, err error) {
	c.departed.Add(1)
	c.Faults.gaveUp(err, c.Devices)
	c.settle(s)
}

// settle counts one that is no longer waited for.
func (c *Cohort) settle(s *standing) {
	if s.settled {
		return
	}
	s.settled = true
	if int(c.settled.Add(1)) == c.size() {
		c.readyAt.Store(new(time.Now()))
		c.IsReady()
	}
	if c.Changed != nil {
		c.Changed()
	}
}

// ReadyAt is when every one was up once or gave up; zero: not yet.
func (c *Cohort) ReadyAt() time.Time {
	if at := c.readyAt.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// IsReady tells whoever waits that there is nothing to wait for any more.
func (c *Cohort) IsReady() { c.readyOnce.Do(func() { close(c.Ready) }) }
