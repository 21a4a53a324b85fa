package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What the broker remembers over an outage, and what it makes of the Wills.
func TestSuspend(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		w, _ := connect(t, b, connectV5("watcher", expiry100))
		w.subscribe("#", 1)
		w.send(pub5(1, "kept", 0, props(), "retained"))
		w.want(pub5(0, "kept", 0, props(), "retained"))
		prompt, _ := connect(t, b, connectWill(true, 0, -1, props()))
		patient, _ := connect(t, b, pkt(0x10, "MQTT", 5, 6, u16(0), props(expiry100), "d", props(0x18, u32(20)), "later", "gone"))
		back, _ := connect(t, b, pkt(0x10, "MQTT", 5, 6, u16(0), props(expiry100), "e", props(0x18, u32(20)), "never", "gone"))
		fleeting, _ := connect(t, b, connectV311("f"))
		half := dial(t, b)
		half.send(connectV5("g")[:5])
		synctest.Wait()

		b.Suspend()
		for i, c := range []*client{w, prompt, patient, back, fleeting, half} {
			start := time.Now()
			c.wantClosed() // no DISCONNECT, and nothing of the others' Wills
			if d := time.Since(start); d != 0 {
				t.Errorf("connection %d ended after %v; want at once", i, d)
			}
		}
		if s := b.Stats(); s.Clients != 0 || s.Sessions != 3 || s.Retained != 1 {
			t.Errorf("while suspended: %d clients, %d sessions, %d retained; want 0, 3, 1", s.Clients, s.Sessions, s.Retained)
		}
		if _, err := b.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial while suspended = %v; want ECONNREFUSED", err)
		} else if want := "dialling the broker: dial mem: connect: connection refused"; err.Error() != want {
			t.Errorf("Dial while suspended = %q; want %q", err, want)
		}
		b.Suspend() // changes nothing
		time.Sleep(5 * time.Second)
		b.Resume()
		b.Resume()

		connect(t, b, resumeV5("e", expiry100)) // 3.1.3-9: in time
		w, present := connect(t, b, resumeV5("watcher", expiry100))
		if !present {
			t.Error("Session Present = 0 after the outage; want 1")
		}
		w.want(pub5(2, "will", 1, props(), "gone"))
		w.send(ack(0x40, 1))
		start := time.Now()
		if m, err := w.within(time.Minute); err != nil || string(m) != string(pub5(0, "later", 0, props(), "gone")) {
			t.Errorf("next packet = %x, %v; want the Will with a delay", []byte(m), err)
		}
		if got, want := time.Since(start), 15*time.Second; got != want {
			t.Errorf("the Will came %v after the end of the outage; want %v", got, want)
		}
		w.wantSilence(time.Minute)
	})
}

// A Will whose delay passes during the outage, and a session that ends in it.
func TestSuspendLong(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		w, _ := connect(t, b, connectV5("watcher", neverExpire))
		w.subscribe("will", 1)
		connect(t, b, connectWill(true, 0, 100, props(0x18, u32(10))))
		b.Suspend()
		time.Sleep(101 * time.Second)
		if s := b.Stats(); s.WillsPublished != 1 || s.Sessions != 1 {
			t.Errorf("after 101 s: %d Wills, %d sessions; want 1 and 1", s.WillsPublished, s.Sessions)
		}
		b.Resume()
		w, _ = connect(t, b, resumeV5("watcher"))
		w.want(pub5(2, "will", 1, props(), "gone"))
		if _, present := connect(t, b, resumeV5("c")); present {
			t.Error("Session Present = 1 after its expiry; want 0")
		}
	})
}

func TestSuspendClose(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		connect(t, b, connectWill(true, 0, 100, props(0x18, u32(10))))
		b.Suspend()
		if err := b.Close(); err != nil {
			t.Errorf("Close() while suspended = %v; want nil", err)
		}
		b.Suspend()
		b.Resume()
		if _, err := b.Dial(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("Dial after Close and Resume = %v; want %v", err, errClosed)
		}
		time.Sleep(time.Minute)
		if n := b.Stats().WillsPublished; n != 0 {
			t.Errorf("%d Wills after Close; want none", n)
		}
	})
}

func TestSuspendSockets(t *testing.T) {
	cert, _ := selfSigned(t)
	for _, tt := range []struct {
		name string
		wrap func(net.Listener) net.Listener
	}{
		{"tcp", func(l net.Listener) net.Listener { return l }},
		{"tls", func(l net.Listener) net.Listener {
			return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, addr := listen(t, Config{}, tt.wrap)
			open := func() *client {
				nc, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				return newClient(t, nc)
			}
			if tt.name == "tcp" {
				c := open()
				c.send(connectV5("c", expiry100))
				c.connack()
				b.Suspend()
				c.wantClosed()
			} else {
				b.Suspend()
			}
			nc, err := net.Dial("tcp", addr)
			if err == nil { // else the reset was faster
				_, err = newClient(t, nc).next()
			}
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("connecting while suspended: %v; want ECONNRESET", err)
			}
			b.Resume()
			if tt.name == "tcp" {
				c := open()
				c.send(resumeV5("c"))
				if a := c.connack(); !a.present || a.code != 0 {
					t.Errorf("CONNACK after Resume = %+v; want 0 and Session Present", a)
				}
			}
		})
	}
}

func TestSuspendWebSocket(t *testing.T) {
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s := httptest.NewServer(b.Handler())
	defer s.Close()
	b.Suspend()
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status while suspended = %d; want 503", resp.StatusCode)
	}
	b.Resume()
	c := newClient(t, dialWebSocket(t, b))
	c.send(connectV5("c"))
	c.connack()
}

// Clients come and go while the broker does: whoever is connected when it is
// suspended for good is cut off, and no goroutine stays.
func TestSuspendStress(t *testing.T) {
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for i := range 8 {
		clients.Go(func() {
			packet := pkt(0x10, "MQTT", 5, 6, u16(0), props(), string(rune('a'+i)), props(), "will", "gone")
			for {
				select {
				case <-stop:
					return
				default:
				}
				nc, err := b.Dial(context.Background())
				if err != nil {
					continue
				}
				c := &client{nc: nc}
				if _, err := nc.Write(packet); err == nil {
					_, _ = c.next()
					_, _ = c.next() // until it is cut
				}
				_ = nc.Close()
			}
		})
	}
	for range 4 {
		clients.Go(func() {
			for range 50 {
				b.Suspend()
				b.Resume()
			}
		})
	}
	time.AfterFunc(200*time.Millisecond, func() {
		close(stop)
		b.Suspend()
	})
	clients.Wait()
	b.Suspend()
	if err := b.Close(); err != nil { // it waits for the other Suspend
		t.Errorf("Close() = %v; want nil", err)
	}
	if s := b.Stats(); s.Clients != 0 || s.Sessions != 0 || s.WillsPublished != s.Connects {
		t.Errorf("at the end %d clients, %d sessions, %d Wills of %d connections; want 0, 0 and as many Wills", s.Clients, s.Sessions, s.WillsPublished, s.Connects)
	}
}

// closeWaits is a connection whose Close waits for the other side, as that of a
// WebSocket does.
type closeWaits struct {
	net.Conn
	until chan struct{}
}

func (c closeWaits) Close() error {
	<-c.until
	return c.Conn.Close()
}

// A connection that is turned away holds up nobody else while it closes.
func TestTurnedAwayHoldsUpNobody(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, b *Broker) {
		b.Suspend()
		client, server := net.Pipe()
		defer client.Close()
		until := make(chan struct{})
		defer close(until)
		go b.ServeConn(closeWaits{server, until})
		synctest.Wait()
		// A mutex that is held would not let a bubble end, so Stats may not be asked.
		if !b.mu.TryLock() {
			t.Fatal("the broker is locked while a connection closes; want it open to others")
		}
		b.mu.Unlock()
	})
}
