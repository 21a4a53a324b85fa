package wire

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// binary65535 is Correlation Data as long as it can be, with every byte value.
func binary65535() []byte {
	b := make([]byte, 65535)
	for i := range b {
		b[i] = byte(i)
	}
	b[0], b[65534] = 0x00, 0xff
	return b
}

func TestPublishRoundTrip(t *testing.T) {
	users := []byte(user("k", "1") + user("other", "") + user("k", "2") + user("", "x") + user("k", "1"))
	full := Properties{ContentType: []byte("text/plain"), ResponseTopic: []byte("re/1"), CorrelationData: []byte("\x00\xff"), User: users,
		MessageExpiry: 0xfffffffe, HasMessageExpiry: true, PayloadFormat: 1, HasPayloadFormat: true, TopicAlias: 65535, HasTopicAlias: true,
		SubscriptionIDs: []uint32{1, 127, 128, 268_435_455, 1}}
	tests := []struct {
		name string
		v    Version
		p    Publish
	}{
		{"smallest", V5, Publish{Topic: []byte("a"), Payload: []byte{}}},
		{"all there is", V5, Publish{Topic: []byte("a/ä"), Payload: []byte("ON"), Props: full, PacketID: 65535, QoS: 2, Dup: true, Retain: true}},
		{"65,535 bytes of Correlation Data", V5, Publish{Topic: []byte("a"), Payload: []byte("x"), Props: Properties{CorrelationData: binary65535()}}},
		{"empty but present", V5, Publish{Topic: []byte("a"), Payload: []byte{}, Props: Properties{ContentType: []byte{}, ResponseTopic: []byte{}, CorrelationData: []byte{}}}},
		{"present and 0", V5, Publish{Topic: []byte("a"), Payload: []byte{}, Props: Properties{HasMessageExpiry: true, HasPayloadFormat: true}}},
		{"a topic of 65,535 bytes", V5, Publish{Topic: bytes.Repeat([]byte("t"), 65535), Payload: []byte{}}},
		{"a payload of 3 MB", V5, Publish{Topic: []byte("a"), Payload: make([]byte, 3<<20), PacketID: 1, QoS: 1}},
		{"3.1.1", V311, Publish{Topic: []byte("a"), Payload: []byte("x"), PacketID: 1, QoS: 1, Retain: true}},
	}
	for _, tt := range tests {
		b := AppendPublish([]byte("before"), &tt.p, tt.v)[len("before"):]
		if n := PublishSize(&tt.p, tt.v); n != len(b) {
			t.Errorf("%s: PublishSize = %d; want %d", tt.name, n, len(b))
		}
		if n, err := Size(b); n != len(b) || err != nil {
			t.Errorf("%s: Size = %d, %v; want %d", tt.name, n, err, len(b))
		}
		got, err := ParsePublish(b, tt.v)
		if err != nil || !reflect.DeepEqual(got, tt.p) {
			t.Errorf("%s: ParsePublish(AppendPublish(p)) = %v; not p", tt.name, err)
		}
	}
}

// What cannot be a string on the wire is cut, and the packet stays well-formed.
func TestPublishTooLong(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 70_000)
	p := Publish{Topic: long, Payload: []byte("payload"), Props: Properties{ContentType: long, ResponseTopic: long, CorrelationData: long}}
	b := AppendPublish(nil, &p, V5)
	if n := PublishSize(&p, V5); n != len(b) {
		t.Errorf("PublishSize = %d; want %d", n, len(b))
	}
	got, err := ParsePublish(b, V5)
	if err != nil {
		t.Fatalf("ParsePublish(AppendPublish(p)) = %v; want no error", err)
	}
	for name, s := range map[string][]byte{"Topic": got.Topic, "Content Type": got.Props.ContentType, "Response Topic": got.Props.ResponseTopic, "Correlation Data": got.Props.CorrelationData} {
		if len(s) != 65535 {
			t.Errorf("%s has %d bytes; want 65,535", name, len(s))
		}
	}
	if string(got.Payload) != "payload" {
		t.Errorf("Payload = %q; want it whole", got.Payload)
	}
	if b := AppendUserProperty(nil, string(long), string(long)); len(b) != 5+2*65535 {
		t.Errorf("AppendUserProperty = %d bytes; want %d", len(b), 5+2*65535)
	}
}

// User Properties keep their order and their repeated keys wherever they stand
// between others, and reading them leaves the frame as it was.
func TestUserPropertyOrder(t *testing.T) {
	others := []string{goodProperty[1], goodProperty[2], goodProperty[3], goodProperty[8], goodProperty[9], goodProperty[35], goodProperty[11]}
	const pairs = 4
	for mask := range 1 << len(others) {
		var parts []string
		for i, o := range others {
			if i < pairs {
				parts = append(parts, user("k", itoa(i)))
			}
			if mask&(1<<i) != 0 {
				parts = append(parts, o)
			}
		}
		f := frame(0x30, str("a"), props(parts...), "payload")
		whole := bytes.Clone(f)
		p := mustPublish(t, f)
		var got []string
		for k, v := range p.Props.UserProperties() {
			got = append(got, k+v)
		}
		if want := []string{"k0", "k1", "k2", "k3"}; !slices.Equal(got, want) {
			t.Fatalf("User Properties between others (%07b) = %v; want %v", mask, got, want)
		}
		_ = append(p.Props.User, "overrun"...)
		if !bytes.Equal(f, whole) {
			t.Fatalf("appending to the User Properties (%07b) wrote into the frame", mask)
		}
	}
	// Leaving the loop early is fine.
	p := Properties{User: []byte(user("a", "1") + user("b", "2"))}
	for k := range p.UserProperties() {
		if k != "a" {
			t.Errorf("first User Property = %q; want a", k)
		}
		break
	}
	if got := AppendUserProperty([]byte(user("a", "1")), "b", "2"); string(got) != string(p.User) {
		t.Errorf("AppendUserProperty = %q; want %q", got, p.User)
	}
}

func TestConnectRoundTrip(t *testing.T) {
	will := &Will{Topic: []byte("tele/l/lwt"), Payload: []byte("Offline"), QoS: 2, Retain: true, Delay: 5, Props: Properties{
		ContentType: []byte("text/plain"), ResponseTopic: []byte("will/seen/l"), CorrelationData: binary65535(), HasPayloadFormat: true, PayloadFormat: 1,
		HasMessageExpiry: true, MessageExpiry: 3600, User: []byte(user("k", "1") + user("k", "2"))}}
	tests := []Connect{
		{Version: V5, CleanStart: true},
		{Version: V5, ClientID: "c", Username: "u", HasUser: true, Password: []byte("\x00\xff"), HasPass: true, KeepAlive: 65535, SessionExpiry: 0xffffffff,
			MaximumPacketSize: 1 << 20, ReceiveMaximum: 1, TopicAliasMaximum: 10, RequestResponseInfo: true, NoProblemInfo: true, AuthMethod: "m",
			AuthData: []byte{}, User: []byte(user("a", "1") + user("a", "1")), Will: will},
		{Version: V5, ClientID: "c", Will: &Will{Topic: []byte("w"), Payload: []byte{}}},
		{Version: V5, HasPass: true, Password: []byte{}, HasUser: true},
		{Version: V311, ClientID: strings.Repeat("x", 65535), CleanStart: true, HasUser: true, Username: "u", HasPass: true, Password: []byte("p"), KeepAlive: 1,
			Will: &Will{Topic: []byte("w"), Payload: binary65535(), QoS: 1}},
		{Version: V31, ClientID: "old", CleanStart: true, KeepAlive: 10},
	}
	for i, c := range tests {
		got, err := ParseConnect(AppendConnect(nil, &c))
		if err != nil || !reflect.DeepEqual(*got, c) {
			t.Errorf("case %d: ParseConnect(AppendConnect(c)) = %v; not c", i, err)
		}
	}
}

// A CONNECT whose version is not spoken says which it was, so that the answer
// can be in it; one that breaks says its version as far as that was read.
func TestConnectVersion(t *testing.T) {
	for _, c := range []struct {
		f       Frame
		version Version
		code    byte
	}{
		{frame(0x10, str("MQTT"), "\x06\x02\x00\x00"), 6, UnsupportedVersion},
		{frame(0x10, str("MQTT"), "\x05\x03\x00\x00", none, str("c")), V5, MalformedPacket},
		{frame(0x10, str("MQTT"), "\x04\x03\x00\x00", str("c")), V311, MalformedPacket},
		{frame(0x10, str("MQTT"), "\x05\x02\x00"), V5, MalformedPacket},
	} {
		got, err := ParseConnect(c.f)
		wantCode(t, "ParseConnect", err, c.code)
		if got == nil || got.Version != c.version {
			t.Errorf("ParseConnect(% x) = %v; want version %d", []byte(c.f), got, c.version)
		}
	}
}

// guarded is a CONNECT whose Will has everything a Will can have.
func guarded() *Connect {
	return &Connect{Version: V5, ClientID: "light", CleanStart: true, KeepAlive: 60, SessionExpiry: 3600, Will: &Will{
		Topic: []byte("lwt"), Payload: []byte("bye"), QoS: 1, Retain: true, Delay: 5, Props: Properties{
			HasPayloadFormat: true, PayloadFormat: 1, HasMessageExpiry: true, MessageExpiry: 7, ContentType: []byte("text"),
			ResponseTopic: []byte("re"), CorrelationData: []byte{0x00, 0xff}, User: []byte(user("k", "v"))}}}
}

// AppendConnect's bytes against a packet written out by hand.
func TestConnectHex(t *testing.T) {
	want := strings.ReplaceAll(
		"10 46"+ // CONNECT, 70 bytes
			" 0004 4d515454 05 2e 003c"+ // MQTT, 5; Will Retain, Will QoS 1, Will, Clean Start; 60 s
			" 05 11 00000e10"+ // Session Expiry 3600 s
			" 0005 6c69676874"+ // light
			" 24"+ // 36 bytes of Will Properties
			" 18 00000005"+ // Will Delay 5 s
			" 01 01"+ // Payload Format
			" 02 00000007"+ // Message Expiry 7 s
			" 03 0004 74657874"+ // Content Type text
			" 08 0002 7265"+ // Response Topic re
			" 09 0002 00ff"+ // Correlation Data
			" 26 0001 6b 0001 76"+ // User Property
			" 0003 6c7774"+ // lwt
			" 0003 627965", // bye
		" ", "")
	b, err := hex.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(AppendConnect(nil, guarded())); got != want {
		t.Errorf("AppendConnect = %s;\nwant            %s", got, want)
	}
	got, err := ParseConnect(b)
	if err != nil || !reflect.DeepEqual(got, guarded()) {
		t.Errorf("ParseConnect of the bytes by hand = %+v, %v", got, err)
	}
}

// The library reads all of the Will from AppendConnect's bytes: it was only ever
// unable to write it.
func TestConnectOracle(t *testing.T) {
	ours := guarded()
	theirs := oracle[*packets.Connect](t, AppendConnect(nil, ours))
	sameConnect(t, ours, theirs)
	p := theirs.WillProperties
	if p.PayloadFormat == nil || p.MessageExpiry == nil || p.ContentType == "" || p.ResponseTopic == "" || len(p.CorrelationData) == 0 || p.WillDelayInterval == nil || len(p.User) == 0 {
		t.Errorf("the library reads the Will Properties as %v; want all seven", p)
	}
}

// TestGuardLibraryWill fails on the day that paho.golang itself writes what it
// leaves out of a Will in v0.23.0.
func TestGuardLibraryWill(t *testing.T) {
	connect := oracle[*packets.Connect](t, AppendConnect(nil, guarded()))
	again := oracle[*packets.Connect](t, written(connect))
	p := again.WillProperties
	for _, left := range []struct {
		name  string
		wrote bool
	}{
		{"Response Topic", p.ResponseTopic != ""}, {"Correlation Data", p.CorrelationData != nil}, {"Content Type", p.ContentType != ""},
		{"Payload Format Indicator", p.PayloadFormat != nil}, {"Message Expiry Interval", p.MessageExpiry != nil},
	} {
		if left.wrote {
			t.Errorf("paho.golang now writes a Will's %s: once it writes all five, delete AppendConnect and its helpers in connect.go, "+
				"send CONNECT with packets.Connect.WriteTo, and delete this test and the trap in the documentation", left.name)
		}
	}
	if p.WillDelayInterval == nil || *p.WillDelayInterval != 5 || len(p.User) != 1 {
		t.Errorf("paho.golang writes the Will Properties as %v; want the Will Delay Interval and User Properties, which it has always written", p)
	}
}

// Packets of versions before 5: which return codes the reason codes become.
func TestAppendV311(t *testing.T) {
	tests := []struct {
		name string
		p    packets.Packet
		want string
	}{
		{"CONNACK", &packets.Connack{SessionPresent: true}, "\x20\x02\x01\x00"},
		{"CONNACK 0x84", &packets.Connack{ReasonCode: UnsupportedVersion}, "\x20\x02\x00\x01"},
		{"CONNACK 0x85", &packets.Connack{ReasonCode: ClientIDNotValid}, "\x20\x02\x00\x02"},
		{"CONNACK 0x88", &packets.Connack{ReasonCode: ServerUnavailable}, "\x20\x02\x00\x03"},
		{"CONNACK 0x89", &packets.Connack{ReasonCode: ServerBusy}, "\x20\x02\x00\x03"},
		{"CONNACK 0x86", &packets.Connack{ReasonCode: BadUserNameOrPassword}, "\x20\x02\x00\x04"},
		{"CONNACK 0x87", &packets.Connack{ReasonCode: NotAuthorized}, "\x20\x02\x00\x05"},
		{"CONNACK 0x8A", &packets.Connack{ReasonCode: Banned}, "\x20\x02\x00\x05"},
		{"CONNACK refused with a session", &packets.Connack{ReasonCode: NotAuthorized, SessionPresent: true}, "\x20\x02\x00\x05"},
		{"SUBSCRIBE", &packets.Subscribe{PacketID: 1, Subscriptions: []packets.SubOptions{{Topic: "a", QoS: 1, NoLocal: true, RetainHandling: 2}, {Topic: "b", QoS: 2}}},
			"\x82\x0a\x00\x01\x00\x01a\x01\x00\x01b\x02"},
		{"UNSUBSCRIBE", &packets.Unsubscribe{PacketID: 258, Topics: []string{"a", "b"}}, "\xa2\x08\x01\x02\x00\x01a\x00\x01b"},
		{"SUBACK", &packets.Suback{PacketID: 1, Reasons: []byte{0, 1, 2, 0x80, 0x87, 0xa2}}, "\x90\x08\x00\x01\x00\x01\x02\x80\x80\x80"},
		{"UNSUBACK", &packets.Unsuback{PacketID: 1, Reasons: []byte{0x11}}, "\xb0\x02\x00\x01"},
		{"PINGREQ", &packets.Pingreq{}, "\xc0\x00"},
		{"PINGRESP", &packets.Pingresp{}, "\xd0\x00"},
		{"DISCONNECT", &packets.Disconnect{ReasonCode: 0x8e}, "\xe0\x00"},
		{"AUTH, which there was not", &packets.Auth{}, ""},
	}
	for _, tt := range tests {
		if got := Append([]byte("x"), tt.p, V311); string(got) != "x"+tt.want {
			t.Errorf("Append(%s) = % x; want % x", tt.name, got[1:], tt.want)
		}
	}
}

// A PUBLISH that is sent again differs in its DUP flag alone (3.3.1-1).
func TestSetDup(t *testing.T) {
	f := Frame(AppendPublish(nil, &Publish{Topic: []byte("a"), PacketID: 1, QoS: 1, Retain: true}, V5))
	SetDup(f)
	if p := mustPublish(t, f); !p.Dup || p.QoS != 1 || !p.Retain {
		t.Errorf("after SetDup the PUBLISH is %+v; want DUP beside what was there", p)
	}
}

// What is read from a frame can be appended to without writing into the frame.
func TestParsedAppend(t *testing.T) {
	f := frame(0x30, str("a"), props(goodProperty[3], goodProperty[8], goodProperty[9], goodProperty[38]), "payload")
	whole := bytes.Clone(f)
	p := mustPublish(t, f)
	for name, s := range map[string][]byte{"Topic": p.Topic, "Content Type": p.Props.ContentType, "Response Topic": p.Props.ResponseTopic,
		"Correlation Data": p.Props.CorrelationData, "User": p.Props.User} {
		_ = append(s, "overrun"...)
		if !bytes.Equal(f, whole) {
			t.Fatalf("appending to %s wrote into the frame", name)
		}
	}
}

// The four acknowledgements as they are written: in the shortest form, and
// without reason code before version 5.
func TestAppendAck(t *testing.T) {
	tests := []struct {
		typ  byte
		a    Ack
		v    Version
		want string
	}{
		{packets.PUBACK, Ack{258, Success}, V5, "\x40\x02\x01\x02"},
		{packets.PUBREC, Ack{1, NotAuthorized}, V5, "\x50\x03\x00\x01\x87"},
		{packets.PUBREL, Ack{1, PacketIDNotFound}, V5, "\x62\x03\x00\x01\x92"},
		{packets.PUBREL, Ack{1, Success}, V5, "\x62\x02\x00\x01"},
		{packets.PUBCOMP, Ack{65535, Success}, V5, "\x70\x02\xff\xff"},
		{packets.PUBACK, Ack{1, NotAuthorized}, V311, "\x40\x02\x00\x01"},
		{packets.PUBREL, Ack{1, PacketIDNotFound}, V31, "\x62\x02\x00\x01"},
	}
	for _, tt := range tests {
		if got := AppendAck([]byte("x"), tt.typ, tt.a, tt.v); string(got) != "x"+tt.want {
			t.Errorf("AppendAck(%s, %v, version %d) = % x; want % x", TypeName(tt.typ), tt.a, tt.v, got[1:], tt.want)
		}
	}
}

// The hot path allocates nothing.
func TestAllocs(t *testing.T) {
	publish := Frame(AppendPublish(nil, &Publish{Topic: []byte("cmnd/light-1/power"), Payload: []byte("ON"), PacketID: 1, QoS: 1, Props: Properties{
		ResponseTopic: []byte("re/1"), CorrelationData: []byte("0123"), User: []byte(user("a", "1") + user("b", "2"))}}, V5))
	ack := frame(0x40, "\x00\x01\x10", props("\x1f", str("why"), user("k", "v")))
	buf := make([]byte, 0, 1024)
	for name, f := range map[string]func(){
		"ParsePublish": func() { _, _ = ParsePublish(publish, V5) },
		"ParsePublish and AppendPublish": func() {
			p, _ := ParsePublish(publish, V5)
			buf = AppendPublish(buf[:0], &p, V5)
		},
		"ParseAck":  func() { _, _ = ParseAck(ack, V5) },
		"AppendAck": func() { buf = AppendAck(buf[:0], packets.PUBREC, Ack{1, 0x87}, V5) },
		"Match":     func() { Match("cmnd/+/#", "cmnd/light-1/power") },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s makes %v allocations; want 0", name, n)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	p := Publish{Topic: []byte("cmnd/light-1/power"), Payload: []byte("ON"), PacketID: 1, QoS: 1, Props: Properties{
		ResponseTopic: []byte("re/1"), CorrelationData: []byte("0123"), HasPayloadFormat: true, PayloadFormat: 1}}
	f := Frame(AppendPublish(nil, &p, V5))
	lib := &packets.Publish{Topic: "cmnd/light-1/power", Payload: []byte("ON"), PacketID: 1, QoS: 1, Properties: &packets.Properties{
		ResponseTopic: "re/1", CorrelationData: []byte("0123"), PayloadFormat: new(byte(1))}}
	buf := make([]byte, 0, 1024)
	for _, bb := range []struct {
		name string
		f    func()
	}{
		{"ParsePublish", func() { _, _ = ParsePublish(f, V5) }},
		{"ReadPacket", func() { _, _ = packets.ReadPacket(bytes.NewReader(f)) }},
		{"AppendPublish", func() { buf = AppendPublish(buf[:0], &p, V5) }},
		{"WriteTo", func() {
			w := bytes.NewBuffer(buf[:0])
			_, _ = lib.WriteTo(w)
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.f()
			}
		})
	}
}

func BenchmarkAck(b *testing.B) {
	f := Frame(AppendAck(nil, packets.PUBACK, Ack{PacketID: 1}, V5))
	buf := make([]byte, 0, 64)
	for _, bb := range []struct {
		name string
		f    func()
	}{
		{"ParseAck", func() { _, _ = ParseAck(f, V5) }},
		{"ReadPacket", func() { _, _ = packets.ReadPacket(bytes.NewReader(f)) }},
		{"AppendAck", func() { buf = AppendAck(buf[:0], packets.PUBACK, Ack{PacketID: 1}, V5) }},
		{"WriteTo", func() {
			w := bytes.NewBuffer(buf[:0])
			_, _ = (&packets.Puback{PacketID: 1}).WriteTo(w)
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.f()
			}
		})
	}
}
