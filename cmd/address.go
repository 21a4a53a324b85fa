package cmd

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"homefleet/devices/words"
	"homefleet/fleet/files"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// brokerFlags say where a broker is and how to introduce oneself. There is none
// for a password itself: a command line is there for everybody to see.
type brokerFlags struct {
	url          string
	username     string
	passwordFile string
	passwordEnv  string
	caFile       string
	certFile     string
	keyFile      string
	insecure     bool
}

func (b *brokerFlags) add(f *pflag.FlagSet, usage string) {
	f.StringVar(&b.url, "broker", "", usage)
	f.StringVar(&b.username, "username", "", "user `NAME` to connect as")
	f.StringVar(&b.passwordFile, "password-file", "", "`FILE` that holds the password")
	f.StringVar(&b.passwordEnv, "password-env", "", "environment `VARIABLE` that holds the password (default HOMEFLEET_PASSWORD)")
	f.StringVar(&b.caFile, "ca-file", "", "`FILE` of the CAs to trust, PEM (default: the system's)")
	f.StringVar(&b.certFile, "cert-file", "", "`FILE` of the client certificate, PEM")
	f.StringVar(&b.keyFile, "key-file", "", "`FILE` of the client certificate's key, PEM")
	f.BoolVar(&b.insecure, "insecure", false, "accept any certificate of the broker")
}

// given returns the flags as they were given, but for the address, for a line to
// paste; there is a space before each.
func (b *brokerFlags) given() string {
	text := flagText("--username", b.username) + flagText("--password-file", b.passwordFile) + flagText("--password-env", b.passwordEnv) +
		flagText("--ca-file", b.caFile) + flagText("--cert-file", b.certFile) + flagText("--key-file", b.keyFile)
	if b.insecure {
		text += " --insecure"
	}
	return text
}

// flagText is a flag on a command line with a space before it; "" without a value.
func flagText(flag, value string) string {
	if value == "" {
		return ""
	}
	return " " + flag + " " + shellQuote(value)
}

// defaultPasswordEnv holds the password where no flag says otherwise.
const defaultPasswordEnv = "HOMEFLEET_PASSWORD"

// apply lets the flags rule over what a scenario says of the broker.
func (b *brokerFlags) apply(a *app, to *scenarios.Broker) error {
	if b.url != "" {
		address, err := brokerURL(b.url)
		if err != nil {
			return err
		}
		if to.URL != address {
			// User, password and certificates stay, which a staging and a live
			// broker may share; the name in the certificate was another broker's.
			to.ServerName = ""
		}
		to.At(address)
	}
	if b.username != "" {
		to.Username = scenarios.Template(b.username)
	}
	switch {
	case b.passwordFile != "" && b.passwordEnv != "":
		return misused("", "--password-file stands beside --password-env; want one place for the password")
	case b.passwordFile != "":
		to.Password = scenarios.Secret{File: scenarios.Template(b.passwordFile)}
	case b.passwordEnv != "":
		to.Password = scenarios.Secret{Env: scenarios.Template(b.passwordEnv)}
	case to.Password == (scenarios.Secret{}) && to.Username != "":
		if v, _ := a.LookupEnv(defaultPasswordEnv); v != "" {
			to.Password = scenarios.Secret{Env: defaultPasswordEnv}
		}
	}
	to.CAFile = cmp.Or(b.caFile, to.CAFile)
	to.CertFile, to.KeyFile = cmp.Or(scenarios.Template(b.certFile), to.CertFile), cmp.Or(scenarios.Template(b.keyFile), to.KeyFile)
	if (to.CertFile == "") != (to.KeyFile == "") {
		return misused("", "a client certificate without its key, or a key without its certificate; want both --cert-file and --key-file")
	}
	to.Insecure = to.Insecure || b.insecure
	to.CAFile, to.CertFile, to.KeyFile = a.path(to.CAFile), a.pathTemplate(to.CertFile), a.pathTemplate(to.KeyFile)
	return nil
}

// pathTemplate is path for a name with places.
func (a *app) pathTemplate(name scenarios.Template) scenarios.Template {
	if a.Dir == "" || name == "" || filepath.IsAbs(string(name)) {
		return name
	}
	return escaped(a.Dir) + scenarios.Template(filepath.Separator) + name
}

// brokerURL checks an address from a flag. A scheme may be left out, as people
// do who type "localhost:1883".
func brokerURL(address string) (string, error) {
	full := address
	if !strings.Contains(full, "://") {
		full = "mqtt://" + full
	}
	if problem, hint := scenarios.URLFault(full); problem != "" {
		if hint == "use username, and password_env or password_file" {
			hint = "use --username, and --password-env or --password-file"
		}
		return "", misused(hint, "--broker is %q: %s", tomlfault.Short(words.PublicURL(address)), problem)
	}
	return full, nil
}

// secret reads a password. It is asked for every connection of every device, and
// safe for concurrent use.
func (a *app) secret(s scenarios.Secret, v scenarios.Vars) ([]byte, error) {
	if s.File != "" {
		name := s.File.Expand(v)
		text, err := files.Read(a.path(name), files.MostPassword)
		if err != nil {
			return nil, fmt.Errorf("reading the password file: %s", unPath(err, name))
		}
		return trimNewline(text), nil
	}
	name := s.Env.Expand(v)
	text, ok := a.LookupEnv(name)
	if !ok {
		if !tomlfault.EnvName(name) {
			name = "variable of the name that was given for it; that name is not shown, as it may be the password itself"
		}
		return nil, fmt.Errorf("reading the password: the environment has no %s", name)
	}
	return trimNewline([]byte(text)), nil
}

// trimNewline removes the newline that editors put at the end of a file.
func trimNewline(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
		if n := len(b); n > 0 && b[n-1] == '\r' {
			b = b[:n-1]
		}
	}
	return b
}

// spanFlag is a duration on the command line, written as in a scenario.
type spanFlag struct {
	d   time.Duration
	set bool
}

func (s *spanFlag) String() string {
	if !s.set && s.d == 0 {
		return ""
	}
	return setting(s.d)
}

func (s *spanFlag) Set(text string) error {
	d, err := tomlfault.ParseDuration(text)
	if err != nil {
		return err
	}
	s.d, s.set = d, true
	return nil
}

func (s *spanFlag) Type() string { return "duration" }

// plannedBroker is where the broker of a scenario is, and as whom one goes there.
func plannedBroker(sc *scenarios.Scenario) string {
	text := "embedded"
	if sc.Broker.URL != "" {
		text = brokerURLs(sc)
	}
	return text + asWhom(sc, "{run}")
}

// brokerURLs are the addresses of a broker elsewhere as they may be shown to everybody; "" of
// the embedded one.
func brokerURLs(sc *scenarios.Scenario) string {
	if len(sc.Broker.URLs) == 0 {
		return words.PublicURL(sc.Broker.URL)
	}
	all := make([]string, len(sc.Broker.URLs))
	for i, url := range sc.Broker.URLs {
		all[i] = words.PublicURL(url)
	}
	return strings.Join(all, ", ")
}
