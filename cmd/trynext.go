package cmd

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"homefleet/devices/words"
	"homefleet/scenarios"
)

// tryNext returns command lines, ready to paste, that switch the first light: as somebody
// who may do so, if one is known. as says whose name is still to be put in, if none is.
func (r *running) tryNext() (lines []string, as string) {
	if r.secretURL() {
		return nil, ""
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
	request := func(l login) string {
		return strings.TrimRight(r.Name+" request"+r.requestAddress(l)+" "+shellQuote(command)+" "+payload, " ")
	}
	if !r.mayAsk(&d, command) {
		return []string{request(login{"NAME", scenarios.Secret{Env: "VARIABLE"}})}, ", as a user who may publish to " + command + ", which the devices' own may not"
	}
	if l, ok := r.requester(d, errand{publish: []string{command}, answers: true}); ok {
		lines = append(lines, request(l))
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
	return lines, ""
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
