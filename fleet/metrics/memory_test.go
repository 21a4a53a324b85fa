package metrics

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// TestHourDoesNotGrow runs 50,000 requests a second over an hour and more, of
// which it sends an eighth of a second in every four minutes in full. The memory is that
// of time-out and late window, and the time line's is bounded.
func TestHourDoesNotGrow(t *testing.T) {
	const (
		rate    = 50_000
		every   = 4 * time.Minute
		burst   = rate / 8 // an eighth of a second
		timeout = 50 * ms
	)
	bursts := some(8, 36)
	rec := NewRecorder(RecorderConfig{Shards: 1, Points: 60})
	room := Capacity(rate, timeout, timeout)
	l, err := NewLedger(LedgerConfig{Timeout: timeout, Late: timeout, Capacity: room, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 0, 64)
	var ids [1000]ID // 20 ms of traffic
	run := func(start time.Duration) {
		for i := range burst {
			now := start + time.Duration(i)*(time.Second/rate)
			if i >= len(ids) && rng.IntN(1000) > 0 { // one in a thousand is lost
				l.Answer(now, Answer{Correlation: ids[i%len(ids)].Append(buf, 0)})
			}
			id, ok := l.Send(Request{Planned: now, Sent: now + time.Duration(rng.IntN(50))*time.Microsecond})
			if !ok {
				t.Fatalf("the ledger was full at %v", now)
			}
			ids[i%len(ids)] = id
		}
	}
	live := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var early int64
	for i := range bursts {
		run(time.Duration(i) * every)
		if i == 5 {
			early = live()
		}
	}
	grown := live() - early
	if most := int64(128 << 10); grown > most {
		t.Errorf("the heap grew by %d bytes after the first twenty minutes; want at most %d", grown, most)
	}
	if most := 2 * requestSize * room; l.Bytes() > most {
		t.Errorf("the ledger holds %d bytes; want at most %d", l.Bytes(), most)
	}
	if most := 1 << 20; rec.Bytes() > most {
		t.Errorf("the recorder holds %d bytes; want at most %d", rec.Bytes(), most)
	}
	l.Close(time.Duration(bursts) * every)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if got := l.Totals(); got.Sent != int64(bursts*burst) {
		t.Errorf("sent = %d; want %d", got.Sent, bursts*burst)
	}
	t.Logf("recorder %d KiB, grown by %d bytes", rec.Bytes()>>10, grown)
}

// TestRecorderBytes says what a recorder costs with all it may have.
func TestRecorderBytes(t *testing.T) {
	t.Parallel()
	names := LabelNames{Kinds: []string{"light", "thermostat", "plug"}, Stages: []string{"a", "b", "c"}, Controllers: []string{"x"}}
	rec := NewRecorder(RecorderConfig{Names: names, Shards: 4})
	if got := rec.Bytes(); got != 0 {
		t.Errorf("an empty recorder holds %d bytes in histograms; want 0", got)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	n := some(10_000, 120_000)
	for i := range n {
		l := Labels{uint8(1 + i%3), uint8(1 + 3*i/n), 1}
		d := time.Duration(rng.ExpFloat64() * float64(5*ms))
		rec.Record(i, ScheduleDelay, l, d/100)
		rec.Record(i, ServiceTime, l, d)
		rec.Record(i, ResponseTime, l, d)
	}
	// Three metrics, seven labels, four shards, 184 KiB each.
	if got, most := rec.Bytes(), 3*7*4*(188<<10); got > most {
		t.Errorf("a recorder holds %d bytes; want at most %d", got, most)
	}
	t.Logf("%d KiB", rec.Bytes()>>10)
}
