package faces

import (
	"bytes"
	"time"
)

// mostOfBacklog is how many commands a Backlog holds.
const mostOfBacklog = 30

// backlog takes commands for later, the first for now. They reply as if each had come by
// itself, but not to whoever sent the Backlog, who is told nothing.
func (s *tasmota) backlog(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if len(c.data) == 0 {
		what := "Empty"
		if mem.left > 0 {
			mem.queue, mem.left, what = "", 0, "Aborted"
		}
		s.replyText(t, me, c, what)
		return
	}
	c.said = true
	waiting := mem.left > 0
	room := mostOfBacklog - int(mem.left)
	kept := []byte(mem.queue)
	for rest := c.data; len(rest) > 0 && room > 0; {
		var one []byte
		one, rest = cutCommand(rest)
		if one = withoutBacklog(trim(one)); len(one) == 0 {
			continue
		}
		kept = append(append(kept, one...), ';')
		mem.left++
		room--
	}
	mem.queue = string(kept)
	if !waiting {
		mem.quiet, mem.rush = c.index == 2 || c.index == 3, c.index == 0 || c.index == 2
		s.carryOn(t, me, mem)
	}
}

// cutCommand cuts the first command off: what stands in braces belongs to it.
func cutCommand(b []byte) (one, rest []byte) {
	depth := 0
	for i, c := range b {
		switch {
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == ';' && depth == 0:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// withoutBacklog cuts the word off a command of a Backlog that is one itself.
func withoutBacklog(one []byte) []byte {
	word, data, _ := bytes.Cut(one, []byte{' '})
	if sameWord(bytes.TrimRight(word, "0123"), "Backlog") {
		return trim(data)
	}
	return one
}

// carryOn carries the next commands of a Backlog out, up to one that waits.
func (s *tasmota) carryOn(t *Talk, me *Member, mem *tasmotaMemory) {
	always := mem.rush
	for mem.left > 0 {
		one, rest := cutCommand([]byte(mem.queue))
		mem.queue = string(rest)
		mem.left--
		word, data, _ := bytes.Cut(one, []byte{' '})
		if sameWord(word, "NoDelay") {
			continue
		}
		if !sameWord(word, "Reset") { // which would end everything in the middle
			c := &mem.calls[1]
			*c = tasmotaCall{quiet: mem.quiet}
			s.perform(t, me, word, data, c)
		}
		if mem.left == 0 {
			break
		}
		if next, _ := cutCommand([]byte(mem.queue)); !always && !sameWord(trim(next), "NoDelay") {
			t.Later(time.Duration(mem.backlogDelay)*time.Millisecond, tasmotaBacklog)
			return
		}
	}
	mem.queue, mem.rush, mem.quiet = "", false, false
}

// mostBlinks is how often it blinks at most by BlinkCount.
const mostBlinks = 32000

func (s *tasmota) doBlinkCount(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(0, mostBlinks); ok {
		mem.blinkCount = uint16(n)
	}
	s.replyNumber(t, me, c, int(mem.blinkCount))
}

func (s *tasmota) doBlinkTime(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(2, 3600); ok {
		mem.blinkTime = uint16(n)
	}
	s.replyNumber(t, me, c, int(mem.blinkTime))
}

// blink begins to blink, or ends it and goes back to how it was.
func (s *tasmota) blink(t *Talk, me *Member, mem *tasmotaMemory, c *tasmotaCall, begin bool) {
	switch {
	case begin:
		if !mem.blinking {
			mem.before = s.isOn(me)
		}
		mem.blinking, mem.blinks = true, 2*int(mem.blinkCount)
		if mem.blinkCount == 0 {
			mem.blinks = -1
		}
		s.schedule(t, mem)
	case mem.blinking:
		s.endBlink(t, me, mem)
	}
	c.said = true
	call := *c
	call.name = "Power"
	m, w := s.beginResult(t, me, &call)
	w.text("POWER", "Blink "+onOff(begin))
	s.endResult(t, c, m, &w)
}

func (s *tasmota) endBlink(t *Talk, me *Member, mem *tasmotaMemory) {
	mem.blinking = false
	s.turn(t, me, mem.before)
}

func (s *tasmota) doPulseTime(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if c.index != 1 {
		return
	}
	if n, ok := c.within(0, 64900); ok {
		mem.pulseTime = uint16(n)
		s.schedule(t, mem)
	}
	c.said = true
	m, w := s.beginReply(t, me, c)
	w.open('{')
	w.integer("Set", int(mem.pulseTime))
	w.integer("Remaining", 0)
	w.close('}')
	s.endResult(t, c, m, &w)
}

// pulse is how long a PulseTime is: tenths of seconds up to 111, and seconds from 112 on.
func pulse(n uint16) time.Duration {
	if n < 112 {
		return time.Duration(n) * 100 * time.Millisecond
	}
	return time.Duration(n-100) * time.Second
}

// schedule has the relay looked at when it blinks next, or its PulseTime ends.
func (s *tasmota) schedule(t *Talk, mem *tasmotaMemory) {
	switch {
	case mem.blinking:
		t.Later(time.Duration(mem.blinkTime)*100*time.Millisecond, tasmotaRelay)
	case mem.pulseTime > 0:
		t.Later(pulse(mem.pulseTime), tasmotaRelay)
	}
}

// relayDue blinks, or ends a PulseTime.
func (s *tasmota) relayDue(t *Talk, me *Member, mem *tasmotaMemory) {
	switch {
	case mem.blinking && mem.blinks == 0:
		s.endBlink(t, me, mem)
	case mem.blinking:
		mem.blinks--
		s.turn(t, me, !s.isOn(me))
		s.schedule(t, mem)
	case mem.pulseTime > 0 && s.isOn(me) && s.Kind.Name != "thermostat":
		s.turn(t, me, false)
		s.tellPower(t, me, &tasmotaCall{})
	}
}
