package fleet

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"homefleet/fleet/client"
	"homefleet/scenarios"
)

// Over returns a channel that is closed when Run returns.
func (f *Fleet) Over() <-chan struct{} { return f.course.over }

// Run connects the devices at the scenario's rate and keeps them going until ctx
// is done, [Fleet.Stop] is called, or the scenario's duration is over, counted
// from the start. Then every device goes in an orderly way. It returns when the
// last goroutine has ended; it is called once.
//
// The error is nil unless every device was refused for good, or FailFast is set
// and one failed.
func (f *Fleet) Run(ctx context.Context) error {
	f.course.mu.Lock()
	f.course.began = time.Now()
	f.course.mu.Unlock()
	err := f.runToEnd(ctx)
	f.course.mu.Lock()
	f.course.ended, f.course.err = time.Now(), err
	f.course.mu.Unlock()
	f.devices.IsReady() // or who waits for devices that never came up would wait for ever
	close(f.course.over)
	return f.course.fault()
}

func (f *Fleet) runToEnd(ctx context.Context) error {
	if d := f.scenario.Duration; d > 0 {
		timer := time.AfterFunc(d, func() { f.end(false) })
		defer timer.Stop()
	}
	leave := context.AfterFunc(ctx, f.Stop)
	defer leave()

	if f.precise && len(f.requesters) > 0 && f.scenario.Phases.Pacing != scenarios.Thrifty {
		f.env.Alarm = client.NewAlarm()
		defer f.env.Alarm.Close()
	}
	dialCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	auditorCtx, dismiss := context.WithCancel(context.WithoutCancel(ctx))
	defer dismiss()
	var auditing errgroup.Group
	var first error
	var firstOnce sync.Once
	if f.env.FailFast {
		f.env.GaveUp = func(err error) {
			firstOnce.Do(func() { first = err })
			f.end(false)
		}
	}
	var sessions []*client.Session
	f.running.Open(func() {
		sessions = f.sessions()
		f.launch = func(s *client.Session) { _ = s.Run(dialCtx) } // why one gave up is in the notes
	})
	conducted := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(f.incidents.Run)
	if f.scenario.Measured() || f.auditor != nil {
		beside.Go(f.watchPulse)
	}
	go func() {
		defer close(conducted)
		f.conductAll()
	}()
	f.start(sessions, func(s *client.Session) {
		auditing.Go(func() error { // it sees the others go
			err := s.Run(auditorCtx)
			if err != nil {
				f.auditorLeft(err)
			}
			return err
		})
	})
	// One more goroutine than there are devices, while it runs: it tells the
	// devices that the end has come.
	ended := make(chan struct{})
	told := make(chan struct{})
	go func() {
		defer close(told)
		select {
		case <-f.stop:
			f.running.Close()
			f.tellEnd(f.sessions(), cancel)
		case <-ended:
		}
	}()
	f.running.Wait()
	stopped := f.stopped()
	close(ended)
	<-told
	f.end(false)
	<-conducted
	f.surveyed.Wait()
	beside.Wait()
	if f.auditor != nil {
		f.auditor.Leave()
		dismiss()
		_ = auditing.Wait() // an auditor that was refused has seen nothing, and the audit says so
	}
	return f.outcome(stopped, first)
}

// start has the sessions run, each in its turn; watch has the auditor's.
func (f *Fleet) start(sessions []*client.Session, watch func(*client.Session)) {
	begin := time.Now()
	for i, s := range sessions {
		if !s.IsAbsent() && !f.waitTurn(begin, i) {
			for _, s := range sessions[i:] {
				s.NeverRun()
			}
			return
		}
		if f.auditor != nil && s == &f.auditor.Session {
			watch(s)
			continue
		}
		f.running.Run(func() { f.launch(s) })
	}
}

// outcome closes the books of a run whose sessions have ended and says what came of it.
// stopped says that the run did not end by itself, first is the first error of a device
// where one ends the run.
func (f *Fleet) outcome(stopped bool, first error) error {
	if err := f.closeBooks(stopped); err != nil {
		return fmt.Errorf("homefleet itself is broken, its sums do not hold: %w", err)
	}
	f.phase.Store(int32(Ended))
	gone := f.devices.Presence()
	switch {
	case f.env.FailFast:
		return first
	case gone.Devices > 0 && gone.GaveUp == gone.Devices:
		return fmt.Errorf("no device is left: %w", f.Refusal())
	}
	return nil
}

// conductAll takes the run through its phases.
func (f *Fleet) conductAll() {
	if f.scenario.Measured() {
		f.conduct()
		return
	}
	select {
	case <-f.devices.Ready:
		f.phase.CompareAndSwap(int32(Connecting), int32(Running))
		f.survey()
	case <-f.stop:
	}
}

// tellEnd tells all sessions that the end has come; leave ends their dials. Who asks
// goes before who answers, and who watches last: see dismiss.
func (f *Fleet) tellEnd(sessions []*client.Session, leave func()) {
	f.onlineAtEnd = f.Presence().Online
	leave()
	until := time.Now().Add(time.Second)
	for _, s := range slices.Backward(sessions) {
		if f.auditor == nil || s != &f.auditor.Session {
			s.EndBy(until)
		}
	}
}

// Stop ends the run, in an orderly way. Before its planned end, that makes it an
// interrupted one, as the end of the context does. It does not wait, and may be called
// at any time, from any goroutine, more than once.
func (f *Fleet) Stop() { f.end(true) }

// end ends the run; cut is that the caller wants it so.
func (f *Fleet) end(cut bool) {
	f.stopOnce.Do(func() {
		f.course.cut = cut
		close(f.stop)
	})
}

// handshakesAtOnce bounds the connects under way where a scenario sets no rate:
// more would overflow the broker's accept queue and be slower, not faster.
const handshakesAtOnce = 128

// waitTurn waits until the device with this place in the ramp may connect. It
// is false when the fleet is stopped first.
func (f *Fleet) waitTurn(begin time.Time, place int) bool {
	select {
	case <-f.stop:
		return false
	default:
	}
	rate := f.scenario.Connect.Rate
	if rate <= 0 {
		// As fast as it goes, with a bounded number on their way at any time.
		select {
		case <-f.stop:
			return false
		case f.first <- struct{}{}:
			return true
		}
	}
	wait := time.Until(begin.Add(time.Duration(float64(place) / rate * float64(time.Second))))
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-f.stop:
		return false
	case <-timer.C:
		return true
	}
}
