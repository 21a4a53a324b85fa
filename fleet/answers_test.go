package fleet

import (
	"bytes"
	"context"
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
