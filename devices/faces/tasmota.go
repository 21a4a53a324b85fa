package faces

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"homefleet/devices"
)

// tasmotaFace is Tasmota 15. What it says is from Tasmota's documentation and source,
// and from what hatasmota 0.10.1, which Home Assistant has for it, reads and sends; the
// replies of the thermostat's commands and those to EnergyTotal are a guess in part.
var tasmotaFace = Face{
	Name:          "tasmota",
	Doc:           "Tasmota 15: an RGBCCT bulb, a metering plug, and a relay with thermostat driver and sensor.",
	Defaults:      Options{FullTopic: "%prefix%/%topic%/", Discovery: "device"},
	Keys:          []string{"full_topic", "discovery", "model"},
	ObeysRetained: true,
	Telemetry:     5 * time.Minute, // TelePeriod

	// As the firmware does it since September 2026, if MQTT 5 was compiled in.
	LongestCorrelation:   16,
	LongestResponseTopic: 150,
	InParts:              true,

	Missing: []string{
		"HTTP, the console, rules, timers, scripts, device groups, sensors, shutters and all drivers that are not named here",
		"the empty message to its own POWER topic with which it asks itself for its state as it connects",
		"Topic, FullTopic, TelePeriod and the retain settings are shown and not changed; of the SetOptions 4, 17, 19, 20, 34, 59, 82, 90, 104 and 117 do something, and the others are only kept",
		"a restart: it boots once in a run, and the RESULT of Restart and Reset is an error",
		"schemes of a light are kept and shown, and the light stays as it is; white and colour do not shine together",
		"PowerDelta, PowerOnState and the resolutions are kept and do nothing; VoltRes, WattRes and the like show what the product comes with",
		"the relay of a thermostat obeys its driver alone: Power shows it. A target goes to the nearest half degree from 5 to 30, and of the driver's other settings only those are known that a command names here",
		"a thermostat's native climate: Tasmota has none, and Home Assistant gets a switch and sensors",
	},
	New: func(s Settings) (Voice, error) {
		v := &tasmota{Settings: s}
		switch s.Kind.Name {
		case "light", "plug", "thermostat":
		default:
			return nil, errors.New("a " + s.Kind.Name + " is no product with Tasmota; want light, plug or thermostat")
		}
		if strings.Count(s.FullTopic, "%prefix%") != 1 || strings.Count(s.FullTopic, "%topic%") != 1 || strings.Count(s.FullTopic, "%") != 4 {
			return nil, errors.New("full_topic " + shorten([]byte(s.FullTopic)) + "; want %prefix% and %topic% in it, once each, as in \"%prefix%/%topic%/\"")
		}
		if s.Discovery == "components" {
			return nil, errors.New(`discovery "components"; Tasmota announces a device as a whole; want "device" or "none"`)
		}
		full := strings.TrimSuffix(s.FullTopic, "/") + "/"
		v.cmnd, v.stat, v.tele = tasmotaPlaceOf(full, "cmnd"), tasmotaPlaceOf(full, "stat"), tasmotaPlaceOf(full, "tele")
		return v, nil
	},
}

// tasmota is the voice of a Tasmota, whose topic <t> is tasmota_ and the end of its MAC:
//
//	cmnd/<t>/<command>           a command; also at cmnd/tasmotas and cmnd/DVES_..._fb
//	stat/<t>/RESULT              the reply to each, as JSON
//	stat/<t>/POWER               ON, OFF
//	stat/<t>/STATUS<n>           replies to Status
//	tele/<t>/STATE, SENSOR       each TelePeriod
//	tele/<t>/INFO1 to 3          as it boots
//	tele/<t>/LWT                 Online; by its Will Offline
//	tasmota/discovery/<MAC>/...  config, sensors
type tasmota struct {
	Settings
	cmnd, stat, tele tasmotaPlace
}

// tasmotaPlace is what stands before and after a device's topic in a full topic.
type tasmotaPlace struct{ before, after string }

func tasmotaPlaceOf(full, prefix string) (p tasmotaPlace) {
	p.before, p.after, _ = strings.Cut(strings.Replace(full, "%prefix%", prefix, 1), "%topic%")
	return p
}

// appendName appends the device's own topic.
func (s *tasmota) appendName(dst []byte, w *Who) []byte {
	if w.Given {
		return append(dst, w.ID...)
	}
	return w.appendTail(append(dst, "tasmota_"...))
}

// appendTail appends the last six digits of the MAC.
func (w *Who) appendTail(dst []byte) []byte {
	m := w.MAC()
	return appendHex(dst, m[3:], upperHex)
}

// appendTopic appends a topic of the device's own.
func (s *tasmota) appendTopic(dst []byte, p *tasmotaPlace, w *Who, name string) []byte {
	return append(append(s.appendName(append(dst, p.before...), w), p.after...), name...)
}

const (
	tasmotaGroup    = "tasmotas"
	fallbackBefore  = "cmnd/DVES_"
	fallbackAfter   = "_fb/"
	mostOfOnePacket = 16383 // bytes
)

func (s *tasmota) AppendFilters(dst []string, w *Who, wildcards bool) []string {
	var places []string
	for _, name := range append([]string{string(s.appendName(nil, w)), tasmotaGroup}, s.Groups...) {
		places = append(places, s.cmnd.before+name+s.cmnd.after)
	}
	places = append(places, fallbackBefore+string(w.appendTail(nil))+fallbackAfter)
	for _, p := range places {
		if wildcards {
			dst = append(dst, p+"#")
			continue
		}
		for i := range tasmotaCommands {
			if c := &tasmotaCommands[i]; c.goesWith(s.Kind) {
				dst = append(dst, p+c.topic())
			}
		}
	}
	return dst
}

// command returns the word of a command, which is the last level of its topic; ok is
// false where the topic is none of the device's.
func (s *tasmota) command(w *Who, topic []byte) (word []byte, ok bool) {
	var room [24]byte
	rest, ok := bytes.CutPrefix(topic, []byte(s.cmnd.before))
	if ok {
		if ok = s.beneath(rest, s.appendName(room[:0], w)); !ok {
			ok = s.beneath(rest, []byte(tasmotaGroup))
		}
		for i := 0; !ok && i < len(s.Groups); i++ {
			ok = s.beneath(rest, []byte(s.Groups[i]))
		}
	}
	if !ok {
		if rest, ok = bytes.CutPrefix(topic, []byte(fallbackBefore)); ok {
			rest, ok = bytes.CutPrefix(rest, w.appendTail(room[:0]))
			ok = ok && startsOrIs(rest, fallbackAfter)
		}
	}
	return topic[bytes.LastIndexByte(topic, '/')+1:], ok
}

// beneath reports whether what stands behind the prefix is a device's or a group's.
func (s *tasmota) beneath(rest, name []byte) bool {
	rest, ok := bytes.CutPrefix(rest, name)
	return ok && startsOrIs(rest, s.cmnd.after)
}

// startsOrIs reports whether text begins with a level and its slash, or is the level.
func startsOrIs(text []byte, level string) bool {
	n := len(level) - 1 // of the level, which ends in a slash
	return len(text) >= n && string(text[:n]) == level[:n] && (len(text) == n || text[n] == '/')
}

func (s *tasmota) Owns(w *Who, topic []byte) bool {
	_, ok := s.command(w, topic)
	return ok
}

func (s *tasmota) Reports() Reports {
	any := func(p tasmotaPlace, name string) string { return p.before + "+" + p.after + name }
	r := Reports{
		Presence: Presence{Topic: s.tele.before + "tasmota_{mac:6}" + s.tele.after + "LWT", Online: "Online", Offline: "Offline"},
		All:      []string{any(s.stat, "+"), any(s.tele, "+"), "tasmota/discovery/+/+"},
	}
	if s.hasSensor() {
		r.Telemetry = []string{any(s.tele, "SENSOR")}
	} else {
		r.Telemetry = []string{any(s.tele, "STATE")}
	}
	if s.Discovery != "none" {
		r.Retained = []string{"tasmota/discovery/+/+"}
	}
	if s.Retain {
		r.Retained = append(r.Retained, any(s.stat, "POWER"), any(s.tele, "STATE"))
		if s.hasSensor() {
			r.Retained = append(r.Retained, any(s.tele, "SENSOR"))
		}
	}
	return r
}

func (s *tasmota) Outline(w *Who) Outline {
	of := func(p *tasmotaPlace, name string) string { return string(s.appendTopic(nil, p, w, name)) }
	o := Outline{Commands: of(&s.cmnd, "<command>"), States: of(&s.stat, "RESULT") + ", " + of(&s.stat, "POWER"), Telemetry: of(&s.tele, "STATE")}
	if s.hasSensor() {
		o.Telemetry += ", " + of(&s.tele, "SENSOR")
	}
	return o
}

// hasSensor reports whether it measures anything, so that there is a SENSOR.
func (s *tasmota) hasSensor() bool { return s.Kind.Name != "light" }

// tasmotaMemory is what a Tasmota remembers beside its model.
type tasmotaMemory struct {
	told     devices.LightState // as it was told
	relay    bool               // the same of a relay
	connects uint32
	stage    uint8 // of what it says as it boots; see boot

	calls [2]tasmotaCall // room for that which is carried out: one that came by itself, and one of a Backlog

	options      [3]uint64 // SetOption0 to 191, but for the numbers 32 to 49
	backlogDelay uint16    // SetOption34, in ms
	powerOnState uint8
	powerDelta   uint16

	queue string // commands of a Backlog that have not been carried out
	left  uint8  // how many
	quiet bool   // they do not reply
	rush  bool   // the next comes without delay

	pulseTime, blinkCount uint16
	blinkTime             uint16
	dimmerStep            uint8
	blinks                int // changes of the relay that are left; below 0: no end
	blinking, before      bool

	hue                      uint16 // as it was asked for
	saturation, bright       uint8  // likewise; the brightness while colour ruled last
	scheme, speed, speedOnce uint8
	fade, speedIsSet         bool // speedIsSet: Speed2 holds for the next change

	added  [3]float64 // kWh by EnergyTotal, EnergyToday and EnergyYesterday beside what is measured
	period float64    // the total at the last report, kWh
}

// The numbers of the SetOptions that do something.
const (
	optionResponse     = 4
	optionDecimal      = 17
	optionNoDiscovery  = 19
	optionNotLinked    = 20
	optionBacklogDelay = 34
	optionTeleOnPower  = 59
	optionAlexaRange   = 82
	optionOnlyJSON     = 90
	optionNoRetain     = 104
	optionFixedFade    = 117
	mostOptions        = 192
)

func (m *tasmotaMemory) option(n int) bool { return m.options[n/64]&(1<<(n%64)) != 0 }

func (m *tasmotaMemory) setOption(n int, on bool) {
	m.options[n/64] &^= 1 << (n % 64)
	if on {
		m.options[n/64] |= 1 << (n % 64)
	}
}

func (s *tasmota) memory(me *Member) *tasmotaMemory {
	m, ok := me.Memory.(*tasmotaMemory)
	if ok {
		return m
	}
	m = &tasmotaMemory{backlogDelay: 200, powerOnState: 3, blinkCount: 10, blinkTime: 10, dimmerStep: 10, speed: 1}
	m.setOption(optionNoDiscovery, s.Discovery == "none")
	m.relay = s.isOn(me)
	if d, ok := me.Model.(devices.Light); ok {
		m.told = d.LightState()
		hue, saturation := devices.HueSaturation(m.told.Color)
		m.hue, m.saturation, m.bright = uint16(hue+0.5), uint8(saturation+0.5), m.told.Level
		if t := m.told.Transition; t > 0 { // as the scenario has it
			m.fade, m.speed = true, uint8(min(max(int(t/(500*time.Millisecond)), 1), mostSpeed))
			m.setOption(optionFixedFade, true)
		}
	}
	me.Memory = m
	return m
}

// isOn reports whether the relay is closed, or the light is on.
func (s *tasmota) isOn(me *Member) bool {
	switch d := me.Model.(type) {
	case devices.Light:
		return d.LightState().On
	case devices.Relay:
		return d.IsOn()
	case devices.Thermostat:
		return d.ThermostatState().Heating
	}
	return false
}
