package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/metrics"
)

// row is a name with parts, between which there are commas; a name of "" goes on
// with what stands above.
type row struct {
	name  string
	parts []string
}

// rows writes names in one column and what there is of each in another. A row without
// parts is left out.
func (w *writer) rows(all []row) {
	all = slices.DeleteFunc(all, func(r row) bool { return len(r.parts) == 0 })
	name := 0
	for _, r := range all {
		name = max(name, width(r.name))
	}
	for _, r := range all {
		for i, l := range wrapParts(r.parts, w.width-name-4) {
			if i > 0 {
				r.name = ""
			}
			w.line("  ", w.paint(Dim, pad(r.name, name)), "  ", l)
		}
	}
}

// wrapParts joins parts with commas in lines of at most so many columns. A part is
// broken only if it is wider than a line.
func wrapParts(parts []string, columns int) []string {
	var lines []string
	for i, p := range parts {
		if i < len(parts)-1 {
			p += ","
		}
		last := len(lines) - 1
		if last >= 0 && width(lines[last])+1+width(p) <= columns {
			lines[last] += " " + p
			continue
		}
		lines = append(lines, wrap(p, columns)...)
	}
	return lines
}

// facts writes what a result is of: without that its figures mean little. What is
// not known, since others wrote the document, is left out.
func (w *writer) facts(heading string, r *metrics.Result) {
	w.heading(heading)
	all := []row{factsOfScenario(r)}
	all = append(all, factsOfLoad(r)...)
	all = append(all, factsOfBroker(r))
	if p := r.Broker.Process; p != nil {
		cpu, memory := p.Text()
		all = append(all, row{"", []string{fmt.Sprintf("its process %d took %s", p.PID, cpu), memory}})
	}
	var phases []string
	for _, p := range r.Phases {
		phases = append(phases, clean(p.Name)+" "+passed(time.Duration(p.To-p.From)))
	}
	all = append(all, row{"phases", phases}, row{"start", metrics.StartText(r.Starts)})
	if text := r.AttendedText(); text != "" {
		all = append(all, row{"by hand", []string{text}})
	}
	for i := range r.Hosts {
		all = append(all, factsOfHost(r, &r.Hosts[i]))
	}
	w.rows(all)
}

func factsOfScenario(r *metrics.Result) row {
	digest := r.Scenario.Digest
	if len(digest) < 12 {
		digest = ""
	}
	return row{"scenario", named("", r.Scenario.Name, "sha256 ", digest[:min(12, len(digest))],
		"seed ", strconv.FormatUint(r.Seed, 10), "run ", r.Run, "", metrics.ShardText(r.Shards))}
}

func factsOfLoad(r *metrics.Result) []row {
	l := &r.Load
	if len(l.Arrival) == 0 {
		return nil
	}
	var all []row
	for i, text := range l.Arrival {
		name := ""
		if i == 0 {
			name = "load"
		}
		all = append(all, row{name, strings.Split(clean(text), ", ")})
	}
	var parts []string
	for _, q := range l.QoS {
		parts = append(parts, fmt.Sprintf("QoS %d", q))
	}
	return append(all, row{"", append(parts,
		"payload "+words.Plural(int64(l.Payload), "byte", "bytes"),
		"Correlation Data "+words.Plural(int64(l.Correlation), "byte", "bytes"),
		"time-out "+words.Duration(time.Duration(l.Timeout)))})
}

func factsOfBroker(r *metrics.Result) row {
	address := clean(r.Broker.URL)
	if r.Broker.Embedded {
		address = strings.TrimSpace(address + " (embedded)")
	}
	parts := named("", address, "", r.Broker.Name)
	if len(r.Broker.Connack) == 0 && r.Devices.Seen > 0 {
		parts = append(parts, "no limits in its CONNACK")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Broker.Connack)) {
		parts = append(parts, clean(name+" "+r.Broker.Connack[name]))
	}
	return row{"broker", parts}
}

func factsOfHost(r *metrics.Result, h *metrics.HostFacts) row {
	var parts []string
	if h.Cores > 0 {
		parts = append(parts, words.Plural(int64(h.Cores), "core", "cores"))
	}
	if h.GOMAXPROCS > 0 {
		parts = append(parts, fmt.Sprintf("GOMAXPROCS %d", h.GOMAXPROCS))
	}
	if h.Memory > 0 {
		parts = append(parts, words.Bytes(h.Memory))
	}
	return row{"host", append(parts, named("", strings.Trim(h.OS+"/"+h.Arch, "/"), "", h.Go, "homefleet ", r.Tool)...)}
}

// named are texts, each behind its name, without those that are empty.
func named(pairs ...string) []string {
	var all []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if text := clean(pairs[i+1]); text != "" {
			all = append(all, pairs[i]+text)
		}
	}
	return all
}

// passed is how long a phase was; one may have been over at once.
func passed(d time.Duration) string {
	if d >= time.Second && d%time.Second == 0 {
		return words.Duration(d)
	}
	return words.Span(d)
}
