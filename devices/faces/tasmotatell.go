package faces

import (
	"time"

	"homefleet/devices"
)

// What a Tasmota does later.
const (
	tasmotaBoot    = Later1 // its first reports, and its announcement
	tasmotaBacklog = Later2 // the next command of a Backlog
	tasmotaRelay   = Later3 // a blink, or the end of a PulseTime
)

// The stages of tasmotaBoot, and what is done when it is due.
const (
	bootReports   = iota // STATE and SENSOR, 5 s after it has booted
	bootAnnounces        // discovery, 10 s after it has booted, or 1 s after a later connection
	bootForced           // STATE and SENSOR, because of an empty TelePeriod; then as bootAnnounces if it has not been
	booted
)

// The slots of what is followed; see [Message]. A report is followed by itself.
const (
	tasmotaResultSlot = iota
	tasmotaPowerSlot
	tasmotaStateSlot
)

// Tell says what has changed by itself, what it says as it boots and connects, and its
// reports.
func (s *tasmota) Tell(t *Talk, o Occasion, changed devices.Changes) {
	me := t.Me()
	mem := s.memory(me)
	switch o {
	case Changed:
		s.moved(t, me, changed)
	case Online:
		mem.connects++
		after := time.Second
		if t.First {
			s.tellBoot(t, me)
			after = 5 * time.Second
		}
		if t.First || mem.stage == bootReports {
			mem.stage = bootReports
		} else {
			mem.stage = bootAnnounces
		}
		t.Later(after, tasmotaBoot)
		if mem.left > 0 {
			t.Later(0, tasmotaBacklog)
		}
		if mem.blinking || mem.pulseTime > 0 && s.isOn(me) {
			s.schedule(t, mem)
		}
	case Reported:
		s.report(t, me)
	case tasmotaBoot:
		s.boot(t, me, mem)
	case tasmotaBacklog:
		s.carryOn(t, me, mem)
	case tasmotaRelay:
		s.relayDue(t, me, mem)
	}
}

// boot does what is due after a connection.
func (s *tasmota) boot(t *Talk, me *Member, mem *tasmotaMemory) {
	switch mem.stage {
	case bootReports:
		mem.stage = bootAnnounces
		t.Later(5*time.Second, tasmotaBoot)
		s.report(t, me)
	case bootForced:
		mem.stage = booted
		s.report(t, me)
	case bootAnnounces:
		mem.stage = booted
		s.announce(t, me, mem)
	}
}

// moved says what has changed by itself or by hand, as a button does: the relay, or the
// light. A fade's end is nothing new: what is told of a light is where it goes.
func (s *tasmota) moved(t *Talk, me *Member, changed devices.Changes) {
	mem := s.memory(me)
	if mem.blinking {
		return
	}
	if d, ok := me.Model.(devices.Light); ok {
		now := d.LightState()
		now.Transition = mem.told.Transition
		switch {
		case now.On != mem.told.On:
			s.tellPower(t, me, &tasmotaCall{})
		case now != mem.told:
			s.tellLight(t, me, &tasmotaCall{name: "Dimmer"})
		}
		return
	}
	if s.Kind.Name == "plug" {
		if energy, ok := s.Kind.Attribute([]byte("energy")); ok && changed.Has(energy) && s.reading(t, me, plugTotal) == 0 {
			mem.added = [3]float64{} // it was set back by hand
			mem.period = 0
		}
	}
	if s.isOn(me) != mem.relay {
		s.tellPower(t, me, &tasmotaCall{})
	}
}

// begin begins a message on a topic of the device's own, which answers if somebody has
// asked.
func (s *tasmota) begin(t *Talk, me *Member, c *tasmotaCall, p *tasmotaPlace, name string, a About, slot int) (*Message, writer) {
	m := t.Message(a)
	m.Topic = s.appendTopic(m.Topic, p, &me.Who, name)
	m.Reply, m.Slot, m.Bare, m.QoS, m.JSON = c.reply, slot, true, s.QoS, true
	return m, writer{m.Payload}
}

// say ends it. A Backlog2 or 3 has its commands say nothing.
func (s *tasmota) say(t *Talk, c *tasmotaCall, m *Message, w *writer) {
	m.Payload = w.b
	if !c.quiet {
		t.Say(m)
	}
}

// retains reports whether states are retained now.
func (s *tasmota) retains(mem *tasmotaMemory) bool { return s.Retain && !mem.option(optionNoRetain) }

// beginResult begins the reply to a command, on RESULT or on the command's own topic.
func (s *tasmota) beginResult(t *Talk, me *Member, c *tasmotaCall) (*Message, writer) {
	name, slot := "RESULT", tasmotaResultSlot
	if s.memory(me).option(optionResponse) {
		name, slot = upperWord(c.name), -1
	}
	m, w := s.begin(t, me, c, &s.stat, name, State, slot)
	w.open('{')
	return m, w
}

// endResult ends and says it.
func (s *tasmota) endResult(t *Talk, c *tasmotaCall, m *Message, w *writer) {
	w.close('}')
	s.say(t, c, m, w)
}

// tellPower says how the relay is: RESULT, then POWER, and STATE if SetOption59 wants it.
func (s *tasmota) tellPower(t *Talk, me *Member, c *tasmotaCall) {
	mem, on := s.memory(me), s.isOn(me)
	plain, state := !mem.option(optionOnlyJSON), mem.option(optionTeleOnPower)
	call := *c
	call.name = "Power"
	m, w := s.beginResult(t, me, &call)
	w.text("POWER", onOff(on))
	m.More = plain || state
	s.endResult(t, c, m, &w)
	if plain {
		m, _ := s.begin(t, me, c, &s.stat, "POWER", State, tasmotaPowerSlot)
		m.JSON, m.Retain, m.More = false, s.retains(mem), state
		s.say(t, c, m, &writer{append(m.Payload, onOff(on)...)})
	}
	if state {
		s.tellState(t, me, c)
	}
	mem.relay = on
	if d, ok := me.Model.(devices.Light); ok {
		mem.told = d.LightState()
	}
}

// upperWord is a command's word as it stands in a topic.
func upperWord(word string) string {
	b := []byte(word)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// report says STATE and, of what is measured, SENSOR. The energy of the period is in
// none but this.
func (s *tasmota) report(t *Talk, me *Member) {
	s.tellState(t, me, &tasmotaCall{})
	if !s.hasSensor() {
		return
	}
	mem := s.memory(me)
	m, w := s.begin(t, me, &tasmotaCall{}, &s.tele, "SENSOR", Telemetry, -1)
	m.Retain = s.retains(mem)
	s.sensors(&w, t, me, true)
	s.say(t, &tasmotaCall{}, m, &w)
}

// tellState says STATE, which is the report of what measures nothing.
func (s *tasmota) tellState(t *Talk, me *Member, c *tasmotaCall) {
	about := Telemetry
	if s.hasSensor() {
		about = State
	}
	m, w := s.begin(t, me, c, &s.tele, "STATE", about, tasmotaStateSlot)
	m.Retain = s.retains(s.memory(me))
	w.open('{')
	s.state(&w, t, me)
	w.close('}')
	s.say(t, c, m, &w)
}

// tellBoot says INFO1 to 3, and how the relay is.
func (s *tasmota) tellBoot(t *Talk, me *Member) {
	for i, write := range []func(*writer){
		func(w *writer) {
			w.text("Module", s.model())
			w.text("Version", tasmotaVersion+"(release-tasmota)")
			w.key("FallbackTopic")
			w.b = append(me.appendTail(append(append(w.b, '"'), fallbackBefore...)), fallbackAfter+`"`...)
			w.text("GroupTopic", s.cmnd.before+tasmotaGroup+s.cmnd.after)
		},
		func(w *writer) {
			w.text("WebServerMode", "Admin")
			s.hostname(w, "Hostname", &me.Who)
			s.address(w, "IPAddress", me)
		},
		func(w *writer) {
			w.text("RestartReason", tasmotaRestart)
			w.integer("BootCount", 1)
		},
	} {
		n := string('1' + rune(i))
		m, w := s.begin(t, me, &tasmotaCall{}, &s.tele, "INFO"+n, Discovery, -1)
		w.open('{')
		w.key("Info" + n)
		w.open('{')
		write(&w)
		w.close('}')
		w.close('}')
		s.say(t, &tasmotaCall{}, m, &w)
	}
	s.tellPower(t, me, &tasmotaCall{})
}
