package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"homefleet/scenarios/tomlfault"
)

// Shard is one of several parts of a scenario, each of which a process of its
// own runs against the one broker. The zero value is no part: all of it.
type Shard struct {
	K int // which part, 1 to N
	N int // how many there are, 1 to [MaxShards]
}

// MaxShards is the most parts one scenario may be run in.
const MaxShards = 1000

// ParseShard reads "2/4", the second of four parts.
func ParseShard(text string) (Shard, error) {
	k, n, ok := strings.Cut(text, "/")
	var s Shard
	var bad [2]error
	s.K, bad[0] = strconv.Atoi(k)
	s.N, bad[1] = strconv.Atoi(n)
	switch {
	case !ok || bad[0] != nil || bad[1] != nil || s.String() != text: // "+2/04" would have two names
		return Shard{}, fmt.Errorf("%q is no shard; want K/N, such as 2/4 for the second of four", tomlfault.Short(text))
	case s.N < 1 || s.N > MaxShards:
		return Shard{}, fmt.Errorf("%q is of %d shards; want 1 to %d", text, s.N, MaxShards)
	case s.K < 1 || s.K > s.N:
		return Shard{}, fmt.Errorf("%q: there is no shard %d of %d; want 1 to %d", text, s.K, s.N, s.N)
	}
	return s, nil
}

// String returns "2/4", or "" for the zero value.
func (s Shard) String() string {
	if s == (Shard{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.K, s.N)
}

// Shard returns one part of a checked scenario, which is not changed. All parts
// together are the scenario: each device, controller and watcher is in exactly
// one of them, by the name and client id that it has in the whole.
//
//   - Of each device group every part has an even share of consecutive devices,
//     or of its homes, which stay whole; the first parts have one more where the
//     number does not divide, and alone have some where there are fewer than
//     parts.
//   - Controllers command devices of their own part, but for those of a group of
//     devices, whose one message goes to those of all parts: see [Scenario.AnswersOthers].
//     Each group is shared out
//     evenly among the parts that have a device it commands, and only the first
//     of these have some where it is small. With Pair each is where its device
//     is. Rate, stages and bursts are divided as the controllers are.
//   - Watchers are shared out evenly. Their topics are not divided: each receives
//     what it does in the whole, from the devices of every part.
//   - Connect.Rate is divided as the connections are.
//   - An incident happens at the same times in every part, and strikes those of
//     the part's own devices that it would strike in the whole. A FirmwareRoll
//     takes its batches of them.
//   - An expectation of what no client of a part does is left to other parts:
//     that of a kind or a group of controllers it has none of, and one of
//     requests where it has no controllers. All others hold for the part.
//
// run is what {run} stands for, in all templates of all parts; "" leaves it open.
//
// There is an error where a part would have no device, and for what takes more
// than one part to do: a BrokerOutage, controllers with shared replies that are in
// several parts, and watchers that answer Wills.
//
// A part is ready to be run or planned. It is not to be checked or divided
// again: its targets were checked in the whole.
func (s *Scenario) Shard(part Shard, run string) (*Scenario, error) {
	if _, err := ParseShard(part.String()); err != nil {
		return nil, err
	}
	if s.Part != (Shard{}) {
		return nil, fmt.Errorf("%s is shard %s already; want the whole scenario", s.Name, s.Part)
	}
	if err := s.divisible(part.N); err != nil {
		return nil, err
	}
	out := *s
	out.Part = part
	out.Groups, out.External = out.shardGroups(s.Groups), out.shardGroups(s.External)
	if err := out.shardControllers(s); err != nil {
		return nil, err
	}
	out.shardWatchers(s)
	out.Connect.Rate *= float64(out.Clients()) / float64(s.Clients())
	out.shardExpect(s)
	if run != "" {
		out.fixRun(run)
	}
	return &out, nil
}

// divisible returns why a scenario cannot be run in n parts, or nil.
func (s *Scenario) divisible(n int) error {
	most := 0
	for _, g := range s.described() {
		most = max(most, g.units())
	}
	if n > most {
		return fmt.Errorf("%d shards of %s are too many, some would have no device; want at most %d", n, s.Name, most)
	}
	if n == 1 {
		return nil
	}
	for i := range s.Incidents {
		if in := &s.Incidents[i]; in.Kind == BrokerOutage {
			return fmt.Errorf("the incident %s takes the embedded broker away, and shards share one that is elsewhere", in.Name)
		}
	}
	for i := range s.Watchers {
		if w := &s.Watchers[i]; w.Answers {
			return fmt.Errorf("the watchers %s answer Wills: in shards, those of another shard's devices could not be accounted for", w.Name)
		}
	}
	return nil
}

// units returns how many things there are that a part has whole: homes where the
// group is repeated, devices elsewhere.
func (g *Group) units() int {
	if g.Homes > 0 {
		return g.Homes
	}
	return g.Count
}

// Clients returns how many connections the scenario makes.
func (s *Scenario) Clients() int {
	n := s.Count()
	for i := range s.Controllers {
		n += s.Controllers[i].Count
	}
	for i := range s.Watchers {
		n += s.Watchers[i].Count
	}
	return n
}

// portion returns which of n things in a row the part at a place, from 0, has of
// so many parts. The first parts have one more where n does not divide.
func portion(n, place, parts int) (from, count int) {
	each, more := n/parts, n%parts
	from = place*each + min(place, more)
	if place < more {
		each++
	}
	return from, each
}

// holder returns the place of the part that has thing i of n: the inverse of
// portion.
func holder(i, n, parts int) int {
	each, more := n/parts, n%parts
	if large := more * (each + 1); i >= large {
		return more + (i-large)/each // each is not 0, or all would be in the large ones
	}
	return i / (each + 1)
}

// shardGroups returns the part's devices of groups of the whole.
func (s *Scenario) shardGroups(whole []Group) (all []Group) {
	global, local := 0, 0
	for _, g := range whole { // each a copy
		first := global
		global += g.Total()
		from, n := portion(g.units(), s.Part.K-1, s.Part.N)
		if n == 0 {
			continue
		}
		g = g.portion(from, n)
		g.ahead += first - local
		local += g.Total()
		all = append(all, g)
	}
	return all
}

// portion returns n units of the group from one on. Its devices are so many more ahead as
// there are before them.
func (g Group) portion(from, n int) Group {
	if g.Homes > 0 {
		g.FirstHome, g.Homes = g.FirstHome+from, n
		from *= g.Count
	} else {
		g.First, g.Count = g.First+from, n
	}
	g.ahead = from
	return g
}

// shardWatchers takes the part's watchers of the whole.
func (s *Scenario) shardWatchers(whole *Scenario) {
	s.Watchers = nil
	for i := range whole.Watchers {
		w := whole.Watchers[i] // a copy
		if from, n := portion(w.Count, s.Part.K-1, s.Part.N); n > 0 {
			w.before, w.of, w.Count = from, w.Count, n
			s.Watchers = append(s.Watchers, w)
		}
	}
}

// fixRun puts the run in the place of {run} in every template.
func (s *Scenario) fixRun(run string) {
	b := &s.Broker
	all := []*Template{&b.Username, &b.Password.File, &b.Password.Env, &b.CertFile, &b.KeyFile, &s.Connect.ClientID}
	for _, headers := range []*[]Property{&b.Headers, &b.HeadersEnv} {
		*headers = slices.Clone(*headers)
		for k := range *headers {
			all = append(all, &(*headers)[k].Value)
		}
	}
	for i := range s.Groups {
		w := &s.Groups[i].Will
		all = append(all, &s.Groups[i].CertFile, &s.Groups[i].KeyFile, &w.Topic, &w.Payload, &w.ContentType, &w.ResponseTopic, &w.CorrelationData)
		w.UserProperties = slices.Clone(w.UserProperties)
		for k := range w.UserProperties {
			all = append(all, &w.UserProperties[k].Value)
		}
	}
	for i := range s.Controllers {
		c := &s.Controllers[i]
		all = append(all, &c.ClientID)
		c.UserProperties = slices.Clone(c.UserProperties)
		for k := range c.UserProperties {
			all = append(all, &c.UserProperties[k].Value)
		}
	}
	for i := range s.Watchers {
		all = append(all, &s.Watchers[i].ClientID)
	}
	for _, t := range all {
		*t = t.withRun(run)
	}
}

// withRun returns the template with the run in the place of {run}.
func (t Template) withRun(run string) Template {
	run = strings.NewReplacer("{", "{{", "}", "}}").Replace(run)
	var b strings.Builder
	for s := string(t); s != ""; {
		tok := nextToken(s)
		if tok.name == "run" && tok.fault == nil {
			b.WriteString(run)
		} else {
			b.WriteString(s[:tok.size])
		}
		s = s[tok.size:]
	}
	return Template(b.String())
}
