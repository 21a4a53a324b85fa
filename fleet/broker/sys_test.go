package broker

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sysOf takes the messages that have come at $SYS, until none comes for a second of fake time,
// and wants them to be retained or not.
func (c *client) sysOf(retained bool) map[string]string {
	c.t.Helper()
	all := make(map[string]string)
	for {
		p, err := c.within(time.Second)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all
		}
		if err != nil {
			c.t.Fatalf("reading what is at $SYS: %v", err)
		}
		m, err := parsePublish(p)
		if err != nil {
			c.t.Fatalf("PUBLISH %x: %v", []byte(p), err)
		}
		topic, ok := strings.CutPrefix(m.topic, "$SYS/broker/")
		if _, twice := all[topic]; !ok || twice || m.retain != retained || m.qos != 0 || len(m.props) > 0 {
			c.t.Errorf("got %+v; want each topic of $SYS/broker once, retained %t", m, retained)
		}
		all[topic] = m.payload
	}
}

func wantSys(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for topic, value := range want {
		if got[topic] != value {
			t.Errorf("$SYS/broker/%s is %q; want %q", topic, got[topic], value)
		}
	}
}

// What the broker says of itself is there for who subscribes, by Mosquitto's names, comes
// again every ten seconds where it has changed, and goes with the last who wants it.
func TestSys(t *testing.T) {
	bubble(t, Config{Version: "a broker 7"}, func(t *testing.T, b *Broker) {
		away, _ := connect(t, b, connectV5("away", expiry100))
		away.subscribe("a/#", 1)
		away.send(disconnect)
		synctest.Wait() // or the broker still has the message below for it
		p, _ := connect(t, b, connectV5("p"))
		p.exchange(pub5(3, "a/kept", 1, props(), "12345"), ack(0x40, 1))
		time.Sleep(90 * time.Second)
		before := b.Stats()
		c, _ := connect(t, b, connectV5("c"))
		c.subscribe("$SYS/#", 2)
		said := c.sysOf(true)
		wantSys(t, said, map[string]string{
			"version": "a broker 7", "uptime": "90 seconds",
			"clients/total": "3", "clients/connected": "2", "clients/disconnected": "1", "clients/maximum": "2", "clients/expired": "0",
			"subscriptions/count": "1", "retained messages/count": "1", "store/messages/count": "1", "store/messages/bytes": "11",
			"messages/received": "6", "publish/messages/received": "1", "publish/messages/sent": "0", "publish/messages/dropped": "0",
			"bytes/received": fmt.Sprint(before.BytesIn + uint64(len(connectV5("c"))+len(sub5(9, "$SYS/#", 2)))),
			// One PUBLISH in the 1.5 minutes so far, at an even rate, by the averages' own definition.
			"load/publish/received/1min": fmt.Sprintf("%.2f", (1/1.5)*(1-math.Exp(-1.5))),
			"load/publish/received/5min": fmt.Sprintf("%.2f", (1/1.5)*(1-math.Exp(-1.5/5))),
			"load/sockets/15min":         fmt.Sprintf("%.2f", (3/1.5)*(1-math.Exp(-1.5/15))),
		})
		if n := len(said); n != 2+16+9*3 {
			t.Errorf("%d topics beneath $SYS: %q; want 45", n, slices.Sorted(maps.Keys(said)))
		}
		for _, f := range []string{"#", "+/broker/version", "+/#"} { // 4.7.2-1
			c.subscribe(f, 0)
			if m := c.publicationOr(); m != "" && m != "a/kept" {
				t.Errorf("the filter %s brings %s; want nothing of $SYS", f, m)
			}
		}
		if s := b.Stats(); s.Retained != 1 || s.RetainedBytes != before.RetainedBytes {
			t.Errorf("%d retained messages with %d bytes; want 1 with %d: the broker's own do not count", s.Retained, s.RetainedBytes, before.RetainedBytes)
		}
		for i := range 60 {
			p.send(pub5(0, "b/x", i, props(), "x"))
		}
		for { // what came by # is of no interest here
			if got, err := c.within(time.Second); err != nil {
				break
			} else if m, _ := parsePublish(got); m.topic != "b/x" {
				t.Fatalf("got %+v; want what was published", m)
			}
		}
		time.Sleep(8 * time.Second)
		again := c.sysOf(false)
		wantSys(t, again, map[string]string{"publish/messages/received": "61", "uptime": "100 seconds"})
		if _, ok := again["version"]; ok {
			t.Error("the version came again; want only what has changed")
		}
		first := (1 / 1.5) * (1 - math.Exp(-1.5))
		wantSys(t, again, map[string]string{"load/publish/received/1min": fmt.Sprintf("%.2f", first+(360-first)*(1-math.Exp(-1.0/6)))})
		late, _ := connect(t, b, connectV5("late"))
		late.subscribe("$SYS/broker/version", 0)
		wantSys(t, late.sysOf(true), map[string]string{"version": "a broker 7"})
		late.send(disconnect)
		c.send(disconnect)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if b.sys.live || len(b.topics.retained.chunks) != 1 || b.topics.sys.Load() != 0 {
			t.Errorf("live %t, %d subscriptions; want nothing left of $SYS", b.sys.live, b.topics.sys.Load())
		}
		d, _ := connect(t, b, connectV5("d")) // and once more
		d.subscribe("$share/g/$SYS/broker/uptime", 0)
		d.wantSilence(2 * time.Second)
		time.Sleep(8 * time.Second)
		if m := d.publication(); m.topic != "$SYS/broker/uptime" || m.retain {
			t.Errorf("got %+v; want the uptime", m)
		}
	})
}

// publicationOr returns the topic of the next message, or "" if none comes.
func (c *client) publicationOr() string {
	p, err := c.within(time.Second)
	if err != nil {
		return ""
	}
	m, err := parsePublish(p)
	if err != nil {
		c.t.Fatalf("PUBLISH %x: %v", []byte(p), err)
	}
	return m.topic
}

// What is at $SYS takes nobody's room, and is nobody's whom it was not permitted.
func TestSysBounds(t *testing.T) {
	users := []User{{Name: "u", Password: "p", Publish: []string{"#"}, Subscribe: []string{"#"}}, {Name: "m", Password: "p", Subscribe: []string{"$SYS/#"}}}
	login := func(id, name string) raw { return pkt(0x10, "MQTT", 5, 0xc2, u16(0), props(), id, name, "p") }
	bubble(t, Config{Users: users, Limits: Limits{MaximumRetained: 1}}, func(t *testing.T, b *Broker) {
		u, _ := connect(t, b, login("u", "u"))
		u.exchange(sub5(9, "$SYS/broker/version", 0), pkt(0x90, u16(9), 0, 0x87))
		if b.sys.live {
			t.Error("a subscription that was refused has $SYS be there")
		}
		m, _ := connect(t, b, login("m", "m"))
		m.subscribe("$SYS/#", 0)
		if n := len(m.sysOf(true)); n < 40 {
			t.Errorf("%d topics beneath $SYS; want all, whatever may be retained", n)
		}
		u.exchange(pub5(3, "a", 1, props(), "x"), ackCodeOf(0x40, 1, 0x10))
		u.exchange(pub5(3, "b", 2, props(), "x"), ackCodeOf(0x40, 2, 0x97))
		used := b.Stats().Memory
		m.exchange(pkt(0xa2, u16(3), props(), "$SYS/#"), pkt(0xb0, u16(3), 0, 0))
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if now := b.Stats().Memory; now >= used {
			t.Errorf("%d bytes are kept; want fewer than the %d with $SYS", now, used)
		}
	})
}

// A broker that retains nothing says everything of itself every ten seconds.
func TestSysWithoutRetain(t *testing.T) {
	bubble(t, Config{Limits: Limits{NoRetain: true}}, func(t *testing.T, b *Broker) {
		c, _ := connect(t, b, connectV5("c"))
		c.subscribe("$SYS/broker/version", 0)
		c.wantSilence(2 * time.Second)
		for range 2 {
			time.Sleep(7 * time.Second)
			if m := c.publication(); m.payload != "homefleet" || m.retain {
				t.Errorf("got %+v; want the version", m)
			}
			time.Sleep(2 * time.Second)
		}
	})
}
