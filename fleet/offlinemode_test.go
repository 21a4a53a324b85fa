package fleet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// socket plays the broker for one light over real sockets, where FIN, RST and
// nothing at all are the kernel's.
type socket struct {
	t        *testing.T
	listener net.Listener
	secure   *tls.Config // nil: plain TCP
	raw      *tapped     // beneath the TLS of the last connection
	fleet    *Fleet
	lamp     *Device
}

// onSocket runs a fleet with one light against a broker that the test plays over
// TCP, or over TLS.
func onSocket(t *testing.T, scheme string) *socket {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{t: t, listener: l}
	at := scenarios.Broker{URL: scheme + "://" + l.Addr().String()}
	if scheme == "mqtts" {
		at.Insecure = true
		s.secure = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	}
	d, err := NewDialer(at)
	if err != nil {
		t.Fatal(err)
	}
	log := new(lockedBuffer)
	s.fleet, err = New(scenarioOf(t, expiring+"[[device]]\nkind = \"light\"\nid = \"lamp\"\n"),
		Options{Dial: d.Dial, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.lamp, _ = s.fleet.Device("lamp")
	ended := make(chan error, 1)
	go func() { ended <- s.fleet.Run(context.Background()) }()
	t.Cleanup(func() {
		s.fleet.Stop()
		l.Close()
		<-ended
		if t.Failed() {
			t.Logf("log of the fleet:\n%s", log)
		}
	})
	return s
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// accept waits for the device's next connection.
func (s *socket) accept() *peer {
	s.t.Helper()
	if err := s.listener.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	conn, err := s.listener.Accept()
	if err != nil {
		s.t.Fatalf("accepting: %v", err)
	}
	if s.secure != nil {
		s.raw = &tapped{Conn: conn}
		conn = tls.Server(s.raw, s.secure)
	}
	s.t.Cleanup(func() { conn.Close() })
	return &peer{t: s.t, conn: conn}
}

// tapped keeps what is read beneath TLS: a reader above it cannot tell a
// close_notify from a bare FIN.
type tapped struct {
	net.Conn
	read []byte
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read = append(c.read, b[:n]...)
	return n, err
}

// lastRecord returns the length of the last whole record.
func (c *tapped) lastRecord() int {
	last := 0
	for b := c.read; len(b) >= 5; {
		n := 5 + int(b[3])<<8 + int(b[4])
		if n > len(b) {
			break
		}
		last, b = n, b[n:]
	}
	return last
}

// closeNotify is how long a record of TLS 1.3 with an alert is: 5 bytes before
// what is encrypted, the 2 of the alert, its content type and the tag.
const closeNotify = 5 + 2 + 1 + 16

// die has the light go, once it has read all that the broker said.
func (s *socket) die(how OfflineMode) {
	s.t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		waits, err := ask(s.t.Context(), s.lamp, func() int { return s.lamp.r.Unacknowledged() })
		if err == nil && waits == 0 {
			break
		}
		if err != nil || time.Since(start) > time.Minute {
			s.t.Fatalf("the device still waits for %d acknowledgements (%v)", waits, err)
		}
	}
	if err := s.lamp.Die(s.t.Context(), how); err != nil {
		s.t.Fatal(err)
	}
}

// remains returns the packets that still come within a time, and the error with
// which that ends.
func (p *peer) remains(within time.Duration) (types []byte, last wire.Frame, err error) {
	p.t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		p.t.Fatal(err)
	}
	for buf := make([]byte, 4096); ; {
		for {
			f, err := p.framer.Next(&p.chunk)
			if err != nil {
				p.t.Fatalf("framing what the device sent: %v", err)
			}
			if f == nil {
				break
			}
			types, last = append(types, f.Type()), append(wire.Frame(nil), f...)
		}
		n, err := p.conn.Read(buf)
		if err != nil {
			return types, last, err
		}
		p.chunk = buf[:n]
	}
}

// goingOnSocket is a way to go, and what the broker is told of it.
type goingOnSocket struct {
	way   OfflineMode
	types []byte
	code  byte // of the DISCONNECT
	end   error
}

// The ways to go are exact on the wire: what is said before the end, and whether
// that is a FIN, an RST or nothing. Over TLS a device that says goodbye says
// close_notify as well, and one whose socket is cut does not.
func TestWaysOnSockets(t *testing.T) {
	nothing := os.ErrDeadlineExceeded
	for _, scheme := range []string{"mqtt", "mqtts"} {
		for _, tt := range []goingOnSocket{
			{Orderly, []byte{packets.PUBLISH, packets.DISCONNECT}, 0x00, io.EOF},
			{WithWill, []byte{packets.DISCONNECT}, 0x04, io.EOF},
			{Cut, nil, 0, io.EOF},
			{Reset, nil, 0, syscall.ECONNRESET},
			{Silence, nil, 0, nothing},
			{Unplugged, nil, 0, nothing},
			{Exit, nil, 0, io.EOF},
		} {
			t.Run(scheme+"/"+string(tt.way), func(t *testing.T) {
				t.Parallel()
				// A device that waited would do so for a second each time; where this machine is
				// busy with something else it takes longer now and then.
				took := tt.goes(t, scheme)
				for try := 0; took > 900*time.Millisecond && tt.end != nothing && try < 5; try++ {
					took = min(took, tt.goes(t, scheme))
				}
				if took > 900*time.Millisecond && tt.end != nothing {
					t.Errorf("%s: the end took %v; want it at once", tt.way, took)
				}
			})
		}
	}
}

// goes has a device go, looks at what the broker is told, and returns how long that took.
func (tt *goingOnSocket) goes(t *testing.T, scheme string) time.Duration {
	secure := scheme == "mqtts"
	s := onSocket(t, scheme)
	p := s.accept()
	p.welcome(nil)
	s.die(tt.way)
	within := time.Minute
	if tt.end == os.ErrDeadlineExceeded {
		within = 300 * time.Millisecond
	}
	before := 0
	if secure {
		before = len(s.raw.read)
	}
	start := time.Now()
	types, last, err := p.remains(within)
	if secure {
		switch n := len(s.raw.read) - before; {
		case len(tt.types) == 0 && n > 0:
			t.Errorf("%s: %d bytes of TLS before the end; want none, not even a close_notify", tt.way, n)
		case len(tt.types) > 0 && s.raw.lastRecord() != closeNotify:
			t.Errorf("%s: the last record of TLS has %d bytes; want the %d of a close_notify", tt.way, s.raw.lastRecord(), closeNotify)
		}
	}
	if string(types) != string(tt.types) {
		t.Errorf("%s: packets of the types % x before the end; want % x", tt.way, types, tt.types)
	}
	if n := len(types); n > 0 && types[n-1] == packets.DISCONNECT && last.Body()[0] != tt.code {
		t.Errorf("%s: DISCONNECT 0x%02X; want 0x%02X", tt.way, last.Body()[0], tt.code)
	}
	if !errors.Is(err, tt.end) {
		t.Errorf("%s: the broker reads %v; want %v", tt.way, err, tt.end)
	}
	return time.Since(start)
}

// Whoever exits with something unread resets the connection, as the system does
// for a process that is gone; a device that is cut off says FIN all the same.
func TestExitWithUnreadData(t *testing.T) {
	for way, want := range map[OfflineMode]error{Exit: syscall.ECONNRESET, Cut: io.EOF} {
		t.Run(string(way), func(t *testing.T) {
			s := onSocket(t, "mqtt")
			p := s.accept()
			p.welcome(nil)
			r := s.lamp.r
			busy, goOn := make(chan struct{}), make(chan struct{})
			r.Tell(func() {
				close(busy)
				<-goOn
				r.Disconnect(client.ByHand, client.OfflineMode(way))
			})
			<-busy
			p.command("power", "ON", nil, nil) // arrives while the device does something else
			time.Sleep(20 * time.Millisecond)
			close(goOn)
			if _, _, err := p.remains(time.Minute); !errors.Is(err, want) {
				t.Errorf("%s with a command unread: the broker reads %v; want %v", way, err, want)
			}
		})
	}
}

// A stuck device neither reads nor writes, but its system still acknowledges what
// comes. Once it is back, its old connection is closed before the new one comes.
func TestSilenceOnSockets(t *testing.T) {
	t.Parallel()
	s := onSocket(t, "mqtt")
	p := s.accept()
	p.welcome(nil)
	s.die(Silence)
	p.command("power", "ON", nil, nil)
	if types, _, err := p.remains(300 * time.Millisecond); len(types) > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent device sent % x, then %v; want nothing, and no end", types, err)
	}
	if err := s.lamp.Return(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.remains(time.Minute); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("back from silence with a command unread: the broker reads %v; want %v", err, syscall.ECONNRESET)
	}
	p = s.accept()
	if c := p.wantConnect(); c.CleanStart {
		t.Error("CONNECT with Clean Start 1; want 0: the session is still there")
	}
}

// The old connection of an unplugged device is still open at the broker when the
// new CONNECT comes, and nothing has ended it before the CONNACK.
func TestUnpluggedComesBack(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"mqtt", "mqtts"} {
		s := onSocket(t, scheme)
		old := s.accept()
		old.welcome(nil)
		s.die(Unplugged)
		if err := s.lamp.Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := s.accept()
		if c := p.wantConnect(); c.CleanStart {
			t.Error("CONNECT with Clean Start 1; want 0: the session is still there")
		}
		if types, _, err := old.remains(200 * time.Millisecond); len(types) > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("on the old connection of an unplugged device came % x, then %v; want nothing, and no end", types, err)
		}
		p.connack(0, true, nil)
		// Now it may: the broker has closed it (3.1.4-3).
		if _, _, err := old.remains(10 * time.Second); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after the CONNACK the old connection ends with %v; want %v", err, syscall.ECONNRESET)
		}
	}
}

// A WebSocket that is cut or reset ends like any other connection, without a
// close frame.
func TestWaysOverWebSocket(t *testing.T) {
	t.Parallel()
	for way, want := range map[OfflineMode]error{Cut: io.EOF, Reset: syscall.ECONNRESET, Exit: io.EOF} {
		t.Run(string(way), func(t *testing.T) {
			s := onSocket(t, "ws")
			conns := make(chan net.Conn, 1)
			done := make(chan struct{})
			defer close(done)
			raw := &tapped{}
			web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"mqtt"}})
				if err != nil {
					t.Errorf("accepting a WebSocket: %v", err)
					return
				}
				conns <- websocket.NetConn(context.Background(), c, websocket.MessageBinary)
				<-done
			})}
			defer web.Close()
			go web.Serve(tapping{s.listener, raw})
			var p *peer
			select {
			case c := <-conns:
				p = &peer{t: t, conn: c}
			case <-time.After(time.Minute):
				t.Fatal("no WebSocket within a minute")
			}
			p.welcome(nil)
			s.die(way)
			before := len(raw.read)
			_, _, err := p.remains(time.Minute)
			if n := len(raw.read) - before; n > 0 {
				t.Errorf("%s: % x before the end; want nothing, not even a close frame", way, raw.read[before:])
			}
			if !errors.Is(err, want) {
				t.Errorf("%s: the broker reads %v; want %v", way, err, want)
			}
		})
	}
}

// tapping taps what it accepts.
type tapping struct {
	net.Listener
	tap *tapped
}

func (l tapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.tap.Conn = c
	return l.tap, nil
}
