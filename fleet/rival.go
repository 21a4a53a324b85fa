package fleet

import (
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// duplicate is a second client with a device's client id: a device that was cloned,
// or replaced and never switched off. Each of the two throws the other off
// (3.1.4-3), and connects again. It takes the device's session with all that is
// in it, has no Will, and answers nothing.
type duplicate struct {
	client.Session
	device *responder
	clean  bool // each of its connections begins with a new session
}

// newDuplicate returns a second client for a device, whose goroutine calls it.
func newDuplicate(r *responder, clean bool) *duplicate {
	f := r.fleet
	d := &duplicate{device: r, clean: clean}
	c := r.Duplicate()
	c.Name, c.Stream = "the rival of "+r.Name(), identity{duplicateRole, r.spec.Global}.stream()
	if r.Observed() {
		c.Observation.Observer = duplicateObserver{deviceObserver{r}}
	}
	d.Init(f.env, &f.duplicateProfile, d, c)
	d.Contest()
	return d
}

// fight has each device meet a duplicate for the time of the incident.
func (s *stricken) fight() {
	for _, r := range s.devices {
		duplicates := make(chan *duplicate, 1)
		late := s.late(r)
		s.w.at(s.from.Add(late), func() {
			told := r.Tell(func() {
				r.Contest()
				duplicates <- newDuplicate(r, s.incident.Session == scenarios.Clean)
			})
			if !told {
				return
			}
			s.w.duplicates.Go(func() { s.w.play(duplicates, r, s.to.Add(late)) })
		})
	}
}

// play runs a duplicate until a time.
func (w *weather) play(duplicates <-chan *duplicate, r *responder, until time.Time) {
	var d *duplicate
	select {
	case d = <-duplicates:
	case <-r.Gone():
		return
	}
	timer := time.AfterFunc(time.Until(until), d.EndSoon)
	defer timer.Stop()
	leave := make(chan struct{})
	w.duplicates.Go(func() { // the fleet does not wait for the incident to be over
		select {
		case <-w.ctx.Done():
			d.EndSoon()
		case <-leave:
		}
	})
	_ = d.Run(w.ctx) // it is refused like anybody else, and that is counted
	close(leave)
	r.Tell(r.Uncontest)
}

// FillConnect implements [client.Handler].
func (d *duplicate) FillConnect(p *wire.Connect) error {
	d.Renamed(p)
	p.CleanStart = p.CleanStart || d.clean
	f := d.device.fleet
	return f.credentials(p, d.device.spec.Vars(f.run))
}

// Subscriptions implements [client.Handler]: it wants what the device wants, so that the session
// is the device's own when that is back.
func (d *duplicate) Subscriptions() ([]packets.SubOptions, int, error) {
	return d.device.subscriptions(d.Limits()), 1, nil
}

// Online implements [client.Handler]: there is nothing to do.
func (d *duplicate) Online(time.Time) (next time.Time) { return next }

// Message implements [client.Handler]: nor is anything answered.
func (d *duplicate) Message(*wire.Publish) {}
