package broker

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// FuzzBroker feeds bytes to a broker, before and after a CONNECT. Whatever they
// are, the broker closes the connection or still answers, another client is
// served, and nothing is left behind.
func FuzzBroker(f *testing.F) {
	for _, seed := range []raw{
		connectV5("c"), connectV311("c"), pingreq, disconnect, unhex("e00104"), unhex("f000"),
		connectWill(true, 10, 100, props(0x18, u32(7), 2, u32(100), everyProperty)),
		enc(sub5(1, "a/#", 0x2d), pub5(4, "a/b", 1, props(everyProperty), "x"), ack(0x62, 1)),
		enc(sub5(1, "$share/g/+", 2), pub5(3, "a", 1, props(2, u32(1), 0x23, u16(1)), "x"), pub5(2, "", 2, props(0x23, u16(1)), "y"), ack(0x40, 1)),
		enc(sub5(1, "a", 2), pub5(4, "a", 1, props(), "x"), ack(0x50, 1), ack(0x70, 1)),
		pkt(0xa2, u16(1), 0, "a", "b/#"), pkt(0x82, u16(1), props(0x0b, 1, 0x26, "k", "v"), "a", 0, "+/b", 1),
		pkt(0xe0, 0, props(0x11, u32(5))), unhex("30ffffff7f"),
	} {
		f.Add([]byte(seed), byte(5), true)
		f.Add([]byte(seed), byte(4), true)
		f.Add([]byte(seed), byte(5), false)
	}
	b, err := New(Config{Anonymous: true, Limits: Limits{MaximumPacketSize: 1 << 16, MaximumRetained: 100, MaximumSubscriptions: 100, ReceiveMaximum: 10}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = b.Close() })
	f.Fuzz(func(t *testing.T, in []byte, version byte, connected bool) {
		nc, err := b.Dial(context.Background())
		if err != nil {
			t.Fatalf("Dial() = %v; want nil", err)
		}
		defer nc.Close()
		c := &client{t: t, nc: nc}
		if connected {
			first := connectV5("fuzz", 0x11, u32(1))
			if version == 4 {
				first = connectV311("fuzz")
			}
			c.send(first)
			if _, err := c.next(); err != nil {
				t.Fatalf("CONNACK: %v", err)
			}
		}
		_ = nc.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := nc.Write(append(in, pingreq...)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the broker does not read on: %v", err)
		}
		for {
			p, err := c.within(20 * time.Millisecond)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break // the input asks for more than it has
			}
			if err != nil || string(p) == string(pingresp) {
				break
			}
			if len(p) > 1<<20 || p[0]>>4 == 0 {
				t.Fatalf("packet %x; want a valid one", []byte(p))
			}
		}
		other, err := b.Dial(context.Background())
		if err != nil {
			t.Fatalf("Dial() = %v; want nil", err)
		}
		defer other.Close()
		o := &client{t: t, nc: other}
		o.send(enc(connectV5("other"), sub5(1, "probe", 0x20), pub5(0, "probe", 0, props(), "?")))
		for range 3 {
			if _, err := o.next(); err != nil {
				t.Fatalf("another client: %v; want it to be served", err)
			}
		}
		o.send(disconnect)
	})
}
