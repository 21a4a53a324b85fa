package cmd

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"homefleet/devices/words"
	"homefleet/fleet"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// banner says what runs where, before anything connects.
func (r *running) banner() {
	if r.quiet {
		if r.control != nil && r.control.page == uiURL {
			fmt.Fprintln(r.screen, r.control.browse()) // which is asked for, and nothing else
		}
		return
	}
	p := r.errPaint()
	if r.series.again() {
		fmt.Fprintf(r.screen, "%s, seed %d, run %s\n", p.bold(r.series.words()), r.sc.Seed, r.id)
		return
	}
	var rs rows
	rs.add("scenario", "%s%s, seed %d, run %s", printable(r.sc.Name), r.origin(), r.sc.Seed, r.id)
	if r.sc.Part.N > 0 {
		rs.add("part", "%s", metrics.ShardText(shardList(r.sc)))
	}
	rs.add("devices", "%s", devicesByKind(r.sc))
	rs.add("broker", "%s%s", r.brokerWords(), r.userWords())
	if r.sc.Duration > 0 {
		rs.add("duration", "%s", setting(r.sc.Duration))
	}
	for i := range r.sc.Controllers {
		rs.add(first(i, "load"), "%s", r.groupWords(&r.sc.Controllers[i]))
	}
	for i := range r.sc.Watchers {
		w := &r.sc.Watchers[i]
		rs.add(first(i, "watchers"), "%s", watcherWords(w))
	}
	if r.series != nil {
		rs.add("runs", "%s", r.series.words())
	}
	if r.sc.Measured() {
		if len(r.sc.Incidents) > 0 {
			rs.add("incidents", "%s", incidentNames(r.sc))
		}
		rs.add("phases", "%s", phaseWords(&r.sc.Phases))
	}
	if p := planWarningsOf(r.sc); len(p.lines) > 0 {
		rs.add("foreseen", "%s", p.words(r.Name+" check "+shellQuote(r.arg)+r.sizeFlag()))
	}
	if r.scrape != nil {
		rs.add("metrics", "%s", r.scrape.url)
	}
	if r.replaying != nil {
		rs.add("replay", "%s, as in %s", plural(r.replaying.Len(), "intervention"), printable(r.replayed))
	}
	if r.control != nil {
		rs.add("control", "%s", r.control.url)
		if r.control.page != "" {
			rs.add("page", "%s", r.control.browse())
		}
	}
	fmt.Fprintf(r.screen, "%s  %s\n%s", p.bold("homefleet"), p.bold(printable(cmp.Or(r.sc.Title, r.sc.Name))), rs.text("  ", p))
}

// origin says of a shipped scenario that it is one: a file here may have the same
// name.
func (r *running) origin() string {
	if r.sc.Name == r.arg || r.arg == "-" {
		return ""
	}
	return " (shipped)"
}

// userWords says as whom the devices connect: also where a flag names another
// broker, that is as the scenario says.
func (r *running) userWords() string {
	return asWhom(r.sc, r.id)
}

// first is a name that is not said again for the rows after the first.
func first(i int, name string) string {
	if i > 0 {
		return ""
	}
	return name
}

// groupWords says in a line what a group of controllers does.
func (r *running) groupWords(c *scenarios.Controllers) string {
	name := printable(c.Name)
	if c.Count > 1 {
		name = words.Grouped(int64(c.Count)) + " × " + name
	}
	return fmt.Sprintf("%s: %s, QoS %d", name, c.ArrivalText(), c.QoS)
}

// phaseWords says how long a measured run lasts.
func phaseWords(p *scenarios.Phases) string {
	var parts []string
	if p.WarmUp > 0 {
		parts = append(parts, "warm-up "+setting(p.WarmUp))
	}
	parts = append(parts, "measure "+setting(p.Measure))
	if p.Drain > 0 {
		parts = append(parts, "drain "+setting(p.Drain)+" at most")
	}
	return strings.Join(parts, ", ")
}

// brokerWords says where the broker is, and which one.
func (r *running) brokerWords() string {
	if r.embedded == nil {
		return r.reaches.String()
	}
	return strings.Join(append([]string{r.url}, r.embedded.others...), ", ") + " (embedded)"
}

// devicesByKind is "10: 4 lights, 3 thermostats, 3 plugs", or "1 light".
func devicesByKind(sc *scenarios.Scenario) string {
	var names []string
	count := make(map[string]int)
	for i := range sc.Groups {
		g := &sc.Groups[i]
		if _, ok := count[g.Kind.Name]; !ok {
			names = append(names, g.Kind.Name)
		}
		count[g.Kind.Name] += g.Total()
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = plural(count[name], name)
	}
	text := "none"
	switch {
	case len(parts) == 1:
		text = parts[0]
	case len(parts) > 1:
		text = fmt.Sprintf("%s: %s", words.Grouped(int64(sc.Count())), strings.Join(parts, ", "))
	}
	if n := sc.Absent(); n > 0 {
		text += fmt.Sprintf("; %s not present at first", words.Grouped(int64(n)))
	}
	return text + externalWords(sc)
}

// upBanner tells that the fleet is up, and what to try next.
func (r *running) upBanner(up fleet.Presence) {
	if r.quiet || r.series.again() {
		return
	}
	p := r.errPaint()
	all := plural(up.Devices, "device")
	if up.GaveUp > 0 {
		all = fmt.Sprintf("%s of %s", words.Grouped(int64(up.Seen)), all)
	}
	var rs rows
	width := len("scenario") // as in the banner above
	if r.sc.Measured() && len(r.sc.Incidents) > 0 {
		width = len("incidents")
	}
	rs.add(pad("ready", width), "%s up in %s", all, words.Span(r.readyIn))
	if r.sc.Measured() {
		_, _ = r.screen.Write([]byte(rs.text("  ", p))) // there is nowhere else to say it
		return
	}
	b := &strings.Builder{}
	b.WriteString(rs.text("  ", p))
	b.WriteString("\n")
	if lines, as := r.tryNext(); lines != nil {
		b.WriteString("Try in another terminal" + as + ":\n")
		for _, line := range lines {
			b.WriteString(p.green(fold(line, r.Stderr)) + "\n")
		}
	}
	b.WriteString(p.dim("Ctrl-C stops.") + "\n\n")
	_, _ = r.screen.Write([]byte(b.String())) // there is nowhere else to say it
}

// fold indents a command line, and on a terminal that is too narrow for it breaks
// it before a flag in a way that a shell reads as one line.
func fold(line string, s Stream) string {
	const indent = "  "
	if !s.Terminal || utf8.RuneCountInString(indent+line) < s.columns() {
		return indent + line
	}
	var b strings.Builder
	used := 0
	for i, word := range strings.Split(strings.ReplaceAll(line, " -", "\n-"), "\n") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			b.WriteString(indent)
			used = len(indent)
		case used+1+n+2 >= s.columns():
			b.WriteString(" \\\n" + indent + indent)
			used = 2 * len(indent)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}
