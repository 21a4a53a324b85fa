package fleet

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
)

// frontDesk stands before a broker and notes for each client when the broker
// accepted a connection of it, and when it sent something on one. It reads the
// packets by itself: types and lengths are all that it knows of MQTT.
type frontDesk struct {
	dial func(context.Context) (net.Conn, error)

	mu   sync.Mutex
	seen map[string][]arrival
}

// arrival is a packet that the broker sent to a client.
type arrival struct {
	at      time.Time
	connack bool
}

type watchedConn struct {
	net.Conn
	desk *frontDesk
	id   string
}

func (d *frontDesk) Dial(ctx context.Context) (net.Conn, error) {
	c, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: c, desk: d}, nil
}

// Write looks for the client id in the first packet, a CONNECT (3.1.3.1), and at
// what it comes to after that: how long the properties are (3.1.2.11).
func (c *watchedConn) Write(p []byte) (int, error) {
	if c.id == "" && len(p) > 12 && p[0] == 0x10 {
		_, n := binary.Uvarint(p[1:])
		rest := p[1+n+10:] // protocol name, version, flags, Keep Alive
		props, n := binary.Uvarint(rest)
		rest = rest[n+int(props):]
		c.id = string(rest[2 : 2+binary.BigEndian.Uint16(rest)])
	}
	return c.Conn.Write(p)
}

// Read notes what the broker sent. In memory it comes in the moment in which it
// was sent.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.desk.mu.Lock()
		c.desk.seen[c.id] = append(c.desk.seen[c.id], arrival{time.Now(), p[0] == 0x20})
		c.desk.mu.Unlock()
	}
	return n, err
}

// back is how long after an incident's end a client had a connection for certain:
// the broker accepted one, or sent something on the one it had. A device asks for
// a PINGRESP, and is asked, so that it comes to that.
func (d *frontDesk) back(id string, zero time.Time, end metrics.Span) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	let := zero.Add(time.Duration(end))
	for _, a := range d.seen[id] {
		if !a.at.Before(let) {
			return a.at.Sub(let)
		}
	}
	return -1
}

// Recovery is what the devices did, whatever their sockets thought: of each time
// that each incident happened there is an entry, and in it each device that it
// struck until it had a connection that works. The figures are those of what the
// broker sent, to the millisecond.
func TestRecoveryIsWhatTheDevicesDid(t *testing.T) {
	const house = `
seed = 5
[connect]
keep_alive = "10s"
session_expiry = "1h"
timeout = "10s"
backoff_min = "4s"
backoff_max = "8s"
[phases]
measure = "2m"
[[device]]
kind = "light"
id = "lamp-{n}"
count = 30
`
	for _, tt := range []struct {
		name, incidents string
		overlap         []int64       // by entry; -1: some
		least           time.Duration // of the slowest of all
	}{
		// The broker closes after 15 s, and a device knows only when its own PINGREQ
		// has gone unanswered, or the socket says so when the network is back.
		{"no Wi-Fi for longer than the Keep Alive", incidentOf("wifi-loss", "20s", "17s"), []int64{0}, time.Second},
		{"no Wi-Fi for a moment", incidentOf("wifi-loss", "20s", "2s"), []int64{0}, 0},
		{"three restarts of a router", incidentOf("router-reboot", "20s", "1s", `every = "2s"`, "times = 3"), []int64{-1, -1, -1}, 4 * time.Second},
		{"a power cut, and another before all are back", incidentOf("power-cut", "20s", "5s", `return = "back-off"`, `every = "7s"`, "times = 2"), []int64{-1, -1}, 2 * time.Second},
		{"a slow link around a power cut", incidentOf("slow-link", "10s", "60s", `latency = "100us"`) + incidentOf("power-cut", "20s", "10s"), []int64{30, 30}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			desk := &frontDesk{seen: make(map[string][]arrival)}
			var zero time.Time
			snap, _ := brew(t, house+tt.incidents, broker.Config{}, func(s *storm) {
				s.sleepTo(time.Second)
				zero, _ = s.fleet.MeasureStart()
			}, func(o *Options) { desk.dial, o.Dial = o.Dial, desk.Dial })
			if len(snap.Recoveries) != len(tt.overlap) {
				t.Fatalf("%d recoveries; want one of each time, %d", len(snap.Recoveries), len(tt.overlap))
			}
			slowest := time.Duration(0)
			for i, r := range snap.Recoveries {
				var really []time.Duration
				for n := range 30 {
					really = append(really, desk.back(fmt.Sprintf("lamp-%d", n+1), zero, r.To))
				}
				slices.Sort(really)
				slowest = max(slowest, really[29])
				want := metrics.Times{Count: 30, Half: new(metrics.Span(really[14])), Most: new(metrics.Span(really[29])), All: new(metrics.Span(really[29]))}
				if got, want := timesText(r.Online, r.Affected), timesText(want, 30); got != want {
					t.Errorf("%s at %v: online again %s; want %s, as the broker had them", r.Incident, r.At, got, want)
				}
				if o := tt.overlap[i]; o >= 0 && r.Overlap != o || o < 0 && r.Overlap == 0 {
					t.Errorf("%s at %v: %d devices struck by another as well; want %d", r.Incident, r.At, r.Overlap, o)
				}
			}
			if slowest < tt.least {
				t.Errorf("the slowest was back after %v; want at least %v, or nothing was tested", slowest, tt.least)
			}
		})
	}
}
