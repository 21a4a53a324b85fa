package scenarios

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

func readBroker(r *reader) {
	t, b := r.top.Table("broker"), &r.s.Broker
	t.Text("url", &b.URL)
	text(t, "username", &b.Username)
	text(t, "password_file", &b.Password.File)
	text(t, "password_env", &b.Password.Env)
	if t.Holds("password") {
		t.Known("password")
		t.Errorf("password", `name where it is: password_env = "MQTT_PASSWORD" or password_file = "..."`, "a scenario holds no password: scenarios are shared")
	}
	t.Text("ca_file", &b.CAFile)
	t.Text("cert_file", &b.CertFile)
	t.Text("key_file", &b.KeyFile)
	t.Text("server_name", &b.ServerName)
	t.Bool("insecure", &b.Insecure)
}

// text reads a template; its form is checked with the section's rules.
func text(t *tomlfault.Table, key string, dst *Template) bool {
	return t.Text(key, (*string)(dst))
}

func checkBroker(c *checker) {
	r, b := c.rules("broker"), &c.s.Broker
	r.template("username", b.Username, devicePlaces, textFault, c.samples...)
	r.template("password_file", b.Password.File, devicePlaces, fileFault, c.samples...)
	if tomlfault.EnvName(string(b.Password.Env)) {
		r.template("password_env", b.Password.Env, devicePlaces, envFault, c.samples...)
	} else if b.Password.Env.check(devicePlaces) != nil || envFault(string(b.Password.Env)) != "" {
		// It may be the password itself: nothing of it is repeated.
		r.errorf("password_env", `such as "MQTT_PASSWORD"`, "password_env is no name of an environment variable")
	}
	if b.Password.File != "" && b.Password.Env != "" {
		r.errorf("password_env", "remove one of them", "password_env stands beside password_file; want one place for the password")
	}
	switch {
	case b.CertFile != "" && b.KeyFile == "":
		r.errorf("cert_file", `add key_file = "...", the certificate's private key`, "cert_file without key_file")
	case b.KeyFile != "" && b.CertFile == "":
		r.errorf("key_file", `add cert_file = "...", the key's certificate`, "key_file without cert_file")
	}
	for _, f := range []struct{ key, value string }{
		{"ca_file", b.CAFile}, {"cert_file", b.CertFile}, {"key_file", b.KeyFile}, {"server_name", b.ServerName},
	} {
		if problem := fileFault(f.value); problem != "" {
			r.errorf(f.key, "", "%s %s", f.key, problem)
		}
	}
	if b.URL != "" {
		if problem, hint := URLFault(b.URL); problem != "" {
			r.errorf("url", hint, "url is %q: %s", tomlfault.Short(words.PublicURL(b.URL)), problem)
		}
	}
	if !r.ok("url") {
		return
	}
	plain := strings.HasPrefix(b.URL, "mqtt:") || strings.HasPrefix(b.URL, "ws:")
	for _, f := range []struct {
		key string
		set bool
	}{
		{"ca_file", b.CAFile != ""}, {"cert_file", b.CertFile != ""},
		{"server_name", b.ServerName != ""}, {"insecure", b.Insecure},
	} {
		switch {
		case !r.ok(f.key):
		case f.set && b.URL == "":
			r.warnf(f.key, "", "%s has no effect on the embedded broker", f.key)
		case f.set && plain:
			scheme, rest, _ := strings.Cut(b.URL, "://")
			r.warnf(f.key, fmt.Sprintf("did you mean url = %q?", scheme+"s://"+words.PublicURL(rest)), "%s has no effect without TLS", f.key)
		}
	}
}

// fileFault returns what is wrong with a text as a file name, or "".
func fileFault(s string) string {
	if strings.ContainsRune(s, 0) {
		return "has U+0000, which no file name has"
	}
	return ""
}

// envFault returns what is wrong with a text as the name of an environment
// variable, or "".
func envFault(s string) string {
	if strings.ContainsAny(s, "=\x00") {
		return `is no name of an environment variable; those have no "="`
	}
	return ""
}

// schemes are the transports there are.
var schemes = []string{"mqtt", "mqtts", "ws", "wss"}

// URLFault says what is wrong with the address of a broker and what to do about
// it; problem is "" if nothing is. An address has one of the schemes mqtt,
// mqtts, ws and wss, a host, and a port if it is not the scheme's own (1883,
// 8883, 80, 443); those of WebSockets may have a path and a query.
func URLFault(address string) (problem, hint string) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || strings.ContainsAny(scheme, ":/@?#") { // a password may have :// in it
		return "it has no scheme; want " + tomlfault.Join(schemes), meantHint("mqtt", address)
	}
	switch scheme {
	case "mqtt", "mqtts", "ws", "wss":
	default:
		return fmt.Sprintf("the scheme %q is not supported; want %s", tomlfault.Short(scheme), tomlfault.Join(schemes)), schemeHint(scheme, rest)
	}
	u, err := url.Parse(address)
	if err != nil {
		if strings.Contains(rest, "@") {
			return userInURL, userHint // the parser's words repeat parts of it
		}
		if strings.ContainsAny(rest, "?#") {
			return "it is no URL", "" // they may repeat a part of a token as well
		}
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return tomlfault.Short(err.Error()), ""
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case u.User != nil:
		return userInURL, userHint
	case u.Hostname() == "":
		return "it has no host", ""
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && (err != nil || port == 0):
		return "want a port from 1 to 65535 after the colon", ""
	case u.Fragment != "" || strings.Contains(address, "#"):
		return "it has a fragment (#), which no broker sees", ""
	case u.Scheme[0] == 'm' && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery):
		return "it has a path, which only ws and wss have", ""
	}
	return "", ""
}

const (
	userInURL = "it has a user name in it"
	userHint  = "use username, and password_env or password_file"
)

// schemeHint knows the schemes of other tools.
func schemeHint(scheme, rest string) string {
	own, ok := map[string]string{
		"tcp": "mqtt", "ssl": "mqtts", "tls": "mqtts", "mqtt+ssl": "mqtts", "http": "ws", "https": "wss",
	}[strings.ToLower(scheme)]
	if !ok {
		own, ok = words.Nearest(scheme, schemes)
	}
	if !ok {
		return ""
	}
	return meantHint(own, rest)
}

// meantHint asks whether an address with another scheme was meant.
func meantHint(scheme, rest string) string {
	shown := strings.TrimPrefix(words.PublicURL(rest), "...@") // the user is no part of it
	if shown == "..." {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", tomlfault.Short(scheme+"://"+shown))
}
