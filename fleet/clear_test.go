package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/scenarios"
)

// stranger is a client that is none of ours: the library's packets, on a connection.
type stranger struct {
	t    *testing.T
	conn net.Conn
}

// meet connects a stranger.
func meet(t *testing.T, dial func(context.Context) (net.Conn, error)) *stranger {
	t.Helper()
	conn, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{t, conn}
	s.send(&packets.Connect{ProtocolName: "MQTT", ProtocolVersion: 5, CleanStart: true, KeepAlive: 60, ClientID: "stranger"})
	s.read()
	return s
}

func (s *stranger) send(p packets.Packet) {
	s.t.Helper()
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.conn.Write(b.Bytes()); err != nil {
		s.t.Fatal(err)
	}
}

// read returns the next packet; nil: none comes for two seconds.
func (s *stranger) read() *packets.ControlPacket {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	p, err := packets.ReadPacket(s.conn)
	var late net.Error
	if err != nil && !(errors.As(err, &late) && late.Timeout()) {
		s.t.Fatal(err)
	}
	return p
}

func (s *stranger) say(topic, payload string, retain bool) {
	s.send(&packets.Publish{Topic: topic, Payload: []byte(payload), Retain: retain, Properties: new(packets.Properties)})
}

// kept returns the topics on which the broker keeps something.
func (s *stranger) kept() (topics []string) {
	s.t.Helper()
	s.send(&packets.Subscribe{PacketID: 1, Properties: new(packets.Properties), Subscriptions: []packets.SubOptions{{Topic: "#"}}})
	for p := s.read(); p != nil; p = s.read() {
		if m, ok := p.Content.(*packets.Publish); ok && m.Retain {
			topics = append(topics, m.Topic)
		}
	}
	slices.Sort(topics)
	return topics
}

// faced returns the shipped scenarios that have a face, and no load and no trouble: they
// are run for some time. It is one of each face, and all with HOMEFLEET_FULL=1.
func faced(t *testing.T) map[string]*scenarios.Scenario {
	t.Helper()
	all, seen := make(map[string]*scenarios.Scenario), make(map[string]bool)
	for _, info := range scenarios.Shipped() {
		data, _ := scenarios.ReadShipped(info.Name)
		sc, faults := scenarios.Load(info.Name, data)
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		for i := range sc.Groups { // of a street a part, and the rest where there is time
			sc.Groups[i].Homes = min(sc.Groups[i].Homes, Some(1, sc.Groups[i].Homes))
		}
		for i := range sc.Groups {
			face := sc.Groups[i].Face.Name
			if face != "" && face != "homefleet" && (!seen[face] || Some(false, true)) {
				seen[face], all[info.Name] = true, sc
			}
		}
	}
	return all
}

// What others keep beside the devices.
var othersKeep = []string{"cmnd/lamp/power", "homeassistant/light/0x0123456789abcdef/light/config", "homeassistant/light/other/config", "homie/5/other/$state", "somebody/else"}

// Whatever the devices of any shipped scenario with a face leave retained is emptied, and
// nothing else: also what was said under a name that a device was given in the run.
func TestClear(t *testing.T) {
	all := faced(t)
	if len(all) < 5 {
		t.Fatalf("%d shipped scenarios have a face; want at least 5", len(all))
	}
	for name, sc := range all {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, err := broker.New(broker.Config{Anonymous: true})
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				before := meet(t, b.Dial)
				for _, topic := range othersKeep {
					before.say(topic, "theirs", true)
				}
				o := Options{Dial: b.Dial, BrokerName: "the broker", Run: "r1", Embedded: true, BrokerControl: b}
				f, err := New(sc, o)
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(runEnd, 1)
				go func() { ended <- f.Run(ctx) }()
				time.Sleep(8 * time.Second)
				if name == "zigbee-home" {
					before.say("zigbee2mqtt/bridge/request/device/rename", `{"from":"light_1","to":"hall/lamp"}`, false)
					before.say("zigbee2mqtt/bridge/request/group/add", `{"friendly_name":"kitchen"}`, false)
					time.Sleep(time.Second)
				}
				stop()
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				held := before.kept()
				if len(held) <= len(othersKeep) {
					t.Fatalf("%d topics are kept; want some of the devices'", len(held))
				}
				if name == "zigbee-home" && !slices.Contains(held, "zigbee2mqtt/hall/lamp/availability") {
					t.Fatalf("nothing is kept of the lamp that was renamed: %q", held)
				}

				looked, err := Clear(t.Context(), sc, o, Clearing{LookOnly: true})
				if err != nil || len(looked.Held) != len(held)-len(othersKeep) {
					t.Errorf("Clear(LookOnly) found %d, %v; want %d", len(looked.Held), err, len(held)-len(othersKeep))
				}
				if still := meet(t, b.Dial).kept(); !slices.Equal(still, held) {
					t.Errorf("looking has changed what is kept: %q; want %q", still, held)
				}
				done, err := Clear(t.Context(), sc, o, Clearing{})
				if err != nil || len(done.Left)+done.Refused > 0 || !done.Looked {
					t.Errorf("Clear() = %d topics, %q left, %d refused, looked %v, %v; want none left", len(done.Topics), done.Left, done.Refused, done.Looked, err)
				}
				if left := meet(t, b.Dial).kept(); !slices.Equal(left, othersKeep) {
					t.Errorf("kept after Clear(): %q; want %q", left, othersKeep)
				}
			})
		})
	}
}

// One that may not look empties all that the devices may have left; one that may not write
// says so; and a broker that allows nothing but QoS 0, or one message at a time, is served, too.
func TestClearByRights(t *testing.T) {
	const lamps = 300
	sc := scenarioOf(t, fmt.Sprintf("[broker]\nusername = \"u\"\n[[device]]\nkind = \"light\"\nid = \"lamp-{n}\"\ncount = %d\nretain = true\n", lamps)+
		"[device.will]\ntopic = \"gone/{id}\"\n[device.presence]\ntopic = \"here/{id}\"\n")
	topics := func(of string) (all []string) {
		for n := range lamps {
			all = append(all, fmt.Sprintf(of, n+1))
		}
		return all
	}
	states := reported(sc.Groups[0].Kind)
	all := []string{"#"}
	for _, tt := range []struct {
		name    string
		user    broker.User
		limits  broker.Limits
		looked  bool
		refused int
	}{
		{"all rights", broker.User{Publish: all, Subscribe: all}, broker.Limits{}, true, 0},
		{"may not look", broker.User{Publish: all, Subscribe: []string{"x"}}, broker.Limits{}, false, 0},
		{"may not write states", broker.User{Publish: []string{"here/#", "gone/#"}, Subscribe: all}, broker.Limits{}, true, lamps * states},
		{"QoS 0", broker.User{Publish: all, Subscribe: all}, broker.Limits{MaximumQoS: new(byte)}, true, 0},
		{"one at a time", broker.User{Publish: all, Subscribe: all}, broker.Limits{ReceiveMaximum: 1}, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.user.Name = "u"
				b, err := broker.New(broker.Config{Anonymous: true, Users: []broker.User{tt.user}, Limits: tt.limits})
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				before := meet(t, b.Dial)
				for _, of := range []string{"here/lamp-%d", "gone/lamp-%d", "state/lamp-%d/power"} {
					for _, topic := range topics(of) {
						before.say(topic, "x", true)
					}
				}
				synctest.Wait() // the broker has it all, also what was at QoS 0
				told := int64(0)
				done, err := Clear(t.Context(), sc, Options{Dial: b.Dial, BrokerName: "the broker"}, Clearing{Progress: func(done, of int64) {
					if done <= told || of != int64(lamps*(2+states)) {
						t.Errorf("progress: %d of %d, after %d", done, of, told)
					}
					told = done
				}})
				if err != nil || len(done.Topics) != lamps*(2+states) || done.Looked != tt.looked || done.Refused != tt.refused {
					t.Errorf("Clear() = %d topics, looked %v, %d refused, %v; want %d, %v, %d", len(done.Topics), done.Looked, done.Refused, err, lamps*(2+states), tt.looked, tt.refused)
				}
				if told != int64(len(done.Topics)) {
					t.Errorf("the last progress is %d; want %d", told, len(done.Topics))
				}
				left := meet(t, b.Dial).kept()
				want := 0
				if tt.refused > 0 {
					want = lamps
				}
				if len(left) != want || tt.looked && len(done.Left) != want {
					t.Errorf("%d topics are kept, and Clear() knows of %d; want %d", len(left), len(done.Left), want)
				}
			})
		})
	}
}
