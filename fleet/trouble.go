package fleet

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"homefleet/fleet/faults"
	"homefleet/fleet/wire"
)

// trouble is what stands between a device and its broker: incidents, and orders
// given by hand. Most devices have none. Like everything else of a session it is
// touched by the session's own goroutine alone.
//
// A device is off or it is on; and if it is on, it has a network or it has none.
// Several may keep it off, or keep the network from it, at a time: it is back
// when the last of them has let go.
type trouble struct {
	off    []holder
	dark   []holder
	links  []slowLink
	ghosts []ghost
	fights int    // others that use its client id, now
	fought moment // when the last of them ceased
}

// holder is who keeps a device off: an occurrence of an incident, or byHand.
type holder int

// byHand is whoever calls [Device.Die].
const byHand holder = -1

// slowLink is a set of faults that every connection gets while it lasts.
type slowLink struct {
	by     holder
	names  []string
	faults []faults.Fault
}

// ghost is a connection that the device is done with and the broker does not
// know of: nothing was said, and the socket is still open.
type ghost struct {
	conn    net.Conn
	number  uint32 // of the connection; 0: there was no CONNACK
	session uint32 // which client id's, as in session.renames
	darkly  bool   // it was given up for lack of a network
}

// mostGhosts bounds the open sockets of one device.
const mostGhosts = 4

// Comeback says how a device returns that was away. The zero value is at once,
// with its session.
type Comeback struct {
	Wait   bool // after a delay of its back-off
	Clean  bool // with a new session (Clean Start 1)
	Rename bool // under another client id, so that the old session is nobody's any more
}

// troubled returns the session's trouble, made when there was none.
func (s *session) troubled() *trouble {
	if s.trouble == nil {
		s.trouble = new(trouble)
	}
	return s.trouble
}

// takeOff has the device go in a way, if it is not off already.
func (s *session) takeOff(by holder, way Way) {
	t := s.troubled()
	if slices.Contains(t.off, by) {
		return
	}
	t.off = append(t.off, by)
	if !s.away {
		s.away, s.way = true, way
	}
}

// letBack lets the device return, unless somebody else keeps it off.
func (s *session) letBack(by holder, c Comeback) {
	t := s.trouble
	if t == nil {
		return
	}
	i := slices.Index(t.off, by)
	if i < 0 {
		return
	}
	t.off = slices.Delete(t.off, i, i+1)
	s.renew(c)
	if len(t.off) == 0 {
		s.away, s.later, s.failures = false, c.Wait, 0
		s.hurry = !c.Wait
	}
}

// renew gives up the session where the device is to come back with another.
func (s *session) renew(c Comeback) {
	if c.Rename {
		s.renames++
	}
	if c.Clean || c.Rename {
		s.resume = false
	}
}

// renamed has a client id say how many the session has given up before it.
func (s *session) renamed(p *wire.Connect) {
	if s.renames > 0 && p.ClientID != "" {
		p.ClientID += "-" + strconv.Itoa(int(s.renames)+1)
	}
}

// darken takes the network from a device that goes on running. why is how
// reports call it.
func (s *session) darken(by holder, why string) {
	t := s.troubled()
	if slices.Contains(t.dark, by) {
		return
	}
	t.dark = append(t.dark, by)
	if l := s.link; l != nil && len(t.dark) == 1 && !l.stuck {
		s.wrap().Set(darkness, faults.Timeout{})
		l.dark = true
		s.wentSilent(why)
	}
}

// darkness names the fault that lets nothing pass.
const darkness = "no network"

// lighten gives the network back, unless somebody else keeps it. A router that
// forgot its connections answers them with RST.
func (s *session) lighten(by holder, forgot bool, c Comeback) {
	t := s.trouble
	if t == nil {
		return
	}
	i := slices.Index(t.dark, by)
	if i < 0 {
		return
	}
	t.dark = slices.Delete(t.dark, i, i+1)
	if l := s.link; l != nil && l.dark && forgot {
		l.forgotten = true // also when the network is not back yet
	}
	if len(t.dark) > 0 {
		return
	}
	s.bury(func(g ghost) bool { return g.darkly })
	if l := s.link; l != nil && l.dark && !l.forgotten {
		l.dark = false
		s.wrap().Clear(darkness)
		s.heardAgain()
	}
	if s.link == nil || s.link.forgotten {
		s.renew(c)
		s.hurry = !c.Wait // or it goes on waiting for its back-off
	}
}

// hasNetwork reports whether connecting makes sense.
func (s *session) hasNetwork() bool { return s.trouble == nil || len(s.trouble.dark) == 0 }

// errNoNetwork is why a device without a network cannot connect.
var errNoNetwork = errors.New("there is no network")

// errForgotten ends a connection whose router has restarted.
var errForgotten = errors.New("the router knows nothing of the connection any more")

// slow has the faults on this and every further connection until quicken.
func (s *session) slow(l slowLink) {
	t := s.troubled()
	t.links = append(t.links, l)
	if s.link != nil {
		l.put(s.wrap())
	}
}

func (l *slowLink) put(c *faults.Conn) {
	for i, name := range l.names {
		c.Set(name, l.faults[i])
	}
}

// linkDelay is how long a packet and its answer are held up by the faults.
func (s *session) linkDelay() (d time.Duration) {
	if s.trouble == nil {
		return 0
	}
	for _, l := range s.trouble.links {
		for _, f := range l.faults {
			if f, ok := f.(faults.Latency); ok {
				d += 2 * (f.Latency + f.Jitter)
			}
		}
	}
	return d
}

// quickenAll takes the faults of the present connection away, so that a fleet
// that stops need not wait for it.
func (s *session) quickenAll() {
	if s.trouble == nil || s.link == nil {
		return
	}
	for _, l := range s.trouble.links {
		for _, name := range l.names {
			s.wrap().Clear(name)
		}
	}
	s.trouble.links = nil
}

// quicken takes the faults away.
func (s *session) quicken(by holder) {
	if s.trouble == nil {
		return
	}
	for i, l := range s.trouble.links {
		if l.by != by {
			continue
		}
		if s.link != nil {
			for _, name := range l.names {
				s.wrap().Clear(name)
			}
		}
		s.trouble.links = slices.Delete(s.trouble.links, i, i+1)
		return
	}
}

// wrap puts the present connection into a wrapper that can have faults.
func (s *session) wrap() *faults.Conn {
	l := s.link
	if c, ok := l.conn.(*faults.Conn); ok {
		return c
	}
	// What the inbox knows of deadlines is of the bare connection, and the letter
	// that brought us here has left one there that is over.
	s.inbox.hangUp()
	_ = l.conn.SetDeadline(time.Time{})
	c := faults.Wrap(l.conn, mix(s.fleet.scenario.Seed+uint64(forFaults)<<56)^mix(uint64(s.number)))
	l.reader.release()
	if l.account != nil {
		l.arrives = l.wrote
	}
	l.conn, l.reader, l.writeBy = c, newReader(c, s.fleet.buffers), time.Time{}
	return c
}

// haunt leaves the present connection as it is: open, and nobody's.
func (s *session) haunt(darkly bool) {
	t, l := s.troubled(), s.link
	l.haunts = true
	if c, slow := l.conn.(*faults.Conn); slow {
		c.Set(darkness, faults.Timeout{}) // what it holds back must not come out later
	}
	if !darkly {
		faults.Unplug(l.conn) // where it can't be, the system still acknowledges what comes
	}
	if len(t.ghosts) == mostGhosts {
		first := t.ghosts[0]
		s.bury(func(g ghost) bool { return g == first })
	}
	g := ghost{conn: l.conn, session: s.renames, darkly: darkly}
	if l.connected {
		g.number = l.number
	}
	t.ghosts = append(t.ghosts, g)
}

// bury closes ghosts with RST, which is what their broker would get if it ever
// wrote to them.
func (s *session) bury(which func(ghost) bool) {
	if s.trouble == nil {
		return
	}
	s.trouble.ghosts = slices.DeleteFunc(s.trouble.ghosts, func(g ghost) bool {
		if !which(g) {
			return false
		}
		faults.Replug(g.conn)
		reset(g.conn)
		closeNow(g.conn)
		s.closedGhost(g.number)
		return true
	})
}

// stubborn sessions connect again when another client has taken their session.
// One that has no network may hear of that long after the fight.
func (s *session) stubborn() bool {
	t := s.trouble
	return t != nil && (t.fights > 0 || t.fought > 0 && s.dialled < t.fought+moment(s.fleet.scenario.Connect.Timeout))
}
