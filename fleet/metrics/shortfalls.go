package metrics

import "homefleet/devices/words"

// Shortfalls says which subscriptions were granted less than they asked for, and
// which messages the broker's Maximum Packet Size kept from being sent, or a queue
// that was full.
func Shortfalls(c *Counts) (remarks []string) {
	totals := CountTotals(c)
	if n := totals["subscriptions.lowered"]; n > 0 {
		remarks = append(remarks, words.Plural(n, "subscription", "subscriptions")+" granted at a lower QoS than was asked for (SUBACK): what came there came at that")
	}
	for _, k := range []struct{ name, one, many string }{
		{"telemetry", "telemetry message", "telemetry messages"}, {"state", "state message", "state messages"},
		{"replies", "reply", "replies"}, {"announcements", "announcement of availability", "announcements of availability"},
	} {
		for _, why := range []struct{ name, text string }{
			{"too_large", "too large for the broker's Maximum Packet Size"}, {"no_room", "the device's queue had no room"},
		} {
			switch n := totals[k.name+"."+why.name]; {
			case n == 1:
				remarks = append(remarks, "a "+k.one+" was not sent: "+why.text)
			case n > 1:
				remarks = append(remarks, words.Grouped(n)+" "+k.many+" were not sent: "+why.text)
			}
		}
	}
	return remarks
}
