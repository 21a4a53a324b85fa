package scenarios

import (
	"math/rand/v2"
	"strings"
	"testing"

	"homefleet/devices"
)

// Groups whose ids are distinct at a glance have no id twice, whatever their templates: of
// random ones each id is looked at. A glance is enough for as many as it can be.
func TestDistinctAtAGlance(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 11))
	parts := []string{"{n}", "{n:2}", "{h}", "{h:3}", "{home}", "{kind}", "{seed}", "-", "1", "2", "x", "x-", "0"}
	template := func(most int) Template {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return Template(b.String())
	}
	kinds := devices.Kinds()
	seen, distinct := 0, 0
	for range some(3000, 20_000) {
		s := &Scenario{Seed: 12}
		for range 1 + r.IntN(3) {
			g := Group{Kind: kinds[r.IntN(2)], Count: 1 + r.IntN(13), First: r.IntN(3), Homes: r.IntN(13), FirstHome: 1 + r.IntN(2), ID: template(4)}
			g.Home = Template(strings.ReplaceAll(string(template(3)), "{home}", "h"))
			s.Groups = append(s.Groups, g)
		}
		ids, twice := make(map[string]bool), ""
		for d := range s.Devices() {
			if ids[d.ID] {
				twice = d.ID
			}
			ids[d.ID] = true
		}
		glance := distinctAtAGlance(s.described())
		if glance && twice != "" {
			t.Fatalf("of %+v it is said that all ids are distinct; %q is there twice", s.Groups, twice)
		}
		if twice == "" {
			distinct++
		}
		if glance {
			seen++
		}
	}
	if seen < distinct/4 || distinct < 100 {
		t.Errorf("of %d random scenarios with distinct ids %d are told at a glance; want a quarter, of a hundred or more", distinct, seen)
	}
	t.Logf("%d of %d", seen, distinct)
}

// No shipped scenario is looked at device by device to see that its ids are distinct.
func TestShippedAreDistinctAtAGlance(t *testing.T) {
	for _, s := range loadShipped(t) {
		if s.Count() > 1000 && !distinctAtAGlance(s.described()) {
			t.Errorf("the ids of %s are not seen to be distinct at a glance; want that, of %d devices", s.Name, s.Count())
		}
	}
}
