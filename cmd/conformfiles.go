package cmd

import (
	"io"

	"homefleet/fleet/conformance"
	"homefleet/fleet/machine"
	"homefleet/fleet/report"
)

// examinedBroker is what was found of a broker, for files.
type examinedBroker struct {
	report *conformance.Report
	broker string
	ready  *conformance.ReadyDocument // nil: it was examined for no client

	process *conformance.Process // nil: nobody named it

	version, noVersion string // what it says it is, or why that is not known
}

// usage is what the broker's process has used so far, if it is named.
func (f *conformFlags) usage() (machine.Usage, error) {
	if f.pid == 0 {
		return machine.Usage{}, nil
	}
	u, err := machine.Process(f.pid)
	if err != nil {
		return u, misused("", "--pid: %w", err)
	}
	return u, nil
}

// took is what it has used since; nil where that is not known.
func (f *conformFlags) took(before machine.Usage) *conformance.Process {
	after, err := machine.Process(f.pid)
	if f.pid == 0 || err != nil {
		return nil
	}
	return &conformance.Process{PID: f.pid, CPU: (after.CPU - before.CPU).Seconds(), RSS: after.RSS}
}

// examinedFile is a file that it is written to.
type examinedFile struct {
	wholeFile
	flag  string
	write func(io.Writer, *examinedBroker) error
}

// examinedFiles are those that are wanted. That they can be written is seen to at once.
func (a *app) examinedFiles(f *conformFlags) ([]examinedFile, error) {
	var all []examinedFile
	for _, x := range []struct {
		flag, name string
		write      func(io.Writer, *examinedBroker) error
	}{
		{"--junit", f.junit, func(w io.Writer, e *examinedBroker) error { return e.report.JUnit(w, e.broker) }},
		{"--report", f.html, func(w io.Writer, e *examinedBroker) error {
			return report.Passport(w, &report.Examined{Report: e.report, Broker: e.broker, Tool: "homefleet " + thisVersion(), Ready: e.ready, Process: e.process})
		}},
	} {
		if x.name == "" {
			continue
		}
		file := examinedFile{a.wholeFile(x.name), x.flag, x.write}
		if err := file.check(); err != nil {
			return nil, misused("", "%s: %s", file.flag, unPath(err, file.name))
		}
		all = append(all, file)
	}
	return all, nil
}

// put writes the file.
func (f *examinedFile) put(e *examinedBroker) error {
	if err := f.wholeFile.put(func(w io.Writer) error { return f.write(w, e) }); err != nil {
		return failed("", "%s: %s", f.flag, unPath(err, f.name))
	}
	return nil
}
