package faces_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"homefleet/devices"
	"homefleet/devices/faces"
)

func FuzzNative(f *testing.F) {
	fuzzFace(f, "homefleet", []heard{
		{"light", "cmnd/d1/power", "ON"},
		{"light", "cmnd/d1/color", "10,20,30"},
		{"thermostat", "cmnd/d1/target", "-0.5"},
	})
}

func FuzzHomeAssistant(f *testing.F) {
	fuzzFace(f, "home-assistant", []heard{
		{"light", "homefleet/d1/set", `{"state":"ON","brightness":40,"color":{"h":120,"s":100},"transition":2}`},
		{"light", "homefleet/d1/set", `{"color":{"r":1,"g":2,"b":3},"x":[{"a":"\"}"}]}`},
		{"thermostat", "homefleet/d1/set/target", "21.5"},
		{"plug", "homeassistant/status", "online"},
	})
}

func FuzzZigbee2MQTT(f *testing.F) {
	fuzzFace(f, "zigbee2mqtt", []heard{
		{"bridge", "zigbee2mqtt/light_1/set", `{"state":"ON","brightness":40,"color":{"x":0.3,"y":0.4},"transition":1}`},
		{"bridge", "zigbee2mqtt/bridge/request/device/rename", `{"from":"light_1","to":"a/b","transaction":1}`},
		{"bridge", "zigbee2mqtt/thermostat_1/set/occupied_heating_setpoint", "23"},
		{"bridge", "homeassistant/status", "online"},
	})
}

func FuzzShelly(f *testing.F) {
	fuzzFace(f, "shelly", []heard{
		{"plug", shellyID("shellyplugsg3-") + "/rpc", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":false,"toggle_after":1}}`},
		{"light", shellyID("shellycolorblbg3-") + "/rpc", `{"id":"a","src":"x/y","method":"RGBCCT.Set","params":{"id":0,"rgb":[1,2,3],"transition_duration":2}}`},
		{"light", shellyID("shellycolorblbg3-") + "/command/rgbcct:0", "on,5"},
		{"plug", shellyID("shellyplugsg3-") + "/command", "status_update"},
	})
}

func FuzzHomie(f *testing.F) {
	fuzzFace(f, "homie", []heard{
		{"light", "homie/5/d1/light/color/set", "hsv,10,20,30"},
		{"thermostat", "homie/5/d1/thermostat/setpoint/set", "21.5"},
		{"plug", "homie/5/d1/plug/power/set", "true"},
	})
}

func FuzzTasmota(f *testing.F) {
	who := faces.Who{ID: "d1", Seed: 7}
	tasmota := "cmnd/tasmota_" + string(who.AppendMAC(nil)[6:]) + "/"
	fuzzFace(f, "tasmota", []heard{
		{"plug", tasmota + "POWER", "TOGGLE"},
		{"light", tasmota + "Backlog", "NoDelay;Fade2 1;NoDelay;Speed2 10;NoDelay;Dimmer 40;NoDelay;HsbColor1 120"},
		{"light", tasmota + "Color1", "#0a141e="},
		{"thermostat", tasmota + "Status", "0"},
		{"thermostat", tasmota + "TempTargetSet1", "21.3"},
		{"plug", "cmnd/tasmotas/EnergyTotal", "-1"},
	})
}

// heard is a message to a device of a kind.
type heard struct{ kind, topic, payload string }

// fuzzFace has devices of a face hear whatever comes. They say topics that MQTT allows (4.7)
// and none of which they would take for a command, UTF-8, and JSON where they say that it is
// JSON.
func fuzzFace(f *testing.F, face string, seeds []heard) {
	kinds := devices.Kinds()
	for _, seed := range seeds {
		for i, k := range kinds {
			if k.Name == seed.kind {
				f.Add(seed.topic, seed.payload, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, topic, payload string, which uint8) {
		face, _ := faces.ByName(face)
		kind := kinds[int(which)%len(kinds)]
		if _, err := face.New(faces.Settings{Kind: kind, Options: face.Defaults}); err != nil {
			t.Skip("it says that it cannot express this kind")
		}
		s := newSpeaker(t, face.Name, kind.Name, "d1", nil)
		s.responseTopic = "rr/1"
		s.voice.Tell(&s.talk, faces.Online, 0)
		who := &s.talk.Me().Who
		if heard := s.voice.Hear(&s.talk, []byte(topic), []byte(payload)); !heard && s.voice.Owns(who, []byte(topic)) {
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
			case s.voice.Owns(who, []byte(m.topic)):
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
