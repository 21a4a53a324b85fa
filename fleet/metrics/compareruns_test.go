package metrics

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// recordedRun is what one of some twenty runs measured: two controllers that
// switched fifty lights at 200 requests a second for five seconds, at QoS 1,
// by way of a Mosquitto 2.0.11 on the same machine, which had two cores. It had
// other work to do as well: of 75 runs these are the last twenty in which nine of
// ten requests left within 1.1 ms of their planned moment.
type recordedRun struct {
	Response *Histogram `json:"response"`
	Service  *Histogram `json:"service"`

	values map[string][]time.Duration // of both
}

func recordedRuns(t *testing.T) []recordedRun {
	t.Helper()
	b, err := os.ReadFile("testdata/recorded-runs.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recordedRun
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Fatalf("there are %d recorded runs; want at least 15", len(all))
	}
	for i := range all {
		all[i].values = make(map[string][]time.Duration)
		for metric, h := range map[string]*Histogram{"response": all[i].Response, "service": all[i].Service} {
			for micros, count := range h.packed().ForEachBucket {
				for range count {
					all[i].values[metric] = append(all[i].values[metric], time.Duration(micros)*time.Microsecond)
				}
			}
		}
	}
	return all
}

// draw makes a run as one of those recorded: as many samples, drawn from it,
// each times slower. So runs differ from each other as they did, and within
// themselves as well.
func draw(random *rand.Rand, all []recordedRun, slower float64) *Result {
	from := all[random.IntN(len(all))]
	r := &Result{Duration: Span(5 * time.Second), Verdict: VerdictPass, Snapshot: Snapshot{Measured: Span(5 * time.Second), Series: make(Distributions)}}
	for _, metric := range []Metric{ResponseTime, ServiceTime} {
		values := from.values[metric.String()]
		drawn := new(Histogram)
		for range values {
			drawn.Record(time.Duration(float64(values[random.IntN(len(values))]) * slower))
		}
		r.Series[Series{Metric: metric}] = drawn
	}
	n := from.Response.Count()
	lost := int64(0)
	for range n {
		if random.Float64() < 0.0003 {
			lost++
		}
	}
	r.Totals = Totals{Planned: n + lost, Sent: n + lost, Answered: n, Lost: lost, Answers: n, MissingAnswers: lost}
	return r
}

func drawMany(random *rand.Rand, all []recordedRun, runs int, slower float64) []*Result {
	var rs []*Result
	for range runs {
		rs = append(rs, draw(random, all, slower))
	}
	return rs
}

// Ten equal runs and ten more are called changed, in whatever figure, in at most
// 5 of 100 pairs.
func TestEqualRunsAreCalledTheSame(t *testing.T) {
	t.Parallel()
	all := recordedRuns(t)
	random := rand.New(rand.NewPCG(10, 1))
	pairs := some(5, 200)
	changed := 0
	for range pairs {
		c := CompareRuns(drawMany(random, all, 10, 1), drawMany(random, all, 10, 1))
		for _, d := range c.Deltas {
			if d.Verdict == TooFewRuns {
				t.Fatalf("of ten and ten runs it is said: %s", d.Sentence)
			}
		}
		if c.Verdict != Same {
			changed++
		}
	}
	t.Logf("%d of %d pairs of equal runs are called changed", changed, pairs)
	if changed > pairs*5/100 {
		t.Errorf("%d of %d pairs of equal runs are called changed; want at most %d", changed, pairs, pairs*5/100)
	}
}

// A slowdown of a tenth is found in at least 90 of 100 pairs of ten runs each,
// and one of 5 % in a third: so that equal runs are called the same is not for want of
// a look.
func TestASlowdownIsFound(t *testing.T) {
	t.Parallel()
	all := recordedRuns(t)
	for _, tt := range []struct {
		slower float64
		least  int // of 100 pairs
	}{{1.1, 90}, {1.05, 33}} {
		random := rand.New(rand.NewPCG(10, 2))
		pairs := some(2, 100)
		found := 0
		for range pairs {
			if CompareRuns(drawMany(random, all, 10, 1), drawMany(random, all, 10, tt.slower)).Verdict == Worse {
				found++
			}
		}
		t.Logf("a slowdown to %v times is found in %d of %d pairs", tt.slower, found, pairs)
		if found < pairs*tt.least/100 {
			t.Errorf("a slowdown to %v times is found in %d of %d pairs of ten runs each; want at least %d", tt.slower, found, pairs, pairs*tt.least/100)
		}
	}
}

func TestQuickerRunsAreBetter(t *testing.T) {
	all := recordedRuns(t)
	random := rand.New(rand.NewPCG(10, 3))
	c := CompareRuns(drawMany(random, all, 10, 1.3), drawMany(random, all, 10, 1))
	if c.Verdict != Better {
		t.Errorf("of runs that are quicker by a quarter the verdict is %q; want %q", c.Verdict, Better)
	}
	for _, d := range c.Deltas {
		if d.Verdict == Worse || d.Verdict == TooFewRuns {
			t.Errorf("of runs that are quicker by a quarter it is said: %s", d.Sentence)
		}
	}
}

func TestTooFewRuns(t *testing.T) {
	all := recordedRuns(t)
	random := rand.New(rand.NewPCG(10, 4))
	for _, runs := range []int{1, 2, 3, 4} {
		c := CompareRuns(drawMany(random, all, runs, 1), drawMany(random, all, runs, 2))
		if c.Verdict != TooFewRuns {
			t.Errorf("of %d and %d runs the verdict is %q; want %q, even if they take twice as long", runs, runs, c.Verdict, TooFewRuns)
		}
	}
	c := CompareRuns(drawMany(random, all, 6, 1), drawMany(random, all, 6, 2))
	if c.Verdict != Worse {
		t.Errorf("of 6 and 6 runs that take twice as long the verdict is %q; want %q", c.Verdict, Worse)
	}
}

func runsDelta(t *testing.T, c RunsComparison, name string) RunsDelta {
	t.Helper()
	i := slices.IndexFunc(c.Deltas, func(d RunsDelta) bool { return d.Name == name })
	if i < 0 {
		t.Fatalf("the comparison has no %s", name)
	}
	return c.Deltas[i]
}

// A figure that only some of the runs have shows nothing; one that is lost in
// all later runs is no pass.
func TestRunsWithoutAFigure(t *testing.T) {
	all := recordedRuns(t)
	random := rand.New(rand.NewPCG(10, 5))
	before, after := drawMany(random, all, 8, 1), drawMany(random, all, 8, 1)
	for _, r := range after[:3] {
		delete(r.Series, Series{Metric: ServiceTime})
	}
	c := CompareRuns(before, after)
	d := runsDelta(t, c, "service.p50")
	if c.Verdict != TooFewRuns || d.Verdict != TooFewRuns || !strings.Contains(d.Sentence, "3 of the 16 runs do not have it") {
		t.Errorf("where three runs have no service time it is said: %s, and in all %q", d.Sentence, c.Verdict)
	}
	b, err := json.Marshal(c)
	if err != nil || !strings.Contains(string(b), "null") {
		t.Errorf("as JSON: %v, %.80s; want null for what is missing", err, b)
	}
}

func TestSumUp(t *testing.T) {
	var rs []*Result
	for i := range 7 {
		h := new(Histogram)
		for range 100 {
			h.Record(time.Duration(i+1) * time.Millisecond)
		}
		rs = append(rs, &Result{Snapshot: Snapshot{Measured: Span(time.Second), Series: Distributions{{Metric: ResponseTime}: h},
			Totals: Totals{Planned: 200, Sent: 200, Answered: 100, Lost: 100, Answers: 100, MissingAnswers: 100}}})
	}
	figures := SumUp(rs)
	find := func(name string) RunsFigure {
		i := slices.IndexFunc(figures, func(f RunsFigure) bool { return f.Name == name })
		if i < 0 {
			t.Fatalf("SumUp has no %s", name)
		}
		return figures[i]
	}
	if f := find("requests.lost"); f.Median != 50 || f.Unit != UnitShare {
		t.Errorf("requests.lost is %v %v; want 50 of the share", f.Median, f.Unit)
	}
	if f := find("answers.rate"); f.Median != 100 || len(f.Values) != 7 {
		t.Errorf("answers.rate is %v of %d runs; want 100 of 7", f.Median, len(f.Values))
	}
	f := find("response.mean")
	if math.Abs(float64(f.Median)-0.004) > 1e-9 || f.Interval == nil || f.Interval.Low != f.Least || f.Interval.High != f.Most || f.Least != 0.001 || f.Most != 0.007 {
		t.Errorf("response.mean is %+v, interval %+v; want 4 ms between 1 and 7", f, f.Interval)
	}
	if i := slices.IndexFunc(figures, func(f RunsFigure) bool { return f.Name == "connect.dial.p50" }); i >= 0 {
		t.Errorf("SumUp has %s, which no run has", figures[i].Name)
	}
}

func TestRunsDocument(t *testing.T) {
	all := recordedRuns(t)
	random := rand.New(rand.NewPCG(10, 6))
	rs := drawMany(random, all, 3, 1)
	for _, r := range rs {
		r.Version, r.Hosts = ResultVersion, []HostFacts{{Cores: 2}}
	}
	doc := &Runs{Version: RunsVersion, Planned: 5, Figures: SumUp(rs), Results: rs}
	var text strings.Builder
	if err := doc.Encode(&text); err != nil {
		t.Fatal(err)
	}
	back, planned, err := DecodeResults(strings.NewReader(text.String()))
	if err != nil || planned != 5 || len(back) != 3 {
		t.Fatalf("DecodeResults = %d runs of %d, %v; want 3 of 5", len(back), planned, err)
	}
	if c := CompareRuns(rs, back); c.Verdict != TooFewRuns || runsDelta(t, c, "response.p50").P != 1 {
		t.Errorf("what is read back differs: %+v", runsDelta(t, c, "response.p50"))
	}
	var one strings.Builder
	if err := rs[0].Encode(&one); err != nil {
		t.Fatal(err)
	}
	if back, planned, err := DecodeResults(strings.NewReader(one.String())); err != nil || planned != 1 || len(back) != 1 {
		t.Errorf("DecodeResults of one result = %d runs of %d, %v; want 1 of 1", len(back), planned, err)
	}
	for _, c := range []struct{ text, want string }{
		{`{"homefleet_runs": 2}`, "it takes a newer homefleet"},
		{`{"homefleet_runs": 0}`, "there is no version 0"},
		{`{"homefleet_runs": 1, "results": []}`, "of no run"},
		{`{"homefleet_runs": 1, "planned": 0, "results": [{}]}`, "1 runs of 0 planned"},
		{`{"homefleet_runs": 1, "planned": 1, "results": [{}]}`, "run 1: reading a result: this is no result of homefleet"},
		{`{"homefleet_runs": 1, "planned": 1, "results": [{"homefleet_result": 1, "ledger": {"sent": -1}}]}`, "run 1: reading a result: the ledger has the count -1"},
		{`{}`, "this is no result of homefleet"},
		{`{"homefleet_runs": "x"}`, "this is no result of homefleet"},
		{``, "no JSON document"},
	} {
		if _, _, err := DecodeResults(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("DecodeResults(%s) = %v; want an error with %q", c.text, err, c.want)
		}
	}
}
