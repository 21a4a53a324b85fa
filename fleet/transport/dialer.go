package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"

	"homefleet/devices/words"
	"homefleet/fleet/files"
)

// Target is where a broker is and how it is to be trusted.
type Target struct {
	URL               string // such as mqtts://broker.example:8883; without a scheme it is mqtt
	CAFile            string // PEM, of those who may have signed the broker's certificate; "" is those that the system trusts
	CertFile, KeyFile string // PEM, of the client; both or none
	ServerName        string // in the broker's certificate; "" is the host of the URL
	Insecure          bool   // any certificate will do
}

// Dialer opens connections to one broker over TCP, TLS or WebSocket. It is safe
// for concurrent use.
type Dialer struct {
	url    *url.URL
	host   host
	port   string
	tls    *tls.Config
	socket net.Dialer
	from   []netip.Addr
	turn   atomic.Uint64
}

// The default port of each scheme.
var ports = map[string]string{"mqtt": "1883", "tcp": "1883", "mqtts": "8883", "ssl": "8883", "tls": "8883", "ws": "80", "wss": "443"}

// NewDialer checks where a broker is and reads the certificates. The schemes are
// mqtt, mqtts, ws and wss (tcp, ssl and tls are taken as other tools write them); a
// port may be left out. No error has a password or a token in it.
func NewDialer(b Target) (*Dialer, error) {
	raw := b.URL
	if !strings.Contains(raw, "://") {
		raw = "mqtt://" + raw // "localhost:1883" is what people type
	}
	public := words.PublicURL(b.URL) // for errors
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("broker address %q: want a URL such as mqtt://localhost:1883", public)
	}
	port, known := ports[u.Scheme]
	switch {
	case !known:
		return nil, fmt.Errorf("broker address %q: scheme %q is not known; want mqtt, mqtts, ws or wss", public, u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("broker address %q: no host; want a URL such as mqtt://localhost:1883", public)
	case u.User != nil:
		return nil, errors.New("a user name in the broker's address would end up in logs; give it apart")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	d := &Dialer{url: u, host: host{name: u.Hostname(), resolver: net.DefaultResolver}, port: port}
	// The Keep Alive of MQTT watches the connection; TCP's own would cost every
	// device a timer in the kernel and some system calls.
	d.socket.KeepAlive = -1
	if d.Secure() {
		if d.tls, err = tlsConfig(b, u.Hostname()); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Secure reports whether connections are encrypted.
func (d *Dialer) Secure() bool {
	switch d.url.Scheme {
	case "mqtts", "ssl", "tls", "wss":
		return true
	}
	return false
}

// String returns the broker's address as a URL that may be shown to everybody:
// in the place of a query, which may hold a token, stands "...".
func (d *Dialer) String() string {
	if d.webSocket() {
		return words.PublicURL(d.url.String())
	}
	return d.url.Scheme + "://" + net.JoinHostPort(d.host.name, d.port)
}

func (d *Dialer) webSocket() bool { return d.url.Scheme == "ws" || d.url.Scheme == "wss" }

func tlsConfig(b Target, host string) (*tls.Config, error) {
	c := &tls.Config{
		ServerName:         host,
		InsecureSkipVerify: b.Insecure, // only where the scenario or the user asks for it
		MinVersion:         tls.VersionTLS12,
	}
	if b.ServerName != "" {
		c.ServerName = b.ServerName
	}
	if b.CAFile != "" {
		pem, err := files.Read(b.CAFile, files.MostCertificate)
		if err != nil {
			return nil, fmt.Errorf("reading the CA file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s: no certificate in it; want PEM", b.CAFile)
		}
	}
	if b.CertFile != "" || b.KeyFile != "" {
		var err error
		if c.Certificates, err = certificates(b.CertFile, b.KeyFile); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// certificates reads a client's certificate and its key, both PEM.
func certificates(certFile, keyFile string) ([]tls.Certificate, error) {
	var parts [2][]byte
	for i, name := range []string{certFile, keyFile} {
		var err error
		if parts[i], err = files.Read(name, files.MostCertificate); err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
	}
	cert, err := tls.X509KeyPair(parts[0], parts[1])
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	return []tls.Certificate{cert}, nil
}

// From has connections come from these addresses of this machine in turn. One
// address reaches a broker's port with some 28,000 connections, several with as
// many times more. It is called before the first Dial.
func (d *Dialer) From(addrs []netip.Addr) { d.from = addrs }

// Credentials are what one client shows of itself before it speaks MQTT.
type Credentials struct {
	CertFile, KeyFile string      // PEM, read for each connection; both or none: those of the [Target]
	Header            http.Header // of the WebSocket handshake; nil: none
}

// Dial opens a connection that is ready for a CONNECT.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) { return d.DialAs(ctx, Credentials{}) }

// DialAs is Dial for somebody in particular.
func (d *Dialer) DialAs(ctx context.Context, who Credentials) (net.Conn, error) {
	secured := d.tls
	if d.tls != nil && who.CertFile != "" {
		own, err := certificates(who.CertFile, who.KeyFile)
		if err != nil {
			return nil, err
		}
		secured = d.tls.Clone()
		secured.Certificates = own
	}
	if d.webSocket() {
		return d.dialWebSocket(ctx, secured, who.Header)
	}
	conn, err := d.dialTCP(ctx)
	if err != nil || secured == nil {
		return conn, err
	}
	secure := tls.Client(watch(conn), secured)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, nil
}
