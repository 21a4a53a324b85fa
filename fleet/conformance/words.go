package conformance

import (
	"fmt"
	"strings"
)

// propertyNames are those of the standard (table 2-4).
var propertyNames = map[byte]string{
	1: "Payload Format Indicator", 2: "Message Expiry Interval", 3: "Content Type", 8: "Response Topic", 9: "Correlation Data",
	11: "Subscription Identifier", 17: "Session Expiry Interval", 18: "Assigned Client Identifier", 19: "Server Keep Alive",
	21: "Authentication Method", 22: "Authentication Data", 23: "Request Problem Information", 24: "Will Delay Interval",
	25: "Request Response Information", 26: "Response Information", 28: "Server Reference", 31: "Reason String", 33: "Receive Maximum",
	34: "Topic Alias Maximum", 35: "Topic Alias", 36: "Maximum QoS", 37: "Retain Available", 38: "User Property", 39: "Maximum Packet Size",
	40: "Wildcard Subscription Available", 41: "Subscription Identifier Available", 42: "Shared Subscription Available",
}

// name is that of the standard.
func (q prop) name() string {
	if name, ok := propertyNames[q.id]; ok {
		return name
	}
	return fmt.Sprintf("property 0x%02X", q.id)
}

// String is the property as one says it.
func (q prop) String() string {
	switch q.id {
	case 3, 8, 9, 18, 21, 22, 26, 28, 31, 38:
		return q.name() + " " + brief(q.value)
	}
	return fmt.Sprintf("%s %d", q.name(), q.num)
}

// propsInWords lists properties; none are "none".
func propsInWords(list []prop) string {
	if len(list) == 0 {
		return "none"
	}
	var all []string
	for _, q := range list {
		all = append(all, q.String())
	}
	return strings.Join(all, ", ")
}

// String is the packet as one says it, on a line.
func (p *packet) String() string {
	if p == nil {
		return "nothing"
	}
	parts := []string{typeNames[p.typ]}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch p.typ {
	case publish:
		parts[0] = fmt.Sprintf("PUBLISH of %s to %s", brief(p.payload), brief(p.topic))
		add("QoS %d", p.qos())
		if p.qos() > 0 {
			add("id %d", p.id)
		}
		if p.dup() {
			add("DUP")
		}
		if p.retain() {
			add("RETAIN")
		}
	case suback, unsuback:
		add("id %d", p.id)
		switch n := len(p.codes); {
		case n == 0:
		case n > 16:
			add("codes % x … (%d)", p.codes[:16], n)
		default:
			add("codes % x", p.codes)
		}
	case connack:
		parts[0] += fmt.Sprintf(" 0x%02X", p.code)
		if p.session {
			add("Session Present")
		}
	case puback, pubrec, pubrel, pubcomp:
		parts[0] += fmt.Sprintf(" 0x%02X", p.code)
		add("id %d", p.id)
	case disconnect, auth:
		parts[0] += fmt.Sprintf(" 0x%02X", p.code)
	}
	if len(p.props) > 0 {
		add("with %s", propsInWords(p.props))
	}
	return strings.Join(parts, ", ")
}
