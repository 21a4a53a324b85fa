package report

import (
	"fmt"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// deliveryName says whose deliveries a row is of.
func deliveryName(d *metrics.Delivery) string {
	who := "to " + clean(d.Watcher)
	switch {
	case d.Shared:
		who += fmt.Sprintf(", %d with one shared subscription", d.Watchers)
	case d.Watchers > 1:
		who += fmt.Sprintf(", %d of them", d.Watchers)
	}
	return fmt.Sprintf("%s, at QoS %d", who, d.QoS)
}

// partlyJudged says how many of the messages of a row were judged, where it was not
// all that were sent, or "".
func partlyJudged(t *metrics.DeliveryTotals) string {
	if t.Unjudged() == 0 {
		return ""
	}
	return "partly judged: " + words.Grouped(t.Expected()) + " of " + words.Grouped(t.Sent)
}

// deliverySum is the equation of a row: what was sent, and where it is. What there
// is none of is left out, but for what came.
func deliverySum(t *metrics.DeliveryTotals) sum {
	parts := []namedCount{{"delivered", t.Delivered, ""}}
	return newSum("sent", t.Sent, append(parts, nonZero([]namedCount{
		{"altered", t.Altered, ""}, {"lost", t.Lost, ""}, {"refused", t.Refused, ""}, {"unconfirmed", t.Unconfirmed, ""},
		{"unwatched", t.Unwatched, ""}, {"unfinished", t.Unfinished, ""}, {"outstanding", t.Outstanding, ""},
	})...)...)
}

// deliveriesBeside are the messages that came and are none of those that were to.
func deliveriesBeside(t *metrics.DeliveryTotals) []namedCount {
	return []namedCount{
		{"duplicate", t.Duplicate, "came once more, for no reason"},
		{"redelivered", t.Redelivered, "came once more after a reconnect, which is allowed at QoS 1"},
		{"reordered", t.Reordered, "came behind a later one of their topic"},
		{"other QoS", t.OtherQoS, "came with another QoS than they were to"},
		{"with RETAIN 1", t.OtherRetain, "though not out of the broker's store (3.3.1-12)"},
		{"misrouted", t.Misrouted, "came to a watcher whose topics they do not match"},
		{"never sent", t.NeverSent, "say that they are a message that was never sent"},
		{"forgotten", t.Forgotten, "came long after they were given up, or once more"},
		{"without a sequence", t.Unstamped, "on the topics of states and telemetry"},
		{"with an altered sequence", t.BadStamp, ""},
		{"of another process or run", t.Foreign, "not judged here"},
		{"retained", t.FromStore, "for a new subscription"},
	}
}

// deliveries writes what became of states and telemetry on their way to watchers.
func (w *writer) deliveries(r *metrics.Result) {
	if len(r.Deliveries) == 0 {
		return
	}
	w.heading("states and telemetry to watchers")
	for i := range r.Deliveries {
		d := &r.Deliveries[i]
		name := deliveryName(d)
		if part := partlyJudged(&d.DeliveryTotals); part != "" {
			name += ", " + part
		}
		w.wrapped(2, name)
		s := deliverySum(&d.DeliveryTotals)
		var parts []string
		for _, p := range s.Parts {
			parts = append(parts, p.Name+" "+p.Value)
		}
		text, bad := s.Whole.Name+" "+s.Whole.Value+" = "+strings.Join(parts, " + "), d.Lost+d.Altered > 0
		if !s.Holds {
			text, bad = text+": DOES NOT HOLD", true
		}
		w.painted(4, text, bad)
		parts = nil
		for _, c := range nonZero(deliveriesBeside(&d.DeliveryTotals)) {
			parts = append(parts, c.name+" "+words.Grouped(c.n))
		}
		if parts != nil {
			w.painted(4, "beside these: "+strings.Join(parts, ", "), d.Duplicate+d.Reordered > 0)
		}
	}
}

// painted is wrapped for what may be bad.
func (w *writer) painted(indent int, text string, bad bool) {
	for _, l := range wrap(text, w.width-indent) {
		if bad {
			l = w.paint(Bad, l)
		}
		w.line(strings.Repeat(" ", indent), l)
	}
}

// deliveryBlock is a row as the page shows it.
type deliveryBlock struct {
	Name   string
	Partly string // how many were judged, where it was not all
	Sum    sum
	Pairs  []pair
}

func newDeliveries(r *metrics.Result) (all []deliveryBlock) {
	for i := range r.Deliveries {
		d := &r.Deliveries[i]
		b := deliveryBlock{Name: capital(deliveryName(d)), Partly: partlyJudged(&d.DeliveryTotals), Sum: deliverySum(&d.DeliveryTotals)}
		for _, c := range nonZero(deliveriesBeside(&d.DeliveryTotals)) {
			b.Pairs = append(b.Pairs, pair{capital(c.name), words.Grouped(c.n), c.help})
		}
		all = append(all, b)
	}
	return all
}
