package scenarios

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// shippedLoaded are the shipped scenarios as they are loaded, once for all tests: they are
// only read.
var shippedLoaded = sync.OnceValues(func() ([]*Scenario, Faults) {
	var all []*Scenario
	var faults Faults
	for _, info := range Shipped() {
		src, _ := ReadShipped(info.Name)
		s, more := Load(info.Name+".toml", src)
		if s == nil {
			return nil, more
		}
		all, faults = append(all, s), append(faults, more...)
	}
	return all, faults
})

func loadShipped(t *testing.T) []*Scenario {
	t.Helper()
	all, faults := shippedLoaded()
	if all == nil {
		t.Fatal(faults)
	}
	return all
}

func TestShipped(t *testing.T) {
	loaded := loadShipped(t)
	if _, faults := shippedLoaded(); len(faults) > 0 {
		t.Errorf("Load of what is shipped finds\n%swant nothing, not even a warning", faults)
	}
	var names []string
	for i, info := range Shipped() {
		names = append(names, info.Name)
		src, ok := ReadShipped(info.Name)
		if !ok {
			t.Fatalf("ReadShipped(%q) finds nothing; want the scenario that Shipped lists", info.Name)
		}
		s := loaded[i]
		if info.Measured != s.Measured() || !slices.Equal(info.Sizes, s.Sizes()) {
			t.Errorf("Shipped() says %+v; want %v, %q", info, s.Measured(), s.Sizes())
		}
		checkSizes(t, info, src)
		if info.Title == "" || info.Title != s.Title || info.Devices != s.Count() {
			t.Errorf("Shipped() says %+v; want the scenario's title and count, %q and %d", info, s.Title, s.Count())
		}
		if !strings.HasSuffix(info.Summary, ".") || strings.HasPrefix(info.Summary, "#") {
			t.Errorf("the summary of %s is %q; want one sentence", info.Name, info.Summary)
		}
		for i, line := range strings.Split(string(src), "\n") {
			if len(line) > 80 || strings.ContainsAny(line, "\t\r") || strings.TrimRight(line, " ") != line {
				t.Errorf("%s.toml:%d: %q; want at most 80 characters, no tabs, and no space at the end", info.Name, i+1, line)
			}
		}
	}
	if want := []string{
		"bedroom", "zigbee-home", "examiner", "shelly", "homie", "tasmota", "home-assistant", "apartment", "apartment-block", "city", "metropolis",
		"before-mqtt5", "p2p", "request-response", "slow-consumer", "soak", "group-command", "fan-in", "fan-out", "retained-boot", "connect-storm",
		"will-consumed", "misbehaving", "id-fight", "flapping", "router-reboot", "power-cut", "mass-offline", "mixed-street", "soak-trouble", "reconnect-storm",
	}; !slices.Equal(names, want) {
		t.Errorf("Shipped() lists %q; want %q", names, want)
	}
	for _, name := range []string{"", "nothing", "../go", "bedroom.toml", "/bedroom"} {
		if _, ok := ReadShipped(name); ok {
			t.Errorf("ReadShipped(%q) finds a file; want none", name)
		}
	}
}

// checkSizes checks every size of a shipped file that measures: it loads without
// a warning, it is larger than the one before, it expects something, and what it
// expects of percentiles it has the samples for.
func checkSizes(t *testing.T, info Info, src []byte) {
	t.Helper()
	switch {
	case !info.Measured:
		return
	case info.Trouble:
		checkTrouble(t, info, src)
		return
	}
	if !slices.Equal(info.Sizes, []string{"s", "m", "l"}) {
		t.Errorf("%s has the sizes %q; want s, m and l", info.Name, info.Sizes)
	}
	devices := 0
	for _, size := range info.Sizes {
		s, faults := LoadSize(info.Name+".toml", src, size)
		if len(faults) > 0 {
			t.Errorf("LoadSize(%s, %s) finds\n%swant nothing", info.Name, size, faults)
			continue
		}
		plan := s.LoadPlan()
		if s.Size != size || s.Count() <= devices || len(s.Expect) < 4 || s.Duration != 0 {
			t.Errorf("%s in size %s has %d devices and %d expectations; want more than %d, and at least 4", info.Name, s.Size, s.Count(), len(s.Expect), devices)
		}
		if length := s.Phases.Length() - s.Phases.Drain; size == "s" && (length > 20*time.Second || s.Count() > 300) {
			t.Errorf("%s lasts %v with %d devices; want at most 20s with a few", info.Name, length, s.Count())
		}
		devices = s.Count()
		requests, answers, telemetry := 0.0, 0.0, 0.0
		for _, c := range plan.Controllers {
			if requests += c.Requests; c.Targets == 0 {
				t.Errorf("%s: %s command nothing", info.Name, c.Controllers.Name)
			}
			answers += c.Requests * float64(c.Answers)
		}
		copies := 0.0 // of a message, for all watchers
		for i := range s.Watchers {
			if w := &s.Watchers[i]; w.Share == "" {
				copies += float64(w.Count)
			} else {
				copies++
			}
		}
		for i := range s.Groups {
			if g := &s.Groups[i]; g.QoS > 0 && g.Telemetry > 0 {
				telemetry += float64(g.Total()) * s.Phases.Measure.Seconds() / g.Telemetry.Seconds()
			}
		}
		for _, e := range s.Expect {
			name, p, ok := strings.Cut(e.Metric(), ".p")
			percentile, err := strconv.ParseFloat(p, 64)
			if !ok || err != nil {
				continue
			}
			samples := map[string]float64{"response": requests, "answer": answers, "telemetry.puback": telemetry, "state.delivery": (requests/2 + telemetry) * copies}[name]
			if above := samples * (1 - percentile/100); above < 101 {
				t.Errorf("%s in size %s expects %s with %.0f samples above it; want 100 and some to spare", info.Name, size, &e, above)
			}
		}
	}
}

// checkTrouble checks a shipped file in which something goes wrong: it is over
// within a minute, at the end everybody is there and has had the time to be, and
// every incident happens.
func checkTrouble(t *testing.T, info Info, src []byte) {
	t.Helper()
	s, faults := Load(info.Name+".toml", src)
	if len(faults) > 0 {
		t.Errorf("Load(%s) finds\n%s", info.Name, faults)
		return
	}
	if length := s.Phases.Length() - s.Phases.Drain; length < 20*time.Second || length > time.Minute {
		t.Errorf("%s lasts %v; want 20s to 1m", info.Name, length)
	}
	var metrics []string
	noWills := false // none is to come, so that of none can be said how it came
	for _, e := range s.Expect {
		metrics = append(metrics, e.Metric())
		noWills = noWills || e.String() == "wills.due == 0"
	}
	want := []string{"devices.online"}
	if len(s.Incidents) > 0 {
		want = append(want, "devices.recovered", "wills.unexpected")
		if !noWills {
			want = append(want, "wills.missing", "wills.duplicate")
		}
	}
	for _, m := range want {
		if !slices.Contains(metrics, m) {
			t.Errorf("%s expects nothing of %s", info.Name, m)
		}
	}
	happened := make(map[int]bool)
	for _, o := range s.Occurrences(s.Phases.Measure) {
		i := &s.Incidents[o.Incident]
		if happened[o.Incident] = true; len(s.Affected(o)) == 0 {
			t.Errorf("%s: %s strikes nobody", info.Name, i.Name)
		}
		if rest := s.Phases.Measure - o.To - i.Spread; rest < 8*time.Second {
			t.Errorf("%s: %v are left after %s; want time to recover", info.Name, rest, i.Name)
		}
	}
	if len(happened) != len(s.Incidents) {
		t.Errorf("%s: %d of %d incidents happen", info.Name, len(happened), len(s.Incidents))
	}
}

// TestShippedNumbers holds what the shipped files say in words, and expect, to
// whom their incidents strike.
func TestShippedNumbers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		struck []int // by each incident, the first time
		wills  []int // of these, how many have a Will that is sent while they are away
	}{
		{"power-cut", []int{45}, []int{45}},
		{"router-reboot", []int{40, 4}, []int{30, 3}},
		{"reconnect-storm", []int{5000}, []int{0}},
		{"mass-offline", []int{15, 15, 15, 15, 15, 15, 15}, []int{15, 15, 15, 15, 15, 15, 15}},
		{"will-consumed", []int{5, 5}, []int{5, 0}},
		{"id-fight", []int{5}, []int{5}},
	} {
		src, _ := ReadShipped(tt.name)
		s, faults := Load(tt.name, src)
		if len(faults) > 0 {
			t.Error(faults)
			continue
		}
		var struck, wills []int
		for k, i := range s.Incidents {
			all := s.Affected(Occurrence{Incident: k})
			due := 0
			for _, n := range all {
				due += btoi(s.Device(n).Group.Will.Delay <= i.For)
			}
			struck, wills = append(struck, len(all)), append(wills, due)
		}
		if !slices.Equal(struck, tt.struck) || !slices.Equal(wills, tt.wills) {
			t.Errorf("%s strikes %v devices, of which %v have a Will in time; want %v and %v", tt.name, struck, wills, tt.struck, tt.wills)
		}
	}
}

// TestBenchmarkParameters holds three scenarios to the figures of EMQ's Open
// MQTT Benchmark Suite that their comments name.
func TestBenchmarkParameters(t *testing.T) {
	load := func(name string) *Scenario {
		src, _ := ReadShipped(name)
		s, faults := LoadSize(name, src, "l")
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if s.Connect.KeepAlive != 300*time.Second || s.Connect.Resume || s.Phases.Measure != 30*time.Minute {
			t.Errorf("%s has a Keep Alive of %v for %v; want 300s for 30m", name, s.Connect.KeepAlive, s.Phases.Measure)
		}
		return s
	}
	s := load("p2p")
	if c := s.Controllers[0]; s.Count() != 50_000 || c.Count != 50_000 || c.RatePerController != 1 || c.PayloadSize != 16 || c.QoS != 1 {
		t.Errorf("p2p is %+v for %d devices; want 50,000 at 1/s with 16 bytes at QoS 1", c, s.Count())
	}
	s = load("fan-in")
	if g, w := s.Groups[0], s.Watchers[0]; g.Count != 50_000 || g.Telemetry != time.Second || g.QoS != 1 || w.Count != 500 || w.QoS != 1 || w.Share == "" {
		t.Errorf("fan-in is %+v to %+v; want 50,000 at 1/s to 500 that share, at QoS 1", g, w)
	}
	s = load("fan-out")
	if n := len(s.Controllers); n != 5 || s.Count() != 1000 {
		t.Errorf("fan-out has %d controllers and %d devices; want 5 and 1,000", n, s.Count())
	}
	for _, c := range s.Controllers {
		if n := len(s.Targets(&c)); c.Rate != 50 || c.PayloadSize != 16 || c.QoS != 1 || n != 1000 {
			t.Errorf("fan-out has %+v for %d devices; want 50/s for 1,000, with 16 bytes at QoS 1", c, n)
		}
	}
}

// TestBedroom holds the shipped scenario to what the README types.
func TestBedroom(t *testing.T) {
	src, _ := ReadShipped("bedroom")
	s, faults := Load("bedroom.toml", src)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	d := s.Device(0)
	if s.Count() != 1 || d.ID != "light-in-bedroom" || d.Group.Kind.Name != "light" || d.Group.QoS != 0 || d.Group.Retain || s.Broker.URL != "" {
		t.Errorf("bedroom is %+v; want one light-in-bedroom at QoS 0 on the embedded broker", d)
	}
	w := d.Group.Will.Expand(d.Vars("7"))
	if w.Topic != "tele/light-in-bedroom/lwt" || w.Payload != "Offline" || w.ResponseTopic != "will/seen/light-in-bedroom" || w.CorrelationData != "light-in-bedroom/7" {
		t.Errorf("bedroom's Will is %+v; want Offline with a Response Topic and Correlation Data", w)
	}
}

func TestApartmentBlock(t *testing.T) {
	src, _ := ReadShipped("apartment-block")
	s, faults := Load("apartment-block.toml", src)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	perHome := make(map[string]int)
	for d := range s.Devices() {
		perHome[d.Home]++
	}
	if s.Count() != 1000 || len(perHome) != 40 || s.Connect.Rate < 250 {
		t.Errorf("apartment-block has %d devices in %d homes at %v a second; want 1000 in 40, in well under 5 s", s.Count(), len(perHome), s.Connect.Rate)
	}
	for home, n := range perHome {
		if n != 25 {
			t.Errorf("%s has %d devices; want 25", home, n)
		}
	}
}
