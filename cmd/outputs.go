package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"homefleet/fleet/metrics"
	"homefleet/fleet/report"
	"homefleet/scenarios"
)

// outputFlags name the files that a result is written to, beside stdout.
type outputFlags struct {
	html, junit, result string
	htmlFlag            string // what the flag for the page is called; "" is --report
}

func (o *outputFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.html, "report", "", "`FILE` to write the result to as an HTML page")
	f.StringVar(&o.junit, "junit", "", "`FILE` to write the expectations to as JUnit XML")
	f.StringVar(&o.result, "result", "", "`FILE` to write the result to as JSON, as --json prints it")
}

// output is a file that a result is written to at the end.
type output struct {
	wholeFile
	flag  string
	write func(io.Writer, *metrics.Result) error
}

// outputs lists the files that are wanted.
func (a *app) outputs(o *outputFlags) []output {
	var all []output
	for _, x := range []struct {
		flag, name string
		write      func(io.Writer, *metrics.Result) error
	}{
		{cmp.Or(o.htmlFlag, "--report"), o.html, report.HTML},
		{"--junit", o.junit, report.JUnit},
		{"--result", o.result, func(w io.Writer, r *metrics.Result) error { return r.Encode(w) }},
	} {
		if x.name != "" {
			all = append(all, output{a.wholeFile(x.name), x.flag, x.write})
		}
	}
	return all
}

// forMeasured refuses files of a result that there will not be.
func (o *outputFlags) forMeasured(sc *scenarios.Scenario) error {
	if sc.Measured() {
		return nil
	}
	for _, f := range []struct{ flag, value string }{{"--report", o.html}, {"--junit", o.junit}, {"--result", o.result}} {
		if f.value != "" {
			return misused("a [[controller]], [phases] or [expect] makes the run a measurement", "%s is for scenarios that measure, and %s does not", f.flag, sc.Name)
		}
	}
	return nil
}

// prepareOutputs makes sure that the files can be written: to learn that after a
// long run would be late.
func (a *app) prepareOutputs(o *outputFlags) ([]output, error) {
	all := a.outputs(o)
	for i := range all {
		if err := all[i].check(); err != nil {
			return nil, misused("", "%s: %s", all[i].flag, unPath(err, all[i].name))
		}
	}
	return all, nil
}

// put writes the file.
func (o *output) put(r *metrics.Result) error {
	if err := o.wholeFile.put(func(w io.Writer) error { return o.write(w, r) }); err != nil {
		return failed("", "%s: %s", o.flag, unPath(err, o.name))
	}
	return nil
}

// putAll writes all files and says where they are.
func (a *app) putAll(all []output, r *metrics.Result) error {
	var errs []error
	var rs rows
	for i := range all {
		if err := all[i].put(r); err != nil {
			errs = append(errs, err)
			continue
		}
		rs.add("wrote", "%s", all[i].name)
	}
	if !a.quiet && rs.names != nil {
		fmt.Fprint(a.screen, rs.text("", a.errPaint()))
	}
	return errors.Join(errs...)
}
