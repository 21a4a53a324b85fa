package faces_test

import (
	"strings"
	"testing"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/devices/faces/conformance"
)

// Home Assistant takes what devices of each kind announce, in either way, whatever they
// are called.
func TestHomeAssistantTakesWhatIsAnnounced(t *testing.T) {
	for _, discovery := range []string{"device", "components"} {
		var all conformance.Announced
		want := 0
		for number, id := range []string{"light-1", "Lampe.Küche", "l\"1\"", "a_b", "a.b", strings.Repeat("x", 200)} {
			for _, k := range devices.Kinds() {
				if k.Name == "bridge" {
					continue // it has a discovery of its own
				}
				s := newSpeaker(t, "home-assistant", k.Name, id+k.Name, func(s *faces.Settings) { s.Discovery = discovery })
				me := s.talk.Me()
				me.Number, me.Home = uint64(number), "flat \"1\""
				s.voice.Tell(&s.talk, faces.Online, 0)
				for _, m := range s.said {
					if m.m.About != faces.Discovery {
						continue
					}
					if !m.m.Retain || m.m.QoS == 0 {
						t.Errorf("%s is retained %v at QoS %d; want true at QoS 1", m.topic, m.m.Retain, m.m.QoS)
					}
					for _, fault := range all.Check(m.topic, []byte(m.payload)) {
						t.Errorf("%s: %s\n%s", m.topic, fault, m.payload)
					}
				}
				want += map[string]int{"light": 3, "thermostat": 4, "plug": 10}[k.Name]
			}
		}
		if all.Entities != want {
			t.Errorf("discovery %q announces %d entities; want %d", discovery, all.Entities, want)
		}
	}
}

// The check finds what Home Assistant was seen to refuse or to warn of.
func TestDiscoveryFaults(t *testing.T) {
	const device = `"device":{"identifiers":["x"],"name":"lamp"},"origin":{"name":"o"}`
	sensor := func(rest string) string {
		return `{` + device + `,"components":{"s":{"platform":"sensor","unique_id":"u","default_entity_id":"sensor.s","name":"S","state_topic":"a"` + rest + `}}}`
	}
	light := func(modes string) string {
		return `{` + device + `,"components":{"l":{"platform":"light","unique_id":"u","default_entity_id":"light.l","name":null,"schema":"json","command_topic":"a","min_mireds":153,"max_mireds":500,"supported_color_modes":` + modes + `}}}`
	}
	for _, tt := range []struct{ topic, payload, want string }{
		{"homeassistant/device/x/config", sensor(""), ""},
		{"homeassistant/device/x.y/config", sensor(""), "is no discovery topic"},
		{"homeassistant/device/x/config", "{", "no JSON object"},
		{"homeassistant/device/x/config", `{"device":{"name":"x"},"origin":{"name":"o"},"components":{"s":{"platform":"sensor","unique_id":"u","default_entity_id":"sensor.s","name":"S","state_topic":"a"}}}`, "neither identifiers"},
		{"homeassistant/device/x/config", strings.Replace(sensor(""), `"origin":{"name":"o"}`, `"origin":{}`, 1), "origin has no name"},
		{"homeassistant/device/x/config", strings.Replace(sensor(""), `"platform":"sensor",`, "", 1), "no platform"},
		{"homeassistant/device/x/config", strings.Replace(sensor(""), `"unique_id":"u",`, "", 1), "no unique_id"},
		{"homeassistant/device/x/config", strings.Replace(sensor(""), `"state_topic":"a"`, `"state_topic":"a/#"`, 1), "no topic name"},
		{"homeassistant/device/x/config", sensor(`,"device_class":"temperature","unit_of_measurement":"C"`), "does not go with the class"},
		{"homeassistant/device/x/config", sensor(`,"device_class":"energy","unit_of_measurement":"kWh","state_class":"measurement"`), "energy is no measurement"},
		{"homeassistant/device/x/config", sensor(`,"device_class":"volts"`), "no device class"},
		{"homeassistant/device/x/config", sensor(`,"entity_category":"config"`), "is refused"},
		{"homeassistant/device/x/config", sensor(`,"colour":"red"`), "means nothing there"},
		{"homeassistant/device/x/config", strings.Replace(sensor(""), `"name":"S"`, `"name":"lamp S"`, 1), "without that of the device"},
		{"homeassistant/device/x/config", light(`["color_temp","hs"]`), ""},
		{"homeassistant/device/x/config", light(`["brightness","hs"]`), "supported_color_modes"},
		{"homeassistant/device/x/config", light(`["white"]`), "supported_color_modes"},
	} {
		var a conformance.Announced
		got := strings.Join(a.Check(tt.topic, []byte(tt.payload)), "\n")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("Check(%s, %s) = %q; want %q", tt.topic, tt.payload, got, tt.want)
		}
	}
}

// The JSON light does what Home Assistant sends, and says the whole state: at once what
// it is to be, with the level beside OFF, and the mode that rules.
func TestHomeAssistantLight(t *testing.T) {
	s := newSpeaker(t, "home-assistant", "light", "l1", func(s *faces.Settings) { s.Retain = true })
	for _, tt := range []struct{ payload, want string }{
		{`{"state":"ON"}`, `{"state":"ON","brightness":100,"color_mode":"color_temp","color_temp":370}`},
		{`{"state":"ON","brightness":40}`, `{"state":"ON","brightness":40,"color_mode":"color_temp","color_temp":370}`},
		{`{"state":"ON","color_temp":250,"transition":2}`, `{"state":"ON","brightness":40,"color_mode":"color_temp","color_temp":250}`},
		{` {"state":"ON","color":{"h":120,"s":100},"brightness":70} `, `{"state":"ON","brightness":70,"color_mode":"hs","color":{"h":120.00,"s":100.00}}`},
		{`{"state":"OFF","transition":1}`, `{"state":"OFF","brightness":70,"color_mode":"hs","color":{"h":120.00,"s":100.00}}`},
		{`{"state":"ON","color":{"r":255,"g":0,"b":0},"effect":"none"}`, `{"state":"ON","brightness":70,"color_mode":"hs","color":{"h":0.00,"s":100.00}}`},
		{`{"brightness":0}`, `{"state":"OFF","brightness":70,"color_mode":"hs","color":{"h":0.00,"s":100.00}}`},
		{``, `{"state":"OFF","brightness":70,"color_mode":"hs","color":{"h":0.00,"s":100.00}}`},
	} {
		want := "homefleet/l1/state " + tt.want + " (retained)\n"
		if got := s.hear("homefleet/l1/set", tt.payload); got != want {
			t.Errorf("Hear(set, %s) says\n%swant\n%s", tt.payload, got, want)
		}
	}
	if v := string(s.talk.Me().Model.AppendValue(nil, 4)); v != "0" {
		t.Errorf("transition is %s after commands with one of their own; want that of the light, 0", v)
	}
}

// What is wrong with a command is said where the request wants its answer, and nowhere
// else; nothing of it is done.
func TestHomeAssistantRefuses(t *testing.T) {
	for _, payload := range []string{
		`{`, `[]`, `"ON"`, `{"state":"PERHAPS"}`, `{"state":true}`, `{"brightness":101}`, `{"brightness":"40"}`, `{"state":"ON","color_temp":1}`,
		`{"color":{"h":400,"s":1}}`, `{"color":{"x":0.1}}`, `{"transition":-1}`, `{"state":"ON"} {}`,
	} {
		s := newSpeaker(t, "home-assistant", "light", "l1", nil)
		if got := s.hear("homefleet/l1/set", payload); got != "" {
			t.Errorf("Hear(set, %s) says\n%swant nothing", payload, got)
		}
		s.responseTopic = "rr/1"
		want := `rr/1 {"state":"OFF","brightness":100,"color_mode":"color_temp","color_temp":370} (fault: `
		if got := s.hear("homefleet/l1/set", payload); !strings.HasPrefix(got, want) {
			t.Errorf("Hear(set, %s) with a Response Topic says\n%swant\n%s", payload, got, want)
		}
	}
}

// Climate and switch take what Home Assistant sends; a request is answered with the bytes
// of the new state.
func TestHomeAssistantHears(t *testing.T) {
	for _, tt := range []struct{ kind, topic, payload, want string }{
		{"plug", "homefleet/d/set", "OFF", "homefleet/d/state {\"state\":\"OFF\"}\nrr/1 {\"state\":\"OFF\"}\n"},
		{"thermostat", "homefleet/d/set/mode", "auto", `homefleet/d/state {"mode":"auto","target":21.0,`},
		{"thermostat", "homefleet/d/set/target", "22.5", `homefleet/d/state {"mode":"heat","target":22.5,`},
		{"thermostat", "homefleet/all/set/target", "22.5", `homefleet/d/state {"mode":"heat","target":22.5,`},
		{"thermostat", "homefleet/d/set/target", "99", `rr/1 {"mode":"heat","target":21.0,`},
		{"thermostat", "homefleet/d/set", "heat", `rr/1 {"mode":"heat",`},
		{"light", "homefleet/d/set/brightness", "30", `homefleet/d/state {"state":"ON","brightness":30,`},
		{"light", "homefleet/d/set/volume", "30", `rr/1 {"state":"OFF","brightness":100,"color_mode":"color_temp","color_temp":370} (fault: a light has no attribute "volume"`},
		{"light", "homefleet/d/state", "ON", "not its own\n"},
		{"light", "homefleet/d2/set", "ON", "not its own\n"},
		{"light", "homefleet/d/settings", "ON", "not its own\n"},
	} {
		s := newSpeaker(t, "home-assistant", tt.kind, "d", func(s *faces.Settings) { s.Groups = []string{"all"} })
		s.responseTopic = "rr/1"
		if got := s.hear(tt.topic, tt.payload); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: Hear(%s, %s) says\n%swant\n%s", tt.kind, tt.topic, tt.payload, got, tt.want)
		}
	}
}

// At Home Assistant's birth a device says everything anew, after a time of its own.
func TestHomeAssistantBirth(t *testing.T) {
	s := newSpeaker(t, "home-assistant", "plug", "p1", nil)
	if got := s.hear("homeassistant/status", "offline"); got != "" || len(s.later) > 0 {
		t.Errorf("at its death it says %q, %v; want nothing", got, s.later)
	}
	if got := s.hear("homeassistant/status", "online"); got != "" {
		t.Errorf("at the birth itself it says %q; want it later", got)
	}
	if due, ok := s.later[faces.Later1]; !ok || due <= 0 {
		t.Fatalf("after the birth there is more to say in %v, %v; want some seconds", due, ok)
	}
	got := s.tell(faces.Later1)
	for _, want := range []string{"homeassistant/device/p1/config {", "(presence)", "homefleet/p1/state {\"state\":\"ON\"}", "homefleet/p1/sensors {"} {
		if !strings.Contains(got, want) {
			t.Errorf("then it says\n%swant %s among it", got, want)
		}
	}
}
