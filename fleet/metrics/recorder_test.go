package metrics

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestRecorderFromManyGoroutines(t *testing.T) {
	t.Parallel()
	names := LabelNames{Kinds: []string{"light", "plug"}, Stages: []string{"low", "high"}, Controllers: []string{"phones"}}
	rec := NewRecorder(RecorderConfig{Names: names, Shards: 3})
	if got := len(rec.shards); got != 4 {
		t.Fatalf("3 shards become %d; want 4", got)
	}
	kinds, stages := []string{"", "light", "plug"}, []string{"", "low", "high"}
	var mu sync.Mutex
	want := map[Series][]time.Duration{}
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 0))
			mine := map[Series][]time.Duration{}
			for range some(150, 500) {
				kind, stage := kinds[rng.IntN(3)], stages[rng.IntN(3)]
				d := time.Duration(rng.IntN(1e6)) * time.Microsecond
				m := Metric(rng.IntN(int(metricCount)))
				rec.Record(g, m, names.Labels(kind, stage, "phones"), d)
				all := []Series{{m, Label{}}, {m, Label{ByController, "phones"}}}
				if kind != "" {
					all = append(all, Series{m, Label{ByKind, kind}})
				}
				if stage != "" {
					all = append(all, Series{m, Label{ByStage, stage}})
				}
				for _, s := range all {
					mine[s] = append(mine[s], d)
				}
				if rng.IntN(100) == 0 {
					rec.Progress(0, all[0])
					rec.Bytes()
					rec.Online(d, g)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for s, list := range mine {
				want[s] = append(want[s], list...)
			}
		})
	}
	wg.Wait()
	got := rec.Snapshot(time.Second)
	for s, list := range want {
		compareWithList(t, s.String(), got.Series[s], list, 0.001)
	}
	if len(got.Series) != len(want) {
		t.Errorf("the snapshot has %d series; want %d", len(got.Series), len(want))
	}
	rec.Record(0, metricCount, Labels{}, 0)         // no such metric
	rec.Record(0, ConnectDial, Labels{9, 9, 9}, 0)  // no such labels
	rec.Record(-1, ConnectDial, Labels{1, 1, 1}, 0) // any hint will do
	if got := rec.Progress(0, Series{ConnectDial, Label{ByKind, "no such"}}, Series{metricCount, Label{}}); len(got.Series) != 0 {
		t.Errorf("series that are none: %v; want none", got.Series)
	}
}

func TestLabels(t *testing.T) {
	many := make([]string, 300)
	for i := range many {
		many[i] = string(rune('a' + i))
	}
	n := LabelNames{Kinds: []string{"light"}, Stages: many}
	for _, tt := range []struct {
		kind, stage, controller string
		want                    Labels
	}{
		{"light", "", "", Labels{1, 0, 0}},
		{"", many[254], "", Labels{0, 255, 0}},
		{"no", many[255], "no", Labels{}},
	} {
		if got := n.Labels(tt.kind, tt.stage, tt.controller); got != tt.want {
			t.Errorf("Labels(%q, %q, %q) = %v; want %v", tt.kind, tt.stage, tt.controller, got, tt.want)
		}
	}
	NewRecorder(RecorderConfig{Names: n}).Snapshot(0) // 300 stages do it no harm
}

// naive is a time line that keeps every event.
type naive struct {
	at    []time.Duration
	value []time.Duration
}

func TestLineAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 30 {
		most := 2 + rng.IntN(20)
		lines := [2]*line{{interval: 100 * ms, most: most}, {interval: 100 * ms, most: 2 + rng.IntN(20)}}
		var n naive
		last := time.Duration(0)
		for range rng.IntN(400) {
			at := time.Duration(rng.Int64N(int64(time.Duration(1+rng.IntN(100)) * 100 * ms)))
			d := time.Duration(rng.IntN(1000)) * ms
			p := lines[rng.IntN(2)].point(at)
			p.Answered++
			p.record(d)
			n.at, n.value = append(n.at, at), append(n.value, d)
			last = max(last, at)
		}
		before := lines[1].clone()
		if err := lines[0].merge(lines[1]); err != nil {
			t.Fatal(err)
		}
		if got := before.timeLine().line().timeLine(); len(got.Points) != len(before.points) {
			t.Errorf("a time line of %d points has %d as a line", len(before.points), len(got.Points))
		}
		got := lines[0].timeLine()
		interval := time.Duration(got.Interval)
		if len(got.Points) > most {
			t.Fatalf("the line has %d points; want at most %d", len(got.Points), most)
		}
		if len(n.at) > 0 && len(got.Points) <= int(last/interval) {
			t.Fatalf("%d points of %v do not reach %v", len(got.Points), interval, last)
		}
		for i, p := range got.Points {
			var want []time.Duration
			for j, at := range n.at {
				if int(at/interval) == i {
					want = append(want, n.value[j])
				}
			}
			if p.Answered != int64(len(want)) || p.At != Span(i)*got.Interval {
				t.Errorf("point %d: at %v, %d answered; want %d", i, p.At, p.Answered, len(want))
			}
			compareWithList(t, "point", p.Response, want, 0.01)
		}
	}
}

func TestLineMergeRefuses(t *testing.T) {
	a, b := &line{interval: 150 * ms, most: 10}, &line{interval: 100 * ms, most: 10}
	const want = "the time lines have intervals of 150ms and 200ms, of which neither can be doubled into the other"
	if err := a.merge(b); err == nil || err.Error() != want {
		t.Errorf("merge = %v; want %s", err, want)
	}
}

func TestTimeLineOfARun(t *testing.T) {
	rec := NewRecorder(RecorderConfig{Shards: 2})
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Late: time.Second, Capacity: 100, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	// Planned in second 0, sent in second 1, answered in second 2.
	id, _ := l.Send(Request{Planned: 900 * ms, Sent: 1100 * ms})
	l.Answer(2*time.Second, Answer{Correlation: id.Append(nil, 0)})
	l.NotSent(Request{Planned: 1500 * ms}, NoRoom)
	l.Send(Request{Planned: 2500 * ms, Sent: 2500 * ms})
	rec.Online(1200*ms, 7)
	rec.Online(1900*ms, 8)
	rec.Online(-time.Second, 9)
	l.Close(10 * time.Second)
	points := rec.Snapshot(3 * time.Second).TimeLine.Points
	if len(points) != 3 {
		t.Fatalf("%d points; want 3", len(points))
	}
	want := []Outcomes{{Planned: 1, Sent: 1, Answered: 1}, {Planned: 1, NotSent: 1}, {Planned: 1, Sent: 1, Lost: 1}}
	for i, p := range points {
		if p.Outcomes != want[i] {
			t.Errorf("second %d: %+v; want %+v", i, p.Outcomes, want[i])
		}
	}
	if got := []int64{points[0].Received, points[1].Received, points[2].Received}; !slices.Equal(got, []int64{0, 0, 1}) {
		t.Errorf("received = %v; want 0 0 1", got)
	}
	if got := points[0].Response.Max(); got != 1100*ms {
		t.Errorf("the response in second 0 took %v; want 1.1s, from the planned moment", got)
	}
	if points[0].Online != nil || points[1].Online == nil || *points[1].Online != 8 {
		t.Errorf("online = %v, %v; want nobody looked, 8", points[0].Online, points[1].Online)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	rec := NewRecorder(RecorderConfig{Names: LabelNames{Kinds: []string{"light"}}, Shards: 1})
	i := 0
	record := func() {
		i++
		rec.Record(i, ConnectDial, Labels{Kind: 1}, time.Duration(i%5000)*time.Microsecond)
	}
	for range denseFrom {
		record()
	}
	if n := testing.AllocsPerRun(1000, record); n != 0 {
		t.Errorf("Record takes %v allocations; want 0", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	rec := NewRecorder(RecorderConfig{Names: LabelNames{Kinds: []string{"light"}, Stages: []string{"a"}}})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		i := 0
		for pb.Next() {
			i++
			rec.Record(i, ResponseTime, Labels{1, 1, 0}, time.Duration(i%100_000)*time.Microsecond)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	names := LabelNames{Kinds: []string{"light"}, Stages: []string{"a"}, Controllers: []string{"c"}}
	rec := NewRecorder(RecorderConfig{Names: names})
	l, err := NewLedger(LedgerConfig{Timeout: time.Second, Late: time.Second, Capacity: Capacity(50_000, time.Second, time.Second), Recorder: rec})
	if err != nil {
		b.Fatal(err)
	}
	var now time.Duration
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		now += 20 * time.Microsecond
		id, _ := l.Send(Request{Planned: now, Sent: now + 10*time.Microsecond, Labels: Labels{1, 1, 1}})
		l.Answer(now+ms+now%(3*ms), Answer{Correlation: id.Append(buf, 0)})
	}
}

func BenchmarkProgress(b *testing.B) {
	rec := NewRecorder(RecorderConfig{Shards: 4})
	for i := range 200_000 {
		rec.Record(i, ResponseTime, Labels{}, time.Duration(i)*time.Microsecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		rec.Progress(time.Second, Series{Metric: ResponseTime})
	}
}
