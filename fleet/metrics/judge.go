package metrics

import (
	"fmt"
	"time"

	"homefleet/devices/words"
)

// DefaultDelayBound is how late the generator may be with a request before
// that counts against it.
const DefaultDelayBound = 10 * time.Millisecond

// Generator is what the generator finds about itself.
type Generator struct {
	Saturated bool     `json:"saturated"`
	Sentence  string   `json:"sentence"`
	Remarks   []string `json:"remarks,omitempty"` // worth knowing, and no reason to distrust the result
	Bound     Span     `json:"bound"`             // of the schedule delay
	Sent      int64    `json:"sent"`              // requests
	Behind    int64    `json:"behind"`            // of these, later than planned by more than the bound
	Dropped   int64    `json:"dropped"`           // planned, and not sent for reasons of its own
}

// JudgeGenerator finds out whether the generator itself was too slow for the
// plan, so that the result says more of it than of the broker. bound is the
// schedule delay that is let pass; 0 means [DefaultDelayBound].
//
// It was saturated if it failed more than 1 % of its requests: those that it
// sent later than the bound, and those that it did not send for reasons of its
// own, of all that it had the chance to send. One of a million decides nothing.
// A single pause in a short run is not held against it either: there must be ten
// such requests, or half of all. What flow control held back is in neither.
//
// The bound is a fixed time, and not a part of the response time, because the
// schedule delay is contained in the response time and shown beside it: it
// never makes a broker look better. Where it is a tenth of the median response
// time or more, a remark says so.
func JudgeGenerator(s *Snapshot, bound time.Duration) Generator {
	if bound <= 0 {
		bound = DefaultDelayBound
	}
	delay := s.Series[Series{Metric: ScheduleDelay}]
	g := Generator{
		Bound: Span(bound), Sent: delay.Count(), Behind: delay.Above(bound), Dropped: s.Totals.NotSent.Own(),
	}
	failed, all := g.Behind+g.Dropped, g.Sent+g.Dropped
	g.Saturated = failed*100 > all && (failed >= 10 || failed*2 > all)
	switch {
	case g.Saturated && g.Dropped > 0 && g.Behind > 0:
		g.Sentence = fmt.Sprintf("the generator dropped %s and %s: the result says more of it than of the broker", g.drops(s), g.lag())
	case g.Saturated && g.Dropped > 0:
		g.Sentence = fmt.Sprintf("the generator dropped %s: the result says more of it than of the broker", g.drops(s))
	case g.Saturated:
		g.Sentence = fmt.Sprintf("%s: the result says more of the generator than of the broker", g.lag())
	case g.Sent == 0:
		g.Sentence = "the generator sent nothing"
	default:
		g.Sentence = fmt.Sprintf("the generator kept to its plan: at most %v late, %s of %s requests by more than %v",
			delay.Max().Round(time.Microsecond), words.Grouped(g.Behind), words.Grouped(g.Sent), bound)
		if g.Dropped > 0 {
			g.Sentence += fmt.Sprintf("; it dropped %s", g.drops(s))
		}
	}
	response := s.Series[Series{Metric: ResponseTime}]
	if d, r := delay.Percentile(50), response.Percentile(50); g.Sent > 0 && response.Count() > 0 && d*10 >= r && r > 0 {
		g.Remarks = append(g.Remarks, fmt.Sprintf(
			"half of the requests left %v or more after their planned moment, against a median response time of %v: look at the service time too", d, r))
	}
	if n := delay.Clamped(); n > 0 {
		g.Remarks = append(g.Remarks, fmt.Sprintf("%s left before the planned moment or more than an hour after it", words.Plural(n, "request", "requests")))
	}
	return g
}

func (g *Generator) drops(s *Snapshot) string {
	n := &s.Totals.NotSent
	switch {
	case n.LedgerFull == 0:
		return fmt.Sprintf("%s of %s planned requests because it was late", words.Grouped(g.Dropped), words.Grouped(s.Totals.Planned))
	case n.GeneratorLate == 0:
		return fmt.Sprintf("%s of %s planned requests because too many were outstanding", words.Grouped(g.Dropped), words.Grouped(s.Totals.Planned))
	}
	return fmt.Sprintf("%s of %s planned requests (%s late, %s because too many were outstanding)",
		words.Grouped(g.Dropped), words.Grouped(s.Totals.Planned), words.Grouped(n.GeneratorLate), words.Grouped(n.LedgerFull))
}

func (g *Generator) lag() string {
	return fmt.Sprintf("%s of %s requests (%s) left more than %v after their planned moment",
		words.Grouped(g.Behind), words.Grouped(g.Sent), words.Percent(share(float64(g.Behind), float64(g.Sent)), 1), time.Duration(g.Bound))
}
