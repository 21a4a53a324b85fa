package metrics

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"homefleet/devices/words"
)

// figures lists the numbers, for what is done to all of them alike.
func (t *WillTotals) figures() [19]*int64 {
	return [...]*int64{
		&t.Outages, &t.Due, &t.NotDue, &t.OnTime, &t.Early, &t.Late, &t.Missing, &t.Unwatched,
		&t.Messages, &t.Duplicate, &t.Unexpected, &t.Altered, &t.Consumed, &t.Learned,
		&t.AuditorAway, &t.RunEnded, &t.BrokerGone, &t.NotDueUnwatched, &t.MaybeDue,
	}
}

// Add adds what another part of the fleet counted.
func (t *WillTotals) Add(o WillTotals) {
	theirs := o.figures()
	for i, n := range t.figures() {
		*n += *theirs[i]
	}
}

// Came returns how many of the due Wills came, whenever it was.
func (t *WillTotals) Came() int64 { return t.OnTime + t.Early + t.Late }

// Judged returns how many of the due Wills were judged: what is said of Wills
// that came, or did not, rests on these.
func (t *WillTotals) Judged() int64 { return t.Due - t.Unwatched }

// Watched returns during how many of the outages the auditor was there, so that a
// Will that was not due would have been seen.
func (t *WillTotals) Watched() int64 { return t.Outages - t.Unwatched - t.NotDueUnwatched }

// Check returns an error that names every sum that does not hold, or nil.
func (t *WillTotals) Check() error {
	var f sumFaults
	f.equal("outages = due + not due", t.Outages, t.Due+t.NotDue)
	f.equal("due = on time + early + late + missing + unwatched", t.Due, t.Came()+t.Missing+t.Unwatched)
	f.equal("messages = on time + early + late + duplicate + unexpected", t.Messages, t.Came()+t.Duplicate+t.Unexpected)
	// Documents of before have no reasons.
	f.atMost("the reasons why are of the unwatched", t.AuditorAway+t.RunEnded+t.BrokerGone, t.Unwatched)
	f.atMost("unwatched and not due are of the not due", t.NotDueUnwatched, t.NotDue)
	f.atMost("maybe due are of the not due", t.MaybeDue, t.NotDue)
	f.atMost("altered are of the messages", t.Altered, t.Messages)
	f.atMost("consumed are of the outages", t.Consumed, t.Outages)
	f.atMost("learned are of the consumed", t.Learned, t.Consumed)
	for _, n := range t.figures() {
		f.atMost("no number is negative", -*n, 0)
	}
	return f.err()
}

// Check returns an error that names every sum that does not hold, or nil. An
// error means that this tool, not the broker, is broken.
func (a *Audit) Check() error {
	var errs []error
	if err := a.Wills.Check(); err != nil {
		errs = append(errs, fmt.Errorf("of the Wills: %w", err))
	}
	var sum WillTotals
	seen := make(map[string]bool)
	for i := range a.Ways {
		w := &a.Ways[i]
		if err := w.Check(); err != nil {
			errs = append(errs, fmt.Errorf("of the Wills of the way %q: %w", w.Way, err))
		}
		if seen[w.Way] {
			errs = append(errs, fmt.Errorf("the way %q is there twice", w.Way))
		}
		seen[w.Way] = true
		sum.Add(w.WillTotals)
	}
	if sum != a.Wills {
		errs = append(errs, fmt.Errorf("the ways to go add up to %+v, the Wills to %+v", sum, a.Wills))
	}
	if t := a.Retained; t != nil {
		var f sumFaults
		f.equal("checked = right + stale + missing + wrong", t.Checked, t.Right+t.Stale+t.Missing+t.Wrong)
		if err := f.err(); err != nil {
			errs = append(errs, fmt.Errorf("of what the broker retained: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Check returns an error that names what cannot be, or nil.
func (r *Recovery) Check() error {
	errs := []error{r.Online.check("online", r.Affected)}
	if r.Overlap < 0 || r.Overlap > r.Affected {
		errs = append(errs, fmt.Errorf("%d of %d devices were struck by another incident as well", r.Overlap, r.Affected))
	}
	if r.Answering != nil {
		errs = append(errs, r.Answering.check("answering", r.Affected))
	}
	if r.Reconnects != nil {
		var online int64
		for _, n := range r.Reconnects.Online {
			online += n
		}
		if online > r.Online.Count {
			errs = append(errs, fmt.Errorf("the herd has %s devices come online, of %s", words.Grouped(online), words.Grouped(r.Online.Count)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("of the recovery from %s: %w", r.title(), err)
	}
	return nil
}

// check looks at the times of a number of devices.
func (t *Times) check(what string, affected int64) error {
	var f sumFaults
	f.atMost(what+" are of the affected", t.Count, affected)
	last := Span(0)
	for _, at := range []struct {
		name string
		at   *Span
		need int64 // devices
	}{
		{"half", t.Half, (affected + 1) / 2}, {"most", t.Most, affected - affected/100}, {"all", t.All, affected},
	} {
		switch got := affected > 0 && t.Count >= at.need; {
		case got && at.at == nil:
			f.add(fmt.Sprintf("%s: %d of %d were there, and there is no time for %s", what, t.Count, affected, at.name))
		case !got && at.at != nil:
			f.add(fmt.Sprintf("%s: %d of %d were there, and there is a time for %s", what, t.Count, affected, at.name))
		}
		if at.at == nil {
			continue
		}
		if *at.at < last {
			f.add(fmt.Sprintf("%s: %s took %v, which is less than %v", what, at.name, *at.at, last))
		}
		last = *at.at
	}
	return f.err()
}

// title names the recovery in a sentence: "power-cut at 15s (naive)".
func (r *Recovery) title() string {
	text := fmt.Sprintf("%s at %v", r.Incident, r.At)
	var of []string
	if r.Group != "" {
		of = append(of, r.Group)
	}
	if r.Shard != "" {
		of = append(of, "shard "+r.Shard)
	}
	if of != nil {
		text += " (" + strings.Join(of, ", ") + ")"
	}
	return text
}

// sumFaults gathers the sums that do not hold.
type sumFaults []string

func (f *sumFaults) add(text string) { *f = append(*f, text) }

func (f *sumFaults) equal(what string, got, want int64) {
	if got != want {
		f.add(fmt.Sprintf("%s: %d is not %d", what, got, want))
	}
}

func (f *sumFaults) atMost(what string, a, b int64) {
	if a > b {
		f.add(fmt.Sprintf("%s: %d is more than %d", what, a, b))
	}
}

func (f *sumFaults) err() error {
	if *f == nil {
		return nil
	}
	return fmt.Errorf("the sums do not hold: %s", strings.Join(*f, "; "))
}

// ofWills is the value of a figure of all Wills.
func ofWills(part, whole func(*WillTotals) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (v, all float64, ok bool) {
		if s.Audit == nil {
			return 0, 0, false
		}
		if whole != nil {
			all = float64(whole(&s.Audit.Wills))
		}
		return float64(part(&s.Audit.Wills)), all, true
	}
}

func outagesOf(t *WillTotals) int64  { return t.Outages }
func dueOf(t *WillTotals) int64      { return t.Due }
func messagesOf(t *WillTotals) int64 { return t.Messages }

// ofRetained is the value of a figure of what the broker retained.
func ofRetained(part func(*RetainedTotals) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (float64, float64, bool) {
		if s.Audit == nil || s.Audit.Retained == nil {
			return 0, 0, false
		}
		return float64(part(s.Audit.Retained)), float64(s.Audit.Retained.Checked), true
	}
}

// ofRecoveries is the value of a sum over all recoveries that befell a device.
func ofRecoveries(part, whole func(*Recovery) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (v, all float64, ok bool) {
		for i := range s.Recoveries {
			r := &s.Recoveries[i]
			ok = ok || r.Affected > 0
			v += float64(part(r))
			if whole != nil {
				all += float64(whole(r))
			}
		}
		if m := s.RecoveriesLeftOut; m != nil {
			r := Recovery{Affected: m.Affected, Online: Times{Count: m.Online}, Attempts: m.Attempts}
			v += float64(part(&r))
			if whole != nil {
				all += float64(whole(&r))
			}
		}
		return v, all, ok
	}
}

func affectedOf(r *Recovery) int64 { return r.Affected }

// recoveryPart is one of the times of a recovery.
type recoveryPart struct {
	times func(*Recovery) *Times // nil: nobody asked
	at    func(*Times) *Span
}

func onlineOf(r *Recovery) *Times    { return &r.Online }
func answeringOf(r *Recovery) *Times { return r.Answering }
func halfOf(t *Times) *Span          { return t.Half }
func mostOf(t *Times) *Span          { return t.Most }
func allOf(t *Times) *Span           { return t.All }

// worst is the longest time over all recoveries: +Inf if one never got there.
func (p recoveryPart) worst(s *Snapshot, _ Label) (v, whole float64, ok bool) {
	for i := range s.Recoveries {
		r := &s.Recoveries[i]
		t := p.times(r)
		if t == nil || r.Affected == 0 {
			continue
		}
		ok = true
		if at := p.at(t); at != nil {
			v = max(v, float64(time.Duration(*at)))
		} else {
			v = math.Inf(1)
		}
	}
	return v, 0, ok
}

// missing says of the gravest recovery that never got there how many devices
// it lacks.
func (p recoveryPart) missing(s *Snapshot) string {
	var worst *Recovery
	lacks := int64(0)
	for i := range s.Recoveries {
		r := &s.Recoveries[i]
		if t := p.times(r); t != nil && r.Affected > 0 && p.at(t) == nil && (worst == nil || r.Affected-t.Count > lacks) {
			worst, lacks = r, r.Affected-t.Count
		}
	}
	if worst == nil {
		return ""
	}
	verb := "come back"
	if p.times(worst) == worst.Answering {
		verb = "answer"
	}
	return fmt.Sprintf("%s of %s did not %s after %s", words.Grouped(lacks), words.Plural(worst.Affected, "device", "devices"), verb, worst.title())
}

// recoveryParts are the times by the names of their metrics.
var recoveryParts = map[string]recoveryPart{
	"recovery.half":           {onlineOf, halfOf},
	"recovery.most":           {onlineOf, mostOf},
	"recovery.all":            {onlineOf, allOf},
	"recovery.answering.half": {answeringOf, halfOf},
	"recovery.answering.most": {answeringOf, mostOf},
	"recovery.answering.all":  {answeringOf, allOf},
}

// ofRecovery reports whether a metric has its value from recoveries.
func ofRecovery(metric string) bool {
	_, timed := recoveryParts[metric]
	return timed || metric == "devices.recovered" || metric == "devices.affected" || metric == "reconnect.attempts"
}
