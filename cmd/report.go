package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"homefleet/fleet/files"
	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
)

// reportFlags are the flags of report.
type reportFlags struct {
	outputs  outputFlags
	exitCode bool
	compare  bool

	oneBroker bool
}

func (a *app) reportCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RESULT.json...",
		Short: "Show, compare or merge results of runs",
		Long: `Show the result of a measured run, as run --json or --result wrote it; - is
stdin. Results of the shards of one run are merged into one. Results of different
runs are compared: each with the first, figure by figure, and with a word on
whether a difference is more than noise. Of several runs that --runs made, in one
file, the median of each figure is shown.

With --compare all runs before -- are compared with all runs behind it, by a rank
test over runs: a figure is worse, better or the same, or there are too few runs
to tell. Ten of each find a slowdown of a tenth where runs differ little.

"homefleet help result" says what every field of a result means.`,
		Example: `  homefleet report result.json
  homefleet report result.json --html report.html
  homefleet report before.json after.json
  homefleet report --exit-code --compare old-*.json -- new-*.json
  homefleet report shard-1.json shard-2.json --result whole.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused("usage: "+cmd.UseLine(), "report wants RESULT.json")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.compare {
				return a.compareRuns(args, cmd.ArgsLenAtDash(), &f)
			}
			return a.report(args, &f)
		},
	}
	fs := cmd.Flags()
	f.outputs.htmlFlag = "--html"
	fs.StringVar(&f.outputs.html, "html", "", "`FILE` to write as an HTML page")
	fs.StringVar(&f.outputs.junit, "junit", "", "`FILE` to write the expectations to as JUnit XML")
	fs.StringVar(&f.outputs.result, "result", "", "`FILE` to write the result to as JSON, shards merged")
	f.outputs.addExports(fs)
	fs.BoolVar(&f.compare, "compare", false, "compare runs, OLD.json... -- NEW.json..., by a rank test over runs")
	fs.BoolVar(&f.exitCode, "exit-code", false, "exit as the run did; with 3 if a comparison finds something worse, and of --compare too if there are too few runs")
	fs.BoolVar(&f.oneBroker, "one-broker", false, "the addresses at which shards had their broker are of one broker")
	return cmd
}

// named is a result and where it is from.
type named struct {
	*metrics.Result
	files []string
	of    int // runs that its file was to be of
}

// name is how a result is called in messages.
func (n *named) name() string {
	if len(n.files) == 1 {
		return n.files[0]
	}
	return fmt.Sprintf("%s and %s", n.files[0], plural(len(n.files)-1, "other shard"))
}

func (a *app) report(args []string, f *reportFlags) error {
	if err := a.spareResults(args, f); err != nil {
		return err
	}
	all, err := a.readResults(args)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(n named) bool { return n.of > 1 }); i >= 0 {
		if len(args) == 1 {
			return a.reportRuns(all, f)
		}
		return misused("homefleet report --compare OLD.json... -- NEW.json... compares runs", "%s is of %d runs", all[i].name(), all[i].of)
	}
	if all, err = mergeShards(all); err != nil {
		return err
	}
	if err = a.tellMissing(all); err != nil {
		return err
	}
	for i := range all {
		if err := all[i].Check(); err != nil {
			a.warn("%s: the sums do not hold: %s", all[i].name(), strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if len(all) > 1 {
		return a.compare(all, f)
	}
	files, err := a.prepareOutputs(&f.outputs, 0)
	if err != nil {
		return err
	}
	res := all[0].Result
	if err := a.putAll(files, metrics.NewRuns(res.Tool, 1, []*metrics.Result{res})); err != nil {
		return err
	}
	if a.json {
		err = a.resultDocument(res)
	} else {
		err = a.resultText(res)
	}
	if err != nil && !outClosed(err) {
		return err
	}
	if f.exitCode {
		return wholeVerdict(res, f.oneBroker)
	}
	return nil
}

// spareResults refuses to write over what is read.
func (a *app) spareResults(args []string, f *reportFlags) error {
	var reads []fileUse
	for _, arg := range args {
		if arg != "-" {
			reads = append(reads, fileUse{"the result that is read", arg})
		}
	}
	return a.spare(f.outputs.named(), slices.Values(reads))
}

// readResults reads the files, of one run or of several each; "-" is stdin.
func (a *app) readResults(args []string) ([]named, error) {
	var all []named
	for i, arg := range args {
		if arg == "-" && slices.Contains(args[:i], "-") {
			return nil, misused("", "report: - stands there twice, and stdin can be read but once")
		}
		name := arg
		if arg == "-" {
			name = "stdin"
		}
		results, planned, err := a.readResult(arg)
		if _, told := errors.AsType[*exitError](err); told {
			return nil, err
		}
		if err != nil {
			return nil, misused("results are what `homefleet run --json` prints, or --result writes", "%s: %w", name, err)
		}
		for _, res := range results {
			for _, text := range res.Rejudge() {
				a.warn("%s: %s", name, text)
			}
			all = append(all, named{res, []string{name}, planned})
		}
	}
	return all, nil
}

func (a *app) readResult(arg string) (results []*metrics.Result, planned int, err error) {
	if arg == "-" {
		return metrics.DecodeResults(a.Stdin)
	}
	text, err := files.Read(a.path(arg), metrics.MaxResult)
	if err != nil {
		return nil, 0, misused("", "%s", unPath(err, arg))
	}
	return metrics.DecodeResults(bytes.NewReader(text))
}

// mergeShards makes one result of the shards of each run, in the order in which
// the runs come first.
func mergeShards(all []named) ([]named, error) {
	var runs [][]named
next:
	for _, n := range all {
		for i := range runs {
			first := runs[i][0]
			if len(n.Shards) > 0 && len(first.Shards) > 0 && n.Run == first.Run {
				runs[i] = append(runs[i], n)
				continue next
			}
		}
		runs = append(runs, []named{n})
	}
	merged := make([]named, 0, len(runs))
	for _, shards := range runs {
		whole := shards[0]
		if len(shards) > 1 {
			var parts []*metrics.Result
			whole.files = nil
			for _, s := range shards {
				parts = append(parts, s.Result)
				whole.files = append(whole.files, s.files...)
			}
			var err error
			if whole.Result, err = metrics.MergeResults(parts...); err != nil {
				return nil, misused("", "%s: %w", whole.name(), err)
			}
		}
		merged = append(merged, whole)
	}
	return merged, nil
}

// comparisonDocument is a comparison of two results in JSON.
type comparisonDocument struct {
	Before string `json:"before"` // file
	After  string `json:"after"`
	metrics.Comparison
}

// compare compares the first result with each of the others.
func (a *app) compare(all []named, f *reportFlags) error {
	switch {
	case f.outputs.junit != "":
		return misused("", "--junit is for one result, and these are of %s", plural(len(all), "run"))
	case f.outputs.result != "":
		return misused("", "--result is for one result, and these are of %s", plural(len(all), "run"))
	case f.outputs.html != "" && len(all) > 2:
		return misused("", "--html compares two results, and these are of %s", plural(len(all), "run"))
	}
	exports, err := a.prepareOutputs(&outputFlags{hlog: f.outputs.hlog, bench: f.outputs.bench, otava: f.outputs.otava}, 0)
	if err != nil {
		return err
	}
	if err := a.putAll(exports, metrics.NewRuns(thisVersion(), len(all), resultsOf(all))); err != nil {
		return err
	}
	before := &all[0]
	documents := []comparisonDocument{}
	worse := 0
	for i := range all[1:] {
		after := &all[i+1]
		c := metrics.Compare(before.Result, after.Result)
		for _, d := range c.Deltas {
			if d.Verdict == metrics.Worse {
				worse++
			}
		}
		documents = append(documents, comparisonDocument{before.name(), after.name(), c})
		if f.outputs.html != "" {
			page := output{wholeFile: a.wholeFile(f.outputs.html), flag: "--html", write: func(w io.Writer, _ *metrics.Runs) error {
				return report.Compare(w, c, before.Result, after.Result)
			}}
			if err := a.putAll([]output{page}, nil); err != nil {
				return err
			}
		}
		if a.json {
			continue
		}
		if i > 0 {
			if err := a.printf("\n"); err != nil && !outClosed(err) {
				return err
			}
		}
		if err := report.CompareText(a.Stdout, c, before.Result, after.Result, a.textOptions()); err != nil && !outClosed(err) {
			return failed("", "%w", err)
		}
	}
	if a.json {
		if err := a.document(documents); err != nil && !outClosed(err) {
			return err
		}
	}
	if f.exitCode && worse > 0 {
		return &exitError{code: exitExpectation, err: fmt.Errorf("worse than in %s: %s", before.name(), plural(worse, "figure"))}
	}
	return nil
}
