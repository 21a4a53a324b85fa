package scenarios

import (
	"slices"
	"strings"

	"homefleet/devices"
)

// Targets returns the numbers of the devices that the controllers of a checked
// scenario command, in ascending order; with Group, the devices of that group.
// It takes a time that grows with the devices of the scenario.
func (s *Scenario) Targets(c *Controllers) []int { return s.selected(s.commanded(c)) }

// selection is some of the devices of a scenario.
type selection struct {
	target Target
	may    func(g *Group) bool // whether devices of the group may be meant at all
	draw   uint64              // what a share is drawn from
	others bool                // External devices may be meant, too
	verb   string              // what is done to them, for faults: "command"
}

// commanded returns the devices that the controllers command.
func (s *Scenario) commanded(c *Controllers) selection {
	sel := selection{target: c.Target, may: c.commands, draw: s.Seed, others: true, verb: "command"}
	if c.Group != "" {
		sel.target = Target{} // all of the group
	}
	return sel
}

// commands reports whether devices of the group may be commanded.
func (c *Controllers) commands(g *Group) bool {
	switch {
	case g.Kind == nil:
		return false
	case g.elsewhere && c.Group == "":
		return false
	case c.Group != "":
		return slices.Contains(g.Groups, c.Group)
	case c.Target.Kind != nil && g.Attributes == nil:
		return g.Kind == c.Target.Kind
	case c.Target.Kind != nil && g.Kind != c.Target.Kind:
		return false
	}
	_, has := g.attribute(c.Attribute)
	return has
}

// selected returns the numbers of the devices, in ascending order.
func (s *Scenario) selected(sel selection) []int {
	var all []int
	s.each(sel, func(number int) bool {
		all = append(all, number)
		return true
	})
	return all
}

// some reports whether there is any such device.
func (s *Scenario) some(sel selection) bool {
	found := false
	s.each(sel, func(int) bool {
		found = true
		return false
	})
	return found
}

// each calls yield with the number of each of the devices, in ascending order,
// until it returns false.
func (s *Scenario) each(sel selection, yield func(number int) bool) {
	for first, g := range s.numbered(sel.others) {
		if !sel.may(g) {
			continue
		}
		m := newMatcher(s, &sel, g)
		for j := range g.Total() {
			if m.match(first+j, j) && !yield(first+j) {
				return
			}
		}
	}
}

// matcher tells which devices of a group a target means.
type matcher struct {
	target     *Target
	group      *Group
	seed, draw uint64
	homely     bool // the id has a {home}

	id, home []byte // of the device looked at
}

func newMatcher(s *Scenario, sel *selection, g *Group) matcher {
	return matcher{target: &sel.target, group: g, seed: s.Seed, draw: sel.draw, homely: g.ID.Has("home")}
}

// match reports whether device j of the group is meant; number is its number in
// the scenario.
func (m *matcher) match(number, j int) bool {
	t, g := m.target, m.group
	if t.Share > 0 && t.Share < 1 && drawn(m.draw, number+g.ahead) >= t.Share {
		return false
	}
	if t.ID == "" && t.Home == "" {
		return true
	}
	v := Vars{N: g.First + j, H: 1, Kind: g.Kind.Name, Seed: m.seed, Rows: g.Rows, Row: g.First + j - 1}
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
	return unit(mix64(mix64(seed^0x7461726765747321) + uint64(number)))
}

// unit makes a number in [0, 1) of 64 random bits.
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// mix64 spreads a number over 64 bits, 0 too.
func mix64(x uint64) uint64 { return devices.Mix(x + 0x9e3779b97f4a7c15) }

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
