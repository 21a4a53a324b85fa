// Package quick writes a scenario of what can be said in a line: how many devices, how
// many requests a second, for how long. It checks nothing, since the file that it writes
// is read by package scenarios like any other; [File.FlagOf] tells which flag a line of it
// is from, for a fault of that line to be told of by that name.
package quick

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Load is what is said, each value as a scenario has it; what is empty is left to the
// scenario's own default. The fields are in the order of the flags with the same names.
type Load struct {
	Broker                    string // a URL; "" is the embedded broker
	MQTT                      string
	Username                  string
	Password                  Password
	CAFile, CertFile, KeyFile string
	Insecure                  bool
	Seed                      string

	Devices     int
	Kind        string
	Face        string
	ConnectRate string
	KeepAlive   string

	Controllers int // of [Requests] the requesters; of [FanOut] those who publish to all
	Watchers    int // of [FanIn]
	Rate        string
	Attribute   string
	Payloads    []string
	PayloadSize string
	Timeout     string
	QoS         int
	Telemetry   string

	Connect string // how long the devices may take to come up
	WarmUp  string
	For     string
	Expect  []string // such as "response.p99 < 50ms"
}

// Password is where the password is: one of the two, or neither.
type Password struct{ File, Env string }

// Shape is what the load is like.
type Shape string

// The shapes.
const (
	Requests Shape = "requests" // controllers command devices, one by one
	Connect  Shape = "connect"  // devices come up, and no more
	FanIn    Shape = "fan-in"   // devices publish to a few who share the work
	FanOut   Shape = "fan-out"  // a request goes to all, and each answers
)

// File is a scenario as it is written.
type File struct {
	text  strings.Builder
	lines int
	flags map[int]string
}

// Text is the scenario.
func (f *File) Text() string { return f.text.String() }

// FlagOf names the flag, without its dashes, that a line is from, counted from 1; "" for
// a line that is from none.
func (f *File) FlagOf(line int) string { return f.flags[line] }

// Write writes the scenario of a load of some shape. by is the command line that asks for
// it, and also what is to be said with `homefleet run load.toml` for the same to happen, both
// for the comment at its top.
func Write(s Shape, l *Load, by, also string) *File {
	f := &File{flags: make(map[int]string)}
	f.line("", "# %s", oneLine(by))
	f.line("", "#")
	f.line("", "# Saved as load.toml, this does the same, and `homefleet help scenario` says what else")
	f.line("", "# can stand here:")
	f.line("", "#")
	f.line("", "#     %s", oneLine("homefleet run load.toml"+also))
	f.line("", "")
	f.line("", "title = %s", quoted(title(s, l)))
	if l.Seed != "" {
		f.line("seed", "seed = %s", l.Seed)
	}
	f.table("[broker]", func() {
		f.value("broker", "url", l.Broker)
		f.value("mqtt", "mqtt", l.MQTT)
		f.value("username", "username", l.Username)
		f.value("password-file", "password_file", l.Password.File)
		f.value("password-env", "password_env", l.Password.Env)
		f.value("ca-file", "ca_file", l.CAFile)
		f.value("cert-file", "cert_file", l.CertFile)
		f.value("key-file", "key_file", l.KeyFile)
		if l.Insecure {
			f.line("insecure", "insecure = true")
		}
	})
	f.table("[connect]", func() {
		f.value("connect-rate", "rate", l.ConnectRate)
		f.value("keep-alive", "keep_alive", l.KeepAlive)
	})
	f.devices(s, l)
	switch s {
	case Requests:
		f.table("[[controller]]", func() {
			f.line("", `name = "controllers"`)
			f.line("controllers", "count = %d", l.Controllers)
			f.command(l, l.QoS)
		})
	case FanIn:
		f.table("[[watcher]]", func() {
			f.line("", `name = "watchers"`)
			f.line("watchers", "count = %d", l.Watchers)
			f.line("", `share = "watchers" # each message goes to one of them`)
			f.line("qos", "qos = %d", l.QoS)
		})
	case FanOut:
		f.table("[[controller]]", func() {
			f.line("", `name = "publishers"`)
			f.line("controllers", "count = %d", l.Controllers)
			f.line("", `group = "all" # one request is for every device`)
			f.command(l, l.QoS)
		})
	}
	f.table("[phases]", func() {
		f.value("connect-rate", "connect", l.Connect)
		f.value("warm-up", "warm_up", l.WarmUp)
		f.value("for", "measure", l.For)
	})
	f.table("[expect]", func() {
		all := make([]string, len(l.Expect))
		for i, e := range l.Expect {
			name, want := split(e)
			all[i] = name
			f.line("expect", "%s = %s", quoted(name), quoted(want))
		}
		if !slices.Contains(all, "devices.online") {
			f.line("", `"devices.online" = "== 100%%"`) // or it is not the load that was asked for
		}
	})
	return f
}

// oneLine is a text in which nothing ends the comment that it stands in.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// title says in a sentence what the load is.
func title(s Shape, l *Load) string {
	all := fmt.Sprintf("%d devices", l.Devices)
	if l.Devices == 1 {
		all = "a device"
	}
	switch s {
	case Connect:
		if l.Devices == 1 {
			return "A device connects"
		}
		return all + " connect"
	case FanIn:
		return "Reports of " + all
	case FanOut:
		return "Requests that go to all of " + all
	}
	return "Requests to " + all
}

func (f *File) devices(s Shape, l *Load) {
	f.table("[[device]]", func() {
		f.value("kind", "kind", l.Kind)
		f.line("devices", "count = %d", l.Devices)
		f.value("face", "face", l.Face)
		if s == FanOut {
			f.line("", `groups = ["all"]`)
		}
		f.value("telemetry", "telemetry", l.Telemetry)
		if l.Telemetry != "" {
			f.line("qos", "qos = %d", l.QoS)
		}
		if s == FanIn {
			f.value("payload-size", "telemetry_size", l.PayloadSize)
		}
	})
}

// command writes what controllers send.
func (f *File) command(l *Load, qos int) {
	f.value("attribute", "attribute", l.Attribute)
	if len(l.Payloads) > 0 {
		all := make([]string, len(l.Payloads))
		for i, p := range l.Payloads {
			all[i] = quoted(p)
		}
		f.line("payload", "payloads = [%s]", strings.Join(all, ", "))
	}
	f.value("payload-size", "payload_size", l.PayloadSize)
	f.line("qos", "qos = %d", qos)
	f.value("rate", "rate", l.Rate)
	f.value("timeout", "timeout", l.Timeout)
}

// table writes a table, unless there is nothing in it.
func (f *File) table(header string, body func()) {
	was, lines := f.text.String(), f.lines
	f.line("", "")
	f.line("", "%s", header)
	before := f.lines
	if body(); f.lines == before {
		f.text.Reset()
		f.text.WriteString(was)
		f.lines = lines
	}
}

// value writes a key with a text, unless that is empty.
func (f *File) value(flag, key, text string) {
	if text != "" {
		f.line(flag, "%s = %s", key, quoted(text))
	}
}

func (f *File) line(flag, format string, args ...any) {
	fmt.Fprintf(&f.text, format+"\n", args...)
	f.lines++
	if flag != "" {
		f.flags[f.lines] = flag
	}
}

// quoted is a text as TOML has it. The escapes of JSON are among those of TOML, which wants
// one for DEL, too.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text, which cannot fail
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}

// split parts an expectation into what is measured and what is wanted of it. Labels in
// braces belong to the first.
func split(expectation string) (name, want string) {
	depth := 0
	for i, r := range expectation {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case depth <= 0 && strings.ContainsRune(" <>=!", r) && i > 0:
			return expectation[:i], strings.TrimSpace(expectation[i:])
		}
	}
	return expectation, ""
}
