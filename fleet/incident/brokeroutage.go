package incident

import "homefleet/scenarios"

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
		s.config.Broker.Suspend()
		to := s.now()
		for n := range s.config.Scenario.Count() {
			s.config.Target(n).Tell(func(d Device) { d.BrokerLeft(from, to) })
		}
	}
	o.release(o.to, func() {
		if s.outages--; s.outages == 0 {
			s.config.Broker.Resume()
		}
	})
}
