package metrics

import (
	"fmt"
	"time"

	"homefleet/devices/words"
)

// unanswered returns how many of the outcomes' requests have no answer for
// certain.
func (o *Outcomes) unanswered() int64 { return o.Lost + o.Refused + o.unsent() }

// unsent returns how many were not sent for another reason than that somebody had paused
// the load: of those nobody knows what would have become.
func (o *Outcomes) unsent() int64 { return o.NotSent - o.Paused }

// wanted returns how many were planned and not paused.
func (o *Outcomes) wanted() int64 { return o.Planned - o.Paused }

// unanswered is the same of a ledger, of whose lost requests some are lost only
// since the run ended before their time-out.
func (t *Totals) unanswered() int64 {
	return t.Lost - t.Unfinished + t.Refused + t.NotSent.Total() - t.NotSent.Paused
}

// checkUnanswered returns an error if the response time is not over the plan.
func (r *Result) checkUnanswered() error {
	got := r.Series[Series{Metric: ResponseTime}].Unanswered()
	if want := r.Totals.unanswered(); got != want {
		return fmt.Errorf("the histogram of %s holds %s without an answer; the ledger has %s",
			ResponseTime, words.Plural(got, "request", "requests"), words.Grouped(want))
	}
	return nil
}

// fillUnanswered makes response times be over the plan in a document that was
// written before they were: it has answers alone in them, and in the ledger what
// there was beside. When those were given up is taken to be the time-out.
func (r *Result) fillUnanswered() {
	if r.Totals.unanswered() == 0 {
		return
	}
	for _, h := range r.Series {
		if h.Unanswered() > 0 {
			return
		}
	}
	after := time.Duration(r.Load.Timeout)
	all := Series{Metric: ResponseTime}
	if r.Series[all] == nil {
		if r.Series == nil {
			r.Series = make(Distributions)
		}
		r.Series[all] = new(Histogram)
	}
	r.Series[all].RecordUnanswered(r.Totals.unanswered(), after)
	for _, l := range r.ByLabel {
		if h := r.Series[Series{ResponseTime, l.Label}]; h != nil {
			h.RecordUnanswered(l.unanswered(), after)
		}
	}
	if r.TimeLine == nil {
		return
	}
	for i := range r.TimeLine.Points {
		p := &r.TimeLine.Points[i]
		if n := p.unanswered(); n > 0 {
			if p.Response == nil {
				p.Response = newCoarse()
			}
			p.Response.RecordUnanswered(n, after)
		}
	}
}
