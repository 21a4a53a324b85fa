package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/wire"
)

const ms = time.Millisecond

// desk is a ledger with what a test needs beside it.
type desk struct {
	t *testing.T
	*Ledger
	rec *Recorder
	ids map[string]ID
}

func newDesk(t *testing.T, c LedgerConfig) *desk {
	t.Helper()
	d := &desk{t: t, rec: NewRecorder(RecorderConfig{}), ids: make(map[string]ID)}
	if c.Timeout == 0 {
		c.Timeout, c.Late = 100*ms, 50*ms
	}
	if c.Capacity == 0 {
		c.Capacity = 1000
	}
	c.Run, c.Controller, c.Recorder = 7, 3, d.rec
	l, err := NewLedger(c)
	if err != nil {
		t.Fatal(err)
	}
	d.Ledger = l
	return d
}

func (d *desk) send(name string, at time.Duration, r Request) {
	d.t.Helper()
	r.Planned, r.Sent = at, at
	id, ok := d.Send(r)
	if !ok {
		d.t.Fatalf("%s was not sent", name)
	}
	d.ids[name] = id
}

func (d *desk) answer(name string, at time.Duration, target uint32) Outcome {
	return d.Answer(at, Answer{Correlation: d.ids[name].Append(nil, 0), Target: target, Checked: true})
}

// TestLedgerOutcomes tells short stories, each with what the ledger must make
// of it.
func TestLedgerOutcomes(t *testing.T) {
	tests := []struct {
		name  string
		story func(*desk) Outcome
		last  Outcome
		want  string // the figures that are not zero
	}{
		{"answered", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.answer("a", 20*ms, 0)
		}, Answered, "planned 1 sent 1 answered 1 answers 1"},
		{"answered at the last moment", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.answer("a", 100*ms, 0)
		}, Answered, "planned 1 sent 1 answered 1 answers 1"},
		{"late", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.answer("a", 100*ms+1, 0)
		}, AnsweredLate, "planned 1 sent 1 late 1 answers 1"},
		{"late at the last moment", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.Expire(150 * ms)
			return d.answer("a", 150*ms, 0)
		}, AnsweredLate, "planned 1 sent 1 late 1 answers 1"},
		{"lost, then answered", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.answer("a", 150*ms+1, 0)
		}, UnknownAnswer, "planned 1 sent 1 lost 1 missing 1 forgotten 1"},
		{"the time-out counts from the sending", func(d *desk) Outcome {
			id, _ := d.Send(Request{Planned: 0, Sent: 60 * ms})
			return d.Answer(150*ms, Answer{Correlation: id.Append(nil, 0), Checked: true})
		}, Answered, "planned 1 sent 1 answered 1 answers 1"},
		{"noted before, reported after", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.send("b", 120*ms, Request{})
			return d.answer("a", 90*ms, 0)
		}, Answered, "planned 2 sent 2 answered 1 outstanding 1 answers 1"},
		{"to a device that was away, and lost", func(d *desk) Outcome {
			d.send("a", 0, Request{Away: true})
			d.Expire(150*ms + 1)
			return d.answer("a", 150*ms+1, 0)
		}, UnknownAnswer, "planned 1 sent 1 lost 1 sent-away 1 lost-away 1 missing 1 forgotten 1"},
		{"to a device that was away, and answered when it was back", func(d *desk) Outcome {
			d.send("a", 0, Request{Away: true})
			return d.answer("a", 90*ms, 0)
		}, Answered, "planned 1 sent 1 answered 1 sent-away 1 answers 1"},
		{"duplicate", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.answer("a", 20*ms, 0)
			return d.answer("a", 150*ms, 0)
		}, Duplicate, "planned 1 sent 1 answered 1 answers 1 duplicates 1"},
		{"duplicate, forgotten", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.answer("a", 20*ms, 0)
			return d.answer("a", 150*ms+1, 0)
		}, UnknownAnswer, "planned 1 sent 1 answered 1 answers 1 forgotten 1"},
		{"wrong topic, then the right one", func(d *desk) Outcome {
			d.send("a", 0, Request{Target: 5})
			if got := d.answer("a", 20*ms, 6); got != MisroutedAnswer {
				d.t.Errorf("from the wrong target: %v; want %v", got, MisroutedAnswer)
			}
			return d.answer("a", 30*ms, 5)
		}, Answered, "planned 1 sent 1 answered 1 answers 1 misrouted-topic 1"},
		{"another controller's", func(d *desk) Outcome {
			return d.Answer(0, Answer{Correlation: ID{7, 4, 0}.Append(nil, 0)})
		}, MisroutedAnswer, "misrouted-controller 1"},
		{"another run's", func(d *desk) Outcome {
			return d.Answer(0, Answer{Correlation: ID{8, 3, 0}.Append(nil, 0)})
		}, UnknownAnswer, "unknown-run 1"},
		{"never sent", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.Answer(0, Answer{Correlation: ID{7, 3, 1}.Append(nil, 0)})
		}, UnknownAnswer, "planned 1 sent 1 outstanding 1 never-sent 1"},
		{"no Correlation Data", func(d *desk) Outcome { return d.Answer(0, Answer{}) }, CorruptedAnswer, "missing-id 1"},
		{"shorter", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.Answer(1*ms, Answer{Correlation: d.ids["a"].Append(nil, 0)[1:]})
		}, CorruptedAnswer, "planned 1 sent 1 outstanding 1 bad-length 1"},
		{"altered", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			b := d.ids["a"].Append(nil, 0)
			b[19] ^= 1
			return d.Answer(1*ms, Answer{Correlation: b})
		}, CorruptedAnswer, "planned 1 sent 1 outstanding 1 bad-checksum 1"},
		{"error answer", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			return d.Answer(1*ms, Answer{Correlation: d.ids["a"].Append(nil, 0), Error: true, Checked: true})
		}, Answered, "planned 1 sent 1 answered 1 answers 1 errors 1"},
		{"without a checksum", func(d *desk) Outcome {
			d.send("a", 0, Request{Content: 5})
			return d.Answer(1*ms, Answer{Correlation: d.ids["a"].Append(nil, 0)})
		}, Answered, "planned 1 sent 1 answered 1 answers 1 unchecked 1"},
		{"the answer is altered, then comes whole", func(d *desk) Outcome {
			d.send("a", 0, Request{Content: 5})
			id := d.ids["a"].Append(nil, 0)
			if got := d.Answer(1*ms, Answer{Correlation: id, Checked: true, Altered: true}); got != CorruptedAnswer {
				d.t.Errorf("the altered one: %v; want %v", got, CorruptedAnswer)
			}
			return d.Answer(2*ms, Answer{Correlation: id, Checked: true, Asked: 5})
		}, Answered, "planned 1 sent 1 answered 1 answers 1 bad-content 1"},
		{"the request is altered", func(d *desk) Outcome {
			d.send("a", 0, Request{Content: 5})
			return d.Answer(1*ms, Answer{Correlation: d.ids["a"].Append(nil, 0), Checked: true, Asked: 6})
		}, AlteredRequest, "planned 1 sent 1 outstanding 1 altered-requests 1"},
		{"the answer with another QoS and RETAIN 1", func(d *desk) Outcome {
			d.send("a", 0, Request{Content: 5, QoS: 1})
			return d.Answer(1*ms, Answer{Correlation: d.ids["a"].Append(nil, 0), OtherRetain: true,
				Checked: true, Asked: 5, AskedQoS: 1, AskedGranted: 2, OtherQoS: true})
		}, Answered, "planned 1 sent 1 answered 1 answers 1 other-qos-answers 1 other-retain 1 to-acknowledge 1"},
		{"the request with a QoS that is lower than it may be, and higher", func(d *desk) Outcome {
			for i, came := range []byte{0, 1, 2} {
				name := fmt.Sprint(i)
				d.send(name, 0, Request{QoS: 1})
				d.Answer(1*ms, Answer{Correlation: d.ids[name].Append(nil, 0), Checked: true, AskedQoS: came, AskedGranted: 2})
			}
			d.send("granted 0", 0, Request{QoS: 1})
			return d.Answer(1*ms, Answer{Correlation: d.ids["granted 0"].Append(nil, 0), Checked: true})
		}, Answered, "planned 4 sent 4 answered 4 answers 4 other-qos-requests 2 to-acknowledge 4"},
		{"the request with a QoS between the granted and its own", func(d *desk) Outcome {
			d.send("a", 0, Request{QoS: 2})
			return d.Answer(1*ms, Answer{Correlation: d.ids["a"].Append(nil, 0), Checked: true, AskedQoS: 1, AskedGranted: 0})
		}, Answered, "planned 1 sent 1 answered 1 answers 1 to-acknowledge 1"},
		{"refused, then answered", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.Acknowledged(1*ms, 0, wire.QuotaExceeded)
			return d.answer("a", 2*ms, 0)
		}, AnsweredAfterRefusal, "planned 1 sent 1 refused 1 after-refusal 1 [quota exceeded 1]"},
		{"refused twice, and when answered", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.Acknowledged(1*ms, 0, wire.NotAuthorized)
			d.Acknowledged(1*ms, 0, wire.NotAuthorized)
			d.Acknowledged(1*ms, 9, wire.NotAuthorized)
			d.send("b", 0, Request{})
			got := d.answer("b", 2*ms, 0)
			d.Acknowledged(3*ms, 1, wire.QuotaExceeded)
			return got
		}, Answered, "planned 2 sent 2 answered 1 refused 1 answers 1 stray 3 [not authorized 1]"},
		{"nobody there, answered all the same", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.Acknowledged(1*ms, 0, wire.Success)
			d.Acknowledged(1*ms, 0, wire.NoMatchingSubscribers)
			return d.answer("a", 2*ms, 0)
		}, Answered, "planned 1 sent 1 answered 1 answers 1 nobody 1"},
		{"several answers and one too many", func(d *desk) Outcome {
			d.send("a", 0, Request{Answers: 3})
			for i := range 3 {
				want := AnsweredPartly
				if i == 2 {
					want = Answered
				}
				if got := d.answer("a", time.Duration(i)*ms, 0); got != want {
					d.t.Errorf("answer %d: %v; want %v", i, got, want)
				}
			}
			return d.answer("a", 3*ms, 0)
		}, Duplicate, "planned 1 sent 1 answered 1 answers 3 duplicates 1"},
		{"the last of several is late", func(d *desk) Outcome {
			d.send("a", 0, Request{Answers: 2})
			d.answer("a", 1*ms, 0)
			return d.answer("a", 101*ms, 0)
		}, AnsweredLate, "planned 1 sent 1 late 1 answers 2"},
		{"partial", func(d *desk) Outcome {
			d.send("a", 0, Request{Answers: 3})
			got := d.answer("a", 1*ms, 0)
			d.Expire(time.Second)
			return got
		}, AnsweredPartly, "planned 1 sent 1 lost 1 partial 1 answers 1 missing 2"},
		{"the run ends", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.send("b", 20*ms, Request{})
			d.Close(120 * ms)
			return d.answer("a", 121*ms, 0)
		}, UnknownAnswer, "planned 2 sent 2 lost 2 unfinished 1 missing 2 forgotten 1"},
		{"the run ends at a time that is behind", func(d *desk) Outcome {
			d.send("a", 0, Request{})
			d.send("b", 120*ms, Request{})
			d.Close(90 * ms)
			return d.answer("a", 91*ms, 0)
		}, UnknownAnswer, "planned 2 sent 2 lost 2 unfinished 1 missing 2 forgotten 1"},
		{"not sent", func(d *desk) Outcome {
			for c := range causeCount {
				d.NotSent(Request{Planned: 1}, c)
			}
			d.NotSent(Request{Planned: 1}, NoRoom)
			return d.Answer(0, Answer{})
		}, CorruptedAnswer, "planned 7 no-room 2 not-connected 1 too-large 1 generator-late 1 ledger-full 1 missing-id 1 paused 1"},
		{"warm-up is counted apart", func(d *desk) Outcome {
			d.send("a", -50*ms, Request{})
			d.NotSent(Request{Planned: -1}, NoRoom)
			got := d.answer("a", 10*ms, 0)
			if w := d.WarmUp(); figuresOf(&w) != "planned 2 sent 1 answered 1 no-room 1 answers 1" {
				d.t.Errorf("warm-up: %s", figuresOf(&w))
			}
			return got
		}, Answered, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, LedgerConfig{})
			if got := tt.story(d); got != tt.last {
				t.Errorf("in the end: %v; want %v", got, tt.last)
			}
			totals := d.Totals()
			if got := figuresOf(&totals); got != tt.want {
				t.Errorf("totals: %s\n  want: %s", got, tt.want)
			}
			if err := d.Check(); err != nil {
				t.Error(err)
			}
			if s := d.rec.Snapshot(time.Second); !s.Totals.Equal(totals) {
				t.Errorf("the recorder counted %s; want %s", figuresOf(&s.Totals), figuresOf(&totals))
			}
		})
	}
}

// figuresOf spells out what is not zero.
func figuresOf(t *Totals) string {
	names := strings.Fields("planned sent answered late lost refused outstanding no-room not-connected too-large generator-late ledger-full " +
		"sent-away lost-away partial unfinished answers errors missing duplicates misrouted-controller misrouted-topic missing-id bad-length bad-checksum " +
		"unknown-run never-sent forgotten after-refusal nobody stray held held-by-connection interrupted by-topic-unknown own others earlier nobodys " +
		"bad-content altered-requests other-qos-requests other-qos-answers other-retain unchecked paused to-acknowledge unacknowledged")
	var out []string
	for i, n := range t.figures() {
		if *n != 0 {
			out = append(out, fmt.Sprintf("%s %d", names[i], *n))
		}
	}
	for name, n := range t.RefusedBy {
		out = append(out, fmt.Sprintf("[%s %d]", name, n))
	}
	return strings.Join(out, " ")
}

func TestLedgerFull(t *testing.T) {
	d := newDesk(t, LedgerConfig{Capacity: 3})
	for i := range 3 {
		d.send(fmt.Sprint(i), 0, Request{})
	}
	if _, ok := d.Send(Request{}); ok {
		t.Error("a fourth request was sent; want no room")
	}
	d.answer("1", 1*ms, 0)
	if _, ok := d.Send(Request{}); ok {
		t.Error("a request was sent although the oldest is open; want no room")
	}
	d.answer("0", 1*ms, 0)
	d.send("3", 2*ms, Request{})
	d.send("4", 2*ms, Request{})
	// 0 and 1 had to be forgotten before their time.
	if got := d.answer("1", 3*ms, 0); got != UnknownAnswer {
		t.Errorf("a second answer to a request forgotten early: %v; want %v", got, UnknownAnswer)
	}
	got := d.Totals()
	if want := "planned 7 sent 5 answered 2 outstanding 3 ledger-full 2 answers 2 forgotten 1"; figuresOf(&got) != want {
		t.Errorf("totals: %s; want %s", figuresOf(&got), want)
	}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
}

func TestExpireSaysWhen(t *testing.T) {
	d := newDesk(t, LedgerConfig{})
	if at, ok := d.Expire(0); ok {
		t.Errorf("Expire of an empty ledger = %v, true; want false", at)
	}
	d.send("a", 10*ms, Request{})
	d.send("b", 30*ms, Request{})
	at, ok := d.Expire(10 * ms)
	if want := 160*ms + 1; at != want || !ok {
		t.Fatalf("Expire = %v, %v; want %v, true", at, ok, want)
	}
	if d.Expire(at - 1); d.Outstanding() != 2 {
		t.Errorf("one moment earlier %d are outstanding; want 2", d.Outstanding())
	}
	if d.Expire(at); d.Outstanding() != 1 {
		t.Errorf("at that moment %d are outstanding; want 1", d.Outstanding())
	}
}

func TestNewLedgerRefuses(t *testing.T) {
	good := LedgerConfig{Timeout: 1, Capacity: 1}
	for _, tt := range []struct {
		name string
		edit func(*LedgerConfig)
		want string
	}{
		{"no time-out", func(c *LedgerConfig) { c.Timeout = 0 }, "a ledger has the time-out 0s and the late window 0s; want more than 0, and not less than 0"},
		{"negative window", func(c *LedgerConfig) { c.Late = -1 }, "a ledger has the time-out 1ns and the late window -1ns; want more than 0, and not less than 0"},
		{"no room", func(c *LedgerConfig) { c.Capacity = 0 }, "a ledger has room for 0 requests; want 1 to 67108864"},
		{"small id", func(c *LedgerConfig) { c.IDSize = 15 }, "a ledger has Correlation Data of 15 bytes; want 16 to 65535"},
	} {
		c := good
		tt.edit(&c)
		if _, err := NewLedger(c); err == nil || err.Error() != tt.want {
			t.Errorf("%s: NewLedger = %v; want %s", tt.name, err, tt.want)
		}
	}
	if _, err := NewLedger(good); err != nil {
		t.Errorf("NewLedger(%+v) = %v; want nil", good, err)
	}
}

func TestCapacity(t *testing.T) {
	for _, tt := range []struct {
		rate float64
		want int
	}{{0, 64}, {-1, 64}, {1, 64}, {100, 4500}, {1e12, maxCapacity}} {
		if got := Capacity(tt.rate, 10*time.Second, 20*time.Second); got != tt.want {
			t.Errorf("Capacity(%v, 10s, 20s) = %d; want %d", tt.rate, got, tt.want)
		}
	}
}

// TestCheckFinds shows that each sum is looked at.
func TestCheckFinds(t *testing.T) {
	good := Totals{
		Planned: 11, Sent: 10, Answered: 4, Late: 1, Lost: 2, Refused: 2, Outstanding: 1, NotSent: NotSent{NoRoom: 1},
		RefusedBy: map[string]int64{"a": 2}, Answers: 6, MissingAnswers: 2, Partial: 1,
	}
	if err := good.Check(); err != nil {
		t.Fatalf("Check() = %v; want nil", err)
	}
	for i := range good.figures() {
		bad := good.Clone()
		*bad.figures()[i] -= 100
		if bad.Check() == nil {
			t.Errorf("Check() = nil with 100 taken from figure %d (%s)", i, figuresOf(&bad))
		}
	}
	for i := range 12 { // those of the two sums
		bad := good.Clone()
		*bad.figures()[i]++
		if bad.Check() == nil {
			t.Errorf("Check() = nil with 1 added to figure %d (%s)", i, figuresOf(&bad))
		}
	}
	bad := good.Clone()
	bad.RefusedBy["a"]++
	if err := bad.Check(); err == nil || !strings.Contains(err.Error(), "refused = sum over the reason codes: 2 is not 3") {
		t.Errorf("Check() = %v; want the reason codes named", err)
	}
	l := newDesk(t, LedgerConfig{})
	l.send("a", 0, Request{})
	l.measured.Outstanding, l.measured.Answered, l.measured.Answers = 0, 1, 1
	if l.Check() == nil {
		t.Error("Check() = nil for a ledger whose ring disagrees")
	}
	if got := l.Totals(); got.Check() != nil {
		t.Errorf("these totals were to hold by themselves: %v", got.Check())
	}
}

func TestTotalsAdd(t *testing.T) {
	var sum Totals
	for i := range sum.figures() {
		*sum.figures()[i] = int64(i)
	}
	sum.RefusedBy = map[string]int64{"x": 1}
	other := sum.Clone()
	other.RefusedBy["y"] = 5
	sum.Add(other)
	for i, n := range sum.figures() {
		if *n != 2*int64(i) {
			t.Errorf("figure %d = %d after adding; want %d", i, *n, 2*i)
		}
	}
	if sum.RefusedBy["x"] != 2 || sum.RefusedBy["y"] != 5 || other.RefusedBy["x"] != 1 {
		t.Errorf("RefusedBy = %v, of the other %v; want x 2, y 5 and x 1", sum.RefusedBy, other.RefusedBy)
	}
}

// TestLedgerDoesNotAllocate runs the steady state: what is sent and answered,
// lost, refused and duplicated.
func TestLedgerDoesNotAllocate(t *testing.T) {
	names := LabelNames{Kinds: []string{"light"}, Stages: []string{"one"}}
	rec := NewRecorder(RecorderConfig{Names: names, Shards: 1, Interval: time.Hour})
	l, err := NewLedger(LedgerConfig{Run: 1, Timeout: 100 * ms, Late: 100 * ms, Capacity: 1000, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	labels := names.Labels("light", "one", "")
	var now time.Duration
	buf := make([]byte, 0, 64)
	step := func() {
		now += ms
		id, _ := l.Send(Request{Planned: now, Sent: now, Labels: labels})
		b := id.Append(buf, 0)
		switch id.Seq % 8 {
		case 0: // lost
		case 1:
			l.Acknowledged(now, id.Seq, wire.QuotaExceeded)
		case 2:
			b[3]++
			fallthrough
		default:
			l.Answer(now, Answer{Correlation: b})
			l.Answer(now, Answer{Correlation: b})
		}
		l.NotSent(Request{Planned: now}, NoRoom)
		l.Expire(now)
	}
	for range 20_000 {
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n != 0 {
		t.Errorf("an event takes %v allocations; want 0", n)
	}
}
