package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// fleetOf makes a fleet of TOML that must be right.
func fleetOf(t testing.TB, toml string, dial func(context.Context) (net.Conn, error)) *fleet.Fleet {
	t.Helper()
	return fleetWith(t, toml, fleet.Options{Dial: dial, Run: "r1"})
}

// fleetWith is fleetOf with options.
func fleetWith(t testing.TB, toml string, o fleet.Options) *fleet.Fleet {
	t.Helper()
	sc, faults := scenarios.Load("test", []byte(toml))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	f, err := fleet.New(sc, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// settled waits until the goroutines are as many as before and reports those
// that are too many.
func settled(t testing.TB, before int) {
	t.Helper()
	for range 2000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	var b bytes.Buffer
	buf := make([]byte, 1<<20)
	b.Write(buf[:runtime.Stack(buf, true)])
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, b.String())
}

// Whatever is asked of devices at whatever moment, while their connections are
// cut, no letter is lost, every call returns, and Run ends.
func TestStressCalls(t *testing.T) {
	for _, over := range []string{"memory", "TCP"} {
		t.Run(over, func(t *testing.T) {
			before := runtime.NumGoroutine()
			b, err := broker.New(broker.Config{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			dial := b.Dial
			if over == "TCP" {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				go b.Serve(l)
				d, err := fleet.NewDialer(scenarios.Broker{URL: "mqtt://" + l.Addr().String()})
				if err != nil {
					t.Fatal(err)
				}
				dial = d.Dial
			}
			f := fleetOf(t, `
[connect]
session_expiry = "1h"
backoff_min = "1ms"
backoff_max = "5ms"
timeout = "2s"
[[device]]
kind = "light"
count = 20
telemetry = "20ms"
qos = 1
`, dial)
			ended := make(chan error, 1)
			go func() { ended <- f.Run(context.Background()) }()
			<-f.Ready()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			var stop atomic.Bool
			fail := func(what string, err error) {
				if err != nil && !errors.Is(err, fleet.ErrEnded) {
					t.Errorf("%s: %v", what, err)
					stop.Store(true)
				}
			}
			for g := range 4 {
				wg.Go(func() {
					for n := 0; !stop.Load(); n++ {
						d := f.Devices()[(n*7+g)%20]
						_, err := d.Snapshot(ctx)
						fail("Snapshot", err)
						_, err = d.Do(ctx, "power", "TOGGLE")
						fail("Do", err)
						if n%5 == 0 {
							fail("Die", d.Die(ctx, scenarios.OfflineModes()[n/5%7]))
							fail("Return", d.Return(ctx))
						}
						if n%11 == 0 {
							b.Kick(d.ID(), 0x98)
						}
					}
				})
			}
			time.Sleep(fleet.Some(300*time.Millisecond, time.Second))
			for _, d := range f.Devices() {
				fail("Return", d.Return(ctx))
			}
			stop.Store(true)
			wg.Wait()
			// All are back: no wake-up was lost. A device whose handshake was cut and
			// that came back at once may have been taken over by its own late CONNECT.
			for _, d := range f.Devices() {
				fail("Return", d.Return(ctx))
			}
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
				p := f.Presence()
				if p.Online+p.GaveUp == 20 {
					break
				}
				if time.Now().After(deadline) {
					t.Errorf("%+v after a minute; want 20 online", p)
					break
				}
			}
			if err := f.Refusal(); err != nil {
				var refused *fleet.RefusedError
				if !errors.As(err, &refused) || refused.Code != 0x8E {
					t.Errorf("a device gave up: %v", err)
				}
				t.Logf("%d devices were taken over by their own late CONNECT", f.Presence().GaveUp)
			}
			for range 4 {
				wg.Go(func() {
					for n := range 100 {
						_, err := f.Devices()[n%20].Snapshot(ctx)
						fail("Snapshot while stopping", err)
						if n == 20 {
							f.Stop()
						}
					}
				})
			}
			wg.Wait()
			start := time.Now()
			if err := <-ended; err != nil {
				t.Errorf("Run() = %v", err)
			}
			if d := time.Since(start); d > soonEnough {
				t.Errorf("Run returned %v after Stop; want at most 3s", d)
			}
			b.Close()
			settled(t, before)
		})
	}
}

// hostile is a broker that does one bad thing to every connection, until the
// test ends.
func hostile(t testing.TB, l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			serve(c)
			<-t.Context().Done()
		}()
	}
}

var welcome = []byte{0x20, 3, 0, 0, 0, 0x90, 4, 0, 1, 0, 1}

// soonEnough is how long Run may take after Stop on real sockets: the three seconds that it
// takes at most, as tests in fake time show, and more where this machine is busy with something
// else. Whoever waits for a broker that does nothing waits longer.
const soonEnough = 12 * time.Second

// Run returns within 3 s of Stop whatever the broker does, and no goroutine
// stays behind.
func TestStopWhateverTheBrokerDoes(t *testing.T) {
	var all sync.WaitGroup
	read := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	toggle := wire.Publish{Topic: []byte("cmnd/lamp/power"), Payload: []byte("TOGGLE")}
	flood := bytes.Repeat(wire.AppendPublish(nil, &toggle, wire.V5), 200)
	for i, c := range []struct {
		name  string
		serve func(net.Conn)
	}{
		{"never answers, never reads", func(net.Conn) {}},
		{"never answers", read},
		{"CONNACK only", func(c net.Conn) { c.Write(welcome[:5]); read(c) }},
		{"comes up, then reads nothing", func(c net.Conn) { c.Write(welcome) }},
		{"half-closes", func(c net.Conn) {
			c.Write(welcome)
			if h, ok := c.(interface{ CloseWrite() error }); ok {
				h.CloseWrite()
			}
			read(c)
		}},
		{"closes at once", func(c net.Conn) { c.Close() }},
		{"sends without end", func(c net.Conn) {
			go read(c)
			c.Write(welcome)
			for {
				if _, err := c.Write(flood); err != nil {
					return
				}
			}
		}},
		{"sends without end and reads nothing", func(c net.Conn) {
			c.Write(welcome)
			for {
				c.SetWriteDeadline(time.Now().Add(time.Minute))
				if _, err := c.Write(flood); err != nil {
					return
				}
			}
		}},
		{"sends PINGRESP without end", func(c net.Conn) {
			go read(c)
			c.Write(welcome)
			for {
				if _, err := c.Write(bytes.Repeat([]byte{0xd0, 0}, 1000)); err != nil {
					return
				}
			}
		}},
	} {
		for j, over := range []string{"memory", "TCP"} {
			if fleet.Some((i+j)%2 != 0, false) {
				continue // each over one of them
			}
			var l net.Listener
			var dial func(context.Context) (net.Conn, error)
			if over == "memory" {
				m := fleet.ListenInMemory()
				l, dial = m, m.Dial
			} else {
				tcp, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				d, err := fleet.NewDialer(scenarios.Broker{URL: "mqtt://" + tcp.Addr().String()})
				if err != nil {
					t.Fatal(err)
				}
				l, dial = tcp, d.Dial
			}
			go hostile(t, l, c.serve)
			f := fleetOf(t, "[[device]]\nkind = \"light\"\nid = \"lamp\"\ntelemetry = \"5ms\"\n", dial)
			ended := make(chan error, 1)
			go func() { ended <- f.Run(context.Background()) }()
			all.Go(func() { // all at the same time
				defer l.Close()
				time.Sleep(fleet.Some(200*time.Millisecond, 500*time.Millisecond))
				start := time.Now()
				f.Stop()
				select {
				case <-ended:
				case <-time.After(time.Minute):
				}
				if d := time.Since(start); d > soonEnough {
					t.Errorf("a broker that %s, over %s: Run returned %v after Stop; want at most 3s", c.name, over, d.Round(time.Millisecond))
				}
			})
		}
	}
	all.Wait()
}

// An idle fleet wakes for its pings only.
func TestIdleFleetSleeps(t *testing.T) {
	var all sync.WaitGroup // all at the same time
	for factor, most := range map[float64]float64{0.001: 1, 1: 1, 86400: 1000} {
		b := newBroker(t)
		f := fleetOf(t, fmt.Sprintf("time = \"%gx\"\n[connect]\nkeep_alive = \"60s\"\n[[device]]\nkind = \"light\"\ncount = 10\n[[device]]\nkind = \"thermostat\"\ncount = 10\n[[device]]\nkind = \"plug\"\ncount = 10\n", factor), b.Dial)
		ended := make(chan error, 1)
		go func() { ended <- f.Run(context.Background()) }()
		all.Go(func() {
			<-f.Ready()
			time.Sleep(100 * time.Millisecond)
			from, began := f.Counts().Wakes.Load(), time.Now()
			time.Sleep(500 * time.Millisecond)
			per := float64(f.Counts().Wakes.Load()-from) / time.Since(began).Seconds() / 30
			t.Logf("time factor %g: %.1f wake-ups a second and device", factor, per)
			if per > most {
				t.Errorf("time factor %g: %.1f wake-ups a second and device; want at most %g", factor, per, most)
			}
			f.Stop()
			<-ended
		})
	}
	all.Wait()
}
