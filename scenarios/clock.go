package scenarios

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"homefleet/scenarios/tomlfault"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// moment is a duration, or a time of day, perhaps of some days of the week.
type moment struct{ number[int64] }

// A time of day is read into At as clockMark and, above dayShift, its days, until takeClock
// takes it to where it belongs: no duration of a scenario is as long.
const (
	clockMark = time.Duration(1) << 62
	dayShift  = 48 // a day has fewer nanoseconds
)

func (f moment) read(t *tomlfault.Table, k *key, field reflect.Value) bool {
	if clock, ok := t.TimeOfDay(k.name); ok {
		t.Errorf(k.name, "did you mean \""+clock+"\"?", "%s is a TOML time; want text such as \"07:30\"", k.name)
		return false
	}
	_, isBool := t.IsBool(k.name)
	var text string
	if !t.Has(k.name) || isBool || t.IsNumber(k.name) || t.IsTable(k.name) || t.IsArray(k.name) || !t.Text(k.name, &text) {
		return f.number.read(t, k, field)
	}
	if days, at, ok := parseMoment(text); ok {
		field.SetInt(int64(clockMark + time.Duration(days)<<dayShift + at))
		return true
	}
	if strings.Contains(text, ":") || strings.IndexFunc(text, unicode.IsLetter) == 0 {
		t.Errorf(k.name, momentHint(text), "%s is %q; want a duration such as \"30s\", or a time of day such as \"07:30\" or \"Mon..Fri 07:30\"",
			k.name, tomlfault.Short(text))
		return false
	}
	return f.number.read(t, k, field)
}

func (f moment) words() string {
	return f.number.words() + ", or a time of day, `\"07:30\"`, `\"Mon..Fri 07:30\"` or `\"Sat,Sun 09:00\"`"
}

// takeClock takes a time of day that was read out of At.
func (i *Incident) takeClock() {
	if i.At >= clockMark {
		of := i.At - clockMark
		i.Clock, i.Days, i.At = new(of&(1<<dayShift-1)), Days(of>>dayShift), 0
	}
}

// byClock says when an incident is that happens at a time of day.
func (i *Incident) byClock(s *Scenario) {
	i.weekly = rhythm{}
	if i.Clock == nil || s.Time <= 0 {
		return
	}
	real := func(simulated time.Duration) time.Duration { return time.Duration(float64(simulated) / s.Time) }
	if i.Days == 0 {
		i.At = real((*i.Clock - s.TimeOfDay() + day) % day)
		if i.Every == 0 && i.Times != 1 {
			i.Every = real(day)
		}
		return
	}
	w := rhythm{length: max(real(week), 1)}
	for n := range 8 { // on the eighth day, what was earlier on the first
		since := time.Duration(n)*day + *i.Clock - s.TimeOfDay()
		if since < 0 || since >= week || !i.Days.has(int(s.Start/day)+n) {
			continue
		}
		if w.n == 0 {
			i.At = real(since)
		}
		w.from[w.n] = real(since) - i.At
		w.n++
	}
	if i.Times != 1 {
		i.weekly = w
	}
}

// TimeOfDay returns the simulated time of day at the start, since midnight.
func (s *Scenario) TimeOfDay() time.Duration { return s.Start % day }

// rhythm is when an incident happens that does so on some days of each week, in real time. The
// zero value is none.
type rhythm struct {
	n      int              // times a week, up to 7
	from   [7]time.Duration // since the first of all; from[0] is 0
	length time.Duration    // of a week
}

// nth returns when the nth time is, since the first: at most two years, which is more than a
// run takes.
func (r *rhythm) nth(n int) time.Duration {
	weeks := time.Duration(n / r.n)
	if weeks > 2*maxPhase/r.length {
		return 2 * maxPhase
	}
	return weeks*r.length + r.from[n%r.n]
}

// gap is the shortest time from one to the next.
func (r *rhythm) gap() time.Duration {
	shortest := r.length - r.from[r.n-1]
	for n := 1; n < r.n; n++ {
		shortest = min(shortest, r.from[n]-r.from[n-1])
	}
	return shortest
}

// Days are days of the week, Monday in the lowest bit. The zero value is none of them.
type Days uint8

var dayNames = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// has reports whether a day is one of them, counted from a Monday.
func (d Days) has(n int) bool { return d>>(n%7)&1 == 1 }

// String returns "Mon..Fri", or "Sat,Sun".
func (d Days) String() string {
	var all []string
	for n := 0; n < 7; n++ {
		if !d.has(n) {
			continue
		}
		last := n
		for last < 6 && d.has(last+1) {
			last++
		}
		if last < n+2 {
			all = append(all, dayNames[n])
			continue
		}
		all = append(all, dayNames[n]+".."+dayNames[last])
		n = last
	}
	return strings.Join(all, ",")
}

// ByClock returns at which time of day the incident happens, as "Mon..Fri 07:30"; "" if that
// does not follow from the clock.
func (i *Incident) ByClock() string {
	if i.Clock == nil {
		return ""
	}
	layout := "15:04"
	if *i.Clock%time.Minute != 0 {
		layout = "15:04:05"
	}
	return strings.TrimSpace(i.Days.String() + " " + time.Time{}.Add(*i.Clock).Format(layout))
}

// parseMoment reads a time of day, "07:30", perhaps with days, "Mon..Fri 07:30"; without, days
// is 0.
func parseMoment(text string) (days Days, since time.Duration, ok bool) {
	on, clock, withDays := strings.Cut(text, " ")
	if !withDays {
		clock = text
	}
	if since, ok = parseClock(clock); ok && withDays {
		days, ok = parseDays(on)
	}
	return days, since, ok
}

// parseDays reads days of the week as "Mon", "Mon..Fri", "Sat,Sun" or "Fri..Mon,Wed".
func parseDays(text string) (days Days, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "..")
		if !isRange {
			last = first
		}
		from, to := dayByName(first), dayByName(last)
		if from < 0 || to < 0 {
			return 0, false
		}
		for n := from; ; n = (n + 1) % 7 {
			days |= 1 << n
			if n == to {
				break
			}
		}
	}
	return days, true
}

func dayByName(name string) int {
	for n, of := range dayNames {
		if of == name {
			return n
		}
	}
	return -1
}

// momentHint says what may have been meant by a text that is no time of day.
func momentHint(text string) string {
	days, clock := likelyMoment(text)
	switch near := strings.TrimSpace(days + " " + clock); {
	case clock != "":
		if _, _, ok := parseMoment(near); ok {
			return fmt.Sprintf("did you mean %q?", near)
		}
	case days != "":
		if _, ok := parseDays(days); ok {
			return fmt.Sprintf("add the time of day, as in %q", days+" 07:30")
		}
	}
	return ""
}
