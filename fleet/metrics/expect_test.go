package metrics

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

var testNames = &LabelNames{Kinds: []string{"light", "plug"}, Stages: []string{"peak"}, Controllers: nil}

// filled returns a snapshot with something of everything, nobody else's.
func filled(t testing.TB) *Snapshot {
	t.Helper()
	doc, err := filledDocument()
	if err != nil {
		t.Fatal(err)
	}
	r, err := DecodeResult(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return &r.Snapshot
}

var filledDocument = sync.OnceValues(func() ([]byte, error) {
	rec := NewRecorder(RecorderConfig{Names: *testNames, Shards: 2})
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Late: time.Second, Capacity: 100, Recorder: rec})
	if err != nil {
		return nil, err
	}
	for i := range 20_000 {
		now := time.Duration(i) * ms
		kind := "light"
		if i%4 == 0 {
			kind = "plug"
		}
		id, _ := l.Send(Request{Planned: now, Sent: now + 100*time.Microsecond, Labels: testNames.Labels(kind, "peak", "")})
		switch {
		case i%1000 == 999: // 20 are lost
			l.now += 3 * time.Second
			l.Expire(l.now)
			l.now = now
		case i%1000 == 500: // 20 are refused
			l.Acknowledged(now, id.Seq, 0x97)
		default:
			l.Answer(now+time.Duration(1+i%100)*ms, Answer{Correlation: id.Append(nil, 0)})
		}
	}
	for range 5 {
		l.NotSent(Request{Planned: 10 * time.Second, Labels: testNames.Labels("light", "peak", "")}, NotConnected)
	}
	l.Close(20 * time.Second)
	s := rec.Snapshot(20 * time.Second)
	s.Devices = Devices{Total: 1000, Online: 999, Seen: 1000}
	s.Counts = map[string]int64{"connect.failed": 3}
	var r Result
	r.Fill(s, nil, 0)
	var doc bytes.Buffer
	err = r.Encode(&doc)
	return doc.Bytes(), err
})

func TestEvaluate(t *testing.T) {
	s := filled(t)
	tests := []struct {
		metric, want string
		status       Status
		sentence     string
	}{
		{"requests.lost", "== 20", Pass, "requests.lost is 20, as wanted: == 20"},
		{"requests.lost", "== 0", Fail, "requests.lost is 20; want == 0"},
		{"requests.lost", "< 0.1%", Fail, "requests.lost is 0.1% (20 of 20,000); want < 0.1%"},
		{"requests.lost", "<=0.1%", Pass, "requests.lost is 0.1% (20 of 20,000), as wanted: <= 0.1%"},
		{"requests.lost{kind=plug}", "== 0", Pass, "requests.lost{kind=plug} is 0, as wanted: == 0"},
		{"requests.lost{kind=light}", " ==\t20 ", Pass, "requests.lost{kind=light} is 20, as wanted: == 20"},
		{"requests.refused", "!= 20", Fail, "requests.refused is 20; want != 20"},
		{"requests.not_sent", "> 4", Pass, "requests.not_sent is 5, as wanted: > 4"},
		{"requests.failed", "between 44 and 46", Pass, "requests.failed is 45, as wanted: between 44 and 46"},
		{"requests.planned{stage=peak}", ">= 20005", Pass, "requests.planned{stage=peak} is 20,005, as wanted: >= 20005"},
		{"requests.rate", "between 990/s and 1010/s", Pass, "requests.rate is 1000/s, as wanted: between 990/s and 1010/s"},
		{"requests.rate", "> 60000/min", Fail, "requests.rate is 1000/s; want > 60000/min"},
		{"answers.rate", ">= 3592800/h", Pass, "answers.rate is 998/s, as wanted: >= 3592800/h"},
		{"devices.online", ">= 99.9%", Pass, "devices.online is 99.9% (999 of 1,000), as wanted: >= 99.9%"},
		{"devices.online", "== 100%", Fail, "devices.online is 99.9% (999 of 1,000); want == 100%"},
		{"devices.online", ">= 999", Pass, "devices.online is 999, as wanted: >= 999"},
		{"service.max", "<= 100ms", Pass, "service.max is 99.9ms, as wanted: <= 100ms"},
		{"response.max", "<= 100ms", Fail, "response.max is > 1s: 45 of 20,005 (0.2%) had no answer, and are slower than all that had; want <= 100ms"},
		{"response.max", "> 1ms", Fail, "response.max is > 1s: 45 of 20,005 (0.2%) had no answer, and are slower than all that had; want > 1ms"},
		{"response.mean", "< 1s", Pass, "response.mean is 50.5ms, of the 19,960 of 20,005 that were answered, as wanted: < 1s"},
		{"response.p50", "between 51ms and 52ms", Pass, "response.p50 is 51.007ms, as wanted: between 51ms and 52ms"},
		{"response.p99{kind=light}", "< 250ms", Pass, "response.p99{kind=light} is 100ms, as wanted: < 250ms"},
		{"response.p99{kind=plug}", "< 250ms", Pass, "response.p99{kind=plug} is 97ms, few samples (5,000), as wanted: < 250ms"},
		{"response.p99.9", "< 250ms", Fail, "response.p99.9 is > 1s: 45 of 20,005 (0.2%) had no answer, and are slower than all that had; want < 250ms"},
		{"service.p99.9", "< 250ms", Pass, "service.p99.9 is 99.9ms, few samples (19,960), as wanted: < 250ms"},
		{"response.count", "== 19960", Pass, "response.count is 19,960, as wanted: == 19960"},
		{"schedule.mean", "== 100us", Pass, "schedule.mean is 100µs, as wanted: == 100us"},
		{"connect.failed", "<= 3", Pass, "connect.failed is 3, as wanted: <= 3"},
		{"connect.tried", "<= 3", NoData, "connect.tried has no value: this run did not count it"},
		{"connect.dial.p50", "< 1s", NoData, "connect.dial.p50 has no value: nothing was measured of it"},
		{"answers.errors", "< 1%", Pass, "answers.errors is 0% (0 of 19,960), as wanted: < 1%"},
		{"answers.unknown", "== 0", Pass, "answers.unknown is 0, as wanted: == 0"},
	}
	for _, tt := range tests {
		e, faults := ParseExpectation(tt.metric, tt.want, testNames)
		if faults != nil {
			t.Errorf("ParseExpectation(%q, %q): %v", tt.metric, tt.want, faults[0])
			continue
		}
		got := e.Evaluate(s)
		if got.Status != tt.status || got.Sentence != tt.sentence {
			t.Errorf("%s %s: %s: %s\n   want %s: %s", tt.metric, tt.want, got.Status, got.Sentence, tt.status, tt.sentence)
		}
		noTime := strings.HasPrefix(got.Actual, "> ")
		if hasValue := got.Status == Pass || got.Status == Fail; (got.Value != nil) != (hasValue && !noTime) || (got.Actual != "") != hasValue {
			t.Errorf("%s: value %v, actual %q with status %s", tt.metric, got.Value, got.Actual, got.Status)
		}
	}
}

// A value that is rounded must not look as if it were on the other side of what
// is wanted.
func TestEvaluateNearTheBound(t *testing.T) {
	slow := new(Histogram)
	slow.Record(250*ms + 1)
	s := &Snapshot{
		Measured: Span(time.Hour), Totals: Totals{Planned: 341_999, Sent: 341_999}, Devices: Devices{Total: 10_000_000, Online: 9_989_999},
		Series: map[Series]*Histogram{{Metric: ResponseTime}: slow},
	}
	for _, tt := range []struct{ expect, sentence string }{
		{"response.max <= 250ms", "response.max is 250.000001ms; want <= 250ms"},
		{"response.max < 251ms", "response.max is 250ms, as wanted: < 251ms"},
		{"response.p50 < 1s", "response.p50 is 250ms, few samples (1), as wanted: < 1s"},
		{"requests.rate >= 95/s", "requests.rate is 94.9997/s; want >= 95/s"},
		{"requests.rate >= 94/s", "requests.rate is 95/s, as wanted: >= 94/s"},
		{"devices.online >= 99.9%", "devices.online is 99.89999% (9,989,999 of 10,000,000); want >= 99.9%"},
	} {
		if got := expectations(t, tt.expect)[0].Evaluate(s).Sentence; got != tt.sentence {
			t.Errorf("Evaluate(%s) = %q; want %q", tt.expect, got, tt.sentence)
		}
	}
}

// Where nothing happened, nothing was shown to hold.
func TestEvaluateNothing(t *testing.T) {
	s := NewRecorder(RecorderConfig{}).Snapshot(0)
	for _, info := range Catalogue() {
		want := map[Unit]string{UnitCount: "== 0", UnitTime: "< 1s", UnitRate: ">= 0/s"}[info.Unit]
		e, faults := ParseExpectation(info.Name, want, nil)
		if faults != nil {
			t.Errorf("%s: %v", info.Name, faults[0])
			continue
		}
		if got := e.Evaluate(s); got.Status != NoData || got.Value != nil {
			t.Errorf("%s of an empty run: %s (%s); want %s", info.Name, got.Status, got.Sentence, NoData)
		}
		if e.Broken(s) {
			t.Errorf("%s of an empty run is broken; want not", info.Name)
		}
	}
}

func TestParseExpectationFaults(t *testing.T) {
	// The fault is shown as a reader sees it: with carets under the bytes.
	tests := []struct{ metric, want, fault string }{
		{"response.p98", "< 1s", "key  ^^^^^^^^^^^^ there is no metric \"response.p98\"; did you mean \"response.p90\"? `homefleet metrics` lists them all"},
		{"lost", "== 0", "key  ^^^^ there is no metric \"lost\"; did you mean \"requests.lost\"?"},
		{"request.lost", "== 0", "key  ^^^^^^^^^^^^ there is no metric \"request.lost\"; did you mean \"requests.lost\"?"},
		{"response", "< 1s", "key  ^^^^^^^^ there is no metric \"response\"; did you mean \"response.p99\"?"},
		{"weather", "< 1s", "key  ^^^^^^^ there is no metric \"weather\"; `homefleet metrics` lists what there is, such as "},
		{"", "< 1s", "key   there is no metric; `homefleet metrics` lists what there is, such as response.p99, requests.lost, devices.online"},
		{"response.p99{kind=ligth}", "< 1s", "key                    ^^^^^ the scenario has no kind \"ligth\"; did you mean \"light\"?"},
		{"response.p99{kind=car}", "< 1s", "key                    ^^^ the scenario has no kind \"car\"; want one of light, plug"},
		{"response.p99{controller=x}", "< 1s", "key                          ^ the scenario has no controller \"x\"; it names no controller at all"},
		{"response.p99{knd=light}", "< 1s", "key               ^^^ there is no label \"knd\"; did you mean \"kind\"?"},
		{"response.p99{=light}", "< 1s", "key              ^^^^^^^^ \"{=light}\" is no label; want one such as {kind=light}"},
		{"response.p99{kind=light", "< 1s", "key              ^^^^^^^^^^^ \"{kind=light\" is no label"},
		{"requests.rate{kind=light}", "> 1/s", "key               ^^^^^^^^^^^^ requests.rate is of the whole run: it has no labels"},
		{"response.p99", "250ms", "want ^^^^^ before \"250ms\" there is no operator; did you mean \"== 250ms\" or \"<= 250ms\"?"},
		{"response.p99", "= 250ms", "want ^ there is no operator \"=\"; did you mean \"==\"?"},
		{"response.p99", "< > 1s", "want  the value is missing; want a number with its unit"},
		{"response.p99", "<", "want  the value is missing; want a number with its unit"},
		{"response.p99", "", "want  nothing is wanted; want an operator and a value"},
		{"response.p99", "< 250", "want   ^^^ response.p99 is a time; want a number with a unit, such as \"250ms\""},
		{"response.p99", "< 99%", "want   ^^^ response.p99 is a time; want"},
		{"response.p99", "< 250 ms", "want       ^^ \"ms\" is too much; one expectation has one bound"},
		{"response.p99", "< 250msec", "want   ^^^^^^^ \"250msec\" is no value; want a number with its unit"},
		{"response.p99", "< -1s", "want   ^^^ \"-1s\" is no value"},
		{"response.p99", "below 1s", "want ^^^^^ \"below\" is no operator; want an operator and a value"},
		{"response.p99", "betwen 1s and 2s", "want ^^^^^^ \"betwen\" is no operator; did you mean \"between\"?"},
		{"response.p99", "between 2s and 1s", "want         ^^^^^^^^^ the first end is above the second; swap them"},
		{"response.p99", "between 1s", "want  \"between\" has one end only; want \"between 1s and …\""},
		{"requests.lost", "between 1 and 2%", "want               ^^ one end is a share and the other a number; want both alike"},
		{"requests.lost", "< 1.5", "want   ^^^ requests.lost is a count; want a whole number, or a share of requests.sent such as \"1%\""},
		{"requests.lost", "< 1s", "want   ^^ requests.lost is a count; want a whole number"},
		{"requests.lost", "< 101%", "want   ^^^^ a share is at most 100%"},
		{"connect.failed", "< 1%", "want   ^^ connect.failed is a count of which there is no whole; want a whole number"},
		{"requests.rate", "> 490", "want   ^^^ requests.rate is a rate; want one such as \"490/s\""},
	}
	for _, tt := range tests {
		_, faults := ParseExpectation(tt.metric, tt.want, testNames)
		if len(faults) != 1 {
			t.Errorf("ParseExpectation(%q, %q) has %d faults; want 1", tt.metric, tt.want, len(faults))
			continue
		}
		f := faults[0]
		text, side := tt.want, "want "
		if f.InKey {
			text, side = tt.metric, "key  "
		}
		got := side + strings.Repeat(" ", utf8.RuneCountInString(text[:f.Start])) + strings.Repeat("^", utf8.RuneCountInString(text[f.Start:f.End])) + " " + f.Error()
		if f.Start == f.End {
			got = side + " " + f.Error()
		}
		if !strings.HasPrefix(got, tt.fault) {
			t.Errorf("ParseExpectation(%q, %q):\n got %s\nwant %s", tt.metric, tt.want, got, tt.fault)
		}
	}
	if _, faults := ParseExpectation("wrong", "wrong", nil); len(faults) != 2 || !faults[0].InKey || faults[1].InKey {
		t.Errorf("two faults: %v; want one of each side", faults)
	}
	if _, faults := ParseExpectation("response.p99{kind=anything}", "< 1s", nil); faults != nil {
		t.Errorf("without names: %v; want no fault", faults[0])
	}
}

func TestCanAbortAndBroken(t *testing.T) {
	s := filled(t)
	tests := []struct {
		metric, want  string
		abort, broken bool
	}{
		{"requests.lost", "== 0", true, true},
		{"requests.lost", "== 20", true, false},
		{"requests.lost", "== 21", true, false}, // may yet come
		{"requests.lost", "<= 20", true, false},
		{"requests.lost", "< 20", true, true},
		{"requests.lost", "between 0 and 19", true, true},
		{"requests.lost", "between 21 and 22", true, false},
		{"requests.lost", "< 0.1%", true, true},
		{"requests.lost", "<= 0.1%", true, false},
		{"requests.lost", ">= 1", false, false},
		{"requests.lost", "!= 20", false, false},
		{"requests.rate", "< 10/s", false, false},
		{"devices.online", "< 10", false, false},
		{"devices.gave_up", "== 0", true, false},
		{"service.max", "< 99ms", true, true},
		{"service.max", "< 101ms", true, false},
		{"response.max", "< 101ms", true, true}, // one had no answer
		{"response.min", "< 1us", false, false},
		{"response.p50", "< 10ms", true, true},
		{"response.mean", "< 10ms", true, true},
		{"response.p99.9", "< 1us", true, false}, // few samples
		{"connect.failed", "== 0", true, true},
		{"connect.tried", "== 0", true, false},
	}
	for _, tt := range tests {
		e, faults := ParseExpectation(tt.metric, tt.want, nil)
		if faults != nil {
			t.Fatal(faults[0])
		}
		if got := e.CanAbort(); (got == nil) != tt.abort {
			t.Errorf("%s %s: CanAbort() = %v; want %v", tt.metric, tt.want, got, tt.abort)
		}
		if got := e.Broken(s); got != tt.broken {
			t.Errorf("%s %s: Broken() = %v; want %v", tt.metric, tt.want, got, tt.broken)
		}
	}
	// A share ends a run only when there is enough of its whole.
	early := &Snapshot{Totals: Totals{Planned: 50, Sent: 50, Lost: 2, Answered: 48}}
	e, _ := ParseExpectation("requests.lost", "< 1%", nil)
	if e.Broken(early) {
		t.Error("2 of 50 break < 1%; want not yet")
	}
	early.Totals.Lost = 10
	if !e.Broken(early) {
		t.Error("10 of 50 do not break < 1%; want so, as 10 of 1,000 would")
	}
}

func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	names := map[string]bool{"devices.total": true}
	for _, info := range Catalogue() {
		names[info.Name] = true
	}
	text := CatalogueText()
	for _, info := range Catalogue() {
		if seen[info.Name] {
			t.Errorf("%s is there twice", info.Name)
		}
		seen[info.Name] = true
		if info.Help == "" || strings.HasSuffix(info.Help, ".") {
			t.Errorf("%s has the help %q; want a phrase", info.Name, info.Help)
		}
		if info.Of != "" && !names[info.Of] {
			t.Errorf("%s is of %s, which is no metric", info.Name, info.Of)
		}
		short := info.Name
		for _, m := range Metrics() {
			if strings.HasPrefix(short, m.String()+".") && info.Labels {
				short = m.String() + ".*"
			}
		}
		if !strings.Contains(text, "  "+short+" ") {
			t.Errorf("the catalogue's text lacks %s:\n%s", short, text)
		}
	}
	if got := CountsByName(new(Counts)); len(got) != len(countTable) {
		t.Errorf("CountsByName has %d names; want %d", len(got), len(countTable))
	}
}

// A connection fails in one of three ways.
func TestConnectFailed(t *testing.T) {
	var c Counts
	c.DialFailures.Add(1)
	c.HandshakeFailures.Add(10)
	c.Refused.Add(0x88)
	c.Lost.Add(1000)
	if got := CountsByName(&c); got["connect.failed"] != 12 || got["connect.refused"] != 1 {
		t.Errorf("connect.failed = %d, connect.refused = %d; want 12, 1", got["connect.failed"], got["connect.refused"])
	}
}

func FuzzParseExpectation(f *testing.F) {
	for _, c := range [][2]string{
		{"response.p99", "< 250ms"}, {"requests.lost{kind=light}", "== 0"}, {"requests.rate", "between 1/s and 2/min"},
		{"x{y=z}", "between and"}, {"requests.lost", "<= 0.1%"}, {"response.p99{", "=<1h30m"},
	} {
		f.Add(c[0], c[1])
	}
	s := filled(f)
	f.Fuzz(func(t *testing.T, metric, want string) {
		e, faults := ParseExpectation(metric, want, testNames)
		for _, fault := range faults {
			text := want
			if fault.InKey {
				text = metric
			}
			if fault.Start < 0 || fault.Start > fault.End || fault.End > len(text) || fault.Text == "" {
				t.Fatalf("ParseExpectation(%q, %q): fault %+v", metric, want, fault)
			}
		}
		if faults != nil {
			return
		}
		if got := e.Metric(); got != metric {
			t.Errorf("Metric() = %q; want %q", got, metric)
		}
		// What it says it wants, it wants again.
		again, faults := ParseExpectation(e.Metric(), e.Want(), testNames)
		if faults != nil || again.String() != e.String() {
			t.Errorf("%q is read again as %q, %v", e.String(), again.String(), faults)
		}
		x := e.Evaluate(s)
		if x != again.Evaluate(s) && fmt.Sprint(*x.Value) != fmt.Sprint(*again.Evaluate(s).Value) {
			t.Errorf("%s evaluates to %+v, then to %+v", e.String(), x, again.Evaluate(s))
		}
		if e.Broken(s) && x.Status != Fail {
			t.Errorf("%s is broken with status %s", e.String(), x.Status)
		}
	})
}
