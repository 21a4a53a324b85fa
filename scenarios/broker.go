package scenarios

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"homefleet/devices/words"
	"homefleet/scenarios/tomlfault"
)

// brokerKeys are the keys of [broker].
var brokerKeys = describe[Broker](table{name: "[broker]", keys: []key{
	{name: "url", form: text{what: "`mqtt://`, `mqtts://`, `ws://` or `wss://`"}, defDoc: "the embedded broker",
		doc: "where the broker is; ports 1883, 8883, 80 and 443 unless given; path and query with `ws` and `wss` only; no credentials in it"},
	{name: "urls", form: list{of: "such addresses"}, defDoc: "`url`", doc: "in the place of `url`: several addresses, of the nodes of a cluster, say"},
	{name: "spread", form: oneOf{texts(ByDevice, ByHome)}, defDoc: "`\"device\"`", needs: "urls",
		doc: "who is at which of them: clients in turn, by their numbers, or all devices of a home at one. A client comes back to its own"},
	{name: "headers", form: byRule{"table `[broker.headers]`"}, doc: "headers of the handshake of `ws` and `wss`; values are templates"},
	{name: "headers_env", form: byRule{"table `[broker.headers_env]`"}, doc: "likewise, by the names of environment variables with the values, which are secrets"},
	{name: "mqtt", form: oneOf{texts(MQTT5, MQTT311)}, defDoc: "`\"5\"`",
		doc: "version that all clients speak who have none of their own: `\"3.1.1\"` for a broker that has nothing newer; see [MQTT 3.1.1](#mqtt-311)"},
	{name: "username", form: template{text{fault: textFault}, devicePlaces}, doc: "User Name"},
	{name: "password_file", form: template{text{what: "a file name", fault: fileFault}, devicePlaces}, field: "password.file",
		doc: "file with the password, less one trailing newline, read once in a run"},
	{name: "password_env", form: envTemplate{template{text{fault: envFault}, devicePlaces}}, field: "password.env", excludes: "password_file: want one place for the password",
		doc: "name of the environment variable with the password"},
	{name: "ca_file", form: fileName, defDoc: "the system's", doc: "PEM certificates that are trusted"},
	{name: "cert_file", form: template{text{what: "a file name", fault: fileFault}, devicePlaces}, example: `"...", the key's certificate`, needs: "key_file",
		doc: "PEM client certificate, with `key_file`; with a place in the name each client has its own, which is read for each connection"},
	{name: "key_file", form: template{text{what: "a file name", fault: fileFault}, devicePlaces}, example: `"...", the certificate's private key`, needs: "cert_file", doc: "its private key"},
	{name: "server_name", form: text{fault: fileFault, quiet: true}, defDoc: "the url's host", doc: "host name that the certificate must have"},
	{name: "insecure", form: yesNo{}, def: false, doc: "accept any certificate"},
}})

var fileName = text{what: "file name", fault: fileFault, quiet: true}

// envTemplate is the name of an environment variable with a password in it. What
// is none may be the password itself: nothing of it is repeated.
type envTemplate struct{ template }

func (f envTemplate) check(r rules, k *key, field reflect.Value) {
	switch name := Template(field.String()); {
	case tomlfault.EnvName(string(name)):
		f.template.check(r, k, field)
	case name.check(f.places) != nil || f.fault(string(name)) != "":
		r.errorf(k.name, `such as "MQTT_PASSWORD"`, "%s is no name of an environment variable", k.name)
	}
}

func readBroker(r *reader) {
	t := r.top.Table("broker")
	b := &r.s.Broker
	brokerKeys.read(t, b)
	if t.Holds("urls") && t.Holds("url") {
		t.KeyErrorf("urls", "remove one of them", "urls stands beside url; want one of the two")
	}
	readProperties(t, "headers", &b.Headers)
	readProperties(t, "headers_env", &b.HeadersEnv)
	b.fill()
	for _, key := range []string{"auth_method", "authentication_method", "auth_data", "authentication_data"} {
		if t.Holds(key) {
			t.Known(key)
			t.Errorf(key, "username and password, a client certificate, or a header of the WebSocket handshake",
				"%s is of enhanced authentication (MQTT 5.0, 4.12), which homefleet does not speak", key)
		}
	}
	if t.Holds("password") {
		t.Known("password")
		t.Errorf("password", `name where it is: password_env = "MQTT_PASSWORD" or password_file = "..."`, "a scenario holds no password: scenarios are shared")
	}
}

func checkBroker(c *checker) {
	r, b := c.rules("broker"), &c.s.Broker
	brokerKeys.check(r, b)
	checkAddresses(r, b)
	checkHeaders(r, b)
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
