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
	f.Fuzz(func(t *testing.T, topic, payload string, which uint8) {
		all, kinds := faces.All(), devices.Kinds()
		face, kind := all[int(which/8)%len(all)], kinds[int(which)%len(kinds)]
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
