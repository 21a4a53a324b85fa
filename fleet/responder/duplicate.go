package responder

import (
	"context"
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
)

// duplicate is a second client with a device's client id: a device that was cloned,
// or replaced and never switched off. Each of the two throws the other off
// (3.1.4-3), and connects again. It takes the device's session with all that is
// in it, has no Will, and answers nothing.
type duplicate struct {
	client.Session
	device *Responder
	clean  bool // each of its connections begins with a new session
}

// newDuplicate returns a second client for a device, whose goroutine calls it.
func newDuplicate(r *Responder, clean bool) *duplicate {
	d := &duplicate{device: r, clean: clean}
	c := r.Duplicate()
	c.Name, c.Stream = "the duplicate of "+r.Name(), r.env.DuplicateStream(r.spec.Global)
	if r.Observed() {
		c.Observation.Observer = duplicateObserver{deviceObserver{r}}
	}
	p := *r.env.Duplicates
	p.V311 = r.V311()
	d.Init(r.env.Client, &p, d, c)
	d.DuplicateCame()
	return d
}

// FillConnect implements [client.Handler].
func (d *duplicate) FillConnect(p *wire.Connect) error {
	d.Renamed(p)
	p.CleanStart = p.CleanStart || d.clean
	e := d.device.env
	return e.Credentials(p, d.device.spec.Vars(e.Run))
}

// Dial implements [client.Dials]: it has what the device has.
func (d *duplicate) Dial(ctx context.Context) (net.Conn, error) { return d.device.Dial(ctx) }

// Subscriptions implements [client.Handler]: it wants what the device wants, so that the session
// is the device's own when that is back.
func (d *duplicate) Subscriptions() ([]packets.SubOptions, int, error) {
	return d.device.subscriptions(d.Limits()), 1, nil
}

// Online implements [client.Handler]: there is nothing to do.
func (d *duplicate) Online(time.Time) (next time.Time) { return next }

// Message implements [client.Handler]: nor is anything answered.
func (d *duplicate) Message(*wire.Publish) {}
