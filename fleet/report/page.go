package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// page is a result in the words and order of the page.
type page struct {
	frame
	Name         string
	Facts        string // the line under the name
	Verdict      verdict
	Expectations []expectation
	Tally        string
	Implied      []expectation // those that the scenario does not state
	ImpliedTally string
	Idle         string // why there are no requests to tell of; "" if there are
	Tiles        []tile
	Times        []tile
	TimeSamples  string
	TimeLine     *timeLine
	Offline      *offline
	Recovery     *recovery
	Curves       *curves
	Groups       []groupTable
	Ledger       ledger
	Deliveries   []deliveryBlock
	Errors       []errorTable
	Others       []timingRow
	OtherCounts  []pair
	Devices      []pair
	Misbehavior  []pair
	AllCounts    []pair
	Generator    generator
	Run          []facts
	Tool         string
}

// verdict is the result in a word and its reasons.
type verdict struct {
	Class     string // "good", "bad" or "warn"
	Word      string
	Sentences []string
	Remarks   []string
}

// expectation is a row of the table of expectations.
type expectation struct {
	Class, Status, Metric, Want, Actual, Note string
}

// tile is a headline figure.
type tile struct{ Class, Name, Value, Note string }

// pair is a name with its value, and perhaps what it means.
type pair struct{ Name, Value, Help string }

// facts is a block of pairs under a heading.
type facts struct {
	Heading string
	Pairs   []pair
	Zero    string // the names of the counts that are zero, where they are gathered
}

// groupTable is a table of the requests by kind, stage or controller group.
type groupTable struct {
	Heading, By string
	Rows        []groupRow
}

type groupRow struct {
	Name  string
	Cells []cell
}

// errorTable is the reason codes of one origin.
type errorTable struct {
	Origin string
	Rows   []pair
}

type generator struct {
	Class, Word, Sentence string
	Remarks               []string
	Pairs                 []pair
}

func newPage(r *metrics.Result) *page {
	s := &r.Snapshot
	p := &page{
		frame: newFrame(nameOf(r) + ": " + string(r.Verdict) + " · homefleet"),
		Name:  nameOf(r), Facts: factsLine(r), Verdict: newVerdict(r),
		TimeLine: newTimeLine(r), Offline: newOffline(r), Recovery: newRecovery(r), Curves: newCurves(s), Ledger: newLedger(r),
		Errors: errorsOf(r), Generator: newGenerator(r), Run: runFacts(r), Tool: r.Tool,
	}
	p.Deliveries = newDeliveries(r)
	own, implied := r.Expected()
	p.Expectations, p.Tally = expectationsOf(own), tally(own)
	p.Implied, p.ImpliedTally = expectationsOf(implied), tally(implied)
	if why := idle(r); why != "" {
		p.Idle = capital(why) + "."
	}
	p.headline(r, s)
	p.groups(r, s)
	p.others(r, s)
	return p
}

// nameOf is what to call a result.
func nameOf(r *metrics.Result) string {
	return cmp.Or(r.Scenario.Title, r.Scenario.Name, "A run without a name")
}

func factsLine(r *metrics.Result) string {
	var parts []string
	if r.Scenario.Title != "" && r.Scenario.Name != "" {
		parts = append(parts, r.Scenario.Name)
	}
	if r.Ran > 0 {
		parts = append(parts, ranText(r))
	} else {
		parts = append(parts, span(r.Measured)+" measured")
	}
	if name := brokerName(r); name != "" {
		parts = append(parts, name)
	}
	if !r.Started.IsZero() {
		parts = append(parts, moment(r.Started))
	}
	if r.AttendedText() != "" {
		parts = append(parts, "attended")
	}
	return strings.Join(parts, " · ")
}

func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }

func brokerName(r *metrics.Result) string {
	switch {
	case r.Broker.Embedded:
		return "embedded broker"
	case r.Broker.Name != "":
		return r.Broker.Name
	}
	return r.Broker.URL
}

func newVerdict(r *metrics.Result) verdict {
	v := verdict{Class: "warn", Word: capital(string(r.Verdict)), Remarks: capitals(r.Remarks), Sentences: capitals(r.Sentences)}
	switch r.Verdict {
	case metrics.VerdictPass, metrics.VerdictRan:
		v.Class = "good"
	case metrics.VerdictFail, metrics.VerdictBroken:
		v.Class = "bad"
	case "":
		v.Word = "No verdict"
	}
	return v
}

func capitals(sentences []string) []string {
	var all []string
	for _, s := range sentences {
		all = append(all, capital(s))
	}
	return all
}

// headline sets the figures that people look for first.
func (p *page) headline(r *metrics.Result, s *metrics.Snapshot) {
	t := &r.Totals
	part := func(name string, n, whole int64, of string, bad bool) tile {
		x := tile{Name: name, Value: words.Grouped(n)}
		if share := words.Share(n, whole); share != "" {
			x.Note = share + " of " + of
		}
		if bad && n > 0 {
			x.Class = "bad"
		}
		return x
	}
	p.Tiles = []tile{
		part("Sent", t.Sent, t.Planned, "planned", false),
		part("Answered", t.Answered, t.Sent, "sent", false),
		part("Late", t.Late, t.Sent, "sent", true),
		part("Lost", t.Lost, t.Sent, "sent", true),
		part("Refused", t.Refused, t.Sent, "sent", true),
		part("Not sent", t.NotSent.Total(), t.Planned, "planned", t.NotSent.Total() > t.NotSent.Paused),
		{Name: "Rate", Value: rateOver(t.Sent, r.Measured), Note: "sent, over " + span(r.Measured)},
	}
	h := s.Series[metrics.Series{Metric: metrics.ResponseTime}]
	for _, pc := range shownPercentiles() {
		c := percentile(h, pc)
		p.Times = append(p.Times, tile{Name: words.Percentile(pc), Value: c.Value, Note: c.Why})
	}
	longest := tile{Name: "Maximum", Value: maximum(h).Value, Note: "one sample"}
	switch {
	case h.Total() == 0:
		longest.Note = "no samples"
	case h.Unanswered() > 0:
		longest.Note = words.Grouped(h.Unanswered()) + " had no answer"
	}
	p.Times = append(p.Times, longest)
	p.TimeSamples = "over " + words.Plural(h.Total(), "planned request", "planned requests")
}

// groupHeadings are the headings of the tables by label.
var groupHeadings = []struct {
	dimension metrics.Dimension
	heading   string
	column    string
}{
	{metrics.ByKind, "By device kind", "Kind"},
	{metrics.ByStage, "By stage", "Stage"},
	{metrics.ByController, "By controller group", "Controllers"},
}

func (p *page) groups(r *metrics.Result, s *metrics.Snapshot) {
	for _, g := range groupHeadings {
		t := groupTable{Heading: g.heading, By: g.column}
		for _, l := range r.ByLabel {
			if l.Dimension != g.dimension {
				continue
			}
			row := groupRow{Name: l.Name}
			for _, n := range []int64{l.Planned, l.Sent, l.Answered, l.Late, l.Lost, l.Refused, l.NotSent} {
				row.Cells = append(row.Cells, cell{Value: words.Grouped(n)})
			}
			h := s.Series[metrics.Series{Metric: metrics.ResponseTime, Label: metrics.Label{Dimension: g.dimension, Name: l.Name}}]
			for _, pc := range tablePercentiles() {
				row.Cells = append(row.Cells, percentile(h, pc))
			}
			row.Cells = append(row.Cells, maximum(h))
			t.Rows = append(t.Rows, row)
		}
		if t.Rows != nil {
			p.Groups = append(p.Groups, t)
		}
	}
}

// otherTimes are the distributions beside those of whole requests.
var otherTimes = []struct {
	metric     metrics.Metric
	name, help string
}{
	{metrics.HoldBack, "Hold-back", "while flow control let a request not leave, of those that it held back"},
	{metrics.AnswerTime, "Each answer", "planned moment to each of several answers"},
	{metrics.ConnectDial, "Dial", "TCP, TLS and WebSocket"},
	{metrics.ConnectConnack, "CONNACK", "from CONNECT"},
	{metrics.ConnectSuback, "SUBACK", "from SUBSCRIBE"},
	{metrics.TelemetryPuback, "Telemetry PUBACK", "from PUBLISH"},
	{metrics.StateDelivery, "State delivery", "from PUBLISH to a watcher"},
	{metrics.WillDelay, "Will delay", "from when it was due to its arrival"},
}

func (p *page) others(r *metrics.Result, s *metrics.Snapshot) {
	for _, x := range misbehavior(r) {
		x.Name = capital(x.Name)
		p.Misbehavior = append(p.Misbehavior, x)
	}
	p.Others = otherRows(s)
	help := make(map[string]string)
	for _, info := range metrics.Catalogue() {
		help[info.Name] = info.Help
	}
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		x := pair{name, words.Grouped(r.Counts[name]), help[name]}
		p.AllCounts = append(p.AllCounts, x)
		if strings.HasPrefix(name, "connect.") || strings.HasPrefix(name, "connections.") && r.Counts[name] != 0 {
			p.OtherCounts = append(p.OtherCounts, x)
		}
	}
	for _, phase := range metrics.OtherPhases() {
		for _, name := range slices.Sorted(maps.Keys(r.CountsApart[phase])) {
			p.AllCounts = append(p.AllCounts, pair{name + "{phase=" + phase + "}", words.Grouped(r.CountsApart[phase][name]), help[name]})
		}
	}
	if d := r.Devices; d.Total > 0 {
		p.Devices = []pair{
			{"Devices", words.Grouped(int64(d.Total)), ""},
			{"Online at the end", words.Grouped(int64(d.Online)) + " · " + words.Share(int64(d.Online), int64(d.Total)), ""},
			{"Online at least once", words.Grouped(int64(d.Seen)) + " · " + words.Share(int64(d.Seen), int64(d.Total)), ""},
			{"Gave up", words.Grouped(int64(d.GaveUp)), "refused for good"},
		}
	}
}

func errorsOf(r *metrics.Result) []errorTable {
	var tables []errorTable
	add := func(origin string, byName map[string]int64) {
		t := errorTable{Origin: capital(origin)}
		for _, name := range byCount(byName) {
			t.Rows = append(t.Rows, pair{Name: name, Value: words.Grouped(byName[name])})
		}
		if t.Rows != nil {
			tables = append(tables, t)
		}
	}
	add("requests refused (PUBACK, PUBREC)", r.Totals.RefusedBy)
	for _, origin := range slices.Sorted(maps.Keys(r.Reasons)) {
		add(origin, r.Reasons[origin])
	}
	return tables
}

func newGenerator(r *metrics.Result) generator {
	g := generator{Class: "good", Word: "Kept to its plan", Sentence: capital(r.Generator.Sentence), Remarks: capitals(r.Generator.Remarks)}
	switch {
	case r.Generator.Saturated:
		g.Class, g.Word = "warn", "Saturated"
	case r.Generator.Sent == 0:
		g.Class, g.Word = "", "Sent nothing"
	}
	if r.Generator.Bound <= 0 || idle(r) != "" { // it was never judged, or had nothing to do
		return g
	}
	g.Pairs = []pair{
		{"Requests sent", words.Grouped(r.Generator.Sent), ""},
		{"Behind by more than " + clock(time.Duration(r.Generator.Bound)), strings.TrimSuffix(words.Grouped(r.Generator.Behind)+" · "+words.Share(r.Generator.Behind, r.Generator.Sent), " · "), ""},
		{"Dropped for its own reasons", words.Grouped(r.Generator.Dropped), ""},
	}
	return g
}

// OtherTable is the distributions beside those of whole requests.
func (p *page) OtherTable() timingTable {
	return timingTable{"Connecting, telemetry and state changes", p.Others}
}
