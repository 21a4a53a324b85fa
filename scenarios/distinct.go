package scenarios

import (
	"hash/fnv"
	"strconv"

	"homefleet/scenarios/tomlfault"
)

// distinctIDs reports every group that has an id for the second time, each
// once.
func (c *checker) distinctIDs() bool {
	groups, distinct := c.s.described(), true
	if distinctAtAGlance(groups) {
		return true
	}
	total := 0
	for _, g := range groups {
		total += g.Total()
	}
	seen := newSeen(total)
	var buf []byte
	blamed := -1
	at := -1
	for i, g := range groups {
		for j := range g.Total() {
			at++
			buf = append(buf[:0], c.s.device(at, g.Group, j).ID...)
			other, repeated := seen.add(buf, at)
			if !repeated || blamed == i {
				continue
			}
			blamed, distinct = i, false
			hint, by := "give one of the groups another id, or another first number", "by another device of the group"
			if k := groupOf(groups, other); k != i {
				by = "by the group at " + c.doc.Where(groups[k].path)
			} else {
				hint = `separate the places of the id, as in "{h}-{n}"`
			}
			if g.Rows != nil {
				by += ", at " + g.Rows.Where(j)
			}
			c.rules(g.path).errorf("id", hint, "device id %q is already used %s", tomlfault.Short(string(buf)), by)
		}
	}
	return distinct
}

// distinctBridges reports every group with a bridge that has the base topic of another
// one: they would speak with one voice.
func (c *checker) distinctBridges() {
	seen := make(map[string]bool)
	number := -1
	for i := range c.s.Groups {
		g := &c.s.Groups[i]
		if !g.Dialect().Bridge {
			number += g.Total()
			continue
		}
		blamed := false
		for j := range g.Total() {
			number++
			d := c.s.device(number, g, j)
			topic := Template(g.Voice().Reports().Presence.Topic).Expand(d.Vars(""))
			if seen[topic] && !blamed {
				blamed = true
				c.rules(groupPath(i)).errorf("face", "one bridge a home, or a base_topic of its own", "two bridges say on %q that they are there", tomlfault.Short(topic))
			}
			seen[topic] = true
		}
	}
}

// groupOf returns which of some groups a device is of, by its place among all of them.
func groupOf(groups []describedGroup, at int) int {
	for i, g := range groups {
		if at -= g.Total(); at < 0 {
			return i
		}
	}
	return -1
}

// sample chooses the devices whose templates are tried out: the first one, and
// the last of each group, but for those that make every template as long as
// another. Of a group, the last device has the longest of everything that a place
// can stand for.
func (c *checker) sample() {
	if len(c.s.Groups) == 0 {
		return
	}
	c.samples = []Vars{c.s.Device(0).Vars(sampleRun)}
	seen, number := make(map[lengths]bool), 0
	for i := range c.s.Groups {
		g := &c.s.Groups[i]
		for _, j := range g.telling() {
			v := c.s.device(number+j, g, j).Vars(sampleRun)
			if n := lengthsOf(v); !seen[n] {
				seen[n] = true
				c.samples = append(c.samples, v)
			}
		}
		number += g.Total()
	}
}

// lengths are those of what the places stand for that differ within a scenario.
type lengths struct{ id, n, h, home, kind int }

func lengthsOf(v Vars) lengths {
	return lengths{len(v.ID), len(strconv.Itoa(v.N)), len(strconv.Itoa(v.H)), len(v.Home), len(v.Kind)}
}

// sampleRun is as long as a run's name can be expected to get.
const sampleRun = "00000000-0000-0000-0000-000000000000"

// seen remembers texts by their hash: a million ids of a thousand bytes need
// not be kept.
type seen map[uint64]int

func newSeen(n int) seen { return make(seen, n) }

// find returns the number that was added with the text, if one was.
func (s seen) find(text []byte) (number int, ok bool) {
	h := fnv.New64a()
	h.Write(text)
	number, ok = s[h.Sum64()]
	return number, ok
}

// add returns the number that was added with the same text before, if one was.
func (s seen) add(text []byte, number int) (other int, repeated bool) {
	h := fnv.New64a()
	h.Write(text)
	key := h.Sum64()
	if other, repeated = s[key]; !repeated {
		s[key] = number
	}
	return other, repeated
}
