package scenarios

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"homefleet/fleet/metrics"
)

// shardControllers takes the part's controllers of the whole.
func (s *Scenario) shardControllers(whole *Scenario) error {
	s.Controllers = nil
	var shared []string // groups of devices that are commanded with one message, and are in several parts
	for i := range whole.Controllers {
		c := whole.Controllers[i] // a copy
		shares, having := whole.shares(&c, s.Part.N)
		parts, before := 0, 0
		for k, share := range shares {
			parts += btoi(share > 0)
			if k < s.Part.K-1 {
				before += share
			}
		}
		if having > 1 && c.Group != "" {
			shared = append(shared, c.Group)
		}
		if parts > 1 && c.ShareReplies {
			return fmt.Errorf("the controllers %s share their replies, and would take those of another shard's; want share_replies left out", c.Name)
		}
		if own := shares[s.Part.K-1]; own > 0 {
			c.part(before, own)
			if c.Pair {
				c.places = whole.paired(&c, s.Part)
			}
			s.Controllers = append(s.Controllers, c)
		}
	}
	s.shardShared(whole, shared)
	return nil
}

// shardShared makes known to the part the devices of other parts that answer its
// controllers as well, and whether its own answer those of other parts.
func (s *Scenario) shardShared(whole *Scenario, shared []string) {
	asked := shared[:0:0] // of them, by the part's own controllers
	for i := range s.Controllers {
		if c := &s.Controllers[i]; slices.Contains(shared, c.Group) {
			asked = append(asked, c.Group)
		}
	}
	isIn := func(names []string) func(Group) bool {
		return func(g Group) bool {
			return slices.ContainsFunc(g.Groups, func(name string) bool { return slices.Contains(names, name) })
		}
	}
	s.answersOthers = slices.ContainsFunc(s.Groups, isIn(shared))
	number := firstExternal
	for i := range s.External {
		number += s.External[i].Total()
	}
	s.elsewhere = nil
	for k, groups := range [][]Group{whole.Groups, whole.External} {
		first := k * firstExternal
		for _, g := range groups {
			if isIn(asked)(g) {
				own, n := portion(g.units(), s.Part.K-1, s.Part.N)
				for _, at := range [][2]int{{0, own}, {own + n, g.units()}} {
					if from, to := at[0], at[1]; from < to {
						other := g.portion(from, to-from)
						other.elsewhere = true
						other.ahead += first - number
						number += other.Total()
						s.elsewhere = append(s.elsewhere, other)
					}
				}
			}
			first += g.Total()
		}
	}
}

// AnswersOthers reports whether, in a shard, controllers command devices of several shards
// with one message: then each has to be up before any of them begins, and as long as any of
// them asks.
func (s *Scenario) AnswersOthers() bool { return s.answersOthers || len(s.elsewhere) > 0 }

// shares returns how many controllers of a group each of the parts has, and how
// many parts have a device that they command.
func (s *Scenario) shares(c *Controllers, parts int) (shares []int, having int) {
	devices := make([]int, parts) // that are commanded
	for k := range s.holders(c, parts) {
		devices[k]++
	}
	for _, n := range devices {
		having += btoi(n > 0)
	}
	if c.Pair {
		return devices, having
	}
	shares = make([]int, parts)
	place := 0
	for k, n := range devices {
		if n > 0 {
			_, shares[k] = portion(c.Count, place, having)
			place++
		}
	}
	return shares, having
}

// holders yields the place of the part that has each device that the controllers
// command, in the order of their numbers; with Pair, of those that have a
// controller. The second value counts them.
func (s *Scenario) holders(c *Controllers, parts int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		targets := s.Targets(c)
		if c.Pair {
			targets = targets[:min(max(c.of, c.Count), len(targets))]
		}
		i := 0
		for first, g := range s.numbered(true) {
			for ; i < len(targets) && targets[i] < first+g.Total(); i++ {
				unit := targets[i] - first
				if g.Homes > 0 {
					unit /= g.Count
				}
				if !yield(holder(unit, g.units(), parts), i) {
					return
				}
			}
		}
	}
}

// paired returns the places in their group of the part's controllers.
func (s *Scenario) paired(c *Controllers, part Shard) []int {
	var places []int
	for k, i := range s.holders(c, part.N) {
		if k == part.K-1 {
			places = append(places, i)
		}
	}
	return places
}

// part makes the group one of count controllers, before which there are some in
// other parts.
func (c *Controllers) part(before, count int) {
	share := func(rate float64) float64 { return rate * float64(count) / float64(c.Count) }
	c.Rate = share(c.Rate)
	c.Stages = slices.Clone(c.Stages)
	for i := range c.Stages {
		c.Stages[i].From, c.Stages[i].To = share(c.Stages[i].From), share(c.Stages[i].To)
	}
	c.Burst = c.Burst*(before+count)/c.Count - c.Burst*before/c.Count // which add up to all of it
	c.before, c.of, c.Count = before, c.Count, count
}

// Place returns the place that controller n of the group, from 0, has in the
// whole group, and how many controllers that has. In a scenario that is no shard
// they are n and Count.
func (c *Controllers) Place(n int) (place, of int) {
	if c.places != nil {
		return c.places[n], max(c.of, c.Count)
	}
	return c.before + n, max(c.of, c.Count)
}

// shardExpect leaves out what the part has nobody for and another part has.
func (s *Scenario) shardExpect(whole *Scenario) {
	names := s.LabelNames()
	asks := len(s.Controllers) > 0 || len(whole.Controllers) == 0
	watches := len(s.Watchers) > 0 || len(whole.Watchers) == 0
	s.Expect = slices.DeleteFunc(slices.Clone(s.Expect), func(e metrics.Expectation) bool {
		_, faults := metrics.ParseExpectation(e.Metric(), e.Want(), &names)
		family, _, _ := strings.Cut(e.Metric(), ".")
		return len(faults) > 0 || !asks && slices.Contains(ofRequests, family) || !watches && strings.HasPrefix(e.Metric(), "state.delivery.")
	})
}

// ofRequests are the first words of the metrics of controllers.
var ofRequests = []string{"requests", "answers", "generator", "schedule", "service", "response", "answer"}
