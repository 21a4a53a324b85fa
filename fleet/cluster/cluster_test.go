package cluster

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/metrics"
)

// aMember is shard k of n.
func aMember(k, n int, change ...func(*Member)) Member {
	m := Member{Run: "r", Shard: k, Attempt: "a", Host: "here", PID: 7, Devices: 10, First: "light-1", Last: "light-10",
		Plan: Plan{Tool: "v1", Scenario: "s.toml", Digest: "d", Seed: 5, Shards: n, Measure: 10 * time.Second}}
	for _, c := range change {
		c(&m)
	}
	return m
}

func aResult(m Member) *metrics.Result {
	return &metrics.Result{Version: metrics.ResultVersion, Tool: "v1", Run: m.Run, Shards: []string{m.name()}, Seed: m.Plan.Seed,
		Scenario: metrics.ScenarioFacts{Name: "s.toml", Digest: "d"}, Duration: metrics.Span(m.Plan.Measure)}
}

// isReady has a member say that it is ready, and does not wait for others.
func isReady(c *Collector, m Member) (*readyAnswer, error) {
	a, _, err := c.ready(&readyQuestion{Member: m}, time.Now())
	return a, err
}

func mustReady(t *testing.T, c *Collector, m Member) {
	t.Helper()
	if _, err := isReady(c, m); err != nil {
		t.Fatal(err)
	}
}

func collectorOf(t *testing.T, n int) *Collector {
	t.Helper()
	c := New(Config{Shards: n, Run: "r", Fixed: true, Lead: 2 * time.Second, Barrier: time.Minute, Patience: 30 * time.Second})
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() { c.Watch(stopped); close(ended) }()
	t.Cleanup(func() { close(stopped); <-ended })
	return c
}

// beginBoth has two shards begin.
func beginBoth(t *testing.T, c *Collector) int64 {
	t.Helper()
	mustReady(t, c, aMember(1, 2))
	a, err := isReady(c, aMember(2, 2))
	if err != nil || a.Begin == 0 {
		t.Fatalf("ready = %+v, %v", a, err)
	}
	return a.Begin
}

// All are given one moment, once the last has come, and it is ahead of everybody.
func TestAllBeginAtOneMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 3)
		for k := 1; k <= 2; k++ {
			if a, err := isReady(c, aMember(k, 3)); err != nil || a.Begin != 0 {
				t.Fatalf("ready of shard %d of 3 = %+v, %v; want it to wait", k, a, err)
			}
		}
		time.Sleep(time.Second)
		now := time.Now()
		last, err := isReady(c, aMember(3, 3))
		if err != nil || last.Begin != c.nanos(now.Add(2*time.Second)) {
			t.Errorf("ready of the last = %+v, %v; want the moment two seconds ahead", last, err)
		}
		for k := 1; k <= 3; k++ {
			if a, err := isReady(c, aMember(k, 3)); err != nil || a.Begin != last.Begin {
				t.Errorf("ready of shard %d again = %+v, %v; want the same moment", k, a, err)
			}
		}
	})
}

// What has to be alike in all shards is refused by name where it is not.
func TestWhatDiffersIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			change func(*Member)
			want   string
		}{
			{func(m *Member) { m.Plan.Digest = "e" }, "its scenario s.toml is another text"},
			{func(m *Member) { m.Plan.Digest, m.Plan.Scenario = "e", "other.toml" }, "its scenario is other.toml, and theirs s.toml"},
			{func(m *Member) { m.Plan.Seed = 6 }, "its seed is 6, and theirs 5"},
			{func(m *Member) { m.Plan.Tool = "v2" }, "it is homefleet v2, and they are v1"},
			{func(m *Member) { m.Plan.Size = "m" }, `its size of the scenario is "m", and theirs ""`},
			{func(m *Member) { m.Plan.Measure = time.Second }, "it is to measure for 1s"},
			{func(m *Member) { m.Plan.Shards = 4 }, "there is no shard 2 of 4 here: 3 shards are collected"},
			{func(m *Member) { m.Shard = 4 }, "there is no shard 4 of 3 here"},
			{func(m *Member) { m.Shard = 0 }, "there is no shard 0 of 3 here"},
			{func(m *Member) { m.Run = "q" }, `is of run "q", and run "r" is collected here`},
			{func(m *Member) { m.Shard, m.Attempt = 1, "b" }, "shard 1/3 is here already, on here, process 7"},
		} {
			c := collectorOf(t, 3)
			mustReady(t, c, aMember(1, 3))
			_, err := isReady(c, aMember(2, 3, tt.change))
			if no, ok := errors.AsType[*refusal](err); !ok || !strings.Contains(no.what, tt.want) {
				t.Errorf("ready = %v; want it refused: %s", err, tt.want)
			}
		}
	})
}

// Who does not come in time is named.
func TestWhoDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 3)
		for range 30 { // it asks again, as a client does
			if _, err := isReady(c, aMember(2, 3)); err != nil {
				if !strings.Contains(err.Error(), "2 shards did not come within 1m0s of the first: 1/3, 3/3") {
					t.Errorf("ready after the barrier = %v; want those named who did not come", err)
				}
				<-c.Done()
				if _, _, err := c.Outcome(); err == nil || !strings.Contains(err.Error(), "1/3, 3/3") {
					t.Errorf("the outcome is %v; want the same", err)
				}
				return
			}
			time.Sleep(4 * time.Second)
		}
		t.Error("nobody is told of it in two minutes")
	})
}

// Who is started again before the beginning takes its place; one that died is not begun without.
func TestStartedAgainBeforeTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 2)
		mustReady(t, c, aMember(1, 2))
		time.Sleep(heardWithin)
		mustReady(t, c, aMember(1, 2, func(m *Member) { m.Attempt, m.PID = "b", 8 }))
		a, err := isReady(c, aMember(2, 2))
		if err != nil || a.Begin == 0 {
			t.Errorf("ready of the last = %+v, %v; want it to begin", a, err)
		}
		c = collectorOf(t, 2)
		mustReady(t, c, aMember(1, 2))
		time.Sleep(heardWithin)
		if a, err := isReady(c, aMember(2, 2)); err != nil || a.Begin != 0 {
			t.Errorf("ready beside one that is not heard of = %+v, %v; want it to wait", a, err)
		}
	})
}

// A shard that is lost is named, with its devices and since when; the others' results are not
// thrown away, and not taken for the whole.
func TestALostShardIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 2)
		begin := beginBoth(t, c)
		time.Sleep(2 * time.Second)
		for k := range 11 { // shard 2 is heard of until second 4
			for _, shard := range []int{1, 2} {
				if shard == 1 || k <= 4 {
					if _, err := c.hears(&progressQuestion{Member: aMember(shard, 2), Begin: begin}, time.Now()); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(time.Second)
		}
		mine := aMember(1, 2)
		if err := c.take(&mine, aResult(mine), time.Now()); err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		<-c.Done()
		if waited := time.Since(at); waited < 30*time.Second || waited > 31*time.Second {
			t.Errorf("it is waited for the lost one for %v; want the patience of 30s", waited)
		}
		res, lost, err := c.Outcome()
		if err != nil || len(lost) != 1 || lost[0].Shard != "2/2" || lost[0].From != 4*time.Second || lost[0].To != 0 {
			t.Fatalf("outcome = %v, %+v; want shard 2/2 lost from 4s on", err, lost)
		}
		if want := "of 2 shards these were lost, or were for a while: 2/2"; res.Verdict.Good() || !strings.Contains(strings.Join(res.Sentences, "\n"), want) {
			t.Errorf("the verdict is %s: %q; want no pass, and %q", res.Verdict, res.Sentences, want)
		}
		want := "shard 2/2 (10 devices, light-1 … light-10) was lost from 4s after the beginning on"
		if len(res.Remarks) != 1 || !strings.HasPrefix(res.Remarks[0], want) {
			t.Errorf("the result says %q; want %q", res.Remarks, want)
		}
	})
}

// A shard that was told to end is not lost, and the result says since when its devices were not there;
// where all were told to, there is nothing to say of one.
func TestAShardThatWasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, all := range []bool{false, true} {
			c := collectorOf(t, 2)
			beginBoth(t, c)
			if all {
				c.Stop("enough")
			}
			for k := 1; k <= 2; k++ {
				m := aMember(k, 2)
				r := aResult(m)
				r.Interrupted, r.Measured = k == 2 || all, metrics.Span(4*time.Second)
				if err := c.take(&m, r, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			<-c.Done()
			res, lost, err := c.Outcome()
			if err != nil || len(lost) > 0 {
				t.Fatalf("outcome = %v, %+v; want nobody lost", err, lost)
			}
			said := slices.ContainsFunc(res.Remarks, func(r string) bool {
				return strings.HasPrefix(r, "shard 2/2 on here (10 devices) was stopped after 4s of measuring, before its end")
			})
			if said == all || strings.Contains(strings.Join(res.Remarks, "\n"), "shard 1/2") {
				t.Errorf("stop of all: %v; the result says %q", all, res.Remarks)
			}
		}
	})
}

// A shard that is started again after the beginning is given the moment that is past, and its
// absence is told although its result is in.
func TestStartedAgainAfterTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 2)
		begin := beginBoth(t, c)
		time.Sleep(2*time.Second + heardWithin)
		again := aMember(2, 2, func(m *Member) { m.Attempt = "b" })
		a, err := isReady(c, again)
		if err != nil || a.Begin != begin {
			t.Fatalf("ready of one that is started again = %+v, %v; want the moment of all", a, err)
		}
		for _, m := range []Member{aMember(1, 2), again} {
			if err := c.take(&m, aResult(m), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		<-c.Done()
		_, lost, err := c.Outcome()
		if err != nil || len(lost) != 1 || lost[0].From != -2*time.Second || lost[0].To != heardWithin {
			t.Errorf("outcome = %v, %+v; want shard 2/2 lost from before the beginning to %v", err, lost, heardWithin)
		}
		// After the end there is nothing to begin.
		c = collectorOf(t, 2)
		beginBoth(t, c)
		time.Sleep(13 * time.Second)
		if _, err := isReady(c, again); err == nil || !strings.Contains(err.Error(), "after the end of the measuring") {
			t.Errorf("ready after the end = %v; want it refused", err)
		}
		one := aMember(1, 2)
		if err := c.take(&one, aResult(one), time.Now()); err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if _, lost, err := c.Outcome(); err != nil || len(lost) != 1 || lost[0].Shard != "2/2" || lost[0].To != 0 {
			t.Errorf("outcome = %v, %+v; want shard 2/2 lost once, and nobody in its place", err, lost)
		}
	})
}

// A collector in the place of another learns from the shards what has begun, and takes results
// that were delivered to nobody.
func TestAnotherCollectorGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := beginBoth(t, collectorOf(t, 2))
		time.Sleep(3 * time.Second)
		c := New(Config{Shards: 2, Run: "fresh", Lead: time.Second, Barrier: time.Minute, Patience: 30 * time.Second})
		if _, err := c.hears(&progressQuestion{Member: aMember(1, 2), Begin: begin}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if s := c.State(); s.Run != "r" || s.Begin.UnixNano() != begin {
			t.Errorf("it knows of run %q since %v; want run r since %v", s.Run, s.Begin, time.Unix(0, begin))
		}
		for k := 1; k <= 2; k++ {
			m := aMember(k, 2)
			for range 2 { // its answer may be lost on the way
				if err := c.take(&m, aResult(m), time.Now()); err != nil {
					t.Errorf("taking the result of shard %d: %v", k, err)
				}
			}
		}
		<-c.Done()
		if res, lost, err := c.Outcome(); err != nil || len(lost) > 0 || len(res.Shards) != 2 {
			t.Errorf("outcome = %v, lost %v; want both shards", err, lost)
		}
	})
}

// A result that is another's is no result.
func TestForeignResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 2)
		beginBoth(t, c)
		m := aMember(1, 2)
		for _, other := range []Member{aMember(2, 2), aMember(1, 2, func(m *Member) { m.Run = "q" }), aMember(1, 3)} {
			if err := c.take(&m, aResult(other), time.Now()); err == nil {
				t.Errorf("the result of shard %s of run %s is taken for that of %s", other.name(), other.Run, m.name())
			}
		}
	})
}

// Who is told to stop stops, and who has not begun does not begin.
func TestStopOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := collectorOf(t, 2)
		begin := beginBoth(t, c)
		c.Stop("enough")
		a, err := c.hears(&progressQuestion{Member: aMember(1, 2), Begin: begin}, time.Now())
		if err != nil || a.Stop != "enough" {
			t.Errorf("progress = %+v, %v; want it told to stop", a, err)
		}
		early := collectorOf(t, 2)
		mustReady(t, early, aMember(1, 2))
		early.Stop("enough")
		<-early.Done()
		if _, err := isReady(early, aMember(2, 2)); err == nil {
			t.Error("a shard begins after the stop")
		}
	})
}
