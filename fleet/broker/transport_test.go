package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// listen serves a broker on a TCP port of its own.
func listen(t *testing.T, config Config, wrap func(net.Listener) net.Listener) (*Broker, string) {
	t.Helper()
	if config.Users == nil {
		config.Anonymous = true
	}
	b, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if wrap != nil {
		l = wrap(l)
	}
	served := make(chan error, 1)
	go func() { served <- b.Serve(l) }()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close() = %v; want nil", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v; want nil after Close", err)
		}
	})
	return b, addr
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// dialWebSocket returns a connection whose Write sends one binary frame.
func dialWebSocket(t *testing.T, b *Broker) net.Conn {
	t.Helper()
	s := httptest.NewServer(b.Handler())
	t.Cleanup(s.Close)
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/any/path", &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := ws.Subprotocol(); got != "mqtt" { // 6.0.0-4
		t.Errorf("subprotocol = %q; want mqtt", got)
	}
	return websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
}

// TestTransports does the same on every transport: large and small messages, a
// refused CONNECT, a DISCONNECT with its reason code behind unread input, loss.
func TestTransports(t *testing.T) {
	cert, pool := selfSigned(t)
	for _, transport := range []string{"tcp", "tls", "websocket", "memory"} {
		t.Run(transport, func(t *testing.T) {
			wrap := func(l net.Listener) net.Listener { return l }
			if transport == "tls" {
				wrap = func(l net.Listener) net.Listener {
					return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
				}
			}
			b, addr := listen(t, Config{}, wrap)
			open := func() *client {
				var nc net.Conn
				var err error
				switch transport {
				case "tcp":
					nc, err = net.Dial("tcp", addr)
				case "tls":
					nc, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: pool})
				case "websocket":
					nc = dialWebSocket(t, b)
				case "memory":
					nc, err = b.Dial(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				return newClient(t, nc)
			}
			w := open()
			w.send(connectV5("watcher"))
			w.connack()
			w.subscribe("#", 2)
			c := open()
			in := pkt(0x10, "MQTT", 5, 6, u16(0), 0, "c", 0, "will", "gone")
			c.send(in[:5], in[5:]) // packets may span frames (6.0.0-2)
			c.connack()
			large := strings.Repeat("x", 300_000)
			for _, payload := range []string{"", "small", large} {
				c.exchange(enc(pub5(4, "a", 1, props(), payload), pingreq), ack(0x50, 1), pingresp)
				c.exchange(ack(0x62, 1), ack(0x70, 1))
				m := w.publication()
				if m.payload != payload {
					t.Errorf("payload of %d bytes; want %d", len(m.payload), len(payload))
				}
				w.exchange(ack(0x50, m.id), ack(0x62, m.id))
				w.send(ack(0x70, m.id))
			}
			_ = c.nc.Close()
			if m := w.publication(); m.topic != "will" {
				t.Errorf("message = %+v; want the will", m)
			}
			c = open()
			c.exchange(pkt(0x10, "MQTT", 9, 2, u16(0), 0, "c"), unhex("2003008400"))
			c.wantClosed()
			c = open()
			c.send(connectV5("c"))
			c.connack()
			// Much follows the packet that is wrong: the reason must still come.
			_, _ = c.nc.Write(enc(unhex("c100"), make(raw, 100_000))) // in memory it fails, since the broker is faster
			c.want(disc(0x81))
			c.wantClosed()
		})
	}
}

// 6.0.0-1, -3: what a WebSocket connection may not be.
func TestWebSocketRefused(t *testing.T) {
	b, _ := listen(t, Config{}, nil)
	s := httptest.NewServer(b.Handler())
	defer s.Close()
	url := "ws" + strings.TrimPrefix(s.URL, "http")
	_, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{"chat", "mqttv3.1"}})
	if err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("Dial with other subprotocols = %v, %v; want status 400", resp, err)
	}
	ws, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatalf("Dial without subprotocols = %v; want nil", err)
	}
	defer ws.CloseNow()
	if err := ws.Write(t.Context(), websocket.MessageText, connectV5("c")); err != nil {
		t.Fatal(err)
	}
	_, got, err := ws.Read(t.Context())
	if status := websocket.CloseStatus(err); status != websocket.StatusUnsupportedData {
		t.Errorf("after a text frame: %x, %v; want the connection closed with status 1003", got, err)
	}
	if r, err := http.Get(s.URL); err != nil || r.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("GET = %v, %v; want status 426", r, err)
	}
	_ = b.Close()
	if _, resp, err := websocket.Dial(t.Context(), url, nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("Dial after Close = %v, %v; want status 503", resp, err)
	}
}

// A client that takes nothing does not hold up Close.
func TestCloseStuck(t *testing.T) {
	cert, pool := selfSigned(t)
	for _, transport := range []string{"tcp", "tls", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			b, addr := listen(t, Config{}, func(l net.Listener) net.Listener {
				if transport == "tls" {
					return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
				}
				return l
			})
			var nc net.Conn
			var err error
			switch transport {
			case "tcp":
				nc, err = net.Dial("tcp", addr)
			case "tls":
				nc, err = tls.Dial("tcp", addr, &tls.Config{RootCAs: pool})
			case "websocket":
				nc = dialWebSocket(t, b)
			}
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(t, nc)
			c.send(connectV5("c"))
			c.connack()
			c.subscribe("a", 0)
			p, _ := connect(t, b, connectV5("p"))
			for range some(8, 20) { // more than sockets hold
				p.send(pub5(0, "a", 0, props(), string(make([]byte, 1<<20-100))))
			}
			p.exchange(pingreq, pingresp)
			mute, err := net.Dial("tcp", addr) // nor does one that says nothing, not even for TLS
			if err != nil {
				t.Fatal(err)
			}
			defer mute.Close()
			start := time.Now()
			_ = b.Close()
			if d := time.Since(start); d > 30*time.Second { // or this machine is very busy
				t.Errorf("Close took %v; want about 1 s", d)
			}
		})
	}
}

// brokenListener fails a few times, as with too many open files.
type brokenListener struct {
	net.Listener
	failures int
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestServe(t *testing.T) {
	b, addr := listen(t, Config{}, func(l net.Listener) net.Listener { return &brokenListener{l, 2} })
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, nc)
	c.send(connectV5("c"))
	c.connack()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := b.Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve of a closed listener = %v; want net.ErrClosed", err)
	}
	_ = b.Close()
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if err := b.Serve(l); err == nil {
		t.Error("Serve after Close = nil; want an error")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after a refused Serve: %v; want net.ErrClosed", err)
	}
}

// brokenForGood is a listener that accepts nothing.
type brokenForGood struct{ net.Listener }

func (brokenForGood) Accept() (net.Conn, error) { return nil, errors.New("too many open files") }
func (brokenForGood) Close() error              { return nil }

// A broker that waits for a listener to work again does not make Close wait.
func TestCloseWhileNothingIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Config{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- b.Serve(brokenForGood{}) }()
		time.Sleep(10 * time.Second) // it tries once a second by now
		start := time.Now()
		_ = b.Close()
		if err := <-served; err != nil || time.Since(start) > 0 {
			t.Errorf("Serve = %v, %v after Close; want nil at once", err, time.Since(start))
		}
	})
}

// A client that has sent all and closes its side gets what is still to come.
func TestHalfClose(t *testing.T) {
	_, addr := listen(t, Config{}, nil)
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, nc)
	c.send(enc(connectV5("c"), pub5(2, "a", 1, props(), ""), pingreq))
	if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.connack()
	c.want(ackCodeOf(0x40, 1, 0x10), pingresp)
	if p, err := c.next(); err != io.EOF {
		t.Errorf("then %x, %v; want io.EOF", []byte(p), err)
	}
}
