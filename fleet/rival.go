package fleet

import (
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// rival is a second client with a device's client id: a device that was cloned,
// or replaced and never switched off. Each of the two throws the other off
// (3.1.4-3), and connects again. It takes the device's session with all that is
// in it, has no Will, and answers nothing.
type rival struct {
	session
	device *responder
	clean  bool // each of its connections begins with a new session
}

// rivalNumbers keeps the seeds of rivals apart from those of their devices.
const rivalNumbers = 1 << 30

func newRival(r *responder, clientID string, renames uint32, clean bool) *rival {
	f := r.fleet
	v := &rival{device: r, clean: clean}
	v.session = session{fleet: f, crew: &f.rivals, actor: v, name: "the rival of " + r.name, number: rivalNumbers + r.number,
		numbers: r.numbers, renames: renames, resume: true, trouble: &trouble{fights: 1}, tried: true,
		terms: &terms{min: 200 * time.Millisecond, max: 2 * time.Second}, clientID: clientID}
	return v
}

// isRival reports whether the session is a device's rival.
func (s *session) isRival() bool { return s.number >= rivalNumbers }

// fight has each device meet a rival for the time of the incident.
func (s *stricken) fight() {
	for _, r := range s.devices {
		rivals := make(chan *rival, 1)
		late := s.late(r)
		s.w.at(s.from.Add(late), func() {
			told := r.inbox.put(func() {
				r.troubled().fights++
				rivals <- newRival(r, r.clientID, r.renames, s.incident.Session == scenarios.Clean)
			})
			if !told {
				return
			}
			s.w.rivals.Go(func() { s.w.play(rivals, r, s.to.Add(late)) })
		})
	}
}

// play runs a rival until a time.
func (w *weather) play(rivals <-chan *rival, r *responder, until time.Time) {
	var v *rival
	select {
	case v = <-rivals:
	case <-r.inbox.gone():
		return
	}
	timer := time.AfterFunc(time.Until(until), func() { v.inbox.put(func() { v.stopping = true }) })
	defer timer.Stop()
	leave := make(chan struct{})
	w.rivals.Go(func() { // the fleet does not wait for the incident to be over
		select {
		case <-w.ctx.Done():
			v.inbox.put(func() { v.stopping = true })
		case <-leave:
		}
	})
	_ = v.run(w.ctx) // it is refused like anybody else, and that is counted
	close(leave)
	r.inbox.put(func() { r.trouble.fights, r.trouble.fought = r.trouble.fights-1, r.fleet.moment(time.Now()) })
}

// greet implements actor.
func (v *rival) greet(p *wire.Connect) error {
	v.renamed(p)
	p.CleanStart = p.CleanStart || v.clean
	return v.fleet.credentials(p, v.device.spec.Vars(v.fleet.run))
}

// topics implements actor: it wants what the device wants, so that the session
// is the device's own when that is back.
func (v *rival) topics() ([]packets.SubOptions, error) {
	return v.device.subscriptions(&v.link.limits)
}

// farewell, and the rest of actor: there is nothing to do.
func (v *rival) farewell()                 {}
func (v *rival) message(*wire.Publish)     {}
func (v *rival) up(time.Time)              {}
func (v *rival) act(time.Time)             {}
func (v *rival) next() time.Time           { return time.Time{} }
func (v *rival) acknowledged(uint64, byte) {}
func (v *rival) attemptFailed(error)       {}
func (v *rival) attempt()                  {}
func (v *rival) down(error)                {}

// isAnnouncement reports whether a message on a Will's topic is none, but what
// the device itself says of its availability.
func isAnnouncement(p *wire.Publish) bool {
	_, _, stamped := stamp(p)
	return stamped
}

// termsOf are the terms on which a group's devices connect again.
func termsOf(g *scenarios.Group, c *scenarios.Connect) *terms {
	return &terms{naive: g.Backoff == scenarios.Naive, min: g.BackoffMin, max: g.BackoffMax, reset: c.BackoffReset}
}
