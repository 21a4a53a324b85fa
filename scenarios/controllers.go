package scenarios

import (
	"fmt"
	"time"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

// MaxControllers is the most controllers and watchers one scenario may have.
const MaxControllers = 1_000_000

const (
	maxPayload  = 16 << 20
	maxTimeout  = time.Hour // what the histograms hold
	maxNamed    = 255       // groups of controllers, stages and incidents: labels of the results
	maxRequests = 1 << 40
)

// controllerPath is where faults of a group of controllers are reported.
func controllerPath(i int) string { return fmt.Sprintf("controller[%d]", i) }

// fill puts the defaults in the place of what is zero. place counts from 0.
func (c *Controllers) fill(place int) {
	controllerKeys.fill(c)
	c.Name = orText(c.Name, fmt.Sprintf("controllers-%d", place+1))
	if c.Count == 0 && !c.Pair {
		c.Count = 1 // with Pair it is counted when the devices are known to be in order
	}
	if len(c.Payloads) == 0 {
		c.Payloads = []string{""}
	}
	for i := range c.Stages {
		c.Stages[i].Name = orText(c.Stages[i].Name, fmt.Sprintf("stage-%d", i+1))
	}
}

func orText[T ~string](s, byDefault T) T {
	if s == "" {
		return byDefault
	}
	return s
}

func readControllers(r *reader) {
	for i, t := range r.top.Tables("controller") {
		var c Controllers
		readController(t, &c, r.kinds)
		c.fill(i)
		r.s.Controllers = append(r.s.Controllers, c)
	}
}

func readController(t *tomlfault.Table, c *Controllers, kinds []*devices.Kind) {
	controllerKeys.read(t, c)
	readTarget(t.Table("target"), &c.Target, kinds)
	readProperties(t, "user_properties", &c.UserProperties)
	if t.Has("payloads") && t.Has("payload") {
		t.KeyErrorf("payloads", "remove one of them", "payloads stands beside payload; want one of the two")
	}
	if readStages(t, c); !c.planned() {
		c.Stages = nil
	}
	if !t.Holds("identify") {
		c.Identify = c.Group != ""
	}
}

func readTarget(t *tomlfault.Table, target *Target, kinds []*devices.Kind) {
	targetKeys.read(t, target)
	if t.Has("kind") {
		target.Kind = readKind(t, kinds)
	}
}

func checkControllers(ch *checker) {
	if n := len(ch.s.Controllers); n > maxNamed {
		ch.rules(controllerPath(maxNamed)).errorf("", "one group may have a count", "that makes %d groups of controllers; want at most %d", n, maxNamed)
		return
	}
	if len(ch.s.Controllers) == 0 && len(ch.s.External) > 0 && ch.doc.OK("controller") {
		ch.rules(externalPath(0)).errorf("", "add a [[controller]]", "nobody commands these devices, and the fleet does not run them")
	}
	for i := range ch.s.Controllers {
		c, r := &ch.s.Controllers[i], ch.rules(controllerPath(i))
		controllerKeys.check(r, c)
		checkProperties(r, "user_properties", c.UserProperties, controllerPlaces, c.Vars(1, ch.s.Seed, sampleRun), c.Vars(max(c.Count, 1), ch.s.Seed, sampleRun))
		checkRates(r, c)
		checkStages(r, c)
		checkTarget(ch, r, c)
	}
	stages := make(map[string]bool)
	for i := range ch.s.Controllers {
		for _, st := range ch.s.Controllers[i].Stages {
			stages[st.Name] = true
		}
	}
	if len(stages) > maxNamed {
		ch.rules(controllerPath(len(ch.s.Controllers)-1)).errorf("stage", "", "that makes %d stages with different names; want at most %d", len(stages), maxNamed)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
