package scenarios

import (
	"fmt"
	"math"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// DeviceStage is a part of the measuring in which so many devices of a group are there: From
// and To are shares of the group, which move evenly from one to the other. The first stage
// begins with the measuring, before which there are as many as it begins with. When the last
// is over, as many stay as it ended with.
type DeviceStage struct {
	For      time.Duration // > 0
	From, To float64       // 0 to 1
}

// maxDeviceStages bounds those of one group.
const maxDeviceStages = 256

// deviceStageKeys are the keys of a [[device.stage]].
var deviceStageKeys = describe[DeviceStage](table{name: "[[device.stage]]", keys: []key{
	{name: "for", form: span(1, 0), example: `"1m"`, required: "a stage without a length", doc: "how long"},
	{name: "share", form: byRule{"share"}, defDoc: "this, or the next two", doc: "a share of the group's devices that stays; what it takes to get there happens at once"},
	{name: "from", form: share(""), doc: "with `to`: a share that moves evenly from one to the other"},
	{name: "to", form: share(""), doc: "likewise"},
}})

func (g *Group) readStages(t *tomlfault.Table) {
	for _, st := range t.Tables("stage") {
		var s DeviceStage
		deviceStageKeys.read(st, &s)
		switch {
		case st.Has("share") && (st.Has("from") || st.Has("to")):
			key := "from"
			if !st.Has("from") {
				key = "to"
			}
			st.KeyErrorf(key, "remove share, or from and to", "%s stands beside share; want a share that stays, or one that moves", key)
		case st.Has("from") != st.Has("to"):
			have, miss := "from", "to"
			if st.Has("to") {
				have, miss = miss, have
			}
			st.KeyErrorf(have, fmt.Sprintf(`add %s = "...", or say share = "..." for one that stays`, miss), "%s without %s", have, miss)
		case !st.Has("share") && !st.Has("from"):
			st.Errorf("share", `add share = "50%", say, or from = "0%" and to = "100%"`, "a stage without a share of the devices")
		}
		if st.Percent("share", &s.From) {
			s.To = s.From
		}
		g.Stages = append(g.Stages, s)
	}
}

func (g *Group) checkStages(r rules) {
	if len(g.Stages) > maxDeviceStages {
		r.errorf("stage", "", "that makes %d stages; want at most %d", len(g.Stages), maxDeviceStages)
		return
	}
	for i := range g.Stages {
		at := r.beneath(fmt.Sprintf("stage[%d]", i))
		deviceStageKeys.check(at, &g.Stages[i])
		if f := g.Stages[i].From; (f < 0 || f > 1 || math.IsNaN(f)) && at.ok("share") {
			at.errorf("share", "", "share is %v; want 0 to 1", f)
		}
	}
	if g.Absent && len(g.Stages) > 0 {
		r.errorf("present", "remove it: the first stage says how many are there at first", "present = false stands beside stages; want one or the other")
	}
}

// checkDeviceStages checks the stages of devices against how long is measured.
func checkDeviceStages(c *checker) {
	p := &c.s.Phases
	for i := range c.s.Groups {
		length := c.s.Groups[i].stagesLength()
		if length > p.Measure && c.doc.Clean(groupPath(i)) && c.doc.OK("phases.measure") && c.doc.OK("phases") {
			c.rules("phases").errorf("measure", "leave measure out: the stages say how long it takes", "measure is %s, but the stages of %s last %s",
				tomlfault.FormatDuration(p.Measure), groupPath(i), tomlfault.FormatDuration(length))
		}
	}
}

// staged reports whether any devices come and go in stages.
func (s *Scenario) staged() bool {
	for i := range s.Groups {
		if len(s.Groups[i].Stages) > 0 {
			return true
		}
	}
	return false
}

// stagesLength returns how long the stages last in all.
func (g *Group) stagesLength() time.Duration {
	var sum time.Duration
	for _, st := range g.Stages {
		sum += max(min(st.For, 1<<62-sum), 0)
	}
	return sum
}

// At returns how many of the group's devices a share is, without a fraction.
func (g *Group) At(share float64) int {
	return int(math.Round(min(max(share, 0), 1) * float64(g.Total())))
}

// PresentAtFirst returns how many of the group's devices are there before anything is
// measured. These are the first.
func (g *Group) PresentAtFirst() int {
	switch {
	case g.Absent:
		return 0
	case len(g.Stages) > 0:
		return g.At(g.Stages[0].From)
	}
	return g.Total()
}

// AbsentAtFirst reports whether the device is not there before anything is measured.
func (d *Device) AbsentAtFirst() bool {
	g := d.Group
	if len(g.Stages) == 0 {
		return g.Absent
	}
	place := d.N - g.First
	if g.Homes > 0 {
		place += (d.H - g.FirstHome) * g.Count
	}
	return place >= g.PresentAtFirst()
}

// StagesText says how many of the devices are there when: "0 to 100 in 30s, 100 for 1m"; ""
// where there are no stages.
func (g *Group) StagesText() string {
	var all []string
	for _, st := range g.Stages {
		from, to := words.Grouped(int64(g.At(st.From))), words.Grouped(int64(g.At(st.To)))
		if st.From == st.To {
			all = append(all, to+" for "+words.Duration(st.For))
		} else {
			all = append(all, from+" to "+to+" in "+words.Duration(st.For))
		}
	}
	return strings.Join(all, ", ")
}

// Move is that a device comes or goes.
type Move struct {
	At     time.Duration // since the measuring began
	Device int           // its place in the group, from 0
	Comes  bool
}

// Moves are those of a group, one after the other: who came last goes first.
type Moves struct {
	g     *Group
	stage int
	begin time.Duration // of the stage
	there int           // devices
	done  int           // moves of the stage
	level bool          // the stage has as many as it begins with
}

// Moves returns what the stages of the group make of it, from the start of measuring.
func (g *Group) Moves() *Moves { return &Moves{g: g, there: g.PresentAtFirst()} }

// Next returns the next move; ok is false when there are no more.
func (m *Moves) Next() (one Move, ok bool) {
	for m.stage < len(m.g.Stages) {
		st := &m.g.Stages[m.stage]
		from, to := m.g.At(st.From), m.g.At(st.To)
		if !m.level && m.there != from {
			return m.toward(from, m.begin), true
		}
		m.level = true
		if all := max(to-from, from-to); m.done < all {
			m.done++
			return m.toward(to, m.begin+time.Duration(float64(st.For)*float64(m.done)/float64(all))), true
		}
		m.stage, m.begin, m.done, m.level = m.stage+1, m.begin+st.For, 0, false
	}
	return Move{}, false
}

// toward makes one more device come or go.
func (m *Moves) toward(want int, at time.Duration) Move {
	if m.there < want {
		m.there++
		return Move{at, m.there - 1, true}
	}
	m.there--
	return Move{at, m.there, false}
}
