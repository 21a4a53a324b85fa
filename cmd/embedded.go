package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/pflag"

	"homefleet/fleet/broker"
	"homefleet/fleet/files"
	"homefleet/fleet/users"
	"homefleet/fleet/web"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// listenFlags say what the embedded broker is to be like.
type listenFlags struct {
	listen, ws, users          string
	tlsListen, tlsCert, tlsKey string
	tlsClientCA                string

	file *scenarios.UsersFile // of users; nil: everybody may do everything
}

const defaultListen = "127.0.0.1:1883"

func (l *listenFlags) add(f *pflag.FlagSet) {
	f.StringVar(&l.listen, "listen", "", "`ADDRESS` the embedded broker listens on (default "+defaultListen+", or a free port if that is taken)")
	f.StringVar(&l.ws, "ws", "", "`ADDRESS` it listens on for WebSocket")
	f.StringVar(&l.users, "users", "", "TOML `FILE` of its users and limits (default: everybody may do everything)")
}

func (l *listenFlags) addTLS(f *pflag.FlagSet) {
	f.StringVar(&l.tlsListen, "tls-listen", "", "`ADDRESS` it listens on for TLS; with --tls-cert and --tls-key")
	f.StringVar(&l.tlsCert, "tls-cert", "", "`FILE` of its certificate, PEM")
	f.StringVar(&l.tlsKey, "tls-key", "", "`FILE` of its certificate's key, PEM")
	f.StringVar(&l.tlsClientCA, "tls-client-ca", "", "`FILE` of the CAs that sign clients' certificates, PEM: each must show one, and is the user whom it names (Common Name)")
}

// load reads the users file, if there is one.
func (l *listenFlags) load(a *app) (err error) {
	if l.users != "" {
		l.file, err = a.loadUsers(l.users)
	}
	return err
}

// reads lists the users file and the password files in it.
func (l *listenFlags) reads() iter.Seq[fileUse] {
	return func(yield func(fileUse) bool) {
		if l.file == nil || !yield(fileUse{"the users file", l.users}) {
			return
		}
		for i := range l.file.Users {
			if !yield(fileUse{"a password file", l.file.Users[i].Password.File}) {
				return
			}
		}
	}
}

// embedded is a broker in this process and what it listens on.
type embedded struct {
	*broker.Broker
	url    string           // of the plain listener, as a client on this machine dials it
	others []string         // URLs of the other listeners
	users  []scenarios.User // who may connect; nil: everybody
	anyone bool             // without a user name
	open   bool             // beyond this machine

	closers []func() error
	serving sync.WaitGroup
}

// openBroker starts the embedded broker, with room for a fleet of so many clients. The users
// file has been loaded. Whoever gets the broker closes it.
func (a *app) openBroker(l *listenFlags, clients int, log *slog.Logger) (*embedded, error) {
	config := broker.Config{Anonymous: true, Log: log}
	e := &embedded{anyone: true}
	if file := l.file; file != nil {
		var err error
		if config, err = users.Config(file, a.password); err != nil {
			return nil, misused("", "%w", err)
		}
		config.Log = log
		e.anyone = file.Anonymous
		e.users = file.Users
	}
	secure, err := a.brokerTLS(l)
	if err != nil {
		return nil, err
	}
	config.Certificates, config.Version = l.tlsClientCA != "", "homefleet "+thisVersion()
	for _, sentence := range config.Limits.Lacks(clients) {
		a.warn("%s: %s", l.users, sentence)
	}
	config.Limits.Suit(clients)
	if e.Broker, err = broker.New(config); err != nil {
		return nil, misused("", "the embedded broker: %w", err)
	}
	if err := a.openListeners(e, l, secure, log); err != nil {
		_ = e.close() // the error says why
		return nil, err
	}
	if e.open && e.anyone && len(e.users) == 0 {
		a.warn("the broker listens beyond this machine and lets everybody in; --users FILE says who may do what")
	}
	return e, nil
}

func (a *app) openListeners(e *embedded, l *listenFlags, config *tls.Config, log *slog.Logger) error {
	plain, err := a.listenPlain(l)
	if err != nil {
		return err
	}
	e.url = e.serve(plain, "mqtt", "", e.Serve)
	if l.tlsListen != "" {
		secure, err := listen("--tls-listen", l.tlsListen)
		if err != nil {
			return err
		}
		e.others = append(e.others, e.serve(secure, "mqtts", "", func(l net.Listener) error { return e.ServeTLS(l, config) }))
	}
	if l.ws != "" {
		sockets, err := listen("--ws", l.ws)
		if err != nil {
			return err
		}
		server := web.NewServer(sockets, hostOf(l.ws), mostHandshakes, e.Handler(), log)
		e.closers = append(e.closers, server.Close)
		e.others = append(e.others, e.serve(sockets, "ws", "/mqtt", server.Serve))
	}
	return nil
}

// serve starts serving a listener and returns its address as a URL that works on
// this machine.
func (e *embedded) serve(l net.Listener, scheme, path string, serve func(net.Listener) error) string {
	e.closers = append(e.closers, l.Close)
	e.serving.Go(func() { _ = serve(l) }) // it ends when the listener is closed
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return scheme + "://" + l.Addr().String() + path
	}
	e.open = e.open || !addr.IP.IsLoopback()
	return scheme + "://" + hereAddress(addr) + path
}

// hereAddress is the address of a listener as a client on this machine dials it.
func hereAddress(addr *net.TCPAddr) string {
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(addr.Port))
}

// close stops the broker and waits for all of it to end.
func (e *embedded) close() error {
	err := e.Close()
	for _, c := range e.closers {
		_ = c() // closed twice at worst
	}
	e.serving.Wait()
	return err
}

// mostHandshakes bounds the connections to --ws that are no WebSocket yet.
const mostHandshakes = 256

// hostOf is the host in the value of a flag, if there is one.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return host
}

// listenPlain opens the listener for MQTT over TCP: the one that was asked for,
// or the default one, or where that is taken, one on a free port.
func (a *app) listenPlain(l *listenFlags) (net.Listener, error) {
	if l.listen != "" {
		return listen("--listen", l.listen)
	}
	plain, taken, err := listenNear(defaultListen)
	if err != nil {
		return nil, failed("", "listening on %s: %w", defaultListen, err)
	}
	if taken {
		a.warn("%s is taken; the embedded broker listens on %s instead", defaultListen, plain.Addr())
	}
	return plain, nil
}

// listenNear listens on an address or, if that is taken, on a free port of this
// machine.
func listenNear(address string) (l net.Listener, taken bool, err error) {
	l, err = net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = net.Listen("tcp", "127.0.0.1:0")
		return l, true, err
	}
	return l, false, err
}

// listen opens a listener that a flag asks for.
func listen(flag, address string) (net.Listener, error) {
	full, err := listenAddress(flag, address)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", full)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		host, _, _ := net.SplitHostPort(full)
		hint := fmt.Sprintf("%s %s takes a free port", flag, net.JoinHostPort(host, "0"))
		if flag == "--listen" {
			hint += fmt.Sprintf("; --broker mqtt://%s uses the broker that is there", full)
		}
		return nil, failed(hint, "%s %s: the address is taken", flag, full)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return nil, failed("", "%s %s: %w", flag, full, err)
}

// listenAddress reads the value of a flag: host:port, :port for every interface,
// or a port alone, which is one of this machine only.
func listenAddress(flag, address string) (string, error) {
	full := address
	if address != "" && strings.Trim(address, "0123456789") == "" {
		full = net.JoinHostPort("127.0.0.1", address)
	}
	_, port, err := net.SplitHostPort(full)
	if err != nil {
		return "", misused("", "%s is %q; want host:port, such as 127.0.0.1:1884", flag, tomlfault.Short(address))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", misused("", "%s is %q; want a port from 0, for a free one, to 65535", flag, tomlfault.Short(address))
	}
	return full, nil
}

// brokerTLS reads what --tls-listen needs.
func (a *app) brokerTLS(l *listenFlags) (*tls.Config, error) {
	switch {
	case l.tlsListen == "" && l.tlsCert == "" && l.tlsKey == "" && l.tlsClientCA == "":
		return nil, nil
	case l.tlsListen == "":
		return nil, misused("add --tls-listen 127.0.0.1:8883", "a certificate, but nothing that listens for TLS")
	case l.tlsCert == "" || l.tlsKey == "":
		return nil, misused("", "--tls-listen without --tls-cert and --tls-key; want both")
	}
	var parts [2][]byte
	for i, name := range []string{l.tlsCert, l.tlsKey} {
		var err error
		if parts[i], err = files.Read(a.path(name), files.MostCertificate); err != nil {
			return nil, misused("", "reading the broker's certificate: %s", unPath(err, name))
		}
	}
	pair, err := tls.X509KeyPair(parts[0], parts[1])
	if err != nil {
		return nil, misused("", "reading the broker's certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if l.tlsClientCA != "" {
		pem, err := files.Read(a.path(l.tlsClientCA), files.MostCertificate)
		if err != nil {
			return nil, misused("", "reading the CAs of clients: %s", unPath(err, l.tlsClientCA))
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, misused("", "--tls-client-ca %s: no certificate in it; want PEM", printable(l.tlsClientCA))
		}
	}
	return c, nil
}

// loadUsers reads a users file and shows its warnings.
func (a *app) loadUsers(name string) (*scenarios.UsersFile, error) {
	text, err := a.readTOML(name)
	if err != nil {
		return nil, misused("", "reading the users file: %s", unPath(err, name))
	}
	file, faults := scenarios.LoadUsers(name, text)
	if file == nil {
		return nil, faulty(name, faults)
	}
	a.printFaults(faults)
	for i := range file.Users {
		p := &file.Users[i].Password
		p.File = beside(name, p.File)
	}
	return file, nil
}

// password reads where a users file says that a password is.
func (a *app) password(p scenarios.Password) ([]byte, error) {
	if p.Text != "" {
		return []byte(p.Text), nil
	}
	return a.secret(scenarios.Secret{File: escaped(p.File), Env: escaped(p.Env)}, scenarios.Vars{})
}

// escaped makes a template of a text that is none.
func escaped(text string) scenarios.Template {
	return scenarios.Template(strings.NewReplacer("{", "{{", "}", "}}").Replace(text))
}
