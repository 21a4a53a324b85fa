package audit

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

var seeds = flag.Int("audit.seeds", some(80, 2000), "how many programs the model broker runs")

const ms = time.Millisecond

// world is a device, a broker that keeps the rules, and an auditor, in a time of
// its own. What the device knows of its connections goes to the audit, late.
type world struct {
	rng   *rand.Rand
	audit *Audit
	queue events
	now   time.Duration

	latency, lateTimer, earlyTimer, sweep, lag time.Duration

	// distinct worlds leave room between what happens, so that there is only one
	// right verdict; in others anything may meet.
	distinct bool
	renames  bool
	cheats   bool
	left     int // connections to make

	conns    uint32
	sessions [2]session
	outages  map[uint32]bool // reported and not taken back
	sent     map[uint32]bool // Wills that were published by the rules
	want     want            // of cheating

	notes    []string
	watching bool
	gaps     bool       // there was one
	queued   []delivery // what the broker has for it
}

type delivery struct {
	at time.Duration
	do func()
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

func (w *world) in(d time.Duration, do func()) {
	// Who is first at the same moment is anybody's guess.
	heap.Push(&w.queue, event{w.now + d, w.rng.IntN(1 << 30), do})
}

func (w *world) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(w.rng.Int64N(int64(d) + 1))
}

func (w *world) between(lo, hi time.Duration) time.Duration { return lo + w.upTo(hi-lo) }

func (w *world) one(in int) bool { return w.rng.IntN(in) == 0 }

// report tells the audit, some time later, and of each connection in order.
func (w *world) report(l *link, do func(a *Audit)) {
	l.told = max(l.told+1, w.now+w.upTo(w.lag))
	w.in(l.told-w.now, func() { do(w.audit) })
}

// link is one connection, as the device and the broker have it.
type link struct {
	Connection
	conn     uint32
	s        *session
	up, down time.Duration // when the last thing under way arrives
	told     time.Duration // when the last report does

	// At the device.
	answered, gaveUp, over bool
	leaving                *End
	mute                   bool // unplugged
	stuck                  bool // does not read
	held                   []func()
	blind                  bool // it was unplugged: what it sends does not mean that it is heard
	lastSent, lastRead     time.Duration
	done                   func() // what the actor does when it is over

	// At the broker.
	open    bool
	timeout int // of the Keep Alive; counts which is in force
}

// session is what the broker knows of a client id.
type session struct {
	exists bool
	on     *link
	will   *link // whose Will waits
	timer  int   // counts which timers are in force
}

// toBroker and toDevice keep the order of what is sent on a connection.
func (w *world) toBroker(l *link, do func()) {
	l.up = max(l.up+1, w.now+w.upTo(w.latency))
	w.in(l.up-w.now, do)
}

func (w *world) toDevice(l *link, do func()) {
	l.down = max(l.down+1, w.now+w.upTo(w.latency))
	w.in(l.down-w.now, func() {
		switch {
		case l.stuck:
		case l.mute:
			l.held = append(l.held, do)
		default:
			do()
		}
	})
}

// The broker.

func (w *world) accept(l *link) {
	s := l.s
	if old := s.on; old != nil {
		// 3.1.4-3
		old.open, s.on = false, nil
		switch {
		case !old.HasWill:
		case min(old.WillDelay, old.SessionExpiry) == 0 || l.CleanStart:
			w.publish(old)
		}
		if old.SessionExpiry == 0 {
			s.exists = false
		}
		w.toDevice(old, func() { w.thrownOff(old, TakenOver) })
	}
	if s.will != nil {
		if l.CleanStart {
			w.publish(s.will)
		}
		s.will = nil // 3.1.3-9
	}
	l.SessionPresent = s.exists && !l.CleanStart
	s.exists, s.on, l.open = true, l, true
	s.timer++
	w.toDevice(l, func() { w.answer(l) })
}

// cut ends a connection at the broker, with a Will or without.
func (w *world) cut(l *link, will bool, expiry time.Duration) {
	if !l.open {
		return
	}
	l.open = false
	s := l.s
	s.on = nil
	s.timer++
	now := s.timer
	d := min(l.WillDelay, expiry)
	if will && l.HasWill {
		if d == 0 {
			w.publish(l)
		} else {
			s.will = l
			cheat := ""
			if w.cheats && w.one(8) {
				cheat = "early"
			}
			fire := d + w.between(-w.earlyTimer, w.lateTimer)
			if cheat != "" {
				fire = d / 2
			}
			w.in(max(0, fire), func() {
				if s.timer != now || s.will == nil {
					return
				}
				s.will = nil
				if cheat != "" {
					w.sent[l.conn] = true
					w.want.early++
					w.note("early", l)
					w.deliver(l.conn, false)
					return
				}
				w.publish(l)
			})
		}
	}
	if expiry == 0 {
		s.exists = false
	} else if expiry < Forever {
		w.in(expiry+w.upTo(w.lateTimer), func() {
			if s.timer != now {
				return
			}
			s.exists = false
			if s.will != nil { // its timer was the later one
				w.publish(s.will)
				s.will = nil
			}
		})
	}
}

// publish sends a Will that the rules want; a cheat does something else.
func (w *world) publish(l *link) {
	w.sent[l.conn] = true
	if !w.cheats || !w.one(4) {
		w.want.onTime++
		w.deliver(l.conn, false)
		return
	}
	kind := w.rng.IntN(5)
	w.note([]string{"lost", "twice", "altered", "nameless", "late"}[kind], l)
	switch kind {
	case 0:
		w.want.missing++
	case 1:
		w.want.onTime++
		w.want.duplicate++
		w.deliver(l.conn, false)
		w.deliver(l.conn, false)
	case 2:
		w.want.onTime++
		w.want.altered++
		w.deliver(l.conn, true)
	case 3:
		if w.renames { // two devices in one: nobody could say whose it is
			w.want.onTime++
			w.deliver(l.conn, false)
			return
		}
		w.want.onTime++
		w.want.altered++
		w.deliver(0, true)
	case 4:
		w.want.late++
		w.in(5*sec, func() { w.deliver(l.conn, false) })
	}
}

func (w *world) note(cheat string, l *link) {
	w.notes = append(w.notes, fmt.Sprintf("%d %s at %v", l.conn, cheat, w.now))
}

// deliver brings a Will to the auditor.
func (w *world) deliver(conn uint32, altered bool) {
	w.in(w.upTo(w.latency), func() {
		see := func() { w.audit.Seen(7, conn, w.now, altered) }
		if w.watching {
			see()
			if w.one(20) && !w.distinct {
				w.queued = append(w.queued, delivery{w.now, see}) // the PUBACK may not arrive
			}
		} else if w.one(2) {
			w.queued = append(w.queued, delivery{w.now, see})
		}
	})
}

// auditor comes and goes.
func (w *world) auditor() {
	w.in(w.upTo(20*sec), func() {
		off := w.now
		w.gaps = true
		sure := max(0, off-w.upTo(100*ms))
		w.watching = false
		w.in(w.upTo(w.lag), func() { w.audit.Watching(sure, false) })
		w.in(w.lag+1+w.upTo(5*sec), func() {
			on := w.now
			w.watching = true
			w.audit.Watching(on, true)
			for _, d := range w.queued {
				if d.at > off-100*ms {
					w.in(w.upTo(sec), d.do)
				}
			}
			w.queued = nil
			if w.left > 0 {
				w.auditor()
			}
		})
	})
}

// The device.

// connect makes a connection, and others after it.
func (w *world) connect() {
	if w.left == 0 {
		return
	}
	w.left--
	w.conns++
	l := &link{conn: w.conns, s: &w.sessions[0]}
	if w.renames && w.one(3) {
		l.s, l.Session = &w.sessions[1], 1
	}
	l.Asked = w.now
	l.CleanStart = w.one(4)
	l.HasWill = !w.one(8)
	if w.one(6) { // a second client's, which has none
		l.Other, l.HasWill = true, false
	}
	if w.distinct {
		l.WillDelay = []time.Duration{0, 10 * sec, 20 * sec}[w.rng.IntN(3)]
		l.SessionExpiry = []time.Duration{0, 15 * sec, 300 * sec, Forever}[w.rng.IntN(4)]
		l.KeepAlive = []time.Duration{0, 4 * sec}[w.rng.IntN(2)]
	} else {
		l.WillDelay = time.Duration(w.rng.IntN(4)) * sec
		l.SessionExpiry = []time.Duration{0, sec, 2 * sec, 5 * sec, Forever}[w.rng.IntN(5)]
		l.KeepAlive = time.Duration(w.rng.IntN(4)) * sec
	}
	if l.SessionExpiry == 0 && w.one(2) {
		l.WillDelay = 0
	}
	l.done = func() { w.in(w.pause(), w.connect) }
	session, asked, cleanStart, hasWill := l.Session, l.Asked, l.CleanStart, l.HasWill
	attempt := Attempt{Asked: asked, GaveUp: Forever, Session: session, CleanStart: cleanStart, HasWill: hasWill}
	if w.one(2) {
		w.audit.Unanswered(7, l.conn, attempt)
	}
	w.toBroker(l, func() { w.accept(l) })
	if !w.distinct && w.one(8) {
		w.in(w.upTo(3*w.latency), func() {
			if l.answered || l.over {
				return
			}
			l.gaveUp, l.over = true, true
			attempt.GaveUp = w.now
			w.report(l, func(a *Audit) { a.Unanswered(7, l.conn, attempt) })
			w.toBroker(l, func() { w.cut(l, true, l.SessionExpiry) })
			l.done()
		})
	}
}

// pause is how long the device stays away, or until it does the next thing.
func (w *world) pause() time.Duration {
	switch {
	case !w.distinct:
		return w.upTo([]time.Duration{0, 100 * ms, sec, 5 * sec}[w.rng.IntN(4)])
	case w.one(2):
		return w.between(2*sec, 4*sec)
	}
	return w.between(60*sec, 70*sec)
}

func (w *world) answer(l *link) {
	if l.over {
		return
	}
	l.answered = true
	l.Answered, l.lastRead = w.now, w.now
	c := l.Connection
	w.report(l, func(a *Audit) { a.Connected(7, l.conn, c) })
	stay := w.upTo(3 * sec)
	if w.distinct {
		stay = w.between(40*sec, 50*sec) // until all that was before is over
	}
	w.in(stay, func() {
		if !l.over {
			w.die(l)
		}
	})
}

// out notes that a connection of the device itself is gone.
func (w *world) out(l *link) {
	if !l.Other {
		w.outages[l.conn] = true
	}
}

func (w *world) ended(l *link, e End) {
	l.over = true
	w.out(l)
	e.Way = e.How.String()
	w.report(l, func(a *Audit) { a.Ended(7, l.conn, e) })
	if l.done != nil {
		l.done()
		l.done = nil
	}
}

// thrownOff is what a device reads last.
func (w *world) thrownOff(l *link, how Ending) {
	switch {
	case l.over:
	case l.leaving != nil && how == ByBroker:
		e := *l.leaving
		e.To, e.Confirmed = w.now, true
		w.ended(l, e)
	default:
		w.ended(l, End{How: how, From: l.lastRead, To: w.now})
	}
}

// hear notes a sign of life from the broker now and then.
func (w *world) hear(l *link) {
	if !l.blind || w.distinct {
		l.lastRead = max(l.lastRead, w.now)
	}
}

// disconnect arrives at the broker.
func (w *world) disconnect(l *link, e End, answer bool) {
	w.toBroker(l, func() {
		if !l.open {
			return
		}
		expiry := l.SessionExpiry
		if e.SessionExpiry != nil {
			expiry = *e.SessionExpiry
		}
		if e.How == Orderly && w.cheats && l.HasWill && w.one(4) {
			w.want.unexpected++
			w.deliver(l.conn, false)
		}
		w.cut(l, e.How != Orderly, expiry)
		if answer {
			w.toDevice(l, func() { w.thrownOff(l, ByBroker) })
		}
	})
}

func (w *world) die(l *link) {
	switch w.rng.IntN(8) {
	case 0, 1: // with DISCONNECT
		e := End{How: Orderly, From: w.now, To: w.now}
		if w.one(2) {
			e.How = WithWill
			if l.SessionExpiry > 0 && w.one(2) {
				e.SessionExpiry = new([]time.Duration{0, sec, 12 * sec}[w.rng.IntN(3)])
			}
		}
		if w.one(2) {
			l.leaving = &e
			w.disconnect(l, e, true)
			return
		}
		e.Unsure = e.How == Orderly && !w.distinct && w.one(3)
		if e.Unsure && w.one(2) {
			w.toBroker(l, func() { w.cut(l, true, l.SessionExpiry) })
		} else {
			w.disconnect(l, e, false)
		}
		w.ended(l, e)
	case 2:
		w.toBroker(l, func() { w.cut(l, true, l.SessionExpiry) })
		w.ended(l, End{How: Closed, From: w.now, To: w.now})
	case 3, 4:
		w.silence(l, w.one(2))
	case 5: // the broker has enough of it
		w.hear(l)
		w.in(w.upTo(sec), func() {
			if l.open && !l.over {
				w.cut(l, true, l.SessionExpiry)
				w.toDevice(l, func() { w.thrownOff(l, ByBroker) })
			}
		})
	default: // another connection takes over
		l.done = nil
		w.connect()
	}
}

// silence mutes a connection, unplugged or stuck.
func (w *world) silence(l *link, unplugged bool) {
	l.lastSent = w.now
	l.mute, l.stuck = unplugged, !unplugged
	w.hear(l)
	w.out(l)
	w.ping(l, true)
	way, sent := "stuck", w.now
	if unplugged {
		way = "unplugged"
	}
	w.report(l, func(a *Audit) { a.Silent(7, l.conn, way, sent) })
	w.in(w.pause(), func() {
		switch {
		case unplugged && w.one(2): // the network comes back
			l.mute, l.blind = false, true
			delete(w.outages, l.conn)
			back := w.now
			w.report(l, func(a *Audit) { a.Audible(7, l.conn, back) })
			w.ping(l, false)
			held := l.held
			l.held = nil
			for _, do := range held {
				w.in(w.upTo(w.latency), do)
			}
			w.in(w.pause()+w.latency*3, func() {
				if !l.over {
					w.die(l)
				}
			})
		case !unplugged && w.one(2): // it is switched off
			w.toBroker(l, func() { w.cut(l, true, l.SessionExpiry) })
			w.ended(l, End{How: Closed, From: w.now, To: w.now})
		default: // it starts anew
			l.over = true
			w.connect()
		}
	})
}

// ping arrives at the broker, which then closes if no other follows.
func (w *world) ping(l *link, last bool) {
	w.toBroker(l, func() {
		l.timeout++
		now := l.timeout
		if !last || l.KeepAlive == 0 {
			return
		}
		w.in(l.KeepAlive*3/2+w.upTo(w.sweep), func() {
			if l.timeout == now && l.open {
				w.cut(l, true, l.SessionExpiry)
				w.toDevice(l, func() { w.ownTimeOut(l) })
			}
		})
	})
}

// ownTimeOut is that a device finds, once it reads again, that it was silent for
// too long.
func (w *world) ownTimeOut(l *link) {
	l.lastRead = l.lastSent
	w.thrownOff(l, ByBroker)
}

// run plays a world to its end and returns what the audit makes of it.
func run(t *testing.T, seed uint64, distinct, cheats bool) (*world, metrics.Audit) {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 4)), left: 30, distinct: distinct, cheats: cheats, renames: seed%2 == 1,
		outages: make(map[uint32]bool), sent: make(map[uint32]bool), watching: true,
		latency: 50 * ms, lateTimer: 150 * ms, earlyTimer: 50 * ms, sweep: 3 * sec, lag: 100 * ms,
	}
	if seed%4 == 2 { // all at once, as under a clock that moves in leaps
		w.latency, w.lateTimer, w.earlyTimer, w.lag = 0, 0, 0, 0
	}
	delays := 0
	w.audit = New(Config{
		Slack: metrics.Slack{Early: metrics.Span(100 * ms), Late: metrics.Span(400 * ms), Silence: metrics.Span(3 * sec)},
		Delay: func(_ int, d time.Duration) {
			if delays++; d < 0 || d > 9*sec {
				t.Errorf("seed %d: a delay of %v; want 0 to 9s", seed, d)
			}
		},
	})
	w.audit.Watching(0, true)
	w.now = sec
	w.connect()
	if !distinct && w.one(3) { // a second client with the same id
		w.in(w.upTo(10*sec), w.connect)
	}
	if !distinct && w.one(4) {
		w.auditor()
	}
	for n := 0; len(w.queue) > 0; n++ {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
		if n%16 == 0 {
			got := w.audit.Totals(w.now)
			check(t, fmt.Sprintf("seed %d at %v", seed, w.now), got)
			if !cheats {
				w.fair(t, seed, got.Wills)
			}
		}
		if t.Failed() {
			break
		}
	}
	got := w.audit.Close(w.now + 1000*sec)
	check(t, fmt.Sprintf("seed %d", seed), got)
	if came := got.Wills.OnTime + got.Wills.Early + got.Wills.Late; int64(delays) != came {
		t.Errorf("seed %d: Delay was told %d times; want %d", seed, delays, came)
	}
	for conn := range w.sent {
		w.outages[conn] = true // also those that are not reported
	}
	return w, got
}

// fair wants that a broker is not accused.
func (w *world) fair(t *testing.T, seed uint64, got metrics.WillTotals) {
	t.Helper()
	if got.Early+got.Late+got.Missing+got.Duplicate+got.Unexpected+got.Altered != 0 {
		t.Errorf("seed %d at %v: Totals() = %+v; want no fault of a broker without fault; %+v", seed, w.now, got, w.audit.Recent(7, w.now))
	}
}

// A broker that keeps the rules is never accused, in whatever order things meet.
func TestNeverAccused(t *testing.T) {
	onTime, unwatched := int64(0), int64(0)
	for seed := range uint64(*seeds) {
		w, got := run(t, seed, false, false)
		w.fair(t, seed, got.Wills)
		if !w.gaps && (got.Wills.OnTime != w.want.onTime || got.Wills.Outages != int64(len(w.outages))) {
			t.Errorf("seed %d: Close() = %+v; want %d on time of %d outages", seed, got.Wills, w.want.onTime, len(w.outages))
		}
		onTime += got.Wills.OnTime
		unwatched += got.Wills.Unwatched
		if t.Failed() {
			return
		}
	}
	if onTime < int64(*seeds)*5 || unwatched == 0 {
		t.Errorf("%d Wills were on time and %d unwatched; want more, or nothing was tested", onTime, unwatched)
	}
}

// A broker that cheats is found out to the unit, and of nothing else.
func TestCheatsAreCounted(t *testing.T) {
	var sum want
	for seed := range uint64(*seeds) {
		w, got := run(t, seed, true, true)
		w.want.notDue = int64(len(w.outages) - len(w.sent))
		if got.Wills != w.want.totals() {
			t.Errorf("seed %d: Close() = %+v; want %+v; cheats %q; %+v", seed, got.Wills, w.want.totals(), w.notes, w.audit.Faults(100))
			return
		}
		sum.early += w.want.early
		sum.late += w.want.late
		sum.missing += w.want.missing
		sum.duplicate += w.want.duplicate
		sum.unexpected += w.want.unexpected
		sum.altered += w.want.altered
	}
	if n := int64(*seeds) / 10; min(sum.early, sum.late, sum.missing, sum.duplicate, sum.unexpected, sum.altered) < n {
		t.Errorf("cheats: %+v; want at least %d of each", sum, n)
	}
}
