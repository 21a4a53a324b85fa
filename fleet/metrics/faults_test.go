package metrics

import (
	"slices"
	"strings"
	"testing"
)

// Whatever goes wrong is told of, and not where an expectation is about it; what that
// does to the verdict is in TestVerdictNeedsEvidence.
func TestFaultsAreToldOf(t *testing.T) {
	good := func() *Result {
		r := new(Result)
		r.Totals = Totals{Planned: 100, Sent: 100, Answered: 100, Answers: 100}
		r.Deliveries = []Delivery{{Watcher: "w", DeliveryTotals: DeliveryTotals{Sent: 100, Delivered: 100}}}
		r.Audit = &Audit{Wills: WillTotals{Outages: 10, Due: 10, OnTime: 10, Messages: 10}, Retained: &RetainedTotals{Checked: 10, Right: 10}}
		r.Counts = map[string]int64{}
		return r
	}
	if got := good().faults(); got != "" {
		t.Fatalf("the faults of a run without one are %q; want none", got)
	}
	stories := map[string]func(*Result){
		"7 of 100 requests were lost (7%)": func(r *Result) {
			r.Totals.Answered, r.Totals.Answers, r.Totals.Lost, r.Totals.MissingAnswers = 93, 93, 7, 7
		},
		"7 of 100 requests were answered late (7%)":     func(r *Result) { r.Totals.Answered, r.Totals.Late = 93, 7 },
		"7 answers too many":                            func(r *Result) { r.Totals.Duplicates = 7 },
		"7 answers were misrouted":                      func(r *Result) { r.Totals.Misrouted.Topic = 7 },
		"7 answers were corrupted":                      func(r *Result) { r.Totals.Corrupted.Content = 7 },
		"7 unknown answers":                             func(r *Result) { r.Totals.Unknown.Run = 7 },
		"7 answers were to altered requests":            func(r *Result) { r.Totals.AlteredRequests = 7 },
		"7 answers, or their requests, had another QoS": func(r *Result) { r.Totals.OtherQoS.Requests = 7 },
		"7 answers had RETAIN 1":                        func(r *Result) { r.Totals.OtherRetain = 7 },
		"7 of 100 answers had no checksum (7%)":         func(r *Result) { r.Totals.Unchecked = 7 },
		"7 of 100 deliveries were lost (7%)":            func(r *Result) { d := &r.Deliveries[0]; d.Delivered, d.Lost = 93, 7 },
		"7 of 100 deliveries were altered (7%)":         func(r *Result) { d := &r.Deliveries[0]; d.Delivered, d.Altered = 93, 7 },
		"7 deliveries too many":                         func(r *Result) { r.Deliveries[0].Duplicate = 7 },
		"7 of 100 deliveries came out of order (7%)":    func(r *Result) { r.Deliveries[0].Reordered = 7 },
		"7 of 10 Wills were missing (70%)":              func(r *Result) { w := &r.Audit.Wills; w.OnTime, w.Missing, w.Messages = 3, 7, 3 },
		"7 of 10 Wills were altered (70%)":              func(r *Result) { r.Audit.Wills.Altered = 7 },
		"7 of 10 retained messages were wrong (70%)":    func(r *Result) { r.Audit.Retained.Right, r.Audit.Retained.Wrong = 3, 7 },
		"7 acknowledgements of nothing":                 func(r *Result) { r.Counts["acks.stray"] = 7 },
		"7 acknowledgements that did not come":          func(r *Result) { r.Counts["acks.missing"] = 7 },
		"7 messages of devices were refused":            func(r *Result) { r.Counts["devices.refused"] = 7 },
		"7 bad packets of the broker":                   func(r *Result) { r.Counts["connections.bad_packets"] = 7 },
		"7 of 100 requests were refused (7%)": func(r *Result) {
			r.Totals.Answered, r.Totals.Answers, r.Totals.Refused, r.Totals.RefusedBy = 93, 93, 7, map[string]int64{"x": 7}
		},
		"7 of 100 answers had an error (7%)": func(r *Result) { r.Totals.ErrorAnswers = 7 },
		"3 of 100 requests were lost (3%), 7 answers too many": func(r *Result) {
			r.Totals.Answered, r.Totals.Answers, r.Totals.Lost, r.Totals.MissingAnswers, r.Totals.Duplicates = 97, 97, 3, 3, 7
		},
	}
	for want, wrong := range stories {
		r := good()
		wrong(r)
		if got := r.faults(); got != want {
			t.Errorf("the faults are %q; want %q", got, want)
		}
	}
	r := good()
	r.Totals.Duplicates = 7
	r.Expectations = []Expected{{Metric: "answers.duplicate{kind=light}"}}
	if r.faults() == "" {
		t.Error("what is expected of one kind hides the rest")
	}
	r.Expectations = []Expected{{Metric: "answers.duplicate"}}
	if got := r.faults(); got != "" {
		t.Errorf("the faults are %q; want none, since an expectation is about them", got)
	}
	for _, f := range faultTable {
		if !slices.ContainsFunc(Catalogue(), func(i MetricInfo) bool { return i.Name == f.metric }) {
			t.Errorf("there is no metric %q", f.metric)
		}
		for also := range strings.FieldsSeq(f.also) {
			if !slices.ContainsFunc(Catalogue(), func(i MetricInfo) bool { return i.Name == also }) {
				t.Errorf("%s: there is no metric %q", f.metric, also)
			}
		}
	}
}

// A single fault is told of as one.
func TestFaultsOfOne(t *testing.T) {
	for _, f := range faultTable {
		text := ofOne.Replace(f.text)
		if strings.Contains(text, " were ") || text == f.text {
			t.Errorf("1 %s: that is not one", text)
		}
	}
	r := new(Result)
	r.Counts = map[string]int64{"connections.unexplained": 1, "acks.stray": 1, "connect.unexplained": 12}
	const want = "12 tries to connect came to nothing, which no incident explains, 1 connection was lost, which no incident explains, 1 acknowledgement of nothing"
	if got := r.faults(); got != want {
		t.Errorf("the faults are %q; want %q", got, want)
	}
}
