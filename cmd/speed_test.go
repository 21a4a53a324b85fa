package cmd

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"homefleet/scenarios"
)

// whateverTheSpeed are the runs of scripts in which the generator may be late without
// changing what the script looks at, and why.
var whateverTheSpeed = map[string]string{
	"ctl.txtar: request-response":   "it is stopped before it has measured anything",
	"usage.txtar: request-response": "it is refused",
}

// What a script wants of a measurement does not rest on how quick the machine is that
// day: a scenario that sends requests does without generator.late, or lets it be anything.
// A busy machine would have its verdict be "generator saturated".
func TestScriptsDoNotRestOnSpeed(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	runs, seen := 0, make(map[string]bool)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(archive.Comment)) {
			sc, name := measuredBy(t, archive, line)
			if sc == nil || len(sc.Controllers) == 0 {
				continue
			}
			runs++
			at := filepath.Base(file) + ": " + name
			if whateverTheSpeed[at] != "" {
				seen[at] = true
				continue
			}
			for _, e := range sc.Expectations() {
				if e.Metric() == "generator.late" && e.Want() != "<= 100%" {
					t.Errorf("%s: %s expects generator.late %s; want \"generator.late\" = false, since this machine may be busy with something else",
						at, strings.TrimSpace(line), e.Want())
				}
			}
		}
	}
	if runs < 40 {
		t.Errorf("there are %d runs that send requests; want all of the scripts", runs)
	}
	for at := range whateverTheSpeed {
		if !seen[at] {
			t.Errorf("%s is no such run any more; take it off the list", at)
		}
	}
}

// runLine is a line of a script that runs a scenario or a bench, with its arguments.
var runLine = regexp.MustCompile(`^(?:\[\w+\] )?(?:! )?(?:homefleet|background \w+|spawn \w+ homefleet) (run|bench) (.*)`)

// measuredBy returns the scenario that a line of a script runs, and what it is called there;
// nil if it runs none, or one with faults.
func measuredBy(t *testing.T, archive *txtar.Archive, line string) (*scenarios.Scenario, string) {
	m := runLine.FindStringSubmatch(line)
	if m == nil {
		return nil, ""
	}
	if m[1] == "bench" {
		sc, faults := scenarios.Load("bench.toml", []byte(benchText(t, m[2])))
		if faults.Err() != nil {
			return nil, ""
		}
		return sc, "bench"
	}
	size := ""
	if at := strings.Fields(m[2]); slices.Contains(at, "--size") && slices.Index(at, "--size")+1 < len(at) {
		size = at[slices.Index(at, "--size")+1]
	}
	for arg := range strings.FieldsSeq(m[2]) {
		text, ok := scenarios.ReadShipped(arg)
		for _, f := range archive.Files {
			if f.Name == arg {
				text, ok = f.Data, true
			}
		}
		if sc, faults := scenarios.LoadSize(arg, text, size); ok && faults.Err() == nil {
			return sc, arg
		}
	}
	return nil, ""
}

// benchText is the scenario of a bench, as it prints it; "" for a line that is refused or
// only printed.
func benchText(t *testing.T, args string) string {
	if strings.Contains(args, "--print") {
		return ""
	}
	var all []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(args, -1) {
		all = append(all, m[1]+m[2])
	}
	var out strings.Builder
	p := Process{Args: append(append([]string{"bench"}, all...), "--print"), Stdout: Stream{Writer: &out}, Stderr: Stream{Writer: new(strings.Builder)}}
	if Run(t.Context(), p) != 0 {
		return ""
	}
	return out.String()
}
