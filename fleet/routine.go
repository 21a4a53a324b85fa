package fleet

import (
	"errors"
	"time"

	"homefleet/devices"
	"homefleet/fleet/wire"
)

// startRoutine sets when the device pings, reports and steps.
func (s *session) startRoutine(now time.Time) {
	l := s.link
	seed, n := s.fleet.scenario.Seed, s.spec.Number
	if l.keepAlive > 0 {
		// The phases are spread over the second half of the interval, so that a
		// fleet that came up together does not ping together.
		phase := chance(seed, n, forKeepAlive, 0)
		l.pingDue = now.Add(l.keepAlive/2 + time.Duration(phase*float64(l.keepAlive/2)))
	}
	if every := s.spec.Group.Telemetry; every > 0 && s.telemetry.IsZero() {
		// The first report comes at a random point of the interval.
		s.telemetry = now.Add(time.Duration(chance(seed, n, forTelemetry, s.ticks) * float64(every)))
		s.ticks++
	}
	s.plan()
	s.nextDue(now)
}

// plan asks the model when it wants to be stepped.
func (s *session) plan() {
	l := s.link
	l.modelDue = time.Time{}
	next := s.model.Next()
	if next == devices.Never {
		return
	}
	if wait := float64(next) / s.fleet.scenario.Time; wait < float64(time.Hour*24*365) {
		// Not more often than every millisecond, however fast simulated time is.
		l.modelDue = s.stepped.Add(max(time.Duration(wait), time.Millisecond))
		l.due = earlier(l.due, l.modelDue)
	}
}

// doDue does what is due by now.
func (s *session) doDue(now time.Time) error {
	l := s.link
	if isDue(l.handshake, now) {
		what := "CONNACK"
		if l.connected {
			what = "SUBACK"
		}
		return s.fail("waiting for "+what, errNoAnswer)
	}
	if !l.online {
		l.due = l.handshake
		return nil
	}
	if isDue(l.pongBy, now) {
		return s.fail("waiting for PINGRESP", errNoAnswer)
	}
	if isDue(l.modelDue, now) {
		s.step(now)
		s.plan()
	}
	if isDue(s.telemetry, now) {
		s.step(now)
		s.report()
		s.nextTelemetry(now)
	}
	if isDue(l.pingDue, now) && l.out == nil {
		s.fleet.counts.Pings.Add(1)
		b := s.buffer()
		*b = append(*b, wire.Pingreq[:]...)
		if l.pongBy.IsZero() {
			l.pongBy = now.Add(s.fleet.scenario.Connect.Timeout)
		}
		l.pingDue = now.Add(l.keepAlive)
	}
	s.nextDue(now)
	return nil
}

// errNoAnswer is a time-out in words; it counts as one.
var errNoAnswer = noAnswer{errors.New("no answer in time")}

type noAnswer struct{ error }

func (noAnswer) Timeout() bool   { return true }
func (noAnswer) Temporary() bool { return true }

// nextDue finds the earliest of all that is to be done.
func (s *session) nextDue(now time.Time) {
	l := s.link
	if l.out != nil && l.keepAlive > 0 {
		l.pingDue = now.Add(l.keepAlive) // the flush that follows is as good as a ping
	}
	l.due = earlier(earlier(l.pingDue, l.pongBy), earlier(l.modelDue, s.telemetry))
}

// nextTelemetry draws when the next report is due: interval*(1±jitter) after the
// last, or after now when reports were missed.
func (s *session) nextTelemetry(now time.Time) {
	g := s.spec.Group
	draw := chance(s.fleet.scenario.Seed, s.spec.Number, forTelemetry, s.ticks)
	s.ticks++
	wait := time.Duration(float64(g.Telemetry) * (1 + g.TelemetryJitter*(2*draw-1)))
	s.telemetry = s.telemetry.Add(wait)
	if s.telemetry.Before(now) {
		s.telemetry = now.Add(wait)
	}
}

// report publishes tele/<id>/state.
func (s *session) report() {
	g := s.spec.Group
	var topicBuf [topicRoom]byte
	payload := s.fleet.borrow()
	defer s.fleet.giveBack(payload)
	*payload = s.model.AppendTelemetry(*payload)
	topic := append(topicBuf[:0], "tele/"...)
	topic = append(append(topic, s.spec.ID...), "/state"...)
	p := wire.Publish{Topic: topic, Payload: *payload, QoS: g.QoS}
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = jsonType
	s.fleet.counts.Telemetry.Add(1)
	s.send(&p)
}

// announce publishes the device's availability, retained, as its Will would.
func (s *session) announce(word string) {
	p := wire.Publish{
		Topic:   []byte("tele/" + s.spec.ID + "/lwt"),
		Payload: []byte(word),
		QoS:     1,
		Retain:  true,
	}
	if s.out.flying >= s.link.limits.receiveMaximum || len(s.out.messages) >= outboxSize {
		p.QoS = 0 // it must not wait behind what the broker holds up
	}
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = textPlain
	s.send(&p)
}

func isDue(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// earlier returns the earlier of two times, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
