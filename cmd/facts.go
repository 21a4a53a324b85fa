package cmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"homefleet/fleet/metrics"
)

// factRows says what a result is of: without that its figures mean little.
func factRows(res *metrics.Result, width int) *rows {
	var rs rows
	const indent = 12
	add := func(name string, parts ...string) {
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		if len(parts) == 0 {
			return // others wrote the document, and left that out
		}
		rs.add(name, "%s", strings.Join(wrapParts(parts, width-indent), "\n"))
	}
	s := &res.Scenario
	digest := ""
	if len(s.Digest) >= 12 {
		digest = "sha256 " + printable(s.Digest[:12])
	}
	add("scenario", printable(s.Name), digest, "seed "+strconv.FormatUint(res.Seed, 10), known("run ", res.Run), metrics.ShardText(res.Shards))
	if l := &res.Load; len(l.Arrival) > 0 {
		var parts []string
		for _, q := range l.QoS {
			parts = append(parts, fmt.Sprintf("QoS %d", q))
		}
		parts = append(parts, fmt.Sprintf("payload %s", plural(l.Payload, "byte")),
			fmt.Sprintf("Correlation Data %s", plural(l.Correlation, "byte")), "time-out "+setting(time.Duration(l.Timeout)))
		for i, text := range l.Arrival {
			add(first(i, "load"), strings.Split(printable(text), ", ")...)
		}
		add("", parts...)
	}
	broker := []string{printable(res.Broker.URL), printable(res.Broker.Name)}
	if res.Broker.Embedded {
		broker[0] = strings.TrimSpace(broker[0] + " (embedded)")
	}
	if len(res.Broker.Connack) == 0 && res.Devices.Seen > 0 {
		broker = append(broker, "no limits in its CONNACK")
	}
	for _, name := range slices.Sorted(maps.Keys(res.Broker.Connack)) {
		broker = append(broker, printable(name)+" "+printable(res.Broker.Connack[name]))
	}
	add("broker", broker...)
	var phases []string
	for _, p := range res.Phases {
		phases = append(phases, printable(p.Name)+" "+spanOrNone(time.Duration(p.To-p.From)))
	}
	add("phases", phases...)
	for _, h := range res.Hosts {
		cores, procs, memory := "", "", ""
		if h.Cores > 0 {
			cores = plural(h.Cores, "core")
		}
		if h.GOMAXPROCS > 0 {
			procs = fmt.Sprintf("GOMAXPROCS %d", h.GOMAXPROCS)
		}
		if h.Memory > 0 {
			memory = fmt.Sprintf("%.1f GiB", float64(h.Memory)/(1<<30))
		}
		add("host", cores, procs, memory,
			printable(strings.Trim(h.OS+"/"+h.Arch, "/")), printable(h.Go), known("homefleet ", res.Tool))
	}
	return &rs
}

// known is a name and what it is of; "" if that is not known.
func known(name, text string) string {
	if text == "" {
		return ""
	}
	return name + printable(text)
}

// spanOrNone is how long a phase was; one may have been over at once.
func spanOrNone(d time.Duration) string {
	if d >= time.Second && d%time.Second == 0 {
		return setting(d)
	}
	return span(d)
}

// wrapParts joins parts with commas into lines of at most a width, as far as
// that can be had.
func wrapParts(parts []string, width int) []string {
	lines := []string{""}
	used := 0
	for i, p := range parts {
		if i < len(parts)-1 {
			p += ","
		}
		n := utf8.RuneCountInString(p)
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last, used = p, n
		case used+1+n <= width:
			*last += " " + p
			used += 1 + n
		default:
			lines, used = append(lines, p), n
		}
	}
	return lines
}
