package fleet

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/broker"
	"homefleet/fleet/wire"
)

// returning is a lamp that takes its time to come back.
const returning = `
audit = false
[connect]
session_expiry = "1h"
backoff_min = "4s"
[phases]
measure = "1m"
[[device]]
kind = "light"
id = "lamp"
`

// The ways to come back: with which client id, on which session, and when.
func TestComingBack(t *testing.T) {
	const unit = time.Second
	for _, tt := range []struct {
		name, how     string
		id            string
		clean         bool
		least, most   time.Duration // after the incident's end
		sessionOfOld  bool          // Session Present is possible
		alsoWhenAgain string        // the client id after the second time
	}{
		{"same session", ``, "lamp", false, 0, 0, true, "lamp"},
		{"clean", `session = "clean"`, "lamp", true, 0, 0, false, "lamp"},
		{"after back-off", `return = "back-off"`, "lamp", false, 1, 4 * unit, true, "lamp"},
		{"with another client id", `rename = true`, "lamp-2", true, 0, 0, false, "lamp-3"},
	} {
		for _, way := range []OfflineMode{Orderly, WithWill, Cut, Reset, Silence, Unplugged, Exit} {
			t.Run(tt.name+"/"+string(way), func(t *testing.T) {
				toml := "seed = 11\n" + returning + incidentOf("offline", "5s", "10s", `every = "20s"`, "times = 2", fmt.Sprintf("way = %q", way), tt.how)
				play(t, scenarioOf(t, toml), func(t *testing.T, b *script) {
					old := b.accept()
					old.welcome(nil)
					for n, id := range []string{tt.id, tt.alsoWhenAgain} {
						if way != Silence && way != Unplugged {
							old.wantEnd()
						}
						p := b.accept()
						zero, ok := b.fleet.MeasureStart()
						if !ok {
							t.Fatal("the measuring has not begun")
						}
						c := p.wantConnect()
						back := time.Since(zero) - 15*unit - time.Duration(n)*20*unit
						if back < tt.least || back > tt.most {
							t.Errorf("the CONNECT comes %v after the incident; want %v to %v", back, tt.least, tt.most)
						}
						if c.ClientID != id || c.CleanStart != tt.clean {
							t.Errorf("CONNECT as %q, Clean Start %t; want %q, %t", c.ClientID, c.CleanStart, id, tt.clean)
						}
						p.connack(0, tt.sessionOfOld, nil)
						if !tt.sessionOfOld {
							p.grant()
						}
						for { // an Offline that nobody acknowledged comes first
							if m := p.wantPublish(); true {
								p.ack(packets.PUBACK, m.PacketID, 0)
								if string(m.Payload) == faces.Native().Online {
									break
								}
							}
						}
						old = p
					}
				})
			})
		}
	}
}

// The same seed draws the same back-off, another one another.
func TestBackoffAfterAnIncidentFollowsFromTheSeed(t *testing.T) {
	back := func(seed string) (at time.Duration) {
		play(t, scenarioOf(t, "seed = "+seed+"\n"+returning+incidentOf("offline", "5s", "10s", `return = "back-off"`)), func(t *testing.T, b *script) {
			b.accept().welcome(nil)
			b.accept().wantConnect()
			zero, _ := b.fleet.MeasureStart()
			at = time.Since(zero)
		})
		return at
	}
	first, again, other := back("11"), back("11"), back("12")
	if first != again || first == other {
		t.Errorf("back after %v, again %v, and with another seed %v; want the first two equal, and the third not", first, again, other)
	}
}

// asking counts CONNECTs by their client id.
type asking struct {
	mu sync.Mutex
	by map[string]int
}

func (a *asking) admit(c broker.ConnectInfo) byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by[c.ClientID]++
	return 0
}

// Two clients with one id throw each other off, again and again (3.1.4-3); when
// the fight is over the device is back, on the session that was there all along.
func TestIDFight(t *testing.T) {
	const fight = `
audit = false
[connect]
session_expiry = "1h"
backoff_min = "500ms"
backoff_max = "2s"
[phases]
measure = "2m"
[[device]]
kind = "light"
id = "lamp"
[[incident]]
kind = "id-fight"
at = "10s"
for = "60s"
`
	for _, tt := range []struct {
		name, how string
		fresh     func(connects int64) bool // CONNACKs without Session Present
	}{
		{"same session", "", func(n int64) bool { return n == 1 }},
		{"clean", `session = "clean"`, func(n int64) bool { return n > 10 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := asking{by: make(map[string]int)}
			snap, s := brew(t, fight+tt.how, broker.Config{Admit: asked.admit}, func(s *storm) {
				s.wantOnline(9*time.Second, "lamp")
				s.wantOnline(80*time.Second, "lamp")
			})
			c := s.fleet.Counts()
			thrown := c.Disconnected[wire.SessionTakenOver].Load()
			if thrown < 20 {
				t.Errorf("thrown off %d times in a minute; want 20 or more", thrown)
			}
			if int64(asked.by["lamp"]) != thrown+1 || len(asked.by) != 1 {
				t.Errorf("CONNECTs %v, thrown off %d times; want as many and one, all with the one client id", asked.by, thrown)
			}
			if fresh := c.Connects.Load() - c.Resumes.Load(); !tt.fresh(fresh) {
				t.Errorf("%d of %d CONNACKs were without Session Present", fresh, c.Connects.Load())
			}
			if snap.Devices.GaveUp != 0 || snap.Devices.Online != 1 {
				t.Errorf("%+v; want the device online, and not given up", snap.Devices)
			}
		})
	}
}

// A device that is back under another client id is fought for under that one.
func TestIDFightAfterRename(t *testing.T) {
	asked := asking{by: make(map[string]int)}
	_, s := brew(t, `
audit = false
[connect]
session_expiry = "1h"
backoff_min = "500ms"
[[device]]
kind = "light"
id = "lamp"
[[incident]]
kind = "offline"
at = "5s"
for = "5s"
rename = true
[[incident]]
kind = "id-fight"
at = "20s"
for = "30s"
`, broker.Config{Admit: asked.admit}, nil)
	if asked.by["lamp"] != 1 || asked.by["lamp-2"] < 5 {
		t.Errorf("CONNECTs %v; want one as lamp, and all the others as lamp-2", asked.by)
	}
	if !strings.Contains(s.log.String(), "id fight: 1 device against another client with the same client id, for 30s") {
		t.Error("the fight is not announced")
	}
}

// Whoever takes the session of a device that nobody fights with ends it: it does
// not connect again (rule 7).
func TestTakenOverWithoutAFight(t *testing.T) {
	play(t, scenarioOf(t, expiring+"[[device]]\nkind = \"light\"\nid = \"lamp\"\n"), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		up := time.Now()
		p.quiet() // its one PINGREQ of the first minute
		time.Sleep(time.Until(up.Add(time.Minute)))
		p.send(&packets.Disconnect{ReasonCode: wire.SessionTakenOver, Properties: &packets.Properties{}})
		p.wantEnd()
		err := b.ended.wait()
		if err == nil || !strings.Contains(err.Error(), "taken over") {
			t.Errorf("Run() = %v; want an error that says the session was taken over", err)
		}
	})
}
