package scenarios

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// slowMatch is what a pattern means, by way of a regular expression.
func slowMatch(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	// Bytes that are not UTF-8 are not the regular expression's affair.
	exact := regexp.MustCompile(`(?s)^` + strings.ToValidUTF8(strings.Join(parts, ".*"), "\\x{fffd}") + `$`)
	if strings.ToValidUTF8(pattern, "") != pattern || strings.ToValidUTF8(text, "") != text {
		return matches(pattern, []byte(text))
	}
	return exact.MatchString(text)
}

// slow is what a target means, device by device.
func slow(s *Scenario, c *Controllers, d Device) bool {
	if c.Group != "" {
		return slices.Contains(d.Group.Groups, c.Group)
	}
	_, has := d.Group.Kind.Attribute([]byte(c.Attribute))
	t := &c.Target
	return has && (t.Kind == nil || t.Kind == d.Group.Kind) && (t.ID == "" || slowMatch(t.ID, d.ID)) &&
		(t.Home == "" || slowMatch(t.Home, d.Home)) && (t.Share == 0 || t.Share == 1 || drawn(s.Seed, d.Number) < t.Share)
}

const village = `
seed = %d
[[device]]
kind = "light"
homes = %d
count = 3
home = "flat-{h:3}"
id = "{home}-light-{n}"
groups = ["lights"]
[[device]]
kind = "thermostat"
count = 5
home = "hall"
[[device]]
kind = "plug"
count = 7
groups = ["lights", "plugs"]
`

func TestTargets(t *testing.T) {
	for _, tt := range []struct {
		keys  string
		count int
	}{
		{`attribute = "power"`, 24},
		{`attribute = "POWER"`, 24},
		{`attribute = "brightness"`, 12},
		{`attribute = "power"` + "\ntarget.kind = \"plug\"", 7},
		{`attribute = "power"` + "\ntarget.id = \"*-1\"", 6},
		{`attribute = "power"` + "\ntarget.id = \"flat-002-light-3\"", 1},
		{`attribute = "power"` + "\ntarget.home = \"flat-00*\"", 12},
		{`attribute = "power"` + "\ntarget.home = \"*al*\"", 5},
		{`attribute = "power"` + "\ntarget = { id = \"*1\", home = \"flat-001\" }", 1},
		{`attribute = "power"` + "\ngroup = \"lights\"", 19},
		{`attribute = "energy"` + "\ngroup = \"plugs\"", 7},
	} {
		one, faults := Load("x", fmt.Appendf(nil, village+"[[controller]]\nrate = \"1/s\"\n%s\n", 1, 4, tt.keys))
		if one == nil {
			t.Errorf("%s: %v", tt.keys, faults)
			continue
		}
		c := &one.Controllers[0]
		var want []int
		for d := range one.Devices() {
			if slow(one, c, d) {
				want = append(want, d.Number)
			}
		}
		if got := one.Targets(c); !slices.Equal(got, want) || len(got) != tt.count {
			t.Errorf("Targets of %s = %v; want %v, which are %d", tt.keys, got, want, tt.count)
		}
	}
}

// TestShare checks that a share is about as large as it says, that it follows
// from the seed, and that a device which is in stays in when the fleet or the
// share grows.
func TestShare(t *testing.T) {
	targets := func(seed uint64, homes int, share float64) []int {
		s, faults := Load("x", fmt.Appendf(nil, "seed = %d\n[[device]]\nkind = \"light\"\nhomes = %d\ncount = 3\n", seed, homes))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		return s.Targets(&Controllers{Attribute: "power", Target: Target{Share: share}})
	}
	r := rand.New(rand.NewPCG(1, 2))
	var others []string
	draws := some(10, 30)
	for range draws {
		seed, homes, share := r.Uint64N(1<<63), 100+r.IntN(1000), 0.01+0.9*r.Float64()
		small, large, more := targets(seed, homes, share), targets(seed, homes+r.IntN(500), share), targets(seed, homes, share+0.05)
		n := float64(3 * homes)
		if off := math.Abs(float64(len(small)) - n*share); off > 5*math.Sqrt(n*share*(1-share))+1 {
			t.Errorf("seed %d: a share of %.3f of %.0f devices is %d", seed, share, n, len(small))
		}
		if len(large) < len(small) || !slices.Equal(large[:len(small)], small) {
			t.Errorf("seed %d: with more devices the share is %v; want it to begin with %v", seed, large, small)
		}
		for _, d := range small {
			if !slices.Contains(more, d) {
				t.Errorf("seed %d: device %d is in a share of %.3f and not in a larger one", seed, d, share)
			}
		}
		others = append(others, fmt.Sprint(small))
	}
	slices.Sort(others)
	if len(slices.Compact(others)) < draws {
		t.Error("two seeds draw the same devices; want them to draw for themselves")
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"", "", true}, {"", "a", false},
		{"*", "", true}, {"*", "abc", true}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "abc", true}, {"a*b", "abc", false},
		{"*b*", "abc", true}, {"a*b*c*", "aXbXbXcY", true}, {"*ab", "aab", true}, {"a?c", "abc", false}, {"[a]", "a", false},
		{"a**c", "ac", true}, {"*a*a*", "a", false},
	} {
		if got := matches(tt.pattern, []byte(tt.text)); got != tt.want {
			t.Errorf("matches(%q, %q) = %v; want %v", tt.pattern, tt.text, got, tt.want)
		}
		if got := slowMatch(tt.pattern, tt.text); got != tt.want {
			t.Errorf("slowMatch(%q, %q) = %v; want %v", tt.pattern, tt.text, got, tt.want)
		}
	}
	// A pattern that makes a backtracking matcher take for ever.
	start := time.Now()
	if matches(strings.Repeat("*a", 500)+"*b", []byte(strings.Repeat("a", 5000))) {
		t.Error("matches finds a b among a; want none")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("matches takes %v; want less than 5s", took)
	}
}

func BenchmarkTargets(b *testing.B) {
	s, faults := Load("x", []byte("[[device]]\nkind = \"light\"\nhomes = 10000\ncount = 10\n"))
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	for _, target := range []Target{{}, {Share: 0.1}, {ID: "*-light-1"}, {ID: "home-1*", Home: "*7"}} {
		b.Run(fmt.Sprintf("%+v", target), func(b *testing.B) {
			for b.Loop() {
				s.Targets(&Controllers{Attribute: "power", Target: target})
			}
		})
	}
}
