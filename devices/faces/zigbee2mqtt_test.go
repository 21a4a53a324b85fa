package faces_test

import (
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// newBridge is one with a light, a plug and a thermostat.
func newBridge(t *testing.T, home string, set func(*faces.Settings)) *speaker {
	s := newSpeaker(t, "zigbee2mqtt", "bridge", "hub", func(s *faces.Settings) {
		if s.Homes = home != ""; set != nil {
			set(s)
		}
	})
	me := s.talk.Me()
	var err error
	me.Model, err = me.Model.Kind().New(devices.Config{Seed: 7, Start: 12 * time.Hour, Params: map[string]any{"lights": 1.0, "plugs": 1.0, "thermostats": 1.0}})
	if err != nil {
		t.Fatal(err)
	}
	me.Home = home
	return s
}

const lampOn = `{"brightness":254,"color_mode":"color_temp","color_temp":370,"effect":null,"linkquality":150,"power_on_behavior":null,"state":"ON"}`

func TestZigbee2MQTTHears(t *testing.T) {
	group := `all_lights {"brightness":254,"color_mode":"color_temp","color_temp":370,"state":"ON"}` + "\n"
	fault := "Entity 'nobody' is unknown"
	for _, tt := range []struct{ name, home, to, topic, payload, want string }{
		{"a command", "", "", "zigbee2mqtt/light_1/set", `{"state":"ON"}`, "zigbee2mqtt/" + group + "zigbee2mqtt/light_1 " + lampOn + "\n"},
		{"in a home", "h1", "", "zigbee2mqtt/h1/light_1/set", "ON", "zigbee2mqtt/h1/" + group + "zigbee2mqtt/h1/light_1 " + lampOn + "\n"},
		{"a request with a Response Topic is answered there as well", "", "rr/1", "zigbee2mqtt/light_1/set/state", "ON",
			"zigbee2mqtt/" + group + "zigbee2mqtt/light_1 " + lampOn + "\nrr/1 " + lampOn + "\n"},
		{"so is one of the bridge", "", "rr/1", "zigbee2mqtt/bridge/request/health_check", "",
			"zigbee2mqtt/bridge/response/health_check {\"data\":{\"healthy\":true},\"status\":\"ok\"}\nrr/1 {\"data\":{\"healthy\":true},\"status\":\"ok\"}\n"},
		{"and what went wrong, in words", "", "rr/1", "zigbee2mqtt/nobody/set", "ON",
			`zigbee2mqtt/bridge/logging {"level":"error","message":"z2m: ` + fault + `"}` + "\nrr/1 " + fault + " (fault: " + fault + ")\n"},
		{"another home's", "h1", "", "zigbee2mqtt/h2/light_1/set", "ON", "not its own\n"},
		{"its own state", "", "", "zigbee2mqtt/light_1", lampOn, "not its own\n"},
		{"its own response", "", "", "zigbee2mqtt/bridge/response/restart", "{}", "not its own\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newBridge(t, tt.home, nil)
			s.responseTopic = tt.to
			if got := s.hear(tt.topic, tt.payload); got != tt.want {
				t.Errorf("Hear(%s, %s) says\n%swant\n%s", tt.topic, tt.payload, got, tt.want)
			}
		})
	}
}

// On each connection it says all it knows; discovery follows after five seconds, and
// Home Assistant's birth is answered half a minute later with the states.
func TestZigbee2MQTTTells(t *testing.T) {
	s := newBridge(t, "h1", nil)
	got := s.tell(faces.Online)
	for _, want := range []string{
		"zigbee2mqtt/h1/bridge/info {", "zigbee2mqtt/h1/bridge/devices [{", "zigbee2mqtt/h1/bridge/groups [{",
		`zigbee2mqtt/h1/light_1/availability {"state":"online"} (retained) (QoS 1)`, "zigbee2mqtt/h1/plug_1 {", "zigbee2mqtt/h1/thermostat_1 {",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("online it does not say %q; it says\n%s", want, got)
		}
	}
	if s.later[faces.Later1] != 5*time.Second || strings.Contains(got, "homeassistant/light") {
		t.Errorf("discovery is due in %v; want 5s", s.later[faces.Later1])
	}
	got = s.tell(faces.Later1)
	for _, want := range []string{"homeassistant/light/0x", "homeassistant/climate/0x", "homeassistant/switch/0x", "zigbee2mqtt/h1/light_1/set"} {
		if !strings.Contains(got, want) {
			t.Errorf("discovery has no %q:\n%s", want, got)
		}
	}
	if got := s.hear("homeassistant/status", "online"); got != "" || s.later[faces.Later2] != 30*time.Second {
		t.Errorf("at Home Assistant's birth it says %q, and more in %v; want nothing, and more in 30s", got, s.later[faces.Later2])
	}
	if got := s.tell(faces.Later2); !strings.Contains(got, "zigbee2mqtt/h1/light_1 {") {
		t.Errorf("half a minute later it says\n%swant the states", got)
	}
	if got := s.tell(faces.Reported); strings.Count(got, "\n") != 3 || !strings.Contains(got, "zigbee2mqtt/h1/plug_1 {") {
		t.Errorf("its report is\n%swant the states of its three devices", got)
	}
	hub := s.talk.Me().Model
	window, _ := hub.(devices.Hub).Behind()[2].Device.Kind().Attribute([]byte("window"))
	if _, err := hub.(devices.Hub).Behind()[2].Device.Do(window, []byte("open")); err != nil {
		t.Fatal(err)
	}
	for range 100 { // until the thermostat does something by itself
		hub.Step(time.Minute)
	}
	if got := s.tell(faces.Changed); !strings.HasPrefix(got, "zigbee2mqtt/h1/thermostat_1 {") || strings.Count(got, "\n") != 1 {
		t.Errorf("when the thermostat has changed it says\n%swant its state alone", got)
	}
	s.hear("zigbee2mqtt/h1/bridge/request/permit_join", `{"time":60}`)
	if s.later[faces.Later3] != time.Minute {
		t.Errorf("joining ends in %v; want 1m", s.later[faces.Later3])
	}
	s.after = time.Minute
	if got := s.tell(faces.Later3); !strings.Contains(got, `"permit_join":false`) {
		t.Errorf("then it says\n%swant permit_join false", got)
	}
	s = newBridge(t, "h1", func(s *faces.Settings) { s.Discovery = "none" })
	if s.tell(faces.Online); len(s.later) > 0 || s.tell(faces.Later1) != "" {
		t.Errorf("without discovery it has something to say later: %v", s.later)
	}
}

// Every attribute that a controller may name reaches the device, and does there what the
// name says.
func TestZigbee2MQTTRequests(t *testing.T) {
	for _, tt := range []struct {
		attribute, value, topic, payload, now string
	}{
		{"power", "ON", "zigbee2mqtt/all_lights/set", `{"state":"ON"}`, "ON"},
		{"power", "", "zigbee2mqtt/light_1/get/state", "", "OFF"},
		{"brightness", "40", "zigbee2mqtt/all_lights/set", `{"brightness":102}`, "40"},
		{"brightness", "-50", "zigbee2mqtt/all_lights/set", `{"brightness_step":-127}`, "0"},
		{"brightness", "", "zigbee2mqtt/light_1/get/brightness", "", "0"},
		{"changes", "", "zigbee2mqtt/bridge/request/health_check", "", "0"},
	} {
		s := newBridge(t, "", nil)
		me := s.talk.Me()
		attr, _ := me.Model.Kind().Attribute([]byte(tt.attribute))
		topic, payload := s.voice.(faces.Requester).AppendRequest(nil, nil, &me.Who, attr, tt.value)
		if string(topic) != tt.topic || string(payload) != tt.payload {
			t.Errorf("%s %q is %s %s; want %s %s", tt.attribute, tt.value, topic, payload, tt.topic, tt.payload)
		}
		s.responseTopic = "rr"
		if got := s.hear(string(topic), string(payload)); strings.Count(got, "rr {") != 1 || strings.Contains(got, "fault") {
			t.Errorf("%s %s is answered\n%swant one state", topic, payload, got)
		}
		if got := string(me.Model.AppendValue(nil, attr)); got != tt.now {
			t.Errorf("after %s %s its %s is %s; want %s", topic, payload, tt.attribute, got, tt.now)
		}
	}
}

func TestZigbee2MQTTRefuses(t *testing.T) {
	f, _ := faces.ByName("zigbee2mqtt")
	for want, set := range map[string]func(*faces.Settings){
		`want discovery = "components" or "none"`: func(s *faces.Settings) { s.Discovery = "device" },
		"made by its own requests":                func(s *faces.Settings) { s.Groups = []string{"kitchen"} },
		`want kind = "bridge"`:                    func(s *faces.Settings) { s.Kind, _ = devices.KindByName("light") },
	} {
		s := faces.Settings{Options: f.Defaults}
		s.Kind, _ = devices.KindByName("bridge")
		set(&s)
		if _, err := f.New(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v; want %q", err, want)
		}
	}
}

func TestZigbee2MQTTTopics(t *testing.T) {
	s := newBridge(t, "h1", nil)
	who := &s.talk.Me().Who
	if got := strings.Join(s.voice.AppendFilters(nil, who, true), " "); got != "zigbee2mqtt/h1/# homeassistant/status" {
		t.Errorf("AppendFilters = %s", got)
	}
	if got := strings.Join(s.voice.AppendFilters(nil, who, false), " "); !strings.Contains(got, "zigbee2mqtt/h1/all_lights/set ") || !strings.Contains(got, "zigbee2mqtt/h1/bridge/request/permit_join ") || strings.ContainsAny(got, "#+") {
		t.Errorf("AppendFilters without wildcards = %s", got)
	}
	s = newBridge(t, "h1", func(s *faces.Settings) { s.Homes = true })
	want := faces.Presence{Topic: "zigbee2mqtt/{home}/bridge/state", Online: `{{"state":"online"}}`, Offline: `{{"state":"offline"}}`}
	if got := s.voice.Reports().Presence; got != want {
		t.Errorf("Presence = %v; want %v", got, want)
	}
}
