package fleet

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// scenarioOf loads TOML that must be right.
func scenarioOf(t *testing.T, toml string) *scenarios.Scenario {
	t.Helper()
	sc, faults := scenarios.Load("test.toml", []byte(toml))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	return sc
}

const expiring = "[connect]\nsession_expiry = \"1h\"\nkeep_alive = \"60s\"\n"

// A connection that ends between CONNACK and SUBACK leaves a session behind: the
// next CONNECT has Clean Start 0, and Session Present is the right answer
// (3.1.2.4, 3.2.2-3). The device takes it and subscribes.
func TestSessionPresentBeforeFirstSuback(t *testing.T) {
	play(t, scenarioOf(t, expiring+"[[device]]\nkind = \"light\"\nid = \"lamp\"\n"), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, nil)
		p.wantSubscribe()
		p.conn.Close()
		for try := range 3 {
			p = b.accept()
			if c := p.wantConnect(); c.CleanStart {
				p.connack(0, false, nil)
			} else {
				p.connack(0, true, nil)
			}
			if f := p.next(); f != nil && f.Type() == packets.SUBSCRIBE {
				return
			}
			p.conn.Close()
			t.Logf("try %d: the device ended the connection", try+2)
		}
		t.Error("the device never subscribes; want SUBSCRIBE after CONNACK with Session Present")
	})
}

// A device that is silent writes nothing, whatever happens at the device itself.
func TestSilenceIsSilent(t *testing.T) {
	play(t, scenarioOf(t, expiring+"[[device]]\nkind = \"light\"\nid = \"lamp\"\ntelemetry = \"10s\"\n"), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		d, _ := b.fleet.Device("lamp")
		if err := d.Die(t.Context(), Silence); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Do(t.Context(), "power", "ON"); err != nil {
			t.Fatal(err)
		}
		p.conn.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 512)
		if n, err := p.conn.Read(buf); err == nil {
			t.Errorf("a silent device sent % x; want nothing", buf[:n])
		}
	})
}

// It is not online either, from that moment on and for everybody who asks, whether the
// broker has noticed or not; and it is counted once.
func TestSilenceIsOffline(t *testing.T) {
	play(t, scenarioOf(t, expiring+"[[device]]\nkind = \"light\"\nid = \"lamp\"\n"), func(t *testing.T, b *script) {
		b.accept().welcome(nil)
		d, _ := b.fleet.Device("lamp")
		synctest.Wait()
		for _, step := range []struct {
			name string
			do   func() error
			want int
		}{
			{"at first", func() error { return nil }, 1},
			{"silent", func() error { return d.Die(t.Context(), Silence) }, 0},
			{"silent again", func() error { return d.Die(t.Context(), Silence) }, 0},
			{"back", func() error { return d.Return(t.Context()) }, 1},
			{"cut", func() error { return d.Die(t.Context(), Cut) }, 0},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if step.name == "back" {
				b.accept().welcome(nil)
			}
			synctest.Wait()
			if got := b.fleet.Presence().Online; got != step.want || d.Online() != (step.want == 1) {
				t.Errorf("%s: %d of 1 are online, it is: %t; want %d", step.name, got, d.Online(), step.want)
			}
		}
	})
}

// Rule 6: Maximum Packet Size holds for every packet (3.2.2-15), SUBSCRIBE too.
func TestRule6MaximumPacketSizeOfSubscribe(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, &packets.Properties{MaximumPacketSize: new(uint32(16))})
		if f := p.next(); len(f) > 16 {
			t.Errorf("%s of %d bytes; want at most 16", wire.TypeName(f.Type()), len(f))
		}
	})
}

// Run returns soon after Stop even while a write is blocked by a broker that
// reads nothing.
func TestStopWhileWriting(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		big := bytes.Repeat([]byte("x"), 60000)
		for range 3 {
			p.command("power", "ON", []byte("phone"), big)
		}
		time.Sleep(time.Second) // the device's write is blocked now
		start := time.Now()
		b.fleet.Stop()
		b.ended.wait()
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("Run returned %v after Stop; want at most 3s", took)
		}
	})
}

// stopsOnWrite stops the fleet as its third write begins, which then fails.
type stopsOnWrite struct {
	net.Conn
	writes int
	stop   func()
}

func (c *stopsOnWrite) Write(b []byte) (int, error) {
	if c.writes++; c.writes < 3 {
		return c.Conn.Write(b)
	}
	c.stop()
	return 0, io.ErrClosedPipe
}

// What fails after the fleet was told to stop is no failure, under FailFast
// either.
func TestFailFastStop(t *testing.T) {
	var b *script
	play(t, oneLight(nil), func(t *testing.T, s *script) {
		b = s
		p := b.accept()
		p.wantConnect()
		p.connack(0, false, nil)
		p.grant() // then Online is the third write
		err := b.ended.wait()
		if err != nil {
			t.Errorf("Run() = %v; want nil: the fleet was stopped before", err)
		}
	}, func(o *Options) {
		o.FailFast = true
		dial := o.Dial
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			c, err := dial(ctx)
			return &stopsOnWrite{Conn: c, stop: func() { b.fleet.Stop() }}, err
		}
	})
}

// A device that went in an orderly way says Offline once, and on its return
// Online: its PUBACK for Offline came before the broker closed.
func TestOrderlyReturnSaysOnlineOnly(t *testing.T) {
	play(t, scenarioOf(t, expiring+"[[device]]\nkind = \"light\"\nid = \"lamp\"\n"), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		d, _ := b.fleet.Device("lamp")
		if err := d.Die(t.Context(), Orderly); err != nil {
			t.Fatal(err)
		}
		p.wantMessage("tele/lamp/lwt", "Offline") // acknowledged
		p.want(packets.DISCONNECT)
		p.conn.Close()
		if err := d.Return(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = b.accept()
		p.wantConnect()
		p.connack(0, true, nil)
		if m := p.wantPublish(); string(m.Payload) != "Online" {
			t.Errorf("after its return the device says %q (DUP %t); want Online", m.Payload, m.Dup)
		}
	})
}

// Devices that are told to die before their first try do not hold up the ramp.
func TestRampPassesTheDead(t *testing.T) {
	sc := scenarioOf(t, "[[device]]\nkind = \"light\"\ncount = 140\nid = \"lamp-{n}\"\n")
	sc.Connect.Rate = 0
	play(t, sc, func(t *testing.T, b *script) {
		for _, d := range b.fleet.Devices()[:135] {
			d.r.Tell(func() { d.r.Disconnect(client.ByHand, client.ModeCut) })
		}
		got := make(chan string, 200)
		go func() {
			for {
				conn, err := b.listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					buf := make([]byte, 512)
					if n, err := conn.Read(buf); err == nil {
						if c, err := wire.ParseConnect(wire.Frame(buf[:n])); err == nil {
							got <- c.ClientID
						}
					}
				}()
			}
		}()
		select {
		case <-got:
		case <-time.After(time.Minute):
			t.Error("no device connects within a minute; want the living ones")
		}
	})
}

// A Snapshot whose context ends is given up without a data race.
func TestSnapshotGivenUp(t *testing.T) {
	l := ListenInMemory()
	defer l.Close()
	f, err := New(oneLight(func(sc *scenarios.Scenario) { sc.Connect.Rate = 1 }), Options{Dial: func(ctx context.Context) (net.Conn, error) { return l.Dial(ctx) }})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := f.Device("lamp")
	d.r.Tell(func() { d.r.Disconnect(client.ByHand, client.ModeCut) }) // so that it waits for tasks
	ended := make(chan error, 1)
	go func() { ended <- d.r.Run(t.Context()) }()
	for range 200 {
		ctx, cancel := context.WithCancel(context.Background())
		hold, ran := make(chan struct{}), make(chan struct{})
		d.r.Tell(func() { <-hold })
		go func() {
			runtime.Gosched() // as long as Snapshot may need to ask
			cancel()
			close(hold)
		}()
		if snap, err := d.Snapshot(ctx); err == nil && snap.ID == "" {
			t.Fatal("no id")
		}
		d.r.Tell(func() { close(ran) })
		<-ran
	}
	d.r.EndSoon()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A run without controllers and watchers is Running once every device is up.
func TestPhaseRunning(t *testing.T) {
	play(t, oneLight(nil), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		<-b.fleet.Ready()
		time.Sleep(time.Second)
		if got := b.fleet.Phase(); got != Running {
			t.Errorf("Phase() = %v when every device is up; want %v", got, Running)
		}
	})
}
