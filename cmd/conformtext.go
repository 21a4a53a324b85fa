package cmd

import (
	"fmt"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/conformance"
	"homefleet/scenarios/tomlfault"
)

// statuses are the columns of the table.
var statuses = []conformance.Status{conformance.Conforms, conformance.Deviates, conformance.Flaky, conformance.NotSupported, conformance.NotDecided}

// printExamined prints what was found: the verdict, a table by group, what deviates
// and why, and what was not judged.
func (a *app) printExamined(e *examinedBroker) error {
	var b strings.Builder
	p, r := a.outPaint(), e.report
	if ready := e.ready; ready != nil {
		b.WriteString(p.bold(words.Plain(ready.String())) + "\n")
		for _, because := range ready.Because[min(1, len(ready.Because)):] {
			fmt.Fprintf(&b, "  %s\n", words.Plain(because))
		}
		b.WriteByte('\n')
	}
	look := p.green
	if !r.Conforms() {
		look = p.red
	}
	fmt.Fprintf(&b, "%s\n%s\n\n", look(words.Plain(r.Verdict())), p.dim(words.Plain(fmt.Sprintf("%s: %s; examined in %s", e.named(), r.Facts.String(), words.Span(r.Took)))))
	tableOf(&b, r, p)
	deviationsOf(&b, r, p, a.verbose)
	reasonsOf(&b, r, p)
	figuresOf(&b, e, p)
	if r.Left > 0 {
		fmt.Fprintf(&b, "\nleft behind: %s could not be cleared\n", plural(r.Left, "session or retained topic"))
	}
	return a.printf("%s", b.String())
}

// named is the broker's address, and what it says it is.
func (e *examinedBroker) named() string {
	if e.version == "" {
		return e.broker
	}
	return fmt.Sprintf("%s (%s)", e.broker, tomlfault.Short(e.version))
}

func tableOf(b *strings.Builder, r *conformance.Report, p paint) {
	fmt.Fprintf(b, "%-18s", "group")
	for _, s := range statuses {
		fmt.Fprintf(b, "%15s", s)
	}
	b.WriteByte('\n')
	for _, t := range r.Tallies() {
		fmt.Fprintf(b, "%-18s", t.Group)
		for _, s := range statuses {
			text := fmt.Sprintf("%15d", t.Counts[s])
			switch {
			case t.Counts[s] == 0:
				text = p.dim(fmt.Sprintf("%15s", "-"))
			case s == conformance.Deviates || s == conformance.Flaky:
				text = p.red(text)
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "%-18s", "all")
	for _, s := range statuses {
		fmt.Fprintf(b, "%15d", r.Count(s))
	}
	b.WriteByte('\n')
}

func deviationsOf(b *strings.Builder, r *conformance.Report, p paint, wire bool) {
	for _, c := range r.Causes() {
		level := ""
		look := p.red
		if because := c.Because(); because != "" {
			level, look = p.dim("  (no more than recommended: "+because+")"), p.yellow
		}
		fmt.Fprintf(b, "\n%s %s  %s%s\n", look(string(c.Status)), words.Plain(c.Clause), words.Plain(c.Title), level)
		fmt.Fprintf(b, "  %s\n", words.Plain(c.Line()))
		fmt.Fprintf(b, "  %s\n", p.dim(words.Plain(c.Does+" "+c.Wants)))
		if n := len(c.Echoes); n > 0 {
			fmt.Fprintf(b, "  %s could not be judged because of it\n", plural(n, "other statement"))
		}
		if wire {
			for _, s := range c.Steps {
				fmt.Fprintf(b, "    %s\n", p.dim(words.Plain(s.String())))
			}
		}
	}
}

func reasonsOf(b *strings.Builder, r *conformance.Report, p paint) {
	reasons := r.Reasons()
	if len(reasons) > 0 {
		b.WriteByte('\n')
	}
	for _, x := range reasons {
		fmt.Fprintf(b, "%s  %3d  %s\n", p.dim(fmt.Sprintf("%-13s", x.Status)), x.Count, words.Plain(x.Why))
	}
}

// figuresOf prints what was measured beside the verdict.
func figuresOf(b *strings.Builder, e *examinedBroker, p paint) {
	var rs rows
	for i := range e.report.Figures {
		rs.add(e.report.Figures[i].Name, "%s", words.Plain(e.report.Figures[i].String()))
	}
	if e.process != nil {
		rs.add("CPU of the broker", "%.2f s for the examination", e.process.CPU)
		rs.add("memory of the broker", "%s resident at its end", words.Bytes(e.process.RSS))
	}
	if rs.names != nil {
		fmt.Fprintf(b, "\nfigures, beside the verdict\n%s", rs.text("  ", p))
	}
}
