package scenarios

import (
	"time"

	"homefleet/devices/words"
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

// misbehaviorKeys are the keys of a [device.misbehave].
var misbehaviorKeys = describe[Misbehavior](table{name: "[device.misbehave]", keys: []key{
	{name: "drop", form: share(""), defDoc: "`\"0%\"`", doc: "no answer"},
	{name: "duplicate", form: share(""), defDoc: "`\"0%\"`", doc: "the answer twice"},
	{name: "wrong_correlation", form: share(""), defDoc: "`\"0%\"`", doc: "one byte of the Correlation Data differs"},
	{name: "no_correlation", form: share(""), defDoc: "`\"0%\"`", doc: "no Correlation Data"},
	{name: "wrong_topic", form: share(""), defDoc: "`\"0%\"`", doc: "to the Response Topic with `/wrong` behind it"},
	{name: "error", form: share(""), defDoc: "`\"0%\"`", doc: "with a User Property `error`, and nothing done"},
	{name: "reorder", form: share(""), defDoc: "`\"0%\"`", example: `"5%"`, doc: "held until the next answer has gone, at most `reorder_for`"},
	{name: "late", form: share(""), defDoc: "`\"0%\"`", example: `"5%"`, doc: "held back by a time from `late_min` to `late_max`"},
	{name: "reorder_for", form: span(1, maxDelay), needs: "reorder", defDoc: "`\"1s\"`", doc: "how long at most"},
	{name: "late_min", form: span(0, maxDelay), needs: "late", defDoc: "`\"1s\"`", doc: "how late at least"},
	{name: "late_max", form: span(1, maxDelay), needs: "late", least: "late_min", defDoc: "`\"3s\"`", doc: "how late at most"},
	{name: "withhold_puback", form: share(""), defDoc: "`\"0%\"`", doc: "of the commands at QoS 1 and 2: PUBACK or PUBREC is never sent"},
	{name: "flood", form: rate("none"), doc: "telemetry messages of each device beside the regular ones"},
	{name: "clock_skew", form: either(maxPhase), defDoc: "`\"0s\"`", doc: "how far the clock in its telemetry is ahead: `\"-3h\"` is behind"},
}})

const ofAnswers = 8 // so many of the keys are shares of the answers

// treated is the share of answers that are treated in some way.
func (m *Misbehavior) treated() float64 {
	return m.Drop + m.Duplicate + m.WrongCorrelation + m.NoCorrelation + m.WrongTopic + m.Error + m.Reorder + m.Late
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
		switch m.LateMin {
		case 0:
			m.LateMin = least
		case None:
			m.LateMin = 0
		}
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
	checkMisbehavior(rules{doc: doc}, m)
	return doc.Faults().Err()
}

func readMisbehavior(t *tomlfault.Table, m *Misbehavior) {
	misbehaviorKeys.read(t, m)
	if t.Holds("late_min") && m.LateMin == 0 {
		if m.Late > 0 {
			m.LateMin = None
		} else {
			t.Errorf("late_min", misbehaviorKeys.key("late").add(), "late_min without late")
		}
	}
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
	misbehaviorKeys.check(r, m)
	for i := range ofAnswers {
		if !r.ok(misbehaviorKeys.keys[i].name) {
			return
		}
	}
	if sum := m.treated(); sum > 1+1e-9 {
		r.errorf("", "", "what goes wrong with answers adds up to %s; want at most 100%%: one answer gets one of it", words.Percent(100*sum, 2))
	}
}
