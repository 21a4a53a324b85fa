package fleet_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/fleettest"
	"homefleet/fleet/mosquitto"
)

// startMosquitto starts Debian's Mosquitto on a free port of 127.0.0.1 and returns
// its address. Where it is not installed the test is skipped, unless
// HOMEFLEET_INTEROP=1 makes that a failure.
func startMosquitto(t *testing.T, config ...string) (host string, port int) {
	t.Helper()
	needs(t, "mosquitto")
	b, err := mosquitto.Start(t.TempDir(), config...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return "127.0.0.1", b.Port
}

// needs finds a program of Debian's packages mosquitto and mosquitto-clients.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		// Debian keeps the broker where a user's PATH does not look.
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err == nil {
		return path
	}
	text := program + " is not installed; for the interop tests: apt-get install mosquitto mosquitto-clients"
	if os.Getenv("HOMEFLEET_INTEROP") == "1" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// client runs one of Mosquitto's clients and returns a channel of its lines,
// which is closed when it ends. It is stopped with the test.
func client(t *testing.T, program, host string, port int, args ...string) <-chan string {
	t.Helper()
	cmd := exec.Command(needs(t, program), append([]string{"-h", host, "-p", fmt.Sprint(port)}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
	})
	return lines
}

// wantLine waits for a line.
func wantLine(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the client ended; want the line %q", want)
			}
			if line == want {
				return
			}
			t.Logf("passed over: %q", line)
		case <-timeout:
			t.Fatalf("no line %q within 10s", want)
		}
	}
}

// brokers are those that every interop test runs on.
var brokers = []string{"embedded", "mosquitto"}

// onBroker starts a scenario on one of them, over TCP.
func onBroker(t *testing.T, name, toml string) (f *fleettest.Fleet, host string, port int) {
	t.Helper()
	if name == "mosquitto" {
		host, port = startMosquitto(t)
		return fleettest.Start(t, toml, fleettest.OnBroker(fmt.Sprintf("mqtt://%s:%d", host, port))), host, port
	}
	f = fleettest.Start(t, toml, fleettest.OnTCP())
	a := strings.TrimPrefix(f.URL, "mqtt://")
	h, p, err := net.SplitHostPort(a)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(p, &port)
	return f, h, port
}

const oneLamp = `
[connect]
session_expiry = "1m"
backoff_min = "10ms"
[[device]]
kind = "light"
id = "lamp"
[device.will]
response_topic = "will/seen/{id}"
correlation_data = "{id}/{run}"
`

// The request of EMQ's article, with Mosquitto's own requester.
func TestInteropRequestResponse(t *testing.T) {
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			_, host, port := onBroker(t, name, oneLamp)
			for _, rt := range []string{"state/lamp/power", "phone/answers"} {
				lines := client(t, "mosquitto_rr", host, port, "-V", "mqttv5", "-t", "cmnd/lamp/power", "-e", rt,
					"-m", "ON", "-D", "publish", "correlation-data", "0123", "-F", "%t %p %D")
				wantLine(t, lines, rt+" ON 0123")
			}
		})
	}
}

// A 3.1.1 client commands and sees the answer on the state topic.
func TestInterop311(t *testing.T) {
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			_, host, port := onBroker(t, name, oneLamp)
			lines := client(t, "mosquitto_sub", host, port, "-V", "mqttv311", "-t", "state/lamp/power", "-t", "tele/lamp/lwt", "-F", "%t %p")
			wantLine(t, lines, "tele/lamp/lwt Online") // retained: the subscription is there
			for range client(t, "mosquitto_pub", host, port, "-V", "mqttv311", "-t", "cmnd/lamp/power", "-m", "ON", "-q", "1") {
			}
			wantLine(t, lines, "state/lamp/power ON")
		})
	}
}

// A light that itself speaks MQTT 3.1.1 is commanded by clients of both versions, answers
// on its state topic, leaves a Will when it dies, and none when it goes in an orderly way;
// a second run on its session finds the first one's gone.
func TestInteropDeviceOf311(t *testing.T) {
	const lamp = "[broker]\nmqtt = \"3.1.1\"\n[connect]\nsession_expiry = \"1m\"\nbackoff_min = \"10ms\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\n"
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			f, host, port := onBroker(t, name, lamp)
			lines := client(t, "mosquitto_sub", host, port, "-V", "mqttv5", "-t", "state/lamp/power", "-t", "tele/lamp/lwt", "-F", "%t %p")
			wantLine(t, lines, "tele/lamp/lwt Online")
			for version, value := range map[string]string{"mqttv311": "ON", "mqttv5": "OFF"} {
				for range client(t, "mosquitto_pub", host, port, "-V", version, "-t", "cmnd/lamp/power", "-m", value, "-q", "2") {
				}
				wantLine(t, lines, "state/lamp/power "+value)
			}
			lamp := f.Device("lamp")
			for _, way := range []fleet.OfflineMode{fleet.Cut, fleet.Reset, fleet.WithWill} {
				lamp.Die(way)
				wantLine(t, lines, "tele/lamp/lwt Offline")
				lamp.Return()
				wantLine(t, lines, "tele/lamp/lwt Online")
			}
			if n := f.Fleet().Counts().Resumes.Load(); n != 3 {
				t.Errorf("%d sessions resumed; want 3", n)
			}
			lamp.Die(fleet.Orderly)
			wantLine(t, lines, "tele/lamp/lwt Offline")
			lamp.Return()
			wantLine(t, lines, "tele/lamp/lwt Online")
		})
	}
}

// A light that dies leaves its Will, with Response Topic and Correlation Data;
// one that goes in an orderly way leaves none.
func TestInteropWill(t *testing.T) {
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			f, host, port := onBroker(t, name, oneLamp)
			lines := client(t, "mosquitto_sub", host, port, "-V", "mqttv5", "-t", "tele/+/lwt", "-F", "%t %p %R %D")
			wantLine(t, lines, "tele/lamp/lwt Online  ")
			lamp := f.Device("lamp")
			for _, way := range []fleet.OfflineMode{fleet.Cut, fleet.Reset, fleet.WithWill} {
				lamp.Die(way)
				wantLine(t, lines, "tele/lamp/lwt Offline will/seen/lamp lamp/run")
				lamp.Return()
				wantLine(t, lines, "tele/lamp/lwt Online  ")
			}
			lamp.Die(fleet.Orderly)
			wantLine(t, lines, "tele/lamp/lwt Offline  ")
			lamp.Return()
			wantLine(t, lines, "tele/lamp/lwt Online  ") // and no Will between the two
		})
	}
}

// Wire rule 4, end to end: a watcher answers the Will's Response Topic while the
// device is away, and the device finds that on its resumed session.
func TestInteropWillIsAnswered(t *testing.T) {
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			f, host, port := onBroker(t, name, oneLamp)
			lines := client(t, "mosquitto_sub", host, port, "-V", "mqttv5", "-t", "tele/+/lwt", "-F", "%t %p %R %D")
			wantLine(t, lines, "tele/lamp/lwt Online  ")
			f.Device("lamp").Die(fleet.Cut)
			wantLine(t, lines, "tele/lamp/lwt Offline will/seen/lamp lamp/run")
			for range client(t, "mosquitto_pub", host, port, "-V", "mqttv5", "-q", "1", "-t", "will/seen/lamp", "-m", "seen",
				"-D", "publish", "correlation-data", "lamp/run") {
			}
			f.Device("lamp").Return()
			f.Eventually("the device knows that its Will was seen", func() bool {
				return f.Fleet().Counts().WillsSeen.Load() == 1
			})
		})
	}
}

// Commands at QoS 1 sent while a device is away arrive once it is back on its
// session, in order.
func TestInteropResume(t *testing.T) {
	for _, name := range brokers {
		t.Run(name, func(t *testing.T) {
			f, host, port := onBroker(t, name, oneLamp)
			lines := client(t, "mosquitto_sub", host, port, "-V", "mqttv5", "-t", "phone", "-t", "tele/lamp/lwt", "-F", "%t %p")
			wantLine(t, lines, "tele/lamp/lwt Online")
			f.Device("lamp").Die(fleet.Cut)
			wantLine(t, lines, "tele/lamp/lwt Offline")
			for _, level := range []string{"10", "20", "30"} {
				for range client(t, "mosquitto_pub", host, port, "-V", "mqttv5", "-q", "1", "-t", "cmnd/lamp/brightness", "-m", level,
					"-D", "publish", "response-topic", "phone") {
				}
			}
			f.Device("lamp").Return()
			var got []string
			for timeout := time.After(time.Minute); len(got) < 3; {
				select {
				case line := <-lines:
					if rest, ok := strings.CutPrefix(line, "phone "); ok {
						got = append(got, rest)
					}
				case <-timeout:
					t.Fatalf("answers %v within 10s; want 10, 20, 30", got)
				}
			}
			if want := []string{"10", "20", "30"}; !slices.Equal(got, want) {
				t.Errorf("answers %v; want %v", got, want)
			}
		})
	}
}
