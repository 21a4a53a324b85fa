package audit

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// life is one connection of a device from its CONNACK to its Will.
func life(a *Audit, device int, conn uint32) {
	t := time.Duration(conn) * 10 * sec
	a.Connected(device, conn, Connection{Asked: t, Answered: t + ms, HasWill: true, SessionPresent: true})
	a.Ended(device, conn, End{Way: "cut", How: Closed, From: t + 5*sec, To: t + 5*sec})
	a.Seen(device, conn, t+5*sec+ms, false)
}

// Many devices report at once while others ask.
func TestConcurrentReports(t *testing.T) {
	const devices, lives = 200, 30
	a := watched("cut")
	var reporters, readers sync.WaitGroup
	stop := make(chan struct{})
	readers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			now := time.Duration(i) * ms
			if err := new(a.Totals(now)).Check(); err != nil {
				t.Error(err)
				return
			}
			a.Pending(now)
			a.Last(i%devices, now)
			a.Faults(3)
			if i%10 == 0 {
				a.SetSlack(slack)
			}
		}
	})
	for device := range devices {
		reporters.Go(func() {
			for conn := range uint32(lives) {
				life(a, device, conn+1)
				a.Consumed(device, conn+1)
				a.Learned(device, conn+1)
			}
		})
	}
	reporters.Wait()
	close(stop)
	readers.Wait()
	want := want{onTime: devices * lives, consumed: devices * lives, learned: devices * lives}.totals()
	if got := a.Close(time.Hour).Wills; got != want {
		t.Errorf("Close() = %+v; want %+v", got, want)
	}
}

// What a device takes must not grow with its outages.
func TestMemoryIsBounded(t *testing.T) {
	a := watched()
	for conn := range uint32(10_000) {
		life(a, 1, conn+1)
	}
	// CONNECTs that nobody answers, and outages whose Wills are far away.
	for conn := uint32(10_001); conn < 11_000; conn++ {
		s := time.Duration(conn) * 10 * sec
		a.Unanswered(2, conn, Attempt{Asked: s, GaveUp: s + sec, HasWill: true})
		a.Connected(3, conn, Connection{Asked: s, Answered: s, Session: conn, HasWill: true, WillDelay: Forever, SessionExpiry: Forever})
		a.Ended(3, conn, End{How: Closed, From: s + sec, To: s + sec})
		a.Seen(4, 0, s, true)
	}
	for device, most := range map[int]int{1: keepDecided + 3, 2: keepDecided + 3, 3: mostRecords, 4: 0} {
		b := a.stripe(device).books[device]
		if n := len(b.records); n > most {
			t.Errorf("device %d has %d records; want at most %d", device, n, most)
		}
		if len(b.nameless) > mostNameless || len(b.doubtful) > mostDoubtful {
			t.Errorf("device %d has %d nameless Wills and %d doubts; want at most %d and %d", device, len(b.nameless), len(b.doubtful), mostNameless, mostDoubtful)
		}
	}
	// The Will of a CONNECT whose record is gone.
	a.Seen(2, 10_950, 200_000*sec, false)
	got := a.Close(300_000 * sec)
	check(t, "bounded", got)
	if want := (want{onTime: 10_001, runEnded: 999, unexpected: 999, altered: 999}).totals(); got.Wills != want {
		t.Errorf("Close() = %+v; want %+v", got.Wills, want)
	}
}

// What a device that stays connected takes.
func TestMemoryOfTheConnected(t *testing.T) {
	const devices = 20_000
	var before, after runtime.MemStats
	a := watched()
	runtime.GC()
	runtime.ReadMemStats(&before)
	for device := range devices {
		a.Connected(device, 1, conn(1))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	got := (after.HeapAlloc - before.HeapAlloc) / devices
	t.Logf("%d bytes a device", got)
	if got > 600 {
		t.Errorf("a connected device takes %d bytes; want at most 600", got)
	}
	runtime.KeepAlive(a)
}

// One connection: Connected, Ended and Seen.
func BenchmarkLife(b *testing.B) {
	for _, devices := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			a := watched("cut")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				life(a, i%devices, uint32(i/devices)+1)
			}
		})
	}
}

// Two clients that fight over one id leave nothing behind: a second client's
// connection is in no sums, and is forgotten like any other.
func TestFightIsForgotten(t *testing.T) {
	const rounds = 500
	a := watched()
	most := 0
	for n := range uint32(rounds) {
		s := float64(n)
		a.Connected(1, 2*n+1, conn(1+s))
		if n > 0 {
			a.Ended(1, 2*n, end(TakenOver, 1+s))
		}
		a.Connected(1, 2*n+2, conn(1.5+s, duplicate))
		a.Ended(1, 2*n+1, end(TakenOver, 1.5+s))
		a.Seen(1, 2*n+1, at(1.6+s), false)
		most = max(most, len(a.stripe(1).books[1].records))
	}
	if most > 60 {
		t.Errorf("%d records of one device; want at most 60: those of some 15 s", most)
	}
	got := a.Close(at(rounds + 100))
	check(t, "a fight", got)
	if w := (want{onTime: rounds}); got.Wills != w.totals() {
		t.Errorf("Close() = %+v; want %+v", got.Wills, w.totals())
	}
}
