package client

import (
	"errors"
	"os"
	"time"
)

// serve reads and does what is due until the connection ends.
func (s *Session) serve() error {
	l := s.link
	for {
		if err := s.flush(); err != nil {
			return err
		}
		if l.stuck {
			s.hasTried()
			s.wait(nil)
		}
		if l.dawdle > 0 {
			if err := s.idle(); err != nil {
				return err
			}
			continue
		}
		if l.stuck || !s.listen() {
			s.read()
			if err := s.orders(); err != nil {
				return err
			}
			continue
		}
		chunk, err := l.stream.Read()
		s.env.Counts.Wakes.Add(1)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				doing := ""
				if !l.connected {
					doing = WaitingForConnack
				}
				return s.fail(doing, err)
			}
			now := time.Now()
			if now.Before(l.due) {
				continue // a task woke us
			}
			if err := s.doDue(now); err != nil {
				return err
			}
			continue
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
			return err
		}
	}
}

// listen prepares a Read that ends when something is due. It is false when there are
// tasks to be done first. It is no part of serve, whose stack is that of every idle
// device.
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
		if err := s.foreign(chunk); err != nil {
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
