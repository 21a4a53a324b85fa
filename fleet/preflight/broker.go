package preflight

import (
	"fmt"
	"slices"
	"strconv"

	"homefleet/devices/words"
	"homefleet/fleet/load"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Broker says which limits in a broker's CONNACK a scenario runs into; connack has them
// by the standard's names (MQTT 5.0, 3.2.2.3). run is {run} in its templates.
func Broker(sc *scenarios.Scenario, run string, connack map[string]string) []string {
	var walls []string
	add := func(format string, args ...any) { walls = append(walls, fmt.Sprintf(format, args...)) }
	limit := func(name string) (int, bool) {
		n, err := strconv.Atoi(connack[name])
		return n, err == nil
	}
	no := func(name string) bool { return connack[name] == "no" }
	if most, ok := limit("Maximum QoS"); ok {
		for i := range sc.Controllers {
			if c := &sc.Controllers[i]; int(c.QoS) > most {
				add("the broker's Maximum QoS is %d: the requests of %s leave at that, not at QoS %d", most, words.Printable(c.Name), c.QoS)
			}
		}
	}
	if most, ok := limit("Maximum Packet Size"); ok {
		for i := range sc.Controllers {
			c := &sc.Controllers[i]
			payload := c.PayloadSize
			for _, p := range c.Payloads {
				payload = max(payload, len(p))
			}
			if payload+c.CorrelationSize+mostTopics <= most {
				continue // as with most brokers: there is no need to look at each target
			}
			switch least, largest := requestSizes(sc, c, run); {
			case least > most:
				add("the broker's Maximum Packet Size is %s: the requests of %s have %s and more, and are not sent", words.Plural(int64(most), "byte", "bytes"), words.Printable(c.Name), words.Plural(int64(least), "byte", "bytes"))
			case largest > most:
				add("the broker's Maximum Packet Size is %s: some requests of %s have more, up to %s, and are not sent", words.Plural(int64(most), "byte", "bytes"), words.Printable(c.Name), words.Plural(int64(largest), "byte", "bytes"))
			}
		}
	}
	if most, ok := limit("Receive Maximum"); ok {
		for i := range sc.Controllers {
			c := &sc.Controllers[i]
			if each := (c.Burst + c.Count - 1) / max(c.Count, 1); c.QoS > 0 && each > most {
				add("the broker's Receive Maximum is %d: of the %d requests that each of %s has in a burst, not all can be sent", most, each, words.Printable(c.Name))
			}
		}
	}
	if no("Shared Subscription Available") {
		shared := slices.ContainsFunc(sc.Controllers, func(c scenarios.Controllers) bool { return c.ShareReplies }) ||
			slices.ContainsFunc(sc.Watchers, func(w scenarios.Watchers) bool { return w.Share != "" })
		if shared {
			add("the broker has no shared subscriptions, and the scenario has one")
		}
	}
	if no("Retain Available") && slices.ContainsFunc(sc.Groups, func(g scenarios.Group) bool { return g.Retain }) {
		add("the broker retains nothing, and the states of devices are to be retained")
	}
	return walls
}

// mostTopics is more than a request takes beside payload and Correlation Data:
// two topics of up to 64 KiB, and a few bytes.
const mostTopics = 3 << 16

// requestSizes returns the lengths of the smallest and the largest PUBLISH of a
// group of controllers, on the Response Topic that they take where the broker has
// no Response Information for them.
func requestSizes(sc *scenarios.Scenario, c *scenarios.Controllers, run string) (least, most int) {
	topics, payloads := load.RequestLengths(sc, c)
	var own []int // of Response Topics
	if c.ShareReplies {
		own = append(own, len(c.Name))
	} else {
		for n := range c.Count {
			own = append(own, len(c.ClientID.Expand(c.Vars(n+1, sc.Seed, run))))
		}
	}
	size := func(of func([]int) int) int {
		return wire.PublishSize(&wire.Publish{
			Topic: make([]byte, of(topics)), Payload: make([]byte, of(payloads)), QoS: c.QoS,
			Props: wire.Properties{
				ResponseTopic:   make([]byte, len("homefleet/response/")+of(own)),
				CorrelationData: make([]byte, c.CorrelationSize),
			},
		}, wire.V5)
	}
	if len(topics) == 0 || len(own) == 0 {
		return 0, 0 // they send nothing
	}
	return size(slices.Min[[]int]), size(slices.Max[[]int])
}
