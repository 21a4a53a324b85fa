package deliveries

import (
	"bytes"
	"hash/crc32"
	"strings"
	"testing"

	"homefleet/fleet/wire"
)

// measuredAnswer is an answer of a device, stamped.
func measuredAnswer() (wire.Publish, AnswerStamp) {
	p := wire.Publish{Topic: []byte("answers/phone"), Payload: []byte("ON"), QoS: 1}
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = []byte("text/plain")
	p.Props.CorrelationData = []byte{0, 1, 0xff}
	p.Props.User = wire.AppendUserProperty(nil, "device", "lamp")
	s := AnswerStamp{Request: 0x9f86d081, RequestQoS: 1, Granted: 2, QoS: 1}
	p.Props.User = wire.AppendUserProperty(p.Props.User, ChecksumKey, s.Append(nil, &p))
	return p, s
}

// What a broker must hand on of an answer cannot be altered unseen: payload, Payload
// Format (3.3.2-4), Response Topic (3.3.2-15), Content Type (3.3.2-20), the User
// Properties and their order (3.3.2-17, 3.3.2-18).
func TestAnswerStampFindsWhatIsAltered(t *testing.T) {
	p, want := measuredAnswer()
	if got, whole, has := ParseAnswerStamp(&p); !has || !whole || got != want {
		t.Fatalf("ParseAnswerStamp = %+v, %v, %v; want %+v, whole", got, whole, has, want)
	}
	property := func(key, value string) []byte { return wire.AppendUserProperty(nil, key, value) }
	for name, alter := range map[string]func(*wire.Publish){
		"payload":             func(p *wire.Publish) { p.Payload = []byte("OFF") },
		"no payload":          func(p *wire.Publish) { p.Payload = nil },
		"content type":        func(p *wire.Publish) { p.Props.ContentType = []byte("text/html") },
		"no content type":     func(p *wire.Publish) { p.Props.ContentType = nil },
		"a response topic":    func(p *wire.Publish) { p.Props.ResponseTopic = []byte("a") },
		"payload format":      func(p *wire.Publish) { p.Props.PayloadFormat = 0 },
		"no payload format":   func(p *wire.Publish) { p.Props.HasPayloadFormat = false },
		"a message expiry":    func(p *wire.Publish) { p.Props.HasMessageExpiry, p.Props.MessageExpiry = true, 9 },
		"a property more":     func(p *wire.Publish) { p.Props.User = append(property("a", "b"), p.Props.User...) },
		"one more at the end": func(p *wire.Publish) { p.Props.User = append(p.Props.User, property("a", "b")...) },
		"a property less":     func(p *wire.Publish) { p.Props.User = p.Props.User[len(property("device", "lamp")):] },
		"another value":       func(p *wire.Publish) { p.Props.User = bytes.Replace(p.Props.User, []byte("lamp"), []byte("limp"), 1) },
		"another order": func(p *wire.Publish) {
			n := len(property("device", "lamp"))
			p.Props.User = append(bytes.Clone(p.Props.User[n:]), p.Props.User[:n]...)
		},
		"the checksum twice": func(p *wire.Publish) {
			p.Props.User = append(p.Props.User, p.Props.User[len(property("device", "lamp")):]...)
		},
		"an empty checksum": func(p *wire.Publish) { p.Props.User = append(property("device", "lamp"), property("checksum", "")...) },
	} {
		p, _ := measuredAnswer()
		alter(&p)
		if s, whole, has := ParseAnswerStamp(&p); !has || whole {
			t.Errorf("%s: ParseAnswerStamp = %+v, %v, %v; want it there, and not whole", name, s, whole, has)
		}
	}
	// So cannot the stamp itself.
	start := len(property("device", "lamp")) + len(property("checksum", ""))
	for i := start; i < len(p.Props.User); i++ {
		for bit := range 8 {
			p, _ := measuredAnswer()
			p.Props.User[i] ^= 1 << bit
			if s, whole, _ := ParseAnswerStamp(&p); whole {
				t.Errorf("byte %d, bit %d: ParseAnswerStamp = %+v, whole; want it altered", i, bit, s)
			}
		}
	}
	p.Props.User = property("device", "lamp")
	if _, whole, has := ParseAnswerStamp(&p); has || whole {
		t.Errorf("without a stamp: whole %v, there %v; want neither", whole, has)
	}
	// Topic, Correlation Data, QoS and what a broker may add are told of elsewhere.
	p, _ = measuredAnswer()
	p.Topic, p.Props.CorrelationData, p.QoS, p.Retain = []byte("x"), nil, 0, true
	p.Props.SubscriptionIDs = []uint32{7}
	if _, whole, _ := ParseAnswerStamp(&p); !whole {
		t.Error("with another topic, QoS, RETAIN and Correlation Data: not whole; want whole")
	}
}

// The checksum of a request covers what it is to the device.
func TestRequestSum(t *testing.T) {
	base := func() wire.Publish {
		p := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("ON"), QoS: 1}
		p.Props.ResponseTopic = []byte("answers/phone")
		p.Props.User = wire.AppendUserProperty(nil, "identify", "1")
		return p
	}
	p := base()
	want := RequestSum(&p)
	for name, alter := range map[string]func(*wire.Publish){
		"topic":          func(p *wire.Publish) { p.Topic = []byte("cmnd/lump/power") },
		"payload":        func(p *wire.Publish) { p.Payload = []byte("OFF") },
		"response topic": func(p *wire.Publish) { p.Props.ResponseTopic = []byte("answers/other") },
		"content type":   func(p *wire.Publish) { p.Props.ContentType = []byte("text/plain") },
		"no property":    func(p *wire.Publish) { p.Props.User = nil },
		"topic to payload": func(p *wire.Publish) {
			p.Topic, p.Payload = []byte("cmnd/lamp/powe"), []byte("rON")
		},
	} {
		p := base()
		alter(&p)
		if got := RequestSum(&p); got == want {
			t.Errorf("%s: RequestSum = %08x, as before; want another", name, got)
		}
	}
}

// An answer of several messages says which each is.
func TestAnswerStampOfParts(t *testing.T) {
	for _, want := range []AnswerStamp{{Request: 1, Part: 1, More: true}, {Request: 1, Part: 2}, {Request: 1, Part: 12, More: true}, {Request: 1, Part: 99}} {
		p := wire.Publish{Payload: []byte("ON")}
		p.Props.User = wire.AppendUserProperty(nil, ChecksumKey, want.Append(nil, &p))
		if got, whole, _ := ParseAnswerStamp(&p); !whole || got != want {
			t.Errorf("ParseAnswerStamp = %+v, %v; want %+v, whole", got, whole, want)
		}
		for i := range partSize {
			other := bytes.Clone(p.Props.User)
			other[len(other)-9-partSize+i] ^= 1
			altered := p
			altered.Props.User = other
			if s, whole, _ := ParseAnswerStamp(&altered); whole {
				t.Errorf("byte %d of the part altered: ParseAnswerStamp = %+v, whole; want it altered", i, s)
			}
		}
	}
}

// The form is in the reference, and others may read it.
func TestAnswerStampAsDocumented(t *testing.T) {
	p := wire.Publish{Payload: []byte("ON")}
	got := string(AnswerStamp{Request: 0x0a1b2c3d, RequestQoS: 1, Granted: 2, QoS: 0}.Append(nil, &p))
	if !strings.HasPrefix(got, "0a1b2c3d 120 ") || len(got) != stampSize {
		t.Fatalf("the stamp is %q; want 0a1b2c3d 120 and eight hexadecimal digits", got)
	}
	// Payload; then of topic, Content Type, Response Topic and Correlation Data that none is there.
	var covered []byte
	covered = append(covered, "ON"...)
	for range 4 {
		covered = append(covered, 0xff, 0xff, 0xff, 0xff, 0xff)
	}
	covered = append(covered, "0a1b2c3d 120"...)
	if s, ok := parseHex([]byte(got[len(got)-8:])); !ok || s != crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)) {
		t.Errorf("the stamp %q ends with %08x; want the CRC-32C of %q", got, s, covered)
	}
}

func TestAnswerStampDoesNotAllocate(t *testing.T) {
	p, s := measuredAnswer()
	user := p.Props.User
	var room [64]byte
	if n := testing.AllocsPerRun(1000, func() {
		p.Props.User = user[:len(user)-stampSize-13]
		_ = s.Append(room[:0], &p)
		p.Props.User = user
		if _, whole, _ := ParseAnswerStamp(&p); !whole {
			t.Fatal("not whole")
		}
		_ = RequestSum(&p)
	}); n != 0 {
		t.Errorf("a stamp takes %v allocations; want 0", n)
	}
}
