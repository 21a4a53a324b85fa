package fleet

import (
	"fmt"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// Failure is why a run is a failed one, whatever was expected of it.
type Failure struct {
	What string
	Hint string // what to look at; "": the cause says it
	Err  error  // the cause; nil: there is none but what What says
}

func (e *Failure) Error() string {
	switch {
	case e.Err == nil:
		return e.What
	case e.What == "":
		return e.Err.Error()
	}
	return e.What + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Failure) Unwrap() error { return e.Err }

// failure says why the run failed; nil is that it did not. res is what is known of it.
func (f *Fleet) failure(res *metrics.Result) *Failure {
	t, up, others, watchers := &res.Totals, f.Presence(), f.Controllers(), f.Watchers()
	err, measured := f.course.fault(), f.scenario.Measured()
	switch {
	case err != nil:
		return &Failure{Err: err}
	case f.course.cut:
		return nil
	case !measured && up.Devices > 0 && up.Seen == 0:
		return f.nobodyWithin("device", f.scenario.Duration)
	case !measured && up.Seen < up.Devices:
		return &Failure{What: fmt.Sprintf("%s of %s never came up", words.Grouped(int64(up.Devices-up.Seen)), words.Plural(int64(up.Devices), "device", "devices"))}
	case !measured:
		return nil
	case up.Devices > 0 && up.Seen == 0:
		return f.nobody("device", up, f.Refusal())
	case f.unfit() != nil && res.Measured == 0:
		return &Failure{What: "the broker cannot do what the scenario measures", Err: f.unfit()}
	case up.Devices > 0 && res.Measured == 0 && f.onlineAtEnd == 0 && f.course.endIfNobody:
		return f.gone(up)
	case others.Devices > 0 && others.Seen == 0:
		return f.nobody("controller", others, f.OtherRefusal())
	case watchers.Devices > 0 && watchers.Seen == 0:
		return f.nobody("watcher", watchers, f.OtherRefusal())
	case t.Planned > 0 && t.Sent == 0 && t.NotSent.NoRoom == t.NotSent.Total() && res.Failed():
		return nil // the broker took what the warm-up sent and no more: that is judged
	case t.Planned > 0 && t.Sent == 0:
		text := "none of the " + words.Grouped(t.Planned) + " planned requests was sent"
		if t.Planned == 1 {
			text = "the one planned request was not sent"
		}
		if n := &t.NotSent; n.TooLarge == n.Total() && n.TooLarge > 0 {
			text += ": too large for the broker's Maximum Packet Size"
		}
		if n := t.NotSent.Paused; n == t.Planned {
			text += ": somebody had paused the load"
		}
		return &Failure{What: text}
	case res.NoAnswers() != nil && res.Measured >= res.Duration:
		return &Failure{
			What: "no answer came to any of " + words.Plural(t.Sent, "request", "requests"),
			Hint: "are the devices there, and may they publish to the Response Topics? An expectation of answers.received or requests.answered says what else may be",
		}
	}
	return nil
}

// nobody is that nobody of a sort came up; refusal is the first for which one of them
// gave up.
func (f *Fleet) nobody(what string, all Presence, refusal error) *Failure {
	if all.GaveUp == all.Devices && refusal != nil {
		return &Failure{What: "no " + what + " came up", Err: refusal}
	}
	return f.nobodyWithin(what, f.scenario.Phases.Connect)
}

// gone is that devices came up, but none of them was there any more when the measuring was
// to begin.
func (f *Fleet) gone(up Presence) *Failure {
	text := fmt.Sprintf("%s came up and went again: none is online after %s", words.Plural(int64(up.Seen), "device", "devices"), words.Duration(f.scenario.Phases.Connect))
	if fault := f.FirstFault(); fault != nil {
		return &Failure{What: text + "; the first fault", Err: fault}
	}
	return &Failure{What: text}
}

// nobodyWithin names the first fault beside, which the others probably had too.
func (f *Fleet) nobodyWithin(what string, within time.Duration) *Failure {
	text := "no " + what + " came up within " + words.Duration(within)
	if fault := f.FirstFault(); fault != nil {
		return &Failure{What: text + "; the first fault", Err: fault}
	}
	return &Failure{What: text}
}
