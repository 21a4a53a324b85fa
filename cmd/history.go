package cmd

import (
	"errors"
	"fmt"
	"os"

	"homefleet/fleet"
	"homefleet/fleet/history"
	"homefleet/fleet/metrics"
)

// historyFile is the history of a run, as it is written.
type historyFile struct {
	*history.Writer
	file *os.File
	name string
}

// openHistory begins the history of the run in a file, if one is wanted. It is written as
// the run goes on, so that what there is can be read if this process does not come to its
// end.
func (r *running) openHistory(name string) (*fleet.Told, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Create(r.path(name))
	if err != nil {
		return nil, misused("", "--history: %s", unPath(err, name))
	}
	h := &historyFile{file: file, name: name, Writer: history.NewWriter(file, history.Begin{
		Tool: thisVersion(), Run: r.id, Broker: r.url, Names: r.sc.LabelNames(),
		Scenario: metrics.ScenarioFacts{Name: r.sc.Name, Title: r.sc.Title, Digest: r.sc.Digest},
	}, 0)}
	r.history = h
	return &fleet.Told{Wills: h.Wills, Requests: h.Requests, Messages: h.Messages}, nil
}

// evidence ends the history with the result. end is how the run ends, which a history that
// could not be written makes a failed one.
func (r *running) evidence(res *metrics.Result, end error) error {
	if r.history == nil {
		return end
	}
	if err := r.history.close(res); err != nil {
		err = failed("", "--history: %s", unPath(err, r.history.name))
		if end == nil || exitCode(end) == exitExpectation {
			return err
		}
		r.warn("%s", err.Error())
		return end
	}
	if !r.quiet {
		var rs rows
		rs.add("wrote", "%s", printable(r.history.name))
		fmt.Fprint(r.screen, rs.text("", r.errPaint()))
	}
	return end
}

// close ends the file.
func (h *historyFile) close(res *metrics.Result) error {
	err := errors.Join(h.Close(res), h.file.Close())
	h.file = nil
	return err
}

// abandon ends the file of a run that did not come to its end.
func (h *historyFile) abandon() {
	if h != nil && h.file != nil {
		h.Abandon()
		_ = h.file.Close()
	}
}
