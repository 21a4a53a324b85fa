package client

import (
	"errors"
	"math"
	"net"
	"slices"
	"strconv"
	"time"

	"homefleet/fleet/draws"
	"homefleet/fleet/faults"
	"homefleet/fleet/transport"
	"homefleet/fleet/wire"
)

// obstacles are what stands between a session and its broker: incidents, and orders
// given by hand. Most sessions have none. Like everything else of a session it is
// touched by the session's own goroutine alone.
//
// A session is off or it is on; and if it is on, it has a network or it has none.
// Several may keep it off, or keep the network from it, at a time: it is back
// when the last of them has let go.
type obstacles struct {
	off             []Cause // what keeps it off
	planned         []Cause // what is to keep it off later on, each but once
	noNetwork       []Cause // what keeps the network from it
	links           []SlowLink
	halfOpen        []halfOpen
	duplicates      int    // other clients that use its client id, now
	duplicatesUntil Moment // when the last of them ceased
}

// Cause is why a session is kept off: an occurrence of an incident or, below 0, that
// somebody wants it so.
type Cause int

// ByHand is that somebody wants it so.
const ByHand Cause = -1

// NotPresent is that the session's device is not there yet. Whoever brings it back by hand
// has it be there.
const NotPresent Cause = math.MinInt

// Hand is ByHand for an intervention with a number from 1: of two that overlap, the end of
// one is not the end of the other.
func Hand(number int) Cause { return ByHand - Cause(number) }

// IsHand reports whether somebody wants it so.
func (c Cause) IsHand() bool { return c < 0 }

// SlowLink is a set of faults that every connection gets while it lasts.
type SlowLink struct {
	By     Cause
	Names  []string
	Faults []faults.Fault
}

// halfOpen is a connection that the session is done with and the broker does not
// know of: nothing was said, and the socket is still open.
type halfOpen struct {
	conn       net.Conn
	number     uint32 // of the connection; 0: there was no CONNACK
	generation uint32 // of its client id
	noNetwork  bool   // it was given up for lack of a network
}

// MostHalfOpen bounds the open sockets of one session.
const MostHalfOpen = 4

// Reconnect says how a device returns that was away. The zero value is at once,
// with its session.
type Reconnect struct {
	Wait   bool // after a delay of its back-off
	Clean  bool // with a new session (Clean Start 1)
	Rename bool // under another client id, so that the old session is nobody's any more
}

// obstruct returns the session's obstacles, made when there were none.
func (s *Session) obstruct() *obstacles {
	if s.obstacles == nil {
		s.obstacles = new(obstacles)
	}
	return s.obstacles
}

// Disconnect has the session go offline in a mode, if it is not off already, and stay
// so until Reconnect.
func (s *Session) Disconnect(by Cause, mode OfflineMode) {
	t := s.obstruct()
	if slices.Contains(t.off, by) {
		return
	}
	t.off = append(t.off, by)
	if by == NotPresent && !s.absent.Load() {
		s.left.Store(true)
	}
	if !s.away {
		s.away, s.mode = true, mode
	}
}

// Reconnect lets the session return, unless something else keeps it off.
func (s *Session) Reconnect(by Cause, how Reconnect) {
	t := s.obstacles
	if t == nil {
		return
	}
	i := slices.Index(t.off, by)
	if i < 0 {
		return
	}
	t.off = slices.Delete(t.off, i, i+1)
	s.isLet(how)
}

// ReconnectByHand is Reconnect for whatever somebody wants so, or has planned. It is false
// where nobody does.
func (s *Session) ReconnectByHand(how Reconnect) bool {
	t := s.obstacles
	if t == nil {
		return false
	}
	planned := len(t.planned) > 0
	t.planned = nil
	if !slices.ContainsFunc(t.off, Cause.IsHand) {
		return planned
	}
	t.off = slices.DeleteFunc(t.off, Cause.IsHand)
	s.isLet(how)
	return true
}

// isLet lets the session return when nothing keeps it off any more.
func (s *Session) isLet(how Reconnect) {
	if !slices.Contains(s.obstacles.off, NotPresent) {
		s.left.Store(false)
		if s.absent.CompareAndSwap(true, false) {
			s.profile.Cohort.join(&s.standing)
		}
	}
	s.renew(how)
	if len(s.obstacles.off) == 0 {
		s.away, s.later, s.failures = false, how.Wait, 0
		s.hurry = !how.Wait
	}
}

// IsAbsent reports whether the session's device is not there yet. It may be called from any
// goroutine, and be a moment late.
func (s *Session) IsAbsent() bool { return s.absent.Load() }

// HeldBy returns what keeps the session off or the network from it, and what makes its
// connections slow.
func (s *Session) HeldBy() (off, slow []Cause) {
	t := s.obstacles
	if t == nil {
		return nil, nil
	}
	for i := range t.links {
		slow = append(slow, t.links[i].By)
	}
	return append(slices.Clone(t.off), t.noNetwork...), slow
}

// Hindered reports whether something keeps the session off, or the network from it, or makes
// its connections slow.
func (s *Session) Hindered() (off, noNetwork, slow bool) {
	t := s.obstacles
	return t != nil && len(t.off) > 0, t != nil && len(t.noNetwork) > 0, t != nil && len(t.links) > 0
}

// countOffline counts a session that was offline as the fleet stopped, though nothing kept
// it so.
func (s *Session) countOffline() {
	if off, noNetwork, _ := s.Hindered(); !s.there && !off && !noNetwork && !s.absent.Load() && !s.removed.Load() {
		s.profile.Cohort.offlineAtEnd.Add(1)
	}
}

// renew gives up the session where the device is to come back with another.
func (s *Session) renew(how Reconnect) {
	if how.Rename {
		s.generation++
	}
	if how.Clean || how.Rename {
		s.resume = false
	}
}

// Renamed has a client id say how many the session has given up before it.
func (s *Session) Renamed(p *wire.Connect) {
	if s.generation > 0 && p.ClientID != "" {
		p.ClientID += "-" + strconv.Itoa(int(s.generation)+1)
	}
}

// CutNetwork takes the network from a session that goes on running. why is how
// reports call it.
func (s *Session) CutNetwork(by Cause, why string) {
	t := s.obstruct()
	if slices.Contains(t.noNetwork, by) {
		return
	}
	t.noNetwork = append(t.noNetwork, by)
	if l := s.link; l != nil && len(t.noNetwork) == 1 && !l.stuck {
		s.wrap().Set(networkCut, faults.Timeout{})
		l.noNetwork = true
		s.wentSilent(why)
		s.isolated(why)
	}
}

// networkCut names the fault that lets nothing pass.
const networkCut = "no network"

// RestoreNetwork gives the network back, unless something else keeps it. A router that
// forgot its connections answers them with RST.
func (s *Session) RestoreNetwork(by Cause, forgot bool, how Reconnect) {
	t := s.obstacles
	if t == nil {
		return
	}
	i := slices.Index(t.noNetwork, by)
	if i < 0 {
		return
	}
	t.noNetwork = slices.Delete(t.noNetwork, i, i+1)
	if l := s.link; l != nil && l.noNetwork && forgot {
		l.forgotten = true // also when the network is not back yet
	}
	if len(t.noNetwork) > 0 {
		return
	}
	s.closeHalfOpen(func(g halfOpen) bool { return g.noNetwork })
	if l := s.link; l != nil && l.noNetwork && !l.forgotten {
		l.noNetwork = false
		s.wrap().Clear(networkCut)
		s.heardAgain()
		s.isolated("")
	}
	if s.link == nil || s.link.forgotten {
		s.renew(how)
		s.hurry = !how.Wait // or it goes on waiting for its back-off
	}
}

// Obstructed reports whether anything stands between the session and its broker.
func (s *Session) Obstructed() bool {
	t := s.obstacles
	return t != nil && (len(t.off) > 0 || len(t.noNetwork) > 0 || len(t.links) > 0 || t.duplicates > 0)
}

// hasNetwork reports whether connecting makes sense.
func (s *Session) hasNetwork() bool { return s.obstacles == nil || len(s.obstacles.noNetwork) == 0 }

// ErrNoNetwork is why a device without a network cannot connect.
var ErrNoNetwork = errors.New("there is no network")

// errForgotten ends a connection whose router has restarted.
var errForgotten = errors.New("the router knows nothing of the connection any more")

// Slow has the faults on this and every further connection until Quicken.
func (s *Session) Slow(l SlowLink) {
	t := s.obstruct()
	t.links = append(t.links, l)
	if s.link != nil {
		l.put(s.wrap())
	}
}

func (l *SlowLink) put(c *faults.Conn) {
	for i, name := range l.Names {
		c.Set(name, l.Faults[i])
	}
}

// linkDelay is how long a packet and its answer are held up by the faults.
func (s *Session) linkDelay() (d time.Duration) {
	if s.obstacles == nil {
		return 0
	}
	for _, l := range s.obstacles.links {
		for _, f := range l.Faults {
			if f, ok := f.(faults.Latency); ok {
				d += 2 * (f.Latency + f.Jitter)
			}
		}
	}
	return d
}

// quickenAll takes the faults of the present connection away, so that a fleet
// that stops need not wait for it.
func (s *Session) quickenAll() {
	if s.obstacles == nil || s.link == nil {
		return
	}
	for _, l := range s.obstacles.links {
		for _, name := range l.Names {
			s.wrap().Clear(name)
		}
	}
	s.obstacles.links = nil
}

// Quicken takes the faults away.
func (s *Session) Quicken(by Cause) {
	if s.obstacles == nil {
		return
	}
	for i, l := range s.obstacles.links {
		if l.By != by {
			continue
		}
		if s.link != nil {
			for _, name := range l.Names {
				s.wrap().Clear(name)
			}
		}
		s.obstacles.links = slices.Delete(s.obstacles.links, i, i+1)
		return
	}
}

// wrap puts the present connection into a wrapper that can have faults.
func (s *Session) wrap() *faults.Conn {
	l := s.link
	if c, ok := l.conn.(*faults.Conn); ok {
		return c
	}
	// What the inbox knows of deadlines is of the bare connection, and the task
	// that brought us here has left one there that is over.
	s.inbox.hangUp()
	_ = l.conn.SetDeadline(time.Time{})
	l.provoked = true
	c := faults.Wrap(l.conn, draws.Mix(s.env.Seed+uint64(draws.Faults)<<56)^draws.Mix(uint64(s.stream)))
	l.stream.Release()
	if l.account != nil {
		l.arrives = l.wrote
	}
	l.conn, l.stream, l.writeBy = c, transport.NewStream(c, s.env.Buffers), time.Time{}
	return c
}

// abandon leaves the present connection as it is: open, and nobody's.
func (s *Session) abandon(noNetwork bool) {
	t, l := s.obstruct(), s.link
	l.abandoned = true
	if c, slow := l.conn.(*faults.Conn); slow {
		c.Set(networkCut, faults.Timeout{}) // what it holds back must not come out later
	}
	if !noNetwork {
		faults.Unplug(l.conn) // where it can't be, the system still acknowledges what comes
	}
	if len(t.halfOpen) == MostHalfOpen {
		first := t.halfOpen[0]
		s.closeHalfOpen(func(g halfOpen) bool { return g == first })
	}
	g := halfOpen{conn: l.conn, generation: s.generation, noNetwork: noNetwork}
	if l.connected {
		g.number = l.number
	}
	t.halfOpen = append(t.halfOpen, g)
}

// closeHalfOpen closes half-open connections with RST, which is what their broker
// would get if it ever wrote to them.
func (s *Session) closeHalfOpen(which func(halfOpen) bool) {
	if s.obstacles == nil {
		return
	}
	s.obstacles.halfOpen = slices.DeleteFunc(s.obstacles.halfOpen, func(g halfOpen) bool {
		if !which(g) {
			return false
		}
		faults.Replug(g.conn)
		transport.Reset(g.conn)
		transport.CloseNow(g.conn)
		s.closedHalfOpen(g.number)
		return true
	})
}

// DuplicateCame has the session connect again when another client has taken its session,
// until DuplicateGone is called as often.
func (s *Session) DuplicateCame() { s.obstruct().duplicates++ }

// DuplicateGone notes that one client less uses the session's client id.
func (s *Session) DuplicateGone() {
	s.obstacles.duplicates--
	s.obstacles.duplicatesUntil = s.env.Clock.Moment(time.Now())
}

// hasDuplicate reports whether the session is to connect again when another client has
// taken it over. One that has no network may hear of that long after the duplicate has gone.
func (s *Session) hasDuplicate() bool {
	t := s.obstacles
	return t != nil && (t.duplicates > 0 || t.duplicatesUntil > 0 && s.dialled < t.duplicatesUntil+Moment(s.env.Timeout))
}
