package scenarios

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/fleet/metrics"
)

// everyLoadKey sets every key of the sections that measure to something else
// than its default.
const everyLoadKey = `
[[device]]
kind = "light"
count = 4
id = "lamp-{n}"
home = "flat-{n}"
groups = ["lights", "everything"]

[[controller]]
name = "phones"
count = 2
client_id = "{run}-{id}-{n}-{seed}"
attribute = "Brightness"
payloads = ["+10", "", "50"]
payload_size = "1KiB"
correlation_size = "32B"
qos = 2
timeout = "3s"
rate_per_controller = "30/min"
max_outstanding = 7
share_replies = true
[controller.target]
kind = "light"
id = "lamp-*"
home = "*-2"
share = "100%"

[[controller]]
arrival = "poisson"
attribute = "power"
rate = "5/s"
pair = true

[[controller]]
arrival = "constant"
attribute = "power"
payload = "TOGGLE"
group = "lights"
[[controller.stage]]
name = "ramp"
for = "10s"
from = "0/s"
to = "10/s"
[[controller.stage]]
for = "20s"
rate = "10/s"

[[controller]]
arrival = "bursts"
attribute = "power"
burst = 3
every = "250ms"

[[controller]]
arrival = "closed"
attribute = "power"
think = "10ms"
in_flight = 3

[[watcher]]
name = "eyes"
count = 2
client_id = "eye-{n}"
topics = ["state/+/power", "tele/#"]
qos = 1
share = "us"
slow = "1s"

[phases]
connect = "1m"
wait_for = "50%"
warm_up = "5s"
measure = "2m"
drain = "10s"
pacing = "thrifty"

[expect]
"response.p99{stage=ramp}" = "<= 250ms"
"requests.lost" = { want = "== 0", abort = true }
connect.failed = "< 5"

[size.m.connect]
rate = "10/s"
[[size.m.device]]
count = 8
[[size.m.controller]]
[[size.m.controller]]
rate = "6/s"
[size.m.phases]
measure = "3m"
[size.m.expect]
"connect.failed" = false
"requests.late" = "== 0"

[size.l]
`

// same reports whether two scenarios are one. Expectations of the same text are.
func same(a, b *Scenario) bool {
	if a == nil || b == nil {
		return a == b
	}
	texts := func(s *Scenario) (all []string) {
		for _, e := range s.Expect {
			all = append(all, fmt.Sprint(e.String(), e.Abort))
		}
		return all
	}
	x, y := *a, *b
	x.Expect, y.Expect = nil, nil
	// The groups of equal scenarios hold equal parameters, whose NaN is none.
	return reflect.DeepEqual(x, y) && slices.Equal(texts(a), texts(b))
}

func expectation(t *testing.T, metric, want string, abort bool) metrics.Expectation {
	t.Helper()
	e, faults := metrics.ParseExpectation(metric, want, nil)
	if len(faults) > 0 {
		t.Fatalf("ParseExpectation(%q, %q) = %v; want no fault", metric, want, faults[0])
	}
	e.Abort = abort
	return e
}

func TestLoadEveryLoadKey(t *testing.T) {
	s, faults := Load("all.toml", []byte(everyLoadKey))
	if len(faults) > 0 {
		t.Fatalf("Load(everyLoadKey) finds\n%s", faults)
	}
	light, _ := devices.KindByName("light")
	want := []Controllers{
		{
			Name: "phones", Count: 2, ClientID: "{run}-{id}-{n}-{seed}", Attribute: "Brightness",
			Target:   Target{Kind: light, ID: "lamp-*", Home: "*-2", Share: 1},
			Payloads: []string{"+10", "", "50"}, PayloadSize: 1024, CorrelationSize: 32, QoS: 2, Timeout: 3 * time.Second,
			Arrival: Constant, RatePerController: 0.5, MaxOutstanding: 7, ShareReplies: true,
		},
		{
			Name: "controllers-2", Count: 4, ClientID: "{id}", Pair: true, Attribute: "power", Payloads: []string{""},
			CorrelationSize: 24, Timeout: 5 * time.Second, Arrival: Poisson, Rate: 5, MaxOutstanding: 10_000,
		},
		{
			Name: "controllers-3", Count: 1, ClientID: "{id}", Attribute: "power", Payloads: []string{"TOGGLE"},
			CorrelationSize: 24, Timeout: 5 * time.Second, Arrival: Constant, MaxOutstanding: 10_000, Group: "lights", Identify: true,
			Stages: []Stage{{"ramp", 10 * time.Second, 0, 10}, {"stage-2", 20 * time.Second, 10, 10}},
		},
		{
			Name: "controllers-4", Count: 1, ClientID: "{id}", Attribute: "power", Payloads: []string{""},
			CorrelationSize: 24, Timeout: 5 * time.Second, Arrival: Bursts, Burst: 3, Every: 250 * time.Millisecond, MaxOutstanding: 10_000,
		},
		{
			Name: "controllers-5", Count: 1, ClientID: "{id}", Attribute: "power", Payloads: []string{""},
			CorrelationSize: 24, Timeout: 5 * time.Second, Arrival: Closed, Think: 10 * time.Millisecond, InFlight: 3,
		},
	}
	for i := range want {
		if i >= len(s.Controllers) || !reflect.DeepEqual(s.Controllers[i], want[i]) {
			t.Errorf("Controllers[%d] = %+v; want %+v", i, s.Controllers[i], want[i])
		}
	}
	if want := []Watchers{{
		Name: "eyes", Count: 2, ClientID: "eye-{n}", Topics: []string{"state/+/power", "tele/#"}, QoS: 1, Share: "us", Slow: time.Second, filled: true,
	}}; !reflect.DeepEqual(s.Watchers, want) {
		t.Errorf("Watchers = %+v; want %+v", s.Watchers, want)
	}
	if want := (Phases{Connect: time.Minute, WaitFor: 0.5, WarmUp: 5 * time.Second, Measure: 2 * time.Minute, Drain: 10 * time.Second, Pacing: Thrifty, filled: true}); s.Phases != want {
		t.Errorf("Phases = %+v; want %+v", s.Phases, want)
	}
	if got := fmt.Sprint(s.Expect[0].String(), " ", s.Expect[1].String(), " ", s.Expect[1].Abort, " ", s.Expect[2].String()); got != "response.p99{stage=ramp} <= 250ms requests.lost == 0 true connect.failed < 5" {
		t.Errorf("Expect = %q; want the three of the file", got)
	}
	if !slices.Equal(s.Groups[0].Groups, []string{"lights", "everything"}) {
		t.Errorf("Groups = %q; want the two of the file", s.Groups[0].Groups)
	}
	if !slices.Equal(s.Sizes(), []string{"s", "m", "l"}) || s.Size != "s" || !s.Measured() {
		t.Errorf("Sizes() = %q, Size = %q; want s of s, m and l", s.Sizes(), s.Size)
	}
	names := s.LabelNames()
	if want := (metrics.LabelNames{
		Kinds: []string{"light"}, Stages: []string{"ramp", "stage-2"},
		Controllers: []string{"phones", "controllers-2", "controllers-3", "controllers-4", "controllers-5"},
		Watchers:    []string{"eyes"},
	}); !reflect.DeepEqual(names, want) {
		t.Errorf("LabelNames() = %+v; want %+v", names, want)
	}
	if got := s.Controllers[0].ID(2) + " " + s.Controllers[2].ID(1) + " " + s.Watchers[0].ID(1); got != "phones-2 controllers-3 eyes-1" {
		t.Errorf("ids = %q; want a number where there are several", got)
	}
	if got := s.Controllers[0].ClientID.Expand(s.Controllers[0].Vars(2, 9, "r")); got != "r-phones-2-2-9" {
		t.Errorf("client id = %q; want r-phones-2-2-9", got)
	}
	before := *s
	if err := s.Check(); err != nil || !same(s, &before) {
		t.Errorf("Check() of a loaded scenario = %v, %+v; want it as it was", err, s)
	}

	m, faults := LoadSize("all.toml", []byte(everyLoadKey), "m")
	if m == nil {
		t.Fatalf("LoadSize(m) finds %v", faults)
	}
	if m.Size != "m" || m.Count() != 8 || m.Controllers[1].Rate != 6 || m.Controllers[1].Count != 8 || m.Controllers[0].RatePerController != 0.5 ||
		m.Phases.Measure != 3*time.Minute || m.Phases.WarmUp != 5*time.Second || m.Connect.Rate != 10 || m.Digest != s.Digest {
		t.Errorf("LoadSize(m) = %+v; want what it changes, and the rest of the file", m)
	}
	var texts []string
	for _, e := range m.Expect {
		texts = append(texts, e.String())
	}
	if want := []string{"response.p99{stage=ramp} <= 250ms", "requests.lost == 0", "requests.late == 0"}; !slices.Equal(texts, want) {
		t.Errorf("LoadSize(m).Expect = %q; want %q", texts, want)
	}
}

func TestLoadPlan(t *testing.T) {
	s, faults := Load("all.toml", []byte(everyLoadKey))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p := s.LoadPlan()
	if p.Clients != 4+2+4+1+1+1+2 || len(p.Watchers) != 1 || p.Phases.Length() != 135*time.Second || len(p.Expect) != 3+4 {
		t.Errorf("LoadPlan() = %+v; want 15 clients for 2m15s", p)
	}
	var got []string
	for _, c := range p.Controllers {
		got = append(got, fmt.Sprintf("%s..%s %d %s..%s %d %.0f %.2f %.2f", c.First, c.Last, c.Targets, c.FirstTarget.ID, c.LastTarget.ID, c.Answers, c.Requests, c.Rate, c.Peak))
	}
	want := []string{
		"phones-1..phones-2 1 lamp-2..lamp-2 1 120 1.00 1.00",
		"controllers-2-1..controllers-2-4 4 lamp-1..lamp-4 1 600 5.00 5.00",
		"controllers-3..controllers-3 4 lamp-1..lamp-4 4 250 2.08 10.00",
		"controllers-4..controllers-4 4 lamp-1..lamp-4 1 1440 12.00 0.00",
		"controllers-5..controllers-5 4 lamp-1..lamp-4 1 0 0.00 0.00",
	}
	if !slices.Equal(got, want) {
		t.Errorf("LoadPlan() = %q; want %q", got, want)
	}
}

// TestLoadDefaultsAgree checks that sections with nothing but what they need are
// the same in a file and in Go.
func TestLoadDefaultsAgree(t *testing.T) {
	loaded, faults := Load("x", []byte(`
[[device]]
kind = "light"
[[controller]]
attribute = "power"
rate = "3/s"
[[controller]]
attribute = "power"
arrival = "closed"
timeout = "9s"
[[watcher]]
[expect]
"connect.failed" = "== 0"
`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	light, _ := devices.KindByName("light")
	built := &Scenario{
		Name: "x", Groups: []Group{{Kind: light}}, Digest: loaded.Digest,
		Controllers: []Controllers{{Attribute: "power", Rate: 3}, {Attribute: "power", Arrival: Closed, Timeout: 9 * time.Second}},
		Watchers:    []Watchers{{}},
		Expect:      []metrics.Expectation{expectation(t, "connect.failed", "== 0", false)},
	}
	for range 2 {
		if err := built.Check(); err != nil {
			t.Fatal(err)
		}
		if !same(loaded, built) {
			t.Errorf("Load = %+v; want %+v, as built in Go", loaded, built)
		}
	}
	if want := (Phases{Connect: 30 * time.Second, WaitFor: 1, Measure: 30 * time.Second, Drain: 9 * time.Second, filled: true}); loaded.Phases != want {
		t.Errorf("Phases = %+v; want the documented defaults, %+v", loaded.Phases, want)
	}
	if len(loaded.Sizes()) > 0 || loaded.Size != "" {
		t.Errorf("Sizes() = %q; want none of a file without", loaded.Sizes())
	}
}

// TestPhasesAlone checks what makes a scenario one that measures.
func TestPhasesAlone(t *testing.T) {
	for _, tt := range []struct {
		src  string
		want bool
	}{
		{"", false}, {"duration = \"1m\"\n", false}, {"[phases]\n", true}, {"[expect]\n", true}, {"[[watcher]]\n", true},
		{"[expect]\n\"devices.online\" = \"== 100%\"\n", true},
	} {
		s, faults := Load("x", []byte(tt.src+"[[device]]\nkind = \"light\"\n"))
		if s == nil {
			t.Fatal(faults)
		}
		if s.Measured() != tt.want || (s.Phases.Measure > 0) != tt.want {
			t.Errorf("Load(%q): Measured() = %v, %+v; want %v", tt.src, s.Measured(), s.Phases, tt.want)
		}
	}
	light, _ := devices.KindByName("light")
	s := &Scenario{Groups: []Group{{Kind: light}}, Phases: Phases{WaitFor: None, Drain: None, Measure: time.Second}}
	for range 2 {
		if err := s.Check(); err != nil || s.Phases != (Phases{Connect: 30 * time.Second, Measure: time.Second, filled: true}) {
			t.Errorf("Check() = %v, %+v; want None to become zero, and to stay it", err, s.Phases)
		}
	}
}

func TestCheckOfLoadBuiltInGo(t *testing.T) {
	light, _ := devices.KindByName("light")
	with := func(change func(*Scenario, *Controllers)) *Scenario {
		s := &Scenario{
			Groups:      []Group{{Kind: light, Count: 2, Groups: []string{"all"}}},
			Controllers: []Controllers{{Attribute: "power", Rate: 10}}, Watchers: []Watchers{{}},
		}
		change(s, &s.Controllers[0])
		return s
	}
	for _, tt := range []struct {
		s    *Scenario
		want string // the first fault's text without "scenario: error: "; "": none
	}{
		{with(func(*Scenario, *Controllers) {}), ""},
		{with(func(_ *Scenario, c *Controllers) { c.Attribute = "" }), "controller[0].attribute: controllers without an attribute to command"},
		{with(func(_ *Scenario, c *Controllers) { c.Count = -1 }), "controller[0].count: count is -1; want 1 to 1000000"},
		{with(func(_ *Scenario, c *Controllers) { c.Arrival = "x" }), `controller[0].arrival: arrival has no choice "x"; want "constant", "poisson", "bursts" or "closed"`},
		{with(func(_ *Scenario, c *Controllers) { c.Rate = math.NaN() }), "controller[0].rate: rate is NaN/s; want more than 0, up to 1000000/s"},
		{with(func(_ *Scenario, c *Controllers) { c.Rate, c.RatePerController = 0, -1 }), "controller[0].rate_per_controller: rate_per_controller is -1/s; want more than 0, up to 1000000/s"},
		{with(func(_ *Scenario, c *Controllers) { c.Arrival = Closed }), `controller[0].rate: rate does not go with arrival = "closed"; it goes with "constant" or "poisson"`},
		{with(func(_ *Scenario, c *Controllers) { c.Arrival, c.Rate, c.Think = Closed, 0, -1 }), "controller[0].think: think is -1ns; want 0s or more"},
		{with(func(_ *Scenario, c *Controllers) { c.Arrival, c.Rate, c.InFlight = Closed, 0, -1 }), "controller[0].in_flight: in_flight is -1; want 1 to 65535"},
		{with(func(_ *Scenario, c *Controllers) { c.InFlight = 3 }), `controller[0].in_flight: in_flight does not go with arrival = "constant"; it goes with "closed"`},
		{with(func(_ *Scenario, c *Controllers) { c.Arrival, c.Rate, c.Burst, c.Every = Bursts, 0, -1, time.Second }), "controller[0].burst: burst is -1; want 1 to 1000000"},
		{with(func(_ *Scenario, c *Controllers) { c.Rate, c.Stages = 0, []Stage{{For: -1, From: 1, To: 1}} }), "controller[0].stage[0].for: for is -1ns; want more than 0"},
		{with(func(_ *Scenario, c *Controllers) { c.Rate, c.Stages = 0, []Stage{{For: 1e9, From: -1, To: 1}} }), "controller[0].stage[0].from: from is -1/s; want 0/s to 1000000/s"},
		{with(func(_ *Scenario, c *Controllers) { c.Timeout = -1 }), "controller[0].timeout: timeout is -1ns; want 1ms to 1h"},
		{with(func(_ *Scenario, c *Controllers) { c.QoS = 3 }), "controller[0].qos: qos is 3; want 0 to 2"},
		{with(func(_ *Scenario, c *Controllers) { c.CorrelationSize = 5 }), "controller[0].correlation_size: correlation_size is 5B; want 16B to 65535B"},
		{with(func(_ *Scenario, c *Controllers) { c.PayloadSize = -5 }), "controller[0].payload_size: payload_size is -5B; want 0B to 16MiB"},
		{with(func(_ *Scenario, c *Controllers) { c.MaxOutstanding = -5 }), "controller[0].max_outstanding: max_outstanding is -5; want 1 to 1000000"},
		{with(func(_ *Scenario, c *Controllers) { c.Target.Share = 2 }), "controller[0].target.share: share is 2; want more than 0, up to 1"},
		{with(func(_ *Scenario, c *Controllers) { c.Payloads = []string{"ON", "up"} }),
			`controller[0].payloads[1]: power: "up" is not understood; want ON, OFF or TOGGLE (or 1, 0, 2, true, false)`},
		{with(func(_ *Scenario, c *Controllers) { c.Name = "a/b" }), `controller[0].name: name: "a/b" has "/", which separates topic levels`},
		{with(func(s *Scenario, _ *Controllers) { s.Groups[0].Groups = []string{"light-2"} }), `device[0].groups[0]: groups: "light-2" is the id of a device`},
		{with(func(s *Scenario, _ *Controllers) { s.Watchers[0].Count = -1 }), "watcher[0].count: count is -1; want 1 to 1000000"},
		{with(func(s *Scenario, _ *Controllers) { s.Watchers[0].Topics = []string{"#/a"} }), `watcher[0].topics[0]: topics: "#/a" has a # that is not the whole last level`},
		{with(func(s *Scenario, _ *Controllers) { s.Watchers[0].Slow = -1 }), "watcher[0].slow: slow is -1ns; want 0s to 1h"},
		{with(func(s *Scenario, _ *Controllers) { s.Watchers[0].Name = "light-1" }), `watcher[0].name: client id "light-1" is also that of the device light-1`},
		{with(func(s *Scenario, c *Controllers) { c.Count, s.Watchers[0].Count = 600_000, 600_000 }),
			"watcher[0].count: that makes 1200000 controllers and watchers in all; want at most 1000000"},
		{with(func(s *Scenario, _ *Controllers) { s.Phases.Measure = -2 }), "phases.measure: measure is -2ns; want more than 0, up to a year"},
		{with(func(s *Scenario, _ *Controllers) { s.Phases.WaitFor = 2 }), "phases.wait_for: wait_for is 2; want 0 to 1"},
		{with(func(s *Scenario, _ *Controllers) { s.Duration = time.Second }), "duration: duration stands in a scenario that measures; want [phases] to say how long it lasts"},
		{with(func(s *Scenario, _ *Controllers) { s.Expect = []metrics.Expectation{{}} }), `expect."": there is no metric`},
		{with(func(s *Scenario, _ *Controllers) {
			s.Expect = []metrics.Expectation{expectation(t, "response.p99{kind=plug}", "< 1s", false)}
		}), `expect."response.p99{kind=plug}": the scenario has no kind "plug"`},
		{with(func(s *Scenario, _ *Controllers) {
			s.Expect = []metrics.Expectation{expectation(t, "requests.sent", "> 1", true)}
		}), `expect."requests.sent".abort: cannot end a run early: what is too little now may be enough later; want <, <=, == or between`},
		{with(func(s *Scenario, c *Controllers) { s.Controllers = slices.Repeat(s.Controllers, 256) }),
			"controller[255]: that makes 256 groups of controllers; want at most 255"},
		{with(func(_ *Scenario, c *Controllers) {
			c.Rate, c.Stages = 0, make([]Stage, 256)
			for i := range c.Stages {
				c.Stages[i] = Stage{For: time.Second, From: 1, To: 1}
			}
		}), "controller[0].stage: that makes 256 stages with different names; want at most 255"},
	} {
		faults := tt.s.Vet()
		got := ""
		if errs := faults.Errors(); len(errs) > 0 {
			got = strings.TrimPrefix(errs[0].Text(), "scenario: error: ")
		}
		if got != tt.want {
			t.Errorf("Vet() = %q; want %q first", got, tt.want)
		}
	}
}

// TestRequests checks the sums against small steps of the rate.
func TestRequests(t *testing.T) {
	stages := []Stage{{For: 10 * time.Second, To: 100}, {For: 5 * time.Second, From: 100, To: 100}, {For: 2 * time.Second, From: 100}}
	for _, tt := range []struct {
		c       Controllers
		measure time.Duration
		want    float64
	}{
		{Controllers{Arrival: Constant, Rate: 10, Count: 3}, 3 * time.Second, 30},
		{Controllers{Arrival: Poisson, RatePerController: 10, Count: 3}, 3 * time.Second, 90},
		{Controllers{Arrival: Closed, Count: 3}, 3 * time.Second, 0},
		{Controllers{Arrival: Bursts, Burst: 5, Every: time.Second}, 3 * time.Second, 15},
		{Controllers{Arrival: Bursts, Burst: 5, Every: time.Second}, 3001 * time.Millisecond, 20},
		{Controllers{Arrival: Constant, Stages: stages}, 17 * time.Second, 500 + 500 + 100},
		{Controllers{Arrival: Constant, Stages: stages}, time.Minute, 500 + 500 + 100},
		{Controllers{Arrival: Constant, Stages: stages}, 5 * time.Second, 125},
		{Controllers{Arrival: Constant, Stages: stages}, 16 * time.Second, 500 + 500 + 75},
	} {
		if got := tt.c.Requests(tt.measure); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("Requests(%v) of %+v = %v; want %v", tt.measure, tt.c, got, tt.want)
		}
	}
	if c := (Controllers{Stages: stages}); c.Length() != 17*time.Second {
		t.Errorf("Length() = %v; want 17s", c.Length())
	}
}

// stubborn is a device that carries out nothing.
type stubborn struct{ devices.Device }

func (stubborn) Do(int, []byte) (devices.Changes, error) { return 0, errors.New("power: stuck") }

// TestPayloadThatSomeRefuse needs a kind of its own: the attributes that two
// kinds have both of them obey alike.
func TestPayloadThatSomeRefuse(t *testing.T) {
	light, _ := devices.KindByName("light")
	gate := *light
	gate.Name, gate.Params = "gate", nil
	gate.New = func(devices.Config) (devices.Device, error) { return stubborn{}, nil }
	gate.Prepare = func(map[string]any) (devices.Maker, error) {
		return func(uint64, time.Duration) devices.Device { return stubborn{} }, nil
	}
	const src = "[[device]]\nkind = \"light\"\n[[device]]\nkind = \"gate\"\n[[controller]]\nattribute = \"power\"\nrate = \"1/s\"\npayload = \"ON\"\n"
	s, faults := loader{kinds: []*devices.Kind{light, &gate}}.load("x.toml", []byte(src), "")
	const want = `x.toml:8:11: warning: "ON" will be answered with an error by some: power: stuck
  8 | payload = "ON"
    |           ^^^^
1 warning
`
	if got := faults.Error(); s == nil || got != want {
		t.Errorf("load finds\n%s\nwant\n%s", got, want)
	}
}
