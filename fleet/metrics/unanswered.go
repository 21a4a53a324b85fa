package metrics

import (
	"fmt"
	"time"

	"homefleet/devices/words"
)

// unanswered returns how many of the outcomes' requests have no answer for
// certain.
func (o *Outcomes) unanswered() int64 { return o.Lost + o.Refused + o.NotSent }

// unanswered is the same of a ledger, of whose lost requests some are lost only
// since the run ended before their time-out.
func (t *Totals) unanswered() int64 {
	return t.Lost - t.Unfinished + t.Refused + t.NotSent.Total()
}

// checkUnanswered returns an error if the response time is not over the plan.
func (r *Result) checkUnanswered() error {
	var got int64
	for _, s := range r.Series {
		if s.Metric == ResponseTime.String() && s.By == "" {
			got = s.Histogram.Unanswered()
		}
	}
	if want := r.Ledger.unanswered(); got != want {
		return fmt.Errorf("the histogram of %s holds %s without an answer; the ledger has %s",
			ResponseTime, words.Plural(got, "request", "requests"), words.Grouped(want))
	}
	return nil
}

// fillUnanswered makes response times be over the plan in a document that was
// written before they were: it has answers alone in them, and in the ledger what
// there was beside. When those were given up is taken to be the time-out.
func (r *Result) fillUnanswered() {
	if r.Ledger.unanswered() == 0 {
		return
	}
	for _, s := range r.Series {
		if s.Histogram.Unanswered() > 0 {
			return
		}
	}
	after := time.Duration(r.Load.Timeout)
	known := false
	for i := range r.Series {
		if s := &r.Series[i]; s.Metric == ResponseTime.String() {
			if s.By == "" {
				known = true
				s.Histogram.RecordUnanswered(r.Ledger.unanswered(), after)
			}
			for _, l := range r.ByLabel {
				if l.By == s.By && l.Name == s.Name {
					s.Histogram.RecordUnanswered(l.unanswered(), after)
				}
			}
		}
	}
	if !known {
		h := new(Histogram)
		h.RecordUnanswered(r.Ledger.unanswered(), after)
		r.Series = append(r.Series, SeriesResult{Metric: ResponseTime.String(), Histogram: h, Over: ResponseTime.Over()})
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
