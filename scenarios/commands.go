package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"homefleet/devices"
	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// attribute checks that whoever is commanded has the attribute: all of a kind
// or a group that is named, or somebody.
func (ch *checker) attribute(r rules, c *Controllers) bool {
	var lacking, kinds []*devices.Kind // of those that the target's kind or the group allows
	for _, g := range ch.s.described() {
		switch {
		case g.Attributes == nil && slices.Contains(kinds, g.Kind):
			continue
		case c.Group != "" && !slices.Contains(g.Groups, c.Group):
			continue
		case c.Group == "" && c.Target.Kind != nil && g.Kind != c.Target.Kind:
			continue
		}
		kinds = append(kinds, g.Kind)
		if _, ok := g.attribute(c.Attribute); !ok {
			lacking = append(lacking, g.Kind)
		}
	}
	if len(lacking) == 0 || len(lacking) < len(kinds) && c.Group == "" {
		return true
	}
	who, whose := "no device has an attribute %q", "the devices"
	if c.Group != "" || len(kinds) == 1 {
		whose = "a " + lacking[0].Name
		who = whose + " has no attribute %q"
		if c.Group != "" {
			who = whose + " of the group has no attribute %q"
		}
		lacking = lacking[:1]
	}
	var names []string
	for _, k := range lacking {
		for _, a := range k.Attributes {
			if !slices.Contains(names, a.Name) {
				names = append(names, a.Name)
			}
		}
	}
	hint := fmt.Sprintf("attributes of %s: %s", whose, strings.Join(names, ", "))
	if near, ok := words.Nearest(c.Attribute, names); ok {
		hint = fmt.Sprintf("did you mean %q? ", near) + hint
	}
	r.errorf("attribute", hint, who, tomlfault.Short(c.Attribute))
	return false
}

// payloadKey is where a payload stands: with payloads, or alone.
func payloadKey(ch *checker, r rules, n int) string {
	if n == 0 && ch.doc.OK(r.at("payload")) && !ch.doc.Holds(r.at("payloads")) && ch.doc.Holds(r.at("payload")) {
		return "payload"
	}
	return fmt.Sprintf("payloads[%d]", n)
}

// checkPayloads has a device of each targeted kind carry the commands out, so
// that a fault is told in the device's own words.
func checkPayloads(ch *checker, r rules, c *Controllers, kinds []*Group) {
	makers := make([]devices.Maker, len(kinds))
	for i, g := range kinds {
		if g.Kind.Prepare == nil {
			return // of one of them nobody knows what it takes
		}
		maker, err := g.Kind.Prepare(g.Params)
		if err != nil {
			return // a fault of the device group
		}
		makers[i] = maker
	}
	for n, payload := range c.Payloads {
		key := payloadKey(ch, r, n)
		if !r.ok("payloads", "payload", key) {
			continue
		}
		var first error
		accepted := 0
		for i, g := range kinds {
			attr, _ := g.Kind.Attribute([]byte(c.Attribute))
			if _, err := makers[i](0, ch.s.TimeOfDay()).Do(attr, []byte(payload)); err == nil {
				accepted++
			} else if first == nil {
				first = err
			}
		}
		switch {
		case accepted == 0:
			r.errorf(key, "", "%v", first)
		case first != nil:
			r.warnf(key, "", "%q will be answered with an error by some: %v", tomlfault.Short(payload), first)
		}
	}
}
