package broker

import (
	"encoding/binary"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// The answers that every client gets when it arrives are encoded by hand: with
// the codec of paho.golang they were a third of what a fleet of 100,000 makes the
// broker allocate until it is up.

// connackProps gives the properties of every CONNACK 0 to a version 5 client, in
// which the limits are declared (section 3.2.2.3), encoded.
func (l *limits) connackProps() (b []byte) {
	if l.ReceiveMaximum < 65535 {
		b = appendUint16(append(b, packets.PropReceiveMaximum), l.ReceiveMaximum)
	}
	if l.maximumQoS < 2 {
		b = append(b, packets.PropMaximumQOS, l.maximumQoS)
	}
	if l.TopicAliasMaximum > 0 {
		b = appendUint16(append(b, packets.PropTopicAliasMaximum), uint16(l.TopicAliasMaximum))
	}
	b = appendUint32(append(b, packets.PropMaximumPacketSize), uint32(l.MaximumPacketSize))
	for _, feature := range []struct {
		property    byte
		unavailable bool
	}{
		{packets.PropRetainAvailable, l.NoRetain},
		{packets.PropWildcardSubAvailable, l.NoWildcards},
		{packets.PropSubIDAvailable, l.NoSubscriptionIDs},
		{packets.PropSharedSubAvailable, l.NoShared},
	} {
		if feature.unavailable {
			b = append(b, feature.property, 0)
		}
	}
	return b
}

// appendConnack encodes a CONNACK (section 3.2). props are encoded properties
// without their length, for version 5.
func appendConnack(dst []byte, v wire.Version, code byte, present bool, props []byte) []byte {
	if v != wire.V5 {
		return wire.Append(dst, &packets.Connack{ReasonCode: code, SessionPresent: present}, v)
	}
	flags := byte(0)
	if present {
		flags = 1
	}
	var length [binary.MaxVarintLen32]byte
	n := binary.PutUvarint(length[:], uint64(len(props)))
	dst = binary.AppendUvarint(append(dst, packets.CONNACK<<4), uint64(2+n+len(props)))
	dst = binary.AppendUvarint(append(dst, flags, code), uint64(len(props)))
	return append(dst, props...)
}

// appendSuback encodes a SUBACK or, for type packets.UNSUBACK, an UNSUBACK
// (sections 3.9 and 3.11).
func appendSuback(dst []byte, v wire.Version, typ byte, id uint16, reasons []byte) []byte {
	switch {
	case v == wire.V5:
	case typ == packets.UNSUBACK:
		return wire.Append(dst, &packets.Unsuback{PacketID: id, Reasons: reasons}, v)
	default:
		return wire.Append(dst, &packets.Suback{PacketID: id, Reasons: reasons}, v)
	}
	dst = binary.AppendUvarint(append(dst, typ<<4), uint64(3+len(reasons)))
	dst = append(appendUint16(dst, id), 0) // no properties
	return append(dst, reasons...)
}

func appendUint16(dst []byte, n uint16) []byte { return binary.BigEndian.AppendUint16(dst, n) }

func appendUint32(dst []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(dst, n) }

// appendText encodes a property that is a string of at most 65,535 bytes; an
// empty one is left out.
func appendText(dst []byte, property byte, text string) []byte {
	if text == "" {
		return dst
	}
	dst = appendUint16(append(dst, property), uint16(len(text)))
	return append(dst, text...)
}
