package scenarios

import (
	"fmt"
	"time"

	"homefleet/scenarios/tomlfault"
)

const (
	maxOutstanding = 1_000_000
	maxInFlight    = 65_535
	maxBurst       = 1_000_000
)

// open reports whether requests leave on a plan, whatever the answers do.
func (a Arrival) open() bool { return a != Closed }

// planned reports whether the requests leave at a rate.
func (c *Controllers) planned() bool { return c.Arrival == Constant || c.Arrival == Poisson }

// stageKeys are the keys of a [[controller.stage]].
var stageKeys = describe[Stage](table{name: "[[controller.stage]]", keys: []key{
	{name: "name", form: text{what: "one topic level, without braces", fault: nameFault, empty: leaveOut}, defDoc: "`\"stage-1\"`, by place",
		doc: "tells the stage in results; at most 255 different ones"},
	{name: "for", form: span(1, 0), example: `"1m"`, required: "a stage without a length", doc: "how long"},
	{name: "rate", form: byRule{"rate"}, defDoc: "this, or the next two", doc: "a rate that stays, of the whole group"},
	{name: "from", form: rateFromZero(), doc: "with `to`: a rate that moves evenly from one to the other"},
	{name: "to", form: rateFromZero(), doc: "not 0 as well"},
}})

func readStages(t *tomlfault.Table, c *Controllers) {
	for _, st := range t.Tables("stage") {
		var s Stage
		stageKeys.read(st, &s)
		switch {
		case st.Has("rate") && (st.Has("from") || st.Has("to")):
			key := "from"
			if !st.Has("from") {
				key = "to"
			}
			st.KeyErrorf(key, "remove rate, or from and to", "%s stands beside rate; want a rate that stays, or one that moves", key)
		case st.Has("from") != st.Has("to"):
			have, miss := "from", "to"
			if st.Has("to") {
				have, miss = miss, have
			}
			st.KeyErrorf(have, fmt.Sprintf(`add %s = "...", or say rate = "..." for one that stays`, miss), "%s without %s", have, miss)
		case !st.Has("rate") && !st.Has("from"):
			st.Errorf("rate", `add rate = "100/s", say, or from = "0/s" and to = "100/s"`, "a stage without a rate")
		}
		if st.Rate("rate", &s.From) {
			s.To = s.From
		}
		c.Stages = append(c.Stages, s)
	}
}

// checkRates checks that it is said once, and once only, how many requests
// leave.
func checkRates(r rules, c *Controllers) {
	if !c.planned() || !r.ok("arrival", "rate", "rate_per_controller", "stage") {
		return
	}
	switch {
	case len(c.Stages) > 0 && (c.Rate != 0 || c.RatePerController != 0):
		key := "rate"
		if c.Rate == 0 {
			key = "rate_per_controller"
		}
		r.errorf(key, "remove it: each stage has its own rate", "%s stands beside stages; want one or the other", key)
	case len(c.Stages) == 0 && c.Rate == 0 && c.RatePerController == 0:
		r.errorf("", `add rate = "10/s" for the whole group, or rate_per_controller = "10/s" for each of it`, "controllers without a rate")
	}
}

func checkStages(r rules, c *Controllers) {
	if !c.planned() {
		return
	}
	names := make(map[string]int)
	for i, st := range c.Stages {
		at := func(key string) string { return fmt.Sprintf("stage[%d].%s", i, key) }
		stageKeys.check(r.beneath(fmt.Sprintf("stage[%d]", i)), &st)
		if first, ok := names[st.Name]; ok {
			r.errorf(at("name"), "", "stage %q is already at %s", tomlfault.Short(st.Name), r.doc.Where(r.at(fmt.Sprintf("stage[%d]", first))))
		}
		names[st.Name] = i
		if st.From == 0 && st.To == 0 && r.ok(at("rate"), at("from"), at("to")) {
			r.errorf(at("to"), "", "the rate moves from 0 to 0; want a stage in which something is sent")
		}
	}
}

// Length returns how long the stages last in all.
func (c *Controllers) Length() time.Duration {
	var sum time.Duration
	for _, st := range c.Stages {
		sum += max(min(st.For, 1<<62-sum), 0)
	}
	return sum
}

// Requests returns how many requests are due while the group is measured for so
// long; for Poisson, on average. It is 0 for a closed model. A message to a
// group of devices is one request.
func (c *Controllers) Requests(measure time.Duration) float64 {
	seconds := measure.Seconds()
	switch {
	case c.Arrival == Bursts && c.Every > 0:
		bursts := (measure + c.Every - 1) / c.Every
		return float64(bursts) * float64(c.Burst)
	case !c.Arrival.open():
		return 0
	case len(c.Stages) == 0:
		return (c.Rate + c.RatePerController*float64(c.Count)) * seconds
	}
	sum := 0.0
	for _, st := range c.Stages {
		in := min(st.For.Seconds(), seconds)
		if in <= 0 {
			break
		}
		at := st.From + (st.To-st.From)*in/st.For.Seconds()
		sum += (st.From + at) / 2 * in
		seconds -= in
	}
	return sum
}
