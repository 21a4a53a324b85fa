package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// runFacts says what was run, against what, and on what.
func runFacts(r *metrics.Result) []facts {
	var blocks []facts
	block := func(heading string, pairs ...pair) {
		f := facts{Heading: heading}
		for _, p := range pairs {
			if p.Value != "" {
				f.Pairs = append(f.Pairs, p)
			}
		}
		if f.Pairs != nil {
			blocks = append(blocks, f)
		}
	}
	planned := "until stopped"
	if r.Duration > 0 {
		planned = span(r.Duration)
	}
	started := ""
	if !r.Started.IsZero() {
		started = moment(r.Started)
	}
	began, ran := pair{"Measuring began", started, ""}, pair{"Measured", span(r.Measured), ""}
	warmUp := span(r.WarmUp)
	if r.Ran > 0 {
		began, ran, warmUp = pair{"Began", started, ""}, pair{"Ran", words.Span(time.Duration(r.Ran)), ""}, ""
	}
	block("Scenario",
		pair{"Name", r.Scenario.Name, ""}, pair{"Title", r.Scenario.Title, ""}, pair{"SHA-256", r.Scenario.Digest, ""},
		pair{"Seed", strconv.FormatUint(r.Seed, 10), ""}, pair{"Run", r.Run, ""}, pair{"Shards", strings.Join(r.Shards, ", "), ""}, pair{"Start", strings.Join(metrics.StartText(r.Starts), ", "), ""},
		began, pair{"Warm-up", warmUp, ""}, pair{"Planned", planned, ""}, ran, pair{"Attended", r.AttendedText(), ""})
	if !uncontrolled(r) {
		block("Load",
			pair{"Arrival", strings.Join(r.Load.Arrival, "\n"), ""}, pair{"QoS", qosText(r.Load.QoS), ""},
			pair{"Payload", words.Bytes(int64(r.Load.Payload)), ""}, pair{"Correlation Data", words.Bytes(int64(r.Load.Correlation)), ""},
			pair{"Time-out", span(r.Load.Timeout), ""}, pair{"Late window", span(r.Load.Late), ""})
	}
	broker := []pair{{"Address", r.Broker.URL, ""}, {"Kind", embeddedText(r), ""}, {"Known of it", r.Broker.Name, ""}}
	for _, name := range slices.Sorted(maps.Keys(r.Broker.Connack)) {
		broker = append(broker, pair{name, cmp.Or(r.Broker.Connack[name], none), ""})
	}
	block("Broker and its CONNACK", broker...)
	if p := r.Broker.Process; p != nil {
		cpu, memory := p.Text()
		block("Process of the broker", pair{"Number", strconv.Itoa(p.PID), ""}, pair{"CPU", cpu, ""}, pair{"Memory", memory, ""})
	}
	for i, h := range r.Hosts {
		heading := "Generator host"
		if len(r.Hosts) > 1 {
			heading += " " + strconv.Itoa(i+1)
		}
		memory := ""
		if h.Memory > 0 {
			memory = words.Bytes(h.Memory)
		}
		block(heading, pair{"Cores", strconv.Itoa(h.Cores), ""}, pair{"GOMAXPROCS", strconv.Itoa(h.GOMAXPROCS), ""},
			pair{"Go", h.Go, ""}, pair{"System", strings.Trim(h.OS+"/"+h.Arch, "/"), ""}, pair{"Memory", memory, ""})
	}
	block("Versions", pair{"homefleet", r.Tool, ""}, pair{"Result format", strconv.Itoa(r.Version), ""})
	if phases := phaseFacts(r); phases.Pairs != nil {
		blocks = append(blocks, phases)
	}
	return blocks
}

func phaseFacts(r *metrics.Result) facts {
	f := facts{Heading: "Phases, from the start of measuring"}
	for _, p := range r.Phases {
		f.Pairs = append(f.Pairs, pair{p.Name, span(p.From) + " to " + span(p.To), ""})
	}
	return f
}

func embeddedText(r *metrics.Result) string {
	if r.Broker.Embedded {
		return "embedded in this process: its CPU is the generator's"
	}
	return ""
}

func qosText(all []int) string {
	var parts []string
	for _, q := range all {
		parts = append(parts, fmt.Sprint(q))
	}
	return strings.Join(parts, ", ")
}
