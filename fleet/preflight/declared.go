package preflight

import (
	"strconv"

	"github.com/eclipse/paho.golang/packets"
)

// Declared returns what the properties of a CONNACK say of the broker's limits, by the
// standard's names (MQTT 5.0, 3.2.2.3): what Broker reads.
func Declared(p *packets.Properties) map[string]string {
	m := make(map[string]string)
	number := func(name string, n *uint16) {
		if n != nil {
			m[name] = strconv.Itoa(int(*n))
		}
	}
	number("Receive Maximum", p.ReceiveMaximum)
	number("Topic Alias Maximum", p.TopicAliasMaximum)
	number("Server Keep Alive", p.ServerKeepAlive)
	if p.MaximumPacketSize != nil {
		m["Maximum Packet Size"] = strconv.FormatUint(uint64(*p.MaximumPacketSize), 10)
	}
	if p.SessionExpiryInterval != nil {
		m["Session Expiry Interval"] = strconv.FormatUint(uint64(*p.SessionExpiryInterval), 10)
	}
	if p.MaximumQOS != nil {
		m["Maximum QoS"] = strconv.Itoa(int(*p.MaximumQOS))
	}
	available := func(name string, b *byte) {
		if b != nil {
			m[name] = map[bool]string{true: "yes", false: "no"}[*b == 1]
		}
	}
	available("Retain Available", p.RetainAvailable)
	available("Wildcard Subscription Available", p.WildcardSubAvailable)
	available("Subscription Identifiers Available", p.SubIDAvailable)
	available("Shared Subscription Available", p.SharedSubAvailable)
	if p.ResponseInfo != "" {
		m["Response Information"] = "given"
	}
	return m
}
