package wire

import (
	"bytes"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// A packet without its User Properties is what it would be without them, and what is not in
// order, or has none, is left as it is.
func TestWithoutUsers(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"SUBSCRIBE":       {"\x82\x14\x00\x01\x0d\x26\x00\x01a\x00\x00\x0b\x07\x26\x00\x00\x00\x00" + "\x00\x01x\x02", "\x82\x09\x00\x01\x02\x0b\x07\x00\x01x\x02"},
		"UNSUBSCRIBE":     {"\xa2\x0b\x00\x01\x05\x26\x00\x00\x00\x00\x00\x01x", "\xa2\x06\x00\x01\x00\x00\x01x"},
		"DISCONNECT":      {"\xe0\x0c\x04\x0a\x26\x00\x00\x00\x00\x26\x00\x00\x00\x00", "\xe0\x02\x04\x00"},
		"none":            {"\xe0\x02\x04\x00", "\xe0\x02\x04\x00"},
		"no properties":   {"\xe0\x01\x04", "\xe0\x01\x04"},
		"nothing":         {"\xe0\x00", "\xe0\x00"},
		"half a property": {"\xe0\x04\x04\x02\x26\x00", "\xe0\x04\x04\x02\x26\x00"},
	} {
		if got := WithoutUsers(Frame(tt.in)); string(got) != tt.want {
			t.Errorf("%s: WithoutUsers(%q) = %q; want %q", name, tt.in, got, tt.want)
		}
	}
}

// User Properties that fill a packet take little more time than it has bytes, and no memory.
func TestManyUserProperties(t *testing.T) {
	users := bytes.Repeat([]byte{packets.PropUser, 0, 0, 0, 0}, 200_000)
	p := Publish{Topic: []byte("a"), Props: Properties{User: users}}
	f := Frame(AppendPublish(nil, &p, V5))
	if got, err := ParsePublish(f, V5); err != nil || !bytes.Equal(got.Props.User, users) {
		t.Fatalf("ParsePublish() = %d bytes of User Properties, %v; want all", len(got.Props.User), err)
	}
	if n := testing.AllocsPerRun(3, func() { _, _ = ParsePublish(f, V5) }); n > 0 {
		t.Errorf("ParsePublish() makes %v allocations; want none", n)
	}
}

func BenchmarkManyUserProperties(b *testing.B) {
	p := Publish{Topic: []byte("a"), Props: Properties{User: bytes.Repeat([]byte{packets.PropUser, 0, 0, 0, 0}, 200_000)}}
	f := Frame(AppendPublish(nil, &p, V5))
	b.SetBytes(int64(len(f)))
	for b.Loop() {
		if _, err := ParsePublish(f, V5); err != nil {
			b.Fatal(err)
		}
	}
}
