package deliveries

import (
	"bytes"
	"hash/crc32"
	"math"
	"testing"

	"homefleet/fleet/wire"
)

func TestStampRoundTrip(t *testing.T) {
	sent := []byte("123456@run-1")
	for _, s := range []Stamp{{}, {12, 3, 45, 0x9f86d081}, {math.MaxInt32, math.MaxInt32, math.MaxUint32, math.MaxUint32}, {10, 0, 100, 1}} {
		value := s.Append(nil, sent)
		got, err := ParseStamp(value, sent)
		if err != nil || got != s {
			t.Errorf("ParseStamp(%q) = %+v, %v; want %+v", value, got, err, s)
		}
		// Every change of one byte, in the stamp or the time beside it, is found.
		for i := range value {
			other := bytes.Clone(value)
			other[i] ^= 1
			if got, err := ParseStamp(other, sent); err == nil {
				t.Errorf("ParseStamp(%q) = %+v; want an error, since it was %q", other, got, value)
			}
		}
		for i := range sent {
			other := bytes.Clone(sent)
			other[i] ^= 2
			if _, err := ParseStamp(value, other); err == nil {
				t.Errorf("ParseStamp(%q) beside %q has no error; want one, since it was %q", value, other, sent)
			}
		}
	}
}

// The form is in the reference, and others may read it.
func TestStampAsDocumented(t *testing.T) {
	sent := []byte("123456@run-1")
	got := string(Stamp{12, 3, 45, 0x9f86d081}.Append(nil, sent))
	want := "12.3.45 9f86d081 "
	sum := crc32.Checksum([]byte("123456@run-112.3.45 9f86d081"), crc32.MakeTable(crc32.Castagnoli))
	if got[:len(want)] != want || len(got) != len(want)+8 {
		t.Fatalf("the stamp is %q; want %q and eight hexadecimal digits", got, want)
	}
	if s, ok := parseHex([]byte(got[len(want):])); !ok || s != sum {
		t.Errorf("the stamp %q ends with %08x; want %08x", got, s, sum)
	}
}

func TestContentCoversWhatABrokerMustNotAlter(t *testing.T) {
	base := func() wire.Publish {
		p := wire.Publish{Topic: []byte("tele/a/state"), Payload: []byte("{}"), QoS: 1, PacketID: 3}
		p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
		p.Props.ContentType = []byte("application/json")
		return p
	}
	p := base()
	want := Content(&p)
	for name, alter := range map[string]func(*wire.Publish){
		"topic":                  func(p *wire.Publish) { p.Topic = []byte("tele/b/state") },
		"payload":                func(p *wire.Publish) { p.Payload = []byte("{ }") },
		"no payload":             func(p *wire.Publish) { p.Payload = nil },
		"format":                 func(p *wire.Publish) { p.Props.PayloadFormat = 0 },
		"no format":              func(p *wire.Publish) { p.Props.HasPayloadFormat = false },
		"content type":           func(p *wire.Publish) { p.Props.ContentType = []byte("text/plain") },
		"no content type":        func(p *wire.Publish) { p.Props.ContentType = nil },
		"empty content type":     func(p *wire.Publish) { p.Props.ContentType = []byte{} },
		"response topic":         func(p *wire.Publish) { p.Props.ResponseTopic = []byte("x") },
		"correlation data":       func(p *wire.Publish) { p.Props.CorrelationData = []byte("x") },
		"empty correlation data": func(p *wire.Publish) { p.Props.CorrelationData = []byte{} },
		"a user property more":   func(p *wire.Publish) { p.Props.User = wire.AppendUserProperty(nil, "a", "b") },
		"an empty one":           func(p *wire.Publish) { p.Props.User = wire.AppendUserProperty(nil, "", "") },
		"moved from one property": func(p *wire.Publish) {
			p.Topic, p.Props.ContentType = []byte("tele/a/stat"), []byte("eapplication/json")
		},
	} {
		p := base()
		alter(&p)
		if Content(&p) == want {
			t.Errorf("%s: the checksum is the same", name)
		}
	}
	// What a broker may change, or must (3.3.1-3, 3.3.1-8, 2.2.1).
	for name, change := range map[string]func(*wire.Publish){
		"dup": func(p *wire.Publish) { p.Dup = true }, "qos": func(p *wire.Publish) { p.QoS = 0 }, "packet id": func(p *wire.Publish) { p.PacketID = 9 },
		"retain": func(p *wire.Publish) { p.Retain = true }, "subscription identifier": func(p *wire.Publish) { p.Props.SubscriptionIDs = []uint32{1} },
	} {
		p := base()
		change(&p)
		if Content(&p) != want {
			t.Errorf("%s: the checksum is another", name)
		}
	}
}

// The checksum covers the User Properties beside the one that it stands in, and where
// they stand.
func TestContentCoversUserProperties(t *testing.T) {
	const a, b, seq = "\x26\x00\x01a\x00\x01b", "\x26\x00\x01a\x00\x01c", "\x26\x00\x08sequence\x00\x012"
	sum := func(user string) uint32 {
		return Content(&wire.Publish{Topic: []byte("t"), Props: wire.Properties{User: []byte(user)}})
	}
	if sum(a+b) != sum(a+b+seq) {
		t.Error("the checksum is another with the stamp at the end")
	}
	had := make(map[uint32]string)
	for _, user := range []string{"", a, b, a + b, b + a, seq + a, a + seq + b, seq + a + b, a + b + seq + seq, seq + seq} {
		if other, has := had[sum(user)]; has {
			t.Errorf("%q and %q have the same checksum", user, other)
		}
		had[sum(user)] = user
	}
}

func TestStampAllocatesNothing(t *testing.T) {
	sent := []byte("123456@run-1")
	room := make([]byte, 0, 64)
	p := wire.Publish{Topic: []byte("tele/a/state"), Payload: []byte("{}")}
	if n := testing.AllocsPerRun(1000, func() {
		value := Stamp{12, 3, 45, Content(&p)}.Append(room, sent)
		if _, err := ParseStamp(value, sent); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a stamp allocates %v times; want 0", n)
	}
}

func TestCRCIsCRC32C(t *testing.T) {
	b := make([]byte, 300)
	for i := range b {
		b[i] = byte(i * 7)
	}
	for n := range b {
		if got, want := crc(crc(0, b[:n/2]), b[n/2:n]), crc32.Checksum(b[:n], crc32.MakeTable(crc32.Castagnoli)); got != want {
			t.Fatalf("crc of %d bytes = %08x; want %08x", n, got, want)
		}
	}
}

func FuzzParseStamp(f *testing.F) {
	f.Add([]byte("12.3.45 9f86d081 1c291ca3"), []byte("1@r"))
	f.Add(Stamp{1, 2, 3, 4}.Append(nil, []byte("1@r")), []byte("1@r"))
	f.Add([]byte(""), []byte(""))
	f.Fuzz(func(t *testing.T, value, sent []byte) {
		s, err := ParseStamp(value, sent)
		if err != nil {
			return
		}
		// What reads as a stamp is one, to the byte.
		if again := s.Append(nil, sent); !bytes.Equal(again, value) {
			t.Errorf("ParseStamp(%q) = %+v, which is written %q", value, s, again)
		}
	})
}
