package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/scenarios/tomlfault"
)

// Targets returns the numbers of the devices that the controllers of a checked
// scenario command, in ascending order; with Group, the devices of that group.
// It takes a time that grows with the devices of the scenario.
func (s *Scenario) Targets(c *Controllers) []int {
	var all []int
	s.eachTarget(c, func(number int) bool {
		all = append(all, number)
		return true
	})
	return all
}

// eachTarget calls yield with the number of each device that is commanded,
// until it returns false.
func (s *Scenario) eachTarget(c *Controllers, yield func(number int) bool) {
	number := 0
	for i := range s.Groups {
		g := &s.Groups[i]
		first := number
		number += g.Total()
		if !c.commands(g) {
			continue
		}
		m := newMatcher(s, c, g)
		for j := range g.Total() {
			if m.match(first+j, j) && !yield(first+j) {
				return
			}
		}
	}
}

// commands reports whether devices of the group may be commanded.
func (c *Controllers) commands(g *Group) bool {
	switch {
	case g.Kind == nil:
		return false
	case c.Group != "":
		return slices.Contains(g.Groups, c.Group)
	case c.Target.Kind != nil:
		return g.Kind == c.Target.Kind
	}
	_, has := g.Kind.Attribute([]byte(c.Attribute))
	return has
}

// matcher tells which devices of a group a target means.
type matcher struct {
	target *Target
	group  *Group
	seed   uint64
	all    bool // of the group
	homely bool // the id has a {home}

	id, home []byte // of the device looked at
}

func newMatcher(s *Scenario, c *Controllers, g *Group) matcher {
	return matcher{target: &c.Target, group: g, seed: s.Seed, all: c.Group != "", homely: g.ID.has("home")}
}

// match reports whether device j of the group is meant; number is its number in
// the scenario.
func (m *matcher) match(number, j int) bool {
	t, g := m.target, m.group
	if m.all {
		return true
	}
	if t.Share > 0 && t.Share < 1 && drawn(m.seed, number) >= t.Share {
		return false
	}
	if t.ID == "" && t.Home == "" {
		return true
	}
	v := Vars{N: g.First + j, H: 1, Kind: g.Kind.Name, Seed: m.seed}
	if g.Homes > 0 {
		v.N, v.H = g.First+j%g.Count, g.FirstHome+j/g.Count
	}
	if t.Home != "" || m.homely {
		m.home = g.Home.Append(m.home[:0], v)
	}
	if t.Home != "" && !matches(t.Home, m.home) {
		return false
	}
	if t.ID == "" {
		return true
	}
	if m.homely {
		v.Home = string(m.home)
	}
	m.id = g.ID.Append(m.id[:0], v)
	return matches(t.ID, m.id)
}

// drawn is a number in [0, 1) that follows from the seed and the device alone:
// who is drawn for a tenth is drawn for a fifth as well.
func drawn(seed uint64, number int) float64 {
	x := mix64(mix64(seed^0x7461726765747321) + uint64(number))
	return float64(x>>11) / (1 << 53)
}

// mix64 spreads a number over 64 bits (the finalizer of SplitMix64).
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// matches reports whether a text is of a pattern, in which * stands for any run
// of characters, an empty one too. It takes at most len(pattern)*len(text)
// steps, and no more memory.
func matches(pattern string, text []byte) bool {
	p, i := 0, 0
	star, resume := -1, 0
	for i < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && pattern[p] == text[i]:
			p++
			i++
		case star >= 0: // let the last * have one character more
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// checkTarget checks whom the controllers command, with what.
func checkTarget(ch *checker, r rules, c *Controllers) {
	if c.Attribute == "" {
		r.errorf("attribute", `add attribute = "power", say`, "controllers without an attribute to command")
	}
	if !(c.Target.Share >= 0 && c.Target.Share <= 1) {
		r.errorf("target.share", "", "share is %v; want 0, for all, to 1", c.Target.Share)
	}
	if len(c.Payloads) == 0 {
		c.Payloads = []string{""}
	}
	if c.Group != "" {
		if c.Target != (Target{}) {
			r.errorf("target", "remove it: the devices of the group are commanded, all of them", "target stands beside group; want one of the two")
		}
		if c.Pair {
			r.errorf("pair", "remove one of them", "pair stands beside group; want one device each, or many at once")
		}
	}
	if !ch.distinct || !r.ok("attribute", "group", "target", "target.kind", "target.id", "target.home", "target.share", "pair") {
		return
	}
	kinds := ch.targetedKinds(r, c)
	if len(kinds) == 0 {
		return
	}
	checkPayloads(ch, r, c, kinds)
	if c.Pair && r.ok("count") {
		n := len(ch.s.Targets(c))
		switch {
		case c.Count == 0:
			c.Count = n
		case c.Count > n:
			r.errorf("count", "leave count out: with pair there are as many controllers as devices", "count is %d, but with pair each has a device of its own, and only %d match", c.Count, n)
		case c.Count < n:
			r.warnf("count", "leave count out: with pair there are as many controllers as devices", "only the first %d of %d devices are commanded: with pair each controller has one", c.Count, n)
		}
	}
}

// targetedKinds returns one device group for each kind that is commanded, none
// after a fault.
func (ch *checker) targetedKinds(r rules, c *Controllers) []*Group {
	s := ch.s
	if c.Group != "" {
		var names []string
		member := false
		for i := range s.Groups {
			names = append(names, s.Groups[i].Groups...)
			member = member || slices.Contains(s.Groups[i].Groups, c.Group)
		}
		if !member {
			hint := fmt.Sprintf("add groups = [%q] to a [[device]]", tomlfault.Short(c.Group))
			if near, ok := tomlfault.Nearest(c.Group, names); ok {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.errorf("group", hint, "no device is in the group %q", tomlfault.Short(c.Group))
			return nil
		}
	}
	if c.Target.Kind != nil && !slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Kind == c.Target.Kind }) {
		r.errorf("target.kind", "kinds of this scenario: "+strings.Join(s.kindNames(), ", "), "no device is a %s", c.Target.Kind.Name)
		return nil
	}
	if !ch.attribute(r, c) {
		return nil
	}
	var kinds []*Group
	number := 0
	for i := range s.Groups {
		g := &s.Groups[i]
		first := number
		number += g.Total()
		if !c.commands(g) || slices.ContainsFunc(kinds, func(k *Group) bool { return k.Kind == g.Kind }) {
			continue
		}
		m := newMatcher(s, c, g)
		for j := range g.Total() {
			if m.match(first+j, j) {
				kinds = append(kinds, g)
				break
			}
		}
	}
	if len(kinds) == 0 {
		ch.noTarget(r, c)
	}
	return kinds
}

// kindNames returns the names of the kinds of which there are devices.
func (s *Scenario) kindNames() []string {
	var names []string
	for i := range s.Groups {
		if k := s.Groups[i].Kind; k != nil && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

// noTarget reports a target that no device matches, and says which part of it
// is to blame.
func (ch *checker) noTarget(r rules, c *Controllers) {
	without := func(change func(t *Target)) bool {
		other := *c
		change(&other.Target)
		found := false
		ch.s.eachTarget(&other, func(int) bool {
			found = true
			return false
		})
		return found
	}
	t := &c.Target
	what := "device"
	if t.Kind != nil {
		what = t.Kind.Name
	}
	switch {
	case t.Share > 0 && without(func(t *Target) { t.Share = 0 }):
		r.errorf("target.share", "a share is drawn device by device: take a larger one, or more devices",
			"a share of %.4g%% leaves no %s to command", t.Share*100, what)
	case t.ID != "" && !without(func(t *Target) { t.Home, t.Share = "", 0 }):
		r.errorf("target.id", ch.near(t.ID, func(d Device) string { return d.ID }, c), "no %s has an id like %q", what, tomlfault.Short(t.ID))
	case t.Home != "" && !without(func(t *Target) { t.ID, t.Share = "", 0 }):
		r.errorf("target.home", ch.near(t.Home, func(d Device) string { return d.Home }, c), "no %s is in a home like %q", what, tomlfault.Short(t.Home))
	default:
		r.errorf("target", "", "no %s with an id like %q is in a home like %q", what, tomlfault.Short(t.ID), tomlfault.Short(t.Home))
	}
}

// near is a hint for a pattern that nothing matches.
func (ch *checker) near(pattern string, name func(Device) string, c *Controllers) string {
	const most = 200 // comparing all of a million is not worth a hint
	var names []string
	any := Controllers{Attribute: c.Attribute, Target: Target{Kind: c.Target.Kind}}
	ch.s.eachTarget(&any, func(number int) bool {
		if n := name(ch.s.Device(number)); n != "" && (len(names) == 0 || names[len(names)-1] != n) {
			names = append(names, n)
		}
		return len(names) < most
	})
	switch near, ok := tomlfault.Nearest(strings.ReplaceAll(pattern, "*", ""), names); {
	case ok:
		return fmt.Sprintf("did you mean %q? A * stands for any run of characters", near)
	case len(names) > 0:
		return fmt.Sprintf("the first is %q; a * stands for any run of characters", tomlfault.Short(names[0]))
	}
	return `add home = "..." to the [[device]]`
}
