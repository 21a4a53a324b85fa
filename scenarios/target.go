package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/devices/faces"
	"homefleet/devices/words"
	"homefleet/fleet/metrics"
	"homefleet/scenarios/tomlfault"
)

// checkTarget checks whom the controllers command, with what.
func checkTarget(ch *checker, r rules, c *Controllers) {
	targetKeys.check(r.beneath("target"), &c.Target)
	if len(c.Payloads) == 0 {
		c.Payloads = []string{""}
	}
	if !ch.distinct || !r.ok("attribute", "group", "target", "target.kind", "target.id", "target.home", "target.share", "pair") {
		return
	}
	groups := ch.targetedGroups(r, c)
	if len(groups) == 0 {
		return
	}
	checkPayloads(ch, r, c, oneOfEachKind(groups))
	checkDialects(ch, r, c, groups)
	checkOthers(ch, r, c, groups)
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

// oneDialect reports whether all devices of a controller's group hear its commands: they are one
// message, on one topic, in one dialect.
func (ch *checker) oneDialect(r rules, c *Controllers) bool {
	var first *Group
	var topic, payload []byte
	for _, g := range ch.s.described() {
		voice, ok := g.Voice().(faces.Requester)
		if !ok || g.Kind == nil || g.voiceErr != nil || !slices.Contains(g.Groups, c.Group) {
			continue
		}
		attr, known := g.attribute(c.Attribute)
		if !known {
			continue // which is told
		}
		at, asked := voice.AppendRequest(nil, nil, &faces.Who{Group: c.Group}, attr, "")
		switch {
		case first == nil:
			first, topic, payload = g.Group, at, asked
		case string(at) != string(topic) || string(asked) != string(payload):
			r.errorf("group", "a [[controller]] for each dialect, and a group for each", "devices of the group %q speak different dialects: %q commands some, and %q others",
				tomlfault.Short(c.Group), tomlfault.Short(string(topic)), tomlfault.Short(string(at)))
			return false
		}
	}
	return true
}

// oneOfEachKind returns the first device group of each kind.
func oneOfEachKind(groups []*Group) (kinds []*Group) {
	for _, g := range groups {
		if !slices.ContainsFunc(kinds, func(k *Group) bool { return k.Kind == g.Kind }) {
			kinds = append(kinds, g)
		}
	}
	return kinds
}

// checkDialects checks that the devices can be asked in their dialects, and lowers the
// size of the Correlation Data, unless the scenario says it, to what all of them take.
func checkDialects(ch *checker, r rules, c *Controllers, groups []*Group) {
	told := make(map[string]bool)
	for _, g := range groups {
		face := g.Dialect()
		if most := face.LongestCorrelation; most > 0 && c.CorrelationSize > most {
			if said := ch.doc.Holds(r.at("correlation_size")); !said && c.CorrelationSize == metrics.IDSize {
				c.CorrelationSize = most
			} else {
				r.errorf("correlation_size", "", "correlation_size is %s; the face %q takes %d bytes at most, and to its product more are a protocol error",
					sizeText(int64(c.CorrelationSize)), face.Name, most)
			}
		}
		choosy, ok := g.Voice().(faces.Selective)
		attr, has := g.Kind.Attribute([]byte(c.Attribute))
		for n, payload := range c.Payloads {
			if !ok || !has || !r.ok("attribute", "payload", "payloads") {
				break
			}
			if err := choosy.CheckRequest(attr, payload); err != nil && !told[err.Error()] {
				told[err.Error()] = true
				r.errorf(payloadKey(ch, r, n), "", "the face %q cannot ask for that: %v", face.Name, err)
			}
		}
	}
}

// targetedGroups returns the device groups of which devices are commanded, none after a
// fault.
func (ch *checker) targetedGroups(r rules, c *Controllers) []*Group {
	s := ch.s
	if c.Group != "" {
		var names []string
		member := false
		for _, g := range s.described() {
			names = append(names, g.Groups...)
			member = member || slices.Contains(g.Groups, c.Group)
		}
		if !member {
			hint := fmt.Sprintf("add groups = [%q] to a [[device]]", tomlfault.Short(c.Group))
			if near, ok := words.Nearest(c.Group, names); ok {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.errorf("group", hint, "no device is in the group %q", tomlfault.Short(c.Group))
			return nil
		}
		if !ch.oneDialect(r, c) {
			return nil
		}
	}
	if !ch.targetedKind(r, &c.Target) || !ch.attribute(r, c) {
		return nil
	}
	var groups []*Group
	sel := s.commanded(c)
	for first, g := range s.numbered(true) {
		if !c.commands(g) {
			continue
		}
		m := newMatcher(s, &sel, g)
		for j := range g.Total() {
			if m.match(first+j, j) {
				groups = append(groups, g)
				break
			}
		}
	}
	if len(groups) == 0 {
		ch.noTarget(r, sel)
	}
	return groups
}

// targetedKind checks that there are devices of the target's kind.
func (ch *checker) targetedKind(r rules, t *Target) bool {
	if t.Kind == nil || slices.Contains(ch.s.kindNames(), t.Kind.Name) {
		return true
	}
	r.errorf("target.kind", "kinds of this scenario: "+strings.Join(ch.s.kindNames(), ", "), "no device is a %s", t.Kind.Name)
	return false
}

// kindNames returns the names of the kinds of which there are devices.
func (s *Scenario) kindNames() []string {
	var names []string
	for _, g := range s.numbered(true) {
		if k := g.Kind; k != nil && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

// noTarget reports a target that no device matches, and says which part of it
// is to blame.
func (ch *checker) noTarget(r rules, sel selection) {
	without := func(change func(t *Target)) bool {
		other := sel
		change(&other.target)
		return ch.s.some(other)
	}
	t := &sel.target
	what := "device"
	if t.Kind != nil {
		what = t.Kind.Name
	}
	switch {
	case t.Share > 0 && without(func(t *Target) { t.Share = 0 }):
		r.errorf("target.share", "a share is drawn device by device: take a larger one, or more devices",
			"a share of %s leaves no %s to %s", words.Percent(100*t.Share, 2), what, sel.verb)
	case t.ID != "" && !without(func(t *Target) { t.Home, t.Share = "", 0 }):
		r.errorf("target.id", ch.near(t.ID, func(d Device) string { return d.ID }, sel), "no %s has an id like %q", what, tomlfault.Short(t.ID))
	case t.Home != "" && !without(func(t *Target) { t.ID, t.Share = "", 0 }):
		r.errorf("target.home", ch.near(t.Home, func(d Device) string { return d.Home }, sel), "no %s is in a home like %q", what, tomlfault.Short(t.Home))
	default:
		r.errorf("target", "", "no %s with an id like %q is in a home like %q", what, tomlfault.Short(t.ID), tomlfault.Short(t.Home))
	}
}

// near is a hint for a pattern that nothing matches.
func (ch *checker) near(pattern string, name func(Device) string, sel selection) string {
	const most = 200 // comparing all of a million is not worth a hint
	var names []string
	sel.target = Target{Kind: sel.target.Kind}
	ch.s.each(sel, func(number int) bool {
		if n := name(ch.s.Device(number)); n != "" && (len(names) == 0 || names[len(names)-1] != n) {
			names = append(names, n)
		}
		return len(names) < most
	})
	switch near, ok := words.Nearest(strings.ReplaceAll(pattern, "*", ""), names); {
	case ok:
		return fmt.Sprintf("did you mean %q? A * stands for any run of characters", near)
	case len(names) > 0:
		return fmt.Sprintf("the first is %q; a * stands for any run of characters", tomlfault.Short(names[0]))
	}
	return `add home = "..." to the [[device]]`
}
