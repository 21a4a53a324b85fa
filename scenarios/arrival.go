package scenarios

import (
	"fmt"
	"slices"
	"time"

	"homefleet/scenarios/tomlfault"
)

const (
	maxRate        = 1e6 // requests a second
	maxOutstanding = 1_000_000
	maxInFlight    = 65_535
	maxBurst       = 1_000_000
)

// open reports whether requests leave on a plan, whatever the answers do.
func (a Arrival) open() bool { return a != Closed }

// arrivals are the arrival models, as a file names them.
var arrivals = []string{string(Constant), string(Poisson), string(Bursts), string(Closed)}

// readArrival reads when requests are due. A key that does not go with the
// arrival model is a fault even if its value would make no difference.
func readArrival(t *tomlfault.Table, c *Controllers) {
	c.Arrival = Constant
	known := !t.Has("arrival") || t.Choice("arrival", arrivals, (*string)(&c.Arrival))
	t.Rate("rate", &c.Rate)
	t.Rate("rate_per_controller", &c.RatePerController)
	readStages(t, c)
	tomlfault.Int(t, "burst", 1, maxBurst, &c.Burst)
	readPositive(t, "every", &c.Every)
	t.Duration("think", &c.Think)
	tomlfault.Int(t, "in_flight", 1, maxInFlight, &c.InFlight)
	tomlfault.Int(t, "max_outstanding", 1, maxOutstanding, &c.MaxOutstanding)
	for _, k := range arrivalKeys {
		if known && t.Has(k.key) && !slices.Contains(k.with, c.Arrival) {
			t.KeyErrorf(k.key, k.hint(c.Arrival), "%s", k.fault(c.Arrival))
			k.clear(c) // so that its value is not judged as well
		}
	}
}

func readStages(t *tomlfault.Table, c *Controllers) {
	for _, st := range t.Tables("stage") {
		var s Stage
		notEmpty(st, "name", &s.Name)
		if !st.Has("for") {
			st.Errorf("for", `add for = "1m", say`, "a stage without a length")
		}
		readPositive(st, "for", &s.For)
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
		st.RateFromZero("from", &s.From)
		st.RateFromZero("to", &s.To)
		c.Stages = append(c.Stages, s)
	}
}

// arrivalKey is a key that goes with some of the arrival models.
type arrivalKey struct {
	key   string
	with  []Arrival
	set   func(c *Controllers) bool
	clear func(c *Controllers)
}

var (
	planned = []Arrival{Constant, Poisson}
	inOpen  = []Arrival{Constant, Poisson, Bursts}
)

// arrivalKeys are the keys of which each goes with some arrival models.
var arrivalKeys = []arrivalKey{
	{"rate", planned, func(c *Controllers) bool { return c.Rate != 0 }, func(c *Controllers) { c.Rate = 0 }},
	{"rate_per_controller", planned, func(c *Controllers) bool { return c.RatePerController != 0 }, func(c *Controllers) { c.RatePerController = 0 }},
	{"stage", planned, func(c *Controllers) bool { return len(c.Stages) > 0 }, func(c *Controllers) { c.Stages = nil }},
	{"burst", []Arrival{Bursts}, func(c *Controllers) bool { return c.Burst != 0 }, func(c *Controllers) { c.Burst = 0 }},
	{"every", []Arrival{Bursts}, func(c *Controllers) bool { return c.Every != 0 }, func(c *Controllers) { c.Every = 0 }},
	{"think", []Arrival{Closed}, func(c *Controllers) bool { return c.Think != 0 }, func(c *Controllers) { c.Think = 0 }},
	{"in_flight", []Arrival{Closed}, func(c *Controllers) bool { return c.InFlight != 0 }, func(c *Controllers) { c.InFlight = 0 }},
	{"max_outstanding", inOpen, func(c *Controllers) bool { return c.MaxOutstanding != 0 }, func(c *Controllers) { c.MaxOutstanding = 0 }},
}

func (k *arrivalKey) fault(a Arrival) string {
	names := make([]string, len(k.with))
	for i, w := range k.with {
		names[i] = string(w)
	}
	return fmt.Sprintf("%s does not go with arrival = %q; it goes with %s", k.key, a, tomlfault.Join(names))
}

// hint says what takes the key's place in the model.
func (k *arrivalKey) hint(a Arrival) string {
	switch {
	case a == Closed && k.key == "max_outstanding":
		return "in_flight says how many requests may be unanswered in a closed model"
	case a == Closed:
		return "a closed model has no plan: think and in_flight say how fast it can go at most"
	case a == Bursts && slices.Contains(k.with, Constant):
		return "burst and every say how many requests leave, and when"
	case k.key == "in_flight":
		return "max_outstanding bounds the unanswered requests of an open model"
	case slices.Contains(k.with, Bursts) && len(k.with) == 1:
		return `add arrival = "bursts"`
	}
	return `add arrival = "closed"`
}

func checkArrival(r rules, c *Controllers) {
	if !slices.Contains(arrivals, string(c.Arrival)) {
		r.errorf("arrival", "", "there is no %q; want %s", c.Arrival, tomlfault.Join(arrivals))
	}
	if !r.ok("arrival") {
		return
	}
	for _, k := range arrivalKeys {
		if k.set(c) && !slices.Contains(k.with, c.Arrival) {
			r.errorf(k.key, k.hint(c.Arrival), "%s", k.fault(c.Arrival))
		}
	}
	for _, f := range []struct {
		key  string
		rate float64
	}{{"rate", c.Rate}, {"rate_per_controller", c.RatePerController}} {
		if !(f.rate >= 0 && f.rate <= maxRate) {
			r.errorf(f.key, "", "%v is out of range; want above 0 and up to 1000000 a second", f.rate)
		}
	}
	switch c.Arrival {
	case Constant, Poisson:
		checkRates(r, c)
		checkStages(r, c)
		r.between("max_outstanding", c.MaxOutstanding, 1, maxOutstanding)
	case Bursts:
		switch {
		case c.Burst == 0:
			r.errorf("burst", `add burst = 100, say`, "arrival = \"bursts\" without burst, the number of requests at once")
		case c.Burst < 0 || c.Burst > maxBurst:
			r.between("burst", c.Burst, 1, maxBurst)
		}
		switch {
		case c.Every == 0:
			r.errorf("every", `add every = "10s", say`, "arrival = \"bursts\" without every, the time from one burst to the next")
		case c.Every < time.Millisecond:
			r.errorf("every", "", "every is %s; want at least 1ms", tomlfault.FormatDuration(c.Every))
		}
		r.between("max_outstanding", c.MaxOutstanding, 1, maxOutstanding)
	case Closed:
		if c.Think < 0 {
			r.errorf("think", "", "think is %s; want 0 or more", tomlfault.FormatDuration(c.Think))
		}
		r.between("in_flight", c.InFlight, 1, maxInFlight)
	}
}

// checkRates checks that it is said once, and once only, how many requests
// leave.
func checkRates(r rules, c *Controllers) {
	if !r.ok("rate", "rate_per_controller", "stage") {
		return
	}
	switch {
	case len(c.Stages) > 0 && (c.Rate != 0 || c.RatePerController != 0):
		key := "rate"
		if c.Rate == 0 {
			key = "rate_per_controller"
		}
		r.errorf(key, "remove it: each stage has its own rate", "%s stands beside stages; want one or the other", key)
	case c.Rate != 0 && c.RatePerController != 0:
		r.errorf("rate_per_controller", "remove one of them", "rate_per_controller stands beside rate; want a rate for the group or for each of it")
	case len(c.Stages) == 0 && c.Rate == 0 && c.RatePerController == 0:
		r.errorf("", `add rate = "10/s" for the whole group, or rate_per_controller = "10/s" for each of it`, "controllers without a rate")
	}
}

func checkStages(r rules, c *Controllers) {
	names := make(map[string]int)
	for i, st := range c.Stages {
		at := func(key string) string { return fmt.Sprintf("stage[%d].%s", i, key) }
		if problem := nameFault(st.Name); problem != "" {
			r.errorf(at("name"), "", "name: %q %s", tomlfault.Short(st.Name), problem)
		}
		if first, ok := names[st.Name]; ok {
			r.errorf(at("name"), "", "stage %q is already at %s", tomlfault.Short(st.Name), r.doc.Where(r.at(fmt.Sprintf("stage[%d]", first))))
		}
		names[st.Name] = i
		if st.For <= 0 {
			r.errorf(at("for"), "", "for is %s; want more than 0", tomlfault.FormatDuration(st.For))
		}
		for _, f := range []struct {
			key  string
			rate float64
		}{{"from", st.From}, {"to", st.To}} {
			if !(f.rate >= 0 && f.rate <= maxRate) {
				r.errorf(at(f.key), "", "%v is out of range; want 0 to 1000000 a second", f.rate)
			}
		}
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
