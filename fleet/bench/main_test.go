//go:build linux

package bench

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
)

var (
	drive    = flag.String("drive", "", "measure: quick or full")
	render   = flag.String("render", "", "show the results in this `FILE` of an earlier run instead")
	results  = flag.String("results", "", "keep every single result in this `FILE`, one JSON document a line")
	markdown = flag.Bool("markdown", false, "print the tables as Markdown")
	only     = flag.String("only", "", "of the measurements, those whose names begin with one of these `NAMES`, comma-separated")
	runs     = flag.Int("runs", 0, "how often what is compared is measured, instead of 1 or 5 `TIMES`")
	program  = flag.String("program", "", "the built homefleet `FILE`, whose start is to be timed")
	// By default a fraction of what the machine could do, so that nobody is
	// measured at the limit, where all that waits is done in one go and a command
	// costs less.
	rate     = flag.Int("rate", 2000, "how many commands a `SECOND`, over all devices together")
	profiles = flag.String("profiles", "", "write profiles of the contenders into this `FOLDER`")
	role     = flag.String("role", "", "what this process is to be for another one; its job comes on stdin")
)

// TestMain makes this binary the driver or, in a role, what the driver measures.
// Without a flag it runs the package's tests, which measure nothing.
func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	switch {
	case *role != "":
		err = play(*role, os.Stdin, os.Stdout)
	case *render != "":
		err = showFile(*render)
	case *rate < 100 || *rate > 100_000:
		err = fmt.Errorf("-rate is %d; want 100 to 100,000", *rate)
	case *drive != "":
		err = driveAll(*drive)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// showFile renders the results of an earlier run.
func showFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var all report
	d := json.NewDecoder(f)
	if err := d.Decode(&all.machine); err != nil {
		return fmt.Errorf("%s: reading what machine it was: %w", name, err)
	}
	for d.More() {
		var r record
		if err := d.Decode(&r); err != nil {
			return fmt.Errorf("%s: reading a result: %w", name, err)
		}
		all.records = append(all.records, r)
	}
	return all.write(os.Stdout, *markdown)
}
