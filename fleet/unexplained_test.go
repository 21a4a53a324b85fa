package fleet_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Connections that are lost, and tries to connect that come to nothing, are told of where
// nothing that is emulated explains them, also of a run that measures nothing; where an
// incident does, or a client that is slow or misbehaves, they are not.
func TestUnexplainedLosses(t *testing.T) {
	lamps := "[[device]]\nkind = \"light\"\ncount = 10\nid = \"lamp-{n:2}\"\nqos = 1\ntelemetry = \"" + fleet.Some("4s", "1s") + "\"\n"
	measured := "[phases]\nmeasure = \"60s\"\n" + lamps
	incident := func(kind, more string) string {
		return measured + "[[incident]]\nkind = \"" + kind + "\"\nat = \"5s\"\nfor = \"20s\"\n" + more
	}
	kick := func(b *broker.Broker) { // four, from nowhere
		time.Sleep(10 * time.Second)
		for n := range 4 {
			b.Kick(fmt.Sprintf("lamp-%02d", n+1), wire.AdministrativeAction)
		}
	}
	for i, tt := range []struct {
		name, toml string
		does       func(*broker.Broker) // nil: the broker does nothing of itself
		refuses    int64                // so many CONNECTs, from the first
		want       metrics.Verdict
		says       string
	}{
		{"nothing measured", "duration = \"60s\"\n" + lamps, nil, 0, metrics.VerdictRan, "nothing went wrong"},
		{"four kicked, nothing measured", "duration = \"60s\"\n" + lamps, kick, 0, metrics.VerdictFaults, "4 connections were lost, which no incident explains"},
		{"four kicked", measured, kick, 0, metrics.VerdictFaults, "4 connections were lost, which no incident explains"},
		{"they are expected", measured + "[expect]\n\"connections.lost\" = \"== 4\"\n", kick, 0, metrics.VerdictPass, ""},
		{"something else is expected", measured + "[expect]\n\"devices.online\" = \"== 100%\"\n", kick, 0, metrics.VerdictPass, "4 connections were lost"},
		{"six refused at first", measured, nil, 6, metrics.VerdictFaults, "6 tries to connect came to nothing, which no incident explains"},
		{"four kicked before an incident", incident("offline", "way = \"cut\"\ntarget = { id = \"lamp-1*\" }"), kick, 0, metrics.VerdictFaults, "4 connections were lost"},
		{"router-reboot", incident("router-reboot", ""), nil, 0, metrics.VerdictRan, ""},
		{"wifi-loss", incident("wifi-loss", ""), nil, 0, metrics.VerdictRan, ""},
		{"wifi-loss beyond the Keep Alive", "[connect]\nkeep_alive = \"2s\"\n" + incident("wifi-loss", ""), nil, 0, metrics.VerdictRan, ""},
		{"broker-outage", incident("broker-outage", ""), nil, 0, metrics.VerdictRan, ""},
		{"id-fight", incident("id-fight", ""), nil, 0, metrics.VerdictRan, ""},
		{"slow-link", incident("slow-link", "latency = \"20s\""), nil, 0, metrics.VerdictRan, ""},
		{"flapping", incident("flapping", "up = \"2s\"\ndown = \"1s\""), nil, 0, metrics.VerdictRan, ""},
		{"firmware-roll", incident("firmware-roll", ""), nil, 0, metrics.VerdictRan, ""},
	} {
		if fleet.Some(i%2 != 0, false) {
			continue // a part of them
		}
		synctest.Test(t, func(t *testing.T) {
			var refused atomic.Int64
			b, err := broker.New(broker.Config{Anonymous: true, Admit: func(broker.ConnectInfo) byte {
				if refused.Add(1) <= tt.refuses {
					return wire.ServerBusy
				}
				return 0
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if tt.does != nil {
				go tt.does(b)
			}
			res := resultOf(t, fleetWith(t, tt.toml, fleet.Options{Dial: b.Dial, Run: "r1", Embedded: true, BrokerControl: b}))
			if text := strings.Join(res.Sentences, "; "); res.Verdict != tt.want || !strings.Contains(text, tt.says) {
				t.Errorf("%s: %q: %s; want %q, %q", tt.name, res.Verdict, text, tt.want, tt.says)
			}
		})
	}
}

// Two runs with the same client ids take each other's sessions over (3.1.4-3), and neither
// says that all was well.
func TestTwoRunsOfOneSetOfIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		const lamps = "[[device]]\nkind = \"light\"\ncount = 5\nid = \"lamp-{n:2}\"\n"
		first := fleetOf(t, "duration = \"60s\"\n"+lamps, b.Dial)
		second := fleetOf(t, "[phases]\nmeasure = \"20s\"\n"+lamps, b.Dial)
		done := make(chan *metrics.Result)
		go func() {
			_ = first.Run(t.Context()) // no device is left
			res, _ := first.Result()
			done <- res
		}()
		time.Sleep(10 * time.Second)
		if res := resultOf(t, second); res.Verdict != metrics.VerdictRan {
			t.Errorf("the second run: %q, %q; want %q: it had the sessions to the end", res.Verdict, res.Sentences, metrics.VerdictRan)
		}
		if res := <-done; res.Verdict.Good() {
			t.Errorf("the first run: %q, %q; want that it lost its devices", res.Verdict, res.Sentences)
		}
	})
}

// A broker that closes a connection between CONNACK and SUBACK loses it as much as one
// that does so later.
func TestLostBeforeSuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBroker(t)
		var conns atomic.Int64
		dial := func(ctx context.Context) (net.Conn, error) {
			c, err := b.Dial(ctx)
			if err == nil && conns.Add(1) <= 3 {
				c = &beforeSuback{Conn: c}
			}
			return c, err
		}
		res := resultOf(t, fleetOf(t, "[phases]\nmeasure = \"20s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n", dial))
		const want = "3 connections were lost, which no incident explains"
		if text := strings.Join(res.Sentences, "; "); res.Verdict != metrics.VerdictFaults || !strings.Contains(text, want) {
			t.Errorf("%q: %s; want %q", res.Verdict, text, want)
		}
	})
}

// beforeSuback ends as the SUBSCRIBE comes.
type beforeSuback struct{ net.Conn }

func (c *beforeSuback) Write(b []byte) (int, error) {
	const subscribe = 8
	if b[0]>>4 == subscribe {
		_ = c.Conn.Close()
	}
	return c.Conn.Write(b)
}

func resultOf(t *testing.T, f *fleet.Fleet) *metrics.Result {
	t.Helper()
	if err := f.Run(t.Context()); err != nil {
		t.Errorf("Run() = %v", err)
	}
	res, err := f.Result()
	if err != nil {
		t.Error(err)
	}
	return res
}
