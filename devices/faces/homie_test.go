package faces_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"homefleet/devices"
	"homefleet/devices/faces"
)

func newHomie(t testing.TB, kind, id string) *speaker {
	return newSpeaker(t, "homie", kind, id, func(s *faces.Settings) { s.Retain = true })
}

// Device ids have nothing but a to z, 0 to 9 and -.
func TestHomieIDs(t *testing.T) {
	c := newHomie(t, "light", "d1").voice.(faces.Particular)
	for id, ok := range map[string]bool{"light-1": true, "7": true, "Light-1": false, "light_1": false, "light.1": false, "küche": false, "": false} {
		if err := c.CheckID(id); (err == nil) != ok {
			t.Errorf("CheckID(%q) = %v; want it allowed: %v", id, err, ok)
		}
	}
}

// The order of the convention: init, the description, the values, and then ready, which
// the session says.
func TestHomieArrives(t *testing.T) {
	for kind, nodes := range map[string]int{"light": 6, "thermostat": 5, "plug": 6} {
		s := newHomie(t, kind, "d1")
		s.voice.Tell(&s.talk, faces.Arriving, 0)
		said := s.said
		if len(said) != 2+nodes || said[0].topic+" "+said[0].payload != "homie/5/d1/$state init" || said[1].topic != "homie/5/d1/$description" {
			t.Fatalf("%s: it says\n%swant init, the description and %d values", kind, s.lines(), nodes)
		}
		var d struct {
			Homie   string
			Version int
			Nodes   map[string]struct {
				Properties map[string]struct {
					Datatype, Format string
					Settable         bool
				}
			}
		}
		if err := json.Unmarshal([]byte(said[1].payload), &d); err != nil || d.Homie != "5.0" || d.Version < 1 {
			t.Fatalf("%s: $description is %s: %v", kind, said[1].payload, err)
		}
		for _, m := range said {
			if !m.m.Retain || m.m.QoS != 1 {
				t.Errorf("%s: %s is said at QoS %d, retained %v; want 1, true", kind, m.topic, m.m.QoS, m.m.Retain)
			}
		}
		for _, m := range said[2:] {
			name, _ := strings.CutPrefix(m.topic, "homie/5/d1/"+kind+"/")
			p, ok := d.Nodes[kind].Properties[name]
			if !ok {
				t.Errorf("%s: %s is not in the description", kind, m.topic)
			}
			if fault := homieFault(p.Datatype, p.Format, m.payload); fault != "" {
				t.Errorf("%s: %s is %q: %s", kind, m.topic, m.payload, fault)
			}
		}
		if p, want := s.voice.Reports().Presence, (faces.Presence{Topic: "homie/5/{id}/$state", Online: "ready", Offline: "lost", Left: "disconnected"}); p != want {
			t.Errorf("Presence = %+v; want %+v", p, want)
		}
	}
}

// homieFault judges a value by the convention's datatypes, apart from the face.
func homieFault(datatype, format, value string) string {
	var f float64
	switch datatype {
	case "boolean":
		if value != "true" && value != "false" {
			return "want true or false"
		}
	case "integer", "float":
		if n, err := fmt.Sscanf(value, "%g", &f); n != 1 || err != nil || datatype == "integer" && strings.ContainsAny(value, ".e") {
			return "want an " + datatype
		}
		var low, high float64
		if format == "" {
			return ""
		}
		if n, _ := fmt.Sscanf(format, "%g:%g", &low, &high); n == 2 && (f < low || f > high) {
			return "want " + format
		}
	case "enum":
		if !strings.Contains(","+format+",", ","+value+",") {
			return "want one of " + format
		}
	case "color":
		var r, g, b int
		if n, err := fmt.Sscanf(value, "rgb,%d,%d,%d", &r, &g, &b); n != 3 || err != nil || max(r, g, b) > 255 {
			return "want rgb,<0-255>,<0-255>,<0-255>"
		}
	default:
		return "there is no datatype " + datatype
	}
	return ""
}

func TestHomieHears(t *testing.T) {
	const value = "homie/5/d1/"
	for _, tt := range []struct{ kind, property, to, payload, want string }{
		{"light", "light/power", "", "true", "light/power true\n"},
		{"light", "light/brightness", "", "40", "light/brightness 40\nlight/power true\n"},
		{"light", "light/brightness", "rr", "40", "light/brightness 40\nrr 40\nlight/power true\n"},
		{"light", "light/color", "", "hsv,0,100,50", "light/color hsv,0,100,50\nlight/color rgb,255,0,0\nlight/power true\nlight/brightness 50\n"},
		{"light", "light/color", "", "rgb,1,2,3", "light/color rgb,1,2,3\nlight/power true\nlight/brightness 100\n"},
		{"thermostat", "thermostat/setpoint", "", "22.6", "thermostat/setpoint 22.6\nthermostat/setpoint 22.5\nthermostat/action heating\n"},
		{"thermostat", "thermostat/mode", "", "off", "thermostat/mode off\nthermostat/action off\n"},
		{"thermostat", "thermostat/window", "", "true", "thermostat/window true\nthermostat/action heating\n"},
		{"plug", "plug/power", "", "false", "plug/power false\n"},
		// Illegal values are ignored; who asked is told.
		{"light", "light/power", "", "ON", ""}, {"light", "light/power", "", "True", ""}, {"light", "light/power", "rr", "on", "rr false!\n"},
		{"light", "light/brightness", "", "101", ""}, {"light", "light/brightness", "", "40.5", ""}, {"light", "light/brightness", "", "+4", ""},
		{"light", "light/brightness", "", " 4", ""}, {"light", "light/brightness", "", "-1", ""}, {"light", "light/color", "", "rgb,1,2", ""},
		{"light", "light/color", "", "xyz,0.2,0.3", ""}, {"light", "light/color", "", "rgb,1,2,256", ""}, {"light", "light/color", "", "hsv,-1,0,0", ""},
		{"thermostat", "thermostat/setpoint", "", "NaN", ""}, {"thermostat", "thermostat/setpoint", "", "Infinity", ""}, {"thermostat", "thermostat/setpoint", "", "31", ""},
		{"thermostat", "thermostat/mode", "", "Heat", ""}, {"thermostat", "thermostat/temperature", "", "20", ""}, {"plug", "plug/energy", "rr", "0", "rr 0.000!\n"},
		{"light", "light/power", "", strings.Repeat("1", 1<<20), ""}, {"light", "light/color", "", strings.Repeat("[", 1<<20), ""},
		// Nothing asks, but for a request.
		{"light", "light/power", "rr", "", "rr false\n"}, {"light", "light/power", "", "", ""},
		{"thermostat", "thermostat/mode", "rr", "", "rr heat\n"},
	} {
		s := newHomie(t, tt.kind, "d1")
		s.responseTopic = tt.to
		if !s.voice.Hear(&s.talk, []byte(value+tt.property+"/set"), []byte(tt.payload)) {
			t.Fatalf("%s/set is not heard", tt.property)
		}
		var got strings.Builder
		for _, m := range s.said {
			fault := ""
			if m.m.Fault != nil {
				fault = "!"
			}
			got.WriteString(strings.TrimPrefix(m.topic, value) + " " + m.payload + fault + "\n")
		}
		if got.String() != tt.want {
			t.Errorf("%s/set %.40q to %q says\n%swant\n%s", tt.property, tt.payload, tt.to, got.String(), tt.want)
		}
	}
	s := newHomie(t, "light", "d1")
	for _, topic := range []string{"homie/5/d1/light/power", "homie/5/d2/light/power/set", "homie/5/d1/light/volume/set", "homie/5/d1/$state", "homie/5/$broadcast/x"} {
		if got := s.hear(topic, "true"); got != "not its own\n" {
			t.Errorf("%s says %q; want that it is not its own", topic, got)
		}
	}
}

// The level stays while a light is off, as its property says.
func TestHomieLevelWhileOff(t *testing.T) {
	s := newHomie(t, "light", "d1")
	s.hear("homie/5/d1/light/brightness/set", "40")
	s.hear("homie/5/d1/light/power/set", "false")
	s.voice.Tell(&s.talk, faces.Arriving, 0)
	if got := s.lines(); !strings.Contains(got, "light/brightness 40 ") || !strings.Contains(got, "light/power false ") {
		t.Errorf("off after brightness 40 it says\n%swant power false, brightness 40", got)
	}
}

func TestHomieAsked(t *testing.T) {
	for _, tt := range []struct{ kind, attribute, value, now string }{
		{"plug", "power", "OFF", "OFF"}, {"plug", "energy", "", "0.000"},
		{"light", "power", "ON", "ON"}, {"light", "brightness", "40", "40"}, {"light", "color", "#0a141e", "#0a141e"}, {"light", "ct", "250", "250"},
		{"light", "transition", "2", "2"}, {"thermostat", "target", "22.5", "22.5"}, {"thermostat", "mode", "auto", "auto"}, {"thermostat", "window", "open", "open"},
		{"thermostat", "temperature", "", ""},
	} {
		s := newHomie(t, tt.kind, "d1")
		me := s.talk.Me()
		attr, _ := me.Model.Kind().Attribute([]byte(tt.attribute))
		topic, payload := s.voice.(faces.Requester).AppendRequest(nil, nil, &me.Who, attr, tt.value)
		s.responseTopic = "rr"
		said := s.hear(string(topic), string(payload))
		if !strings.Contains(said, "rr ") || strings.Contains(said, "fault") {
			t.Errorf("%s %s is answered\n%swant a value", topic, payload, said)
		}
		if got := string(me.Model.AppendValue(nil, attr)); tt.now != "" && got != tt.now {
			t.Errorf("after %s %s the %s's %s is %s; want %s", topic, payload, tt.kind, tt.attribute, got, tt.now)
		}
	}
}

func TestHomieTells(t *testing.T) {
	s := newHomie(t, "plug", "d1")
	attr, _ := s.talk.Me().Model.Kind().Attribute([]byte("power"))
	s.voice.Tell(&s.talk, faces.Changed, devices.Changes(1<<attr))
	if got, want := s.lines(), "homie/5/d1/plug/power true (retained) (QoS 1)\n"; got != want {
		t.Errorf("Tell(Changed) says %q; want %q", got, want)
	}
	if got := s.tell(faces.Reported); strings.Count(got, "\n") != 5 || !strings.Contains(got, "homie/5/d1/plug/volts 2") {
		t.Errorf("Tell(Reported) says\n%swant five measurements", got)
	}
}
