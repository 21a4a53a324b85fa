package report

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// The fixtures must be such as could come from a run.
func TestOutageFixtures(t *testing.T) {
	for name, r := range map[string]*metrics.Result{"mass-offline": massOffline(), "storm": storm()} {
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := everyWay().Check(); err != nil {
		t.Error(err)
	}
}

func TestWayWords(t *testing.T) {
	type totals = metrics.WillTotals
	for _, tt := range []struct {
		totals
		words string
		bad   bool
	}{
		{totals{}, "none", false},
		{totals{Outages: 3, NotDue: 3}, "none, as it should be", false},
		{totals{Outages: 3, NotDue: 3, NotDueUnwatched: 3}, "nobody could see", false},
		{totals{Outages: 3, NotDue: 3, MaybeDue: 3}, "none, perhaps due", false},
		{totals{Outages: 8, Due: 3, OnTime: 3, Messages: 3, NotDue: 5, MaybeDue: 5}, "all on time", false},
		{totals{Outages: 3, NotDue: 3, Messages: 1, Unexpected: 1}, "1 unexpected", true},
		{totals{Outages: 3, Due: 3, OnTime: 3, Messages: 3}, "all on time", false},
		{totals{Outages: 3, Due: 3, OnTime: 3, Messages: 4, Duplicate: 1}, "3 on time, 1 duplicate", true},
		{totals{Outages: 3, Due: 3, OnTime: 3, Messages: 3, Altered: 2}, "3 on time, 2 altered", true},
		{totals{Outages: 3, Due: 3, Missing: 3}, "3 missing", true},
		{totals{Outages: 3, Due: 3, Unwatched: 3}, "3 not judged", false},
		{totals{Outages: 9, Due: 9, OnTime: 5, Early: 2, Late: 1, Missing: 1, Messages: 8}, "5 on time, 2 early, 1 late, 1 missing", true},
	} {
		if row := newWayRow("x", tt.totals); row.Words != tt.words || row.Bad != tt.bad {
			t.Errorf("newWayRow(%+v) says %q, bad %v; want %q, %v", tt.totals, row.Words, row.Bad, tt.words, tt.bad)
		}
	}
	a := &metrics.Audit{Ways: []metrics.WayTotals{{Way: "cut"}}}
	if rows := wayRows(a); len(rows) != 1 {
		t.Errorf("of one way there are %d rows; want 1, without a sum", len(rows))
	}
	if rows := wayRows(everyWay()); len(rows) != 8 || rows[7].Name != "all" || rows[7].Totals.Due != 4880 {
		t.Errorf("of seven ways the rows are %+v; want them and their sum", rows)
	}
}

func TestOutageSentences(t *testing.T) {
	for _, tt := range []struct {
		metrics.RetainedTotals
		want string
		bad  bool
	}{
		{metrics.RetainedTotals{}, "no retained message was looked for", false},
		{metrics.RetainedTotals{Checked: 1, Right: 1}, "the one retained message is as the device knows", false},
		{metrics.RetainedTotals{Checked: 5, Right: 1, Stale: 1, Missing: 1, Wrong: 2}, "of 5 retained messages, 1 right, 1 stale, 1 missing, 2 wrong", true},
		{metrics.RetainedTotals{Checked: 5, Missing: 5}, "of 5 retained messages, 5 missing", true},
	} {
		if got, bad := retainedText(&tt.RetainedTotals); got != tt.want || bad != tt.bad {
			t.Errorf("retainedText(%+v) = %q, %v; want %q, %v", tt.RetainedTotals, got, bad, tt.want, tt.bad)
		}
	}
	for _, tt := range []struct {
		metrics.Audit
		want string
	}{
		{metrics.Audit{}, ""},
		{metrics.Audit{Answerable: true}, "no Will was answered by a watcher"},
		{metrics.Audit{Wills: metrics.WillTotals{Consumed: 1, Learned: 1}}, "1 Will was answered by a watcher, of which 1 was learned by the device when it was back"},
	} {
		if got := consumedText(&tt.Audit); got != tt.want {
			t.Errorf("consumedText(%+v) = %q; want %q", tt.Audit, got, tt.want)
		}
	}
}

// The heading must not claim what was not seen.
func TestOfflineHeading(t *testing.T) {
	for _, tt := range []struct {
		wills metrics.WillTotals
		want  string
	}{
		{metrics.WillTotals{}, "going offline: no device did"},
		{metrics.WillTotals{Outages: 1, NotDue: 1}, "going offline: 1 outage, no Will due and none seen"},
		{metrics.WillTotals{Outages: 1, NotDue: 1, NotDueUnwatched: 1}, "going offline: 1 outage, no Will due; nobody could see whether one came"},
		{metrics.WillTotals{Outages: 10, Due: 5, OnTime: 5, Messages: 5, NotDue: 5, MaybeDue: 5}, "going offline: 10 outages, after 5 of them nobody knows whether a Will was due"},
		{metrics.WillTotals{Outages: 10, NotDue: 10, MaybeDue: 10}, "going offline: 10 outages, after 10 of them nobody knows whether a Will was due"},
		{metrics.WillTotals{Outages: 45, Due: 45, Unwatched: 45}, "going offline: 45 outages, 45 of 45 Wills not judged"},
		{metrics.WillTotals{Outages: 2, Due: 1, NotDue: 1, Unwatched: 1}, "going offline: 2 outages, 1 of 1 Will not judged"},
		{metrics.WillTotals{Outages: 2, Due: 2, OnTime: 2, Messages: 2}, "going offline: 2 outages, all Wills as the rules want"},
		{metrics.WillTotals{Outages: 2, NotDue: 2, Unexpected: 1, Messages: 1}, "going offline: 1 Will is not as the rules want"},
		{metrics.WillTotals{Outages: 3, Due: 3, Missing: 2, Unwatched: 1}, "going offline: 2 Wills are not as the rules want"},
	} {
		r := empty()
		r.Audit = &metrics.Audit{Wills: tt.wills}
		if got := text(t, r, TextOptions{}); !strings.Contains(got, tt.want+"\n") {
			t.Errorf("with %+v the text does not say %q:\n%s", tt.wills, tt.want, got)
		}
	}
}

// What of Wills was put to the test stands beside the verdict on them.
func TestPutToTheTest(t *testing.T) {
	some := metrics.Audit{Wills: metrics.WillTotals{Outages: 1, Due: 1, OnTime: 1, Messages: 1}}
	nothing, all, none := some, some, some
	some.SetTested(func(part int) bool { return part == 0 || part == 9 })
	all.SetTested(func(int) bool { return true })
	none.SetTested(func(int) bool { return false })
	notDue := none
	notDue.Wills = metrics.WillTotals{Outages: 1, NotDue: 1}
	for _, tt := range []struct {
		name string
		metrics.Audit
		want string
	}{
		{"some", some, "put to the test: payload, order of User Properties; not put to the test: QoS, retain, Payload Format, Message Expiry, Content Type, Response Topic, Correlation Data, User Properties, Will Delay"},
		{"all", all, "put to the test: all that a Will can carry"},
		{"none", none, "no Will was seen, so that nothing of what Wills carry was put to the test"},
		{"of an older document", nothing, ""},
		{"no Will was due", notDue, ""},
	} {
		if got := testedText(&tt.Audit); got != tt.want {
			t.Errorf("%s: testedText() = %q; want %q", tt.name, got, tt.want)
		}
	}
}

// Who was struck by two incidents at a time is in the figures of both, and both say
// so.
func TestAttemptsAndOverlap(t *testing.T) {
	times := func(n int64) metrics.Times { return metrics.Times{Count: n} }
	for _, tt := range []struct {
		metrics.Recovery
		want string
	}{
		{metrics.Recovery{Affected: 3, Online: times(3)}, "no connection was lost"},
		{metrics.Recovery{Affected: 3, Online: times(2)}, "0 attempts to connect"},
		{metrics.Recovery{Affected: 3, Online: times(3), Attempts: 4, Refused: map[string]int64{"server busy": 1}}, "4 attempts to connect; in vain: 1 server busy"},
		{metrics.Recovery{Affected: 3, Overlap: 2, Online: times(3), Attempts: 3}, "3 attempts to connect; another incident struck 2 of them as well, before they were back"},
		{metrics.Recovery{Affected: 3, Overlap: 3, Online: times(3), Attempts: 3}, "3 attempts to connect; another incident struck all of them as well, before they were back"},
		{metrics.Recovery{Affected: 1, Overlap: 1, Online: times(1)}, "no connection was lost; another incident struck the device as well, before it was back"},
	} {
		if got := attemptsText(&tt.Recovery); got != tt.want {
			t.Errorf("attemptsText(%+v) = %q; want %q", tt.Recovery, got, tt.want)
		}
	}
}

// Why a Will is not judged stands beside how many are not.
func TestUnjudged(t *testing.T) {
	for _, tt := range []struct {
		wills metrics.WillTotals
		want  string
	}{
		{metrics.WillTotals{Outages: 3, Due: 3, OnTime: 3, Messages: 3}, ""},
		{metrics.WillTotals{Outages: 1200, Due: 1200, Unwatched: 1200, AuditorAway: 1200}, "not judged: 1,200 because the auditor was away"},
		{metrics.WillTotals{Outages: 9, Due: 7, Unwatched: 6, AuditorAway: 1, RunEnded: 2, BrokerGone: 3, NotDue: 2, NotDueUnwatched: 2},
			"not judged: 1 because the auditor was away, 2 because the run ended before they were due, 3 because the broker went away; " +
				"whether a Will came after 2 outages without one due, the auditor could not see"},
		{metrics.WillTotals{Outages: 1, NotDue: 1, MaybeDue: 1},
			"after 1 outage no Will came, and nobody knows whether one was due: the device was back within the slack of the broker, or its DISCONNECT may not have arrived"},
	} {
		if got := unjudgedText(&tt.wills); got != tt.want {
			t.Errorf("unjudgedText(%+v) = %q; want %q", tt.wills, got, tt.want)
		}
	}
}

// What is shorter than a clock shows is a moment.
func TestIncidentSpan(t *testing.T) {
	const second = metrics.Span(time.Second)
	for _, tt := range []struct {
		at, to metrics.Span
		want   string
	}{
		{5 * second, 25 * second, "5s to 25s"}, {5 * second, 0, "5s"}, {5 * second, 5 * second, "5s"},
		{5*second - 14_000_000, 5*second - 13_900_000, "4.986s"},
	} {
		if got := incidentSpan(tt.at, tt.to); got != tt.want {
			t.Errorf("incidentSpan(%v, %v) = %q; want %q", tt.at, tt.to, got, tt.want)
		}
	}
}

// Each way has a line with what was expected and what was seen, whatever it is.
func TestTextWays(t *testing.T) {
	words := text(t, massOffline(), TextOptions{})
	for _, want := range []string{
		"  orderly         1,240         0      1  1 unexpected\n",
		"  with-will         610       600    600  all on time\n",
		"  silence           300       300    300  299 on time, 1 early, 1 altered\n",
		"going offline: 56 Wills are not as the rules want\n",
		"1.5s early and 1.5s late, or 8s after a silence:\n  mosquitto version 2.0.11 looks",
		"recovery.all is never: 3 of 25 devices did not come back after\n",
		"    online         22 of 25  300 ms   never   never\n",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the text does not say %q:\n%s", want, words)
		}
	}
	narrow := text(t, massOffline(), TextOptions{Width: 40})
	for _, want := range []string{"\ngoing offline: 56 Wills are not as the\nrules want\n", "  cut: outages 2,650, expected 2,500,\n  seen 2,450: 2,448 on time, 2 late, 50\n  missing\n", "    online: 22 of 25; 50% 300 ms, 99%\n    never, 100% never\n"} {
		if !strings.Contains(narrow, want) {
			t.Errorf("the narrow text does not say %q:\n%s", want, narrow)
		}
	}
	r := empty()
	r.Audit = new(metrics.Audit)
	if got := text(t, r, TextOptions{}); !strings.Contains(got, "going offline: no device did\n") || strings.Contains(got, "outages") {
		t.Errorf("of an audit of nothing the text says\n%s", got)
	}
	if got := plain(render1(t, r)); !strings.Contains(got, "No device went offline.") {
		t.Error("of an audit of nothing the page does not say so")
	}
}

// What the broker did not keep for devices that were away is no mystery.
func TestLostAway(t *testing.T) {
	r := steady()
	if strings.Contains(text(t, r, TextOptions{}), "were away") {
		t.Error("the text speaks of devices that were away; want nothing where none was")
	}
	lost := *r
	lost.Totals.SentAway, lost.Totals.LostAway = 40, 12
	if got := text(t, &lost, TextOptions{}); !strings.Contains(got, "  to devices that were away: 40 sent, of which 12 lost\n") {
		t.Errorf("the text does not say what was lost to devices that were away:\n%s", got)
	}
	words := plain(render1(t, &lost))
	if !strings.Contains(words, "lost to devices away 12") || !strings.Contains(words, "sent to devices away 40") {
		t.Error("the page does not say what was lost to devices that were away")
	}
}

func TestAttemptsText(t *testing.T) {
	for _, tt := range []struct {
		metrics.Recovery
		want string
	}{
		{metrics.Recovery{Affected: 2, Online: metrics.Times{Count: 2}}, "no connection was lost"},
		{metrics.Recovery{Affected: 2}, "0 attempts to connect"},
		{metrics.Recovery{Affected: 1, Online: metrics.Times{Count: 1}, Attempts: 1}, "1 attempt to connect"},
		{metrics.Recovery{Affected: 9, Attempts: 1100, Refused: map[string]int64{"server busy": 3, "no network": 1001}},
			"1,100 attempts to connect; in vain: 1,001 no network, 3 server busy"},
	} {
		if got := attemptsText(&tt.Recovery); got != tt.want {
			t.Errorf("attemptsText(%+v) = %q; want %q", tt.Recovery, got, tt.want)
		}
	}
}

func TestHTMLOutages(t *testing.T) {
	page := render1(t, massOffline())
	var got []string
	for _, e := range check(t, page) {
		if e.name == "h2" {
			got = append(got, e.attrs["id"])
		}
	}
	if want := []string{"verdict", "expectations", "figures", "time-line", "offline", "recovery", "errors", "others", "run"}; !slices.Equal(got, want) {
		t.Errorf("the sections are %v; want %v", got, want)
	}
	words := plain(page)
	for _, want := range []string{
		"Way Outages Expected Seen On time Early Late Missing Duplicate Unexpected Altered Not judged",
		"cut 2,448 on time, 2 late, 50 missing 2,650 2,500 2,450 2,448 0 2 50 0 0 0 0",
		"all 4,824 on time, 1 early, 2 late, 50 missing, 1 duplicate, 1 unexpected, 1 altered, 3 not judged 6,300 4,880 4,829 4,824 1 2 50 1 1 1 3",
		"on time means at most 1.5s early and 1.5s late, or 8s after a silence: mosquitto version 2.0.11",
		"4,825 Wills were answered by a watcher, of which 4,805 were learned by the device when it was back.",
		"Of 600 retained messages, 596 right, 2 stale, 1 missing, 1 wrong.",
		"wifi-loss 45s to 50s · 31 attempts to connect; in vain: 6 connection failed, 3 not authorized online 22 of 25 300 ms never never answering 12 of 25 never never never",
		"router-reboot 30s to 35s · 263 attempts to connect; in vain: 113 server busy online all 150",
		"recovery.all is never: 3 of 25 devices did not come back after wifi-loss at 45s",
		"slow link: 200 devices in flat-03",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	words = plain(render1(t, storm()))
	for _, want := range []string{"None: early, late, missing, duplicate, unexpected, altered, not judged.", "power-cut · full jitter", "power-cut · naive", "Of 5,000 retained messages all are as the devices know."} {
		if !strings.Contains(words, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// What happened is told of also where nothing is drawn over time.
func TestIncidentsWithoutTimeLine(t *testing.T) {
	r := powerCut()
	r.TimeLine = nil
	page := render1(t, r)
	check(t, page)
	if got, want := plain(page), incidentSpan(r.Incidents[0].At, r.Incidents[0].To)+" "+r.Incidents[0].Text; !strings.Contains(got, "Incidents 1 "+want) {
		t.Errorf("the page without a time line does not say %q", want)
	}
	if bytes.Contains(page, []byte("The same as a table")) || bytes.Contains(page, []byte(`id="time-wide`)) {
		t.Error("the page without a time line has a drawing or a table over time")
	}
	r.Incidents = nil
	if l := newTimeLine(r); l != nil {
		t.Errorf("newTimeLine(nothing) = %+v; want none", l)
	}
}

// Groups that one incident struck are in one drawing, with a legend; what is
// drawn is what is in the table.
func TestDrawReconnects(t *testing.T) {
	r := storm()
	p := newRecovery(r)
	if len(p.Blocks) != 2 || len(p.Figures) != 1 || len(p.Figures[0].Charts) != 2 {
		t.Fatalf("of two groups there are %d blocks and %d figures; want 2 and 1, of two drawings", len(p.Blocks), len(p.Figures))
	}
	c := p.Figures[0].Charts[0]
	if len(c.Keys) != 2 || c.Keys[0].Text != "full jitter" || c.Keys[1].Text != "naive" || c.Keys[0].Class == c.Keys[1].Class {
		t.Errorf("the legend is %+v; want both groups", c.Keys)
	}
	if len(c.Dots) != 6 {
		t.Errorf("there are %d dots; want three for each group", len(c.Dots))
	}
	naive := r.Recoveries[1]
	for _, h := range c.Hits {
		if !strings.Contains(h.Text, "full jitter: ") || !strings.Contains(h.Text, " back") {
			t.Fatalf("under the pointer stands %q; want both groups", h.Text)
		}
	}
	if last := c.Hits[len(c.Hits)-1].Text; !strings.HasSuffix(last, "naive: 0 attempts, 100% back") {
		t.Errorf("in the end it says %q; want that all naive devices are back", last)
	}
	var told int64
	for _, h := range c.Hits {
		_, rest, _ := strings.Cut(h.Text, "naive: ")
		var n int64
		if _, err := fmt.Sscan(strings.ReplaceAll(strings.Fields(rest)[0], ",", ""), &n); err != nil {
			t.Fatalf("%q: %v", h.Text, err)
		}
		told += n
	}
	if told != naive.Attempts {
		t.Errorf("the drawing tells of %d attempts; want %d", told, naive.Attempts)
	}
	one := newRecovery(massOffline())
	if len(one.Figures) != 1 || len(one.Figures[0].Charts[0].Keys) != 0 {
		t.Errorf("one group alone has %d figures; want 1 without a legend", len(one.Figures))
	}
	// What is over in a moment has no shape.
	short := storm()
	for i := range short.Recoveries {
		h := short.Recoveries[i].Reconnects
		h.Attempts, h.Online = h.Attempts[:leastIntervals-1], h.Online[:leastIntervals-1]
	}
	if p := newRecovery(short); len(p.Blocks) != 2 || len(p.Figures) != 0 {
		t.Errorf("of groups of %d intervals there are %d blocks and %d figures; want 2 and 0", leastIntervals-1, len(p.Blocks), len(p.Figures))
	}
	// Another time of the same incident is another drawing.
	r.Recoveries[1].At++
	if p := newRecovery(r); len(p.Figures) != 2 {
		t.Errorf("of two incidents there are %d figures; want 2", len(p.Figures))
	}
}

// However much happened, the reports stay of a size that somebody reads.
func TestManyIncidents(t *testing.T) {
	r := storm()
	n := some(100, 3000)
	for i := range n {
		at := metrics.Span(20*time.Second) + metrics.Span(i)*metrics.Span(10*time.Millisecond)
		r.Incidents = append(r.Incidents, metrics.Incident{At: at, To: at + metrics.Span(5*time.Millisecond), Text: "flapping: light-0012"})
		x := comingBack(uint64(i), 5, false)
		x.At, x.To, x.Incident = at, at+metrics.Span(5*time.Millisecond), "flapping"
		r.Recoveries = append(r.Recoveries, x)
	}
	r.Recoveries[n/3].Online = metrics.Times{Count: 4, Half: r.Recoveries[n/3].Online.Half}
	r.Recoveries[n/3].Reconnects = nil
	words := text(t, r, TextOptions{})
	checkText(t, words, 80)
	incidents, recoveries := some("81", "2,981")+" more incidents", some("82", "2,982")+" more recoveries"
	if lines := strings.Count(words, "\n"); lines > 200 || !strings.Contains(words, incidents) || !strings.Contains(words, recoveries) {
		t.Errorf("the text has %d lines; want at most 200, and what is left out:\n%s", lines, words)
	}
	if !strings.Contains(words, "4 of 5") {
		t.Error("the recovery that lacks a device is left out of the text")
	}
	page := render1(t, r)
	check(t, page)
	const most = 4 << 20
	if len(page) > most {
		t.Errorf("the page has %d bytes; want at most %d", len(page), most)
	}
	l := newTimeLine(r)
	if len(l.Incidents) != mostText || len(l.Later) != n+1-mostText || len(l.Charts[0].Marks) > 60 {
		t.Errorf("the time line lists %d incidents and %d later ones, and has %d marks; want %d, %d and at most 60",
			len(l.Incidents), len(l.Later), len(l.Charts[0].Marks), mostText, n+1-mostText)
	}
}

// Incidents that begin too close to each other for a mark each share one that names
// the first and the last, so that no number is missing from the drawing.
func TestIncidentsThatShareAMark(t *testing.T) {
	none := math.NaN()
	for _, tt := range []struct {
		places []float64
		want   string
	}{
		{nil, ""},
		{[]float64{10, 100, 200}, "1 2 3"},
		{[]float64{10, 15, 100, 101, 102, 200}, "1–2 3–5 6"},
		{[]float64{none, 10, 15, none, 100}, "2–3 5"},
		{[]float64{10, 29, 48}, "1–2 3"},
		{[]float64{0, 19, 38, 57, 76}, "1–2 3–4 5"},
	} {
		var got []string
		for _, g := range marked(tt.places, 20) {
			got = append(got, g.text())
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("marked(%v) = %q; want %q", tt.places, s, tt.want)
		}
	}
	// No two marks of a drawing lie on each other.
	r := storm()
	r.Incidents = nil
	for i := range 150 {
		r.Incidents = append(r.Incidents, metrics.Incident{At: metrics.Span(i*i%60) * metrics.Span(time.Second), Text: "x: y"})
	}
	slices.SortStableFunc(r.Incidents, func(a, b metrics.Incident) int { return cmp.Compare(a.At, b.At) })
	edge, number := math.Inf(-1), 0
	for _, m := range newTimeLine(r).Charts[0].Marks {
		var left, width float64
		var first, last int
		if _, err := fmt.Sscan(m.Left, &left); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(m.Width, &width); err != nil {
			t.Fatal(err)
		}
		if n, _ := fmt.Sscanf(m.Number, "%d–%d", &first, &last); n == 1 {
			last = first
		}
		if left < edge || first != number+1 {
			t.Errorf("the mark %s begins at %v, and the one before it, %d, ends at %v; want them apart, and no number left out", m.Number, left, number, edge)
		}
		edge, number = left+width, last
	}
	if number != 150 {
		t.Errorf("the last mark ends with %d; want 150", number)
	}
}

// How many incidents and recoveries are not in the result is said.
func TestWhatIsLeftOut(t *testing.T) {
	r := storm()
	r.Incidents = []metrics.Incident{{At: metrics.Span(time.Second), Text: "power cut: all"}}
	r.IncidentsLeftOut = 1234
	r.RecoveriesLeftOut = &metrics.RecoverySums{Count: 77}
	words, page := text(t, r, TextOptions{}), string(render1(t, r))
	for _, want := range []string{"1,234 more incidents", "77 more recoveries from which devices came back as fast or faster"} {
		if !strings.Contains(words, want) {
			t.Errorf("the text does not say %q:\n%s", want, words)
		}
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Incidents are shaded over their time, also when they began before it.
func TestIncidentSpans(t *testing.T) {
	r := storm()
	r.Incidents = []metrics.Incident{
		{At: metrics.Span(-5 * time.Second), To: metrics.Span(5 * time.Second), Text: "slow link: all"},
		{At: metrics.Span(20 * time.Second), Text: "a moment"},
		{At: metrics.Span(50 * time.Second), To: metrics.Span(5 * time.Hour), Text: "power cut: all"},
		{At: metrics.Span(2 * time.Hour), To: metrics.Span(5 * time.Hour), Text: "after the end"},
	}
	c := newTimeLine(r).Charts[0]
	var spans [][2]string
	for _, b := range c.Bands {
		if b.Class == "span" {
			spans = append(spans, [2]string{b.X, b.W})
		}
	}
	if want := [][2]string{{"64", "77"}, {"834", "154"}}; !slices.Equal(spans, want) {
		t.Errorf("the spans are %v; want %v", spans, want)
	}
	var marks, names []string
	for _, m := range c.Marks {
		marks = append(marks, m.Number)
	}
	for _, l := range c.Labels {
		if l.Class == "phase" {
			names = append(names, l.Text)
		}
	}
	if !slices.Equal(marks, []string{"1", "2", "3"}) || !slices.Equal(names, []string{"steady", "busy", "slow link", "a moment", "power cut"}) {
		t.Errorf("marks %v, names %v; want 1 to 3, and the names of the phases and of these", marks, names)
	}
}
