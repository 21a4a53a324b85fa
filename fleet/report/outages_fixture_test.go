package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

// everyWay is an audit with all ways to go, and all that a Will can turn out to
// be.
func everyWay() *metrics.Audit {
	a := &metrics.Audit{
		Slack: metrics.Slack{
			Broker: "mosquitto version 2.0.11 looks for silent clients every 5 s", Early: metrics.Span(1500 * time.Millisecond),
			Late: metrics.Span(1500 * time.Millisecond), Silence: metrics.Span(8 * time.Second),
		},
		Answerable: true,
		Ways: []metrics.WayTotals{
			{Way: "orderly", WillTotals: metrics.WillTotals{Outages: 1240, NotDue: 1240, Messages: 1, Unexpected: 1}},
			{Way: "with-will", WillTotals: metrics.WillTotals{Outages: 610, Due: 600, NotDue: 10, OnTime: 600, Messages: 600, Consumed: 600, Learned: 598}},
			{Way: "cut", WillTotals: metrics.WillTotals{Outages: 2650, Due: 2500, NotDue: 150, OnTime: 2448, Missing: 50, Late: 2, Messages: 2450, Consumed: 2449, Learned: 2440}},
			{Way: "reset", WillTotals: metrics.WillTotals{Outages: 600, Due: 600, OnTime: 600, Messages: 601, Duplicate: 1, Consumed: 600, Learned: 600}},
			{Way: "silence", WillTotals: metrics.WillTotals{Outages: 300, Due: 300, OnTime: 299, Early: 1, Messages: 300, Altered: 1, Consumed: 299, Learned: 290}},
			{Way: "unplugged", WillTotals: metrics.WillTotals{Outages: 300, Due: 280, NotDue: 20, OnTime: 277, Unwatched: 3, Messages: 277, Consumed: 277, Learned: 277}},
			{Way: "process-exit", WillTotals: metrics.WillTotals{Outages: 600, Due: 600, OnTime: 600, Messages: 600, Consumed: 600, Learned: 600}},
		},
		Retained: &metrics.RetainedTotals{Checked: 600, Right: 596, Stale: 2, Missing: 1, Wrong: 1},
	}
	for _, w := range a.Ways {
		a.Wills.Add(w.WillTotals)
	}
	return a
}

// comingBack is how n devices come back to a broker that takes 150 of them a second
// and refuses the others.
func comingBack(seed uint64, n int, naive bool) metrics.Recovery {
	const (
		interval = 250 * time.Millisecond
		room     = 150 / 4
	)
	rng := rand.New(rand.NewPCG(seed, 1))
	next, tries := make([]time.Duration, n), make([]int, n)
	r := metrics.Recovery{
		Incident: "power-cut", At: metrics.Span(10 * time.Second), To: metrics.Span(16 * time.Second), Affected: int64(n),
		Refused: map[string]int64{}, Reconnects: &metrics.ReconnectHistogram{Interval: metrics.Span(interval)},
	}
	if naive {
		for i := range next {
			next[i] = time.Duration(rng.Int64N(int64(500 * time.Millisecond)))
		}
	}
	var came []metrics.Span
	for at := time.Duration(0); len(came) < n && len(r.Reconnects.Attempts) < metrics.ReconnectIntervals; at += interval {
		attempts, online := int64(0), int64(0)
		for i := range next {
			if next[i] < 0 || next[i] >= at+interval {
				continue
			}
			attempts++
			if online < room {
				online++
				came, next[i] = append(came, metrics.Span(at+interval)), -1
				continue
			}
			if tries[i]++; naive {
				next[i] = at + time.Second
			} else {
				next[i] = at + time.Duration(rng.Float64()*math.Min(30, math.Pow(2, float64(tries[i])))*float64(time.Second))
				next[i] = max(next[i], at+interval)
			}
			r.Refused["server busy"]++
		}
		r.Attempts += attempts
		r.Reconnects.Attempts, r.Reconnects.Online = append(r.Reconnects.Attempts, attempts), append(r.Reconnects.Online, online)
	}
	r.Online = timesOfReconnect(came, n)
	for i := range came {
		came[i] += metrics.Span(40 * time.Millisecond)
	}
	r.Answering = new(timesOfReconnect(came, n))
	return r
}

// timesOfReconnect are the times of n devices of which these came.
func timesOfReconnect(came []metrics.Span, n int) metrics.Times {
	came = slices.Clone(came)
	t := metrics.Times{Count: int64(len(came))}
	for _, x := range []struct {
		at   **metrics.Span
		need int
	}{{&t.Half, (n + 1) / 2}, {&t.Most, n - n/100}, {&t.All, n}} {
		if n > 0 && len(came) >= x.need {
			*x.at = new(came[x.need-1])
		}
	}
	return t
}

// massOffline is a run in which devices go in all ways there are, at a broker
// that does not do right.
func massOffline() *metrics.Result {
	all := func(int) string { return "" }
	p := plan{seed: 8, length: time.Minute, devices: 600, fate: all}
	r := p.play()
	r.Load, r.ByLabel = metrics.LoadFacts{}, nil
	s := &r.Snapshot
	rec := metrics.NewRecorder(metrics.RecorderConfig{})
	rng := rand.New(rand.NewPCG(8, 2))
	for range 4826 {
		rec.Record(0, metrics.WillDelay, metrics.Labels{}, time.Duration(rng.ExpFloat64()*float64(180*time.Millisecond)))
	}
	s.Series[metrics.Series{Metric: metrics.WillDelay}] = rec.Snapshot(0).Series[metrics.Series{Metric: metrics.WillDelay}]
	s.Audit = everyWay()
	one := comingBack(3, 150, false)
	one.At, one.To, one.Incident = metrics.Span(30*time.Second), metrics.Span(35*time.Second), "router-reboot"
	left := metrics.Recovery{
		Incident: "wifi-loss", At: metrics.Span(45 * time.Second), To: metrics.Span(50 * time.Second), Affected: 25, Attempts: 31,
		Online:    metrics.Times{Count: 22, Half: new(metrics.Span(300 * time.Millisecond))},
		Answering: &metrics.Times{Count: 12},
		Refused:   map[string]int64{"connection failed": 6, "not authorized": 3},
	}
	s.Recoveries = []metrics.Recovery{one, left}
	names := metrics.LabelNames{}
	var expect []metrics.Expectation
	for _, x := range [][2]string{
		{"wills.missing", "== 0"}, {"wills.unexpected", "== 0"}, {"wills.on_time", ">= 99%"}, {"wills.delay.p90", "< 2s"},
		{"retained.wrong", "== 0"}, {"recovery.all", "< 30s"}, {"recovery.half", "< 30s"}, {"devices.recovered", "== 100%"},
	} {
		e, faults := metrics.ParseExpectation(x[0], x[1], &names)
		if faults != nil {
			panic(faults[0])
		}
		expect = append(expect, e)
	}
	r.Scenario.Name, r.Scenario.Title = "mass-offline", "Devices go offline in every way"
	r.Fill(s, expect, 0)
	r.Incidents = []metrics.Incident{
		{At: metrics.Span(10 * time.Second), To: metrics.Span(16 * time.Second), Text: "offline: 60 devices, each in a way of its own, for 6s"},
		{At: metrics.Span(12 * time.Second), To: metrics.Span(28 * time.Second), Text: "slow link: 200 devices in flat-03, 80ms to 120ms, for 16s"},
		{At: metrics.Span(30 * time.Second), To: metrics.Span(35 * time.Second), Text: "router reboot: 150 devices in flat-01, for 5s"},
		{At: metrics.Span(45 * time.Second), To: metrics.Span(50 * time.Second), Text: "Wi-Fi loss: 25 devices in flat-03, for 5s"},
		{At: metrics.Span(45200 * time.Millisecond), To: metrics.Span(46 * time.Second), Text: "flapping: light-0012, for 0.8s"},
	}
	r.Judge()
	return r
}

// storm is one in which two groups of devices come back after one power cut,
// with full jitter and naively, to a broker that does right.
func storm() *metrics.Result {
	all := func(int) string { return "" }
	r := plan{seed: 9, length: time.Minute, every: 20 * time.Millisecond, devices: 5000, fate: all}.play()
	s := &r.Snapshot
	jitter, naive := comingBack(4, 2500, false), comingBack(5, 2500, true)
	jitter.Group, naive.Group = "full jitter", "naive"
	s.Recoveries = []metrics.Recovery{jitter, naive}
	s.Audit = &metrics.Audit{
		Slack: metrics.Slack{Broker: "the embedded broker", Late: metrics.Span(250 * time.Millisecond), Silence: metrics.Span(time.Second)},
		Wills: metrics.WillTotals{Outages: 5000, Due: 5000, OnTime: 5000, Messages: 5000},
	}
	s.Audit.Ways = []metrics.WayTotals{{Way: "unplugged", WillTotals: s.Audit.Wills}}
	s.Audit.Retained = &metrics.RetainedTotals{Checked: 5000, Right: 5000}
	e, faults := metrics.ParseExpectation("recovery.all", "< 1m", nil)
	if faults != nil {
		panic(faults[0])
	}
	r.Scenario.Name, r.Scenario.Title = "reconnect-storm", "A street comes back: full jitter and naive"
	r.Fill(s, []metrics.Expectation{e}, 0)
	r.Incidents = []metrics.Incident{{At: metrics.Span(10 * time.Second), To: metrics.Span(16 * time.Second), Text: "power cut: all 5,000 devices, for 6s"}}
	r.Judge()
	return r
}
