package fleet

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/fleet/client"
	"homefleet/fleet/load"
	"homefleet/fleet/responder"
	"homefleet/fleet/retained"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

const (
	// hasty is a minute with short terms of everything.
	hasty = `
seed = 3
[connect]
keep_alive = "4s"
session_expiry = "1h"
backoff_min = "100ms"
backoff_max = "1s"
timeout = "2s"
[phases]
measure = "1m"
`
	twoLamps = "[[device]]\nkind = \"light\"\ncount = 2\nid = \"lamp-{n}\"\n"
	// offline takes all devices off for 10 s.
	offlineOnce = "[[incident]]\nkind = \"offline\"\nat = \"5s\"\nfor = \"10s\"\n"
)

// Who only watches takes all that comes at once: a broker may lose what it has
// to keep back for a smaller Receive Maximum (3.1.2.11.3).
func TestAuditorsReceiveAllAtOnce(t *testing.T) {
	f, err := New(scenarioOf(t, hasty+twoLamps+"[[watcher]]\ntopics = [\"tele/#\"]\n"+offlineOnce), Options{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }})
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]client.Handler{
		"auditor": f.auditor,
		"watcher": load.NewWatcher(f.watcherEnv(), f.watcherProfile(&f.scenario.Watchers[0]), &f.scenario.Watchers[0], 0, 0),
	} {
		var p wire.Connect
		if err := a.FillConnect(&p); err != nil || p.ReceiveMaximum != 65535 {
			t.Errorf("Receive Maximum of the %s = %d, %v; want 65535, said aloud", name, p.ReceiveMaximum, err)
		}
	}
}

// A broker that does not let the auditor watch is accused of nothing, and nobody
// waits for what the auditor would have found (3.8.4, 3.9.3).
func TestAuditorThatMayNotWatch(t *testing.T) {
	const user = "[broker]\nusername = \"u\"\n"
	may := func(filters ...string) broker.Config {
		return broker.Config{Users: []broker.User{{Name: "u", Subscribe: filters}}}
	}
	for _, tt := range []struct {
		name, toml string
		config     broker.Config
		retained   bool // can be looked at all the same
	}{
		{"no wildcards", "", broker.Config{Limits: broker.Limits{NoWildcards: true}}, false},
		{"no Wills", user, may("cmnd/#", "homefleet/#"), false},
		{"no answers", user, may("cmnd/#", "tele/#"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			took := time.Duration(0)
			snap, _ := brew(t, hasty+tt.toml+twoLamps+offlineOnce, tt.config, func(s *storm) {
				s.sleepTo(time.Minute)
				start := time.Now()
				s.ended.wait()
				took = time.Since(start)
			})
			if w := snap.Audit.Wills; w.Due != 2 || w.Unwatched != 2 {
				t.Errorf("%+v; want 2 due that nobody could see", w)
			}
			kept := snap.Audit.Retained
			if tt.retained && (kept == nil || kept.Right != 2) || !tt.retained && kept != nil {
				t.Errorf("retained: %+v; want a verdict: %t, and 2 right if so", kept, tt.retained)
			}
			if len(snap.Recoveries) != 1 || snap.Recoveries[0].Online.Count != 2 || snap.Recoveries[0].Answering != nil {
				t.Errorf("recoveries: %+v; want one of 2 devices that nobody asked for answers", snap.Recoveries)
			}
			if took > 5*time.Second {
				t.Errorf("the end took %v; want at most 5s", took)
			}
		})
	}
}

// An auditor that the broker does not let in again asks nobody any more: a recovery
// that is under way then is not one of devices that do not answer.
func TestAuditorThatIsThrownOut(t *testing.T) {
	var out atomic.Bool
	snap, _ := brew(t, hasty+twoLamps+offlineOnce, broker.Config{Admit: func(c broker.ConnectInfo) byte {
		if out.Load() && c.ClientID == "homefleet-auditor-r1" {
			return wire.NotAuthorized
		}
		return 0
	}}, func(s *storm) {
		s.sleepTo(8 * time.Second)
		out.Store(true)
		s.broker.Kick("homefleet-auditor-r1", 0)
	})
	if len(snap.Recoveries) != 1 || snap.Recoveries[0].Online.Count != 2 || snap.Recoveries[0].Answering != nil {
		t.Errorf("recoveries: %+v; want one of 2 devices that nobody asked for answers", snap.Recoveries)
	}
	if w := snap.Audit.Wills; w.OnTime != 2 {
		t.Errorf("%+v; want 2 on time, seen before", w)
	}
}

// Runs that share a broker do not see each other's Wills, though they come to
// the topics that both watch.
func TestTwoRunsOnOneBroker(t *testing.T) {
	other := scenarioOf(t, hasty+"[audit]\n[[device]]\nkind = \"light\"\ncount = 2\nid = \"bulb-{n}\"\n"+offlineOnce)
	snap, _ := brew(t, hasty+"[audit]\n"+twoLamps, broker.Config{}, func(s *storm) {
		f, err := New(other, Options{Dial: s.broker.Dial, BrokerName: "the broker", Run: "r2", Embedded: true})
		if err != nil {
			s.t.Fatal(err)
		}
		if err := f.Run(context.Background()); err != nil {
			s.t.Errorf("Run() of the other = %v; want nil", err)
		}
		if w := f.Snapshot().Audit.Wills; w.OnTime != 2 {
			s.t.Errorf("the other run: %+v; want 2 on time", w)
		}
	})
	if w := snap.Audit.Wills; w.Messages != 0 {
		t.Errorf("%+v; want no Wills: none of our devices went", w)
	}
}

// The Will of an earlier run, which was killed, comes when this run takes over
// its client id with Clean Start (3.1.4-3). It is none of this run's.
func TestWillsOfAnEarlierRun(t *testing.T) {
	snap, _ := brew(t, "[connect]\nrate = \"1/s\"\n[phases]\nmeasure = \"10s\"\n[audit]\n"+twoLamps, broker.Config{}, nil, func(o *Options) {
		conn, err := o.Dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{t: t, conn: conn}
		w := &wire.Will{Topic: []byte("tele/lamp-2/lwt"), Payload: []byte("Offline"), QoS: 1, Delay: 600}
		w.Props.User = wire.AppendUserProperty(nil, responder.ConnectionKey, "r0/1.1")
		p.write(wire.AppendConnect(nil, &wire.Connect{Version: wire.V5, ClientID: "lamp-2", CleanStart: true, SessionExpiry: 3600, Will: w}))
		p.want(packets.CONNACK)
		conn.Close()
		time.Sleep(time.Second)
	})
	if w := snap.Audit.Wills; w.Messages != 0 || w.Outages != 2 {
		t.Errorf("%+v; want no Wills, and no outages but the end of 2 devices", w)
	}
}

// The auditor and the retained probe are no part of the fleet: what becomes of their
// connections is in none of its figures.
func TestAuditorsAreNotCounted(t *testing.T) {
	for _, toml := range []string{"", "[broker]\nusername = \"u\"\n"} { // u may not see $SYS
		_, s := brew(t, hasty+toml+"[audit]\n"+twoLamps, broker.Config{Users: []broker.User{{Name: "u", Subscribe: []string{"#"}}}}, nil)
		c := s.fleet.Counts()
		if dials, connects := c.Dials.Load(), c.Connects.Load(); dials != 2 || connects != 2 {
			t.Errorf("%d dials, %d connects; want 2 each, of the devices", dials, connects)
		}
		for code := range c.SubsRefused {
			if n := c.SubsRefused[code].Load(); n != 0 {
				t.Errorf("%d subscriptions refused (%s); want none: no device was refused", n, wire.ReasonName(byte(code)))
			}
		}
	}
}

// Devices that misbehave tell the auditor the truth: its queries are no requests
// of anybody's, and whether a device answers is what it is to find out.
func TestAuditorIsToldTheTruth(t *testing.T) {
	snap, s := brew(t, hasty+twoLamps+"[device.misbehave]\ndrop = \"100%\"\n"+offlineOnce, broker.Config{}, nil)
	for i := range s.fleet.Counts().Misbehavior {
		if n := s.fleet.Counts().Misbehavior[i].Load(); n != 0 {
			t.Errorf("misbehavior of kind %d: %d; want none: nobody has asked for anything", i, n)
		}
	}
	for _, r := range snap.Recoveries {
		if r.Answering == nil || r.Answering.Count != 2 {
			t.Errorf("answering again: %+v; want 2 of 2", r.Answering)
		}
	}
}

// Of a store that takes longer to be sent than anybody waits, nothing is said: the
// rest of it is not missing.
func TestFetchThatIsCutOff(t *testing.T) {
	play(t, oneLight(func(s *scenarios.Scenario) { s.Audit.On = false }), func(t *testing.T, b *script) {
		b.accept().welcome(nil)
		b.fleet.auditors = client.Cohort{Log: b.fleet.log, Faults: b.fleet.env.Faults, Counts: &b.fleet.unseen, Size: -1, Hidden: true}
		for _, tt := range []struct {
			messages int // one every 400 ms
			want     int // topics; -1: no verdict
		}{{0, 0}, {5, 5}, {40, -1}} {
			fetched := make(chan map[string]retained.Message, 1)
			go func() { fetched <- b.fleet.fetch([]string{"tele/+/lwt"}) }()
			p := b.accept()
			p.wantConnect()
			p.connack(0, false, nil)
			p.send(&packets.Suback{PacketID: p.wantSubscribe().PacketID, Reasons: []byte{0}, Properties: &packets.Properties{}})
			go func() {
				for n := range tt.messages {
					time.Sleep(400 * time.Millisecond)
					m := wire.Publish{Topic: fmt.Appendf(nil, "tele/lamp-%d/lwt", n), Payload: []byte("Online"), Retain: true}
					if _, err := p.conn.Write(wire.AppendPublish(nil, &m, wire.V5)); err != nil {
						return // it has gone
					}
				}
			}()
			p.wantEnd()
			found := <-fetched
			got := len(found)
			if found == nil {
				got = -1
			}
			if got != tt.want {
				t.Errorf("fetch() of %d messages found %d; want %d", tt.messages, got, tt.want)
			}
		}
	})
}
