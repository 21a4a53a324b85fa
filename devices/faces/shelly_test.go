package faces_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// The ids of newSpeaker's device with seed 7.
const shellyPlug, shellyBulb = "shellyplugsg3-", "shellycolorblbg3-"

// newShelly returns a device and its id.
func newShelly(t testing.TB, kind string, set func(*faces.Settings)) (*speaker, string) {
	s := newSpeaker(t, "shelly", kind, "d1", set)
	id, _ := strings.CutSuffix(s.voice.AppendFilters(nil, &s.talk.Me().Who, true)[0], "/rpc")
	return s, id
}

// frames returns what was said to a topic, each as JSON.
func frames(t testing.TB, said, topic string) (all []map[string]any) {
	t.Helper()
	for l := range strings.Lines(said) {
		payload, ok := strings.CutPrefix(l, topic+" ")
		if !ok {
			continue
		}
		var v map[string]any
		if err := json.NewDecoder(strings.NewReader(payload)).Decode(&v); err != nil {
			t.Fatalf("%s has %s: %v", topic, payload, err)
		}
		all = append(all, v)
	}
	return all
}

func TestShellyIDs(t *testing.T) {
	for kind, prefix := range map[string]string{"plug": shellyPlug, "light": shellyBulb} {
		s, id := newShelly(t, kind, nil)
		mac, ok := strings.CutPrefix(id, prefix)
		if !ok || len(mac) != 12 || strings.ToLower(mac) != mac {
			t.Errorf("the id of a %s is %s; want %s and a MAC in lower case", kind, id, prefix)
		}
		if got := strings.Join(s.voice.AppendFilters(nil, &s.talk.Me().Who, true), " "); !strings.HasPrefix(got, id+"/rpc "+id+"/command "+id+"/command/") || strings.ContainsAny(got, "+#") {
			t.Errorf("AppendFilters = %s", got)
		}
		if p := s.voice.Reports().Presence; p.Online != "true" || p.Offline != "false" || p.Topic != prefix+"{mac-lower}/online" {
			t.Errorf("Presence = %v; want true, false on %s{mac-lower}/online", p, prefix)
		}
	}
}

func TestShellyHasNoThermostat(t *testing.T) {
	f, _ := faces.ByName("shelly")
	k, _ := devices.KindByName("thermostat")
	if _, err := f.New(faces.Settings{Kind: k, Options: f.Defaults}); err == nil || !strings.Contains(err.Error(), "a room thermostat") {
		t.Errorf("New for a thermostat = %v; want an error that says that there is none", err)
	}
}

// The frames of requests and their answers: result or error, on <src>/rpc.
func TestShellyRequests(t *testing.T) {
	for _, tt := range []struct{ name, kind, request, want string }{
		{"set", "plug", `{"id":7,"src":"me","method":"Switch.Set","params":{"id":0,"on":false}}`, `{"id":7,"src":"<id>","dst":"me","result":{"was_on":true}}`},
		{"names are free of case", "plug", `{"id":"x","src":"me","method":"switch.TOGGLE","params":{"id":0}}`, `{"id":"x","src":"<id>","dst":"me","result":{"was_on":true}}`},
		{"jsonrpc is allowed", "plug", `{"jsonrpc":"2.0","id":1,"src":"a/b","method":"Mqtt.GetStatus"}`, `{"id":1,"src":"<id>","dst":"a/b","result":{"connected":true}}`},
		{"an unknown method", "plug", `{"id":1,"src":"me","method":"Tea.Make"}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":404,"message":"No handler for Tea.Make"}}`},
		{"a method of another component", "plug", `{"id":1,"src":"me","method":"RGBCCT.Set","params":{"id":0,"on":true}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":404,"message":"No handler for RGBCCT.Set"}}`},
		{"another id", "plug", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":5,"on":true}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-105,"message":"Argument 'id', value 5 not found!"}}`},
		{"no id", "plug", `{"id":1,"src":"me","method":"Switch.Set","params":{"on":true}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-103,"message":"Missing or bad argument 'id'!"}}`},
		{"no value", "plug", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":0}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-103,"message":"Missing or bad argument 'on'!"}}`},
		{"a wrong type", "plug", `{"id":1,"src":"me","method":"Switch.Set","params":{"id":0,"on":"yes"}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-103,"message":"Missing or bad argument 'on'!"}}`},
		{"params of a wrong type", "plug", `{"id":1,"src":"me","method":"Switch.Set","params":[0]}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-103,"message":"Missing or bad argument 'params'!"}}`},
		{"a bulb", "light", `{"id":1,"src":"me","method":"RGBCCT.Set","params":{"id":0,"on":true,"brightness":40,"ct":4000}}`, `{"id":1,"src":"<id>","dst":"me","result":null}`},
		{"a bulb out of range", "light", `{"id":1,"src":"me","method":"RGBCCT.Set","params":{"id":0,"ct":9000}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-103,"message":"Missing or bad argument 'ct'!"}}`},
		{"a colour of two", "light", `{"id":1,"src":"me","method":"RGBCCT.Set","params":{"id":0,"rgb":[1,2]}}`, `{"id":1,"src":"<id>","dst":"me","error":{"code":-103,"message":"Missing or bad argument 'rgb'!"}}`},
	} {
		s, id := newShelly(t, tt.kind, nil)
		said := s.hear(id+"/rpc", tt.request)
		src := "me/rpc"
		if strings.Contains(tt.want, "a/b") {
			src = "a/b/rpc"
		}
		line, _, _ := strings.Cut(said, "\n")
		line, _, _ = strings.Cut(line, " (QoS")
		if want := src + " " + strings.ReplaceAll(tt.want, "<id>", id); line != want {
			t.Errorf("%s: it says\n%s\nwant\n%s", tt.name, line, want)
		}
	}
}

// Where answers go: to src and to the Response Topic, or to one of them, or nowhere.
func TestShellyAnswers(t *testing.T) {
	for _, tt := range []struct{ src, to, want string }{
		{`"src":"me",`, "", "me/rpc"},
		{`"src":"me",`, "rr", "me/rpc rr"},
		{``, "rr", "rr"},
		{``, "", ""},
		{`"src":"a+b",`, "rr", "rr"},
		{`"src":"$SYS",`, "rr", "rr"},
		{`"src":"<id>",`, "rr", "rr"}, // its own command topic
		{`"src":"a\u002fb",`, "", "a/b/rpc"},
	} {
		s, id := newShelly(t, "plug", nil)
		s.responseTopic = tt.to
		said := s.hear(id+"/rpc", strings.ReplaceAll(`{"id":1,`+tt.src+`"method":"Shelly.GetDeviceInfo"}`, "<id>", id))
		var topics []string
		for l := range strings.Lines(said) {
			topic, _, _ := strings.Cut(l, " ")
			topics = append(topics, topic)
		}
		if got := strings.Join(topics, " "); got != tt.want {
			t.Errorf("a request with %s and Response Topic %q is answered on %q; want %q", tt.src, tt.to, got, tt.want)
		}
	}
}

// What changes is notified, and no more than that; a status topic is only there if asked for.
func TestShellyNotifies(t *testing.T) {
	s, id := newShelly(t, "light", func(s *faces.Settings) { s.StatusNtf = true })
	s.hear(id+"/rpc", `{"id":1,"src":"me","method":"RGBCCT.Set","params":{"id":0,"on":true,"brightness":40,"rgb":[10,20,30]}}`)
	said := s.hear(id+"/rpc", `{"id":1,"src":"me","method":"RGBCCT.Set","params":{"id":0,"brightness":50}}`)
	events := frames(t, said, id+"/events/rpc")
	if len(events) != 1 {
		t.Fatalf("it notifies\n%swant once", said)
	}
	want := `map[brightness:50 id:0 source:MQTT]`
	if got := fmt.Sprint(events[0]["params"].(map[string]any)["rgbcct:0"]); got != want || events[0]["method"] != "NotifyStatus" || events[0]["dst"] != id+"/events" {
		t.Errorf("the notification is %v; want NotifyStatus with %s", events[0], want)
	}
	status := frames(t, said, id+"/status/rgbcct:0")
	if len(status) != 1 || status[0]["mode"] != "rgb" || fmt.Sprint(status[0]["rgb"]) != "[10 20 30]" || status[0]["brightness"] != 50.0 || status[0]["output"] != true {
		t.Errorf("the status is %v; want brightness 50, on, rgb 10, 20, 30", status)
	}
	s, id = newShelly(t, "plug", nil)
	if said := s.hear(id+"/command/switch:0", "off"); strings.Contains(said, "/status/") || len(frames(t, said, id+"/events/rpc")) != 1 {
		t.Errorf("without status_ntf it says\n%swant a notification alone", said)
	}
}

// A bulb keeps its level while it is off, and a colour does not switch it on.
func TestShellyBulbOff(t *testing.T) {
	s, id := newShelly(t, "light", nil)
	for _, request := range []string{`{"id":0,"on":true,"brightness":30}`, `{"id":0,"on":false}`, `{"id":0,"brightness":60}`, `{"id":0,"ct":4000}`} {
		s.hear(id+"/rpc", `{"id":1,"method":"RGBCCT.Set","params":`+request+`}`)
	}
	got := s.talk.Me().Model.(devices.Light).LightState()
	if got.On || got.Level != 60 || got.CT != 250 {
		t.Errorf("the light is %+v; want off, level 60, 250 mired", got)
	}
	s.hear(id+"/rpc", `{"id":1,"method":"RGBCCT.Set","params":{"id":0,"on":true}}`)
	s.responseTopic = "rr"
	status := frames(t, s.hear(id+"/rpc", `{"id":1,"method":"RGBCCT.GetStatus","params":{"id":0}}`), "rr")
	if r := status[0]["result"].(map[string]any); r["output"] != true || r["brightness"] != 60.0 || r["ct"] != 4000.0 || r["mode"] != "cct" {
		t.Errorf("its status is %v; want on, brightness 60, ct 4000", r)
	}
}

// toggle_after, and the seconds of a command, take the device back.
func TestShellyTimer(t *testing.T) {
	for _, m := range [][2]string{{"/rpc", `{"id":1,"method":"Switch.Set","params":{"id":0,"on":false,"toggle_after":5}}`}, {"/command/switch:0", "off,5"}} {
		s, id := newShelly(t, "plug", nil)
		s.hear(id+m[0], m[1])
		if s.later[faces.Later1] != 5*time.Second {
			t.Fatalf("after %s it is back in %v; want 5s", m[1], s.later[faces.Later1])
		}
		said := s.tell(faces.Later1)
		if plug := s.talk.Me().Model.(devices.Relay); !plug.IsOn() || !strings.Contains(said, `"output":true,"source":"timer"`) {
			t.Errorf("then it says\n%swant that it is on, by its timer", said)
		}
	}
	s, id := newShelly(t, "plug", nil)
	s.hear(id+"/command/switch:0", "off,5")
	s.hear(id+"/command/switch:0", "off")
	if said := s.tell(faces.Later1); said != "" {
		t.Errorf("a timer that another command ended says\n%swant nothing", said)
	}
}

func TestShellyCommands(t *testing.T) {
	s, id := newShelly(t, "plug", nil)
	if said := s.hear(id+"/command", "status_update"); len(frames(t, said, id+"/status/switch:0")) != 1 || len(frames(t, said, id+"/status/sys")) != 1 || len(frames(t, said, id+"/status/wifi")) != 1 {
		t.Errorf("status_update says\n%swant the status of every component", said)
	}
	if said := s.hear(id+"/command", "announce"); len(frames(t, said, id+"/announce")) != 1 {
		t.Errorf("announce says\n%swant the device's information", said)
	}
	for _, payload := range []string{"", "perhaps", "on,", "on,x", "on,-1"} {
		if said := s.hear(id+"/command/switch:0", payload); said != "" {
			t.Errorf("%q says\n%swant nothing", payload, said)
		}
	}
	status := frames(t, s.hear(id+"/command", "status_update"), id+"/status/switch:0")[0]
	for _, key := range []string{"id", "source", "output", "apower", "voltage", "freq", "current", "pf", "aenergy", "ret_aenergy", "temperature"} {
		if _, ok := status[key]; !ok {
			t.Errorf("the status of a plug has no %s: %v", key, status)
		}
	}
}

// Every attribute that a controller may name reaches the device.
func TestShellyAsked(t *testing.T) {
	for _, tt := range []struct{ kind, attribute, value, now string }{
		{"plug", "power", "OFF", "OFF"}, {"plug", "power", "TOGGLE", "OFF"}, {"plug", "energy", "reset", "0.000"}, {"plug", "energy", "", "0.000"},
		{"light", "power", "ON", "ON"}, {"light", "brightness", "40", "40"}, {"light", "color", "#0a141e", "#0a141e"},
		{"light", "ct", "250", "250"}, {"light", "ct", "4000K", "250"}, {"light", "power", "", "OFF"},
	} {
		s, id := newShelly(t, tt.kind, nil)
		me := s.talk.Me()
		attr, _ := me.Model.Kind().Attribute([]byte(tt.attribute))
		topic, payload := s.voice.(faces.Requester).AppendRequest(nil, nil, &me.Who, attr, tt.value)
		s.responseTopic = "rr"
		said := s.hear(string(topic), string(payload))
		if answers := frames(t, said, "rr"); string(topic) != id+"/rpc" || len(answers) != 1 || answers[0]["error"] != nil {
			t.Errorf("%s %s is answered\n%swant one result", topic, payload, said)
		}
		if got := string(me.Model.AppendValue(nil, attr)); got != tt.now {
			t.Errorf("after %s the %s's %s is %s; want %s", payload, tt.kind, tt.attribute, got, tt.now)
		}
	}
}

// Bad input changes nothing, and what is no request has no answer.
func TestShellyBadInput(t *testing.T) {
	const size = 1 << 20
	for _, payload := range []string{"", "null", "5", "[]", `"x"`, "{", `{"id":1}`, `{"method":5,"id":1,"src":"me"}`, strings.Repeat("[", size), strings.Repeat(`{"a":`, size/5),
		`{"id":1,"src":"me","method":"` + strings.Repeat("x", size) + `"}`, `{"id":"` + strings.Repeat("x", size) + `","src":"me","method":"Switch.Toggle","params":{"id":0}}`,
		strings.Repeat("\xff", size)} {
		s, id := newShelly(t, "plug", nil)
		if said := s.hear(id+"/rpc", payload); said != "" {
			t.Errorf("%.40q (%d bytes) says\n%.200swant nothing", payload, len(payload), said)
		}
		if !s.talk.Me().Model.(devices.Relay).IsOn() {
			t.Errorf("%.40q (%d bytes) switches the plug", payload, len(payload))
		}
	}
}
