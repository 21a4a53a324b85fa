package client

import (
	"errors"
	"os"
	"time"
)

// serve does what there is to do on the connection, and says what to wait for. An error is
// why the connection has ended.
func (s *Session) serve(t *turn) (await, error) {
	l, wait, err := s.link, nothing, error(nil)
	if l.last == nil {
		wait, err = s.converse(t)
	} else {
		err = l.last.err
	}
	if err != nil && l.last != nil {
		return s.readLast(t, err)
	}
	return wait, err
}

// converse is serve until our side of the connection has ended.
func (s *Session) converse(t *turn) (await, error) {
	l := s.link
	woke := t.woke
	t.woke = nothing
	switch woke {
	case forBytes:
		if err := s.take(t.chunk, t.err); err != nil {
			return nothing, err
		}
	case forTask:
		s.read()
		if err := s.orders(); err != nil {
			return nothing, err
		}
	}
	for {
		if err := s.flush(); err != nil {
			return nothing, err
		}
		if l.stuck {
			s.hasTried()
			return forTask, nil
		}
		if l.dawdle > 0 {
			if err := s.idle(); err != nil {
				return nothing, err
			}
			continue
		}
		if s.listen() {
			return forBytes, nil
		}
		s.read()
		if err := s.orders(); err != nil {
			return nothing, err
		}
	}
}

// serveToEnd serves a connection where it stands, and returns why it ended.
func (s *Session) serveToEnd() error {
	var t turn
	for {
		wait, err := s.serve(&t)
		if err != nil {
			return err
		}
		t.woke = wait
		t.chunk, t.err, _ = s.await(wait, nil)
	}
}

// take does what was read asks for, or what was due as nothing was.
func (s *Session) take(chunk []byte, err error) error {
	l := s.link
	s.env.Counts.Wakes.Add(1)
	if err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			doing := ""
			if !l.connected {
				doing = WaitingForConnack
			}
			return s.fail(doing, err)
		}
		if now := time.Now(); !now.Before(l.due) { // else a task woke us
			return s.doDue(now)
		}
		return nil
	}
	if s.profile.Cohort.Timed {
		l.arrived = time.Now()
	}
	err = s.handleAll(chunk)
	if err == nil && !l.pongBy.IsZero() {
		s.heardWhileAsking(time.Now())
	}
	if err == nil {
		s.heardNow()
	}
	l.stream.Release()
	if err != nil {
		// What was answered before the fault still goes out.
		_ = s.flush()
	}
	return err
}

// listen prepares a Read that ends when something is due. It is false when there are
// tasks to be done first.
func (s *Session) listen() bool {
	l := s.link
	switch call := s.appointment(); {
	case call != nil:
		if !s.inbox.arm(l.conn, l.due.Add(overdue)) {
			return false
		}
		s.env.Alarm.set(call, l.due)
		return true
	case l.behind:
		l.behind = false
		return s.inbox.arm(l.conn, time.Now().Add(breath))
	}
	return s.inbox.arm(l.conn, l.due)
}

// appointment returns what the alarm is to be set with, or nil where the session goes
// by the runtime's timers: all do but controllers, whose lateness is measured.
func (s *Session) appointment() *Appointment {
	if !s.profile.Cohort.Timed || s.env.Alarm == nil || s.link.behind {
		return nil
	}
	h, ok := s.handler.(Punctual)
	if !ok || !s.env.Alarm.takes(s.link.due) {
		return nil
	}
	return h.Appointment()
}

// idle passes the time of a slow consumer: it reads nothing, but heeds tasks
// and does what is due.
func (s *Session) idle() error {
	l := s.link
	until := time.Now().Add(l.dawdle)
	l.dawdle, l.idling = 0, true
	l.due = s.nextDue()
	defer func() {
		l.idling = false
		if !l.pongBy.IsZero() {
			l.pongBy = until.Add(s.env.Timeout)
		}
		l.due = s.nextDue()
	}()
	for {
		now := time.Now()
		if !now.Before(until) {
			return nil
		}
		timer := time.NewTimer(Earlier(l.due, until).Sub(now))
		s.wait(timer.C)
		timer.Stop()
		s.read()
		if err := s.orders(); err != nil || l.stuck {
			return err
		}
		if now := time.Now(); IsDue(l.due, now) {
			if err := s.doDue(now); err != nil {
				return err
			}
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
}

// handleAll handles every whole packet in a chunk.
func (s *Session) handleAll(chunk []byte) error {
	if !s.link.connected {
		if undecided, err := s.foreign(chunk); undecided || err != nil {
			return err
		}
	}
	for {
		frame, err := s.link.framer.Next(&chunk)
		if err != nil {
			return s.broke(err)
		}
		if frame == nil {
			return nil
		}
		if err := s.handle(frame); err != nil {
			return err
		}
	}
}
