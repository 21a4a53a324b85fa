package fleet_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

var (
	chaosSeeds = flag.Int("chaos.seeds", 1, "how many seeds of chaos are run")
	chaosSeed  = flag.Uint64("chaos.seed", 7, "the first of them")
	chaosHours = flag.Float64("chaos.hours", fleet.Some(0.2, 1.0), "how long each lasts, in simulated hours, at least 0.2")
	chaosLog   = flag.String("chaos.log", "", "a file for the whole log")
)

// An hour in which everything goes wrong that can, at random and on top of each
// other, at a broker that does right: the books add up, no Will is found fault
// with, everybody comes back, and nothing is left behind.
func TestChaos(t *testing.T) {
	seen := make(sometimes)
	for seed := *chaosSeed; seed < *chaosSeed+uint64(*chaosSeeds); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			began, length := time.Now(), time.Duration(*chaosHours*float64(time.Hour))
			synctest.Test(t, func(t *testing.T) { runChaos(t, seed, length, seen) })
			t.Logf("seed %d: %v of chaos took %v", seed, length, time.Since(began).Round(10*time.Millisecond))
		})
	}
	seen.check(t, *chaosSeeds)
}

func runChaos(t *testing.T, seed uint64, length time.Duration, seen sometimes) {
	sc := chaosScenario(t, seed, length)
	log := newLogTail(t)
	logger := func(level slog.Level) *slog.Logger {
		return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))
	}
	level := slog.LevelInfo
	if log.file != nil {
		level = slog.LevelDebug
	}
	b, err := broker.New(broker.Config{Anonymous: true, Log: logger(slog.LevelWarn)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f, err := fleet.New(sc, fleet.Options{Dial: b.Dial, Embedded: true, BrokerControl: b, Run: "chaos", Log: logger(level)})
	if err != nil {
		t.Fatal(err)
	}
	w := &overseer{t: t, fleet: f, length: length, stop: make(chan struct{}), done: make(chan struct{})}
	go w.watch()
	err = f.Run(t.Context())
	close(w.stop)
	<-w.done
	if err != nil {
		t.Errorf("Run() = %v; want nil", err)
	}
	snap := f.Snapshot()
	checkChaos(t, sc, snap)
	seen.note(sc, length, snap)
	checkBroker(t, b)
	if t.Failed() {
		t.Logf("again: go test ./fleet -run 'TestChaos$' -count=1 -v -chaos.seed %d -chaos.hours %v", seed, *chaosHours)
		t.Logf("seed %d, the incidents:", seed)
		for _, o := range sc.Occurrences(length) {
			t.Logf("%v to %v: %+v", o.From, o.To, sc.Incidents[o.Incident])
		}
		for _, o := range fleet.AuditFaults(f, 20) {
			t.Logf("accused: %+v", o)
		}
		t.Logf("the end of the log:\n%s", log.String())
	}
}

// The same chaos at a broker that loses one Will in fifty and sends another twice
// is told from one at a broker that does right: never more is found than there
// was, and little is passed over because nobody can know.
func TestChaosFindsCheats(t *testing.T) {
	if fleet.Some(true, false) {
		t.Skip("HOMEFLEET_FULL=1 has it; TestAuditCatchesABadBroker finds the same without chaos")
	}
	t.Parallel()
	var lost, twice atomic.Int64
	synctest.Test(t, func(t *testing.T) {
		b, err := broker.New(broker.Config{Anonymous: true, Will: func(w broker.WillInfo) broker.WillFate {
			switch {
			case w.Due && w.Number%50 == 7:
				lost.Add(1)
				return broker.WillFate{}
			case w.Due && w.Number%50 == 27:
				twice.Add(1)
				return broker.WillFate{Copies: 2}
			}
			return broker.WillFate{Copies: btoi(w.Due)}
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f, err := fleet.New(chaosScenario(t, *chaosSeed, time.Duration(*chaosHours*float64(time.Hour))), fleet.Options{Dial: b.Dial, Embedded: true, BrokerControl: b})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context()); err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
		w := f.Snapshot().Audit.Wills
		if lost.Load() == 0 || twice.Load() == 0 {
			t.Errorf("the broker lost %d and sent %d twice; want some of each", lost.Load(), twice.Load())
		}
		if n := lost.Load(); w.Missing > n || w.Missing < n/2 {
			t.Errorf("Missing = %d; want at most the %d that were lost, and at least half of them", w.Missing, n)
		}
		if n := twice.Load(); w.Duplicate > n || w.Duplicate < n/2 {
			t.Errorf("Duplicate = %d; want at most the %d that were sent twice, and at least half of them", w.Duplicate, n)
		}
		if w.Early+w.Late+w.Unexpected+w.Altered != 0 {
			t.Errorf("Wills = %+v; want no other fault", w)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checkChaos looks at what was measured.
func checkChaos(t *testing.T, sc *scenarios.Scenario, snap *metrics.Snapshot) {
	t.Helper()
	var result metrics.Result
	result.Fill(snap, sc.Expect, time.Second)
	if err := result.Check(); err != nil {
		t.Errorf("Result.Check() = %v; want nil", err)
	}
	want := 0.0
	for i := range sc.Controllers {
		want += sc.Controllers[i].Requests(sc.Phases.Measure)
	}
	if got := float64(snap.Totals.Planned); got != want {
		t.Errorf("Planned = %v; want %v", got, want)
	}
	if own := snap.Totals.NotSent.Own(); own != 0 {
		t.Errorf("%d requests were not sent by our own fault; want 0: %+v", own, snap.Totals.NotSent)
	}
	w := snap.Audit.Wills
	if w.Early+w.Late+w.Missing+w.Duplicate+w.Unexpected+w.Altered != 0 {
		t.Errorf("Wills = %+v; want none of them found fault with: %+v", w, snap.Audit.Ways)
	}
	if w.OnTime < 20 || w.NotDue < 20 || w.Consumed == 0 {
		t.Errorf("Wills = %+v; want more of all sorts, or nothing was tested", w)
	}
	if r := snap.Audit.Retained; r == nil || r.Right != r.Checked || r.Checked < int64(snap.Devices.Total) {
		t.Errorf("Retained = %+v; want all of them right", r)
	}
	if d := snap.Devices; d.Online != d.Total || d.GaveUp != 0 {
		t.Errorf("Devices = %+v; want all of them online", d)
	}
	for _, r := range snap.Recoveries {
		if r.Online.Count != r.Affected || r.Answering.Count != r.Affected {
			t.Errorf("after %s at %v: %d online and %d answering of %d; want all", r.Incident, r.At, r.Online.Count, r.Answering.Count, r.Affected)
		}
	}
	for _, name := range []string{"connections.bad_packets", "devices.refused", "acks.stray", "acks.missing", "connections.unexplained", "connect.unexplained"} {
		if n, ok := snap.Counts[name]; n != 0 || !ok {
			t.Errorf("Counts[%q] = %d, %t; want 0", name, n, ok)
		}
	}
	if snap.Counts["connections.lost"] == 0 || snap.Counts["connect.failed"] == 0 {
		t.Error("no connection was lost, or none failed: nothing was to be explained")
	}
	t.Logf("%d of %d requests answered; Wills: %+v; recoveries: %d", snap.Totals.Answered, snap.Totals.Planned, w, len(snap.Recoveries))
}

// checkBroker looks whether the broker is as it was, but for what is retained.
func checkBroker(t *testing.T, b *broker.Broker) {
	t.Helper()
	time.Sleep(15 * time.Minute) // the longest session is over
	s := b.Stats()
	if s.Connections+s.Clients+s.Sessions+s.Subscriptions != 0 {
		t.Errorf("the broker still has %d connections, %d clients, %d sessions and %d subscriptions; want none", s.Connections, s.Clients, s.Sessions, s.Subscriptions)
	}
	if s.ProtocolErrors+s.Overrun+s.DroppedFull+s.DroppedTooLarge+s.DroppedRefused != 0 {
		t.Errorf("Stats() = %+v; want no protocol errors, nothing overrun, and nothing dropped but at QoS 0", s)
	}
}

// overseer looks at a fleet every so often while it runs.
type overseer struct {
	t          *testing.T
	fleet      *fleet.Fleet
	length     time.Duration
	stop, done chan struct{}
	accused    bool
}

const (
	overseeEvery = 10 * time.Second
	mostGrowth   = 8 << 20 // bytes, from a quarter of the time to its end
)

func (w *overseer) watch() {
	defer close(w.done)
	heap, goroutines := uint64(0), runtime.NumGoroutine()
	ticker := time.NewTicker(overseeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		w.look()
		switch elapsed := w.fleet.Elapsed(); {
		case heap == 0 && elapsed > w.length/4:
			heap, goroutines = live()
		case heap > 0 && elapsed > w.length*98/100:
			bytes, count := live()
			if bytes > heap+mostGrowth {
				w.t.Errorf("the heap has grown from %d to %d bytes; want at most %d more", heap, bytes, mostGrowth)
			}
			if count > goroutines+100 {
				w.t.Errorf("there were %d goroutines and are %d", goroutines, count)
			}
			return
		}
	}
}

func live() (heap uint64, goroutines int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}

// look wants that nobody is accused at any time, and that the sums always hold.
func (w *overseer) look() {
	snap := w.fleet.Progress()
	if err := errors.Join(snap.Totals.Check(), snap.Audit.Check()); err != nil && !w.accused {
		w.accused = true
		w.t.Errorf("at %v: %v", w.fleet.Elapsed(), err)
	}
	a := snap.Audit.Wills
	if w.accused || a.Early+a.Late+a.Missing+a.Duplicate+a.Unexpected+a.Altered == 0 {
		return
	}
	w.accused = true
	zero, _ := w.fleet.MeasureStart()
	w.t.Errorf("%v after the measuring began, at %v: Wills = %+v", w.fleet.Elapsed(), zero.Add(w.fleet.Elapsed()), a)
	for _, o := range fleet.AuditFaults(w.fleet, 5) {
		w.t.Logf("accused: %+v", o)
		for _, r := range fleet.AuditRecent(w.fleet, o.Device) {
			w.t.Logf("  %+v", r)
		}
	}
}

// logTail keeps the end of a log.
type logTail struct {
	mu   sync.Mutex
	tail []byte
	file *os.File
}

const mostLog = 64 << 10

func newLogTail(t *testing.T) *logTail {
	l := &logTail{tail: make([]byte, 0, 2*mostLog)}
	if *chaosLog != "" {
		file, err := os.Create(*chaosLog)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		l.file = file
	}
	return l
}

func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		return l.file.Write(p)
	}
	if len(l.tail)+len(p) > 2*mostLog {
		l.tail = append(l.tail[:0], l.tail[max(len(l.tail)-mostLog, 0):]...)
	}
	l.tail = append(l.tail, p...)
	return len(p), nil
}

func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.tail))
}
