// Package deploy writes down how a scheduler that is there already runs the shards of a
// scenario and their collector: as manifests for Kubernetes, as a batch script for Slurm. It
// knows neither of them; what it returns is text for people to read and to hand over.
package deploy

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"time"
)

// Plan is what is to run where.
type Plan struct {
	Name     string // of all objects: a DNS label (RFC 1123) of at most [MostName] bytes
	Scenario File   // that the shards run
	Size     string // of the scenario; "": the default one
	Shards   int
	Broker   string        // its URL, as the shards reach it
	Run      string        // the name of the run, {run} in templates
	Longest  time.Duration // that all of it may take
	Devices  int           // of all shards
	Password string        // the environment variable that the scenario has the password from; "": none
	Files    []string      // further files that the scenario names, beside it

	// Of Kubernetes alone.
	Image     string
	Namespace string // "": the one that kubectl goes by
}

// File is a file with what is in it.
type File struct {
	Name string // without a directory
	Text string
}

// MostName is how long a name may be: what is made of it has to be a label, too.
const MostName = 63 - len("-collector-token")

var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// FitName returns what is wrong with a name for objects; nil: nothing.
func FitName(name string) error {
	if len(name) > MostName || !label.MatchString(name) {
		return fmt.Errorf("%q is no name for objects; want up to %d of a to z, 0 to 9 and -, with neither end a -", name, MostName)
	}
	return nil
}

// NameOf makes a name out of that of a scenario.
func NameOf(scenario string) string {
	name := strings.TrimSuffix(filepath.Base(scenario), ".toml")
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
	name = strings.Trim(name[:min(len(name), MostName)], "-")
	if name == "" {
		return "homefleet"
	}
	return name
}

// command is what a shard is called with, but for where its collector is.
func (p *Plan) command(scenario string) []string {
	all := []string{"run", scenario}
	if p.Size != "" {
		all = append(all, "--size", p.Size)
	}
	return append(all, "--broker", p.Broker, "--shard", "auto")
}

// collectorPort is where the collector listens.
const collectorPort = 7677

// tokenVariable is where all look for the token.
const tokenVariable = "HOMEFLEET_COLLECTOR_TOKEN"

// memoryOf is what a shard needs, in MiB: the program, and of each device what its state takes
// with room for a burst, twice what it was measured to be when idle (fleet/bench/README.md).
func (p *Plan) memory() int {
	const program, each = 64, 16 // MiB, KiB
	return program + (p.Devices+p.Shards-1)/p.Shards*each/1024
}

// fill fills a template in.
func fill(text string, p *Plan) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"quoted": quoted, "literal": literal}).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, p)
	return b.String(), err
}
