package metrics

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"homefleet/fleet/wire"
)

// model is a ledger that keeps every request for ever and counts them all anew
// whenever it is asked.
type model struct {
	timeout, late time.Duration
	capacity      int
	now           time.Duration
	requests      []*modelRequest
	gone          int                      // of these
	notSent       map[bool]map[Cause]int64 // by warm-up
	beside        map[bool]map[string]int64
	unsent        []Request
}

type modelRequest struct {
	Request
	answers []time.Duration
	errors  int64
	refused byte
	gone    bool
	cut     bool // the run ended before its time-out

	interrupted bool // and was stopped

	taken   bool // by the broker, or its connection has ended
	untaken bool // it was not when its time-out was over
}

func (r *modelRequest) full() bool { return len(r.answers) == max(r.Answers, 1) }
func (r *modelRequest) open() bool { return !r.full() && r.refused == 0 && !r.gone }

// held returns the requests that are not gone; they go in order.
func (m *model) held() []*modelRequest {
	for m.gone < len(m.requests) && m.requests[m.gone].gone {
		m.gone++
	}
	return m.requests[m.gone:]
}

func (m *model) pass(now time.Duration) {
	m.now = max(m.now, now)
	for _, r := range m.held() {
		if m.now-r.Sent <= m.timeout+m.late {
			break // what came later is not let go of before it
		}
		r.gone, r.untaken = true, r.QoS > 0 && !r.taken
	}
}

func (m *model) send(r Request) bool {
	m.pass(r.Sent)
	if held := m.held(); len(held) >= m.capacity {
		if held[0].open() {
			m.notSent[r.Planned < 0][LedgerFull]++
			m.unsent = append(m.unsent, r)
			return false
		}
		held[0].gone = true
	}
	m.requests = append(m.requests, &modelRequest{Request: r})
	return true
}

func (m *model) answer(at time.Duration, seq int, a Answer) Outcome {
	m.pass(at)
	if seq >= len(m.requests) {
		m.beside[at < 0]["never sent"]++
		return UnknownAnswer
	}
	r := m.requests[seq]
	count := m.beside[r.Planned < 0]
	switch {
	case r.gone:
		m.beside[at < 0]["forgotten"]++
		return UnknownAnswer
	case a.Checked && a.Altered:
		count["content"]++
		return CorruptedAnswer
	case a.Checked && a.Asked != r.Content:
		count["altered request"]++
		return AlteredRequest
	case a.Target != r.Target:
		count["topic"]++
		return MisroutedAnswer
	case r.refused != 0:
		count["after refusal"]++
		return AnsweredAfterRefusal
	case r.full():
		count["duplicate"]++
		return Duplicate
	}
	r.answers = append(r.answers, at)
	if a.Error {
		r.errors++
	}
	if a.OtherRetain {
		count["retain"]++
	}
	switch {
	case !a.Checked:
		count["unchecked"]++
	case a.OtherQoS:
		count["qos"]++
	}
	if a.Checked && a.AskedQoS != r.QoS && (a.AskedQoS > r.QoS || a.AskedQoS != a.AskedGranted) {
		count["asked qos"]++
	}
	switch {
	case !r.full():
		return AnsweredPartly
	case at-r.Sent <= m.timeout:
		return Answered
	}
	return AnsweredLate
}

func (m *model) acknowledged(at time.Duration, seq int, code byte) {
	m.pass(at)
	if seq < len(m.requests) && (code >= 0x80 || m.requests[seq].QoS == 1) {
		m.completed(seq)
	}
	switch {
	case code == wire.NoMatchingSubscribers:
		if seq < len(m.requests) && !m.requests[seq].gone {
			m.beside[m.requests[seq].Planned < 0]["nobody"]++
		}
	case code < 0x80:
	case seq >= len(m.requests) || m.requests[seq].gone:
		m.beside[at < 0]["stray"]++
	case !m.requests[seq].open():
		m.beside[m.requests[seq].Planned < 0]["stray"]++
	default:
		m.requests[seq].refused = code
	}
}

func (m *model) completed(seq int) {
	if seq < len(m.requests) && !m.requests[seq].gone {
		m.requests[seq].taken = true
	}
}

func (m *model) close(now time.Duration, interrupted bool) {
	m.pass(now)
	for _, r := range m.held() {
		r.cut = m.now-r.Sent <= m.timeout
		r.interrupted = r.cut && interrupted && r.open()
		r.untaken = r.QoS > 0 && !r.taken && !r.cut
		r.gone = true
	}
}

// totals counts everything anew.
func (m *model) totals(warm bool) Totals {
	var t Totals
	for _, r := range m.requests {
		if r.Planned < 0 != warm {
			continue
		}
		t.Sent++
		if r.Held > 0 {
			t.Held++
		}
		if r.QoS > 0 {
			t.ToAcknowledge++
		}
		if r.untaken {
			t.Unacknowledged++
		}
		t.Answers += int64(len(r.answers))
		t.ErrorAnswers += r.errors
		switch {
		case r.full() && r.answers[len(r.answers)-1]-r.Sent <= m.timeout:
			t.Answered++
		case r.full():
			t.Late++
		case r.refused != 0:
			t.Refused++
			if t.RefusedBy == nil {
				t.RefusedBy = make(map[string]int64)
			}
			t.RefusedBy[wire.ReasonName(r.refused)]++
		case !r.gone:
			t.Outstanding++
		case r.interrupted:
			t.Interrupted++
		default:
			t.Lost++
			t.MissingAnswers += int64(max(r.Answers, 1) - len(r.answers))
			if len(r.answers) > 0 {
				t.Partial++
			}
			if r.cut {
				t.Unfinished++
			}
		}
	}
	for cause, n := range m.notSent[warm] {
		*t.NotSent.of(cause) += n
	}
	t.Planned = t.Sent + t.NotSent.Total()
	b := m.beside[warm]
	t.Duplicates, t.AfterRefusal, t.NoSubscribers, t.StrayRefusals = b["duplicate"], b["after refusal"], b["nobody"], b["stray"]
	t.Misrouted = Misrouted{b["controller"], b["topic"]}
	t.Corrupted = Corrupted{b["missing"], b["length"], b["checksum"], b["content"]}
	t.AlteredRequests, t.OtherRetain, t.Unchecked = b["altered request"], b["retain"], b["unchecked"]
	t.OtherQoS = OtherQoS{b["asked qos"], b["qos"]}
	t.Unknown = Unknown{b["run"], b["never sent"], b["forgotten"]}
	return t
}

// history plays n random events on a ledger and on the model, both of which
// must agree on every outcome and, now and then, on every figure.
func history(t testing.TB, rng *rand.Rand, n int) {
	timeout := time.Duration(1+rng.IntN(200)) * ms
	late := time.Duration(rng.IntN(200)) * ms
	capacity := 1 + rng.IntN(1+rng.IntN(300))
	size := IDSize + rng.IntN(20)
	rec := NewRecorder(RecorderConfig{Shards: 2, Interval: 100 * ms, Points: 50})
	l, err := NewLedger(LedgerConfig{Run: 1, Controller: 2, IDSize: size, Timeout: timeout, Late: late, Capacity: capacity, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	m := &model{
		timeout: timeout, late: late, capacity: capacity, now: -1 << 62,
		notSent: map[bool]map[Cause]int64{true: {}, false: {}},
		beside:  map[bool]map[string]int64{true: {}, false: {}},
	}
	now := -time.Duration(rng.IntN(1000)) * ms
	var noted []string // the last events
	check := func(what string) {
		t.Helper()
		for _, warm := range []bool{false, true} {
			got, want := l.Totals(), m.totals(warm)
			if warm {
				got = l.WarmUp()
			}
			if !got.Equal(want) {
				t.Fatalf("%s (warm-up: %v):\n got %s\nwant %s\nafter %q", what, warm, figuresOf(&got), figuresOf(&want), noted)
			}
		}
		if err := l.Check(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got, want := rec.Progress(0).Totals, l.Totals(); !got.Equal(want) {
			t.Fatalf("%s: the recorder has %s; want %s", what, figuresOf(&got), figuresOf(&want))
		}
	}
	// near picks a sequence number, mostly one that is still held.
	near := func() int {
		if rng.IntN(20) == 0 {
			return rng.IntN(len(m.requests) + 3)
		}
		return max(0, len(m.requests)-1-rng.IntN(capacity+2))
	}
	for i := range n {
		now += time.Duration(rng.IntN(4000)) * time.Microsecond
		if rng.IntN(500) == 0 {
			now += timeout // a stall
		}
		at := now
		if rng.IntN(10) == 0 {
			at -= time.Duration(rng.IntN(20)) * ms // noted before, reported now
		}
		note := func(format string, args ...any) {
			noted = append(noted[max(0, len(noted)-12):], fmt.Sprintf("%v: ", at)+fmt.Sprintf(format, args...))
		}
		switch dice := rng.IntN(100); {
		case dice < 40:
			r := Request{Planned: now - time.Duration(rng.IntN(50))*ms, Sent: now, Target: uint32(rng.IntN(2)), Answers: 1, Content: uint32(rng.IntN(2)), QoS: byte(rng.IntN(3))}
			if rng.IntN(3) == 0 {
				r.Held = time.Duration(rng.Int64N(int64(now - r.Planned + 1)))
			}
			if rng.IntN(5) == 0 {
				r.Answers = rng.IntN(4)
			}
			id, ok := l.Send(r)
			note("send %+v: %v", r, ok)
			if want := m.send(r); ok != want || ok && id != (ID{1, 2, uint64(len(m.requests) - 1)}) {
				t.Fatalf("event %d: Send = %v, %v; want %v; after %q", i, id, ok, want, noted)
			}
		case dice < 45:
			cause := Cause(rng.IntN(int(causeCount)))
			r := Request{Planned: now, Answers: rng.IntN(3)}
			l.NotSent(r, cause)
			m.notSent[now < 0][cause]++
			if cause != Paused { // of which nobody knows what would have become
				m.unsent = append(m.unsent, r)
			}
			note("not sent: %v", cause)
		case dice < 85:
			seq, fault := near(), rng.IntN(10) == 0
			target := uint32(rng.IntN(2))
			if seq < len(m.requests) && rng.IntN(10) > 0 {
				target = m.requests[seq].Target
			}
			a := Answer{Correlation: ID{1, 2, uint64(seq)}.Append(nil, size), Target: target, Error: fault,
				OtherRetain: rng.IntN(10) == 0, Checked: rng.IntN(10) > 0, Altered: rng.IntN(10) == 0, OtherQoS: rng.IntN(10) == 0,
				AskedGranted: byte(rng.IntN(3))}
			if a.AskedQoS = byte(rng.IntN(3)); a.AskedQoS > a.AskedGranted {
				a.AskedQoS = a.AskedGranted
			}
			if seq < len(m.requests) && rng.IntN(10) > 0 {
				a.Asked = m.requests[seq].Content
			}
			got := l.Answer(at, a)
			note("answer to %d from %d: %v", seq, target, got)
			if want := m.answer(at, seq, a); got != want {
				t.Fatalf("event %d: Answer = %v; want %v; after %q", i, got, want, noted)
			}
		case dice < 92:
			seq := near()
			code := []byte{0, wire.NoMatchingSubscribers, wire.QuotaExceeded, wire.NotAuthorized, 0xEE}[rng.IntN(5)]
			l.Acknowledged(at, uint64(seq), code)
			m.acknowledged(at, seq, code)
			note("ack of %d: %#x", seq, code)
			if rng.IntN(3) == 0 {
				l.Completed(uint64(seq))
				m.completed(seq)
				note("completed %d", seq)
			}
			if rng.IntN(100) == 0 {
				l.Disconnected()
				for _, r := range m.held() {
					r.taken = true
				}
				note("disconnected")
			}
		case dice < 97:
			what, b := strange(rng, size)
			note("strange: %s", what)
			m.pass(at)
			m.beside[at < 0][what]++
			l.Answer(at, Answer{Correlation: b})
		default:
			l.Expire(now)
			m.pass(now)
			note("expire")
		}
		if i%1000 == 999 {
			check(fmt.Sprintf("event %d", i))
		}
	}
	check("before the end")
	if rng.IntN(2) == 0 {
		l.Interrupt(now)
		m.close(now, true)
	} else {
		l.Close(now)
		m.close(now, false)
	}
	check("after the end")
	if l.Outstanding() != 0 {
		t.Errorf("%d requests are outstanding after the end; want 0", l.Outstanding())
	}
	s := rec.Snapshot(now)
	r := Result{}
	r.Fill(s, nil, 0)
	r.WarmUpLedger = l.WarmUp()
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	checkHistograms(t, m, s)
}

// strange returns Correlation Data that is of no request of this controller,
// and what is to be counted.
func strange(rng *rand.Rand, size int) (string, []byte) {
	b := ID{1, 2, rng.Uint64N(1000)}.Append(nil, size)
	switch rng.IntN(5) {
	case 0:
		return "missing", nil
	case 1:
		return "length", b[:rng.IntN(size)]
	case 2:
		b[rng.IntN(size)] ^= byte(1 + rng.IntN(255))
		return "checksum", b
	case 3:
		return "run", ID{2, 2, 0}.Append(nil, size)
	}
	return "controller", ID{1, 3, 0}.Append(nil, size)
}

// checkHistograms works the distributions out anew, as exact lists, with those
// that have no answer at their end.
func checkHistograms(t testing.TB, m *model, s *Snapshot) {
	t.Helper()
	want := map[Metric][]time.Duration{}
	for _, r := range m.requests {
		if r.Planned < 0 {
			continue
		}
		want[ScheduleDelay] = append(want[ScheduleDelay], r.Sent-r.Planned-r.Held)
		if r.Held > 0 {
			want[HoldBack] = append(want[HoldBack], r.Held)
		}
		if r.full() {
			last := r.answers[len(r.answers)-1]
			want[ServiceTime] = append(want[ServiceTime], last-r.Sent)
			want[ResponseTime] = append(want[ResponseTime], last-r.Planned)
		} else if !r.cut || r.refused != 0 {
			want[ResponseTime] = append(want[ResponseTime], NoAnswer)
		}
		if r.Answers > 1 {
			for _, at := range r.answers {
				want[AnswerTime] = append(want[AnswerTime], at-r.Planned)
			}
			for range r.Answers - len(r.answers) {
				if !r.cut || r.refused != 0 {
					want[AnswerTime] = append(want[AnswerTime], NoAnswer)
				}
			}
		}
	}
	for _, r := range m.unsent {
		if r.Planned < 0 {
			continue
		}
		want[ResponseTime] = append(want[ResponseTime], NoAnswer)
		for range r.Answers {
			if r.Answers > 1 {
				want[AnswerTime] = append(want[AnswerTime], NoAnswer)
			}
		}
	}
	for metric, list := range maps.All(want) {
		compareWithList(t, metric.String(), s.Series[Series{Metric: metric}], list, 0.001)
	}
}

func TestLedgerAgainstModel(t *testing.T) {
	const events = 10_000
	for seed := range some(2, 12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			history(t, rand.New(rand.NewPCG(uint64(seed), 77)), events)
		})
	}
}

func FuzzLedger(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint16(100))
	f.Fuzz(func(t *testing.T, a, b uint64, n uint16) {
		history(t, rand.New(rand.NewPCG(a, b)), int(n%3000))
	})
}
