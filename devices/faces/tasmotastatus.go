package faces

import (
	"strconv"
	"time"
)

const (
	tasmotaVersion  = "15.1.0"
	tasmotaRestart  = "Software/System restart"
	tasmotaBuilt    = "2026-09-21T12:00:00"
	relays, buttons = 32, 32 // that the firmware has room for
	switches        = 28
	friendlyNames   = 8
	mostStatus      = 11
)

// statuses are the parts of what Status tells, by their numbers.
var tasmotaStatuses = [mostStatus + 1]struct {
	name  string // of the one member
	write func(*tasmota, *writer, *Talk, *Member)
}{
	{"Status", (*tasmota).statusAll},
	{"StatusPRM", (*tasmota).statusParameters},
	{"StatusFWR", (*tasmota).statusFirmware},
	{"StatusLOG", (*tasmota).statusLog},
	{"StatusMEM", (*tasmota).statusMemory},
	{"StatusNET", (*tasmota).statusNetwork},
	{"StatusMQT", (*tasmota).statusMQTT},
	{"StatusTIM", (*tasmota).statusTime},
	{"StatusSNS", nil}, // see writeStatus
	{"StatusPTH", (*tasmota).statusThresholds},
	{"StatusSNS", nil},
	{"StatusSTS", nil},
}

// inStatus0 are those that Status 0 tells, in their order.
var inStatus0 = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11}

// hasStatus reports whether there is anything to tell under a number.
func (s *tasmota) hasStatus(n int) bool { return n != 9 || s.Kind.Name == "plug" }

// doStatus tells one part on a topic of its own, all of them each on its own, or, as
// Status0, all of them at once.
func (s *tasmota) doStatus(t *Talk, me *Member, c *tasmotaCall) {
	n, ok := c.number()
	switch {
	case c.indexed && c.index == 0:
		m, w := s.begin(t, me, c, &s.stat, "STATUS0", State, -1)
		w.open('{')
		for _, part := range inStatus0 {
			if s.hasStatus(part) {
				s.writeStatus(&w, t, me, part)
			}
		}
		w.close('}')
		c.said = true
		s.say(t, c, m, &w)
	case ok && (n < 0 || n > mostStatus || !s.hasStatus(n)):
	case ok && n == 0:
		for _, part := range inStatus0 {
			if s.hasStatus(part) {
				s.tellStatus(t, me, c, part, part != inStatus0[len(inStatus0)-1])
			}
		}
	default:
		s.tellStatus(t, me, c, n, false)
	}
}

func (s *tasmota) tellStatus(t *Talk, me *Member, c *tasmotaCall, n int, more bool) {
	name := "STATUS"
	if n > 0 {
		name += strconv.Itoa(n)
	}
	c.said = true
	m, w := s.begin(t, me, c, &s.stat, name, State, -1)
	m.More = more
	w.open('{')
	s.writeStatus(&w, t, me, n)
	w.close('}')
	s.say(t, c, m, &w)
}

// writeStatus writes a part as a member.
func (s *tasmota) writeStatus(w *writer, t *Talk, me *Member, n int) {
	part := &tasmotaStatuses[n]
	w.key(part.name)
	switch {
	case part.write != nil:
		w.open('{')
		part.write(s, w, t, me)
		w.close('}')
	case n == 11:
		w.open('{')
		s.state(w, t, me)
		w.close('}')
	default:
		s.sensors(w, t, me, false)
	}
}

func (s *tasmota) statusAll(w *writer, _ *Talk, me *Member) {
	mem := s.memory(me)
	power := "0"
	if s.isOn(me) {
		power = "1"
	}
	w.integer("Module", 0)
	w.text("DeviceName", me.ID)
	w.texts("FriendlyName", me.ID)
	s.topicName(w, "Topic", &me.Who)
	w.text("ButtonTopic", "0")
	w.text("Power", power)
	w.text("PowerLock", "0")
	w.integer("PowerOnState", int(mem.powerOnState))
	w.integer("LedState", 1)
	w.text("LedMask", "FFFF")
	w.integer("SaveData", 1)
	w.integer("SaveState", 1)
	w.text("SwitchTopic", "0")
	w.repeat("SwitchMode", "0", switches)
	w.integer("ButtonRetain", 0)
	w.integer("SwitchRetain", 0)
	w.integer("SensorRetain", bit(s.retains(mem) && s.hasSensor()))
	w.integer("PowerRetain", bit(s.retains(mem)))
	w.integer("InfoRetain", 0)
	w.integer("StateRetain", bit(s.retains(mem)))
	w.integer("StatusRetain", 0)
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// topicName is a member with the device's topic.
func (s *tasmota) topicName(w *writer, name string, who *Who) {
	w.key(name)
	w.b = append(s.appendName(append(w.b, '"'), who), '"')
}

// hostname is a member with the name in the network: the topic, and four digits of it.
func (s *tasmota) hostname(w *writer, name string, who *Who) {
	w.key(name)
	w.b = append(who.appendTail(append(w.b, `"tasmota-`...)), '-')
	n := int(who.serial() & 0x1fff)
	for scale := 1000; scale > 0; scale /= 10 {
		w.b = append(w.b, byte('0'+n/scale%10))
	}
	w.b = append(w.b, '"')
}

// address is a member with the address in the network.
func (s *tasmota) address(w *writer, name string, me *Member) {
	n := me.serial()
	w.key(name)
	w.b = append(w.b, `"10`...)
	for shift := 16; shift >= 0; shift -= 8 {
		w.b = strconv.AppendInt(append(w.b, '.'), int64(n>>shift&255), 10)
	}
	w.b = append(w.b, '"')
}

// repeat is a member that is an array of the same again and again.
func (w *writer) repeat(name, value string, times int) {
	w.key(name)
	w.b = append(w.b, '[')
	for range times {
		w.comma()
		w.b = append(w.b, value...)
	}
	w.b = append(w.b, ']')
}

// model is the module, or what the scenario calls it.
func (s *tasmota) model() string {
	switch {
	case s.Model != "":
		return s.Model
	case s.Kind.Name == "light":
		return "RGBCCT Bulb"
	case s.Kind.Name == "plug":
		return "Metering Plug"
	}
	return "Thermostat"
}

func (s *tasmota) statusParameters(w *writer, t *Talk, me *Member) {
	_, up := t.Out.Now()
	w.integer("Baudrate", 115200)
	w.text("SerialConfig", "8N1")
	w.text("GroupTopic", tasmotaGroup)
	w.text("OtaUrl", "")
	w.text("RestartReason", tasmotaRestart)
	uptime(w, up)
	s.time(w, "StartupUTC", t.Wall().Add(-up).UTC())
	w.integer("Sleep", 50)
	w.integer("CfgHolder", 4617)
	w.integer("BootCount", 1)
	w.text("BCResetTime", tasmotaBuilt)
	w.integer("SaveCount", 1)
}

func (s *tasmota) statusFirmware(w *writer, _ *Talk, _ *Member) {
	w.text("Version", tasmotaVersion+"(release-tasmota)")
	w.text("BuildDateTime", tasmotaBuilt)
	w.integer("Boot", 31)
	w.text("Core", "2_7_8")
	w.text("SDK", "2.2.2-dev(38a443e)")
	w.integer("CpuFrequency", 80)
	w.text("Hardware", "ESP8266EX")
	w.text("CR", "400/699")
}

func (s *tasmota) statusLog(w *writer, _ *Talk, me *Member) {
	mem := s.memory(me)
	w.integer("SerialLog", 0)
	w.integer("WebLog", 2)
	w.integer("MqttLog", 0)
	w.integer("SysLog", 0)
	w.text("LogHost", "")
	w.integer("LogPort", 514)
	w.texts("SSId", "homefleet", "")
	w.integer("TelePeriod", int(s.Telemetry/time.Second))
	w.text("Resolution", "558180C0")
	w.texts("SetOption", hexWord(uint32(mem.options[0])), "2805C80001000600003C5A0A190000000000", hexWord(uint32(mem.options[0]>>50)|uint32(mem.options[1]<<14)),
		hexWord(uint32(mem.options[1]>>18)), hexWord(uint32(mem.options[1]>>50)|uint32(mem.options[2]<<14)), hexWord(uint32(mem.options[2]>>18)))
}

// hexWord is 32 options in hexadecimal.
func hexWord(n uint32) string {
	return string(appendHex(nil, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, upperHex))
}

func (s *tasmota) statusMemory(w *writer, _ *Talk, _ *Member) {
	w.integer("ProgramSize", 650)
	w.integer("Free", 352)
	w.integer("Heap", 30)
	w.integer("ProgramFlashSize", 1024)
	w.integer("FlashSize", 4096)
	w.text("FlashChipId", "164020")
	w.integer("FlashFrequency", 40)
	w.text("FlashMode", "DOUT")
}

func (s *tasmota) statusNetwork(w *writer, _ *Talk, me *Member) {
	s.hostname(w, "Hostname", &me.Who)
	s.address(w, "IPAddress", me)
	w.text("Gateway", "10.0.0.1")
	w.text("Subnetmask", "255.0.0.0")
	w.text("DNSServer1", "10.0.0.1")
	w.text("DNSServer2", "0.0.0.0")
	mac := me.MAC()
	w.key("Mac")
	w.b = append(w.b, '"')
	for i := range mac {
		if i > 0 {
			w.b = append(w.b, ':')
		}
		w.b = appendHex(w.b, mac[i:i+1], upperHex)
	}
	w.b = append(w.b, '"')
	w.integer("Webserver", 2)
	w.integer("HTTP_API", 1)
	w.integer("WifiConfig", 4)
	w.number("WifiPower", 17, 1)
}

func (s *tasmota) statusMQTT(w *writer, _ *Talk, me *Member) {
	w.text("MqttHost", "homefleet")
	w.integer("MqttPort", 1883)
	w.text("MqttClientMask", "DVES_%06X")
	w.key("MqttClient")
	w.b = append(me.appendTail(append(w.b, `"DVES_`...)), '"')
	w.text("MqttUser", "DVES_USER")
	w.integer("MqttCount", int(s.memory(me).connects))
	w.integer("MAX_PACKET_SIZE", 1200)
	w.integer("KEEPALIVE", 30)
	w.integer("SOCKET_TIMEOUT", 4)
}

func (s *tasmota) statusTime(w *writer, t *Talk, _ *Member) {
	now := t.Wall()
	s.time(w, "UTC", now.UTC())
	s.time(w, "Local", now)
	w.text("StartDST", now.Format("2006")+"-03-29T02:00:00")
	w.text("EndDST", now.Format("2006")+"-10-25T03:00:00")
	w.text("Timezone", now.Format("-07:00"))
	w.text("Sunrise", "07:30")
	w.text("Sunset", "18:30")
}

func (s *tasmota) statusThresholds(w *writer, _ *Talk, me *Member) {
	w.key("PowerDelta")
	w.b = append(strconv.AppendInt(append(w.b, '['), int64(s.memory(me).powerDelta), 10), ",0,0]"...)
	for _, name := range [...]string{"PowerLow", "PowerHigh", "VoltageLow", "VoltageHigh", "CurrentLow", "CurrentHigh"} {
		w.integer(name, 0)
	}
}
