package fleettest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/devices"
	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/fleettest"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

const oneLight = `
[[device]]
kind = "light"
id = "lamp"
`

func TestStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "one.toml")
	if err := os.WriteFile(file, []byte(oneLight), 0o600); err != nil {
		t.Fatal(err)
	}
	light, _ := devices.KindByName("light")
	tests := []struct {
		name  string
		start func(t *testing.T) *fleettest.Fleet
		id    string
	}{
		{"text", func(t *testing.T) *fleettest.Fleet { return fleettest.Start(t, oneLight) }, "lamp"},
		{"file", func(t *testing.T) *fleettest.Fleet { return fleettest.StartFile(t, file) }, "lamp"},
		{"shipped", func(t *testing.T) *fleettest.Fleet { return fleettest.StartShipped(t, "bedroom") }, "light-in-bedroom"},
		{"Go value", func(t *testing.T) *fleettest.Fleet {
			return fleettest.StartScenario(t, &scenarios.Scenario{Groups: []scenarios.Group{{Kind: light, ID: "made-in-go"}}})
		}, "made-in-go"},
		{"TCP", func(t *testing.T) *fleettest.Fleet { return fleettest.Start(t, oneLight, fleettest.OnTCP()) }, "lamp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.start(t)
			d := f.Device(tt.id)
			if got := d.Command("power", "ON"); got != "ON" {
				t.Errorf("power ON answers %q; want ON", got)
			}
			if got := d.State("power"); got != "ON" {
				t.Errorf("State(power) = %q; want ON", got)
			}
			if got := d.Touch("power", "OFF"); got != "OFF" {
				t.Errorf("Touch(power, OFF) = %q; want OFF", got)
			}
			if _, err := f.Request("cmnd/"+tt.id+"/power", "PERHAPS"); err == nil {
				t.Error("a bad payload is answered without an error")
			} else if answer, ok := errors.AsType[*fleettest.ErrorAnswer](err); !ok {
				t.Errorf("a bad payload is answered with %v; want an *ErrorAnswer", answer)
			}
		})
	}
}

// An hour of fake time passes in milliseconds, and the bubble is empty at the end.
func TestFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fleettest.Start(t, `
[[device]]
kind = "thermostat"
count = 20
telemetry = "1m"
`)
		start := time.Now()
		time.Sleep(time.Hour)
		if n := f.Fleet().Counts().Messages.Total(metrics.Sent, metrics.Telemetry); n < 20*55 || n > 20*65 {
			t.Errorf("%d telemetry messages in %v; want about 1,200", n, time.Since(start))
		}
		d := f.Device("thermostat-1")
		d.Die(fleet.Silence)
		time.Sleep(10 * time.Minute) // the broker finds out after 1.5 times the Keep Alive
		d.Return()
		if got := d.Command("target", "19.5"); got != "19.5" {
			t.Errorf("target 19.5 answers %q; want 19.5", got)
		}
	})
}

// The kit leaves nothing behind.
func TestLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("fleet", func(t *testing.T) {
		f := fleettest.Start(t, "[[device]]\nkind = \"plug\"\ncount = 50\n", fleettest.OnTCP())
		f.Device("plug-7").Command("power", "")
		f.Device("plug-8").Die(fleet.Silence)
		f.Device("plug-9").Die(fleet.Cut)
	})
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines; want %d as before", runtime.NumGoroutine(), before)
}

// The test's own requester is back when its broker is.
func TestBrokerRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, oneLight)
		lamp := home.Device("lamp")
		lamp.Command("power", "ON")
		home.Broker.Suspend()
		start := time.Now()
		if a, err := home.Request("cmnd/lamp/power", ""); err == nil || time.Since(start) > time.Second {
			t.Errorf("Request() = %q, %v after %v of a broker that is away; want an error at once", a.Payload, err, time.Since(start))
		}
		home.Eventually("the lamp knows that the broker is away", func() bool { return !lamp.Snapshot().Online })
		home.Broker.Resume()
		home.Eventually("the lamp is back", func() bool { return lamp.Snapshot().Online })
		if got := lamp.Command("power", ""); got != "ON" {
			t.Errorf("power after the broker was away = %q; want ON", got)
		}
	})
}

// A Request whose connection is lost under way says so at once.
func TestRequesterIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := fleettest.Start(t, oneLight)
		time.AfterFunc(time.Second, home.Broker.Suspend)
		start := time.Now()
		a, err := home.Request("nobody/there", "")
		if d := time.Since(start); err == nil || d != time.Second {
			t.Errorf("Request() = %q, %v after %v; want an error after 1s, with the connection", a.Payload, err, d)
		}
		home.Broker.Resume()
	})
}

// A requester that may not subscribe leaves no connection behind.
func TestRequesterRefused(t *testing.T) {
	home := fleettest.Start(t, "[broker]\nusername = \"{id}\"\n"+oneLight, fleettest.WithBroker(broker.Config{
		Users: []broker.User{{Name: "lamp"}, {Name: "mute", Password: "x", Subscribe: []string{"nothing"}}},
	}), fleettest.AsUser("mute", "x"))
	if a, err := home.Request("cmnd/lamp/power", "ON"); err == nil || !strings.Contains(err.Error(), "subscribing to fleettest/") {
		t.Errorf("Request() = %q, %v; want an error with the subscription", a.Payload, err)
	}
	home.Eventually("only the lamp is connected", func() bool { return home.Broker.Stats().Connections == 1 })
}

func TestUsers(t *testing.T) {
	f := fleettest.Start(t, `
[broker]
username = "{id}"
[[device]]
kind = "light"
id = "lamp"
`, fleettest.WithBroker(broker.Config{
		Users: []broker.User{{Name: "lamp"}, {Name: "alice", Password: "wonder", ResponseInformation: "users/alice/", Publish: []string{"cmnd/#"}}},
	}), fleettest.AsUser("alice", "wonder"))
	a, err := f.Request("cmnd/lamp/power", "ON")
	if err != nil || !strings.HasPrefix(a.Topic, "users/alice/") {
		t.Errorf("answer on %q, %v; want one beneath users/alice/", a.Topic, err)
	}
}

// fatal is a testing.TB that records what ends the test.
type fatal struct {
	testing.TB
	said string
}

func (f *fatal) Helper() {}
func (f *fatal) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name string
		run  func(t testing.TB)
		want string
	}{
		{"scenario", func(t testing.TB) { fleettest.Start(t, "[[device]]\nkind = \"lihgt\"\n") }, "light"},
		{"file", func(t testing.TB) { fleettest.StartFile(t, "/does/not/exist.toml") }, "no such file"},
		{"shipped", func(t testing.TB) { fleettest.StartShipped(t, "castle") }, "\"castle\" is shipped; want one of bedroom"},
		{"device", func(t testing.TB) { fleettest.Start(t, oneLight).Device("lmap") }, "no device \"lmap\"; want one such as lamp"},
		{"state", func(t testing.TB) {
			fleettest.Start(t, oneLight, fleettest.WithPatience(100*time.Millisecond)).Device("lamp").WaitState("power", "ON")
		}, "after 100ms power of lamp is \"OFF\"; want \"ON\""},
		{"unreachable", func(t testing.TB) {
			fleettest.Start(t, oneLight, fleettest.OnBroker("mqtt://127.0.0.1:1"), fleettest.WithPatience(100*time.Millisecond))
		}, "0 of 1 devices are up after 100ms"},
		{"refused", func(t testing.TB) {
			fleettest.Start(t, oneLight, fleettest.WithBroker(broker.Config{
				Anonymous: true, Admit: func(broker.ConnectInfo) byte { return 0x8A }}))
		}, "banned"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fatal{TB: t}
			defer func() {
				if r := recover(); r != f {
					panic(r)
				}
				if !strings.Contains(f.said, tt.want) {
					t.Errorf("ended with %q; want something with %q", f.said, tt.want)
				}
			}()
			tt.run(f)
			t.Error("the test was not ended")
			panic(f)
		})
	}
}
