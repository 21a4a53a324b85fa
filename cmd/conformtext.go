package cmd

import (
	"fmt"
	"strings"

	"homefleet/devices/words"
	"homefleet/fleet/conformance"
)

// statuses are the columns of the table.
var statuses = []conformance.Status{conformance.Conforms, conformance.Deviates, conformance.Flaky, conformance.NotSupported, conformance.NotDecided}

// printExamined prints what was found: the verdict, a table by group, what deviates
// and why, and what was not judged.
func (a *app) printExamined(r *conformance.Report, client *conformance.Client, broker string) error {
	var b strings.Builder
	p := a.outPaint()
	if client != nil {
		ready := client.Ready(r)
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
	fmt.Fprintf(&b, "%s\n%s\n\n", look(words.Plain(r.Verdict())), p.dim(words.Plain(fmt.Sprintf("%s: %s; examined in %s", broker, r.Facts.String(), words.Span(r.Took)))))
	tableOf(&b, r, p)
	deviationsOf(&b, r, p, a.verbose)
	reasonsOf(&b, r, p)
	if r.Left > 0 {
		fmt.Fprintf(&b, "\nleft behind: %s could not be cleared\n", plural(r.Left, "session or retained topic"))
	}
	return a.printf("%s", b.String())
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
		fmt.Fprintf(b, "\n%s %s  %s\n", p.red(string(c.Status)), words.Plain(c.Clause), words.Plain(c.Title))
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
