package responder

import (
	"time"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// WillParts is a set of [metrics.WillParts], a bit each.
type WillParts uint32

func (s WillParts) Has(part int) bool { return s&(1<<part) != 0 }

// testedBy returns what a Will as its device made it puts to the test, seen at a
// QoS of the auditor: what it does not have cannot get lost.
func testedBy(w *wire.Will, delay time.Duration) (s WillParts) {
	for part, has := range [len(metrics.WillParts)]bool{
		len(w.Payload) > 0, w.QoS > 0, w.Retain,
		w.Props.HasPayloadFormat && w.Props.PayloadFormat != 0, // an absent one means 0
		w.Props.HasMessageExpiry, w.Props.ContentType != nil, w.Props.ResponseTopic != nil, w.Props.CorrelationData != nil,
		w.Props.User != nil, unlike(w.Props.User), delay > 0,
	} {
		if has {
			s |= 1 << part
		}
	}
	return s
}

// unlike reports whether there are two User Properties that differ, so that their
// order can be seen (3.3.2-18).
func unlike(user []byte) bool {
	if user == nil {
		return false
	}
	n, first := 0, [2]string{}
	for k, v := range (&wire.Properties{User: user}).UserProperties() {
		one := [2]string{k, v}
		if n++; n == 1 {
			first = one
		} else if one != first {
			return true
		}
	}
	return false
}
