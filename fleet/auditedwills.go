package fleet

import (
	"strings"
	"sync"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/responder"
	"homefleet/fleet/wire"
)

// auditedWills knows the Wills of a fleet's devices.
type auditedWills struct{ f *Fleet }

// Whose implements [audit.Wills]. A Will without the User Property that says whose it is
// belongs to the device whose topic it came to.
func (w auditedWills) Whose(p *wire.Publish) (device int, number uint32, ok bool) {
	f := w.f
	device, number, run := responder.ConnectionOf(p)
	switch {
	case run == f.run && f.numbered(device) != nil:
		return device, number, true
	case run != "" || isAnnouncement(p):
		return 0, 0, false // another run's, or no Will
	}
	device, ok = f.deviceOfWill(string(p.Topic)) // or nobody's: some other client publishes there
	if ok && len(p.Payload) == 0 && f.numbered(device).IsRemoved() {
		return 0, 0, false // what it left is emptied
	}
	if ok && (p.Retain && f.auditor.V311() || f.numbered(device).IsAnnouncement(p, f.auditor.AssuredQoS())) {
		return 0, 0, false // out of the broker's store, or no Will
	}
	return device, 0, ok
}

// Altered implements [audit.Wills].
func (w auditedWills) Altered(device int, number uint32, p *wire.Publish, lim *client.Limits, waited time.Duration) bool {
	f := w.f
	d := f.numbered(device)
	differs, tested := d.WillDiffers(p, number, lim, waited)
	f.tested.Or(uint32(tested))
	if len(differs) > 0 {
		f.log.Warn("a will message is not as the device made it", "device", d.Name(), "differs", strings.Join(differs, ", "))
	}
	return len(differs) > 0
}

// willTopics finds the device of a Will that does not say whose it is.
type willTopics struct {
	once   sync.Once
	device map[string]int
}

// deviceOfWill returns the device, or the first of them, whose Will goes to a
// topic.
func (f *Fleet) deviceOfWill(topic string) (int, bool) {
	f.wills.once.Do(func() {
		f.wills.device = make(map[string]int, len(f.responders))
		for _, r := range f.responders {
			w := &r.Spec().Group.Will
			if w.Off {
				continue
			}
			t := w.Topic.Expand(r.Spec().Vars(f.run))
			if _, taken := f.wills.device[t]; !taken {
				f.wills.device[t] = r.Spec().Global
			}
		}
	})
	n, ok := f.wills.device[topic]
	return n, ok
}

// isAnnouncement reports whether a message on a Will's topic is none, but what
// the device itself says of its availability.
func isAnnouncement(p *wire.Publish) bool {
	_, _, stamped := deliveries.MadeAt(p)
	return stamped
}
