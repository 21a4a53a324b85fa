package scenarios

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Of a group, no device makes a template longer than the last one does, whatever
// is in it: that is what the check of sizes rests on.
func TestTheLastDeviceHasTheLongestTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	pieces := []string{"{id}", "{n}", "{n:3}", "{h}", "{h:2}", "{home}", "{kind}", "{seed}", "{run}", "a/", "{{"}
	text := func(places ...string) Template {
		var s strings.Builder
		for range 1 + r.IntN(5) {
			s.WriteString(places[r.IntN(len(places))])
		}
		return Template(s.String())
	}
	for range some(400, 2000) {
		g := &Group{Count: 1 + r.IntN(30), First: r.IntN(120), ID: text("{n}", "{h:2}", "{home}", "x"), Home: text("{h}", "{n}", "flat-")}
		if r.IntN(2) == 0 {
			g.Homes, g.FirstHome = 1+r.IntN(15), r.IntN(120)
		}
		s := &Scenario{Groups: []Group{*g}, Seed: r.Uint64()}
		tmpl := text(pieces...)
		last := tmpl.size(s.device(0, g, g.Total()-1).Vars(sampleRun))
		for j := range g.Total() {
			v := s.device(0, g, j).Vars(sampleRun)
			if n := tmpl.size(v); n > last || n != len(tmpl.Expand(v)) {
				t.Fatalf("%q of device %d of %+v has %d bytes; want at most those of the last, %d", tmpl, j, *g, n, last)
			}
		}
	}
}
