package scenarios

import (
	"reflect"
	"time"

	"homefleet/scenarios/tomlfault"
)

// moment is a duration, or a time of day.
type moment struct{ number[int64] }

// clockMark is added to a time of day as it is read, until takeClock takes it to where it
// belongs: no duration of a scenario is as long.
const clockMark = time.Duration(1) << 62

func (f moment) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	var text string
	_, isBool := t.IsBool(k.name)
	_, isClock := t.TimeOfDay(k.name)
	if t.Has(k.name) && !isBool && !isClock && !t.IsNumber(k.name) && !t.IsTable(k.name) && !t.IsArray(k.name) && t.Text(k.name, &text) {
		if at, ok := parseClock(text); ok {
			field.SetInt(int64(clockMark + at))
			return true
		}
	}
	return f.number.read(t, k, field)
}

func (f moment) words() string { return f.number.words() + ", or a time of day, `\"07:30\"`" }

// takeClock takes a time of day that was read out of At.
func (i *Incident) takeClock() {
	if i.At >= clockMark {
		i.Clock, i.At = new(i.At-clockMark), 0
	}
}

// byClock says when an incident is that happens at a time of day.
func (i *Incident) byClock(s *Scenario) {
	const day = 24 * time.Hour
	if i.Clock == nil || s.Time <= 0 {
		return
	}
	real := func(simulated time.Duration) time.Duration { return time.Duration(float64(simulated) / s.Time) }
	i.At = real(((*i.Clock-s.Start)%day + day) % day)
	if i.Every == 0 && i.Times != 1 {
		i.Every = real(day)
	}
}
