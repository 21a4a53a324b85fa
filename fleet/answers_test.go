package fleet

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// unheard is a connection on which nothing more of the first watcher reaches the
// broker once it is cut, though writing goes on as if it did.
type unheard struct {
	net.Conn
	cut     *atomic.Bool
	watcher atomic.Bool // as its CONNECT says
}

func (u *unheard) Write(p []byte) (int, error) {
	if p[0] == 0x10 && bytes.Contains(p, []byte("watchers-1")) {
		u.watcher.Store(true)
	}
	if u.watcher.Load() && u.cut.Load() {
		return len(p), nil
	}
	return u.Conn.Write(p)
}

const answerable = hasty + twoLamps + `
[device.will]
response_topic = "will/seen/{id}"
correlation_data = "{id}"
`

// A Will is consumed when the broker has taken the answer over (4.3.2): what was
// lost with the watcher's connection has answered nothing.
func TestConsumedIsWhatTheBrokerTook(t *testing.T) {
	for _, lost := range []bool{false, true} {
		var cut atomic.Bool
		var connects atomic.Int32
		snap, _ := brew(t, answerable+"[[watcher]]\nanswers = true\n"+offlineOnce, broker.Config{}, func(s *storm) {
			s.sleepTo(4 * time.Second)
			cut.Store(lost)
			s.sleepTo(8 * time.Second)
			s.broker.Kick("watchers-1", 0)
		}, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				c, err := dial(ctx)
				if connects.Add(1) <= 4 { // the first of everybody, in any order
					return &unheard{Conn: c, cut: &cut}, err
				}
				return c, err
			}
		})
		want := int64(2)
		if lost {
			want = 0
		}
		if w := snap.Audit.Wills; w.OnTime != 2 || w.Consumed != want || w.Learned != want {
			t.Errorf("answers lost: %t: %d Wills on time, %d consumed, %d learned; want 2, %d and %d", lost, w.OnTime, w.Consumed, w.Learned, want, want)
		}
	}
}

// Of several watchers that answer one Will the device hears it more than once, and
// finds out once.
func TestDoubledAnswersCountOnce(t *testing.T) {
	snap, s := brew(t, answerable+"[[watcher]]\ncount = 3\nanswers = true\n"+offlineOnce+incidentOf("offline", "30s", "10s", `name = "again"`), broker.Config{}, nil)
	if n := s.fleet.Counts().WillsSeen.Load(); n != 4 {
		t.Errorf("%d Wills were found answered; want 4, twice of two devices", n)
	}
	if n := strings.Count(s.log.String(), "was consumed while it was away"); n != 4 {
		t.Errorf("the log says it %d times; want 4", n)
	}
	if w := snap.Audit.Wills; w.Consumed != 4 || w.Learned != 4 {
		t.Errorf("%d consumed, %d learned; want 4 and 4", w.Consumed, w.Learned)
	}
}

// An answer to a Will that is altered on its way is none, and one that comes twice is
// counted as that: neither passes for the watcher's.
func TestAlteredAnswersToWills(t *testing.T) {
	answer := func(p []byte) bool {
		_, width := binary.Uvarint(p[1:])
		return p[0]>>4 == 3 && bytes.HasPrefix(p[1+width+2:], []byte("will/seen/"))
	}
	for _, tt := range []struct {
		name string
		to   func([]byte) []byte
		want [4]int64 // consumed, learned, altered, doubled
	}{
		{"whole", func(p []byte) []byte { return p }, [4]int64{2, 2, 0, 0}},
		{"another payload", func(p []byte) []byte { p[len(p)-1] ^= 1; return p }, [4]int64{2, 0, 2, 0}},
		{"another Content Type", func(p []byte) []byte { return bytes.Replace(p, []byte("text/plain"), []byte("text/plane"), 1) }, [4]int64{2, 0, 2, 0}},
		{"another watcher", func(p []byte) []byte { return bytes.Replace(p, []byte("watchers-1"), []byte("watchers-2"), 1) }, [4]int64{2, 0, 2, 0}},
		{"twice", func(p []byte) []byte {
			again := bytes.Clone(p)
			_, width := binary.Uvarint(p[1:])
			topic := again[1+width:]
			topic[2+binary.BigEndian.Uint16(topic)] ^= 0x40 // the Packet Identifier behind it
			return append(p, again...)
		}, [4]int64{2, 2, 0, 2}},
		{"none", func([]byte) []byte { return nil }, [4]int64{2, 0, 0, 0}},
	} {
		snap, s := brew(t, answerable+"content_type = \"text/plain\"\n[[watcher]]\nanswers = true\n"+offlineOnce, broker.Config{}, nil, func(o *Options) {
			dial := o.Dial
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				c, err := dial(ctx)
				return &OnTheWay{Conn: c, Of: answer, To: tt.to}, err
			}
		})
		c := s.fleet.Counts()
		got := [4]int64{snap.Audit.Wills.Consumed, snap.Audit.Wills.Learned, c.WillAnswersAltered.Load(), c.WillAnswersDoubled.Load()}
		if got != tt.want {
			t.Errorf("%s: consumed, learned, altered, doubled are %v; want %v", tt.name, got, tt.want)
		}
	}
}

// OnTheWay alters packets on their way from the broker: those of some kind, where there is
// one. It has a parser of its own.
type OnTheWay struct {
	net.Conn
	Of      func([]byte) bool
	To      func([]byte) []byte
	in, out []byte
}

func (c *OnTheWay) Read(b []byte) (int, error) {
	if c.Of == nil {
		return c.Conn.Read(b)
	}
	for len(c.out) == 0 {
		room := make([]byte, 4096)
		n, err := c.Conn.Read(room)
		if err != nil {
			return 0, err
		}
		c.in = append(c.in, room[:n]...)
		for len(c.in) > 1 {
			rest, width := binary.Uvarint(c.in[1:]) // 2.1.4 is the same
			size := 1 + width + int(rest)
			if width <= 0 || size > len(c.in) {
				break
			}
			p := bytes.Clone(c.in[:size])
			c.in = c.in[size:]
			if c.Of(p) {
				p = c.To(p)
			}
			c.out = append(c.out, p...)
		}
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}
