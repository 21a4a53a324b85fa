package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"homefleet/fleet/metrics"
)

func text(t testing.TB, r *metrics.Result, opt TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, r, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextGolden(t *testing.T) {
	for name, r := range fixtures() {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", text(t, r, TextOptions{})) })
	}
	var out bytes.Buffer
	if err := CompareText(&out, madeUp(), steady(), stalled(), TextOptions{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.txt", out.String())
	checkText(t, out.String(), 80)
}

// madeUp is a comparison with one difference of each kind and more.
func madeUp() metrics.Comparison {
	c := metrics.Comparison{Remarks: []string{"the payload sizes differ: 64 and 128"}}
	for _, d := range []metrics.Delta{
		{Name: "response.p50", Unit: metrics.UnitTime, Before: 0.0015, After: 0.0016, Noise: 0.0002, Method: "intervals", Verdict: metrics.Within},
		{Name: "response.p99", Unit: metrics.UnitTime, Before: 0.0044, After: 0.9, Noise: 0.02, Method: "intervals", Verdict: metrics.Worse},
		{Name: "response.max", Unit: metrics.UnitTime, Before: 0.08, After: 1, Verdict: metrics.CannotTell},
		{Name: "service.p99", Unit: metrics.UnitTime, Before: 0.01, After: 0.008, Noise: 0.001, Method: "ranks", Verdict: metrics.Better},
		{Name: "requests.rate", Unit: metrics.UnitRate, Before: 500, After: 400, Noise: 5, Method: "intervals", Verdict: metrics.Different},
		{Name: "requests.lost", Unit: metrics.UnitShare, Before: 0, After: 0, Method: "counts", Verdict: metrics.Within},
	} {
		d.Sentence = d.Name + " went from one value to another, which takes a sentence that is longer than a line"
		c.Deltas = append(c.Deltas, d)
	}
	return c
}

func TestTextWidth(t *testing.T) {
	all := fixtures()
	for i, s := range hostileTexts() {
		all[fmt.Sprint("hostile ", i)] = hostile(s)
	}
	for name, r := range all {
		widths := []struct{ width, want int }{{7, 40}, {200, 200}, {0, 80}, {80, 80}, {60, 60}, {40, 40}}
		for _, test := range widths[:some(2, len(widths))] {
			t.Run(fmt.Sprint(name, " ", test.width), func(t *testing.T) {
				checkText(t, text(t, r, TextOptions{Width: test.width}), test.want)
			})
		}
	}
}

// Colour is only ever put around what is there without it.
func TestTextPaint(t *testing.T) {
	r := lossy()
	used := make(map[Style]bool)
	painted := text(t, r, TextOptions{Paint: func(s Style, text string) string {
		used[s] = true
		return "\x1b[1m" + text + "\x1b[0m"
	}})
	stripped := strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(painted)
	var want strings.Builder
	for line := range strings.Lines(stripped) {
		want.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if got := text(t, r, TextOptions{}); got != want.String() {
		t.Errorf("without colour the text is\n%s\nwant that with colour, stripped:\n%s", got, want.String())
	}
	for _, s := range []Style{Bold, Dim, Good, Bad, Warn} {
		if !used[s] {
			t.Errorf("style %d is not used", s)
		}
	}
}

// Without controllers nothing is said of requests; with controllers that sent
// nothing, all is.
func TestUncontrolled(t *testing.T) {
	controlled := telemetry()
	controlled.Load.Arrival = []string{"phones: open, constant 400/s"}
	stray := telemetry()
	stray.Totals.Unknown.Run = 1
	warm := telemetry()
	warm.WarmUpLedger = metrics.Totals{Planned: 1, NotSent: metrics.NotSent{NoRoom: 1}}
	for _, tt := range []struct {
		name string
		r    *metrics.Result
		told bool
	}{
		{"no controllers", telemetry(), false}, {"power cut", powerCut(), false}, {"nothing at all", empty(), false},
		{"nothing planned", controlled, true}, {"stray answers", stray, true}, {"in the warm-up", warm, true},
	} {
		words, page := text(t, tt.r, TextOptions{}), plain(render1(t, tt.r))
		for _, part := range []string{"sent at", "planned 0 = sent 0", "not sent"} {
			if got := strings.Contains(words, part); got != tt.told {
				t.Errorf("%s: %q in the text: %v; want %v:\n%s", tt.name, part, got, tt.told, words)
			}
		}
		for _, part := range []string{"The ledger", "Percentiles", "Response time", "Not sent", "Late window"} {
			if got := strings.Contains(page, part); got != tt.told {
				t.Errorf("%s: %q in the page: %v; want %v", tt.name, part, got, tt.told)
			}
		}
		const why = "the scenario has no controllers, so no request was planned"
		if got := strings.Contains(words, why) && strings.Contains(page, capital(why)); got == tt.told {
			t.Errorf("%s: said that there are no controllers: %v; want %v", tt.name, got, !tt.told)
		}
	}
	if words := text(t, telemetry(), TextOptions{}); !strings.Contains(words, "telemetry PUBACK") || !strings.Contains(words, "no requests in 15s") {
		t.Errorf("the text lacks what was measured:\n%s", words)
	}
	if l := newTimeLine(telemetry()); l != nil {
		t.Errorf("newTimeLine(no requests, all online) = %+v; want none", l)
	}
	if l := newTimeLine(powerCut()); l == nil || len(l.Rows) != 30 || strings.Join(l.Rows[16], " ") != "16s 50" || len(l.Charts[0].Marks) != 1 {
		t.Errorf("newTimeLine(power cut) = %+v; want a row a second, 50 online after 16s, and a mark", l)
	}
}

// A run that was interrupted says what is true of what it did not come to.
func TestTextInterrupted(t *testing.T) {
	cut := powerCut()
	cut.Load.Arrival = []string{"phones: open, constant 20/s"}
	cut.Interrupted, cut.Measured = true, cut.Incidents[0].At+metrics.Span(time.Second)
	cut.Totals = metrics.Totals{Planned: 3, Sent: 3, Lost: 3, MissingAnswers: 3, Unfinished: 2}
	cut.Devices.Online, cut.Devices.Seen, cut.Devices.GaveUp = cut.Devices.Total-3, cut.Devices.Total-2, 1
	unmeasured := steady()
	unmeasured.Interrupted, unmeasured.Measured, unmeasured.Totals, unmeasured.TimeLine = true, 0, metrics.Totals{}, nil
	for _, tt := range []struct {
		name  string
		r     *metrics.Result
		wants []string
		not   string
	}{
		{"within an incident", cut, []string{
			"(the run was interrupted before its end)", "lost as the run ended, before their time-out: 2",
			fmt.Sprintf("devices: %d of %d online at the end", cut.Devices.Total-3, cut.Devices.Total), "never online 2, refused for good 1",
		}, "4.986s to"},
		{"before the measuring", unmeasured, []string{"no requests", "the run ended before the measuring began, so no request counts"}, "planned 0"},
		{"not at all", steady(), nil, "interrupted"},
		{"after an incident", powerCut(), nil, "interrupted"},
	} {
		words := strings.Join(strings.Fields(text(t, tt.r, TextOptions{})), " ")
		for _, want := range tt.wants {
			if !strings.Contains(words, want) {
				t.Errorf("%s: the text does not say %q:\n%s", tt.name, want, words)
			}
		}
		if strings.Contains(words, tt.not) {
			t.Errorf("%s: the text says %q:\n%s", tt.name, tt.not, words)
		}
	}
	page := plain(render1(t, unmeasured))
	if !strings.Contains(page, "The run ended before the measuring began, so no request counts.") || strings.Contains(page, "The ledger") {
		t.Error("the page of a run that was not measured does not say so, or shows a ledger of noughts")
	}
	if page := plain(render1(t, cut)); !strings.Contains(page, "(the run was interrupted before its end)") {
		t.Error("the page does not say that the incident was cut short")
	}
	var b strings.Builder
	if err := JUnit(&b, unmeasured); err != nil {
		t.Fatal(err)
	}
	if want := "the run was interrupted before the measuring began"; !strings.Contains(b.String(), want) {
		t.Errorf("JUnit does not say %q:\n%s", want, b.String())
	}
}

// The verdict counts the expectations that do not hold.
func TestTextVerdictCounts(t *testing.T) {
	fail := func(n int) (all []metrics.Expected) {
		for i := range n {
			all = append(all, metrics.Expected{Metric: fmt.Sprintf("m%d", i), Status: metrics.Fail, Sentence: fmt.Sprintf("m%d is bad", i)})
		}
		return all
	}
	good := metrics.Expected{Metric: "good", Status: metrics.Pass, Sentence: "good is good"}
	for _, tt := range []struct {
		all  []metrics.Expected
		want string
	}{
		{fail(1), "\n  the one expectation does not hold\n"},
		{append(fail(1), good), "\n  1 of 2 expectations does not hold\n"},
		{append(fail(2), good), "\n  2 of 3 expectations do not hold\n"},
	} {
		r := tiny()
		r.Expectations = tt.all
		r.Judge()
		if got := text(t, r, TextOptions{}); !strings.Contains(got, tt.want) {
			t.Errorf("with %d expectations the text does not say %q:\n%s", len(tt.all), tt.want, got)
		}
	}
}

// Stalls that make a figure swing must not make it look as if nothing happened.
func TestCompareStalls(t *testing.T) {
	for _, d := range metrics.Compare(steady(), stalled()).Deltas {
		if strings.HasPrefix(d.Name, "response.p9") && (d.Verdict == metrics.Within || d.Verdict == metrics.Better) {
			t.Errorf("steady against stalled: %s: %s; want worse, or that it cannot be told", d.Verdict, d.Sentence)
		}
		t.Log(d.Verdict, ":", d.Sentence)
	}
}

// What cannot be told though its noise is known has a sentence.
func TestCompareTextCannotTell(t *testing.T) {
	c := madeUp()
	for i := range c.Deltas {
		c.Deltas[i].Verdict, c.Deltas[i].Sentence = metrics.CannotTell, "sentence of "+c.Deltas[i].Name
	}
	var b bytes.Buffer
	if err := CompareText(&b, c, steady(), stalled(), TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Deltas {
		if got, want := strings.Contains(b.String(), d.Sentence), d.Method != ""; got != want || !strings.Contains(b.String(), d.Name) {
			t.Errorf("the sentence of %s is there: %v; want %v, and its name:\n%s", d.Name, got, want, b.String())
		}
	}
	checkText(t, b.String(), 80)
}

// The failed expectation comes first, before all else.
func TestTextFailedFirst(t *testing.T) {
	lines := strings.Split(text(t, stalled(), TextOptions{}), "\n")
	if !strings.HasPrefix(lines[0], "expectations") || !strings.Contains(lines[1], "fail") || !strings.Contains(lines[1], "response.p99") {
		t.Errorf("the text begins\n%s\n%s\nwant the failed expectation", lines[0], lines[1])
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteErrors(t *testing.T) {
	r := empty()
	for name, err := range map[string]error{
		"HTML": HTML(brokenPipe{}, r), "Text": Text(brokenPipe{}, r, TextOptions{}), "JUnit": JUnit(brokenPipe{}, r),
		"Compare":     Compare(brokenPipe{}, metrics.Comparison{}, r, r),
		"CompareText": CompareText(brokenPipe{}, metrics.Comparison{}, r, r, TextOptions{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%s into a broken pipe = %v; want that error", name, err)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		in      string
		columns int
		want    string
	}{
		{"", 10, ""},
		{"one two three", 7, "one two|three"},
		{"one two three", 80, "one two three"},
		{"abcdefghij", 4, "abcd|efgh|ij"},
		{"a abcdefghij b", 4, "a|abcd|efgh|ij b"},
		{"你好世界", 4, "你好|世界"},
		{"  spread   out  ", 80, "spread out"},
	} {
		if got := strings.Join(wrap(test.in, test.columns), "|"); got != test.want {
			t.Errorf("wrap(%q, %d) = %q; want %q", test.in, test.columns, got, test.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\nb\tc": "a b c", "\x1b[2J": `\x1b[2J`, "\u202eabc": `\u202eabc`, "\xff": `\xff`, "é 你": "é 你",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q; want %q", in, got, want)
		}
	}
}

// The times stay a table at 80 columns, however wide the figures: with so many requests
// unanswered that percentiles are no time, and intervals that are wide.
func TestTimesStayATable(t *testing.T) {
	r := plan{seed: 9, length: 20 * time.Second, every: 10 * time.Millisecond, devices: 1000, slow: 6170 * time.Millisecond, fate: func(i int) string {
		if i%2 == 0 {
			return "lost"
		}
		return ""
	}}.play()
	h := new(metrics.Histogram)
	for i := range 1_234_567 / 1000 {
		h.Record(6*time.Second + time.Duration(i*i)*time.Microsecond)
	}
	h.RecordUnanswered(1_000_000, 6170*time.Millisecond)
	r.Series[metrics.Series{Metric: metrics.ResponseTime}] = h
	for _, width := range []int{80, 100} {
		out := text(t, r, TextOptions{Width: width})
		_, table, _ := strings.Cut(out, "\ntimes\n")
		table, _, _ = strings.Cut(table, "\n\n")
		lines := strings.Split(table, "\n")
		if !strings.Contains(lines[0], "samples") || !strings.Contains(lines[0], "p95") || !strings.Contains(lines[0], "p99") {
			t.Errorf("at %d columns the times are no table:\n%s", width, table)
		}
		if !strings.Contains(table, ">") {
			t.Errorf("at %d columns no time is exceeded; want some that are:\n%s", width, table)
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); n > width {
				t.Errorf("a line has %d columns; want at most %d: %q", n, width, l)
			}
		}
	}
}
