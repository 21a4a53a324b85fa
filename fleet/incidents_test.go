package fleet

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
)

// What happens to whom, and when: each kind of incident on two homes of two
// devices each.
func TestIncidents(t *testing.T) {
	const street = hasty + `
[[device]]
kind = "light"
homes = 2
count = 2
home = "flat-{h}"
id = "{home}-{n}"
[[incident]]
at = "10s"
for = "20s"
`
	const everybody = "flat-1-1 flat-1-2 flat-2-1 flat-2-2"
	type look struct {
		at   time.Duration
		want string
	}
	for _, tt := range []struct {
		name, incident string
		looks          []look
		line           string // of the event log
		back           string // of the recovery
		way            string // that all of the outages went
		outages        int64
		due            int64
	}{
		{"offline", `kind = "offline"
target = { home = "flat-2" }`,
			[]look{{9, everybody}, {10, "flat-1-1 flat-1-2"}, {29, "flat-1-1 flat-1-2"}, {30, everybody}},
			"offline: 2 devices in flat-2 offline (cut), for 20s", "2 of 2: half 0s most 0s all 0s", "cut", 2, 2},
		{"offline, one by its id", `kind = "offline"
way = "with-will"
target = { id = "*-1-2" }`,
			[]look{{9, everybody}, {10, "flat-1-1 flat-2-1 flat-2-2"}, {30, everybody}},
			"offline: 1 device in flat-1 offline (with-will), for 20s", "1 of 1: half 0s most 0s all 0s", "with-will", 1, 1},
		{"offline, in an orderly way", `kind = "offline"
way = "orderly"
target = { kind = "light" }`,
			[]look{{9, everybody}, {10, ""}, {29, ""}, {30, everybody}},
			"offline: 4 devices offline (orderly), for 20s", "4 of 4: half 0s most 0s all 0s", "orderly", 4, 0},
		{"power-cut", `kind = "power-cut"
target = { home = "flat-1" }`,
			[]look{{9, everybody}, {10, "flat-2-1 flat-2-2"}, {29, "flat-2-1 flat-2-2"}, {30, everybody}},
			"power cut: 2 devices in flat-1 without power, for 20s", "2 of 2: half 0s most 0s all 0s", "unplugged", 2, 2},
		{"router-reboot", `kind = "router-reboot"
target = { home = "flat-1" }`,
			[]look{{9, everybody}, {25, "flat-2-1 flat-2-2"}, {32, everybody}},
			"router reboot: 2 devices in flat-1 without a network while the router restarts, for 20s", "", "router-reboot", 2, 2},
		// Less than the Keep Alive needs to find out: nobody notices.
		{"wifi-loss", `kind = "wifi-loss"
target = { home = "flat-1" }
name = "thick-walls"
every = "40s"
times = 1`,
			[]look{{9, everybody}, {25, "flat-2-1 flat-2-2"}, {32, everybody}},
			"thick-walls: 2 devices in flat-1 without Wi-Fi, for 20s", "", "wifi-loss", 2, 2},
		{"firmware-roll", `kind = "firmware-roll"
batch = "50%"`,
			[]look{{9, everybody}, {11, "flat-2-1 flat-2-2"}, {21, "flat-1-1 flat-1-2"}, {30, everybody}},
			"firmware roll: 4 devices restarted with new firmware, batch by batch, for 20s", "4 of 4: half 0s most 0s all 0s", "orderly", 4, 0},
		{"broker-outage", `kind = "broker-outage"`,
			[]look{{9, everybody}, {11, ""}, {29, ""}, {32, everybody}},
			"broker outage: 4 devices without a broker, for 20s", "", "lost", 4, 4},
		{"slow-link", `kind = "slow-link"
latency = "300ms"
target = { home = "flat-2" }`,
			[]look{{9, everybody}, {20, everybody}, {30, everybody}},
			"slow link: 2 devices in flat-2 on a slow connection, for 20s", "2 of 2: half 0s most 0s all 0s", "", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap, s := brew(t, street+tt.incident, broker.Config{}, func(s *storm) {
				for _, l := range tt.looks {
					s.wantOnline(l.at*time.Second, l.want)
				}
			})
			if !strings.Contains(s.log.String(), tt.line) {
				t.Errorf("the log does not say %q", tt.line)
			}
			in := s.fleet.Incidents()
			if !slices.ContainsFunc(in, func(i metrics.Incident) bool {
				return i.Text == tt.line && time.Duration(i.At) == 10*time.Second && time.Duration(i.To) == 30*time.Second
			}) {
				t.Errorf("on the time line: %v; want %q from 10s to 30s", in, tt.line)
			}
			if len(snap.Recoveries) != 1 {
				t.Fatalf("%d recoveries; want 1", len(snap.Recoveries))
			}
			r := snap.Recoveries[0]
			if got := timesText(r.Online, r.Affected); tt.back != "" && got != tt.back {
				t.Errorf("online again: %s; want %s", got, tt.back)
			}
			if r.Online.All == nil || time.Duration(*r.Online.All) > 2*time.Second || r.Answering == nil || r.Answering.Count != r.Affected {
				t.Errorf("online again: %s, answering: %v; want all within 2s, and all answering", timesText(r.Online, r.Affected), r.Answering)
			}
			want := []metrics.WayTotals{{Way: tt.way, WillTotals: metrics.WillTotals{Outages: tt.outages,
				Due: tt.due, NotDue: tt.outages - tt.due, OnTime: tt.due, Messages: tt.due}}}
			if tt.outages == 0 {
				want = nil
			}
			if strings.Contains(tt.incident, "broker-outage") { // the auditor was away itself
				want[0].OnTime, want[0].Messages, want[0].Unwatched, want[0].AuditorAway = 0, 0, tt.due, tt.due
			}
			if got := waysOf(snap); !slices.Equal(got, want) {
				t.Errorf("of the Wills: %+v; want %+v", got, want)
			}
			if kept := snap.Audit.Retained; kept == nil || kept.Checked != 4 || kept.Right != 4 {
				t.Errorf("retained: %+v; want 4 of 4 right", kept)
			}
		})
	}
}

// waysOf returns what the audit found of each way to go, but for the end of the
// run, where all go in an orderly way.
func waysOf(snap *metrics.Snapshot) []metrics.WayTotals {
	return slices.DeleteFunc(slices.Clone(snap.Audit.Ways), func(w metrics.WayTotals) bool { return w.Way == client.EndStopped })
}

// Without a network for less than the Keep Alive takes to find out, nobody
// notices: the connection goes on where it stopped.
func TestWiFiLossUnnoticed(t *testing.T) {
	snap, s := brew(t, `
[connect]
keep_alive = "60s"
session_expiry = "1h"
[phases]
measure = "2m"
[[device]]
kind = "light"
id = "lamp"
telemetry = "1s"
[[incident]]
kind = "wifi-loss"
at = "10s"
for = "20s"
[[watcher]]
topics = ["tele/lamp/state"]
`, broker.Config{}, nil)
	c := s.fleet.Counts()
	if lost, connects := c.Lost.Load(), c.Connects.Load(); lost != 0 {
		t.Errorf("%d connections lost of %d; want none", lost, connects)
	}
	if sent, came := c.Messages.Total(metrics.Sent, metrics.Telemetry), c.Watched.Load(); sent < 110 || came < sent-1 || came > sent {
		t.Errorf("%d reports sent, %d came; want about 120, and all that came before the end", sent, came)
	}
	if w := snap.Audit.Wills; w.Due != 0 || w.Messages != 0 {
		t.Errorf("of the Wills: %+v; want none due", w)
	}
}

// With a Spread each device has its own moments, which follow from the seed.
func TestSpread(t *testing.T) {
	t.Parallel()
	devices := Some(20, 40)
	for _, kind := range []string{"kind = \"offline\"", "kind = \"power-cut\"", "kind = \"router-reboot\"\nreturn = \"at-once\"",
		"kind = \"wifi-loss\"\nreturn = \"at-once\"", "kind = \"flapping\"\nup = \"1ms\"\ndown = \"1h\"", "kind = \"id-fight\"", "kind = \"slow-link\"\nlatency = \"1s\""} {
		t.Run(strings.Split(kind, `"`)[1], func(t *testing.T) {
			struck := func(seed int) (at []int) {
				brew(t, fmt.Sprintf(`
seed = %d
audit = false
[connect]
keep_alive = "0s"
session_expiry = "1h"
[phases]
measure = "2m"
[[device]]
kind = "light"
count = %d
[[incident]]
at = "10s"
for = "20s"
spread = "10s"
%s
`, seed, devices, kind), broker.Config{}, func(s *storm) {
					for at1 := 9 * time.Second; at1 <= 41*time.Second; at1 += time.Second {
						s.sleepTo(at1)
						n := 0
						for _, d := range s.fleet.Devices() {
							now, err := ask(s.t.Context(), d, func() bool {
								r := d.r
								return r.Obstructed()
							})
							if err != nil {
								t.Fatal(err)
							}
							if now {
								n++
							}
						}
						at = append(at, n)
					}
				})
				return at
			}
			at := struck(1)
			if at[0] != 0 || at[11] != devices || at[20] != devices || at[32] != 0 {
				t.Errorf("struck at 9s, 10s … 41s: %v; want none at 9s, all of %d from 20s to 29s, and none at 41s", at, devices)
			}
			if at[6] < devices/4 || at[6] > devices*3/4 || at[26] < devices/4 || at[26] > devices*3/4 {
				t.Errorf("struck at 15s: %d, at 35s: %d; want about half of %d", at[6], at[26], devices)
			}
			if Some(kind != "kind = \"offline\"", false) {
				return // the seed is the same thing to all of them
			}
			if again := struck(1); !slices.Equal(again, at) {
				t.Errorf("with the same seed %v and %v; want the same", at, again)
			}
			if other := struck(2); slices.Equal(other, at) {
				t.Errorf("with another seed %v too; want something else", other)
			}
		})
	}
}

// A share strikes others each time; chance leaves some times out.
func TestShareAndChance(t *testing.T) {
	var who []string
	_, s := brew(t, `
seed = 5
audit = false
[connect]
session_expiry = "1h"
[phases]
measure = "10m"
[[device]]
kind = "plug"
count = 50
[[incident]]
kind = "offline"
target = { share = "20%" }
at = "5s"
for = "5s"
every = "20s"
chance = "50%"
`, broker.Config{}, func(s *storm) {
		for at := 7 * time.Second; at < 10*time.Minute; at += 20 * time.Second {
			s.sleepTo(at)
			online := " " + s.online() + " "
			var off []string
			for _, d := range s.fleet.Devices() {
				if !strings.Contains(online, " "+d.ID()+" ") {
					off = append(off, d.ID())
				}
			}
			if len(off) > 0 {
				who = append(who, strings.Join(off, " "))
			}
		}
	})
	if n := len(who); n < 8 || n > 22 {
		t.Errorf("it happened %d times of 30; want about 15", n)
	}
	slices.Sort(who)
	if n := len(slices.Compact(slices.Clone(who))); n != len(who) {
		t.Errorf("%d times, but only %d different choices of devices: %q", len(who), n, who)
	}
	said := strings.Count(s.log.String(), "for 5s")
	if said != len(who) {
		t.Errorf("announced %d times; want %d", said, len(who))
	}
}

// Incidents compose: a device is back when the last that keeps it off has let go,
// whatever the order. Each incident has an entry, with the device in it until then,
// and says that another struck it as well.
func TestIncidentsCompose(t *testing.T) {
	// Without a network the lamp pings within 1.8 s, whatever the phase of its pings,
	// and gives up 9.1 s later: within a second of the tenth second.
	const lamp = `
[connect]
session_expiry = "1h"
keep_alive = "2s"
timeout = "9100ms"
backoff_min = "100ms"
backoff_max = "100ms"
backoff = "naive"
[phases]
measure = "2m"
[[device]]
kind = "light"
id = "lamp"
`
	for _, tt := range []struct {
		name, first, second string
		down, up            int
	}{
		{"cut, then a longer power cut", incidentOf("offline", "10s", "20s"), incidentOf("power-cut", "20s", "30s"), 10, 50},
		{"power cut around a cut", incidentOf("power-cut", "10s", "60s"), incidentOf("offline", "20s", "10s"), 10, 70},
		{"no Wi-Fi around a power cut", incidentOf("wifi-loss", "10s", "60s"), incidentOf("power-cut", "30s", "10s"), 20, 70},
		{"a power cut around no Wi-Fi", incidentOf("power-cut", "10s", "60s"), incidentOf("wifi-loss", "30s", "10s"), 10, 70},
		{"router and Wi-Fi", incidentOf("router-reboot", "10s", "20s"), incidentOf("wifi-loss", "20s", "30s"), 20, 50},
		{"Wi-Fi and router", incidentOf("wifi-loss", "10s", "30s"), incidentOf("router-reboot", "20s", "40s"), 20, 60},
		{"power cut while the broker is away", incidentOf("power-cut", "10s", "20s"), incidentOf("broker-outage", "20s", "30s"), 10, 50},
		{"two outages of the broker", incidentOf("broker-outage", "10s", "20s"), incidentOf("broker-outage", "20s", "30s"), 10, 50},
		{"slow link around a power cut", incidentOf("slow-link", "5s", "70s", "latency = \"100ms\""), incidentOf("power-cut", "20s", "10s"), 20, 30},
		{"silence, then an orderly way", incidentOf("offline", "10s", "30s", "way = \"silence\""), incidentOf("offline", "20s", "40s", "way = \"orderly\""), 10, 60},
		{"orderly without Wi-Fi", incidentOf("wifi-loss", "10s", "30s"), incidentOf("offline", "12s", "40s", "way = \"orderly\""), 12, 52},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap, _ := brew(t, lamp+tt.first+tt.second, broker.Config{}, func(s *storm) {
				s.wantOnline(time.Duration(tt.down)*time.Second-time.Second, "lamp")
				for at := tt.down + 1; at < tt.up; at += 3 {
					s.wantOnline(time.Duration(at)*time.Second, "")
				}
				s.wantOnline(time.Duration(tt.up)*time.Second+1500*time.Millisecond, "lamp")
			})
			if len(snap.Recoveries) != 2 {
				t.Fatalf("recoveries %+v; want one of each incident", snap.Recoveries)
			}
			for _, r := range snap.Recoveries {
				back := max(metrics.Span(tt.up)*metrics.Span(time.Second)-r.To, 0)
				if r.Affected != 1 || r.Overlap != 1 || r.Online.All == nil || *r.Online.All < back || *r.Online.All > back+metrics.Span(1500*time.Millisecond) {
					t.Errorf("%s: %d affected, %d by both, online again %s; want the one, struck by both, %v after its end, or 1.5s later",
						r.Incident, r.Affected, r.Overlap, timesText(r.Online, r.Affected), back)
				}
			}
			w := snap.Audit.Wills
			if w.Missing+w.Duplicate+w.Unexpected+w.Altered+w.Early+w.Late != 0 {
				t.Errorf("of the Wills: %+v; want nothing wrong", w)
			}
			if kept := snap.Audit.Retained; kept == nil || kept.Checked != 1 || kept.Right != 1 {
				t.Errorf("retained: %+v; want 1 of 1 right", kept)
			}
		})
	}
}

// A device without a network does not even dial; its tries fail at once, and
// are counted with why.
func TestNoNetworkNoDial(t *testing.T) {
	var asked atomic.Int64
	snap, _ := brew(t, `
[connect]
keep_alive = "4s"
timeout = "2s"
backoff = "naive"
backoff_min = "1s"
[phases]
measure = "1m"
[[device]]
kind = "light"
id = "lamp"
[[incident]]
kind = "router-reboot"
at = "10s"
for = "20s"
`, broker.Config{Admit: func(c broker.ConnectInfo) byte {
		if c.ClientID == "lamp" {
			asked.Add(1)
		}
		return 0
	}}, func(s *storm) {
		s.sleepTo(29 * time.Second)
		if n := s.fleet.Counts().DialFailures.Load(); n < 10 || n > 20 || asked.Load() != 1 {
			t.Errorf("%d tries failed while there was no network, and the broker saw %d CONNECTs; want one a second, and 1", n, asked.Load())
		}
	})
	if r := snap.Recoveries[0]; r.Refused["no network"] < 10 || r.Refused["no network"] != r.Attempts-1 || asked.Load() != 2 {
		t.Errorf("%d attempts, refused %v, %d CONNECTs; want all but the last for lack of a network, and 2", r.Attempts, r.Refused, asked.Load())
	}
}

// What is retained of a device that is away at the end is what it said last, or
// its Will: a device that meant to say Offline without a network has not said it.
func TestRetainedOfThoseAway(t *testing.T) {
	const lamp = `
[connect]
session_expiry = "1h"
keep_alive = "4s"
[phases]
measure = "40s"
[audit]
wait = "1s"
[[device]]
kind = "light"
count = 4
`
	for _, tt := range []struct{ name, toml string }{
		{"orderly", incidentOf("offline", "12s", "2m", "way = \"orderly\"")},
		{"cut", incidentOf("offline", "12s", "2m")},
		{"cut, with a delay", "[device.will]\ndelay = \"1m\"\n" + incidentOf("offline", "12s", "2m")},
		{"cut, and the Will says Gone", "[device.will]\npayload = \"Gone\"\n" + incidentOf("offline", "12s", "2m")},
		{"silence", incidentOf("offline", "12s", "2m", "way = \"silence\"")},
		{"silence, with a delay", "[device.will]\ndelay = \"1m\"\n" + incidentOf("offline", "12s", "2m", "way = \"silence\"")},
		{"orderly without Wi-Fi, with a delay", "[device.will]\ndelay = \"1m\"\n" + incidentOf("wifi-loss", "10s", "2m") +
			incidentOf("offline", "12s", "2m", "way = \"orderly\"")},
		{"orderly, then no Wi-Fi", incidentOf("offline", "10s", "2m", "way = \"orderly\"") +
			incidentOf("wifi-loss", "12s", "2m")},
		{"without a Will", "will = false\n" + incidentOf("offline", "12s", "2m")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap, _ := brew(t, lamp+tt.toml, broker.Config{}, nil)
			if kept := snap.Audit.Retained; kept == nil || kept.Checked != 4 || kept.Right != 4 {
				t.Errorf("retained: %+v; want 4 of 4 right", kept)
			}
		})
	}
}
