package incident

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"homefleet/scenarios"
)

// Config says to whom incidents happen, and who hears of them. All of it stays as it is.
type Config struct {
	Scenario *scenarios.Scenario // checked; it may be a shard
	// Target returns the device with a number in the scenario, from 0; nil: it is not there
	// yet, and nothing befalls it. It may be called from any goroutine.
	Target func(number int) Target
	// Anybody is Target also of those who are not there yet.
	Anybody func(number int) Target
	Broker  BrokerControl // nil: the broker is not ours to take away

	// Follow has the devices be followed until they are back. Asks then reports whether
	// anybody asks those that are whether they answer, and News is called, from any
	// goroutine, when a device is back or will not be.
	Follow bool
	Asks   func() bool
	News   func()

	Epoch time.Time       // of the clock of the run, on which all that is measured is given
	Stop  <-chan struct{} // closed when the run is over, or is to be
	Log   *slog.Logger
}

// Scheduler makes incidents happen: those of the scenario, and those that somebody
// calls for.
type Scheduler struct {
	config     Config
	events     EventLog
	recoveries Recoveries
	happenings Happenings
	strikes    atomic.Int64 // incidents that somebody called for
	brokerBack atomic.Int64 // when it has been back for a while, on the clock of the run
	orders     chan func()

	// What follows belongs to the goroutine of Run.

	zero     time.Time // start of measuring; of the run, if nothing is measured
	steps    steps
	count    int                 // steps planned so far
	underWay map[int]*occurrence // by number
	outages  int                 // occurrences that keep the broker away

	duplicates sync.WaitGroup
	ending     context.Context // done when the run ends: their dials do, too
}

// New returns a scheduler that does nothing before Run.
func New(c Config) *Scheduler {
	return &Scheduler{config: c, orders: make(chan func()), underWay: make(map[int]*occurrence)}
}

// Events are the incidents that happened so far.
func (s *Scheduler) Events() *EventLog { return &s.events }

// Recoveries are those of the incidents that happened so far; there are none without
// Follow.
func (s *Scheduler) Recoveries() *Recoveries { return &s.recoveries }

// Happenings are the incidents that have begun or are planned by somebody.
func (s *Scheduler) Happenings() *Happenings { return &s.happenings }

// ErrEnded says that the run has ended, or is about to.
var ErrEnded = errors.New("the run has ended")

// step is something that happens at a moment.
type step struct {
	at      time.Time
	order   int // among those of the same moment
	do      func()
	of      *occurrence // nil: of none
	strikes bool        // it does not happen when that is ended early
}

// steps is a heap, the earliest first.
type steps []step

func (s steps) Len() int { return len(s) }
func (s steps) Less(i, j int) bool {
	if s[i].at.Equal(s[j].at) {
		return s[i].order < s[j].order
	}
	return s[i].at.Before(s[j].at)
}
func (s steps) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *steps) Push(x any)   { *s = append(*s, x.(step)) }
func (s *steps) Pop() any {
	old := *s
	last := old[len(old)-1]
	old[len(old)-1] = step{}
	*s = old[:len(old)-1]
	return last
}

// Run makes the steps of all incidents until Stop is closed. It is called once, and
// returns when nothing of the scheduler runs any more.
func (s *Scheduler) Run() {
	s.zero = time.Now()
	var end context.CancelFunc
	s.ending, end = context.WithCancel(context.Background())
	defer s.duplicates.Wait()
	defer end()
	defer s.finish()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		if len(s.steps) > 0 {
			wait = time.Until(s.steps[0].at)
		}
		timer.Reset(wait)
		select {
		case <-s.config.Stop:
			return
		case do := <-s.orders:
			do()
		case <-timer.C:
			s.proceed()
		}
	}
}

// order has the goroutine of Run do something, and waits until it is done. The error is
// [ErrEnded] when the run has ended, and the context's cause when that is done before
// Run is called.
func (s *Scheduler) order(ctx context.Context, do func()) error {
	done := make(chan struct{})
	select {
	case <-s.config.Stop:
		return ErrEnded
	case <-ctx.Done():
		return fmt.Errorf("waiting for the fleet to run: %w", context.Cause(ctx))
	case s.orders <- func() { do(); close(done) }:
		<-done
		return nil
	}
}

// Plan has the goroutine of Run do something, which may plan what is to be done at later
// moments, on the same goroutine. It does not happen once [Scheduler.Finish] is called.
// The errors are those of [Scheduler.Strike].
func (s *Scheduler) Plan(ctx context.Context, plan func(at func(time.Time, func()))) error {
	return s.order(ctx, func() { plan(s.at) })
}

// Start plans the incidents of the scenario, which count from zero: the start of
// measuring. The error is [ErrEnded].
func (s *Scheduler) Start(zero time.Time) error {
	return s.order(context.Background(), func() { s.plan(zero) })
}

// plan plans the occurrences of all incidents of the scenario, one after the other: a
// day of them, all planned at once, would take megabytes.
func (s *Scheduler) plan(zero time.Time) {
	s.zero = zero
	sc := s.config.Scenario
	all, first := sc.Occurrences(sc.Phases.Measure), s.count
	if late := time.Since(zero); late > time.Second { // a shard that was started again
		all = slices.DeleteFunc(all, func(o scenarios.Occurrence) bool { return o.From < late })
	}
	s.count += len(all) // at the same moment they come before what follows from them
	number := 0
	for i := range sc.Groups {
		s.ramp(zero, number, &sc.Groups[i])
		number += sc.Groups[i].Total()
	}
	var next func(i int)
	next = func(i int) {
		if i < len(all) {
			heap.Push(&s.steps, step{at: zero.Add(all[i].From), order: first + 1 + i, do: func() {
				next(i + 1)
				s.begin(sc, all[i], s.happenings.plan(s, sc, all[i], false))
			}})
		}
	}
	next(0)
}

// Finish ends all incidents: what is due still happens, and what is not does not.
// Devices that are away stay so, and that is no recovery that failed. The error is
// [ErrEnded].
func (s *Scheduler) Finish() error { return s.order(context.Background(), s.finish) }

func (s *Scheduler) finish() {
	s.proceed()
	s.steps = nil
	s.recoveries.leaveOut(s.now())
	if s.outages > 0 {
		s.outages = 0
		s.resumeBroker() // or the devices could not leave in an orderly way
	}
}

// at plans a step.
func (s *Scheduler) at(t time.Time, do func()) { s.plans(t, do, nil, false) }

// plans plans a step of an occurrence.
func (s *Scheduler) plans(t time.Time, do func(), of *occurrence, strikes bool) {
	if of != nil && strikes && of.entry.isEnded() {
		return
	}
	s.count++
	heap.Push(&s.steps, step{at: t, order: s.count, do: do, of: of, strikes: strikes})
}

// proceed makes the steps that are due.
func (s *Scheduler) proceed() {
	for now := time.Now(); len(s.steps) > 0 && !s.steps[0].at.After(now); {
		heap.Pop(&s.steps).(step).do()
	}
}

// now is a moment of the run's clock, onClock a time as that counts it.
func (s *Scheduler) now() time.Duration                { return time.Since(s.config.Epoch) }
func (s *Scheduler) onClock(t time.Time) time.Duration { return t.Sub(s.config.Epoch) }
