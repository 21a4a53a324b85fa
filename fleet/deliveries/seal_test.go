package deliveries

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"homefleet/fleet/wire"
)

func TestSealRoundTrip(t *testing.T) {
	topic := []byte("state/lamp/power")
	for _, payload := range []string{"", "ON", "ON" + string(Mark{1, 2, 3}.Append(nil)), strings.Repeat(" ", 100)} {
		want := AnswerStamp{Request: 0x9f86d081, RequestQoS: 2, Granted: 1, QoS: 1}
		sealed := want.Seal(topic, []byte(payload))
		rest, got, whole, has := ReadSeal(&wire.Publish{Topic: topic, Payload: sealed})
		if string(rest) != payload || got != want || !whole || !has {
			t.Errorf("ReadSeal() = %q, %+v, %t, %t; want %q, %+v, true, true", rest, got, whole, has, payload, want)
		}
		for i := range sealed {
			other := bytes.Clone(sealed)
			if other[i] ^= ' ' ^ '\t'; i == len(payload) {
				continue // the carriage return, without which there is none
			}
			if _, _, whole, has := ReadSeal(&wire.Publish{Topic: topic, Payload: other}); whole || !has {
				t.Errorf("the seal of %q is whole: %t, there: %t, with byte %d altered; want false, true", payload, whole, has, i)
			}
		}
		if _, _, whole, _ := ReadSeal(&wire.Publish{Topic: []byte("state/lump/power"), Payload: sealed}); whole {
			t.Errorf("the seal of %q is whole on another topic", payload)
		}
	}
	for _, payload := range []string{"", "ON", "\r" + strings.Repeat(" ", 71), "\n" + strings.Repeat(" ", 72), "\r" + strings.Repeat(" ", 71) + "x"} {
		if rest, _, _, has := ReadSeal(&wire.Publish{Payload: []byte(payload)}); has || string(rest) != payload {
			t.Errorf("ReadSeal(%q) finds one", payload)
		}
	}
}

// The form is in the reference, and others may read it.
func TestSealAsDocumented(t *testing.T) {
	sum := func(parts ...string) uint32 {
		return crc32.Checksum([]byte(strings.Join(parts, "")), crc32.MakeTable(crc32.Castagnoli))
	}
	bits := func(n uint32, width int) string {
		return strings.NewReplacer("0", " ", "1", "\t").Replace(fmt.Sprintf("%0*b", width, n))
	}
	// A checksum of payload and topic, with the length and the format of each of the
	// properties, none of which is there.
	const none = "\xff\xff\xff\xff\xff"
	content := func(topic, payload string) string {
		return payload + "\x00\x00\x00\x01\xff" + topic + none + none + none
	}
	request := sum(content("c", "ON"))
	if got := MarkedSum([]byte("c"), []byte("ON")); got != request {
		t.Errorf("MarkedSum() = %08x; want %08x", got, request)
	}
	said := string([]byte{byte(request >> 24), byte(request >> 16), byte(request >> 8), byte(request), 1<<4 | 2<<2 | 1})
	want := "OFF\r" + bits(request, 32) + bits(1<<4|2<<2|1, 8) + bits(sum(content("s", "OFF"), said), 32)
	if got := string(AnswerStamp{Request: request, RequestQoS: 1, Granted: 2, QoS: 1}.Seal([]byte("s"), []byte("OFF"))); got != want {
		t.Errorf("Seal() = %q; want %q", got, want)
	}
}

func TestSealAllocatesNothing(t *testing.T) {
	p := wire.Publish{Topic: []byte("state/lamp/power")}
	room := make([]byte, 0, 128)
	if n := testing.AllocsPerRun(1000, func() {
		p.Payload = AnswerStamp{}.Seal(p.Topic, room)
		if _, _, whole, _ := ReadSeal(&p); !whole {
			t.Fatal("the seal is not whole")
		}
	}); n != 0 {
		t.Errorf("a seal allocates %v times; want 0", n)
	}
}
