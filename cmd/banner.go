package cmd

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
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
	if lines := r.tryNext(); lines != nil {
		b.WriteString("Try in another terminal:\n")
		for _, line := range lines {
			b.WriteString(p.green(fold(line, r.Stderr)) + "\n")
		}
	}
	b.WriteString(p.dim("Ctrl-C stops.") + "\n\n")
	_, _ = r.screen.Write([]byte(b.String())) // there is nowhere else to say it
}

// tryNext returns command lines, ready to paste, that switch the first light: as
// somebody who may do so, if there is one.
func (r *running) tryNext() []string {
	if r.secretURL() {
		return nil
	}
	d := firstLight(r.sc)
	attribute, payload := "power", "ON"
	if _, ok := d.Group.Kind.Attribute([]byte("power")); !ok {
		attribute, payload = d.Group.Kind.Attributes[0].Name, ""
	}
	_, state := commandAndState(&d, attribute)
	command, payload := asked(&d, attribute, payload)
	if d.Group.Retain || strings.ContainsAny(state, "<,") {
		state = "homefleet/try" // what is retained there would come before the answer, or there is no one such place
	}
	if payload != "" {
		payload = shellQuote(payload)
	}
	var lines []string
	if l, ok := r.requester(d, errand{publish: []string{command}, answers: true}); ok {
		request := r.Name + " request" + r.requestAddress(l) + " " + shellQuote(command)
		if payload != "" {
			request += " " + payload
		}
		lines = append(lines, request)
	}
	if l, ok := r.requester(d, errand{publish: []string{command}, subscribe: []string{state}}); ok {
		if address, ok := r.mosquittoFlags(l); ok {
			message := " -n"
			if payload != "" {
				message = " -m " + payload
			}
			lines = append(lines, "mosquitto_rr"+address+" -V mqttv5 -t "+shellQuote(command)+" -e "+shellQuote(state)+message)
		}
	}
	return lines
}

// secretURL reports whether the broker's address is not shown as it is: a line to
// paste would lead nowhere, or have the secret in it.
func (r *running) secretURL() bool {
	return words.PublicURL(r.sc.Broker.URL) != r.sc.Broker.URL
}

// tryAfter says what to try after a measured run.
func (r *running) tryAfter() {
	if r.secretURL() || r.quiet || r.json || r.arg == "-" || r.sc.Part.N > 0 {
		return
	}
	run := r.Name + " run " + shellQuote(r.arg)
	here := r.given // what leads to the same broker
	if r.embedded == nil {
		here = " --broker " + shellQuote(r.url) + r.given
	}
	size := r.sizeFlag()
	var lines []string
	if !slices.ContainsFunc(r.outputs, func(o output) bool { return o.flag == "--report" }) {
		lines = append(lines, run+size+here+" --report report.html")
	}
	sizes := r.sc.Sizes()
	if i := slices.Index(sizes, cmp.Or(r.sc.Size, scenarios.DefaultSize)); i >= 0 && i+1 < len(sizes) {
		lines = append(lines, run+" --size "+shellQuote(sizes[i+1])+here)
	}
	if r.embedded != nil {
		lines = append(lines, run+size+" --broker mqtt://localhost:1883")
	}
	if lines == nil {
		return
	}
	p := r.errPaint()
	var b strings.Builder
	b.WriteString("\nTry next:\n")
	for _, line := range lines {
		b.WriteString(p.green(fold(line, r.Stderr)) + "\n")
	}
	_, _ = r.screen.Write([]byte(b.String())) // there is nowhere else to say it
}

// sizeFlag is what asks for the size of the scenario that is run.
func (r *running) sizeFlag() string {
	if r.sc.Size == "" || r.sc.Size == scenarios.DefaultSize {
		return ""
	}
	return " --size " + shellQuote(r.sc.Size)
}

// firstLight is the device that the lines to try are about.
func firstLight(sc *scenarios.Scenario) scenarios.Device {
	number := 0
	for i := range sc.Groups {
		if sc.Groups[i].Kind.Name == "light" {
			return sc.Device(number)
		}
		number += sc.Groups[i].Total()
	}
	return sc.Device(0)
}

// requester is whom a requester would connect as for an errand, as far as is
// known: of another broker, as the devices.
func (r *running) requester(d scenarios.Device, want errand) (login, bool) {
	if r.embedded != nil {
		return r.embedded.login(want)
	}
	v, s := d.Vars(r.id), r.sc.Broker.Password
	if _, _, own := v.Login(); own {
		return login{}, false // its password is on no command line
	}
	return login{
		r.sc.Broker.Username.Expand(v),
		scenarios.Secret{File: scenarios.Template(s.File.Expand(v)), Env: scenarios.Template(s.Env.Expand(v))},
	}, true
}

// requestAddress is what `homefleet request` needs to reach the broker.
func (r *running) requestAddress(l login) string {
	flags := ""
	if r.url != defaultBroker {
		flags = flagText("--broker", r.url)
	}
	flags += l.flags()
	if b := &r.sc.Broker; r.secure() {
		flags += flagText("--ca-file", b.CAFile) + flagText("--cert-file", r.own(b.CertFile)) + flagText("--key-file", r.own(b.KeyFile))
		if b.Insecure {
			flags += " --insecure"
		}
	}
	return flags
}

func (r *running) secure() bool {
	return strings.HasPrefix(r.url, "mqtts:") || strings.HasPrefix(r.url, "wss:")
}

// mosquittoFlags is what Mosquitto's clients need to reach the broker; they
// cannot do so over WebSocket.
func (r *running) mosquittoFlags(l login) (string, bool) {
	u, err := url.Parse(r.url)
	if err != nil || !slices.Contains([]string{"mqtt", "mqtts"}, u.Scheme) {
		return "", false
	}
	flags := mosquittoAddress(u.Hostname(), u.Port()) + mosquittoLogin(l)
	if b := &r.sc.Broker; r.secure() {
		if b.CAFile != "" {
			flags += " --cafile " + shellQuote(b.CAFile)
		} else {
			flags += " --capath /etc/ssl/certs"
		}
		if b.CertFile != "" {
			flags += " --cert " + shellQuote(r.own(b.CertFile)) + " --key " + shellQuote(r.own(b.KeyFile))
		}
		if b.Insecure {
			flags += " --insecure"
		}
	}
	return flags, true
}

// mosquittoLogin has the shell put the password where it is needed.
func mosquittoLogin(l login) string {
	flags := ""
	if l.name != "" {
		flags += " -u " + shellQuote(l.name)
	}
	switch {
	case l.password.File != "":
		flags += ` -P "$(cat ` + shellQuote(string(l.password.File)) + `)"`
	case l.password.Env != "":
		flags += ` -P "$` + string(l.password.Env) + `"`
	}
	return flags
}

// mosquittoAddress leaves out what is the default of Mosquitto's clients.
func mosquittoAddress(host, port string) string {
	text := " -h " + shellQuote(host)
	if port != "" && port != "1883" {
		text += " -p " + port
	}
	return text
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
