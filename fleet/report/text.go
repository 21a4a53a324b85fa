package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// Style is how a piece of text is to look.
type Style uint8

// The styles. No meaning is in a style alone: the words say it too.
const (
	Bold Style = iota
	Dim
	Good
	Bad
	Warn
)

// TextOptions say how text is laid out.
type TextOptions struct {
	// Paint wraps a text in what makes a terminal show it in a style. It must
	// not change how wide the text is. nil: plain text.
	Paint func(Style, string) string

	// Width is the columns to lay out for: 0 means 80, and less than 40 is
	// taken as 40.
	Width int
}

// lower makes the first letter small, unless the word is an abbreviation.
func lower(s string) string {
	if len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:min(len(s), 1)]) + s[min(len(s), 1):]
}

// writer lays out lines.
type writer struct {
	b      bytes.Buffer
	paint  func(Style, string) string
	width  int
	styled bool // paint may add sequences that choose colour and weight
}

func newWriter(opt TextOptions) *writer {
	const usual, least = 80, 40
	w := &writer{paint: opt.Paint, styled: opt.Paint != nil, width: max(cmp.Or(opt.Width, usual), least)}
	if w.paint == nil {
		w.paint = func(_ Style, s string) string { return s }
	}
	return w
}

// line writes one line as it is.
func (w *writer) line(parts ...string) {
	w.b.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	w.b.WriteByte('\n')
}

// heading begins a block.
func (w *writer) heading(text string) {
	if w.b.Len() > 0 {
		w.b.WriteByte('\n')
	}
	w.line(w.paint(Bold, text))
}

// wrapped writes a text in as many lines as it takes, all indented alike.
func (w *writer) wrapped(indent int, text string) {
	pad := strings.Repeat(" ", indent)
	for _, l := range wrap(text, w.width-indent) {
		w.line(pad, l)
	}
}

// Text writes the summary of a result for a terminal: expectations first and of
// these the failed ones, then the verdict, the ledger, the times, what happened
// to devices and how they came back, and what the result is of, in lines that are no
// wider than the options say. Of a run that measured nothing there is less. Control
// characters in names are replaced, so that no name can move the cursor.
func Text(out io.Writer, r *metrics.Result, opt TextOptions) error {
	w := newWriter(opt)
	s := &r.Snapshot
	w.expectations(r)
	w.verdict(r)
	switch why := idle(r); {
	case r.Ran > 0:
		w.unmeasured(r)
	case why != "":
		w.idle(r, why)
	default:
		w.ledger(r)
	}
	w.deliveries(r)
	w.misbehavior(r)
	if r.Ran == 0 {
		w.times(s)
		w.messages(r)
		w.devices(r)
	}
	w.incidents(r)
	w.offline(r)
	w.recovery(r)
	w.errors(r)
	if r.Ran == 0 { // else they stand among the counts
		w.oddities(r)
	}
	w.facts("run", r)
	return w.flush(out)
}

func (w *writer) flush(out io.Writer) error {
	if _, err := io.WriteString(out, words.PlainScreen(w.b.String(), w.styled)); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// statusStyle is how the word for a status looks.
func statusStyle(s metrics.Status) Style {
	switch s {
	case metrics.Pass:
		return Good
	case metrics.Fail:
		return Bad
	}
	return Warn
}

func (w *writer) verdict(r *metrics.Result) {
	style := Warn
	switch r.Verdict {
	case metrics.VerdictPass, metrics.VerdictRan:
		style = Good
	case metrics.VerdictFail, metrics.VerdictBroken:
		style = Bad
	}
	word := clean(cmp.Or(string(r.Verdict), "none"))
	if w.b.Len() > 0 {
		w.b.WriteByte('\n')
	}
	lines := wrap(word, w.width-len("verdict: "))
	w.line(w.paint(Bold, "verdict: "), w.paint(style, first(lines)))
	for _, l := range rest(lines) {
		w.line("  ", w.paint(style, l))
	}
	// The sentences of the expectations are in the table above.
	for _, s := range r.Sentences {
		if !slices.ContainsFunc(r.Expectations, func(x metrics.Expected) bool { return x.Sentence == s }) {
			w.wrapped(2, clean(s))
		}
	}
	if text := unkeptText(r); text != "" {
		w.wrapped(2, text)
	}
	for _, s := range slices.Concat(r.Remarks, r.Generator.Remarks) {
		for _, l := range wrap("note: "+clean(s), w.width-2) {
			w.line("  ", w.paint(Dim, l))
		}
	}
}

// idle stands for the ledger of a run without requests.
func (w *writer) idle(r *metrics.Result, why string) {
	heading := "no requests"
	if r.Measured > 0 {
		heading += " in " + span(r.Measured)
	}
	w.heading(heading)
	w.wrapped(2, why)
}

func (w *writer) ledger(r *metrics.Result) {
	t := &r.Totals
	w.heading("requests in " + span(r.Measured) + ", sent at " + rateOver(t.Sent, r.Measured))
	type row struct {
		name, share string
		n           int64
		bad         bool
	}
	rows := []row{
		{"planned", "", t.Planned, false},
		{"sent", words.Share(t.Sent, t.Planned) + " of planned", t.Sent, false},
		{"answered", words.Share(t.Answered, t.Sent) + " of sent", t.Answered, false},
		{"late", words.Share(t.Late, t.Sent) + " of sent", t.Late, true},
		{"lost", words.Share(t.Lost, t.Sent) + " of sent", t.Lost, true},
		{"refused", words.Share(t.Refused, t.Sent) + " of sent", t.Refused, true},
		{"interrupted", words.Share(t.Interrupted, t.Sent) + " of sent", t.Interrupted, false},
		{"not sent", words.Share(t.NotSent.Total(), t.Planned) + " of planned", t.NotSent.Total(), t.NotSent.Total() > t.NotSent.Paused},
	}
	name, digits := 10, 0
	if t.Interrupted == 0 {
		rows = slices.Delete(rows, 6, 7)
	} else {
		name += 3
	}
	for _, x := range rows {
		digits = max(digits, len(words.Grouped(x.n)))
	}
	for _, x := range rows {
		n, share := lead(words.Grouped(x.n), digits), x.share
		if x.n == 0 || strings.HasPrefix(share, " ") {
			share = ""
		}
		if x.bad && x.n > 0 {
			n = w.paint(Bad, n)
		}
		w.line("  ", pad(x.name, name), n, "  ", w.paint(Dim, share))
	}
	w.ledgerSums(t)
	if t.SentAway > 0 {
		w.wrapped(2, fmt.Sprintf("to devices that were away: %s sent, of which %s lost", words.Grouped(t.SentAway), words.Grouped(t.LostAway)))
	}
	if t.Interrupted > 0 {
		w.wrapped(2, "interrupted: in flight, and in time, when the run was stopped; neither answered nor lost")
	}
	if held := heldBack(t); held != "" {
		w.wrapped(2, held)
	}
	if t.Unfinished > 0 {
		w.wrapped(2, "lost as the run ended, before their time-out: "+words.Grouped(t.Unfinished))
	}
	for _, more := range []struct {
		what string
		of   []namedCount
	}{{"not sent for", causes(t)}, {"answers beside these", astray(t)}} {
		var parts []string
		for _, c := range nonZero(more.of) {
			parts = append(parts, c.name+" "+words.Grouped(c.n))
		}
		if parts != nil {
			w.wrapped(2, more.what+": "+strings.Join(parts, ", "))
		}
	}
}

// ledgerSums writes the sums that must hold, of what was planned and of what was sent.
func (w *writer) ledgerSums(t *metrics.Totals) {
	for _, s := range sums(t)[:2] {
		var text strings.Builder
		text.WriteString(s.Whole.Name + " " + s.Whole.Value + " =")
		for i, p := range s.Parts {
			if i > 0 {
				text.WriteString(" +")
			}
			text.WriteString(" " + p.Name + " " + p.Value)
		}
		if !s.Holds {
			text.WriteString(": DOES NOT HOLD")
			for _, l := range wrap(text.String(), w.width-2) {
				w.line("  ", w.paint(Bad, l))
			}
			continue
		}
		for _, l := range wrap(text.String(), w.width-2) {
			w.line("  ", w.paint(Dim, l))
		}
	}
	for _, text := range []string{byTopicText(&t.ByTopic), partsText(t)} {
		if text != "" {
			w.wrapped(2, text)
		}
	}
}

// devices writes how many were not there in the end, if any.
func (w *writer) devices(r *metrics.Result) {
	d := r.Devices
	if d.Online >= d.Total && d.GaveUp == 0 {
		return
	}
	w.heading(fmt.Sprintf("devices: %s of %s online at the end", words.Grouped(int64(d.Online)), words.Grouped(int64(d.Total))))
	var parts []string
	for _, x := range []namedCount{{"never online", int64(d.Total - d.Seen), ""}, {"refused for good", int64(d.GaveUp), ""}} {
		if x.n > 0 {
			parts = append(parts, x.name+" "+words.Grouped(x.n))
		}
	}
	if parts != nil {
		w.wrapped(2, strings.Join(parts, ", "))
	}
}

// incidents writes what happened, a line each.
func (w *writer) incidents(r *metrics.Result) {
	for i, in := range r.Incidents {
		if i == 0 {
			w.heading("incidents")
		}
		if i == mostText {
			w.dim(words.Plural(int64(len(r.Incidents)-i+r.IncidentsLeftOut), "more incident", "more incidents"))
			return
		}
		w.wrapped(2, incidentSpan(in.At, in.To)+": "+clean(incidentText(r, in)))
	}
	if r.IncidentsLeftOut > 0 {
		w.dim(words.Plural(int64(r.IncidentsLeftOut), "more incident", "more incidents"))
	}
}

// errors writes what was refused, by reason code.
func (w *writer) errors(r *metrics.Result) {
	type row struct {
		origin, reason string
		n              int64
	}
	var rows []row
	for _, reason := range slices.Sorted(maps.Keys(r.Totals.RefusedBy)) {
		rows = append(rows, row{"requests refused", reason, r.Totals.RefusedBy[reason]})
	}
	for _, origin := range slices.Sorted(maps.Keys(r.Reasons)) {
		for _, reason := range slices.Sorted(maps.Keys(r.Reasons[origin])) {
			rows = append(rows, row{origin, reason, r.Reasons[origin][reason]})
		}
	}
	if rows == nil {
		return
	}
	w.heading("errors by reason code")
	digits := 0
	for _, x := range rows {
		digits = max(digits, len(words.Grouped(x.n)))
	}
	for _, x := range rows {
		lines := wrap(clean(x.origin)+": "+clean(x.reason), w.width-digits-4)
		w.line("  ", lead(words.Grouped(x.n), digits), "  ", first(lines))
		for _, l := range rest(lines) {
			w.line(strings.Repeat(" ", digits+4), l)
		}
	}
}

// odd are the counts that a reader would otherwise have to look for, of what a broker
// may do and seldom does.
var odd = []string{"acks.stray", "acks.missing", "acks.no_subscribers", "wills.answers_altered", "wills.answers_doubled", "connections.bad_packets", "subscriptions.lowered", "devices.ghost_commands", "devices.bad_topics", "devices.rejected", "devices.duplicates"}

// oddities writes which of them are not zero, and what they are.
func (w *writer) oddities(r *metrics.Result) {
	digits := 0
	for _, name := range odd {
		if n := r.Counts[name]; n != 0 {
			digits = max(digits, len(words.Grouped(n)))
		}
	}
	if digits == 0 {
		return
	}
	w.heading("beside these")
	for _, info := range metrics.Catalogue() {
		if n := r.Counts[info.Name]; n != 0 && slices.Contains(odd, info.Name) {
			lines := wrap(info.Name+": "+info.Help, w.width-digits-4)
			w.line("  ", lead(words.Grouped(n), digits), "  ", first(lines))
			for _, l := range rest(lines) {
				w.line(strings.Repeat(" ", digits+4), l)
			}
		}
	}
}
