package survey

import (
	"context"
	"net"
	"testing"
	"time"

	"homefleet/fleet/wire"
)

// played is a broker that a test plays.
type played struct {
	wait            time.Duration // of every second PINGRESP
	version         string        // "": it says nothing
	connack, suback byte          // reason codes
}

// nagle is a broker of MQTT 5 that answers each PINGREQ, and sends a second small packet only
// when wait has passed since the first, as TCP does for the acknowledgement without nodelay.
func nagle(t *testing.T, b played) func(context.Context) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func (b played) serve(c net.Conn) {
	defer c.Close()
	var framer wire.Framer
	buf := make([]byte, 4096)
	pongs := 0
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		for chunk := buf[:n]; ; {
			f, err := framer.Next(&chunk)
			if err != nil || f == nil {
				break
			}
			switch f[0] >> 4 {
			case 1:
				_, _ = c.Write([]byte{0x20, 3, 0, b.connack, 0})
			case 8: // SUBSCRIBE: its packet id is behind the fixed header of two bytes
				_, _ = c.Write([]byte{0x90, 4, f[2], f[3], 0, b.suback})
				if b.version != "" {
					p := wire.Publish{Topic: []byte(versionTopic), Payload: []byte(b.version), Retain: true}
					_, _ = c.Write(wire.AppendPublish(nil, &p, wire.V5))
				}
			case 12:
				if pongs++; pongs%2 == 0 {
					time.Sleep(b.wait)
				}
				_, _ = c.Write([]byte{0xd0, 0})
			}
		}
	}
}

// What a broker says of itself is found, and that it holds small packets back, by brokers of
// the test's own.
func TestBroker(t *testing.T) {
	for _, tt := range []struct {
		name    string
		wait    time.Duration
		version string
		held    bool
	}{
		{"that sends at once", 0, "a broker 1.2", false},
		{"that waits for acknowledgements", 45 * time.Millisecond, "a broker 1.2", true},
		{"that says nothing of itself", 0, "", false},
		{"that waits, and says nothing of itself", 45 * time.Millisecond, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Broker(t.Context(), Config{Dial: nagle(t, played{wait: tt.wait, version: tt.version}), ClientID: "survey", Credentials: func(*wire.Connect) error { return nil }})
			if got.Version != tt.version || got.HeldBack >= leastHeldBack != tt.held || (got.Remark() != "") != tt.held {
				t.Errorf("Broker() = %+v; want version %q, held back %v", got, tt.version, tt.held)
			}
		})
	}
}

// Who cannot connect, or is hung up on, finds nothing and says nothing.
func TestNobodyAnswers(t *testing.T) {
	dial := func(context.Context) (net.Conn, error) {
		a, b := net.Pipe()
		_ = b.Close()
		return a, nil
	}
	if got := Broker(t.Context(), Config{Dial: dial, ClientID: "survey", Credentials: func(*wire.Connect) error { return nil }}); got != (Findings{}) {
		t.Errorf("Broker() = %+v; want nothing", got)
	}
}

// The version alone is found as soon as it comes, also at a broker that holds packets back;
// where there is none, it is said why.
func TestVersion(t *testing.T) {
	for _, tt := range []struct {
		name      string
		broker    played
		want, why string
	}{
		{"said", played{version: "a broker 1.2", wait: time.Second}, "a broker 1.2", ""},
		{"not said", played{}, "", "it says nothing at $SYS/broker/version"},
		{"not let in", played{connack: 0x87, version: "a broker 1.2"}, "", "another client was not let in to ask"},
		{"not allowed", played{suback: 0x87}, "", "it does not let this client subscribe to $SYS/broker/version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, why := Version(t.Context(), Config{Dial: nagle(t, tt.broker), ClientID: "survey", Credentials: func(*wire.Connect) error { return nil }})
			if got != tt.want || why != tt.why {
				t.Errorf("Version() = %q, %q; want %q, %q", got, why, tt.want, tt.why)
			}
		})
	}
}
