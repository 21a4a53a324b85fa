package broker

import (
	"bytes"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"homefleet/fleet/wire"
)

// A message that is kept is the one that was to be, with and without properties.
func TestKeptIsWhatItWas(t *testing.T) {
	long := bytes.Repeat([]byte("t/"), 30_000)
	for _, m := range []message{
		{topic: []byte("a"), qos: 1},
		{topic: []byte("a/b"), payload: []byte("payload"), qos: 2, retain: true},
		{topic: long, payload: []byte{0, 255}},
		{topic: []byte("a"), payload: []byte("x"), expires: 3*time.Second + 1, props: &wire.Properties{HasMessageExpiry: true, MessageExpiry: 3}},
		{topic: long, payload: long, qos: 1, props: &wire.Properties{ResponseTopic: []byte("r"), CorrelationData: []byte{0, 1, 255}, ContentType: []byte{}}},
		{topic: []byte("a"), retain: true, props: &wire.Properties{
			User: wire.AppendUserProperty(wire.AppendUserProperty(nil, "k", "1"), "k", "2"), HasPayloadFormat: true, PayloadFormat: 1,
		}},
	} {
		k := m.keep()
		var got message
		var room wire.Properties
		k.message(&got, &room)
		if len(m.payload) == 0 {
			got.payload = m.payload // none is none
		}
		if !reflect.DeepEqual(got, m) || !bytes.Equal(k.name(), m.topic) {
			t.Errorf("kept: %+v (%+v), topic %.20q; want %+v (%+v)", got, got.props, k.name(), m, m.props)
		}
		for _, now := range []time.Duration{0, 3 * time.Second, 3*time.Second + 1, time.Hour} {
			if want := m.expires > 0 && now >= m.expires; k.expired(now) != want {
				t.Errorf("kept until %v, it has expired at %v: %v; want %v", m.expires, now, !want, want)
			}
		}
	}
}

// Of the smallest messages, in packets of eight and nine bytes, a byte makes the
// broker keep eight at most.
func TestKeptIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(kept{}) + unsafe.Sizeof(outgoing{}); got > 56 {
		t.Errorf("a queued message takes %d bytes beside its text; want at most 56", got)
	}
	if got := unsafe.Sizeof(kept{}) + unsafe.Sizeof(retainedOne{}); got > 56 {
		t.Errorf("a retained message takes %d bytes beside its text; want at most 56", got)
	}
}
