package preflight

import (
	"strings"
	"testing"
)

// TestBroker checks what is said of a broker's limits.
func TestBroker(t *testing.T) {
	const text = `
[phases]
measure = "1s"
[[device]]
kind = "light"
retain = true
[[controller]]
name = "hub"
count = 2
attribute = "power"
arrival = "bursts"
burst = 50
every = "1s"
qos = 2
payload_size = "1KiB"
share_replies = true
`
	sc := scenarioOf(t, text)
	for _, c := range []struct {
		name, value string
		want        string // "": nothing
	}{
		{"Maximum QoS", "1", "the broker's Maximum QoS is 1: the requests of hub leave at that, not at QoS 2"},
		{"Maximum QoS", "", ""},
		{"Maximum Packet Size", "1000", "Maximum Packet Size is 1,000 bytes: the requests of hub have 1,102 bytes and more"},
		{"Maximum Packet Size", "1101", "have 1,102 bytes and more"},
		{"Maximum Packet Size", "1102", ""},
		{"Receive Maximum", "20", "Receive Maximum is 20: of the 25 requests that each of hub has in a burst"},
		{"Receive Maximum", "25", ""},
		{"Shared Subscription Available", "no", "the broker has no shared subscriptions"},
		{"Shared Subscription Available", "yes", ""},
		{"Retain Available", "no", "the broker retains nothing"},
		{"Retain Available", "yes", ""},
	} {
		got := strings.Join(Broker(sc, "run", map[string]string{c.name: c.value}), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("Broker(%s = %q) = %q; want %q", c.name, c.value, got, c.want)
		}
	}
}
