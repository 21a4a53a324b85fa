package faces

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"homefleet/devices"
)

// tasmotaCommand is one command of the firmware's. Its word is heard in any case, and
// with a number behind it.
type tasmotaCommand struct {
	word  string
	kinds string // "": all
	do    func(*tasmota, *Talk, *Member, *tasmotaCall)
}

// topic is the last level of the topic on which it is heard where there are no wildcards.
func (c *tasmotaCommand) topic() string {
	if c.word == "Power" {
		return "POWER"
	}
	return c.word
}

func (c *tasmotaCommand) goesWith(k *devices.Kind) bool { return c.kinds == "" || c.kinds == k.Name }

// tasmotaCommands are all that there are. A command that says nothing itself, since it
// cannot take the value, is answered with an error. It is filled below, as commands of a
// Backlog are looked up in it again.
var tasmotaCommands = [...]tasmotaCommand{
	{"Power", "", (*tasmota).doPower},
	{"Backlog", "", nil}, // see perform
	{"State", "", (*tasmota).doState},
	{"Status", "", (*tasmota).doStatus},
	{"TelePeriod", "", (*tasmota).doTelePeriod},
	{"SetOption", "", (*tasmota).doSetOption},
	{"Discover", "", (*tasmota).doDiscover},
	{"PulseTime", "", (*tasmota).doPulseTime},
	{"BlinkCount", "", (*tasmota).doBlinkCount},
	{"BlinkTime", "", (*tasmota).doBlinkTime},
	{"PowerOnState", "", (*tasmota).doPowerOnState},
	{"Topic", "", (*tasmota).doShow},
	{"FullTopic", "", (*tasmota).doShow},
	{"GroupTopic", "", (*tasmota).doShow},
	{"DeviceName", "", (*tasmota).doShow},
	{"FriendlyName", "", (*tasmota).doShow},
	{"PowerRetain", "", (*tasmota).doShow},
	{"StateRetain", "", (*tasmota).doShow},
	{"SensorRetain", "", (*tasmota).doShow},
	{"InfoRetain", "", (*tasmota).doShow},
	{"StatusRetain", "", (*tasmota).doShow},
	{"Restart", "", func(*tasmota, *Talk, *Member, *tasmotaCall) {}},
	{"Reset", "", func(*tasmota, *Talk, *Member, *tasmotaCall) {}},

	{"Dimmer", "light", (*tasmota).doDimmer},
	{"CT", "light", (*tasmota).doCT},
	{"Color", "light", (*tasmota).doColor},
	{"HSBColor", "light", (*tasmota).doHSB},
	{"White", "light", (*tasmota).doWhite},
	{"Channel", "light", (*tasmota).doChannel},
	{"Scheme", "light", (*tasmota).doScheme},
	{"Fade", "light", (*tasmota).doFade},
	{"Speed", "light", (*tasmota).doSpeed},
	{"DimmerStep", "light", (*tasmota).doDimmerStep},

	{"EnergyTotal", "plug", (*tasmota).doEnergy},
	{"EnergyToday", "plug", (*tasmota).doEnergy},
	{"EnergyYesterday", "plug", (*tasmota).doEnergy},
	{"PowerDelta", "plug", (*tasmota).doPowerDelta},
	{"WattRes", "plug", (*tasmota).doResolution},
	{"VoltRes", "plug", (*tasmota).doResolution},
	{"AmpRes", "plug", (*tasmota).doResolution},
	{"EnergyRes", "plug", (*tasmota).doResolution},

	{"ThermostatModeSet", "thermostat", (*tasmota).doMode},
	{"TempTargetSet", "thermostat", (*tasmota).doTarget},
	{"TempTargetRead", "thermostat", (*tasmota).doTarget},
	{"TempMeasuredSet", "thermostat", (*tasmota).doMeasured},
	{"TempMeasuredRead", "thermostat", (*tasmota).doMeasured},
	{"CtrDutyCycleRead", "thermostat", (*tasmota).doDriver},
	{"ClimateModeSet", "thermostat", (*tasmota).doDriver},
	{"ControllerModeSet", "thermostat", (*tasmota).doDriver},
	{"TempFrostProtectSet", "thermostat", (*tasmota).doDriver},
	{"TempHystSet", "thermostat", (*tasmota).doDriver},
	{"PropBandSet", "thermostat", (*tasmota).doDriver},
	{"TimeResetSet", "thermostat", (*tasmota).doDriver},
	{"TimePiCycleSet", "thermostat", (*tasmota).doDriver},
	{"TimeMinActionSet", "thermostat", (*tasmota).doDriver},
	{"TimeMaxActionSet", "thermostat", (*tasmota).doDriver},
	{"EnableOutputSet", "thermostat", (*tasmota).doDriver},
	{"SensorInputSet", "thermostat", (*tasmota).doDriver},
}

// tasmotaCall is one command as it came.
type tasmotaCall struct {
	name    string // the command's word, as the firmware spells it
	index   int    // behind the word; 1 if there is none
	indexed bool   // there is one
	data    []byte // without white space around it
	reply   Reply  // of what is said at once
	quiet   bool   // nothing is said
	said    bool   // it has replied
}

// Hear carries out a command. All that it says at once answers it.
func (s *tasmota) Hear(t *Talk, topic, payload []byte) bool {
	me := t.Me()
	word, ok := s.command(&me.Who, topic)
	if !ok {
		return false
	}
	if len(topic)+len(payload) <= mostOfOnePacket { // the firmware passes over what does not fit
		c := &s.memory(me).calls[0]
		*c = tasmotaCall{reply: Also}
		s.perform(t, me, word, payload, c)
	}
	return true
}

// perform carries out a command by its word, for which c has room.
func (s *tasmota) perform(t *Talk, me *Member, word, data []byte, c *tasmotaCall) {
	defer func() { c.data = nil }()
	c.index = 1
	letters := bytes.TrimRight(word, "0123456789")
	if digits := word[len(letters):]; len(digits) > 0 {
		n, err := strconv.ParseUint(string(digits[:min(len(digits), 9)]), 10, 32)
		c.index, c.indexed = int(n), err == nil
	}
	if c.data = trim(data); string(c.data) == "?" {
		c.data = nil
	}
	for i := range tasmotaCommands {
		known := &tasmotaCommands[i]
		if !known.goesWith(s.Kind) || !sameWord(letters, known.word) {
			continue
		}
		c.name = known.word
		switch {
		case t.Refusal != nil:
		case known.do == nil:
			s.backlog(t, me, c)
		default:
			known.do(s, t, me, c)
		}
		if !c.said {
			s.complain(t, me, c, "Error")
		}
		return
	}
	c.name = "Command"
	s.complain(t, me, c, "Unknown")
}

// sameWord compares without regard to the case of ASCII letters.
func sameWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c != word[i] && (c|0x20 != word[i]|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// What is wrong with a command that is answered by Unknown or Error.
var (
	errUnknownCommand = errors.New("there is no such command")
	errWrongValue     = errors.New("the command does not take that value")
)

// complain replies that a command is not known, or not with that value.
func (s *tasmota) complain(t *Talk, me *Member, c *tasmotaCall, what string) {
	m, w := s.beginResult(t, me, c)
	w.text("Command", what)
	switch {
	case t.Refusal != nil:
		m.Fault = t.Refusal
	case what == "Unknown":
		m.Fault = errUnknownCommand
	default:
		m.Fault = errWrongValue
	}
	s.endResult(t, c, m, &w)
}

// number is the value as the firmware reads it: one of its words for a state, or the
// whole number with which the value begins. ok is false where there is neither.
func (c *tasmotaCall) number() (n int, ok bool) {
	for i, word := range [...]string{"OFF", "ON", "TOGGLE", "BLINK", "BLINKOFF", "FALSE", "TRUE"} {
		if sameWord(c.data, word) {
			return i % 5, true
		}
	}
	end := 0
	for end < len(c.data) && (c.data[end] >= '0' && c.data[end] <= '9' || end == 0 && (c.data[0] == '-' || c.data[0] == '+')) {
		end++
	}
	n, err := strconv.Atoi(string(c.data[:min(end, 12)]))
	return n, err == nil
}

// within is number, if that is from low to high.
func (c *tasmotaCall) within(low, high int) (n int, ok bool) {
	n, ok = c.number()
	return n, ok && low <= n && n <= high
}

// replyNumber replies with a number, and replyText with a text, under the command's word.
func (s *tasmota) replyNumber(t *Talk, me *Member, c *tasmotaCall, n int) {
	m, w := s.beginReply(t, me, c)
	w.b = strconv.AppendInt(w.b, int64(n), 10)
	s.endResult(t, c, m, &w)
}

func (s *tasmota) replyText(t *Talk, me *Member, c *tasmotaCall, text string) {
	m, w := s.beginReply(t, me, c)
	w.b = appendQuoted(w.b, text)
	s.endResult(t, c, m, &w)
}

// beginReply begins a reply of one member, with the command's number if it is one that
// has several.
func (s *tasmota) beginReply(t *Talk, me *Member, c *tasmotaCall) (*Message, writer) {
	c.said = true
	m, w := s.beginResult(t, me, c)
	switch c.name {
	case "Speed":
		if c.index == 2 {
			w.key("Speed2")
			break
		}
		w.key(c.name)
	case "SetOption", "PulseTime", "Channel", "FriendlyName", "ThermostatModeSet", "TempTargetSet", "TempTargetRead", "TempMeasuredSet", "TempMeasuredRead":
		w.key(c.name + strconv.Itoa(c.index))
	default:
		w.key(c.name)
	}
	return m, w
}

func (s *tasmota) doPower(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	n, ok := c.within(0, 4)
	switch {
	case c.index > 1:
		return
	case s.Kind.Name == "thermostat" || !ok || c.index == 0 && n > 2: // it is told how it is
	case n >= 3:
		s.blink(t, me, mem, c, n == 3)
		return
	default:
		mem.blinking = false
		if !s.turn(t, me, n == 1 || n == 2 && !s.isOn(me)) {
			return
		}
		s.schedule(t, mem)
	}
	c.said = true
	s.tellPower(t, me, c)
}

// turn switches the relay or the light, and says nothing.
func (s *tasmota) turn(t *Talk, me *Member, on bool) bool {
	if d, ok := me.Model.(devices.Light); ok {
		before := d.LightState()
		return s.fading(t, me, int(before.Level), func() error { return s.set(t, me, "power", onOff(on)) }) == nil
	}
	return s.set(t, me, "power", onOff(on)) == nil
}

// set has the model carry a command out.
func (s *tasmota) set(t *Talk, me *Member, attribute, value string) error {
	attr, ok := s.Kind.Attribute([]byte(attribute))
	if !ok {
		return NewAttributeError([]byte(attribute), s.Kind)
	}
	_, err := t.Set(me, attr, value)
	return err
}

func (s *tasmota) doState(t *Talk, me *Member, c *tasmotaCall) {
	c.said = true
	m, w := s.beginResult(t, me, c)
	s.state(&w, t, me)
	s.endResult(t, c, m, &w)
}

func (s *tasmota) doTelePeriod(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if len(c.data) == 0 {
		if mem.stage >= bootForced {
			mem.stage = bootForced
		} else {
			mem.stage = bootReports
		}
		t.Later(time.Second, tasmotaBoot)
	}
	s.replyNumber(t, me, c, int(s.Telemetry/time.Second))
}

func (s *tasmota) doSetOption(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	switch {
	case !c.indexed || c.index >= mostOptions:
	case c.index == optionBacklogDelay:
		if n, ok := c.within(1, 255*10); ok {
			mem.backlogDelay = uint16(n)
		}
		s.replyNumber(t, me, c, int(mem.backlogDelay))
	case c.index >= 32 && c.index <= 49: // numbers of other drivers
	default:
		if n, ok := c.within(0, 1); ok && (n == 1) != mem.option(c.index) {
			mem.setOption(c.index, n == 1)
			s.rediscover(t, mem)
		}
		s.replyText(t, me, c, onOff(mem.option(c.index)))
	}
}

// rediscover has it announce itself again, as it does when a setting that stands there
// changes.
func (s *tasmota) rediscover(t *Talk, mem *tasmotaMemory) {
	if mem.stage == booted || mem.stage == bootForced {
		mem.stage = bootAnnounces
		t.Later(time.Second, tasmotaBoot)
	}
}

func (s *tasmota) doDiscover(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(0, 1); ok {
		mem.setOption(optionNoDiscovery, n == 0)
		s.rediscover(t, mem)
	}
	s.replyText(t, me, c, onOff(!mem.option(optionNoDiscovery)))
}

func (s *tasmota) doPowerOnState(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	if n, ok := c.within(0, 5); ok {
		mem.powerOnState = uint8(n)
	}
	s.replyNumber(t, me, c, int(mem.powerOnState))
}

// doShow shows a setting that the scenario or the product gives it.
func (s *tasmota) doShow(t *Talk, me *Member, c *tasmotaCall) {
	mem := s.memory(me)
	switch c.name {
	case "Topic":
		s.replyText(t, me, c, string(s.appendName(nil, &me.Who)))
	case "FullTopic":
		s.replyText(t, me, c, s.FullTopic)
	case "GroupTopic":
		s.replyText(t, me, c, tasmotaGroup)
	case "DeviceName", "FriendlyName":
		s.replyText(t, me, c, me.ID)
	case "PowerRetain", "StateRetain":
		s.replyText(t, me, c, onOff(s.retains(mem)))
	case "SensorRetain":
		s.replyText(t, me, c, onOff(s.retains(mem) && s.hasSensor()))
	default:
		s.replyText(t, me, c, onOff(false))
	}
}
