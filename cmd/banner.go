package cmd

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"homefleet/fleet"
	"homefleet/scenarios"
)

// banner says what runs where, before anything connects.
func (r *running) banner() {
	if r.quiet {
		return
	}
	p := r.errPaint()
	var rs rows
	rs.add("scenario", "%s, seed %d, run %s", r.sc.Name, r.sc.Seed, r.id)
	rs.add("devices", "%s", devicesByKind(r.sc))
	rs.add("broker", "%s", r.brokerWords())
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
	if r.sc.Measured() {
		if len(r.sc.Incidents) > 0 {
			rs.add("incidents", "%s", incidentNames(r.sc))
		}
		rs.add("phases", "%s", phaseWords(&r.sc.Phases))
	}
	if r.scrape != nil {
		rs.add("metrics", "%s", r.scrape.url)
	}
	fmt.Fprintf(r.screen, "%s  %s\n%s", p.bold("homefleet"), p.bold(cmp.Or(r.sc.Title, r.sc.Name)), rs.text("  ", p))
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
		name = thousands(int64(c.Count)) + " × " + name
	}
	return fmt.Sprintf("%s: %s, QoS %d", name, arrivalWords(c), c.QoS)
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
		return r.url
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
	if len(parts) == 1 {
		return parts[0]
	}
	return fmt.Sprintf("%s: %s", thousands(int64(sc.Count())), strings.Join(parts, ", "))
}

// upBanner tells that the fleet is up, and what to try next.
func (r *running) upBanner(up fleet.Presence) {
	if r.quiet {
		return
	}
	p := r.errPaint()
	all := plural(up.Devices, "device")
	if up.GaveUp > 0 {
		all = fmt.Sprintf("%s of %s", thousands(int64(up.Seen)), all)
	}
	var rs rows
	width := len("scenario") // as in the banner above
	if r.sc.Measured() && len(r.sc.Incidents) > 0 {
		width = len("incidents")
	}
	rs.add(pad("ready", width), "%s up in %s", all, span(r.readyIn))
	if r.sc.Measured() {
		_, _ = r.screen.Write([]byte(rs.text("  ", p))) // there is nowhere else to say it
		return
	}
	b := &strings.Builder{}
	b.WriteString(rs.text("  ", p))
	b.WriteString("\nTry in another terminal:\n")
	for _, line := range r.tryNext() {
		b.WriteString(p.green(fold(line, r.Stderr)) + "\n")
	}
	b.WriteString(p.dim("Ctrl-C stops.") + "\n\n")
	_, _ = r.screen.Write([]byte(b.String())) // there is nowhere else to say it
}

// tryNext returns command lines, ready to paste, that switch the first light.
func (r *running) tryNext() []string {
	d := firstLight(r.sc)
	attribute, payload := "power", "ON"
	if _, ok := d.Group.Kind.Attribute([]byte("power")); !ok {
		attribute, payload = d.Group.Kind.Attributes[0].Name, ""
	}
	command := "cmnd/" + d.ID + "/" + attribute
	request := r.Name + " request" + r.requestAddress(d)
	request += " " + shellQuote(command)
	if payload != "" {
		request += " " + payload
	}
	lines := []string{request}
	if address, ok := r.mosquittoFlags(d); ok {
		message := " -n"
		if payload != "" {
			message = " -m " + payload
		}
		lines = append(lines, "mosquitto_rr"+address+" -V mqttv5 -t "+shellQuote(command)+
			" -e "+shellQuote("state/"+d.ID+"/"+attribute)+message)
	}
	return lines
}

// tryAfter says what to try after a measured run.
func (r *running) tryAfter() {
	if r.quiet || r.json || r.arg == "-" {
		return
	}
	again := r.Name + " run " + shellQuote(r.arg)
	if r.sc.Size != "" && r.sc.Size != scenarios.DefaultSize {
		again += " --size " + shellQuote(r.sc.Size)
	}
	if r.embedded == nil {
		again += " --broker " + shellQuote(r.url)
	}
	var lines []string
	if !slices.ContainsFunc(r.outputs, func(o output) bool { return o.flag == "--report" }) {
		lines = append(lines, again+" --report report.html")
	}
	sizes := r.sc.Sizes()
	if i := slices.Index(sizes, cmp.Or(r.sc.Size, scenarios.DefaultSize)); i >= 0 && i+1 < len(sizes) {
		larger := r.Name + " run " + shellQuote(r.arg) + " --size " + shellQuote(sizes[i+1])
		if r.embedded == nil {
			larger += " --broker " + shellQuote(r.url)
		}
		lines = append(lines, larger)
	}
	if r.embedded != nil {
		lines = append(lines, again+" --broker mqtt://localhost:1883")
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

// requester is the user name that a requester would have, as far as is known,
// and where its password is.
func (r *running) requester(d scenarios.Device) (name string, password scenarios.Secret) {
	if r.embedded != nil && !r.embedded.anyone && len(r.embedded.users) > 0 && r.sc.Broker.Username == "" {
		return r.embedded.users[0], scenarios.Secret{}
	}
	v := d.Vars(r.id)
	s := r.sc.Broker.Password
	return r.sc.Broker.Username.Expand(v), scenarios.Secret{File: scenarios.Template(s.File.Expand(v)), Env: scenarios.Template(s.Env.Expand(v))}
}

// requestAddress is what `homefleet request` needs to reach the broker.
func (r *running) requestAddress(d scenarios.Device) string {
	var flags []string
	add := func(flag, value string) { flags = append(flags, flag, shellQuote(value)) }
	if r.url != defaultBroker {
		add("--broker", r.url)
	}
	name, password := r.requester(d)
	if name != "" {
		add("--username", name)
	}
	if password.File != "" {
		add("--password-file", string(password.File))
	}
	if password.Env != "" && password.Env != defaultPasswordEnv {
		add("--password-env", string(password.Env))
	}
	if b := &r.sc.Broker; r.secure() {
		for _, f := range []struct{ flag, value string }{
			{"--ca-file", b.CAFile}, {"--cert-file", b.CertFile}, {"--key-file", b.KeyFile},
		} {
			if f.value != "" {
				add(f.flag, f.value)
			}
		}
		if b.Insecure {
			flags = append(flags, "--insecure")
		}
	}
	if flags == nil {
		return ""
	}
	return " " + strings.Join(flags, " ")
}

func (r *running) secure() bool {
	return strings.HasPrefix(r.url, "mqtts:") || strings.HasPrefix(r.url, "wss:")
}

// mosquittoFlags is what Mosquitto's clients need to reach the broker; they
// cannot do so over WebSocket.
func (r *running) mosquittoFlags(d scenarios.Device) (string, bool) {
	u, err := url.Parse(r.url)
	if err != nil || !slices.Contains([]string{"mqtt", "mqtts"}, u.Scheme) {
		return "", false
	}
	flags := mosquittoAddress(u.Hostname(), u.Port())
	name, password := r.requester(d)
	if name != "" {
		flags += " -u " + shellQuote(name)
	}
	switch {
	case password.File != "":
		flags += ` -P "$(cat ` + shellQuote(string(password.File)) + `)"`
	case password.Env != "":
		flags += ` -P "$` + string(password.Env) + `"`
	}
	if b := &r.sc.Broker; r.secure() {
		if b.CAFile != "" {
			flags += " --cafile " + shellQuote(b.CAFile)
		} else {
			flags += " --capath /etc/ssl/certs"
		}
		if b.CertFile != "" {
			flags += " --cert " + shellQuote(b.CertFile) + " --key " + shellQuote(b.KeyFile)
		}
		if b.Insecure {
			flags += " --insecure"
		}
	}
	return flags, true
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
