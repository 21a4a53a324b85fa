package faces_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// Whatever comes, a device of any face says topics that MQTT allows (4.7) and none of
// which it would take for a command, UTF-8, and JSON where it says that it is JSON; and
// what the model says of itself stays within its own rules.
func FuzzHear(f *testing.F) {
	f.Add("cmnd/d1/power", "ON", uint8(0))
	f.Add("cmnd/d1/color", "10,20,30", uint8(0))
	f.Add("cmnd/d1/target", "-0.5", uint8(1))
	f.Add("homefleet/d1/set", `{"state":"ON","brightness":40,"color":{"h":120,"s":100},"transition":2}`, uint8(8))
	f.Add("homefleet/d1/set", `{"color":{"r":1,"g":2,"b":3},"x":[{"a":"\"}"}]}`, uint8(8))
	f.Add("homefleet/d1/set/target", "21.5", uint8(9))
	f.Add("homeassistant/status", "online", uint8(10))
	f.Add("zigbee2mqtt/light_1/set", `{"state":"ON","brightness":40,"color":{"x":0.3,"y":0.4},"transition":1}`, uint8(19))
	f.Add("zigbee2mqtt/bridge/request/device/rename", `{"from":"light_1","to":"a/b","transaction":1}`, uint8(19))
	f.Add(shellyID("shellyplugsg3-")+"/rpc", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":false,"toggle_after":1}}`, uint8(26))
	f.Add(shellyID("shellycolorblbg3-")+"/rpc", `{"id":"a","src":"x/y","method":"RGBCCT.Set","params":{"id":0,"rgb":[1,2,3],"transition_duration":2}}`, uint8(24))
	f.Add("homie/5/d1/light/color/set", "hsv,10,20,30", uint8(32))
	f.Add("homie/5/d1/thermostat/setpoint/set", "21.5", uint8(33))
	who := faces.Who{ID: "d1", Seed: 7}
	tasmota := "cmnd/tasmota_" + string(who.AppendMAC(nil)[6:]) + "/"
	f.Add(tasmota+"POWER", "TOGGLE", uint8(42))
	f.Add(tasmota+"Backlog", "NoDelay;Fade2 1;NoDelay;Speed2 10;NoDelay;Dimmer 40;NoDelay;HsbColor1 120", uint8(40))
	f.Add(tasmota+"Color1", "#0a141e=", uint8(40))
	f.Add(tasmota+"Status", "0", uint8(41))
	f.Add(tasmota+"TempTargetSet1", "21.3", uint8(41))
	f.Add("cmnd/tasmotas/EnergyTotal", "-1", uint8(42))
	f.Fuzz(func(t *testing.T, topic, payload string, which uint8) {
		all, kinds := faces.All(), devices.Kinds()
		face, kind := all[int(which/8)%len(all)], kinds[int(which%8)%len(kinds)]
		if _, err := face.New(faces.Settings{Kind: kind, Options: face.Defaults}); err != nil {
			t.Skip("it says that it cannot express this kind")
		}
		s := newSpeaker(t, face.Name, kind.Name, "d1", nil)
		s.responseTopic = "rr/1"
		s.voice.Tell(&s.talk, faces.Online, 0)
		heard := s.voice.Hear(&s.talk, []byte(topic), []byte(payload))
		if !heard && s.voice.Owns(&s.talk.Me().Who, []byte(topic)) {
			t.Errorf("Hear(%q) = false, and Owns says that it is the device's", topic)
		}
		for o := range faces.Occasions {
			s.voice.Tell(&s.talk, faces.Occasion(o), ^devices.Changes(0))
		}
		for _, m := range s.said {
			switch {
			case m.m.About == faces.Here:
			case m.topic == "" || strings.ContainsAny(m.topic, "+#\x00") || !utf8.ValidString(m.topic):
				t.Errorf("it says %q on %q, which is no topic name", m.payload, m.topic)
			case s.voice.Owns(&s.talk.Me().Who, []byte(m.topic)):
				t.Errorf("it says %q on %q, its own command topic", m.payload, m.topic)
			case !utf8.ValidString(m.payload):
				t.Errorf("it says %q on %s, which is not UTF-8", m.payload, m.topic)
			case m.m.JSON && !json.Valid([]byte(m.payload)):
				t.Errorf("it says %q on %s, which is no JSON", m.payload, m.topic)
			}
		}
	})
}

// shellyID is the id of the device of newSpeaker with a Shelly's face.
func shellyID(prefix string) string {
	who := faces.Who{ID: "d1", Seed: 7}
	return prefix + strings.ToLower(string(who.AppendMAC(nil)))
}
