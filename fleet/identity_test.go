package fleet

import (
	"bytes"
	"context"
	"net"
	"testing"

	"homefleet/fleet/broker"
	"homefleet/fleet/wire"
)

// meddler is the connection of one device whose answers are let through so many
// times each.
type meddler struct {
	net.Conn
	times  func(client string) int
	client string
	framer wire.Framer
}

func (c *meddler) Write(b []byte) (int, error) {
	var out []byte
	for chunk := bytes.Clone(b); ; {
		frame, err := c.framer.Next(&chunk)
		if frame == nil || err != nil {
			break
		}
		n := 1
		if c.client == "" {
			if p, err := wire.ParseConnect(frame); err == nil {
				c.client = p.ClientID
			}
		} else if p, err := wire.ParsePublish(frame, wire.V5); err == nil && bytes.HasPrefix(p.Topic, []byte("homefleet/response/")) {
			n = c.times(c.client)
		}
		for range n {
			out = append(out, frame...)
		}
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// In a group, a missing answer and a doubled one do not cancel out: each device
// answers once.
func TestGroupAnswersHaveNames(t *testing.T) {
	for _, tt := range []struct {
		keys              string
		answered, lost, d int64
	}{
		{"", 0, 10, 10},
		{"identify = false\n", 10, 0, 0}, // which is what cannot be seen then
	} {
		snap, _ := brew(t, `
[[device]]
kind = "light"
id = "light-{n}"
count = 3
groups = ["all"]
[[controller]]
attribute = "power"
payload = "TOGGLE"
group = "all"
rate = "5/s"
timeout = "1s"
`+tt.keys+`
[phases]
measure = "2s"
`, broker.Config{}, nil, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				conn, err := dial(ctx)
				if err != nil {
					return nil, err
				}
				return &meddler{Conn: conn, times: func(client string) int {
					return map[string]int{"light-1": 0, "light-2": 2, "light-3": 1}[client]
				}}, nil
			}
		})
		got := snap.Totals
		if got.Answered != tt.answered || got.Lost != tt.lost || got.Duplicates != tt.d {
			t.Errorf("%q: %d answered, %d lost, %d duplicates; want %d, %d, %d",
				tt.keys, got.Answered, got.Lost, got.Duplicates, tt.answered, tt.lost, tt.d)
		}
	}
}

// A device says who it is to who asks, and to nobody else.
func TestDeviceNamesItself(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		for _, asks := range []bool{false, true} {
			m := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("")}
			m.Props.ResponseTopic = []byte("phone")
			if asks {
				m.Props.User = wire.AppendUserProperty(nil, "identify", "1")
			}
			p.publish(m)
			answer := p.wantPublish()
			id, named := answer.Props.UserProperty("device")
			if named != asks || asks && string(id) != "lamp" {
				t.Errorf("asked %t: the answer names %q, %t", asks, id, named)
			}
		}
	})
}
