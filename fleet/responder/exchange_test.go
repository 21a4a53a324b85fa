package responder

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"homefleet/fleet/wire"
)

// written is an exchange as a device writes it down, without a device.
func written(number byte, messages ...wire.Publish) []byte {
	x := exchange{record: make([]byte, recordHead)}
	x.record[9] = number
	for i := range messages {
		part := Answer
		if i == 0 {
			part = Request
		}
		x.add(part, &messages[i])
	}
	return x.record
}

// What is written down of a message is read again as it was, but for what is too long,
// and that is said.
func TestWrittenDown(t *testing.T) {
	long := strings.Repeat("ü", 40_000)
	for _, tt := range []struct {
		name string
		p    wire.Publish
		cut  bool
	}{
		{"plain", wire.Publish{Topic: []byte("a"), Payload: []byte("ON")}, false},
		{"binary", wire.Publish{Topic: []byte("a"), Payload: []byte{0, 0xff}, QoS: 2, Dup: true, Retain: true, PacketID: 7,
			Props: wire.Properties{CorrelationData: []byte{0, 0xff}, ResponseTopic: []byte("r"), HasPayloadFormat: true, PayloadFormat: 1, HasMessageExpiry: true, MessageExpiry: 9,
				User: wire.AppendUserProperty(nil, "k", "v")}}, false},
		{"empty correlation data", wire.Publish{Topic: []byte("a"), Props: wire.Properties{CorrelationData: []byte{}}}, false},
		{"long payload", wire.Publish{Topic: []byte("a"), Payload: []byte(long)}, true},
		{"long text", wire.Publish{Topic: []byte(long[:60_001-1]), Props: wire.Properties{HasPayloadFormat: true, PayloadFormat: 1}, Payload: []byte("a" + long)}, true},
		{"long topics", wire.Publish{Topic: []byte("x" + long[:60_000]), Props: wire.Properties{ResponseTopic: []byte(long[:60_000]), ContentType: []byte(long[:60_000])}}, true},
		{"long correlation data", wire.Publish{Topic: []byte("a"), Props: wire.Properties{CorrelationData: bytes.Repeat([]byte{0xff}, 65_535)}}, true},
		{"many user properties", wire.Publish{Topic: []byte("a"), Props: wire.Properties{User: bytes.Repeat(wire.AppendUserProperty(nil, "k", "v"), 1000)}}, true},
		{"aliased", wire.Publish{Topic: []byte("a"), Props: wire.Properties{HasTopicAlias: true, TopicAlias: 3, SubscriptionIDs: []uint32{1, 2}}}, false},
	} {
		record := written(1, tt.p, tt.p)
		x, ok := ReadExchange(record)
		if !ok || len(x.Messages) != 2 || x.Number != 1 {
			t.Errorf("%s: ReadExchange = %+v, %t; want both messages", tt.name, x, ok)
			continue
		}
		for _, m := range x.Messages {
			p := &tt.p
			same := func(got, want []byte) bool {
				return bytes.Equal(got, want) && (got == nil) == (want == nil) || tt.cut && len(want) > len(got) && bytes.HasPrefix(want, got)
			}
			if m.Cut != tt.cut || m.Bytes != len(p.Payload) || m.QoS != p.QoS || m.Dup != p.Dup || m.Retain != p.Retain || !same(m.Topic, p.Topic) ||
				!bytes.HasPrefix(p.Payload, m.Payload) || !same(m.Props.CorrelationData, p.Props.CorrelationData) || !same(m.Props.ResponseTopic, p.Props.ResponseTopic) ||
				m.Props.MessageExpiry != p.Props.MessageExpiry || !tt.cut && !bytes.Equal(m.Props.User, p.Props.User) {
				t.Errorf("%s: read as %.200s, %d bytes, cut %t", tt.name, fmt.Sprintf("%+v", m), m.Bytes, m.Cut)
			}
		}
	}
}

// A record holds no more than there is room for, however much a device says.
func TestRecordIsBounded(t *testing.T) {
	messages := make([]wire.Publish, 1000)
	for i := range messages {
		messages[i] = wire.Publish{Topic: []byte("a"), Payload: make([]byte, 10_000)}
	}
	record := written(1, messages...)
	if most := mostRecord + mostPayload + 100; len(record) > most {
		t.Errorf("%d bytes; want at most %d", len(record), most)
	}
	if x, ok := ReadExchange(record); !ok || len(x.Messages) == 0 {
		t.Error("it cannot be read")
	}
}

// Any bytes are read, or are none that can be.
func FuzzReadExchange(f *testing.F) {
	f.Add(written(1, wire.Publish{Topic: []byte("a"), Payload: []byte("ON"), QoS: 1, PacketID: 1}))
	f.Fuzz(func(t *testing.T, record []byte) {
		if x, ok := ReadExchange(record); ok && len(x.Messages) == 0 {
			t.Error("an exchange without messages")
		}
	})
}

// A journal keeps the latest exchanges, within its bounds, and counts the others. One that
// comes again, with its answer, takes the place of itself.
func TestJournalIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name       string
		payload, n int
		kept       int
	}{{"few", 10, 5, 5}, {"many", 10, 200, MostInJournal}, {"large", 4000, 100, 32 << 10 / 4047}} {
		var j journal
		for i := range tt.n {
			j.add(written(byte(i), wire.Publish{Topic: []byte("topic"), Payload: make([]byte, tt.payload)}))
		}
		sum := 0
		for _, e := range j.entries {
			sum += len(e)
		}
		if len(j.entries) != tt.kept || j.missed != tt.n-tt.kept || j.bytes != sum || sum > journalBytes {
			t.Errorf("%s: %d are kept, %d missed, %d bytes of %d counted; want %d kept", tt.name, len(j.entries), j.missed, sum, j.bytes, tt.kept)
		}
		last, ok := ReadExchange(slices.Clone(j.entries[len(j.entries)-1]))
		if !ok || last.Number != uint64(byte(tt.n-1)) {
			t.Errorf("%s: the last is %d; want %d", tt.name, last.Number, byte(tt.n-1))
		}
		again := written(byte(tt.n-1), wire.Publish{Topic: []byte("topic")}, wire.Publish{Topic: []byte("answer")})
		j.add(again)
		if got := j.entries[len(j.entries)-1]; !bytes.Equal(got, again) || len(j.entries) > tt.kept {
			t.Errorf("%s: the last has not been replaced", tt.name)
		}
	}
	var j journal
	record := written(0, wire.Publish{Topic: []byte("topic"), Payload: make([]byte, 300)})
	number := byte(0)
	for range 2 * MostInJournal {
		number++
		record[9] = number
		j.add(record)
	}
	if n := testing.AllocsPerRun(200, func() {
		number++
		record[9] = number
		j.add(record)
	}); n != 0 {
		t.Errorf("a full journal allocates %v times for an exchange; want none", n)
	}
}
