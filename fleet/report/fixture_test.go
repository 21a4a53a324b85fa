package report

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// plan is a run as a test wants it: a known broker and a known fate for every
// request, played through a real ledger and recorder.
type plan struct {
	seed    uint64
	length  time.Duration
	every   time.Duration // between requests
	stalls  bool          // 1 s of silence at the end of every 10 s
	fate    func(i int) string
	devices int
	expect  [][2]string
	slow    time.Duration // added to every answer
}

// event is something that happens to request i.
type event struct {
	at   time.Duration
	what string // "send", "answer", "puback"
	i    int
}

const (
	fixtureTimeout = 2 * time.Second
	fixtureKinds   = 3
)

// play returns the result of a plan. A plan that cannot be played is a mistake
// in a test, and panics.
func (p plan) play() *metrics.Result {
	names := metrics.LabelNames{
		Kinds: []string{"light", "thermostat", "plug"}, Stages: []string{"steady", "busy"},
		Controllers: []string{"phones", "hub"},
	}
	rec := metrics.NewRecorder(metrics.RecorderConfig{Names: names, Shards: 1})
	ledger, err := metrics.NewLedger(metrics.LedgerConfig{
		Run: 1, Timeout: fixtureTimeout, Late: fixtureTimeout, Recorder: rec,
		Capacity: metrics.Capacity(1/max(p.every, time.Millisecond).Seconds(), fixtureTimeout, fixtureTimeout),
	})
	if err != nil {
		panic(err)
	}
	rng := rand.New(rand.NewPCG(p.seed, 1))
	labels := func(i int, at time.Duration) metrics.Labels {
		stage := uint8(1)
		if at >= p.length/2 {
			stage = 2
		}
		return metrics.Labels{Kind: uint8(i%fixtureKinds) + 1, Stage: stage, Controller: uint8(i%5/4) + 1}
	}
	// A stalled broker holds everything back until the stall is over.
	held := func(at time.Duration) time.Duration {
		if within := at % (10 * time.Second); p.stalls && within >= 9*time.Second {
			return at - within + 10*time.Second
		}
		return at
	}
	var events []event
	planned := map[int]time.Duration{}
	for i := 0; p.every > 0 && time.Duration(i)*p.every < p.length; i++ {
		at := time.Duration(i) * p.every
		planned[i] = at
		send := at + time.Duration(20+rng.ExpFloat64()*60)*time.Microsecond
		service := p.slow + time.Duration(900+rng.ExpFloat64()*700)*time.Microsecond
		if rng.Float64() < 0.004 {
			service += time.Duration(rng.ExpFloat64() * float64(18*time.Millisecond))
		}
		answer := max(held(send)+service, held(send+service))
		fate := ""
		if p.fate != nil {
			fate = p.fate(i)
		}
		switch fate {
		case "lost":
			events = append(events, event{send, "send", i})
		case "late":
			events = append(events, event{send, "send", i}, event{answer + fixtureTimeout, "answer", i})
		case "refused":
			events = append(events, event{send, "send", i}, event{answer, "puback", i})
		case "unsent":
			events = append(events, event{send, "unsent", i})
		case "twice":
			events = append(events, event{send, "send", i}, event{answer, "answer", i}, event{answer + time.Millisecond, "answer", i})
		default:
			events = append(events, event{send, "send", i}, event{answer, "answer", i})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	ids := map[int]metrics.ID{}
	for _, e := range events {
		at := planned[e.i]
		req := metrics.Request{Planned: at, Sent: e.at, Labels: labels(e.i, at)}
		switch e.what {
		case "send":
			if id, ok := ledger.Send(req); ok {
				ids[e.i] = id
			}
		case "unsent":
			ledger.NotSent(req, metrics.NoRoom)
		case "puback":
			ledger.Acknowledged(e.at, ids[e.i].Seq, 0x97)
		case "answer":
			ledger.Answer(e.at, metrics.Answer{Correlation: ids[e.i].Append(nil, 0), Checked: true})
		}
	}
	ledger.Close(p.length + 2*fixtureTimeout)
	for i := range p.devices {
		l := metrics.Labels{Kind: uint8(i%fixtureKinds) + 1}
		rec.Record(0, metrics.ConnectDial, l, time.Duration(80+rng.ExpFloat64()*90)*time.Microsecond)
		rec.Record(0, metrics.ConnectConnack, l, time.Duration(300+rng.ExpFloat64()*400)*time.Microsecond)
		rec.Record(0, metrics.ConnectSuback, l, time.Duration(200+rng.ExpFloat64()*150)*time.Microsecond)
		for range 6 {
			rec.Record(0, metrics.TelemetryPuback, l, time.Duration(400+rng.ExpFloat64()*500)*time.Microsecond)
		}
	}
	online := func(at time.Duration) int {
		if p.fate != nil && at >= p.length/2 && at < p.length/2+5*time.Second {
			return p.devices / 4
		}
		return p.devices
	}
	for at := time.Duration(0); at < p.length; at += time.Second {
		rec.Online(at, online(at))
	}
	s := rec.Snapshot(p.length)
	s.Devices = metrics.Devices{Total: p.devices, Online: p.devices, Seen: p.devices}
	var counts metrics.Counts
	counts.Dials.Add(int64(p.devices))
	counts.Connects.Add(int64(p.devices))
	counts.Messages[metrics.InMeasure][metrics.Telemetry][metrics.Sent].Add(int64(p.devices) * 6)
	s.Counts = metrics.CountsByName(&counts)
	var expect []metrics.Expectation
	for _, x := range p.expect {
		e, faults := metrics.ParseExpectation(x[0], x[1], &names)
		if faults != nil {
			panic(fmt.Sprintf("ParseExpectation(%q, %q) = %v; want no fault", x[0], x[1], faults))
		}
		expect = append(expect, e)
	}
	r := &metrics.Result{
		Tool:     "0.3.0",
		Scenario: metrics.ScenarioFacts{Name: "request-response", Title: "Requests and answers at a steady rate", Digest: strings.Repeat("4f1c9a02", 8)},
		Seed:     7, Run: "r-2f6c",
		Broker: metrics.BrokerFacts{URL: "tcp://127.0.0.1:1883", Name: "Mosquitto 2.0.18, set_tcp_nodelay true", Connack: map[string]string{
			"Receive Maximum": "20", "Maximum QoS": "2", "Retain Available": "1", "Topic Alias Maximum": "10", "Server Keep Alive": "60", "Response Information": "none",
		}},
		Load: metrics.LoadFacts{
			Arrival: []string{"phones: open, constant 400/s", "hub: open, constant 100/s"}, QoS: []int{0, 1}, Payload: 64, Correlation: 24,
			Timeout: metrics.Span(fixtureTimeout), Late: metrics.Span(fixtureTimeout),
		},
		Hosts:   []metrics.HostFacts{{Cores: 2, GOMAXPROCS: 2, Go: "go1.26.8", OS: "linux", Arch: "amd64", Memory: 8 << 30}},
		Started: time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC), WarmUp: metrics.Span(5 * time.Second), Duration: metrics.Span(p.length),
		Phases: []metrics.Phase{
			{Name: "connect", From: metrics.Span(-8 * time.Second), To: metrics.Span(-5 * time.Second)},
			{Name: "warm-up", From: metrics.Span(-5 * time.Second)},
			{Name: "steady", To: metrics.Span(p.length / 2)},
			{Name: "busy", From: metrics.Span(p.length / 2), To: metrics.Span(p.length)},
		},
	}
	r.Fill(s, expect, 0)
	r.Judge()
	return r
}

// The long runs are played once. Nobody may change them.
var (
	// stalled is 60 s at 500/s against a broker that stalls for 1 s every 10 s.
	stalled = sync.OnceValue(plan{
		seed: 1, length: time.Minute, every: 2 * time.Millisecond, stalls: true, devices: 200,
		expect: [][2]string{
			{"requests.lost", "== 0"}, {"response.p50", "< 10ms"}, {"response.p99", "< 250ms"},
			{"response.p99{kind=light}", "< 1s"}, {"devices.online", ">= 99.9%"}, {"requests.rate", "between 490/s and 510/s"},
		},
	}.play)

	// steady is the same without the stalls.
	steady = sync.OnceValue(plan{
		seed: 2, length: time.Minute, every: 2 * time.Millisecond, devices: 200,
		expect: [][2]string{{"requests.lost", "== 0"}, {"response.p99", "< 250ms"}, {"devices.online", "== 100%"}},
	}.play)

	lossy = sync.OnceValue(playLossy)
)

// playLossy plays a run in which the broker is gone for a while.
func playLossy() *metrics.Result {
	p := plan{
		seed: 3, length: 30 * time.Second, every: 2 * time.Millisecond, devices: 1000,
		expect: [][2]string{
			{"requests.lost", "== 0"}, {"requests.lost", "< 1%"}, {"response.p99", "< 250ms"}, {"response.p99.99", "< 1s"},
			{"state.delivery.p99", "< 100ms"}, {"devices.online", ">= 99.9%"},
		},
	}
	p.fate = func(i int) string {
		at := time.Duration(i) * p.every
		switch {
		case at >= 15*time.Second && at < 15*time.Second+600*time.Millisecond:
			return "lost"
		case at >= 15*time.Second && at < 20*time.Second:
			return "unsent"
		case at >= 20*time.Second && at < 21*time.Second && i%3 == 0:
			return "late"
		case at >= 22*time.Second && at < 24*time.Second && i%11 == 0:
			return "refused"
		case i%1500 == 7:
			return "lost"
		case i%2000 == 9:
			return "twice"
		}
		return ""
	}
	r := p.play()
	r.Incidents = []metrics.Incident{
		{At: metrics.Span(15 * time.Second), To: metrics.Span(20 * time.Second), Text: "the broker is away: 750 of 1,000 devices lost their connection"},
		{At: metrics.Span(22 * time.Second), Text: "the broker refuses for lack of quota"},
	}
	r.Reasons = map[string]map[string]int64{
		"connections refused": {"server unavailable": 41, "quota exceeded": 3},
		"disconnects":         {"server shutting down": 250},
	}
	r.Remarks = []string{"the broker answers one QoS 1 request in flight only after its peer's delayed acknowledgement: set_tcp_nodelay is not known"}
	return r
}

// tiny is a run with too few samples for most figures.
func tiny() *metrics.Result {
	return plan{
		seed: 4, length: 3 * time.Second, every: 100 * time.Millisecond, devices: 3,
		expect: [][2]string{{"response.p99", "< 250ms"}, {"requests.lost", "== 0"}},
	}.play()
}

// empty is a result of nothing at all.
func empty() *metrics.Result {
	r := &metrics.Result{}
	r.Judge()
	return r
}

// telemetry is a run without controllers.
func telemetry() *metrics.Result {
	r := plan{seed: 5, length: 15 * time.Second, devices: 20, expect: [][2]string{{"connect.failed", "== 0"}, {"telemetry.sent", ">= 100"}}}.play()
	r.Load, r.ByLabel = metrics.LoadFacts{Arrival: []string{}}, nil
	return r
}

// powerCut is one in which most devices go and come back.
func powerCut() *metrics.Result {
	all := func(int) string { return "" }
	r := plan{seed: 6, length: 30 * time.Second, devices: 200, fate: all, expect: [][2]string{{"devices.online", "== 100%"}}}.play()
	r.Load, r.ByLabel = metrics.LoadFacts{}, nil
	r.Incidents = []metrics.Incident{{At: metrics.Span(15 * time.Second), To: metrics.Span(20 * time.Second), Text: "power cut: 150 devices"}}
	return r
}

// saturated is a run whose generator was at fault.
func saturated() *metrics.Result {
	r := tiny()
	r.Generator = metrics.Generator{
		Saturated: true, Sentence: "the generator dropped 12 of 42 planned requests because it was late: the result says more of it than of the broker",
		Bound: metrics.Span(10 * time.Millisecond), Sent: 30, Behind: 11, Dropped: 12,
	}
	r.Judge()
	return r
}

// hostile is the tiny run with a text in every place that takes one.
func hostile(text string) *metrics.Result {
	r := tiny()
	r.Tool, r.Run, r.Aborted, r.Interrupted = text, text, text, true
	r.Scenario = metrics.ScenarioFacts{Name: text, Title: text, Digest: text}
	r.Shards = []string{text}
	r.Broker = metrics.BrokerFacts{URL: text, Name: text, Connack: map[string]string{text: text}}
	r.Load.Arrival = []string{text}
	r.Hosts = []metrics.HostFacts{{Go: text, OS: text, Arch: text}}
	r.Phases = []metrics.Phase{{Name: text, To: metrics.Span(time.Second)}, {Name: text, From: metrics.Span(time.Second), To: metrics.Span(3 * time.Second)}}
	r.Incidents = []metrics.Incident{{At: metrics.Span(time.Second), Text: text}, {At: metrics.Span(2 * time.Second), To: metrics.Span(3 * time.Second), Text: text}}
	r.Generator.Sentence, r.Generator.Remarks = text, []string{text}
	r.Expectations = append(r.Expectations, metrics.Expected{Metric: text, Want: text, Status: metrics.Status(text), Actual: text, Unit: text, Sentence: text})
	r.Counts[text] = 1
	r.Reasons = map[string]map[string]int64{text: {text: 1}}
	r.Totals.RefusedBy = map[string]int64{text: 1}
	r.ByLabel = append(r.ByLabel, metrics.LabelOutcomes{Label: metrics.Label{Dimension: metrics.ByKind, Name: text}})
	r.Audit = everyWay()
	r.Audit.Slack.Broker = text
	r.Audit.Ways[0].Way = text
	for _, group := range []string{text, text + "2"} {
		x := comingBack(1, 100, false)
		x.Incident, x.Group, x.Shard, x.Refused = text, group, text, map[string]int64{text: 1}
		r.Recoveries = append(r.Recoveries, x)
	}
	r.Judge()
	r.Verdict, r.Remarks = metrics.Verdict(text), []string{text}
	r.Sentences = append(r.Sentences, text)
	return r
}
