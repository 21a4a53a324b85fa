package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"homefleet/fleet/export"
	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
	"homefleet/scenarios"
)

// outputFlags name the files that a result is written to, beside stdout.
type outputFlags struct {
	html, junit, result string
	hlog, bench, otava  string
	htmlFlag            string // what the flag for the page is called; "" is --report
}

func (o *outputFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.html, "report", "", "`FILE` to write the result to as an HTML page")
	f.StringVar(&o.junit, "junit", "", "`FILE` to write the expectations to as JUnit XML")
	f.StringVar(&o.result, "result", "", "`FILE` to write the result to as JSON, as --json prints it")
	o.addExports(f)
}

// addExports adds the flags of files for other tools.
func (o *outputFlags) addExports(f *pflag.FlagSet) {
	f.StringVar(&o.hlog, "hlog", "", "`FILE` to write the distributions to as an HdrHistogram log")
	f.StringVar(&o.bench, "bench", "", "`FILE` to write the figures to as Go benchmark lines, for benchstat")
	f.StringVar(&o.otava, "otava", "", "`FILE` to write the figures to as CSV, for Apache Otava")
}

// named lists the files by their flags.
func (o *outputFlags) named() []fileUse {
	return []fileUse{
		{cmp.Or(o.htmlFlag, "--report"), o.html}, {"--junit", o.junit}, {"--result", o.result},
		{"--hlog", o.hlog}, {"--bench", o.bench}, {"--otava", o.otava},
	}
}

// each lists every file that so many runs write, for [app.spare]; 0 runs is one
// whose names are taken as they are.
func (o *outputFlags) each(runs int) []fileUse {
	var all []fileUse
	for _, f := range o.named() {
		if runs == 0 || !strings.Contains(f.name, runPlace) {
			all = append(all, f)
			continue
		}
		for k := range runs {
			all = append(all, fileUse{f.what, numbered(f.name, k+1)})
		}
	}
	return all
}

// output is a file that a result is written to at the end.
type output struct {
	wholeFile
	flag     string
	write    func(io.Writer, *metrics.Runs) error
	each     bool   // one for each run:
	template string // the name has a place for the run's number
}

// runPlace stands for the number of the run in the name of a file.
const runPlace = "{n}"

// outputs lists the files that are wanted.
func (a *app) outputs(o *outputFlags) []output {
	var all []output
	for _, x := range []struct {
		flag, name string
		write      func(io.Writer, *metrics.Runs) error
	}{
		{cmp.Or(o.htmlFlag, "--report"), o.html, report.RunsHTML},
		{"--junit", o.junit, report.RunsJUnit},
		{"--result", o.result, encodeRuns},
		{"--hlog", o.hlog, func(w io.Writer, all *metrics.Runs) error { return export.HLog(w, all.Results) }},
		{"--bench", o.bench, func(w io.Writer, all *metrics.Runs) error { return export.Bench(w, all.Results) }},
		{"--otava", o.otava, func(w io.Writer, all *metrics.Runs) error { return export.Otava(w, all.Results) }},
	} {
		if x.name != "" {
			all = append(all, output{wholeFile: a.wholeFile(x.name), flag: x.flag, write: x.write})
		}
	}
	return all
}

// encodeRuns writes the document of one run, or that of several.
func encodeRuns(w io.Writer, all *metrics.Runs) error {
	if all.Planned == 1 {
		return all.Results[0].Encode(w)
	}
	return all.Encode(w)
}

// forMeasured refuses files of figures where nothing is measured.
func (o *outputFlags) forMeasured(sc *scenarios.Scenario) error {
	if sc.Measured() {
		return nil
	}
	for _, f := range o.named() {
		if f.name != "" && slices.Contains([]string{"--hlog", "--bench", "--otava"}, f.what) {
			return misused("a [[controller]], [phases] or [expect] makes the run a measurement", "%s is for scenarios that measure, and %s does not", f.what, sc.Name)
		}
	}
	return nil
}

// prepareOutputs makes sure that the files can be written: to learn that after a
// long run would be late. runs is how many --runs there are to be: of a name with
// runPlace each gets a file of its own; 0 takes names as they are.
func (a *app) prepareOutputs(o *outputFlags, runs int) ([]output, error) {
	all := a.outputs(o)
	for i := range all {
		if runs > 0 && strings.Contains(all[i].name, runPlace) {
			all[i].each, all[i].template = true, all[i].name
			all[i].wholeFile = a.wholeFile(numbered(all[i].name, 1))
		}
		if err := all[i].check(); err != nil {
			return nil, misused("", "%s: %s", all[i].flag, unPath(err, all[i].name))
		}
	}
	return all, nil
}

// numbered is the name of the file of run k.
func numbered(name string, k int) string {
	return strings.ReplaceAll(name, runPlace, strconv.Itoa(k))
}

// put writes the file.
func (o *output) put(all *metrics.Runs) error {
	if err := o.wholeFile.put(func(w io.Writer) error { return o.write(w, all) }); err != nil {
		return failed("", "%s: %s", o.flag, unPath(err, o.name))
	}
	return nil
}

// putAll writes all files but those of a single run, and says where they are.
func (a *app) putAll(outputs []output, all *metrics.Runs) error {
	var errs []error
	var rs rows
	for i := range outputs {
		if outputs[i].each {
			continue
		}
		if err := outputs[i].put(all); err != nil {
			errs = append(errs, err)
			continue
		}
		rs.add("wrote", "%s", printable(outputs[i].name))
	}
	if !a.quiet && rs.names != nil {
		fmt.Fprint(a.screen, rs.text("", a.errPaint()))
	}
	return errors.Join(errs...)
}

// putRun writes the files of run k of several.
func (a *app) putRun(outputs []output, k int, r *metrics.Result) error {
	var mine []output
	for _, o := range outputs {
		if o.each {
			mine = append(mine, output{wholeFile: a.wholeFile(numbered(o.template, k)), flag: o.flag, write: o.write})
		}
	}
	return a.putAll(mine, metrics.NewRuns(r.Tool, 1, []*metrics.Result{r}))
}
