package wire

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// The oracle is the codec of paho.golang v0.23.0: what this package accepts it
// must decode to the same. It loses some of what is on the wire; each loss is
// here, and the tests below look past it in exactly this way.
var losses = []struct {
	name  string
	frame Frame
	ours  func(t *testing.T, f Frame) bool // we have it
	gone  func(p packets.Packet) bool      // the library has not
}{
	{
		"an empty Content Type is as none",
		frame(0x30, str("a"), props("\x03", str(""))),
		func(t *testing.T, f Frame) bool { return mustPublish(t, f).Props.ContentType != nil },
		func(p packets.Packet) bool { return bytes.Equal(written(p), frame(0x30, str("a"), none)) },
	},
	{
		"an empty Response Topic is as none",
		frame(0x30, str("a"), props("\x08", str(""))),
		func(t *testing.T, f Frame) bool { return mustPublish(t, f).Props.ResponseTopic != nil },
		func(p packets.Packet) bool { return bytes.Equal(written(p), frame(0x30, str("a"), none)) },
	},
	{
		"empty Correlation Data is as none",
		frame(0x30, str("a"), props("\x09", str(""))),
		func(t *testing.T, f Frame) bool { return mustPublish(t, f).Props.CorrelationData != nil },
		func(p packets.Packet) bool { return bytes.Equal(written(p), frame(0x30, str("a"), none)) },
	},
	{
		"only the last Subscription Identifier is kept",
		frame(0x30, str("a"), props("\x0b\x01\x0b\x02")),
		func(t *testing.T, f Frame) bool {
			return slices.Equal(mustPublish(t, f).Props.SubscriptionIDs, []uint32{1, 2})
		},
		func(p packets.Packet) bool { return *p.(*packets.Publish).Properties.SubscriptionIdentifier == 2 },
	},
	{
		"a DISCONNECT of nothing is an error",
		frame(0xe0),
		func(t *testing.T, f Frame) bool { _, err := Decode(f, V5); return err == nil },
		func(p packets.Packet) bool { return p == nil },
	},
}

// The table of losses stays true: a loss that a release of the library mends
// fails here, and can go from the table and from the comparisons below.
func TestLosses(t *testing.T) {
	for _, l := range losses {
		var p packets.Packet
		if cp, err := packets.ReadPacket(bytes.NewReader(l.frame)); err == nil {
			p = cp.Content
		}
		if !l.ours(t, l.frame) || !l.gone(p) {
			t.Errorf("%s: the library gives %v; want the loss, or its line removed from this table", l.name, p)
		}
	}
}

func mustPublish(t *testing.T, f Frame) Publish {
	t.Helper()
	p, err := ParsePublish(f, V5)
	if err != nil {
		t.Fatalf("ParsePublish(% x) = %v; want no error", []byte(f), err)
	}
	return p
}

func written(p packets.Packet) []byte {
	var b bytes.Buffer
	_, _ = p.WriteTo(&b)
	return b.Bytes()
}

// oracle decodes with the library what was accepted here.
func oracle[P packets.Packet](t *testing.T, f Frame) P {
	t.Helper()
	cp, err := packets.ReadPacket(bytes.NewReader(f))
	if err != nil {
		t.Fatalf("the library refuses what is accepted here: %v, % x", err, []byte(f))
	}
	return cp.Content.(P)
}

// one makes a whole frame of whatever the fuzzer came up with, or nil.
func one(in []byte, types ...byte) Frame {
	f := Framer{}
	got, err := f.Next(&in)
	if err != nil || got == nil || !slices.Contains(types, got.Type()) {
		return nil
	}
	return got
}

// sameMessage compares the properties of an application message.
func sameMessage(t *testing.T, ours *Properties, theirs *packets.Properties) {
	t.Helper()
	if theirs == nil {
		theirs = &packets.Properties{}
	}
	same := func(name string, a, b any) {
		t.Helper()
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%s = %v; the library has %v", name, a, b)
		}
	}
	same("Content Type", string(ours.ContentType), theirs.ContentType)
	same("Response Topic", string(ours.ResponseTopic), theirs.ResponseTopic)
	same("Correlation Data", string(ours.CorrelationData), string(theirs.CorrelationData))
	same("Payload Format", optional(ours.HasPayloadFormat, ours.PayloadFormat), theirs.PayloadFormat)
	same("Message Expiry", optional(ours.HasMessageExpiry, ours.MessageExpiry), theirs.MessageExpiry)
	same("Topic Alias", optional(ours.HasTopicAlias, ours.TopicAlias), theirs.TopicAlias)
	if n := len(ours.SubscriptionIDs); n > 0 {
		same("Subscription Identifier", int(ours.SubscriptionIDs[n-1]), *theirs.SubscriptionIdentifier)
	} else {
		same("Subscription Identifier", (*int)(nil), theirs.SubscriptionIdentifier)
	}
	var users []packets.User
	for k, v := range ours.UserProperties() {
		users = append(users, packets.User{Key: k, Value: v})
	}
	same("User Properties", users, theirs.User)
}

func optional[T any](has bool, v T) *T {
	if !has {
		return nil
	}
	return &v
}

var publishSeeds = []Frame{
	frame(0x30, str("a"), none, "payload"),
	frame(0x3d, str("tele/light-1/lwt"), "\xff\xff", props("\x01\x01\x02\x00\x00\x00\x3c", "\x03", str("text/plain"), "\x08", str("re/1"), "\x09", str("\x00\xff")), "ON"),
	frame(0x32, str(""), "\x00\x01", props("\x23\x00\x07", "\x0b\x01\x0b\xff\xff\xff\x7f")),
	frame(0x30, str("a"), props(user("k", "1"), "\x01\x00", user("k", "2"), user("", ""), "\x09", str("")), ""),
	frame(0x34, str("ä/€"), "\x01\x00", props("\x08", str("a/+"))),
	frame(0x36, str("a"), none),
	frame(0x30, str("a/#"), none),
}

func FuzzPublish(f *testing.F) {
	for _, s := range publishSeeds {
		f.Add([]byte(s), false)
	}
	for _, l := range losses {
		f.Add([]byte(l.frame), false)
	}
	f.Add([]byte(frame(0x32, str("a/b"), "\x00\x01", "payload")), true)
	f.Fuzz(func(t *testing.T, in []byte, old bool) {
		fr := one(in, packets.PUBLISH)
		if fr == nil {
			return
		}
		v := V5
		if old {
			v = V311
		}
		whole := bytes.Clone(fr)
		ours, err := ParsePublish(fr, v)
		if !bytes.Equal(fr, whole) {
			t.Fatal("ParsePublish changed the frame")
		}
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code < 0x80 {
				t.Fatalf("ParsePublish = %v; want an *Error with a code", err)
			}
			return
		}
		if !ValidString(ours.Topic) || len(ours.Topic) > 0 && !ValidTopicName(ours.Topic) || len(ours.Topic) == 0 && !ours.Props.HasTopicAlias {
			t.Fatalf("the topic %q was accepted", ours.Topic)
		}
		encoded := AppendPublish(nil, &ours, v)
		if len(encoded) != PublishSize(&ours, v) {
			t.Fatalf("PublishSize = %d; AppendPublish made %d bytes", PublishSize(&ours, v), len(encoded))
		}
		if v != V5 { // no properties whose order could differ
			if !bytes.Equal(encoded, fr) {
				t.Fatalf("AppendPublish(ParsePublish(% x)) = % x", []byte(fr), encoded)
			}
			return
		}
		theirs := oracle[*packets.Publish](t, fr)
		if string(ours.Topic) != theirs.Topic || !bytes.Equal(ours.Payload, theirs.Payload) || ours.PacketID != theirs.PacketID ||
			ours.QoS != theirs.QoS || ours.Dup != theirs.Duplicate || ours.Retain != theirs.Retain {
			t.Fatalf("ParsePublish = %+v; the library has %v", ours, theirs)
		}
		sameMessage(t, &ours.Props, theirs.Properties)
		again, err := ParsePublish(encoded, v)
		if err != nil || !reflect.DeepEqual(again, ours) {
			t.Fatalf("ParsePublish(AppendPublish(p)) = %+v, %v; want p = %+v", again, err, ours)
		}
		if len(encoded) != len(fr) {
			t.Fatalf("AppendPublish made %d bytes of a frame of %d", len(encoded), len(fr))
		}
	})
}

var connectSeeds = []Frame{
	frame(0x10, str("MQTT"), "\x05\x02\x00\x3c", none, str("c")),
	frame(0x10, str("MQTT"), "\x05\xf6\x00\x3c", props(goodProperty[17], goodProperty[33], goodProperty[39], goodProperty[34], goodProperty[25], "\x17\x00",
		goodProperty[21], goodProperty[22], user("k", "1"), user("k", "2")), str("id"),
		props(goodProperty[24], goodProperty[1], goodProperty[2], goodProperty[3], goodProperty[8], goodProperty[9], user("a", "b")), str("will/t"), str("bye"), str("user"), str("pass")),
	frame(0x10, str("MQTT"), "\x04\xc6\x00\x3c", str("id"), str("w"), str("x"), str("user"), str("\x00\xff")),
	frame(0x10, str("MQIsdp"), "\x03\x02\x00\x0a", str("old")),
	frame(0x10, str("MQTT"), "\x05\x42\x00\x00", props("\x11\x00\x00\x00\x00\x22\x00\x00\x17\x01\x19\x00"), str(""), str("p")),
}

func FuzzConnect(f *testing.F) {
	for _, s := range connectSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		fr := one(in, packets.CONNECT)
		if fr == nil {
			return
		}
		ours, err := ParseConnect(fr)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code < 0x80 {
				t.Fatalf("ParseConnect = %v; want an *Error with a code", err)
			}
			return
		}
		encoded := AppendConnect(nil, ours)
		again, err := ParseConnect(encoded)
		if err != nil || !reflect.DeepEqual(again, ours) {
			t.Fatalf("ParseConnect(AppendConnect(c)) = %+v, %v; want c = %+v", again, err, ours)
		}
		if ours.Version != V5 {
			if !bytes.Equal(encoded, fr) {
				t.Fatalf("AppendConnect(ParseConnect(% x)) = % x", []byte(fr), encoded)
			}
			return
		}
		for _, b := range [][]byte{fr, encoded} {
			sameConnect(t, ours, oracle[*packets.Connect](t, b))
		}
	})
}

func sameConnect(t *testing.T, ours *Connect, theirs *packets.Connect) {
	t.Helper()
	if ours.ClientID != theirs.ClientID || ours.Username != theirs.Username || !bytes.Equal(ours.Password, theirs.Password) ||
		ours.CleanStart != theirs.CleanStart || ours.HasUser != theirs.UsernameFlag || ours.HasPass != theirs.PasswordFlag || ours.KeepAlive != theirs.KeepAlive {
		t.Fatalf("ParseConnect = %+v; the library has %v", ours, theirs)
	}
	p := theirs.Properties
	orZero := func(n *uint32) uint32 {
		if n == nil {
			return 0
		}
		return *n
	}
	orZero16 := func(n *uint16) uint16 {
		if n == nil {
			return 0
		}
		return *n
	}
	var users []packets.User
	for k, v := range (&Properties{User: ours.User}).UserProperties() {
		users = append(users, packets.User{Key: k, Value: v})
	}
	if ours.SessionExpiry != orZero(p.SessionExpiryInterval) || ours.MaximumPacketSize != orZero(p.MaximumPacketSize) ||
		ours.ReceiveMaximum != orZero16(p.ReceiveMaximum) || ours.TopicAliasMaximum != orZero16(p.TopicAliasMaximum) ||
		ours.RequestResponseInfo != (p.RequestResponseInfo != nil && *p.RequestResponseInfo == 1) ||
		ours.NoProblemInfo != (p.RequestProblemInfo != nil && *p.RequestProblemInfo == 0) ||
		ours.AuthMethod != p.AuthMethod || !bytes.Equal(ours.AuthData, p.AuthData) || !slices.Equal(users, p.User) {
		t.Fatalf("ParseConnect's properties = %+v; the library has %v", ours, p)
	}
	if (ours.Will != nil) != theirs.WillFlag {
		t.Fatalf("ParseConnect's Will = %v; the library has %v", ours.Will, theirs.WillFlag)
	}
	if w := ours.Will; w != nil {
		if string(w.Topic) != theirs.WillTopic || !bytes.Equal(w.Payload, theirs.WillMessage) || w.QoS != theirs.WillQOS || w.Retain != theirs.WillRetain ||
			w.Delay != orZero(theirs.WillProperties.WillDelayInterval) {
			t.Fatalf("ParseConnect's Will = %+v; the library has %v", w, theirs)
		}
		sameMessage(t, &w.Props, theirs.WillProperties)
	}
}

func FuzzAck(f *testing.F) {
	for _, typ := range []byte{0x40, 0x50, 0x62, 0x70} {
		f.Add([]byte(frame(typ, "\x00\x01")), true)
		f.Add([]byte(frame(typ, "\x00\x01")), false)
		f.Add([]byte(frame(typ, "\xff\xff\x92")), false)
		f.Add([]byte(frame(typ, "\x00\x01\x10", props("\x1f", str("why"), user("k", "v"), user("k", "v")))), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, old bool) {
		fr := one(in, packets.PUBACK, packets.PUBREC, packets.PUBREL, packets.PUBCOMP)
		if fr == nil {
			return
		}
		v := V5
		if old {
			v = V311
		}
		ours, err := ParseAck(fr, v)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code < 0x80 {
				t.Fatalf("ParseAck = %v; want an *Error with a code", err)
			}
			return
		}
		encoded := AppendAck(nil, fr.Type(), ours, v)
		again, err := ParseAck(encoded, v)
		if err != nil || again != ours {
			t.Fatalf("ParseAck(AppendAck(a)) = %+v, %v; want a = %+v", again, err, ours)
		}
		for _, b := range [][]byte{fr, encoded} {
			cp, err := packets.ReadPacket(bytes.NewReader(b))
			if err != nil {
				t.Fatalf("the library refuses what is accepted here: %v, % x", err, b)
			}
			var code byte
			switch p := cp.Content.(type) {
			case *packets.Puback:
				code = p.ReasonCode
			case *packets.Pubrec:
				code = p.ReasonCode
			case *packets.Pubrel:
				code = p.ReasonCode
			case *packets.Pubcomp:
				code = p.ReasonCode
			}
			if ours.PacketID != cp.PacketID() || ours.Code != code {
				t.Fatalf("ParseAck(% x) = %+v; the library has %d, 0x%02X", b, ours, cp.PacketID(), code)
			}
		}
	})
}

// FuzzDecode is about the packets that the library decodes here as well: the
// checks in front of it must not let through what it reads differently, so what
// is encoded again must decode to the same.
func FuzzDecode(f *testing.F) {
	for _, place := range places {
		var all strings.Builder
		for _, id := range place.allowed {
			all.WriteString(goodProperty[id])
		}
		f.Add([]byte(place.with(all.String())), false)
		f.Add([]byte(place.with("")), false)
	}
	for _, s := range []Frame{
		frame(0x82, "\x00\x01", props("\x0b\x07"), str("a/+"), "\x2e", str("$share/g/#"), "\x19"), frame(0xa2, "\x00\x01", none, str("a"), str("")),
		frame(0xe0), frame(0xe0, "\x04"), frame(0xf0), frame(0xf0, "\x18"), frame(0xc0), frame(0xd0), frame(0x90, "\x00\x01", none, "\x00\x87"),
	} {
		f.Add([]byte(s), false)
	}
	for _, s := range []Frame{
		frame(0x20, "\x01\x00"), frame(0x82, "\x00\x01", str("a"), "\x01", str("b/#"), "\x02"), frame(0xa2, "\x00\x01", str("a"), str("b")),
		frame(0x90, "\x00\x01\x00\x80"), frame(0xb0, "\x00\x01"), frame(0xe0),
	} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, old bool) {
		fr := one(in, packets.CONNACK, packets.SUBSCRIBE, packets.SUBACK, packets.UNSUBSCRIBE, packets.UNSUBACK,
			packets.PINGREQ, packets.PINGRESP, packets.DISCONNECT, packets.AUTH)
		if fr == nil {
			return
		}
		v := V5
		if old {
			v = V311
		}
		whole := bytes.Clone(fr)
		p, err := Decode(fr, v)
		if !bytes.Equal(fr, whole) {
			t.Fatal("Decode changed the frame")
		}
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code < 0x80 {
				t.Fatalf("Decode = %v; want an *Error with a code", err)
			}
			return
		}
		if v == V5 && len(fr) > 2 {
			if theirs := oracle[packets.Packet](t, fr); !reflect.DeepEqual(p, theirs) {
				t.Fatalf("Decode = %v; the library has %v", p, theirs)
			}
		}
		// The return codes of a CONNACK are no reason codes before version 5.
		if c, ok := p.(*packets.Connack); ok && v != V5 && c.ReasonCode != 0 {
			return
		}
		encoded := Append(nil, p, v)
		if v != V5 {
			if !bytes.Equal(encoded, fr) {
				t.Fatalf("Append(Decode(% x)) = % x", []byte(fr), encoded)
			}
			return
		}
		again, err := Decode(encoded, v)
		if err != nil {
			t.Fatalf("Decode(Append(p)) = %v; want no error for % x", err, encoded)
		}
		if got, want := written(again), written(p); !bytes.Equal(got, want) {
			t.Fatalf("Decode(Append(p)) = %v; want p = %v", again, p)
		}
	})
}
