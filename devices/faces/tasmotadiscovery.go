package faces

import (
	"strconv"
	"strings"
)

// announce says what the device is and measures, for Home Assistant's integration of
// Tasmota; with SetOption19 it takes that back.
func (s *tasmota) announce(t *Talk, me *Member, mem *tasmotaMemory) {
	if s.Discovery == "none" && mem.option(optionNoDiscovery) {
		return // it never did
	}
	for _, what := range [...]struct {
		name  string
		write func(*writer)
	}{
		{"config", func(w *writer) { s.config(w, me, mem) }},
		{"sensors", func(w *writer) {
			w.open('{')
			w.key("sn")
			s.sensors(w, t, me, false)
			w.integer("ver", 1)
			w.close('}')
		}},
	} {
		m := t.Message(Discovery)
		m.Retain, m.JSON, m.QoS = !mem.option(optionNoRetain), true, s.QoS
		m.Topic = append(append(me.AppendMAC(append(m.Topic, "tasmota/discovery/"...)), '/'), what.name...)
		if mem.option(optionNoDiscovery) {
			m.JSON = false
		} else {
			w := writer{m.Payload}
			what.write(&w)
			m.Payload = w.b
		}
		t.Say(m)
	}
}

// The types of relays, and of the light, as they are announced.
const (
	relayIsRelay = 1
	relayIsLight = 2
	lightRGBCW   = 5
)

func (s *tasmota) config(w *writer, me *Member, mem *tasmotaMemory) {
	relay, light := relayIsRelay, 0
	if s.Kind.Name == "light" {
		relay, light = relayIsLight, lightRGBCW
	}
	w.open('{')
	s.address(w, "ip", me)
	w.text("dn", me.ID)
	w.key("fn")
	w.b = append(appendQuoted(append(w.b, '['), me.ID), strings.Repeat(",null", friendlyNames-1)+"]"...)
	s.hostname(w, "hn", &me.Who)
	w.key("mac")
	w.b = append(me.AppendMAC(append(w.b, '"')), '"')
	w.text("md", s.model())
	w.integer("ty", 0)
	w.integer("if", 0)
	w.integer("cam", 0)
	w.text("ofln", "Offline")
	w.text("onln", "Online")
	w.texts("state", "OFF", "ON", "TOGGLE", "HOLD")
	w.text("sw", tasmotaVersion)
	s.topicName(w, "t", &me.Who)
	w.text("ft", strings.TrimSuffix(s.FullTopic, "/")+"/")
	w.texts("tp", "cmnd", "stat", "tele")
	w.key("rl")
	w.b = append(strconv.AppendInt(append(w.b, '['), int64(relay), 10), strings.Repeat(",0", relays-1)+"]"...)
	w.repeat("swc", "-1", switches)
	w.repeat("swn", "null", switches)
	w.repeat("btn", "0", buttons)
	w.key("so")
	w.open('{')
	for _, n := range [...]int{optionResponse, 11, 13, optionDecimal, optionNotLinked, 30, 68, 73, optionAlexaRange, 114, optionFixedFade} {
		w.integer(strconv.Itoa(n), bit(mem.option(n)))
	}
	w.close('}')
	w.integer("lk", bit(light > 0))
	w.integer("lt_st", light)
	w.integer("bat", 0)
	w.integer("dslp", 0)
	w.repeat("sho", "", 0)
	w.repeat("sht", "", 0)
	w.integer("ver", 1)
	w.close('}')
}
