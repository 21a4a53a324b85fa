package metrics

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// A Ledger knows what became of every request of one controller. It is owned
// by one goroutine, reads no clock, and takes constant time (amortised) and,
// once it has grown to what is outstanding at a time, no allocation for every
// event.
//
// All times are counted from the start of measuring; requests planned before
// it (a negative time) are the warm-up, which is counted apart and not
// recorded. Times come from one monotonic clock. They may be a little out of
// order, as when a reader notes an arrival before a writer's send and reports
// it after; what has been let go of by then stays so.
//
// A request is open from [Ledger.Send] until it is decided. The time-out counts
// from the sending, so that a late generator is not blamed on the broker. For
// the late window after it the ledger still holds the request, so that an
// answer then is late rather than lost. For time-out and late window together
// it also remembers requests that are decided, so that a second answer is a
// duplicate; after that, or when the ledger is full, whichever is first, it can
// no longer tell, and counts the answer as unknown (forgotten).
//
// The end of a connection means nothing to a ledger: what was outstanding stays
// so until its time-out.
type Ledger struct {
	run        uint64
	controller uint32
	idSize     int
	timeout    time.Duration
	window     time.Duration // timeout and late window
	capacity   uint64
	keep       uint64 // as few as this are held if none of the others is open
	rec        *Recorder
	told       func(LedgerFact) // nil: nobody wants to know

	// Requests tail to head-1, each at its number modulo the length, which is a
	// power of two.
	ring       []request
	words      uint64   // of a request's part of gave; 0: answers of members are not told apart
	gave       []uint64 // a bit for each member that has answered, in the order of the ring
	members    uint64   // whose parts are told apart: at least one; 0: nobody answers in parts
	parts      []parts  // of the answer of each, in the order of the ring
	heard      []heard  // of the answer to each request, where there are parts, in the order of the ring
	incomplete int      // answers of which it is known that parts have not come
	head, tail uint64
	now        time.Duration // the latest time seen

	// measured is what the recorder shows, too: the ledger alone changes it, and only
	// with its shard of the recorder locked.
	measured, warmUp Totals
}

// request is one entry of a ledger's ring: requestSize bytes.
type request struct {
	planned, sent time.Duration
	target        uint32
	want, got     uint32 // answers
	content       uint32
	labels        Labels
	state         state
	qos           byte
	acknowledged  bool // or it is not to be, any more
}

// requestSize is what one takes in memory.
const requestSize = 40

type state uint8

const (
	open     state = iota
	openAway       // open, and the device was away when it was sent
	done
	refused
)

func (r *request) isOpen() bool { return r.state <= openAway }

// LedgerConfig is what a ledger needs to know.
type LedgerConfig struct {
	Run        uint64        `json:"run"`
	Controller uint32        `json:"controller"`
	IDSize     int           `json:"id_size,omitempty"`  // bytes of Correlation Data; 0 means [IDSize]
	Timeout    time.Duration `json:"timeout"`            // above 0
	Late       time.Duration `json:"late,omitempty"`     // late window; 0 means that nothing is late, only lost
	Capacity   int           `json:"capacity"`           // most requests that are held at a time: see [Capacity]
	Keep       int           `json:"keep,omitempty"`     // requests that are decided are remembered up to this number in all; 0 means Capacity
	Recorder   *Recorder     `json:"-"`                  // may be nil
	Members    int           `json:"members,omitempty"`  // of the group of devices that answers each request, each once; 0: they are not told apart
	InParts    bool          `json:"in_parts,omitempty"` // an answer may have several messages, which say so: see [Answer.Part]
	// Told, if it is not nil, is told of every call that changes the ledger, before it
	// does: see [Ledger.Replay]. It may not keep what the fact points to.
	Told func(LedgerFact) `json:"-"`
}

// Capacity returns how many requests a ledger must hold for a controller that
// sends rate requests a second at its busiest: half as many again as are sent
// within time-out and late window, and at least 64. A request takes 40 bytes.
func Capacity(rate float64, timeout, late time.Duration) int {
	n := math.Ceil(rate * (timeout + late).Seconds() * 1.5)
	if !(n > 64) {
		return 64
	}
	return int(min(n, maxCapacity))
}

// maxCapacity bounds a ledger to 2.5 GiB.
const maxCapacity = 1 << 26

// firstRing is how many requests a ledger holds at first.
const firstRing = 16

// NewLedger returns an empty ledger. It takes memory for requests as they come.
func NewLedger(c LedgerConfig) (*Ledger, error) {
	switch {
	case c.Timeout <= 0 || c.Late < 0 || c.Timeout > math.MaxInt64/4 || c.Late > math.MaxInt64/4:
		return nil, fmt.Errorf("a ledger has the time-out %v and the late window %v; want more than 0, and not less than 0", c.Timeout, c.Late)
	case c.Capacity < 1 || c.Capacity > maxCapacity:
		return nil, fmt.Errorf("a ledger has room for %d requests; want 1 to %d", c.Capacity, maxCapacity)
	case c.IDSize != 0 && (c.IDSize < ShortIDSize || c.IDSize > MaxIDSize):
		return nil, fmt.Errorf("a ledger has Correlation Data of %d bytes; want %d to %d", c.IDSize, ShortIDSize, MaxIDSize)
	}
	l := &Ledger{
		run: ID{Run: c.Run}.In(c.IDSize).Run, controller: c.Controller, idSize: clampIDSize(c.IDSize),
		words:   uint64(max(c.Members, 0)+63) / 64,
		timeout: c.Timeout, window: c.Timeout + c.Late, capacity: uint64(c.Capacity), rec: c.Recorder,
		keep: uint64(min(cmp.Or(max(c.Keep, 0), c.Capacity), c.Capacity)),
		now:  math.MinInt64, told: c.Told,
	}
	if c.InParts {
		l.members = uint64(max(c.Members, 1))
	}
	if l.rec != nil {
		s := l.rec.shard(int(l.controller))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ledgers = append(s.ledgers, &l.measured)
	}
	if l.told != nil {
		l.told(LedgerFact{What: toldOpened, Ledger: new(c)})
	}
	return l, nil
}

// Request is one planned request.
type Request struct {
	Planned time.Duration `json:"planned"`           // when it was to be sent; before 0 in the warm-up
	Sent    time.Duration `json:"sent,omitempty"`    // when it is sent: as it is handed to the connection, not when a write that blocks returns
	Held    time.Duration `json:"held,omitempty"`    // for how much of the time between the two flow control held it back
	Clogged bool          `json:"clogged,omitempty"` // what did so last was the connection, which took no more
	Target  uint32        `json:"target,omitempty"`  // whatever the caller files the answer's topic or device under
	Labels  Labels        `json:"labels,omitzero"`
	Content uint32        `json:"content,omitempty"` // a checksum of what the broker must hand on
	QoS     byte          `json:"qos,omitempty"`     // as published
	Answers int           `json:"answers,omitempty"` // expected; less than 1 means 1
	Away    bool          `json:"away,omitempty"`    // the device that is to answer is known to be away
}

// wanted is how many answers are expected.
func (r *Request) wanted() uint32 { return uint32(min(uint64(max(r.Answers, 1)), math.MaxUint32)) }

// Send opens a request and returns its id. It is called just before the packet
// goes to the connection; if the connection turns out to be dead, the request
// runs into its time-out. ok is false if the ledger is full: then the slot has
// been counted as not sent ([LedgerFull]).
func (l *Ledger) Send(r Request) (id ID, ok bool) {
	if l.told != nil {
		l.told(LedgerFact{What: toldSent, Seq: l.head, Request: new(r)})
	}
	l.expire(r.Sent)
	for l.head-l.tail >= l.keep && !l.at(l.tail).isOpen() && l.missingParts(l.tail) == 0 {
		l.tail++ // remembered for less long than the window
	}
	if l.head-l.tail >= l.capacity {
		l.notSent(r, LedgerFull)
		return ID{}, false
	}
	if l.head-l.tail == uint64(len(l.ring)) {
		l.grow()
	}
	*l.at(l.head) = request{
		planned: r.Planned, sent: r.Sent, target: r.Target, labels: r.Labels,
		want: r.wanted(), content: r.Content, qos: r.QoS, acknowledged: r.QoS == 0,
	}
	clear(l.gaveTo(l.head))
	clear(l.partsOf(l.head))
	clear(l.heardOf(l.head))
	if r.Away {
		l.at(l.head).state = openAway
	}
	id = ID{l.run, l.controller, l.head}
	l.head++
	t, s := l.book(r.Planned)
	t.Planned++
	t.Sent++
	t.Outstanding++
	if r.Away {
		t.SentAway++
	}
	if r.QoS > 0 {
		t.ToAcknowledge++
	}
	t.hold(r)
	if s != nil {
		s.sent(r)
		s.mu.Unlock()
	}
	return id, true
}

// NotSent counts a planned request that is not sent; r.Sent is not looked at.
func (l *Ledger) NotSent(r Request, why Cause) {
	if l.told != nil {
		l.told(LedgerFact{What: toldNotSent, Request: new(r), Why: why})
	}
	l.notSent(r, why)
}

func (l *Ledger) notSent(r Request, why Cause) {
	t, s := l.book(r.Planned)
	t.Planned++
	*t.NotSent.of(why)++
	if s != nil {
		if why == Paused {
			s.paused(r)
		} else {
			s.notSent(r, l.timeout)
		}
		s.mu.Unlock()
	}
}

// Remember has the ledger remember at least so many requests that are decided: more of
// them are sent from now on.
func (l *Ledger) Remember(n int) {
	if l.told != nil {
		l.told(LedgerFact{What: toldRemember, N: int64(n)})
	}
	l.keep = min(max(l.keep, uint64(max(n, 0))), l.capacity)
}

// Waiting notes that n requests wait because flow control holds them back, the
// first of which was planned at a time and has waited for so long.
func (l *Ledger) Waiting(planned time.Duration, n int64, wait time.Duration) {
	if l.told != nil {
		l.told(LedgerFact{What: toldWaiting, At: planned, N: n, Wait: wait})
	}
	t, s := l.book(planned)
	t.waited(n, Span(wait))
	if s != nil {
		s.mu.Unlock()
	}
}

// Expire lets go of the requests whose time-out and late window have passed.
// next is the time from which the next one may be let go of; ok is false if
// the ledger holds none. Send, Answer, Acknowledged and Close do the same first,
// so Expire only needs to be called when nothing else happens.
func (l *Ledger) Expire(now time.Duration) (next time.Duration, ok bool) {
	before := l.tail
	l.expire(now)
	if l.told != nil && l.tail != before {
		l.told(LedgerFact{What: toldExpired, At: now})
	}
	if l.tail == l.head {
		return 0, false
	}
	return l.at(l.tail).sent + l.window + 1, true
}

func (l *Ledger) expire(now time.Duration) {
	l.now = max(l.now, now)
	for l.tail != l.head && l.now-l.at(l.tail).sent > l.window {
		l.letGo(timedOut)
	}
}

// occasion is why a request is let go of.
type occasion uint8

const (
	timedOut occasion = iota
	ended
	stopped
)

// letGo forgets the oldest request. One that is open is lost, unless it was in time
// when the run was stopped.
func (l *Ledger) letGo(why occasion) {
	r := l.at(l.tail)
	inTime := l.now-r.sent <= l.timeout
	l.loseParts(r, l.tail, why == stopped && inTime)
	l.tail++
	if !r.acknowledged && !inTime {
		l.aside(r.planned, func(t *Totals) *int64 { return &t.Unacknowledged })
	}
	if !r.isOpen() {
		return
	}
	unfinished := why == ended && inTime
	t, s := l.book(r.planned)
	t.Outstanding--
	cutOff := why == stopped && inTime
	if cutOff {
		t.Interrupted++
	} else {
		t.lose(r, unfinished)
	}
	switch {
	case s == nil:
		return
	case cutOff:
		s.interrupted(r)
	default:
		s.lost(r, unfinished, l.timeout)
	}
	s.mu.Unlock()
}

// lose counts a lost request.
func (t *Totals) lose(r *request, unfinished bool) {
	t.Lost++
	if r.state == openAway {
		t.LostAway++
	}
	t.MissingAnswers += int64(r.want - r.got)
	if r.got > 0 {
		t.Partial++
	}
	if unfinished {
		t.Unfinished++
	}
}

// book returns where a request planned at a time is counted, and the shard of the
// recorder where it is recorded, locked; nil where it is not.
func (l *Ledger) book(planned time.Duration) (*Totals, *shard) {
	switch {
	case planned < 0:
		return &l.warmUp, nil
	case l.rec == nil:
		return &l.measured, nil
	}
	s := l.rec.shard(int(l.controller))
	s.mu.Lock()
	return &l.measured, s
}

// aside counts something that is no request, as of a time.
func (l *Ledger) aside(at time.Duration, of func(*Totals) *int64) {
	t, s := l.book(at)
	*of(t)++
	if s != nil {
		s.mu.Unlock()
	}
}
