package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/devices/words"
	"homefleet/fleet/history"
	"homefleet/fleet/metrics"
)

func (a *app) auditCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "audit HISTORY",
		Short: "Judge a run again by its history, without a broker",
		Long: `Judge a run again by the history that run --history wrote: connections and their
ends, Will Messages, requests and answers, messages to watchers. No broker is
needed. The figures and the verdict are worked out anew from what devices,
controllers and watchers did and saw, and compared with what the run said; what
a history does not know, such as counts of packets and what the broker retained,
is taken from the run's word.

A history is a gzip file of JSON lines (zcat shows it), each with its moment in
nanoseconds. One that was cut off, or whose lines are not those that were written,
bears nothing out.

Exit codes: 0 the history bears the run out, and its verdict is a good one; 3 the
verdict is none, or the history comes to something else; 1 it is not whole, or
cannot be read.`,
		Example: `  homefleet run mass-offline --history run.jsonl.gz
  homefleet audit run.jsonl.gz
  zcat run.jsonl.gz | grep '"device":12,'`,
		Args: want("HISTORY"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"gz"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.audit(args[0]) },
	}
}

// auditDocument is what audit --json prints.
type auditDocument struct {
	History     string          `json:"history"`
	Run         history.Begin   `json:"begin"`
	BearsOut    bool            `json:"bears_out"`
	Verdict     metrics.Verdict `json:"verdict,omitempty"`
	Said        metrics.Verdict `json:"said,omitempty"`
	Cut         string          `json:"cut,omitempty"`
	Altered     string          `json:"altered,omitempty"`
	Differences []string        `json:"differences,omitempty"`
	Lines       int64           `json:"lines"`
	Wills       int64           `json:"wills"`
	Requests    int64           `json:"requests"`
	Messages    int64           `json:"messages"`
	ExitCode    int             `json:"exit_code"`
	Result      *metrics.Result `json:"result,omitempty"`
}

// audit carries out the command.
func (a *app) audit(name string) error {
	file, err := os.Open(a.path(name))
	if err != nil {
		return misused("", "%s", unPath(err, name))
	}
	defer file.Close()
	j, err := history.Judge(file)
	if err != nil {
		return misused("histories are what `homefleet run --history` writes", "%s: %w", name, err)
	}
	end := audited(j)
	if a.json {
		d := auditDocument{History: name, Run: j.Begin, BearsOut: j.BearsOut(), Cut: j.Cut, Altered: j.Altered, Differences: j.Differences,
			Lines: j.Lines, Wills: j.Wills, Requests: j.Requests, Messages: j.Messages, ExitCode: exitCode(end), Result: j.Result}
		if j.Result != nil {
			d.Verdict, d.Said = j.Result.Verdict, j.Said.Verdict
		}
		if err := a.document(d); err != nil {
			return err
		}
		return end
	}
	if err := a.printAudited(j); err != nil {
		return err
	}
	return end
}

// audited is how the command ends.
func audited(j *history.Judgement) error {
	headline, _ := auditedWords(j)
	switch {
	case j.Cut != "" || j.Result == nil:
		return &exitError{code: exitFailed, err: errors.New(headline), said: true}
	case !j.BearsOut() || !j.Result.Verdict.Good():
		return &exitError{code: exitExpectation, err: errors.New(headline), said: true}
	}
	return nil
}

// auditedWords is what came of it, and why.
func auditedWords(j *history.Judgement) (headline string, why []string) {
	if j.Altered != "" {
		why = append(why, j.Altered)
	}
	why = append(why, j.Differences...)
	switch {
	case j.Cut != "":
		return "not decided: the history is not whole: " + j.Cut, why
	case j.Result == nil:
		return "not decided: the history has no result", why
	case j.BearsOut():
		return fmt.Sprintf("%s: the history bears out what the run said", j.Result.Verdict), nil
	case j.Result.Verdict != j.Said.Verdict:
		return fmt.Sprintf("%s: the history does not bear out the run, which said %q", j.Result.Verdict, j.Said.Verdict), why
	}
	return fmt.Sprintf("%s: but the history is not that of this result", j.Result.Verdict), why
}

// printAudited prints it for people.
func (a *app) printAudited(j *history.Judgement) error {
	var b strings.Builder
	p := a.outPaint()
	headline, why := auditedWords(j)
	look := p.green
	if audited(j) != nil {
		look = p.red
	}
	fmt.Fprintf(&b, "%s\n", look(words.Plain(headline)))
	fmt.Fprintf(&b, "%s\n\n", p.dim(words.Plain(fmt.Sprintf("%s on %s, run %s, begun %s", cmp.Or(j.Begin.Scenario.Title, j.Begin.Scenario.Name), j.Begin.Broker, j.Begin.Run, j.Begin.Began.Format("2006-01-02 15:04:05")))))
	for _, w := range why {
		fmt.Fprintf(&b, "  %s\n", words.Plain(w))
	}
	if len(why) > 0 {
		b.WriteByte('\n')
	}
	var rs rows
	rs.add("lines", "%s", words.Grouped(j.Lines))
	rs.add("connections and Wills", "%s", told(j.Wills, func(r *metrics.Result) string {
		if r.Audit == nil {
			return ""
		}
		return fmt.Sprintf(": %s, %s due, %s on time", plural(int(r.Audit.Wills.Outages), "outage"), words.Grouped(r.Audit.Wills.Due), words.Grouped(r.Audit.Wills.OnTime))
	}, j.Result))
	rs.add("requests", "%s", told(j.Requests, func(r *metrics.Result) string {
		return fmt.Sprintf(": %s of %s answered in time", words.Grouped(r.Totals.Answered), words.Grouped(r.Totals.Planned))
	}, j.Result))
	rs.add("messages to watchers", "%s", told(j.Messages, func(r *metrics.Result) string {
		sent, came := int64(0), int64(0)
		for i := range r.Deliveries {
			sent, came = sent+r.Deliveries[i].Sent, came+r.Deliveries[i].Delivered
		}
		return fmt.Sprintf(": %s of %s delivered", words.Grouped(came), words.Grouped(sent))
	}, j.Result))
	rs.add("the run's word", "counts of packets, devices online, recoveries, what the broker retained")
	b.WriteString(rs.text("", p))
	return a.printf("%s", b.String())
}

// told is how much a history has of something, and what it comes to.
func told(n int64, of func(*metrics.Result) string, r *metrics.Result) string {
	text := words.Plural(n, "report", "reports")
	if n == 0 || r == nil {
		return text
	}
	return text + of(r)
}
