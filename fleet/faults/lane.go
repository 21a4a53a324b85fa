package faults

import "time"

// limit is how many bytes a lane holds. Only a Read that was under way when the
// first fault came may go beyond it, by its buffer.
const limit = 256 << 10

// piece is some bytes that travel together, or the end of the stream.
type piece struct {
	n    int
	came time.Time // at the stage that it waits in
	end  bool      // err of the lane says how it ended
}

// stage is what one name does to one direction.
type stage struct {
	pacer   pacer // nil: all passes at once
	held    []piece
	last    time.Time // when the stage began or last let a piece go
	planned bool      // k and at hold for the first piece held
	k       int
	at      time.Time // zero: never
}

// replace gives the stage another fault.
func (s *stage) replace(p pacer, now time.Time) {
	s.pacer, s.last, s.planned = p, now, false
}

// plan works out when the next piece goes; it is false if none waits.
func (s *stage) plan() bool {
	if len(s.held) == 0 {
		return false
	}
	if s.planned {
		return true
	}
	p := s.held[0]
	s.planned, s.k, s.at = true, p.n, p.came
	if s.pacer != nil {
		s.k, s.at = s.pacer.pace(p.n, p.came, s.last)
	}
	if !s.at.IsZero() {
		s.at = later(s.at, s.last)
	}
	return true
}

// pop returns the next piece that goes on by now.
func (s *stage) pop(now time.Time) (piece, bool) {
	if !s.plan() || s.at.IsZero() || s.at.After(now) {
		return piece{}, false
	}
	p := &s.held[0]
	went := piece{s.k, s.at, p.end}
	p.n -= s.k
	if p.n == 0 {
		s.held = s.held[1:]
	}
	s.last, s.planned = s.at, false
	return went, true
}

// lane is one direction: the bytes that are held, in order, and how they are
// spread over the stages. It has a clock of its own, which stands still while
// nothing may pass; the times in pieces and stages are of that clock.
type lane struct {
	buf    []byte
	out    []piece // past all stages
	stages []*stage
	err    error // how the stream ended: nothing comes after it

	behind  time.Duration // of the lane's clock
	stopped time.Time     // what a clock that stands still shows; zero if it runs
}

func (l *lane) clock(now time.Time) time.Time {
	if !l.stopped.IsZero() {
		return l.stopped
	}
	return now.Add(-l.behind)
}

// stop stops the clock or has it run on.
func (l *lane) stop(still bool, now time.Time) {
	switch {
	case still && l.stopped.IsZero():
		l.stopped = l.clock(now)
	case !still && !l.stopped.IsZero():
		l.behind = now.Sub(l.stopped)
		l.stopped = time.Time{}
	}
}

// room is how many more bytes the lane takes.
func (l *lane) room() int { return max(limit-len(l.buf), 0) }

// push takes in bytes that came now, or would have come so much earlier.
func (l *lane) push(b []byte, now time.Time, earlier time.Duration) {
	l.buf = append(l.buf, b...)
	l.enter(0, piece{n: len(b), came: l.clock(now).Add(-earlier)})
}

// overdue is how long ago the last of what is out came out.
func (l *lane) overdue(now time.Time) time.Duration {
	if !l.ready() {
		return 0
	}
	return l.clock(now).Sub(l.out[len(l.out)-1].came)
}

// finish takes in the end of the stream.
func (l *lane) finish(err error, now time.Time) {
	l.err = err
	l.enter(0, piece{came: l.clock(now), end: true})
}

// enter has a piece wait in stage i, or be out. What comes to a narrow line at one moment
// waits as one piece: when the last of it has passed is not to depend on how the scheduler
// cut what the sender wrote.
func (l *lane) enter(i int, p piece) {
	if i == len(l.stages) {
		l.out = append(l.out, p)
		return
	}
	s := l.stages[i]
	_, narrow := s.pacer.(bandwidth)
	if n := len(s.held); narrow && n > 0 && !p.end && !s.held[n-1].end && s.held[n-1].came.Equal(p.came) {
		s.held[n-1].n += p.n
		if n == 1 {
			s.planned = false
		}
		return
	}
	s.held = append(s.held, p)
}

// advance moves on all that goes by now.
func (l *lane) advance(now time.Time) {
	if !l.stopped.IsZero() {
		return
	}
	now = l.clock(now)
	for i, s := range l.stages {
		for p, ok := s.pop(now); ok; p, ok = s.pop(now) {
			l.enter(i+1, p)
		}
	}
}

// add makes a new last stage.
func (l *lane) add(p pacer, now time.Time) {
	l.stages = append(l.stages, &stage{pacer: p, last: l.clock(now)})
}

// remove takes out stage i; what waits there goes on at once.
func (l *lane) remove(i int, now time.Time) {
	for _, p := range l.stages[i].held {
		p.came = l.clock(now)
		l.enter(i+1, p)
	}
	l.stages = append(l.stages[:i:i], l.stages[i+1:]...)
}

// clear loses all that is held.
func (l *lane) clear() {
	l.buf, l.out = nil, nil
	for _, s := range l.stages {
		s.held, s.planned = nil, false
	}
}

// ready reports whether something is out and may be taken.
func (l *lane) ready() bool { return len(l.out) > 0 && l.stopped.IsZero() }

// take returns the next piece that is out, at most most bytes of it. The bytes
// stay valid.
func (l *lane) take(most int) (bytes []byte, end bool) {
	p := &l.out[0]
	end, n := p.end, min(p.n, most)
	b := l.buf[:n:n]
	l.buf = l.buf[n:]
	p.n -= n
	if p.n == 0 {
		l.out = l.out[1:]
	}
	// An idle lane is to be small.
	if len(l.buf) == 0 {
		l.buf = nil
	}
	if len(l.out) == 0 {
		l.out = nil
	}
	return b, end
}

// next returns when something will be out, by the clock on the wall: the zero
// time if that is never, and a time in the past if something is already.
func (l *lane) next() (at time.Time) {
	if !l.stopped.IsZero() {
		return at
	}
	if len(l.out) > 0 {
		return time.Unix(1, 0)
	}
	for _, s := range l.stages {
		if s.plan() {
			at = sooner(at, s.at)
		}
	}
	if !at.IsZero() {
		at = at.Add(l.behind)
	}
	return at
}

// plain reports whether the lane does nothing and holds nothing.
func (l *lane) plain() bool {
	if len(l.out) > 0 || l.err != nil || !l.stopped.IsZero() {
		return false
	}
	for _, s := range l.stages {
		if s.pacer != nil || len(s.held) > 0 {
			return false
		}
	}
	return true
}

// sooner returns the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
