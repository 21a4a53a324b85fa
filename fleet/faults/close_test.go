package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// What the peer and the owner see of a Close at 1 s, after a Write at 0 s.
func TestClose(t *testing.T) {
	for _, tt := range []struct {
		name     string
		set      []Fault
		close    func(c *Conn) error
		up, down string
	}{
		{"at once", nil, (*Conn).Close, "0s x; 1s <EOF>", "1s <use of closed network connection>"},
		{"reset", nil, (*Conn).Reset, "0s x; 1s <connection reset by peer>", "1s <use of closed network connection>"},
		{"a reset loses what is held", []Fault{Latency{Latency: 2 * time.Second}}, (*Conn).Reset, "1s <connection reset by peer>", "1s <use of closed network connection>"},
		{"what is held is lost", []Fault{Latency{Latency: 2 * time.Second}}, (*Conn).Close, "1s <EOF>", "1s <use of closed network connection>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				for i, f := range tt.set {
					r.c.Set(string(rune('a'+i)), f)
				}
				r.write(r.c, "x")
				r.at(time.Second)
				if err := tt.close(r.c); err != nil {
					t.Errorf("Close = %v; want nil", err)
				}
				if d := time.Since(r.start); d != time.Second {
					t.Errorf("Close took %v; want it at once", d-time.Second)
				}
				wantError(t, "a second Close", r.c.Close(), net.ErrClosed)
				wantError(t, "SetDeadline", r.c.SetDeadline(time.Now()), net.ErrClosed)
				wantError(t, "CloseWrite", errors.Join(r.c.CloseWrite()), errors.ErrUnsupported)
				_, err := r.c.Write([]byte("y"))
				wantError(t, "Write", err, net.ErrClosed)
				_, err = r.c.Read(make([]byte, 1))
				wantError(t, "Read", err, net.ErrClosed)
				r.c.Set("z", Timeout{}) // of no use any more
				r.c.Clear("a")
				r.at(time.Hour)
				r.want("upstream", &r.up, tt.up)
				r.want("downstream", &r.down, tt.down)
			})
		})
	}
}

// The peer's FIN travels in line, and stays at the end.
func TestPeersEnd(t *testing.T) {
	bubble(t, 0, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Set("a", Latency{Latency: time.Second})
		mustWrite(t, peer, "last words")
		peer.Close()
		wantRead(t, c, "last words", nil, time.Second)
		wantRead(t, c, "", io.EOF, 0)
		c.Clear("a")
		wantRead(t, c, "", io.EOF, 0)
	})
}

// Close ends a delayed write that the peer does not take.
func TestCloseDuringDelayedWrite(t *testing.T) {
	bubble(t, 4, func(t *testing.T, c *Conn, peer net.Conn) {
		c.Set("a", Latency{Latency: ms})
		mustWrite(t, c, "too much for the peer")
		time.Sleep(time.Second)
		if !pumps(c) {
			t.Fatal("the delayed write is not waiting; want it to")
		}
		if err := c.Close(); err != nil {
			t.Errorf("Close = %v; want nil", err)
		}
		if pumps(c) {
			t.Error("the goroutine that writes is there after Close; want it gone")
		}
	})
}

func pumps(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pumping
}

// Pieces are written one by one, with no deadline of the owner's, and the FIN
// comes last.
func TestWritesOfPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memconn.Pipe(0)
		defer b.Close()
		n := &notes{Conn: a}
		c := Wrap(n, 1)
		defer c.Close()
		start := time.Now()
		n.log.add(start, "start")
		n.start = start
		_ = c.SetWriteDeadline(start.Add(5 * ms))
		c.Set("a", Slicer{AverageSize: 2})
		c.Set("b", Latency{Latency: 10 * ms})
		mustWrite(t, c, "hello")
		for range 2 {
			if err := c.CloseWrite(); err != nil {
				t.Errorf("CloseWrite = %v; want nil", err)
			}
		}
		_, err := c.Write([]byte("x"))
		wantError(t, "Write after CloseWrite", err, syscall.EPIPE)
		time.Sleep(time.Second)
		if got, want := n.log.String(), "0s start; 10ms he; 10ms ll; 10ms o; 10ms <FIN>"; got != want {
			t.Errorf("written: %s; want %s", got, want)
		}
		wantError(t, "Close", c.Close(), nil)
	})
}

// notes is a connection that notes what is done to it.
type notes struct {
	net.Conn
	start time.Time
	log   log
}

func (n *notes) Write(b []byte) (int, error) {
	n.log.add(n.start, string(b))
	return n.Conn.Write(b)
}

func (n *notes) CloseWrite() error {
	n.log.add(n.start, "<FIN>")
	return nil
}

// The same over real TCP, where a reset is the kernel's.
func TestTCP(t *testing.T) {
	t.Run("reset", func(t *testing.T) {
		a, b := tcpPair(t)
		c := Wrap(a, 1)
		if c.NetConn() != net.Conn(a) || c.LocalAddr().String() != a.LocalAddr().String() || c.RemoteAddr().String() != a.RemoteAddr().String() {
			t.Error("NetConn, LocalAddr or RemoteAddr is another's; want those of what is wrapped")
		}
		c.Set("a", Latency{Latency: 10 * ms})
		mustWrite(t, c, "lost")
		wantError(t, "Reset", c.Reset(), nil)
		_, err := c.Read(make([]byte, 1))
		wantError(t, "Read", err, net.ErrClosed)
		_, err = b.Read(make([]byte, 1))
		wantError(t, "the peer's Read", err, syscall.ECONNRESET)
	})
	t.Run("CloseWrite", func(t *testing.T) {
		a, b := tcpPair(t)
		c := Wrap(a, 1)
		c.Set("a", Latency{Latency: 20 * ms})
		mustWrite(t, c, "hello")
		wantError(t, "CloseWrite", c.CloseWrite(), nil)
		if got, err := io.ReadAll(b); string(got) != "hello" || err != nil {
			t.Errorf("the peer read %q, %v; want %q", got, err, "hello")
		}
		mustWrite(t, b, "bye")
		b.Close()
		if got, err := io.ReadAll(c); string(got) != "bye" || err != nil {
			t.Errorf("read %q, %v; want %q", got, err, "bye")
		}
	})
	t.Run("close while the peer reads nothing", func(t *testing.T) {
		a, _ := tcpPair(t)
		c := Wrap(a, 1)
		c.Set("a", Latency{Latency: ms})
		_ = c.SetWriteDeadline(time.Now().Add(100 * ms))
		for {
			if _, err := c.Write(make([]byte, 64<<10)); err != nil {
				wantError(t, "Write", err, os.ErrDeadlineExceeded)
				break
			}
		}
		wantError(t, "Close", c.Close(), nil)
	})
}

// TLS above the faults, and beneath them.
func TestTLS(t *testing.T) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	for _, above := range []bool{true, false} {
		a, b := tcpPair(t)
		server := tls.Server(b, config)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.Copy(server, server) })
		trust := &tls.Config{InsecureSkipVerify: true}
		var inner *Conn
		var client net.Conn
		if above {
			inner = Wrap(a, 1)
			client = tls.Client(inner, trust)
		} else {
			secure := tls.Client(a, trust)
			if err := secure.Handshake(); err != nil { // which no deadline may end
				t.Fatal(err)
			}
			inner = Wrap(secure, 1)
			client = inner
		}
		inner.Set("a", Latency{Latency: 5 * ms, Jitter: 5 * ms})
		inner.Set("b", Slicer{AverageSize: 50, SizeVariation: 30})
		for i := range 20 {
			if i == 10 {
				inner.Clear("b")
			}
			msg := make([]byte, 100*(i+1))
			if _, err := client.Write(msg); err != nil {
				t.Fatalf("Write = %v; want nil", err)
			}
			// Deadlines that pass meanwhile are no harm.
			for got := 0; got < len(msg); {
				_ = client.SetReadDeadline(time.Now().Add(2 * ms))
				n, err := client.Read(msg[got:])
				if got += n; err != nil && !timedOut(err) {
					t.Fatalf("Read = %v; want bytes or a timeout", err)
				}
			}
		}
		wantError(t, "Reset", inner.Reset(), nil)
		_, err := client.Read(make([]byte, 1))
		wantError(t, "Read", err, net.ErrClosed)
		client.Close()
		wg.Wait()
	}
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
