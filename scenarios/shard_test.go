package scenarios

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// divided is a scenario with something of everything that is divided.
const divided = `
seed = 7
[connect]
rate = "300/s"
client_id = "{id}-{run}-{{run}}"
[[device]]
kind  = "thermostat"
homes = 5
count = 2
will = { response_topic = "seen/{run}/{id}", user_properties = { who = "{id}@{run}" } }
[[device]]
kind  = "plug"
homes = 5
[[device]]
kind  = "light"
count = 23
first = 4
home  = "flat-{n}"
[[device]]
kind = "light"
id   = "porch"
[[controller]]
name      = "phones"
count     = 7
attribute = "power"
target    = { kind = "light" }
rate      = "70/s"
[[controller]]
name      = "pairs"
attribute = "power"
pair      = true
arrival   = "bursts"
burst     = 10
every     = "1s"
[[controller]]
name      = "one"
attribute = "target"
arrival   = "poisson"
client_id = "{id}-{n}-{run}"
[[controller.stage]]
from = "0/s"
to   = "9/s"
for  = "2s"
[[controller]]
name      = "porch-hand"
count     = 2
attribute = "power"
target    = { id = "porch" }
rate_per_controller = "3/s"
[[watcher]]
name  = "eyes"
count = 3
[[incident]]
kind   = "offline"
for    = "1s"
every  = "2s"
times  = 5
chance = "70%"
target = { share = "40%" }
[expect]
"requests.lost" = "== 0"
"response.p99{controller=porch-hand}" = "< 1s"
"devices.online" = ">= 99%"
`

func dividedScenario(t *testing.T) *Scenario {
	t.Helper()
	sc, faults := Load("divided.toml", []byte(divided))
	if sc == nil {
		t.Fatal(faults)
	}
	return sc
}

// everybody lists the clients of a scenario, as they are on the wire, with what
// makes a device the one it is.
func everybody(s *Scenario, run string) []string {
	var all []string
	for d := range s.Devices() {
		v := d.Vars(run)
		all = append(all, fmt.Sprintf("device %d %s n=%d h=%d home=%s client=%s will=%+v", d.Global, d.ID, d.N, d.H, d.Home,
			s.Connect.ClientID.Expand(v), d.Group.Will.Expand(v)))
	}
	for i := range s.Controllers {
		c := &s.Controllers[i]
		for n := range c.Count {
			place, of := c.Place(n)
			commands := ""
			if c.Pair {
				commands = s.Device(s.Targets(c)[n]).ID
			}
			all = append(all, fmt.Sprintf("controller %s client=%s place %d of %d %s", c.ID(n+1), c.ClientID.Expand(c.Vars(n+1, s.Seed, run)), place, of, commands))
		}
	}
	for i := range s.Watchers {
		w := &s.Watchers[i]
		for n := range w.Count {
			all = append(all, fmt.Sprintf("watcher %s client=%s of %q", w.ID(n+1), w.ClientID.Expand(w.Vars(n+1, s.Seed, run)), w.Topics))
		}
	}
	return all
}

// shardsOf returns all parts of a scenario.
func shardsOf(t *testing.T, s *Scenario, n int, run string) []*Scenario {
	t.Helper()
	var all []*Scenario
	for k := range n {
		part, err := s.Shard(Shard{k + 1, n}, run)
		if err != nil {
			t.Fatalf("%s: Shard(%d/%d): %v", s.Name, k+1, n, err)
		}
		all = append(all, part)
	}
	return all
}

// The parts together are the whole: everybody once, under the same name.
func TestShardsAreTheWhole(t *testing.T) {
	whole := dividedScenario(t)
	for _, n := range []int{1, 2, 3, 5, 8, 23} {
		compareShards(t, whole, n)
	}
	for _, sc := range loadShipped(t) {
		parts := some([]int{3}, []int{2, 3})
		if sc.Count() > 10_000 {
			parts = some(nil, []int{3}) // they differ in nothing but their number
		}
		for _, n := range parts {
			if _, err := sc.Shard(Shard{1, n}, "r"); err == nil {
				compareShards(t, sc, n)
			} else {
				t.Logf("%s: %v", sc.Name, err)
			}
		}
	}
}

func compareShards(t *testing.T, whole *Scenario, n int) {
	t.Helper()
	name := fmt.Sprintf("%s in %d", whole.Name, n)
	want := everybody(whole, "r")
	var got, expect []string
	var rate, connect float64
	burst, struck := 0, make(map[int][]int)
	homes := make(map[string]int)
	for k, s := range shardsOf(t, whole, n, "r") {
		got = append(got, everybody(s, "another")...)
		connect += s.Connect.Rate
		for i := range s.Controllers {
			c := &s.Controllers[i]
			rate += c.Requests(10 * time.Second)
			burst += c.Burst
			if len(s.Targets(c)) == 0 {
				t.Errorf("%s: shard %d has the controllers %s, and nobody whom they command", name, k+1, c.Name)
			}
		}
		for d := range s.Devices() {
			if d.Group.Homes == 0 {
				continue
			}
			if other, ok := homes[d.Home]; ok && other != k {
				t.Errorf("%s: home %s is in the shards %d and %d; want one", name, d.Home, other+1, k+1)
			}
			homes[d.Home] = k
		}
		for i, o := range s.Occurrences(time.Minute) {
			for _, number := range s.Affected(o) {
				struck[i] = append(struck[i], s.Device(number).Global)
			}
		}
		for _, e := range s.Expect {
			if !slices.Contains(expect, e.String()) {
				expect = append(expect, e.String())
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the shards have\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var wantRate float64
	wantBurst, wantStruck := 0, make(map[int][]int)
	for i := range whole.Controllers {
		wantRate += whole.Controllers[i].Requests(10 * time.Second)
		wantBurst += whole.Controllers[i].Burst
	}
	for i, o := range whole.Occurrences(time.Minute) {
		wantStruck[i] = whole.Affected(o)
		slices.Sort(struck[i])
	}
	if math.Abs(rate-wantRate) > 1e-6 || burst != wantBurst || math.Abs(connect-whole.Connect.Rate) > 1e-6 {
		t.Errorf("%s: the shards send %v requests, burst %d, connect %v a second; want %v, %d, %v", name, rate, burst, connect, wantRate, wantBurst, whole.Connect.Rate)
	}
	if !maps.EqualFunc(struck, wantStruck, slices.Equal[[]int]) {
		t.Errorf("%s: incidents strike %v; want %v", name, struck, wantStruck)
	}
	for _, e := range whole.Expect {
		if !slices.Contains(expect, e.String()) {
			t.Errorf("%s: no shard expects %s", name, e.String())
		}
	}
}

// Who commands a group of devices with one message knows those of all parts, by the ids
// and numbers of the whole; and each part knows that others ask its own.
func TestShardsOfOneMessage(t *testing.T) {
	const text = `
[[device]]
kind = "light"
id = "lamp-{n}"
count = 7
groups = ["hall"]
[[device]]
kind = "plug"
home = "flat-{h}"
homes = 3
count = 2
id = "{home}-plug-{n}"
groups = ["yard", "hall"]
[[device]]
kind = "light"
id = "alone-{n}"
count = 2
[[target]]
kind = "light"
id = "bought-{n}"
count = 3
groups = ["hall"]
[[controller]]
name = "hubs"
count = 2
attribute = "power"
group = "hall"
rate = "2/s"
[[controller]]
name = "phones"
count = 7
attribute = "power"
rate = "3/s"
`
	whole, faults := Load("hall.toml", []byte(text))
	if whole == nil {
		t.Fatal(faults)
	}
	targets := func(s *Scenario, name string) (all []string) {
		for i := range s.Controllers {
			if c := &s.Controllers[i]; c.Name == name {
				for _, n := range s.Targets(c) {
					d := s.Device(n)
					all = append(all, fmt.Sprintf("%d %s %s %t", d.Global, d.ID, d.Home, d.External()))
				}
			}
		}
		slices.Sort(all)
		return all
	}
	hall := targets(whole, "hubs")
	if len(hall) != 7+6+3 {
		t.Fatalf("the hall has %q; want 16 devices", hall)
	}
	for n := 2; n <= 7; n++ {
		hubs, own := 0, []string(nil)
		for k, s := range shardsOf(t, whole, n, "r") {
			if got := targets(s, "hubs"); got != nil && !slices.Equal(got, hall) {
				t.Errorf("shard %d/%d commands\n%q\nwant\n%q", k+1, n, got, hall)
			} else if got != nil {
				hubs++
			}
			own = append(own, targets(s, "phones")...)
			if !s.AnswersOthers() {
				t.Errorf("shard %d/%d is asked by nobody but itself; want others, too", k+1, n)
			}
			if names := s.LabelNames().Kinds; hubs > k && !slices.Equal(slices.Sorted(slices.Values(names)), []string{"light", "plug"}) {
				t.Errorf("shard %d/%d tells the kinds %q apart; want those of all that it commands", k+1, n, names)
			}
		}
		slices.Sort(own)
		if want := targets(whole, "phones"); hubs != 2 || !slices.Equal(own, want) {
			t.Errorf("in %d shards %d have hubs, and phones command\n%q\nwant 2 and\n%q", n, hubs, own, want)
		}
	}
	if whole.AnswersOthers() {
		t.Error("the whole answers others; want a shard alone to")
	}
}

// What a part has of each: an even share, and the first parts one more.
func TestShardPortions(t *testing.T) {
	whole := dividedScenario(t)
	for _, tt := range []struct {
		shard  string
		groups []string // first device and number
		load   []string // first controller, number and rate
		expect int
	}{
		{"1/3", []string{"home-1-thermostat-1 4", "home-1-plug-1 2", "light-4 8", "porch 1"},
			[]string{"phones-1 3 30", "pairs-1 15 0", "one 1 0", "porch-hand-1 2 0"}, 3},
		{"2/3", []string{"home-3-thermostat-1 4", "home-3-plug-1 2", "light-12 8"},
			[]string{"phones-4 2 20", "pairs-5 14 0"}, 2},
		{"3/3", []string{"home-5-thermostat-1 2", "home-5-plug-1 1", "light-20 7"},
			[]string{"phones-6 2 20", "pairs-9 10 0"}, 2},
		{"23/23", []string{"light-26 1"}, []string{"pairs-38 1 0"}, 2},
		{"20/23", []string{"light-23 1"}, []string{"pairs-35 1 0"}, 2},
		{"7/23", []string{"light-10 1"}, []string{"phones-7 1 10", "pairs-22 1 0"}, 2},
	} {
		part, err := ParseShard(tt.shard)
		if err != nil {
			t.Fatal(err)
		}
		s, err := whole.Shard(part, "")
		if err != nil {
			t.Errorf("Shard(%s): %v", tt.shard, err)
			continue
		}
		var groups, load []string
		for _, g := range s.Plan() {
			groups = append(groups, fmt.Sprint(g.First.ID, " ", g.Count))
		}
		for i := range s.Controllers {
			c := &s.Controllers[i]
			load = append(load, fmt.Sprint(c.ID(1), " ", c.Count, " ", math.Round(c.Rate*1e6)/1e6))
		}
		if !slices.Equal(groups, tt.groups) || !slices.Equal(load, tt.load) || len(s.Expect) != tt.expect {
			t.Errorf("Shard(%s) has the devices %q, the controllers %q and %d expectations; want %q, %q and %d", tt.shard, groups, load, len(s.Expect), tt.groups, tt.load, tt.expect)
		}
		if s.Part != part || s.Digest != whole.Digest || s.Seed != whole.Seed {
			t.Errorf("Shard(%s) is part %q of %.8s, seed %d; want %[1]q of %.8[5]s, seed %d", tt.shard, s.Part, s.Digest, s.Seed, whole.Digest, whole.Seed)
		}
	}
	// The whole is as it was.
	if again := dividedScenario(t); !slices.Equal(everybody(whole, "{run}"), everybody(again, "{run}")) || whole.Controllers[2].Stages[0] != again.Controllers[2].Stages[0] {
		t.Error("Shard changes the scenario it is asked of")
	}
}

func TestPortionAndHolder(t *testing.T) {
	for n := range 30 {
		for parts := 1; parts <= 12; parts++ {
			next := 0
			for k := range parts {
				from, count := portion(n, k, parts)
				if from != next || count < n/parts || count > n/parts+1 {
					t.Fatalf("portion(%d, %d, %d) = %d, %d; want from %d, %d or one more", n, k, parts, from, count, next, n/parts)
				}
				for i := from; i < from+count; i++ {
					if got := holder(i, n, parts); got != k {
						t.Fatalf("holder(%d, %d, %d) = %d; want %d", i, n, parts, got, k)
					}
				}
				next += count
			}
			if next != n {
				t.Fatalf("the portions of %d in %d parts end at %d", n, parts, next)
			}
		}
	}
}

func TestShardRefusals(t *testing.T) {
	const light = "[[device]]\nkind = \"light\"\ncount = 3\ngroups = [\"hall\"]\nwill = { response_topic = \"seen/{id}\" }\n"
	for _, tt := range []struct{ src, shard, want string }{
		{light, "1/4", "4 shards of s.toml are too many, some would have no device; want at most 3"},
		{light + "[[device]]\nkind = \"plug\"\nhomes = 2\ncount = 9\n", "2/4", "want at most 3"},
		{light + "[[incident]]\nkind = \"broker-outage\"\nfor = \"1s\"\n", "1/2", "the incident broker-outage takes the embedded broker away"},
		{light + "[[watcher]]\nname = \"hall-eye\"\nanswers = true\n", "1/2", "the watchers hall-eye answer Wills"},
		{light + "[[controller]]\nname = \"hub\"\nattribute = \"power\"\ngroup = \"hall\"\nrate = \"1/s\"\n", "1/2", ""},
		{light + "[[controller]]\nname = \"hub\"\ncount = 2\nattribute = \"power\"\nshare_replies = true\nrate = \"1/s\"\n", "2/2", "the controllers hub share their replies"},
		{light + "[[controller]]\nname = \"hub\"\nattribute = \"power\"\nshare_replies = true\nrate = \"1/s\"\n", "2/2", ""},
		{light + "[[controller]]\nname = \"hub\"\nattribute = \"power\"\ngroup = \"hall\"\nrate = \"1/s\"\n[[watcher]]\nanswers = true\n", "1/1", ""},
	} {
		sc, faults := Load("s.toml", []byte(tt.src))
		if sc == nil {
			t.Fatal(faults)
		}
		part, err := ParseShard(tt.shard)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := sc.Shard(part, "r"); err == nil != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\nShard(%s) = %v; want %q", tt.src, part, err, tt.want)
		} else if err == nil {
			if _, err := s.Shard(Shard{1, 1}, "r"); err == nil {
				t.Errorf("a shard of %s is divided again; want an error", part)
			}
		}
	}
}

func TestParseShard(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"1/1", ""}, {"2/4", ""}, {"1000/1000", ""},
		{"", `"" is no shard; want K/N, such as 2/4 for the second of four`},
		{"2", `"2" is no shard`}, {"/", `"/" is no shard`}, {"a/b", `"a/b" is no shard`}, {"1/2/3", `"1/2/3" is no shard`},
		{"+1/2", `"+1/2" is no shard`}, {"01/2", `"01/2" is no shard`}, {" 1/2", `" 1/2" is no shard`},
		{"0/2", `"0/2": there is no shard 0 of 2; want 1 to 2`}, {"3/2", `"3/2": there is no shard 3 of 2; want 1 to 2`},
		{"-1/2", `there is no shard -1 of 2`}, {"0/0", "is no shard"}, {"1/0", `"1/0" is of 0 shards; want 1 to 1000`}, {"1/1001", "is of 1001 shards; want 1 to 1000"},
	} {
		s, err := ParseShard(tt.text)
		switch {
		case tt.want == "" && (err != nil || s.String() != tt.text):
			t.Errorf("ParseShard(%q) = %q, %v; want it back", tt.text, s, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("ParseShard(%q) = %v; want %q", tt.text, err, tt.want)
		}
	}
}

func TestTemplateWithRun(t *testing.T) {
	for _, tt := range []struct{ in, run, want Template }{
		{"{id}", "r", "{id}"}, {"{run}", "r", "r"}, {"a-{run}-{n:4}-{{run}}-}}", "r-1", "a-r-1-{n:4}-{{run}}-}}"},
		{"{run}{run}", "x{y}", "x{{y}}x{{y}}"}, {"", "r", ""},
	} {
		if got := tt.in.withRun(string(tt.run)); got != tt.want {
			t.Errorf("%q.withRun(%q) = %q; want %q", tt.in, tt.run, got, tt.want)
		}
	}
}
