package client

import (
	"sync"
	"sync/atomic"
	"time"
)

// Alarm wakes controllers when a slot is due, to some tens of microseconds, where the
// runtime's own timers come with the millisecond of its network poller: they would be
// half of every figure of a local broker. All controllers of a fleet share one kernel
// timer, and one goroutine that waits for it.
//
// It costs some 40 µs of CPU for each moment, since the process then wakes for it
// alone. Where moments are closer to each other than is worth that, takes is false and
// the controllers go by the runtime's timers, which take what is due together.
//
// It is for real time only: a bubble of testing/synctest has no kernel timers.
type Alarm struct {
	timer *kernelTimer
	ended chan struct{}

	mu    sync.Mutex
	queue []*Appointment // a heap, the earliest first
	aimed time.Time      // what the timer is set to
	lead  time.Duration  // by so much before the moment

	moments atomic.Int64 // that have come since counted
	crowded atomic.Bool
	counted atomic.Int64 // when that was last decided, by the clock of epoch
	epoch   time.Time
}

// Appointment is the next moment of one controller.
type Appointment struct {
	due   time.Time
	place int // in the queue, from 1; 0: it is not there
	inbox *inbox
}

// NewAppointment returns what a handler that is punctual keeps.
func (s *Session) NewAppointment() Appointment { return Appointment{inbox: &s.inbox} }

// Punctual is a handler that is woken to the microsecond. All others go by the
// runtime's timers, the auditor among them, which takes the time of what comes and
// is not itself what is measured.
type Punctual interface{ Appointment() *Appointment }

const (
	// mostMoments is how many moments a second are kept to the microsecond.
	mostMoments = 6500
	// countEvery is how often it is decided whether there are more.
	countEvery = 20 * time.Millisecond
	// mostLead bounds how long the goroutine may spin until the moment.
	mostLead = 100 * time.Microsecond
	// TooSoon is too near for the timer to be worth it.
	TooSoon = 20 * time.Microsecond
	// overdue is how long after its moment a controller wakes by itself, should the
	// Alarm fail it.
	overdue = 5 * time.Millisecond
)

// NewAlarm returns an alarm, or nil where the system has no timer for it.
func NewAlarm() *Alarm {
	timer := newKernelTimer()
	if timer == nil {
		return nil
	}
	a := &Alarm{timer: timer, ended: make(chan struct{}), epoch: time.Now()}
	go func() {
		defer close(a.ended)
		for a.timer.wait() {
			a.ring()
		}
	}()
	return a
}

// Close ends the goroutine and waits for it.
func (a *Alarm) Close() {
	if a != nil {
		a.timer.close()
		<-a.ended
	}
}

// takes reports whether the alarm is to wake somebody at a moment. The caller then
// prepares to wait, and sets the appointment: in this order, so that it is not woken
// before it waits.
func (a *Alarm) takes(due time.Time) bool {
	if a == nil || due.IsZero() {
		return false
	}
	now := time.Now()
	a.decide(now)
	return !a.crowded.Load() && due.Sub(now) > TooSoon
}

// decide finds out now and then how many moments there are a second.
func (a *Alarm) decide(now time.Time) {
	at, last := now.Sub(a.epoch), a.counted.Load()
	took := at - time.Duration(last)
	if took < countEvery || !a.counted.CompareAndSwap(last, int64(at)) {
		return
	}
	most := mostMoments
	if a.crowded.Load() {
		most -= most / 8 // so that it does not change its mind all the time
	}
	a.crowded.Store(float64(a.moments.Swap(0)) > float64(most)*took.Seconds())
}

// Rang reports whether it has woken anybody so far. It is for when close has returned.
func (a *Alarm) Rang() bool { return a.lead > 0 }

// Came notes that so many moments have come, whoever woke for them.
func (a *Alarm) Came(n int) {
	if a != nil {
		a.moments.Add(int64(n))
	}
}

// set has the alarm wake the owner of an inbox at a moment.
func (a *Alarm) set(p *Appointment, due time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.place > 0 {
		if p.due.Equal(due) {
			return
		}
		p.due = due
		a.sift(p)
	} else {
		p.due = due
		a.queue = append(a.queue, p)
		p.place = len(a.queue)
		a.sift(p)
	}
	if a.queue[0] == p {
		a.aim()
	}
}

// aim sets the timer for the first in the queue.
func (a *Alarm) aim() {
	if len(a.queue) == 0 {
		return
	}
	a.aimed = a.queue[0].due.Add(-a.lead)
	a.timer.set(a.aimed)
}

// ring wakes everybody whose moment has come. It wakes early by about as much as
// waking takes, so as to be there in time.
func (a *Alarm) ring() {
	a.mu.Lock()
	now := time.Now()
	if len(a.queue) > 0 && !now.Before(a.aimed) {
		a.learn(now.Sub(a.aimed))
		for first := a.queue[0].due; first.Sub(now) <= mostLead && now.Before(first); now = time.Now() {
		}
	}
	var due []*inbox
	for len(a.queue) > 0 && !a.queue[0].due.After(now) {
		due = append(due, a.queue[0].inbox)
		a.drop()
	}
	a.aim()
	a.mu.Unlock()
	for _, b := range due {
		b.wake()
	}
}

// learn follows the least time that waking takes: at once when it is less than
// thought, slowly when it is more.
func (a *Alarm) learn(took time.Duration) {
	if took < a.lead {
		a.lead -= (a.lead - took) / 4
		return
	}
	a.lead = min(a.lead+min(took-a.lead, time.Microsecond), mostLead)
}

// sift moves an appointment to where it belongs in the heap.
func (a *Alarm) sift(p *Appointment) {
	i := p.place - 1
	for i > 0 && a.before(i, (i-1)/2) {
		a.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(a.queue); child++ {
			if a.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		a.swap(i, least)
		i = least
	}
}

func (a *Alarm) before(i, j int) bool { return a.queue[i].due.Before(a.queue[j].due) }

func (a *Alarm) swap(i, j int) {
	a.queue[i], a.queue[j] = a.queue[j], a.queue[i]
	a.queue[i].place, a.queue[j].place = i+1, j+1
}

// drop takes out the first of the queue.
func (a *Alarm) drop() {
	last := len(a.queue) - 1
	a.swap(0, last)
	a.queue[last].place = 0
	a.queue[last] = nil
	if a.queue = a.queue[:last]; last > 0 {
		a.sift(a.queue[0])
	}
}
