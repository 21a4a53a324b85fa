package metrics

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The buckets of a histogram of 2 digits are those of the library.
func TestCoarseBuckets(t *testing.T) {
	last := uint64(0)
	for v := int64(1); v <= highestMicros; v += max(1, v/700) {
		p := hdr.NewPacked(lowestMicros, highestMicros, coarseDigits)
		if err := p.RecordValue(v); err != nil {
			t.Fatal(err)
		}
		at := coarseBucket(uint64(v))
		if got, want := int64(coarseValue(at)), p.Min(); got != want {
			t.Fatalf("coarseValue(coarseBucket(%d)) = %d; want %d", v, got, want)
		}
		if at < last || at > last+1+coarseHalf/600 {
			t.Fatalf("coarseBucket(%d) = %d, behind %d; want the same or the next", v, at, last)
		}
		last = at
	}
}

// A histogram that was frozen is as good as one that was not, whatever is done to it then.
func TestFrozenHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	plain, frozen, sum := newCoarse(), newCoarse(), newCoarse()
	same := func(when string, a, b *Histogram) {
		t.Helper()
		x, err := json.Marshal(a)
		y, err2 := json.Marshal(b)
		if err != nil || err2 != nil || string(x) != string(y) {
			t.Fatalf("%s: %s, %v; want %s, %v", when, y, err2, x, err)
		}
		for _, p := range Percentiles() {
			if a.Percentile(p) != b.Percentile(p) {
				t.Fatalf("%s: Percentile(%v) = %v; want %v", when, p, b.Percentile(p), a.Percentile(p))
			}
		}
	}
	frozen.freeze()
	same("empty", plain, frozen)
	for round := range 6 {
		for range 1 << (2 * round) {
			d := time.Duration(math.Exp(rng.NormFloat64()*3 + math.Log(1e6)))
			plain.Record(d)
			frozen.Record(d)
		}
		loose := frozen.Bytes()
		frozen.freeze()
		if frozen.frozen == nil || frozen.Bytes() > loose/3 {
			t.Errorf("frozen it has %d bytes; want at most a third of %d", frozen.Bytes(), loose)
		}
		same("frozen", plain, frozen)
		same("a copy", plain, frozen.Clone())
		sum.Merge(frozen)
		frozen.freeze()
	}
	twice := plain.Clone()
	twice.Merge(plain)
	frozen.Merge(frozen.Clone())
	same("merged with itself", twice, frozen)
	if sum.Count() != 1+5+21+85+341+1365 {
		t.Errorf("the sum has %d samples", sum.Count())
	}
	if fine := new(Histogram); true {
		fine.Record(ms)
		if fine.freeze(); fine.frozen != nil {
			t.Error("a histogram of 3 digits was frozen")
		}
	}
}

// A time line takes no more than its room, however many different durations there are: a
// day stays as it began. What it counts stays whole.
func TestTimeLineKeepsToItsRoom(t *testing.T) {
	const rate = 200 // a second
	length := some(15*time.Minute, 6*time.Hour)
	rng := rand.New(rand.NewPCG(3, 4))
	live := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := live()
	l := line{interval: time.Second, most: defaultPoints, room: lineRoom}
	want, most := 0, 0
	for at := time.Duration(0); at < length; at += time.Second / rate {
		when := at
		if want%1000 == 0 {
			when = at / 2 // decided late
		}
		p := l.point(when)
		p.Planned++
		p.record(time.Duration(math.Exp(rng.NormFloat64()*1.5 + math.Log(3e6))))
		if want++; want%(rate*600) == 0 {
			most = max(most, live()-before)
		}
	}
	if limit := lineRoom * 3 / 2; most > limit {
		t.Errorf("the time line took %d bytes; want at most %d", most, limit)
	}
	got, samples := 0, 0
	for i := range l.points {
		got, samples = got+int(l.points[i].Planned), samples+int(l.points[i].response.Count())
	}
	if got != want || samples != want || len(l.points) < leastPoints/2 {
		t.Errorf("%d planned and %d samples in %d points; want %d and %d, in %d or more", got, samples, len(l.points), want, want, leastPoints/2)
	}
	t.Logf("at most %d KiB, %d points of %v", most>>10, len(l.points), l.interval)
}
