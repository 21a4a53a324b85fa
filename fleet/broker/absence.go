package broker

import (
	"container/heap"
	"time"
)

// absence is what is due while a client is away, since the broker's start.
type absence struct {
	will      *will // waits for its Will Delay; nil otherwise
	willAt    time.Duration
	expiresAt time.Duration // 0: never
	place     int32         // in Broker.absent
}

// next is when the next thing is due; 0: nothing is.
func (a *absence) next() time.Duration {
	if a.will != nil && (a.expiresAt == 0 || a.willAt < a.expiresAt) {
		return a.willAt
	}
	return a.expiresAt
}

// absentees are the sessions for which something is due, the next one first, as a heap.
// They share one timer, which is a third of the memory that one each takes.
type absentees []*session

func (l absentees) Len() int           { return len(l) }
func (l absentees) Less(i, j int) bool { return l[i].next() < l[j].next() }

func (l absentees) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = int32(i), int32(j)
}

// Push and Pop are for package heap.
func (l *absentees) Push(s any) { *l = append(*l, s.(*session)) }

func (l *absentees) Pop() any {
	last := len(*l) - 1
	s := (*l)[last]
	(*l)[last] = nil
	if *l = (*l)[:last]; last < cap(*l)/4 && last > 64 { // after many have been away
		*l = append(make(absentees, 0, 2*last), *l...)
	}
	return s
}

// arm has the broker come back to the session when the next thing is due. The caller
// holds b.mu and s.mu.
func (s *session) arm(a *absence, now time.Duration) {
	s.absence = a
	s.b.memory.enter(&s.owner, costAbsence)
	a.place = int32(len(s.b.absent))
	heap.Push(&s.b.absent, s)
	s.b.wake(now)
}

// wake sets the timer for what is due next. The caller holds b.mu.
func (b *Broker) wake(now time.Duration) {
	if len(b.absent) == 0 || b.closed {
		return
	}
	if at := b.absent[0].next(); b.wakes == nil {
		b.wakes, b.wakesAt = time.AfterFunc(at-now, b.woken), at
	} else if at != b.wakesAt {
		b.wakes.Reset(at - now)
		b.wakesAt = at
	}
}

// back ends the absence of the client, and returns the Will that waited for its
// delay, if any. The caller holds b.mu and s.mu.
func (s *session) back() *will {
	a := s.absence
	if a == nil {
		return nil
	}
	heap.Remove(&s.b.absent, int(a.place))
	s.absence = nil
	s.b.memory.enter(&s.owner, -costAbsence)
	s.letGo(a.will)
	return a.will
}

// woken is called by the timer.
func (b *Broker) woken() {
	if !b.enter() {
		return
	}
	defer b.leave()
	b.mu.Lock()
	b.wakesAt = 0 // whatever is next, the timer is to be set again
	b.mu.Unlock()
	for b.nextDue() {
	}
}

// nextDue does what is due for one session, and reports whether anything was.
func (b *Broker) nextDue() bool {
	b.mu.Lock()
	now := b.now()
	if len(b.absent) == 0 || b.absent[0].next() > now {
		b.wake(now)
		b.mu.Unlock()
		return false
	}
	s := b.absent[0]
	s.mu.Lock()
	a := s.absence
	var w *will
	expired := a.expiresAt != 0 && now >= a.expiresAt
	switch {
	case expired:
		b.count.sessionsExpired.Add(1)
		w = s.end()
	case a.expiresAt == 0:
		w = s.back()
	default:
		w, a.will = a.will, nil
		s.letGo(w)
		heap.Fix(&b.absent, int(a.place))
	}
	b.keepWill(&s.owner, w)
	s.mu.Unlock()
	b.mu.Unlock()
	if expired {
		s.forget()
	}
	b.publishWill(&s.owner, w)
	return true
}
