package events

import (
	"sync/atomic"
	"time"
)

// Interest is what viewers want to hear of. Viewers with the same key share one.
type Interest struct {
	Key     string // says the whole of it in a text; "" is shared with nobody
	Types   Types
	Devices *Devices

	// Most bounds the exchanges and refusals that are handed over, together, in a second;
	// those beyond are counted. 0: none is left out.
	Most int
}

// interest is one that is looked at for every event.
type interest struct {
	Interest
	bit     uint32
	viewers int           // guarded by the hub's lock
	until   time.Duration // of no viewers: so long it is kept for them to come back; likewise

	second   atomic.Int64 // of the run's clock
	handed   atomic.Int64 // exchanges in that second
	notShown atomic.Int64 // that were too many, in all
}

// wants reports whether the interest has events of a type about a device.
func (i *interest) wants(t Type, device int) bool {
	return i.Types.Has(t) && (device < 0 || i.Devices.Has(device))
}

// admits reports whether one more exchange of this second is to be handed over, and counts
// it if not.
func (i *interest) admits(at time.Duration) bool {
	if i.Most == 0 {
		return true
	}
	now := int64(at/time.Second) + 1
	if old := i.second.Load(); old != now && i.second.CompareAndSwap(old, now) {
		i.handed.Store(0)
	}
	if i.handed.Add(1) <= int64(i.Most) {
		return true
	}
	i.notShown.Add(1)
	return false
}
