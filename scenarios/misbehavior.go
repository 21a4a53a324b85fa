package scenarios

import (
	"time"

	"homefleet/scenarios/tomlfault"
)

const (
	defaultReorder = time.Second
	defaultLateMin = time.Second
	defaultLateMax = 3 * time.Second
)

// Misbehavior is what devices of a group do wrong. Each share, 0 to 1, is the
// chance of each answer to be so treated, drawn from the seed. One answer gets
// at most one of these treatments, so that they are at most 1 together and a
// requester's books can be held against them.
type Misbehavior struct {
	Drop             float64 // no answer
	Duplicate        float64 // the answer twice
	WrongCorrelation float64 // one byte of the Correlation Data differs
	NoCorrelation    float64 // no Correlation Data
	WrongTopic       float64 // to the Response Topic with "/wrong" behind it
	Error            float64 // with a User Property error, and nothing done
	Reorder          float64 // held until the next answer has gone, at most ReorderFor
	Late             float64 // held back by a time from LateMin to LateMax

	// Each is 0 in a checked scenario where its share is.
	ReorderFor       time.Duration // above 0 to an hour; default 1s
	LateMin, LateMax time.Duration // 0 to an hour; default 1s (None: 0) and 3s, or LateMin if that is longer

	// What follows is apart from the answers.
	WithholdPuback float64       // 0..1, of the commands: the PUBACK or PUBREC is never sent
	Flood          float64       // telemetry messages a second of each device beside the regular ones; 0: none
	ClockSkew      time.Duration // how far the device's clock, in its telemetry's "time", is ahead; negative: behind; at most a year either way

	filled bool
}

// share is the chance of an answer to be treated in one way.
type share struct {
	key string
	of  *float64
}

// shares are those of which one answer gets at most one.
func (m *Misbehavior) shares() []share {
	return []share{
		{"drop", &m.Drop}, {"duplicate", &m.Duplicate}, {"wrong_correlation", &m.WrongCorrelation}, {"no_correlation", &m.NoCorrelation},
		{"wrong_topic", &m.WrongTopic}, {"error", &m.Error}, {"reorder", &m.Reorder}, {"late", &m.Late},
	}
}

// fill puts the defaults in the place of what is zero.
func (m *Misbehavior) fill() {
	if m.Reorder > 0 && m.ReorderFor == 0 {
		m.ReorderFor = defaultReorder
	}
	if m.Late > 0 && (!m.filled || m.LateMax == 0) {
		least := time.Duration(defaultLateMin)
		if m.LateMax > 0 {
			least = min(least, m.LateMax)
		}
		m.LateMin = orDefault(m.LateMin, least)
		if m.LateMax == 0 {
			m.LateMax = max(defaultLateMax, m.LateMin)
		}
	}
	m.filled = true
}

// Check checks a Misbehavior that was built in Go and fills in its defaults. The
// error is of type [Faults].
func (m *Misbehavior) Check() error {
	m.fill()
	doc := tomlfault.New("misbehavior")
	checkMisbehavior(rules{doc, ""}, m)
	return doc.Faults().Err()
}

func readMisbehaviors(r *reader) {
	for i, t := range r.groups {
		sub := t.Table("misbehave")
		if !t.IsTable("misbehave") {
			readMisbehavior(sub, new(Misbehavior)) // so that its keys are known
			continue
		}
		r.s.Groups[i].Misbehave = new(Misbehavior)
		readMisbehavior(sub, r.s.Groups[i].Misbehave)
	}
}

func readMisbehavior(t *tomlfault.Table, m *Misbehavior) {
	for _, s := range m.shares() {
		t.Percent(s.key, s.of)
	}
	readPositive(t, "reorder_for", &m.ReorderFor)
	if t.Duration("late_min", &m.LateMin) && m.LateMin == 0 {
		m.LateMin = None
	}
	readPositive(t, "late_max", &m.LateMax)
	t.Percent("withhold_puback", &m.WithholdPuback)
	t.Rate("flood", &m.Flood)
	t.SignedDuration("clock_skew", &m.ClockSkew)
	m.fill()
}

func checkMisbehaviors(c *checker) {
	for i := range c.s.Groups {
		if m := c.s.Groups[i].Misbehave; m != nil {
			checkMisbehavior(c.rules(groupPath(i)+".misbehave"), m)
		}
	}
}

func checkMisbehavior(r rules, m *Misbehavior) {
	sum, valid := 0.0, true
	for _, s := range append(m.shares(), share{"withhold_puback", &m.WithholdPuback}) {
		if !(*s.of >= 0 && *s.of <= 1) {
			r.errorf(s.key, "", "%s is %v; want 0 to 1", s.key, *s.of)
		}
		valid = valid && r.ok(s.key)
		if s.of != &m.WithholdPuback {
			sum += *s.of
		}
	}
	if valid && sum > 1+1e-9 {
		r.errorf("", "", "what goes wrong with answers adds up to %.4g%%; want at most 100%%: one answer gets one of it", sum*100)
	}
	for _, f := range []struct {
		key, of string
		set     bool
		share   float64
	}{
		{"reorder_for", "reorder", m.ReorderFor != 0, m.Reorder},
		{"late_min", "late", m.LateMin != 0, m.Late},
		{"late_max", "late", m.LateMax != 0, m.Late},
	} {
		if f.set && f.share == 0 && r.ok(f.of) {
			r.errorf(f.key, "add "+f.of+` = "5%", say`, "%s without %s", f.key, f.of)
		}
	}
	r.within("reorder_for", m.ReorderFor, 0, maxDelay)
	r.within("late_min", m.LateMin, 0, maxDelay)
	r.within("late_max", m.LateMax, 0, maxDelay)
	if m.LateMax < m.LateMin && r.ok("late_min", "late_max") {
		r.errorf("late_max", "", "late_max is %s; want at least late_min, %s", tomlfault.FormatDuration(m.LateMax), tomlfault.FormatDuration(m.LateMin))
	}
	if !(m.Flood >= 0 && m.Flood <= maxRate) {
		r.errorf("flood", "", "%v is out of range; want 0, for none, to 1000000 a second", m.Flood)
	}
	if m.ClockSkew < -maxPhase || m.ClockSkew > maxPhase {
		r.errorf("clock_skew", "", "clock_skew is %s; want at most a year, either way", tomlfault.FormatDuration(m.ClockSkew))
	}
}
