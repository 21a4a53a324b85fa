package load

import (
	"slices"

	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// Facts says what the controllers of a scenario send.
func Facts(sc *scenarios.Scenario) metrics.LoadFacts {
	f := metrics.LoadFacts{Arrival: []string{}}
	for i := range sc.Controllers {
		c := &sc.Controllers[i]
		f.Arrival = append(f.Arrival, c.Name+": "+c.ArrivalText()+c.PartText())
		if !slices.Contains(f.QoS, int(c.QoS)) {
			f.QoS = append(f.QoS, int(c.QoS))
		}
		for _, p := range c.Payloads {
			f.Payload = max(f.Payload, len(p), c.PayloadSize)
		}
		f.Correlation = max(f.Correlation, c.CorrelationSize)
		f.Timeout = max(f.Timeout, metrics.Span(c.Timeout))
	}
	f.Late = f.Timeout // an answer is known for what it is for as long again
	slices.Sort(f.QoS)
	return f
}

// MaximumPacket returns how many bytes a packet may have that the broker sends to a client of
// the scenario: there is room for a topic, a Response Topic and Correlation Data of 65,535 bytes each and
// for the largest payload there is to be, at least 64 KiB, but for nothing that
// would only fill memory.
func MaximumPacket(sc *scenarios.Scenario) int {
	payload := 64 << 10
	for i := range sc.Controllers {
		c := &sc.Controllers[i]
		payload = max(payload, c.PayloadSize)
		for _, p := range c.Payloads {
			payload = max(payload, len(p))
		}
	}
	return 192<<10 + payload
}
