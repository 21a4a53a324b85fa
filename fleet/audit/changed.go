package audit

import (
	"slices"
	"time"
)

// decideEach is how often what time alone decides is allowed for.
const decideEach = time.Second

// note remembers a device of whose outages more is known than was, if anybody wants that.
func (s *stripe) note(device int) {
	if !s.followed {
		return
	}
	if s.changed == nil {
		s.changed = make(map[int]struct{})
	}
	s.changed[device] = struct{}{} // there are no more than devices
}

// Changed returns the devices, in order, of whose outages something is known that was not
// at the last call, as long as somebody follows that: see [Config.Followed]. What is
// decided by time alone is known a second late.
func (a *Audit) Changed(now time.Duration) (devices []int) {
	a.mu.Lock()
	due := now-a.looked >= decideEach
	if due {
		a.looked = now
	}
	a.mu.Unlock()
	if due {
		a.Totals(now)
	}
	for i := range a.stripes {
		s := &a.stripes[i]
		s.mu.Lock()
		for device := range s.changed {
			devices = append(devices, device)
		}
		s.changed = nil
		s.mu.Unlock()
	}
	slices.Sort(devices)
	return devices
}
