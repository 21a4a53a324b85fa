package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
)

// everyIncidentKey sets every key of the sections about going offline to
// something else than its default.
const everyIncidentKey = `
[connect]
session_expiry = "1h"
[[device]]
kind = "light"
count = 4
id = "lamp-{n}"
home = "flat-{n}"
[device.will]
response_topic = "will/seen/{id}"

[[watcher]]
answers = true
[[watcher]]
answers = true
qos = 0
topics = ["gone/#"]

[[incident]]
name = "dark"
kind = "power-cut"
at = "5s"
for = "20s"
every = "1m"
times = 3
chance = "50%"
spread = "2s"
way = "silence"
return = "back-off"
session = "clean"
rename = true
[incident.target]
kind = "light"
id = "lamp-*"
home = "*-2"
share = "100%"

[[incident]]
kind = "flapping"
for = "1m"
way = "reset"
up = "3s"
down = "1s"

[[incident]]
kind = "firmware-roll"
for = "1m"
batch = "25%"

[[incident]]
kind = "broker-outage"
at = "2m"
for = "5s"

[[incident]]
kind = "slow-link"
for = "1s"
every = "2s"
latency = "200ms"
jitter = "100ms"
bandwidth = "8KiB/s"
slice = "16B"
slice_delay = "10ms"
target = { share = "10%" }

[[incident]]
kind = "id-fight"
for = "1s"
session = "clean"

[[incident]]
kind = "offline"
for = "1s"
[[incident]]
kind = "offline"
for = "1s"
[[incident]]
kind = "router-reboot"
for = "1s"
[[incident]]
kind = "wifi-loss"
for = "1s"

[audit]
slack = "1s"
silence_slack = "6s"
early = "1500ms"
wait = "0s"
`

func TestLoadEveryIncidentKey(t *testing.T) {
	s, faults := Load("all.toml", []byte(everyIncidentKey))
	if len(faults) > 0 {
		t.Fatalf("Load(everyIncidentKey) finds\n%s", faults)
	}
	light, _ := devices.KindByName("light")
	want := []Incident{
		{
			Name: "dark", Kind: PowerCut, Target: Target{Kind: light, ID: "lamp-*", Home: "*-2", Share: 1},
			At: 5 * time.Second, For: 20 * time.Second, Every: time.Minute, Times: 3, Chance: 0.5, Spread: 2 * time.Second,
			Way: Silence, Return: WithBackoff, Session: Clean, Rename: true,
		},
		{Name: "flapping", Kind: Flapping, For: time.Minute, Chance: 1, Way: Reset, Return: AtOnce, Session: Same, Up: 3 * time.Second, Down: time.Second},
		{Name: "firmware-roll", Kind: FirmwareRoll, For: time.Minute, Chance: 1, Way: Orderly, Return: AtOnce, Session: Clean, Batch: 0.25},
		{Name: "broker-outage", Kind: BrokerOutage, At: 2 * time.Minute, For: 5 * time.Second, Chance: 1},
		{
			Name: "slow-link", Kind: SlowLink, Target: Target{Share: 0.1}, For: time.Second, Every: 2 * time.Second, Chance: 1,
			Latency: 200 * time.Millisecond, Jitter: 100 * time.Millisecond, Bandwidth: 8192, Slice: 16, SliceDelay: 10 * time.Millisecond,
		},
		{Name: "id-fight", Kind: IDFight, For: time.Second, Chance: 1, Session: Clean},
		{Name: "offline-1", Kind: Offline, For: time.Second, Chance: 1, Way: Cut, Return: AtOnce, Session: Same},
		{Name: "offline-2", Kind: Offline, For: time.Second, Chance: 1, Way: Cut, Return: AtOnce, Session: Same},
		{Name: "router-reboot", Kind: RouterReboot, For: time.Second, Chance: 1, Return: WithBackoff, Session: Same},
		{Name: "wifi-loss", Kind: WiFiLoss, For: time.Second, Chance: 1, Return: WithBackoff, Session: Same},
	}
	for i := range want {
		if i >= len(s.Incidents) || s.Incidents[i] != want[i] {
			t.Errorf("Incidents[%d] = %+v; want %+v", i, s.Incidents[i], want[i])
		}
	}
	if want := (Audit{On: true, Slack: time.Second, SilenceSlack: 6 * time.Second, Early: 1500 * time.Millisecond, filled: true}); s.Audit != want {
		t.Errorf("Audit = %+v; want %+v", s.Audit, want)
	}
	if !s.Watchers[0].Answers || s.Watchers[0].QoS != 1 || !slices.Equal(s.Watchers[0].Topics, []string{"tele/+/lwt"}) {
		t.Errorf("Watchers[0] = %+v; want it to answer, at QoS 1, the Wills of the devices", s.Watchers[0])
	}
	if s.Watchers[1].QoS != 0 || !slices.Equal(s.Watchers[1].Topics, []string{"gone/#"}) {
		t.Errorf("Watchers[1] = %+v; want what the file says", s.Watchers[1])
	}
	// The last power cut begins after 2m5s and takes 22s.
	if want := 2*time.Minute + 37*time.Second; s.Phases.Measure != want || !s.Measured() {
		t.Errorf("Measure = %v; want %v, 10s after the incidents", s.Phases.Measure, want)
	}
	again, _ := Load("all.toml", []byte(everyIncidentKey))
	if err := s.Check(); err != nil || !reflect.DeepEqual(s, again) {
		t.Errorf("Check() of a loaded scenario = %v, %+v; want it as it was, %+v", err, s, again)
	}
}

// TestIncidentDefaultsAgree checks that incidents in a file and in Go are one.
func TestIncidentDefaultsAgree(t *testing.T) {
	var src strings.Builder
	src.WriteString("[[device]]\nkind = \"light\"\nwill.response_topic = \"x/{id}\"\n[device.misbehave]\nlate = \"5%\"\nreorder = \"5%\"\n[[watcher]]\nanswers = true\n")
	light, _ := devices.KindByName("light")
	built := &Scenario{
		Name:     "x",
		Groups:   []Group{{Kind: light, Will: Will{ResponseTopic: "x/{id}"}, Misbehave: &Misbehavior{Late: 0.05, Reorder: 0.05}}},
		Watchers: []Watchers{{Answers: true}},
	}
	for _, kind := range incidentKeys.names() {
		more := ""
		i := Incident{Kind: IncidentKind(kind), For: time.Second}
		if i.Kind == SlowLink {
			more, i.Latency = "latency = \"1s\"\n", time.Second
		}
		fmt.Fprintf(&src, "[[incident]]\nkind = %q\nfor = \"1s\"\n%s", kind, more)
		built.Incidents = append(built.Incidents, i)
	}
	loaded, faults := Load("x", []byte(src.String()))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := built.Check(); err != nil {
		t.Fatal(err)
	}
	built.Digest = loaded.Digest
	if !reflect.DeepEqual(loaded, built) {
		t.Errorf("Load = %+v; want %+v, as built in Go", loaded, built)
	}
	m := loaded.Groups[0].Misbehave
	if m.LateMin != time.Second || m.LateMax != 3*time.Second || m.ReorderFor != time.Second || loaded.Phases.Measure != 30*time.Second || loaded.Audit.Wait != 30*time.Second {
		t.Errorf("Load = %+v, %+v, %+v; want the documented defaults", m, loaded.Phases, loaded.Audit)
	}
	if err := built.Check(); err != nil || !reflect.DeepEqual(loaded, built) {
		t.Errorf("Check() the second time = %v, or changes the scenario; want neither", err)
	}
}

func TestCheckOfIncidentsBuiltInGo(t *testing.T) {
	light, _ := devices.KindByName("light")
	plug, _ := devices.KindByName("plug")
	offline := Incident{Kind: Offline, For: time.Second}
	with := func(change func(i *Incident)) *Scenario {
		i := offline
		change(&i)
		return &Scenario{Groups: []Group{{Kind: light, Count: 2}}, Incidents: []Incident{i}}
	}
	misbehave := func(m Misbehavior) *Scenario { return &Scenario{Groups: []Group{{Kind: light, Misbehave: &m}}} }
	audit := func(a Audit) *Scenario { return &Scenario{Groups: []Group{{Kind: light}}, Audit: a} }
	const ways = `"orderly", "with-will", "cut", "reset", "silence", "unplugged" or "process-exit"`
	for _, tt := range []struct {
		name string
		s    *Scenario
		want string // the first fault's text; "": none
	}{
		{"all defaults", with(func(i *Incident) {}), ""},
		{"kind", with(func(i *Incident) { i.Kind = "off line" }), `scenario: error: incident[0].kind: kind has no choice "off line"; want ` +
			`"offline", "power-cut", "router-reboot", "wifi-loss", "firmware-roll", "flapping", "broker-outage", "id-fight" or "slow-link"`},
		{"name", with(func(i *Incident) { i.Name = "a b" }), `scenario: error: incident[0].name: name: "a b" has a space`},
		{"at", with(func(i *Incident) { i.At = -time.Second }), "scenario: error: incident[0].at: at is -1s; want 0s to a year"},
		{"for", with(func(i *Incident) { i.For = 0 }), "scenario: error: incident[0].for: an incident without a length"},
		{"negative for", with(func(i *Incident) { i.For = -1 }), "scenario: error: incident[0].for: for is -1ns; want more than 0, up to a year"},
		{"long for", with(func(i *Incident) { i.For = math.MaxInt64 }), "scenario: error: incident[0].for: for is 2562047h47m16.854775807s; want more than 0, up to a year"},
		{"times", with(func(i *Incident) { i.Times = 100_001 }), "scenario: error: incident[0].times: times is 100001; want 1 to 100000"},
		{"end", with(func(i *Incident) { i.Times, i.Every = 100_000, maxPhase }), "scenario: error: incident[0].times: the last of them is over after more than a year; want an earlier end"},
		{"end of one", with(func(i *Incident) { i.At, i.For = maxPhase, maxPhase }), "scenario: error: incident[0].for: it is over after more than a year; want an earlier end"},
		{"chance", with(func(i *Incident) { i.Chance = -0.1 }), "scenario: error: incident[0].chance: chance is -0.1; want more than 0, up to 1"},
		{"chance not a number", with(func(i *Incident) { i.Chance = math.NaN() }), "scenario: error: incident[0].chance: chance is NaN; want more than 0, up to 1"},
		{"way", with(func(i *Incident) { i.Way = "cutt" }), `scenario: error: incident[0].way: way has no choice "cutt"; want ` + ways},
		{"way of a kind without", with(func(i *Incident) { i.Kind, i.Way = WiFiLoss, Cut }),
			`scenario: error: incident[0].way: way does not go with kind = "wifi-loss"; it goes with "offline", "power-cut", "firmware-roll" or "flapping"`},
		{"return", with(func(i *Incident) { i.Return = "never" }), `scenario: error: incident[0].return: return has no choice "never"; want "back-off" or "at-once"`},
		{"session", with(func(i *Incident) { i.Session = "same" }), `scenario: error: incident[0].session: session has no choice "same"; want "resume" or "clean"`},
		{"share", with(func(i *Incident) { i.Target.Share = 2 }), "scenario: error: incident[0].target.share: share is 2; want more than 0, up to 1"},
		{"target", with(func(i *Incident) { i.Target.Kind = plug }), "scenario: error: incident[0].target.kind: no device is a plug"},
		{"target of an outage", with(func(i *Incident) { i.Kind, i.Target.ID = BrokerOutage, "*" }),
			`scenario: error: incident[0].target: target does not go with kind = "broker-outage"; it goes with "offline", "power-cut", "router-reboot", "wifi-loss", "firmware-roll", "flapping", "id-fight" or "slow-link"`},
		{"up", with(func(i *Incident) { i.Kind, i.Up = Flapping, time.Microsecond }), "scenario: error: incident[0].up: up is 1µs; want 1ms to a year"},
		{"batch", with(func(i *Incident) { i.Kind, i.Batch = FirmwareRoll, 1.5 }), "scenario: error: incident[0].batch: batch is 1.5; want more than 0, up to 1"},
		{"bandwidth", with(func(i *Incident) { i.Kind, i.Bandwidth = SlowLink, -1 }), "scenario: error: incident[0].bandwidth: bandwidth is -1B/s; want 1B/s to 1024GiB/s"},
		{"slow link", with(func(i *Incident) { i.Kind = SlowLink }), "scenario: error: incident[0]: a slow-link that is not slow"},
		{"outage elsewhere", func() *Scenario {
			s := with(func(i *Incident) { i.Kind = BrokerOutage })
			s.Broker.URL = "mqtt://localhost"
			return s
		}(), "scenario: error: incident[0].kind: a broker-outage at a broker with an address; only the embedded broker can be taken away"},
		{"drop", misbehave(Misbehavior{Drop: -1}), "scenario: error: device[0].misbehave.drop: drop is -1; want 0 to 1"},
		{"error", misbehave(Misbehavior{Error: math.NaN()}), "scenario: error: device[0].misbehave.error: error is NaN; want 0 to 1"},
		{"sum", misbehave(Misbehavior{Drop: 0.5, Late: 0.5, Duplicate: 0.1}),
			"scenario: error: device[0].misbehave: what goes wrong with answers adds up to 110%; want at most 100%: one answer gets one of it"},
		{"late_min alone", misbehave(Misbehavior{LateMin: time.Second}), "scenario: error: device[0].misbehave.late_min: late_min without late"},
		{"late_max below the default", misbehave(Misbehavior{Late: 1, LateMax: time.Millisecond}), ""},
		{"late_max", misbehave(Misbehavior{Late: 1, LateMin: 2, LateMax: 1}), "scenario: error: device[0].misbehave.late_max: late_max is 1ns; want at least late_min, 2ns"},
		{"flood", misbehave(Misbehavior{Flood: -1}), "scenario: error: device[0].misbehave.flood: flood is -1/s; want 0/s, for none, to 1000000/s"},
		{"clock_skew", misbehave(Misbehavior{ClockSkew: math.MinInt64}), "scenario: error: device[0].misbehave.clock_skew: clock_skew is -2562047h47m16.854775808s; want at most a year, either way"},
		{"audit", audit(Audit{On: true, Off: true}), "scenario: error: audit: the audit is both on and off"},
		{"audit slack", audit(Audit{On: true, Slack: -1}), "scenario: error: audit.slack: slack is -1ns; want more than 0, up to 1h"},
		{"group backoff", &Scenario{Groups: []Group{{Kind: light, Backoff: "x"}}}, `scenario: error: device[0].backoff: backoff has no choice "x"; want "full-jitter" or "naive"`},
		{"group backoff_max", &Scenario{Groups: []Group{{Kind: light, BackoffMax: time.Millisecond}}}, "scenario: error: device[0].backoff_max: backoff_max is 1ms; want at least backoff_min, 1s"},
		{"connect backoff, once", &Scenario{Connect: Connect{BackoffMin: -5}, Groups: []Group{{Kind: light}}},
			"scenario: error: connect.backoff_min: backoff_min is -5ns; want more than 0: a fleet that never waits is a flood"},
		{"group name", &Scenario{Groups: []Group{{Kind: light, Name: "a/b"}}}, `scenario: error: device[0].name: name: "a/b" has "/", which separates topic levels`},
		{"answers", &Scenario{Groups: []Group{{Kind: light, Will: Will{Off: true}}}, Watchers: []Watchers{{Answers: true}}},
			"scenario: error: watcher[0].answers: no device has a Will that could be answered"},
	} {
		faults := tt.s.Vet()
		got := ""
		if len(faults) > 0 {
			got = faults[0].Text()
		}
		if got != tt.want || len(faults) > 1 {
			t.Errorf("%s: Vet() = %q; want %q alone", tt.name, faults, tt.want)
		}
	}
}

// TestOutageWithBrokerNamedLater checks that an address which comes from the
// command line meets the same rule.
func TestOutageWithBrokerNamedLater(t *testing.T) {
	s, faults := Load("x.toml", []byte("[[device]]\nkind = \"light\"\n[[incident]]\nkind = \"broker-outage\"\nfor = \"1s\"\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	s.Broker.URL = "mqtt://localhost:1883"
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "only the embedded broker can be taken away") {
		t.Errorf("Check() = %v; want it to refuse the outage", err)
	}
}

// TestBackoffFollows checks that what a group has from [connect] follows it when
// it is changed, and what is its own does not.
func TestBackoffFollows(t *testing.T) {
	s, faults := Load("x", []byte("[[device]]\nkind = \"light\"\nbackoff_min = \"1s\"\n[[device]]\nkind = \"plug\"\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	s.Connect.BackoffMin, s.Connect.BackoffMax, s.Connect.Backoff = 5*time.Millisecond, 20*time.Millisecond, Naive
	for range 2 {
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if g := s.Groups[0]; g.Backoff != Naive || g.BackoffMin != time.Second || g.BackoffMax != time.Second {
			t.Errorf("the group with a backoff_min of its own has %v %v %v; want naive 1s 1s", g.Backoff, g.BackoffMin, g.BackoffMax)
		}
		if g := s.Groups[1]; g.Backoff != Naive || g.BackoffMin != 5*time.Millisecond || g.BackoffMax != 20*time.Millisecond {
			t.Errorf("the group without any has %v %v %v; want what [connect] says", g.Backoff, g.BackoffMin, g.BackoffMax)
		}
	}
}

func TestAuditOn(t *testing.T) {
	const incident = "[[incident]]\nkind = \"offline\"\nfor = \"1s\"\n"
	for _, tt := range []struct {
		top, rest string
		want      Audit
	}{
		{"", "", Audit{}},
		{"", incident, Audit{On: true, Wait: 30 * time.Second, filled: true}},
		{"", "[audit]\n", Audit{On: true, Wait: 30 * time.Second, filled: true}},
		{"audit = true\n", "", Audit{On: true, Wait: 30 * time.Second, filled: true}},
		{"audit = false\n", incident, Audit{Off: true}},
		{"", "[audit]\nwait = \"1s\"\n", Audit{On: true, Wait: time.Second, filled: true}},
	} {
		src := tt.top + "[[device]]\nkind = \"light\"\n" + tt.rest
		s, faults := Load("x", []byte(src))
		if len(faults) > 0 || s.Audit != tt.want {
			t.Errorf("Load(%q) has the audit %+v, %v; want %+v", src, s.Audit, faults, tt.want)
		}
		if err := s.Check(); err != nil || s.Audit != tt.want {
			t.Errorf("Check() of %q = %v, %+v; want no change", src, err, s.Audit)
		}
	}
}
