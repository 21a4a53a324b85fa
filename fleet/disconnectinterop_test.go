package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// overTCP starts the embedded broker or Mosquitto and returns its address.
func overTCP(t *testing.T, name string) string {
	t.Helper()
	if name == "mosquitto" {
		host, port := startMosquitto(t)
		return fmt.Sprintf("%s:%d", host, port)
	}
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go b.Serve(l) // ends with b.Close, which waits for it
	return l.Addr().String()
}

// third is a client of another make that takes part.
func third(t *testing.T, address, filter string, take func(*paho.Client, *paho.Publish)) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			take(p.Client, p.Packet)
			return true, nil
		}}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := c.Connect(ctx, &paho.Connect{ClientID: "third", CleanStart: true, KeepAlive: 60}); err != nil {
		t.Fatalf("connecting another client: %v", err)
	}
	t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
	if _, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1, RetainHandling: 2}}}); err != nil {
		t.Fatalf("subscribing to %s: %v", filter, err)
	}
}

// measured runs a scenario to its end at an address and returns what was measured,
// with the fleet's log.
func measured(t *testing.T, address, toml string, embedded bool) (*metrics.Snapshot, *fleet.Fleet, string) {
	t.Helper()
	sc, faults := scenarios.Load("test", []byte(toml))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	d, err := fleet.NewDialer(scenarios.Broker{URL: "mqtt://" + address})
	if err != nil {
		t.Fatal(err)
	}
	var log fleet.LockedBuffer
	f, err := fleet.New(sc, fleet.Options{Dial: d.Dial, Run: "r1", Embedded: embedded, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context()); err != nil {
		t.Errorf("Run() = %v; want nil", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the fleet:\n%s", log.String())
		}
	})
	return f.Snapshot(), f, log.String()
}

// goers are devices that go in a way each, and devices whose Wills are answered
// by the watcher, by another client or by nobody.
func goers(ways []string) string {
	var toml strings.Builder
	toml.WriteString("[connect]\nsession_expiry = \"1h\"\nbackoff_min = \"50ms\"\n[phases]\nmeasure = \"4s\"\n")
	for _, group := range append([]string{"watched", "third", "alone"}, ways...) {
		way := group
		if !slices.Contains(ways, way) {
			way = "cut"
		}
		fmt.Fprintf(&toml, `
[[device]]
kind = "light"
count = 3
id = "%s-{n}"
[device.will]
topic = "wills/%s/{id}"
content_type = "text/plain"
response_topic = "will/seen/{id}"
correlation_data = "{id}/{run}"
message_expiry = "1h"
[device.will.user_properties]
kind = "{kind}"
n = "{n}"
[[incident]]
name = %q
kind = "offline"
way = %q
at = "200ms"
for = "800ms"
target = { id = "%s-*" }
`, group, group, group, way, group)
	}
	return toml.String() + "[[watcher]]\nname = \"caretaker\"\nanswers = true\ntopics = [\"wills/watched/+\"]\n"
}

// What the audit finds of the ways to go is the same on either broker: every due
// Will, as the device made it, and none that is not due. And whoever answers a
// Will's Response Topic while the device is away is found by it when it is back,
// the watcher or any other client.
func TestInteropDisconnect(t *testing.T) {
	t.Parallel()
	ways := []string{"orderly", "with-will", "reset", "process-exit"}
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := overTCP(t, name)
			var answers sync.WaitGroup
			t.Cleanup(answers.Wait)
			third(t, address, "wills/third/+", func(c *paho.Client, m *paho.Publish) {
				if m.Properties != nil && m.Properties.User.Get("sent") != "" {
					return // the device itself says that it comes, or leaves
				}
				if m.Properties == nil || m.Properties.ResponseTopic == "" {
					t.Errorf("a Will on %s without a Response Topic", m.Topic)
					return
				}
				answers.Go(func() { // its PUBACK is read by the goroutine that we are on
					_, err := c.Publish(context.WithoutCancel(t.Context()), &paho.Publish{Topic: m.Properties.ResponseTopic, QoS: 1, Payload: []byte("I saw it"),
						Properties: &paho.PublishProperties{CorrelationData: m.Properties.CorrelationData}})
					if err != nil {
						t.Errorf("answering a Will: %v", err)
					}
				})
			})
			snap, f, log := measured(t, address, goers(ways), name == "embedded")
			seen := 0
			for _, w := range snap.Audit.Ways {
				want := metrics.WillTotals{Outages: 3, Due: 3, OnTime: 3, Messages: 3}
				switch w.Way {
				case "end of the run":
					continue
				case "orderly":
					want = metrics.WillTotals{Outages: 3, NotDue: 3}
				case "cut":
					want = metrics.WillTotals{Outages: 9, Due: 9, OnTime: 9, Messages: 9, Consumed: 6, Learned: 6}
				}
				seen++
				if w.WillTotals != want {
					t.Errorf("%s: %+v; want %+v", w.Way, w.WillTotals, want)
				}
			}
			if seen != len(ways)+1 {
				t.Errorf("%d ways to go in the audit: %+v; want %v and cut", seen, snap.Audit.Ways, ways)
			}
			if r := snap.Audit.Retained; r == nil || r.Checked != 21 || r.Right != 21 {
				t.Errorf("retained: %+v; want 21 of 21 right", r)
			}
			if got := f.Counts().WillsSeen.Load(); got != 6 {
				t.Errorf("%d answers found; want 6", got)
			}
			for id, says := range map[string]string{
				"watched": "was consumed while it was away\" device=watched-%d by=caretaker\n",
				"third":   "was consumed while it was away\" device=third-%d by=somebody\n",
				"alone":   "was not consumed: there is no answer\" device=alone-%d\n",
			} {
				for n := 1; n <= 3; n++ {
					if !strings.Contains(log, fmt.Sprintf(says, n)) {
						t.Errorf("the log of %s-%d does not say that its Will Message %s", id, n, fmt.Sprintf(says, n))
					}
				}
			}
		})
	}
}

const deviceProcess = "HOMEFLEET_TEST_DEVICES_AT"

// TestDeviceProcess is no test but the process of TestInteropKill: devices that
// run until they are killed.
func TestDeviceProcess(t *testing.T) {
	address := os.Getenv(deviceProcess)
	if address == "" {
		return
	}
	d, err := fleet.NewDialer(scenarios.Broker{URL: "mqtt://" + address})
	if err != nil {
		t.Fatal(err)
	}
	f := fleetOf(t, "[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = \"light\"\ncount = 50\nid = \"lamp-{n}\"\ntelemetry = \"20ms\"\n", d.Dial)
	go f.Run(context.Background())
	<-f.Ready()
	fmt.Println("ready")
	select {}
}

// Of a process that is killed (SIGKILL) every device leaves its Will, once.
func TestInteropKill(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := overTCP(t, name)
			wills := make(chan string, 1000)
			third(t, address, "tele/+/lwt", func(_ *paho.Client, m *paho.Publish) {
				if string(m.Payload) == "Offline" {
					wills <- m.Topic
				}
			})
			cmd := exec.Command(program, "-test.run=^TestDeviceProcess$", "-test.v")
			cmd.Env = append(os.Environ(), deviceProcess+"="+address)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill() // if it lives still
			said := make([]byte, 0, 200)
			for !bytes.Contains(said, []byte("ready\n")) {
				buf := make([]byte, 100)
				n, err := out.Read(buf)
				if said = append(said, buf[:n]...); err != nil {
					t.Fatalf("the process of the devices says %q, then %v; want ready", said, err)
				}
			}
			if len(wills) > 0 {
				t.Errorf("%d Wills of devices that live; want none", len(wills))
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed
			seen := make(map[string]int)
			for end := time.After(time.Minute); len(seen) < 50; {
				select {
				case topic := <-wills:
					seen[topic]++
				case <-end:
					t.Fatalf("the Wills of %d devices of 50 within 10s", len(seen))
				}
			}
			time.Sleep(200 * time.Millisecond) // for one too many
			if len(wills) > 0 {
				t.Errorf("%d Wills too many", len(wills))
			}
		})
	}
}
