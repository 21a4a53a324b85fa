package fleet

import (
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
)

// patient is a lamp that does not ask for long whether its broker is there.
const patient = `
audit = false
[connect]
keep_alive = "10m"
[phases]
measure = "2m"
[[device]]
kind = "light"
id = "lamp"
`

// A slow link is the device's own: what it says comes late, whole and in order,
// and so does what it is told.
func TestSlowLinkOnTheWire(t *testing.T) {
	play(t, scenarioOf(t, patient+incidentOf("slow-link", "10s", "50s", `latency = "2s"`, `slice = "1B"`, `slice_delay = "1ms"`)), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		time.Sleep(20 * time.Second)
		for range 3 {
			start := time.Now()
			p.command("power", "ON", []byte("phone"), []byte("1"))
			m := p.reply()
			if took := time.Since(start); took < 4*time.Second || took > 5*time.Second || string(m.Payload) != "ON" {
				t.Errorf("answered %q after %v; want ON after 4s and a little: 2s each way, byte for byte", m.Payload, took)
			}
			for p.next().Type() != packets.PUBLISH {
			}
		}
		time.Sleep(40 * time.Second)
		start := time.Now()
		p.command("power", "OFF", []byte("phone"), []byte("1"))
		if p.reply(); time.Since(start) != 0 {
			t.Errorf("answered after %v when the link is as before; want at once", time.Since(start))
		}
	})
}

// Nothing comes out of a cable that has been pulled, also not what a slow link
// still held.
func TestUnpluggedOnASlowLink(t *testing.T) {
	play(t, scenarioOf(t, patient+incidentOf("slow-link", "10s", "50s", `latency = "5s"`)), func(t *testing.T, b *script) {
		p := b.accept()
		p.welcome(nil)
		time.Sleep(20 * time.Second)
		d, _ := b.fleet.Device("lamp")
		if _, err := d.Do(t.Context(), "power", "ON"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := d.Die(t.Context(), Unplugged); err != nil {
			t.Fatal(err)
		}
		died := time.Now()
		if err := p.conn.SetReadDeadline(died.Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1000)
		if n, err := p.conn.Read(buf); n > 0 || err == nil {
			t.Errorf("%d bytes %q came %v after the cable was pulled; want nothing", n, buf[:n], time.Since(died))
		}
	})
}

// A device that waits for the end of its connection on a slow link, after it has
// said goodbye, does not hold up a fleet that stops.
func TestStopWhileFinishingOnASlowLink(t *testing.T) {
	snap, _ := brew(t, `
[connect]
session_expiry = "1h"
timeout = "100s"
[phases]
measure = "3m"
[[device]]
kind = "light"
id = "lamp"
[[incident]]
kind = "slow-link"
latency = "30s"
at = "1s"
for = "50s"
`, broker.Config{}, func(s *storm) {
		s.sleepTo(5 * time.Second)
		d, _ := s.fleet.Device("lamp")
		if err := d.Die(s.t.Context(), WithWill); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Second)
		start := time.Now()
		s.fleet.Stop()
		s.ended.wait()
		if took := time.Since(start); took > 3*time.Second {
			s.t.Errorf("Run returned %v after Stop; want at most 3s", took)
		}
	})
	if w := snap.Audit.Wills; w.Early+w.Late+w.Missing+w.Unexpected != 0 {
		t.Errorf("%+v; want no fault of the broker", w)
	}
}

// A large command over a slow link takes longer than one and a half times the Keep Alive: bytes
// that arrive are a sign of life ([MQTT-3.1.2-24] speaks of any Control Packet, and a PINGRESP
// cannot overtake what is on its way), so the device stays connected and answers.
func TestLargeCommandOverASlowLink(t *testing.T) {
	snap, s := brew(t, `
seed = 2
[connect]
keep_alive = "1s"
session_expiry = "1h"
[[device]]
kind = "light"
id = "far"
[[controller]]
attribute = "power"
payloads = ["ON", "OFF"]
payload_size = "32KiB"
rate = "20/min"
qos = 1
timeout = "6s"
[[incident]]
kind = "slow-link"
target = { id = "far" }
bandwidth = "10KiB/s"
for = "7s"
[phases]
measure = "2s"
drain = "8s"
`, broker.Config{}, nil)
	if lost, all := s.fleet.Counts().Lost.Load(), snap.Totals; lost != 0 || all.Answered != 1 {
		t.Errorf("%d connections lost, %d of %d requests answered; want none lost, and the one answered", lost, all.Answered, all.Planned)
	}
}
