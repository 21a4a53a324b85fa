package fleet

import (
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// fates are those of one kind of message that are not zero, over the whole run.
func fates(f *Fleet, k metrics.MessageKind) map[metrics.Fate]int64 {
	m := make(map[metrics.Fate]int64)
	for fate := metrics.Sent; fate <= metrics.Rejected; fate++ {
		if n := f.counts.Messages.Total(fate, k); n != 0 {
			m[fate] = n
		}
	}
	return m
}

// What a broker leaves unacknowledged, and what waited behind it, has a fate of
// its own when session or run ends (4.9, 4.4).
func TestUnacknowledgedAndAbandoned(t *testing.T) {
	sc := scenarioOf(t, `
[[device]]
kind = "plug"
id = "plug"
telemetry = "1s"
telemetry_jitter = "0%"
qos = 1
`)
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		id := p.wantConnect().ClientID
		p.connack(0, false, &packets.Properties{ReceiveMaximum: new(uint16(2))})
		p.grant()
		p.wantMessage("tele/"+id+"/lwt", "Online")
		refused := p.wantPublish()
		p.ack(packets.PUBACK, refused.PacketID, wire.QuotaExceeded)
		p.wantPublish() // these two are never acknowledged
		p.wantPublish()
		time.Sleep(5*time.Second + time.Millisecond)
		p.conn.Close()
		p = b.accept()
		p.wantConnect()
		p.connack(0, false, nil) // no session: it has ended
		p.grant()
		p.wantMessage("tele/"+id+"/lwt", "Online")
		made := b.fleet.counts
		got := fates(b.fleet, metrics.Telemetry)
		if got[metrics.Sent] != 3 || got[metrics.Rejected] != 1 || got[metrics.Unacknowledged] != 2 || got[metrics.Abandoned] != 5 {
			t.Errorf("fates of telemetry: %v; want sent 3, of them rejected 1 and unacknowledged 2, and abandoned 5", got)
		}
		if n := made.Abandoned.Load(); n != 7 {
			t.Errorf("devices.abandoned = %d; want the two in flight and the five behind them", n)
		}
	})
}

// Telemetry, its PUBACK times and its deliveries belong to the part of the run in
// which they were sent.
func TestMeasuredIsOfTheMeasuring(t *testing.T) {
	snap, s := brew(t, `
[[device]]
kind = "plug"
count = 10
telemetry = "100ms"
telemetry_jitter = "0%"
qos = 1
[[watcher]]
topics = ["tele/+/state"]
qos = 1
[phases]
warm_up = "5s"
measure = "5s"
`, broker.Config{}, nil)
	for _, name := range []string{"telemetry.sent"} {
		if got := snap.Counts[name]; got != 500 {
			t.Errorf("%s = %d; want 500: 10 a second of 10 plugs in 5s", name, got)
		}
		if got := snap.CountsApart["warm-up"][name]; got != 500 {
			t.Errorf("%s in the warm-up = %d; want 500", name, got)
		}
	}
	for _, m := range []metrics.Metric{metrics.TelemetryPuback, metrics.StateDelivery} {
		if got := snap.Series[metrics.Series{Metric: m}].Count(); got != 500 {
			t.Errorf("%v: %d samples; want 500", m, got)
		}
	}
	if total := s.fleet.counts.Messages.Total(metrics.Sent, metrics.Telemetry); total < 1000 {
		t.Errorf("%d sent in the whole run; want 1000 or more", total)
	}
}
