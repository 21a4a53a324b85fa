package export

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"

	"homefleet/fleet/metrics"
)

// Bench writes results as Go benchmark lines, which benchstat compares: one line
// for each run, with the number of requests that were answered and every figure
// that the run has, named after it ("response.p50-sec" is in seconds,
// "requests.lost-%" in percent, "answers.rate/s" a second). What is common to
// all lines stands above them as configuration, what is better as units.
func Bench(w io.Writer, results []*metrics.Result) error {
	var b bytes.Buffer
	figures := metrics.SumUp(results)
	var last string
	for k, r := range results {
		if config := benchConfig(r); config != last {
			b.WriteString(config)
			last = config
		}
		if k == 0 {
			for _, f := range figures {
				switch {
				case f.Sense > 0:
					fmt.Fprintf(&b, "Unit %s better=higher\n", benchUnit(f.RunFigure))
				case f.Sense < 0:
					fmt.Fprintf(&b, "Unit %s better=lower\n", benchUnit(f.RunFigure))
				}
			}
		}
		fmt.Fprintf(&b, "Benchmark%s 	%d", benchName(r), max(r.Totals.Answered, 1))
		for _, f := range figures {
			if v := f.Values[k]; number(v) {
				fmt.Fprintf(&b, " 	%s %s", plain(v), benchUnit(f.RunFigure))
			}
		}
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return writing("the benchmark lines", err)
}

// benchConfig is what the lines of a result are of.
func benchConfig(r *metrics.Result) string {
	var b strings.Builder
	add := func(key, value string) {
		if value = strings.TrimSpace(oneLine(value)); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	if len(r.Hosts) > 0 {
		add("goos", r.Hosts[0].OS)
		add("goarch", r.Hosts[0].Arch)
	}
	add("pkg", "homefleet")
	add("scenario", r.Scenario.Name)
	add("scenario-sha256", r.Scenario.Digest)
	add("broker", cmp.Or(r.Broker.Name, r.Broker.URL))
	return b.String()
}

// benchName is the scenario's name as a benchmark has one: a capital first, no
// spaces, and the number of processors behind it, so that a number in the name
// is not taken for that.
func benchName(r *metrics.Result) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			return '_'
		}
		return c
	}, strings.TrimSuffix(cmp.Or(r.Scenario.Name, "homefleet"), ".toml"))
	runes := []rune(name)
	runes[0] = unicode.ToUpper(runes[0])
	if !unicode.IsUpper(runes[0]) {
		runes = append([]rune{'S', '_'}, runes...)
	}
	cores := 1
	if len(r.Hosts) > 0 && r.Hosts[0].GOMAXPROCS > 0 {
		cores = r.Hosts[0].GOMAXPROCS
	}
	return fmt.Sprintf("%s-%d", string(runes), cores)
}

// benchUnit names a figure with its unit.
func benchUnit(f metrics.RunFigure) string {
	switch u := unit(f.Unit); u {
	case "":
		return f.Name
	case "/s":
		return f.Name + u
	default:
		return f.Name + "-" + u
	}
}
