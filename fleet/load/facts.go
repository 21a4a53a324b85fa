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
