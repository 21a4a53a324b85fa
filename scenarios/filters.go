package scenarios

import (
	"slices"
	"strings"
)

// Filter returns the topic filter that matches whatever the template, a topic,
// expands to: each level with a place in it becomes +. A place that expands to
// several levels, as {home} may, is the caller's concern; see
// [Group.WillFilter].
func (t Template) Filter() string {
	var filter, level strings.Builder
	wild := false
	end := func() {
		if wild {
			level.Reset()
			level.WriteByte('+')
		}
		filter.WriteString(level.String())
		level.Reset()
		wild = false
	}
	for s := string(t); s != ""; {
		tok := nextToken(s)
		s = s[tok.size:]
		if tok.name != "" {
			wild = true
			continue
		}
		for i, part := range strings.Split(tok.text, "/") {
			if i > 0 {
				end()
				filter.WriteByte('/')
			}
			level.WriteString(part)
		}
	}
	end()
	return filter.String()
}

// replace returns the template with another in the place of one name.
func (t Template) replace(name string, by Template) Template {
	var b strings.Builder
	for s := string(t); s != ""; {
		tok := nextToken(s)
		if tok.fault == nil && tok.name == name {
			b.WriteString(string(by))
		} else {
			b.WriteString(s[:tok.size])
		}
		s = s[tok.size:]
	}
	return Template(b.String())
}

// WillFilter returns the topic filter that matches the Will topics of all
// devices of the group, and as few others as wildcards allow; "" if they have
// no Will.
func (g *Group) WillFilter() string {
	if g.Will.Off {
		return ""
	}
	return g.Filter(g.Will.Topic)
}

// Filter returns the topic filter that matches a topic template filled in for all
// devices of the group, and as few others as wildcards allow.
func (g *Group) Filter(topic Template) string {
	return topic.replace("home", g.Home).Filter() // the name of a home may have slashes
}

// WillFilters returns the topic filters that match the Will topics of all
// devices, in the order of the groups. None is covered by another.
func (s *Scenario) WillFilters() []string {
	var all []string
	for i := range s.Groups {
		if f := s.Groups[i].WillFilter(); f != "" && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	few := all[:0:0]
	for i, f := range all {
		covered := false
		for k, other := range all {
			covered = covered || k != i && covers(other, f)
		}
		if !covered {
			few = append(few, f)
		}
	}
	return few
}

// reportFilters returns the topic filters of what the devices report by themselves, in
// the order of the groups.
func (s *Scenario) reportFilters() []string {
	var all []string
	for i := range s.Groups {
		for _, f := range s.Groups[i].Reports().All {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// covers reports whether a topic filter without # matches every topic that
// another one, likewise, does. A wildcard at the start matches no topic that
// begins with $ (4.7.2-1).
func covers(wide, narrow string) bool {
	if strings.HasPrefix(wide, "+") && strings.HasPrefix(narrow, "$") {
		return false
	}
	a, b := strings.Split(wide, "/"), strings.Split(narrow, "/")
	return slices.EqualFunc(a, b, func(x, y string) bool { return x == "+" || x == y })
}
