package incident

import (
	"time"

	"homefleet/scenarios"
)

// brokerOutage takes the broker away from everybody, if it is ours.
var brokerOutage = kind{
	name:    scenarios.BrokerOutage,
	what:    always("without a broker"),
	begin:   suspendBroker,
	staysOn: true,
}

func suspendBroker(o *occurrence) {
	s := o.s
	if s.config.Broker == nil {
		return // the check of the scenario, or Strike, has said so
	}
	if s.outages++; s.outages == 1 {
		from := s.now()
		s.brokerBack.Store(int64(afterOutage + max(s.onClock(o.to), from)))
		s.config.Broker.Suspend()
		to := s.now()
		for n := range s.config.Scenario.Count() {
			s.config.Target(n).Tell(func(d Device) { d.BrokerLeft(from, to) })
		}
	}
	o.release(o.to, func() {
		if s.outages--; s.outages == 0 {
			s.resumeBroker()
		}
	})
}

func (s *Scheduler) resumeBroker() {
	s.config.Broker.Resume()
	s.brokerBack.Store(int64(s.now() + afterOutage))
}

// afterOutage is for how long after an outage that is why clients are not connected.
const afterOutage = 5 * time.Second

// BrokerAway reports whether an incident keeps the broker away, or did so lately. It may be
// called from any goroutine.
func (s *Scheduler) BrokerAway() bool { return int64(s.now()) < s.brokerBack.Load() }
