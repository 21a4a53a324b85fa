package metrics

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestJudgeGenerator(t *testing.T) {
	delays := func(n, behind int) *Histogram {
		h := new(Histogram)
		for i := range n {
			if i < behind {
				h.Record(50 * ms)
			} else {
				h.Record(100 * time.Microsecond)
			}
		}
		return h
	}
	response := func(d time.Duration) *Histogram {
		h := new(Histogram)
		h.Record(d)
		return h
	}
	tests := []struct {
		name         string
		delay        *Histogram
		dropped      NotSent
		response     time.Duration
		bound        time.Duration
		saturated    bool
		sentence     string
		wantsRemarks int
	}{
		{"kept to its plan", delays(1000, 10), NotSent{NoRoom: 5, NotConnected: 5}, 10 * ms, 0, false, "the generator kept to its plan: at most 50ms late, 10 of 1,000 requests by more than 10ms", 0},
		{"behind", delays(1000, 11), NotSent{}, 10 * ms, 0, true, "11 of 1,000 requests (1.1%) left more than 10ms after their planned moment: the result says more of the generator than of the broker", 0},
		{"within a wider bound", delays(1000, 11), NotSent{}, 10 * ms, 60 * ms, false, "the generator kept to its plan: at most 50ms late, 0 of 1,000 requests by more than 60ms", 0},
		{"one pause in a short run", delays(100, 9), NotSent{}, 10 * ms, 0, false, "the generator kept to its plan: at most 50ms late, 9 of 100 requests by more than 10ms", 0},
		{"a short run all behind", delays(5, 5), NotSent{}, time.Second, 0, true, "5 of 5 requests (100%) left more than 10ms after their planned moment: the result says more of the generator than of the broker", 0},
		{"dropped late ones", delays(1000, 0), NotSent{GeneratorLate: 11}, 10 * ms, 0, true, "the generator dropped 11 of 1,011 planned requests because it was late: the result says more of it than of the broker", 0},
		{"dropped one of many", delays(100_000, 0), NotSent{GeneratorLate: 1}, 10 * ms, 0, false, "the generator kept to its plan: at most 100µs late, 0 of 100,000 requests by more than 10ms; it dropped 1 of 100,001 planned requests because it was late", 0},
		{"dropped most", delays(1000, 0), NotSent{GeneratorLate: 4000}, 10 * ms, 0, true, "the generator dropped 4,000 of 5,000 planned requests because it was late: the result says more of it than of the broker", 0},
		{"dropped all but one", delays(1, 0), NotSent{GeneratorLate: 2}, 10 * ms, 0, true, "the generator dropped 2 of 3 planned requests because it was late: the result says more of it than of the broker", 0},
		{"a little of either", delays(1000, 6), NotSent{GeneratorLate: 6}, 10 * ms, 0, true, "the generator dropped 6 of 1,006 planned requests because it was late and 6 of 1,000 requests (0.6%) left more than 10ms after their planned moment: the result says more of it than of the broker", 0},
		{"dropped for want of room", delays(1000, 0), NotSent{LedgerFull: 20}, 10 * ms, 0, true, "the generator dropped 20 of 1,020 planned requests because too many were outstanding: the result says more of it than of the broker", 0},
		{"both", delays(1000, 500), NotSent{LedgerFull: 2, GeneratorLate: 3}, time.Second, 0, true, "the generator dropped 5 of 1,005 planned requests (3 late, 2 because too many were outstanding) and 500 of 1,000 requests (50%) left more than 10ms after their planned moment: the result says more of it than of the broker", 0},
		{"a fast broker", delays(1000, 0), NotSent{}, 900 * time.Microsecond, 0, false, "the generator kept to its plan: at most 100µs late, 0 of 1,000 requests by more than 10ms", 1},
		{"nothing sent", nil, NotSent{}, 0, 0, false, "the generator sent nothing", 0},
	}
	for _, tt := range tests {
		s := &Snapshot{Series: map[Series]*Histogram{}, Totals: Totals{NotSent: tt.dropped, Sent: tt.delay.Count(), Planned: tt.delay.Count() + tt.dropped.Total()}}
		if tt.delay != nil {
			s.Series[Series{Metric: ScheduleDelay}] = tt.delay
			s.Series[Series{Metric: ResponseTime}] = response(tt.response)
		}
		g := JudgeGenerator(s, tt.bound)
		if g.Saturated != tt.saturated || g.Sentence != tt.sentence || len(g.Remarks) != tt.wantsRemarks {
			t.Errorf("%s: saturated %v, %q, remarks %q;\nwant %v, %q, %d", tt.name, g.Saturated, g.Sentence, g.Remarks, tt.saturated, tt.sentence, tt.wantsRemarks)
		}
	}
}

// expectations parses lines of metric and want.
func expectations(t testing.TB, lines ...string) (list []Expectation) {
	t.Helper()
	for _, line := range lines {
		metric, want, _ := strings.Cut(line, " ")
		e, faults := ParseExpectation(metric, want, nil)
		if faults != nil {
			t.Fatal(faults[0])
		}
		list = append(list, e)
	}
	return list
}

func filledResult(t testing.TB, expect ...string) *Result {
	t.Helper()
	r := &Result{
		Tool: "v1", Scenario: ScenarioFacts{"request-response", "A title", "abc"}, Seed: 1<<64 - 1, Run: "r1",
		Broker:  BrokerFacts{URL: "mqtt://b", Connack: map[string]string{"Receive Maximum": "20"}},
		Load:    LoadFacts{Arrival: []string{"phones: open, constant 1000/s"}, QoS: []int{1}, Payload: 10, Correlation: 24, Timeout: Span(time.Second), Late: Span(time.Second)},
		Hosts:   []HostFacts{{Cores: 2, GOMAXPROCS: 2, Go: "go1.26", OS: "linux", Arch: "amd64"}},
		Started: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), WarmUp: Span(time.Second), Duration: Span(20 * time.Second),
		Phases:  []Phase{{"warm-up", Span(-time.Second), 0}, {"measure", 0, Span(20 * time.Second)}},
		Reasons: map[string]map[string]int64{"connections refused": {"banned": 2}},
	}
	r.Fill(filled(t), expectations(t, expect...), 0)
	r.Judge()
	return r
}

func TestJudge(t *testing.T) {
	// Of the requests, 5 had no connection to leave on.
	saturated := func(behind int64) func(r *Result) {
		return func(r *Result) { r.Generator = Generator{Saturated: true, Sentence: "slow", Behind: behind} }
	}
	tests := []struct {
		name   string
		expect []string
		edit   func(*Result)
		want   Verdict
		first  string
	}{
		{"nothing expected", nil, nil, VerdictFaults, "5 of 20,005 requests were not sent (0.02%), 20 of 20,000 requests were refused (0.1%), 20 of 20,000 requests were lost (0.1%)"},
		{"nothing expected nor wrong", nil, func(r *Result) { *r = Result{Duration: r.Duration, Snapshot: Snapshot{Measured: r.Measured}} }, VerdictRan, "nothing was expected, and nothing went wrong with the measuring"},
		{"holds", []string{"requests.lost == 20"}, nil, VerdictPass, "the one expectation holds"},
		{"all hold", []string{"requests.lost == 20", "service.max < 1s"}, nil, VerdictPass, "all 2 expectations hold"},
		{"fails", []string{"service.max < 1s", "requests.lost == 0"}, nil, VerdictFail, "requests.lost is 20; want == 0"},
		{"no data is no pass", []string{"connect.dial.max < 1s"}, nil, VerdictFail, "connect.dial.max has no value: nothing was measured of it"},
		{"few samples are said", []string{"service.p99.9 < 1ms"}, nil, VerdictFail, "service.p99.9 is 99.9ms, few samples (19,960); want < 1ms"},
		{"a percentile that is no time is no pass", []string{"response.p99.9 < 1s"}, nil, VerdictFail, "response.p99.9 is > 1s: 45 of 20,005 (0.2%) had no answer"},
		{"a request without an answer is missing", nil, func(r *Result) {
			r.Series[Series{Metric: ResponseTime}].RecordUnanswered(1, ms)
		}, VerdictBroken, "the histogram of response holds 46 requests without an answer; the ledger has 45"},
		{"nothing was measured to the end", nil, func(r *Result) { r.Aborted = "no controller came up" }, VerdictFail, "no controller came up"},
		{"aborted", nil, func(r *Result) { r.Measured--; r.Aborted = "requests.lost is 1; want == 0" }, VerdictFail, "the run was ended early: requests.lost is 1; want == 0"},
		{"saturated goes before failed", []string{"requests.lost == 0"}, saturated(50), VerdictSaturated, "slow"},
		{"a broker that was away goes before saturated", []string{"requests.lost == 0"}, saturated(4), VerdictFail, "requests.lost is 20; want == 0"},
		{"as often late as a connection was missing", []string{"requests.lost == 0"}, saturated(5), VerdictSaturated, "slow"},
		{"nothing fails but the generator", []string{"requests.lost == 20"}, saturated(4), VerdictSaturated, "slow"},
		{"interrupted goes before saturated", nil, func(r *Result) { r.Generator.Saturated, r.Interrupted = true, true }, VerdictStopped, "the run was interrupted after 20s of measuring; 20s were planned"},
		{"interrupted with expectations", []string{"requests.lost == 20"}, func(r *Result) { r.Interrupted = true }, VerdictInterrupted, "the run was interrupted after 20s of measuring; 20s were planned"},
		{"interrupted before anything was measured", nil, func(r *Result) { r.Measured, r.Interrupted = 0, true }, VerdictStopped, "the run was interrupted before the measuring began; 20s were planned"},
		{"broken goes before all", nil, func(r *Result) { r.Interrupted = true; r.Totals.Answered++ }, VerdictBroken, "the sums do not hold: sent = answered + late + lost + refused + interrupted + outstanding: 20000 is not 20001"},
		{"still outstanding", nil, func(r *Result) { r.Totals.Lost--; r.Totals.Outstanding++ }, VerdictBroken, "1 request is still outstanding in a run that is over"},
		{"a sample is missing", nil, func(r *Result) {
			r.Series[Series{Metric: ResponseTime}].Record(ms)
		}, VerdictBroken, "the histogram of response does not hold 19,960 samples"},
		{"the time line differs", nil, func(r *Result) { r.TimeLine.Points[3].Planned++ }, VerdictBroken, "the time line adds up to"},
		{"the warm-up's sums", nil, func(r *Result) { r.WarmUpLedger.Sent++ }, VerdictBroken, "of the warm-up: the sums do not hold"},
	}
	for _, tt := range tests {
		r := filledResult(t, tt.expect...)
		if tt.edit != nil {
			tt.edit(r)
			r.Judge()
		}
		if r.Verdict != tt.want || len(r.Sentences) == 0 || !strings.HasPrefix(r.Sentences[0], tt.first) {
			t.Errorf("%s: %s %q; want %s %q", tt.name, r.Verdict, r.Sentences, tt.want, tt.first)
		}
	}
}

func TestResultRoundTrip(t *testing.T) {
	r := filledResult(t, "requests.lost == 0", "response.p99 < 1s", "connect.tried == 0")
	var first, second bytes.Buffer
	if err := r.Encode(&first); err != nil {
		t.Fatal(err)
	}
	back, err := DecodeResult(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Check(); err != nil {
		t.Error(err)
	}
	back.Judge()
	if err := back.Encode(&second); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Errorf("a result is written again as another one:\n%s\nwant\n%s", second.String(), first.String())
	}
	// What the document is to have, by name.
	var doc map[string]any
	if err := json.Unmarshal(first.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["homefleet_result"] != 1.0 || doc["seed"] != "18446744073709551615" || doc["verdict"] != "fail" || doc["measured"] != "20s" {
		t.Errorf("homefleet_result %v, seed %v, verdict %v, measured %v; want 1, 18446744073709551615, fail, 20s",
			doc["homefleet_result"], doc["seed"], doc["verdict"], doc["measured"])
	}
	for _, list := range []string{"sentences", "expectations", "series", "incidents"} {
		if _, ok := doc[list].([]any); !ok && list != "incidents" {
			t.Errorf("%s = %T; want a list", list, doc[list])
		}
	}
	t.Logf("%d bytes", first.Len())
}

func TestDecodeResultRefuses(t *testing.T) {
	var good bytes.Buffer
	if err := filledResult(t).Encode(&good); err != nil {
		t.Fatal(err)
	}
	replace := func(old, with string) string {
		if !strings.Contains(good.String(), old) {
			t.Fatalf("the document has no %s", old)
		}
		return strings.Replace(good.String(), old, with, 1)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"later version", `{"homefleet_result": 2, "seed": []}`, "reading a result: it has version 2, and this homefleet reads up to version 1: it takes a newer homefleet"},
		{"version 0", `{"homefleet_result": 0}`, "reading a result: there is no version 0; want 1 to 1"},
		{"something else", `{"a": 1}`, `reading a result: this is no result of homefleet: it has no "homefleet_result"`},
		{"no object", `[1]`, "reading a result: the document is an array; want an object"},
		{"version in text", `{"homefleet_result": "1"}`, "reading a result: homefleet_result is a string; want a whole number"},
		{"a fraction of a request", replace(`"lost": 20,`, `"lost": 20.5,`), "reading a result: ledger.lost is the number 20.5; want a whole number"},
		{"a text for a number within", replace(`"lost": 20,`, `"lost": 20, "not_sent": []`+","), "reading a result: ledger.not_sent is an array; want an object"},
		{"of an interval", `{"homefleet_result": 1, "time_line": {"points": [{"lost": "x"}]}}`, "reading a result: time_line.points.lost is a string; want a whole number"},
		{"a seed without quotes", `{"homefleet_result": 1, "seed": 5}`, "reading a result: seed is no number in quotes"},
		{"a seed that is no number", `{"homefleet_result": 1, "seed": "x"}`, "reading a result: seed is no number in quotes"},
		{"negative devices", `{"homefleet_result": 1, "devices": {"total": -3}}`, "reading a result: there are the devices {Total:-3 Online:0 Seen:0 GaveUp:0 Offline:0 Added:0 Removed:0}; want 0 to 9223372036854 of each"},
		{"negative count of the fleet", `{"homefleet_result": 1, "counts": {"connect.tried": -4}}`, `reading a result: the counts: "connect.tried": there is the count -4; want 0 to 9223372036854`},
		{"negative reason", `{"homefleet_result": 1, "reasons": {"connections refused": {"banned": -4}}}`, `reading a result: the reasons of "connections refused": "banned": there is the count -4`},
		{"empty", ``, "reading a result: it is no JSON document: byte 0: unexpected end of JSON input"},
		{"cut off", good.String()[:good.Len()/2], "reading a result: it is no JSON document"},
		{"wrong type", replace(`"run": "r1"`, `"run": 5`), "reading a result: run is a number; want text"},
		{"negative count", replace(`"lost": 20,`, `"lost": -20,`), "reading a result: the ledger has the count -20; want 0 to 9223372036854"},
		{"points out of order", replace(`"at": "3s"`, `"at": "4s"`), "reading a result: interval 3 of the time line begins at 4s; want 3s"},
		{"no histogram", replace(`"series": [`, `"series": [{"metric": "x"},`), `reading a result: the series "x" has no histogram`},
		{"time without unit", replace(`"measured": "20s"`, `"measured": "20"`), `reading a result: "20" is no duration; want one such as "1.5s"`},
	} {
		if _, err := DecodeResult(strings.NewReader(tt.text)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: DecodeResult = %v; want %s", tt.name, err, tt.want)
		}
	}
	later := replace(`"tool": "v1"`, `"tool": "v2", "what_is_new": {"a": [1]}`)
	later = strings.Replace(later, `"series": [`, `"series": [{"metric": "new.thing", "histogram": {"count": 0}},`, 1)
	r, err := DecodeResult(strings.NewReader(later))
	if err != nil {
		t.Fatalf("with fields and series of a later version: %v; want nil", err)
	}
	var document struct{ Series []any }
	if err := json.Unmarshal([]byte(later), &document); err != nil {
		t.Fatal(err)
	}
	if got, want := len(r.Series), len(document.Series)-1; got != want {
		t.Errorf("the result has %d series; want %d, those that are known", got, want)
	}
}

// run returns the result of a shard in which n requests were planned, of which
// some were answered.
func run(t testing.TB, seed uint64, shard string, n int, slower float64) *Result {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	rec := NewRecorder(RecorderConfig{Names: LabelNames{Kinds: []string{"light", "plug"}}, Shards: 2})
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Late: time.Second, Capacity: 1 << 20, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		at time.Duration
		id ID
	}
	var waiting []answer // in the order in which they come
	deliver := func(now time.Duration) {
		for len(waiting) > 0 && waiting[0].at <= now {
			l.Answer(waiting[0].at, Answer{Correlation: waiting[0].id.Append(nil, 0)})
			waiting = waiting[1:]
		}
	}
	gap := 20 * time.Second / time.Duration(n)
	for i := range n {
		now := time.Duration(i) * gap
		deliver(now)
		id, _ := l.Send(Request{Planned: now, Sent: now + 50*time.Microsecond, Labels: Labels{Kind: uint8(1 + i%2)}})
		if rng.IntN(200) > 0 {
			a := answer{now + time.Duration((1+rng.ExpFloat64())*slower*float64(10*ms)), id}
			at, _ := slices.BinarySearchFunc(waiting, a, func(a, b answer) int { return cmp.Compare(a.at, b.at) })
			waiting = slices.Insert(waiting, at, a)
		}
	}
	deliver(30 * time.Second)
	l.Close(30 * time.Second)
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	rec.Record(1, ConnectDial, Labels{}, ms)
	s := rec.Snapshot(20 * time.Second)
	s.Devices = Devices{Total: 10, Online: 9}
	s.Counts = map[string]int64{"connect.failed": 1}
	r := &Result{Scenario: ScenarioFacts{Name: "x", Digest: "abc"}, Run: "r", Started: time.Unix(1000, 0).UTC(), Load: LoadFacts{Arrival: []string{"a " + shard}}}
	if shard != "" {
		r.Shards = []string{shard}
	}
	r.Fill(s, expectations(t, "response.p99 < 1s", "requests.lost == 0", "devices.online == 18"), 0)
	r.Judge()
	return r
}

func TestMergeResults(t *testing.T) {
	a, b := run(t, 1, "1/2", 8000, 1), run(t, 2, "2/2", 4000, 1)
	b.Incidents = []Incident{{At: Span(time.Second), Text: "power cut"}}
	b.Reasons = map[string]map[string]int64{"x": {"banned": 3}}
	a.WarmUpLedger = Totals{Planned: 2, NotSent: NotSent{NoRoom: 2}}
	b.WarmUpLedger = Totals{Planned: 1, NotSent: NotSent{NoRoom: 1}}
	before := fmt.Sprint(a.Totals, b.Totals, a.Load, len(a.TimeLine.Points))
	m, err := MergeResults(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(a.Totals, b.Totals, a.Load, len(a.TimeLine.Points)); got != before {
		t.Error("merging changed the parts")
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	want := a.Totals.Clone()
	want.Add(b.Totals)
	if !m.Totals.Equal(want) {
		t.Errorf("ledger: %s; want %s", figuresOf(&m.Totals), figuresOf(&want))
	}
	s := &m.Snapshot
	h := new(Histogram)
	h.Merge(a.Series[Series{Metric: ResponseTime}])
	h.Merge(b.Series[Series{Metric: ResponseTime}])
	if got := s.Series[Series{Metric: ResponseTime}]; got.Percentile(99) != h.Percentile(99) || got.Count() != h.Count() {
		t.Errorf("response: %v of %d; want %v of %d", got.Percentile(99), got.Count(), h.Percentile(99), h.Count())
	}
	if o, ok := s.Outcomes(Label{ByKind, "plug"}); !ok || o.Planned != 6000 {
		t.Errorf("plugs: %+v; want 6000 planned", o)
	}
	if m.Devices != (Devices{Total: 20, Online: 18}) || m.Counts["connect.failed"] != 2 || m.Reasons["x"]["banned"] != 3 {
		t.Errorf("devices %+v, counts %v, reasons %v", m.Devices, m.Counts, m.Reasons)
	}
	if !slices.Equal(m.Shards, []string{"1/2", "2/2"}) || !slices.Equal(m.Load.Arrival, []string{"a 1/2", "a 2/2"}) || len(m.Incidents) != 1 {
		t.Errorf("shards %v, arrival %v, incidents %v", m.Shards, m.Load.Arrival, m.Incidents)
	}
	// 12,000 samples are enough for a percentile for which 8,000 were not.
	var status []Status
	for _, x := range m.Expectations {
		status = append(status, x.Status)
	}
	if !slices.Equal(status, []Status{Pass, Fail, Pass}) || m.Verdict != VerdictFail {
		t.Errorf("expectations %v, verdict %s; want pass fail pass, fail", status, m.Verdict)
	}
	if len(m.Remarks) != 0 {
		t.Errorf("remarks %q; want none", m.Remarks)
	}
	if m.WarmUpLedger.NotSent.NoRoom != 3 {
		t.Errorf("the warm-up has %d without room; want 3", m.WarmUpLedger.NotSent.NoRoom)
	}
	// The order of the shards makes no difference to what was measured.
	r, err := MergeResults(b, a)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal([]any{m.Series, m.TimeLine, m.Totals, m.ByLabel})
	y, _ := json.Marshal([]any{r.Series, r.TimeLine, r.Totals, r.ByLabel})
	if string(x) != string(y) {
		t.Error("merged the other way round, the result is another one")
	}
}

// A shard that was stopped early makes every rate of the whole too low, which
// must be said.
func TestMergeResultsOfDifferentLength(t *testing.T) {
	a, b := run(t, 1, "1/2", 100, 1), run(t, 2, "2/2", 100, 1)
	b.Measured, b.Interrupted = Span(12*time.Second), true
	m, err := MergeResults(a, b)
	if err != nil {
		t.Fatal(err)
	}
	want := "two shards measured for 20s and 12s; what is a second is over the longest of all"
	if m.Measured != Span(20*time.Second) || m.Verdict != VerdictInterrupted || !slices.Contains(m.Remarks, want) {
		t.Errorf("measured %v, %s, remarks %q; want 20s, interrupted and %q", m.Measured, m.Verdict, m.Remarks, want)
	}
}

func TestMergeResultsRefuses(t *testing.T) {
	edit := func(f func(*Result)) *Result {
		r := run(t, 1, "2/2", 100, 1)
		f(r)
		return r
	}
	first := run(t, 1, "1/2", 100, 1)
	for _, tt := range []struct {
		name string
		rs   []*Result
		want string
	}{
		{"nothing", nil, "there is no result to merge"},
		{"another run", []*Result{first, edit(func(r *Result) { r.Run = "q" })}, `the results are of different runs: "r" and "q"; only the shards of one run can be merged`},
		{"another scenario", []*Result{first, edit(func(r *Result) { r.Scenario.Digest = "def" })}, "the results are of different scenarios: x (abc) and x (def)"},
		{"another seed", []*Result{first, edit(func(r *Result) { r.Seed = 9 })}, "the results have different seeds: 0 and 9"},
		{"twice", []*Result{first, first}, "shard 1/2 is given twice"},
		{"a whole one", []*Result{first, edit(func(r *Result) { r.Shards = nil })}, "one of the results is of the whole fleet: there is nothing to merge with it"},
		{"a whole one first", []*Result{edit(func(r *Result) { r.Shards = nil }), first}, "one of the results is of the whole fleet: there is nothing to merge with it"},
		{"intervals", []*Result{first, edit(func(r *Result) { r.TimeLine = &TimeLine{Interval: Span(700 * ms)} })}, "merging the time lines: the time lines have intervals of 1s and 1.4s, of which neither can be doubled into the other"},
	} {
		if _, err := MergeResults(tt.rs...); err == nil || err.Error() != tt.want {
			t.Errorf("%s: MergeResults = %v; want %s", tt.name, err, tt.want)
		}
	}
	if m, err := MergeResults(first, edit(func(r *Result) { r.TimeLine = nil })); err != nil || m.TimeLine != nil || m.Verdict == VerdictBroken || len(m.Remarks) != 1 {
		t.Errorf("with one time line missing: %v, remarks %q; want none and a remark", err, m.Remarks)
	}
	if m, err := MergeResults(first, edit(func(r *Result) { r.Interrupted = true })); err != nil || m.Verdict != VerdictInterrupted {
		t.Errorf("with one shard interrupted: %v, %s; want %s", err, m.Verdict, VerdictInterrupted)
	}
	if m, err := MergeResults(first); err != nil || !m.Totals.Equal(first.Totals) {
		t.Errorf("one shard alone: %v; want the same", err)
	}
}

func deltaOf(c Comparison, name string) Delta {
	i := slices.IndexFunc(c.Deltas, func(d Delta) bool { return d.Name == name })
	if i < 0 {
		return Delta{}
	}
	return c.Deltas[i]
}

// The same broker measured again differs by noise, in nearly every figure; one
// that is much slower does not; of one that is a fifth slower two single runs
// cannot tell.
func TestCompare(t *testing.T) {
	t.Parallel()
	base := run(t, 1, "", 12_000, 1)
	outside := 0
	for seed := range some[uint64](1, 5) {
		c := Compare(base, run(t, 100+seed, "", 12_000, 1))
		for _, d := range c.Deltas {
			if d.Verdict != Within && d.Verdict != CannotTell {
				outside++
				t.Log(d.Sentence)
			}
		}
		if len(c.Remarks) != 0 {
			t.Errorf("remarks on two alike: %q; want none", c.Remarks)
		}
	}
	if outside > 1 {
		t.Errorf("%d figures of five equal runs are beyond noise; want at most 1", outside)
	}
	for _, tt := range []struct {
		slower float64
		want   Change
	}{{1.7, Worse}, {1.2, CannotTell}, {0.6, Better}, {0.8, CannotTell}}[:some(2, 4)] {
		c := Compare(base, run(t, 200, "", 12_000, tt.slower))
		for _, name := range []string{"response.p50", "response.p90", "response.p95", "response.p99", "service.p99", "response.mean"} {
			if d := deltaOf(c, name); d.Verdict != tt.want {
				t.Errorf("%v times slower: %s; want %s", tt.slower, d.Sentence, tt.want)
			}
		}
	}
	c := Compare(base, base)
	for _, d := range c.Deltas {
		if d.Verdict != Within || !strings.Contains(d.Sentence, " is the same: ") {
			t.Errorf("compared with itself: %s: %s; want the same, within noise", d.Verdict, d.Sentence)
		}
	}
	lossy := run(t, 5, "", 12_000, 1)
	lossy.Totals.Answered, lossy.Totals.Lost = lossy.Totals.Answered-1000, lossy.Totals.Lost+1000
	if d := deltaOf(Compare(base, lossy), "requests.lost"); d.Verdict != Worse || d.Method != methodCount {
		t.Errorf("1000 more lost: %s; want worse, by counts", d.Sentence)
	}
	short := run(t, 3, "", 300, 1)
	if d := deltaOf(Compare(short, run(t, 4, "", 300, 2)), "response.p50"); d.Verdict != Worse {
		t.Errorf("twice as slow in a short run: %s; want worse", d.Sentence)
	}
	if d := deltaOf(Compare(short, base), "service.max"); d.Verdict != CannotTell {
		t.Errorf("maximum: %s; want cannot tell", d.Sentence)
	}
	if d := deltaOf(Compare(short, base), "response.max"); d.Name != "" {
		t.Errorf("maximum where some had no answer: %s; want nothing said of it", d.Sentence)
	}
	noLine := run(t, 3, "", 2000, 1)
	noLine.TimeLine = nil
	if d := deltaOf(Compare(noLine, base), "response.p50"); d.Verdict != CannotTell {
		t.Errorf("without a time line: %s; want cannot tell", d.Sentence)
	}
	other := run(t, 3, "", 2000, 1)
	other.Scenario.Digest, other.Load.QoS, other.Verdict = "def", []int{2}, VerdictSaturated
	want := []string{
		"the scenarios differ: x (abc) and x (def)", "the qualities of service differ: none and 2",
		`the later result is marked "generator saturated"`,
	}
	if got := Compare(base, other).Remarks; !reflect.DeepEqual(got, want) {
		t.Errorf("remarks %q; want %q", got, want)
	}
}

// The verdict on a time needs both kinds of noise to agree.
func TestCompareTimes(t *testing.T) {
	for _, tt := range []struct {
		before, after, noise float64
		method               string
		want                 Change
		sentence             string
	}{
		{0.010, 0.010, 0, methodRank, Within, "x is the same: 10ms"},
		{0.010, 0.011, 0.002, methodRank, Within, "x went from 10ms to 11ms (+10.0%), within noise (2ms)"},
		{0.010, 0.014, 0.002, methodRank, CannotTell, "x went from 10ms to 14ms (+40.0%), which cannot be told from chance: it is more than noise within the runs (2ms), but two runs of the same may differ by a factor of 1.5"},
		{0.014, 0.010, 0.002, methodRank, CannotTell, "x went from 14ms to 10ms (-28.6%), which cannot be told from chance: it is more than noise within the runs (2ms), but two runs of the same may differ by a factor of 1.5"},
		{0.010, 0.066, 0.080, methodLine, CannotTell, "x went from 10ms to 66ms (+560.0%), which cannot be told from chance: it is much, but the figure varies by as much within the runs (80ms)"},
		{0.010, 0.066, 0.020, methodLine, Worse, "x went from 10ms to 66ms (+560.0%), worse and more than noise (20ms)"},
		{0.010, 0.5, 0.020, methodLine, Worse, "x went from 10ms to 500ms (× 50), worse and more than noise (20ms)"},
		{0.066, 0.010, 0.020, methodLine, Better, "x went from 66ms to 10ms (-84.8%), better and more than noise (20ms)"},
		{0, 0.010, 0.001, methodLine, Worse, "x went from 0 to 10ms, worse and more than noise (1ms)"},
		{0.010, 0.066, 0, "", CannotTell, "x went from 10ms to 66ms (+560.0%); whether that is noise cannot be told: there is too little to tell it from"},
	} {
		var c Comparison
		c.add(Delta{Name: "x", Unit: UnitTime, Before: tt.before, After: tt.after, Noise: tt.noise, Method: tt.method}, -1)
		if d := c.Deltas[0]; d.Verdict != tt.want || d.Sentence != tt.sentence {
			t.Errorf("%v to %v with noise %v: %s: %s; want %s: %s", tt.before, tt.after, tt.noise, d.Verdict, d.Sentence, tt.want, tt.sentence)
		}
	}
	var c Comparison // what is no time has no such factor
	c.add(Delta{Name: "x", Unit: UnitRate, Before: 100, After: 110, Noise: 2, Method: methodLine}, 1)
	if d := c.Deltas[0]; d.Verdict != Better {
		t.Errorf("a rate of 110 after 100 with noise 2: %s; want better", d.Sentence)
	}
}

func FuzzDecodeResult(f *testing.F) {
	var doc bytes.Buffer
	small := run(f, 1, "1/2", 50, 1)
	small.Audit, small.Recoveries = audited(), []Recovery{back(time.Second, 10), torn()}
	if err := small.Encode(&doc); err != nil {
		f.Fatal(err)
	}
	all := expectations(f, "recovery.all < 1s", "recovery.answering.most < 1s", "wills.missing < 1%", "retained.wrong == 0", "devices.recovered == 100%")
	f.Add(doc.Bytes())
	f.Add([]byte(`{"homefleet_result": 1}`))
	f.Add([]byte(`{"homefleet_result": 1, "audit": {"wills": {"due": 1}, "ways": [{"way": "cut", "due": 1}]}, "recoveries": [{"affected": 3, "online": {"count": 2, "half": "1s"}, "herd": {"interval": "1s", "attempts": [4], "online": [2]}}]}`))
	f.Add([]byte(`{"homefleet_result": 1, "time_line": {"interval": "1s", "points": [{"at": "0s"}]}}`))
	f.Add([]byte(`{"homefleet_result": 1, "series": [{"metric": "response", "histogram": {"count": 0}}], "expectations": [{"metric": "response.p50", "want": "< 1s"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResult(bytes.NewReader(b))
		if err != nil {
			return
		}
		// Whatever was read can be used for everything.
		r.Judge()
		Compare(r, r)
		Compare(small, r)
		JudgeGenerator(&r.Snapshot, 0)
		for i := range all {
			all[i].Evaluate(&r.Snapshot)
			all[i].Broken(&r.Snapshot)
		}
		var first, second bytes.Buffer
		if err := r.Encode(&first); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := DecodeResult(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := back.Encode(&second); err != nil || first.String() != second.String() {
			t.Fatalf("written again it is another one (%v)", err)
		}
		if _, err := MergeResults(r); err != nil {
			t.Fatalf("it cannot be merged with nothing: %v", err)
		}
		r.Shards, back.Shards, back.Run, back.Seed, back.Scenario = []string{"a"}, []string{"b"}, r.Run, r.Seed, r.Scenario
		m, err := MergeResults(r, back)
		if err != nil {
			t.Fatalf("it cannot be merged with itself: %v", err)
		}
		if m.Totals.Planned != 2*r.Totals.Planned {
			t.Errorf("twice %d planned are %d", r.Totals.Planned, m.Totals.Planned)
		}
	})
}
