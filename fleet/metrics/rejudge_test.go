package metrics

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A file says what it likes: what was forged in it is found by the rest of it, of which a third
// is tried, or with HOMEFLEET_FULL=1 all.
func TestRejudge(t *testing.T) {
	for i, tt := range []struct {
		name   string
		expect []string
		forge  func(*Result)
		want   Verdict
		says   []string // how what the document said otherwise begins
	}{
		{"honest pass", []string{"requests.lost == 20", "response.p50 < 1s"}, nil, VerdictPass, nil},
		{"honest failure", []string{"requests.lost == 0"}, nil, VerdictFail, nil},
		{"the verdict", []string{"requests.lost == 0"}, func(r *Result) { r.Verdict = VerdictPass }, VerdictFail, []string{`the document's verdict is "pass"`}},
		{"the expectation and the verdict", []string{"requests.lost == 0"}, func(r *Result) {
			r.Verdict, r.Expectations[0].Status = VerdictPass, Pass
		}, VerdictFail, []string{`the document says "pass" of requests.lost == 0; by its figures it is "fail": requests.lost is 20; want == 0`, "the document's verdict"}},
		{"a failure that is none", []string{"requests.lost == 20"}, func(r *Result) {
			r.Verdict, r.Expectations[0].Status = VerdictFail, Fail
		}, VerdictPass, []string{`the document says "fail" of requests.lost == 20`, "the document's verdict"}},
		{"the sums", []string{"requests.lost == 20"}, func(r *Result) { r.Totals.Answered++ }, VerdictBroken, []string{`the document's verdict is "pass"`}},
		{"interrupted", []string{"requests.lost == 20"}, func(r *Result) { r.Interrupted = true }, VerdictInterrupted, []string{`the document's verdict is "pass"`}},
		{"the generator", []string{"requests.lost == 20"}, func(r *Result) { r.Generator.Saturated, r.Verdict = true, VerdictSaturated }, VerdictPass,
			[]string{"the document says otherwise of the generator", "the document's verdict"}},
		{"a metric that nobody knows", []string{"requests.lost == 20"}, func(r *Result) { r.Expectations[0].Metric = "requests.happy" }, VerdictFail,
			[]string{`the document says "pass" of requests.happy == 20`, "the document's verdict"}},
		{"white space", []string{"requests.lost == 20"}, func(r *Result) { r.Expectations[0].Want = "  ==  20 " }, VerdictPass, nil},
	} {
		if i%some(3, 1) != 0 {
			continue
		}
		r := filledResult(t, tt.expect...)
		if tt.forge != nil {
			tt.forge(r)
		}
		var b bytes.Buffer
		if err := r.Encode(&b); err != nil {
			t.Fatal(err)
		}
		read, err := DecodeResult(&b)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		says := read.Rejudge()
		if read.Verdict != tt.want || !slices.EqualFunc(says, tt.says, strings.HasPrefix) {
			t.Errorf("%s: Rejudge() = %q, verdict %q; want %q, %q", tt.name, says, read.Verdict, tt.says, tt.want)
		}
	}
}

// What is implied is expected of a document that leaves it out, too, unless the scenario
// does without.
func TestRejudgeWithoutWhatIsImplied(t *testing.T) {
	own := expectations(t, "requests.lost == 0")
	for _, tt := range []struct {
		name    string
		unsent  int
		without []string
		want    Verdict
		says    string
	}{
		{"half was not sent", 500, nil, VerdictFail, "the document leaves out what is implied: requests.not_sent < 1%; by its figures it is \"fail\""},
		{"half was not sent, and nobody minds", 500, []string{"requests.not_sent"}, VerdictPass, ""},
		{"all was sent", 0, nil, VerdictPass, ""},
	} {
		r := played(t, 1000, tt.unsent, 1000-tt.unsent, 0, append(slices.Clone(own), Implied(own, tt.without, false)...))
		r.Without = tt.without
		r.Expectations = r.Expectations[:1]
		says := strings.Join(r.Rejudge(), "\n")
		if r.Verdict != tt.want || !strings.HasPrefix(says, tt.says) {
			t.Errorf("%s: Rejudge() = %q, verdict %q; want %q, %q", tt.name, says, r.Verdict, tt.says, tt.want)
		}
	}
}

// Shards on two brokers are no run: where that can be known they are refused, else
// it is said.
func TestMergeResultsOfBrokers(t *testing.T) {
	const remark = "the shards had different brokers: "
	limits := func(quota string) map[string]string { return map[string]string{"Receive Maximum": quota} }
	for _, tt := range []struct {
		name    string
		a, b    BrokerFacts
		refused string
		remark  bool
	}{
		{"one", BrokerFacts{URL: "mqtt://b:1883"}, BrokerFacts{URL: "mqtt://b:1883"}, "", false},
		{"one, written differently", BrokerFacts{URL: "mqtt://localhost"}, BrokerFacts{URL: "tcp://127.0.0.1:1883"}, "", false},
		{"one of them has it embedded", BrokerFacts{URL: "mqtt://127.0.0.1:9", Embedded: true}, BrokerFacts{URL: "mqtt://127.0.0.1:9"}, "", false},
		{"it cannot be known", BrokerFacts{URL: "mqtt://a", Connack: limits("20")}, BrokerFacts{URL: "mqtt://b", Connack: limits("20")}, "", true},
		{"another port", BrokerFacts{URL: "mqtt://a:1"}, BrokerFacts{URL: "mqtt://a:2"}, "", true},
		{"other limits", BrokerFacts{URL: "mqtt://a", Connack: limits("20")}, BrokerFacts{URL: "mqtt://b", Connack: limits("10")},
			remark + "mqtt://a and mqtt://b, which differ in the limits of their CONNACK (Receive Maximum: 20, 10); only what was measured at one broker can be merged", false},
		{"a limit less", BrokerFacts{URL: "mqtt://a", Connack: map[string]string{"Maximum QoS": "1", "Receive Maximum": "20"}}, BrokerFacts{URL: "mqtt://b", Connack: limits("20")},
			remark + "mqtt://a and mqtt://b, which differ in the limits of their CONNACK (Maximum QoS: 1, none); only what was measured at one broker can be merged", false},
		{"other makes", BrokerFacts{URL: "mqtt://a", Name: "x 1"}, BrokerFacts{URL: "mqtt://b", Name: "x 2"},
			remark + "mqtt://a and mqtt://b, which differ in what they are (x 1, x 2); only what was measured at one broker can be merged", false},
		{"each its own", BrokerFacts{URL: "mqtt://127.0.0.1:1", Embedded: true}, BrokerFacts{URL: "mqtt://127.0.0.1:2", Embedded: true},
			"each of the shards had an embedded broker of its own; only what was measured at one broker can be merged", false},
	} {
		a, b := run(t, 1, "1/2", 100, 1), run(t, 2, "2/2", 100, 1)
		a.Broker, b.Broker = tt.a, tt.b
		m, err := MergeResults(a, b)
		if err != nil || tt.refused != "" {
			if err == nil || err.Error() != tt.refused {
				t.Errorf("%s: MergeResults = %v; want %q", tt.name, err, tt.refused)
			}
			continue
		}
		if said := slices.ContainsFunc(m.Remarks, func(s string) bool { return strings.HasPrefix(s, remark) }); said != tt.remark {
			t.Errorf("%s: remarks %q; said %v; want %v", tt.name, m.Remarks, said, tt.remark)
		}
		if want := []string{tt.a.URL, tt.b.URL}; tt.remark != slices.Equal(m.Broker.Addresses, want) {
			t.Errorf("%s: the addresses are %q; want %q: %v", tt.name, m.Broker.Addresses, want, tt.remark)
		}
	}
}

// What is of another plan is no part of the run.
func TestMergeResultsOfPlans(t *testing.T) {
	for _, tt := range []struct {
		edit func(*Result)
		want string
	}{
		{func(r *Result) { r.Size = "l" }, `the results are of different sizes of the scenario: "" and "l"`},
		{func(r *Result) { r.Duration += Span(ms) }, "the results are of different plans: one was to measure for "},
	} {
		a, b := run(t, 1, "1/2", 100, 1), run(t, 2, "2/2", 100, 1)
		tt.edit(b)
		if _, err := MergeResults(a, b); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("MergeResults = %v; want %q", err, tt.want)
		}
	}
}

// Two results of one digest are of one scenario, whatever they call it.
func TestCompareScenariosByDigest(t *testing.T) {
	a, b := run(t, 1, "", 100, 1), run(t, 2, "", 100, 1)
	b.Scenario.Name, b.Scenario.Title = "copy-of-it", "Another title"
	if c := Compare(a, b); slices.ContainsFunc(c.Remarks, func(s string) bool { return strings.Contains(s, "scenarios differ") }) {
		t.Errorf("remarks of one digest: %q; want none on scenarios", c.Remarks)
	}
	b.Scenario.Name, b.Scenario.Digest = a.Scenario.Name, "def"
	if c := Compare(a, b); !slices.ContainsFunc(c.Remarks, func(s string) bool { return strings.Contains(s, "scenarios differ") }) {
		t.Errorf("remarks of two digests: %q; want one on scenarios", c.Remarks)
	}
}

// Requests that begin not to be sent are worse, and no noise, also in one burst.
func TestCompareNotSent(t *testing.T) {
	with := func(n int64) *Result {
		r := run(t, 1, "", 1000, 1)
		r.Totals.NotSent.NoRoom += n
		r.Totals.Planned += n
		if r.TimeLine != nil && n > 0 {
			p := &r.TimeLine.Points[len(r.TimeLine.Points)/2]
			p.NotSent += n
			p.Planned += n
		}
		return r
	}
	for _, tt := range []struct {
		before, after int64
		want          Change
	}{{0, 92, Worse}, {92, 0, Better}, {0, 0, Within}} { // 92 of 1,092 are 8.4 %
		d := deltaOf(Compare(with(tt.before), with(tt.after)), "requests.not_sent")
		if d.Verdict != tt.want {
			t.Errorf("not sent %d, then %d of 1,000 more: %q (%s); want %q", tt.before, tt.after, d.Verdict, d.Sentence, tt.want)
		}
	}
}
