package faces_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// newTasmota returns a device and its topic.
func newTasmota(t testing.TB, kind string, set func(*faces.Settings)) (*speaker, string) {
	s := newSpeaker(t, "tasmota", kind, "d1", func(s *faces.Settings) {
		s.Telemetry = 5 * time.Minute
		if set != nil {
			set(s)
		}
	})
	filter := s.voice.AppendFilters(nil, &s.talk.Me().Who, true)[0]
	return s, strings.TrimSuffix(strings.TrimPrefix(filter, "cmnd/"), "/#")
}

// after returns what was said on a topic, in order.
func after(said, topic string) (payloads []string) {
	for l := range strings.Lines(said) {
		if p, ok := strings.CutPrefix(l, topic+" "); ok {
			payloads = append(payloads, strings.TrimSuffix(p, "\n"))
		}
	}
	return payloads
}

// keys returns those of a JSON object in their order.
func keys(t testing.TB, payload string) (all []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(payload))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("%s is no object", payload)
	}
	for d.More() {
		key, _ := d.Token()
		all = append(all, key.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
	}
	return all
}

// member returns a member of a JSON object, down a path.
func member(t testing.TB, payload string, path ...string) string {
	t.Helper()
	for _, p := range path {
		var v map[string]json.RawMessage
		if err := json.Unmarshal([]byte(payload), &v); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		payload = string(v[p])
	}
	return payload
}

// Where it hears: its own topic, all groups, and the fallback topic, each at any depth.
func TestTasmotaTopics(t *testing.T) {
	s, topic := newTasmota(t, "plug", func(s *faces.Settings) { s.Groups = []string{"kitchen"} })
	if !regexp.MustCompile(`^tasmota_[0-9A-F]{6}$`).MatchString(topic) {
		t.Errorf("the topic is %s; want tasmota_ and six digits of the MAC", topic)
	}
	tail := strings.TrimPrefix(topic, "tasmota_")
	who := &s.talk.Me().Who
	want := "cmnd/" + topic + "/# cmnd/tasmotas/# cmnd/kitchen/# cmnd/DVES_" + tail + "_fb/#"
	if got := strings.Join(s.voice.AppendFilters(nil, who, true), " "); got != want {
		t.Errorf("AppendFilters = %s; want %s", got, want)
	}
	for _, f := range s.voice.AppendFilters(nil, who, false) {
		if strings.ContainsAny(f, "+#") || !s.voice.Owns(who, []byte(f)) {
			t.Errorf("without wildcards it asks for %s; want a topic of its own", f)
		}
	}
	for _, tt := range []struct {
		topic string
		want  bool
	}{
		{"cmnd/" + topic + "/POWER", true}, {"cmnd/" + topic, true}, {"cmnd/" + topic + "/a/b", true}, {"cmnd/tasmotas/x", true},
		{"cmnd/kitchen/x", true}, {"cmnd/DVES_" + tail + "_fb/x", true}, {"cmnd/" + topic + "x/POWER", false}, {"stat/" + topic + "/POWER", false},
		{"cmnd/tasmota_000000/POWER", false}, {"cmnd/", false}, {"", false}, {"cmnd/DVES_" + tail + "/x", false},
	} {
		if got := s.voice.Owns(who, []byte(tt.topic)); got != tt.want {
			t.Errorf("Owns(%q) = %v; want %v", tt.topic, got, tt.want)
		}
	}
	for _, full := range []string{"%topic%/%prefix%/", "home/%prefix%/%topic%"} {
		s, _ := newTasmota(t, "plug", func(s *faces.Settings) { s.FullTopic = full })
		who := &s.talk.Me().Who
		own := strings.TrimSuffix(strings.NewReplacer("%topic%", topic, "%prefix%", "cmnd").Replace(full), "/") + "/"
		stat := strings.Replace(own, "cmnd", "stat", 1)
		if got := s.hear(own+"POWER", ""); got != stat+"RESULT {\"POWER\":\"ON\"}\n"+stat+"POWER ON\n" {
			t.Errorf("with full topic %s it says\n%s", full, got)
		}
		if p := s.voice.Reports().Presence.Topic; p != strings.Replace(strings.Replace(own, "cmnd", "tele", 1), topic, "tasmota_{mac:6}", 1)+"LWT" {
			t.Errorf("with full topic %s its presence is on %s", full, p)
		}
		if !s.voice.Owns(who, []byte("cmnd/DVES_"+tail+"_fb/POWER")) {
			t.Errorf("with full topic %s the fallback topic is not its own", full)
		}
	}
}

func TestTasmotaRefuses(t *testing.T) {
	f, _ := faces.ByName("tasmota")
	for _, tt := range []struct {
		kind string
		set  func(*faces.Options)
		want string
	}{
		{"bridge", func(*faces.Options) {}, "want light, plug or thermostat"},
		{"plug", func(o *faces.Options) { o.FullTopic = "%prefix%/x" }, "want %prefix% and %topic% in it"},
		{"plug", func(o *faces.Options) { o.FullTopic = "%prefix%/%topic%/%hostname%" }, "want %prefix% and %topic% in it"},
		{"plug", func(o *faces.Options) { o.Discovery = "components" }, `want "device" or "none"`},
	} {
		k, _ := devices.KindByName(tt.kind)
		o := f.Defaults
		tt.set(&o)
		if _, err := f.New(faces.Settings{Kind: k, Options: o}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("New of a %s with %+v = %v; want an error with %q", tt.kind, o, err, tt.want)
		}
	}
}

// fault is what [spoken] adds to a message that says that a command was not carried out.
var fault = regexp.MustCompile(` \(fault: [^)]*\)`)

// What each command has the device say, as the facts have it. A command is "word value".
func TestTasmotaCommands(t *testing.T) {
	const light = `{"POWER":"ON","Dimmer":40,"Color":"0066000000","HSBColor":"120,100,40","White":0,"CT":370,"Channel":[0,40,0,0,0]}`
	for _, tt := range []struct{ kind, before, command, want string }{
		{"plug", "", "Power", `RESULT {"POWER":"ON"}|POWER ON`},
		{"plug", "", "power1 off", `RESULT {"POWER":"OFF"}|POWER OFF`},
		{"plug", "", "POWER toggle", `RESULT {"POWER":"OFF"}|POWER OFF`},
		{"plug", "", "POWER 2", `RESULT {"POWER":"OFF"}|POWER OFF`},
		{"plug", "", "POWER perhaps", `RESULT {"POWER":"ON"}|POWER ON`},
		{"plug", "", "POWER ?", `RESULT {"POWER":"ON"}|POWER ON`},
		{"plug", "", "Power0 FALSE", `RESULT {"POWER":"OFF"}|POWER OFF`},
		{"plug", "", "Power2 ON", `RESULT {"Command":"Error"}`},
		{"plug", "", "POWER 3", `RESULT {"POWER":"Blink ON"}`},
		{"plug", "", "POWER blinkoff", `RESULT {"POWER":"Blink OFF"}`},
		{"plug", "", "Tea", `RESULT {"Command":"Unknown"}`},
		{"plug", "", "Dimmer 40", `RESULT {"Command":"Unknown"}`},
		{"plug", "", "Status 99", `RESULT {"Command":"Error"}`},
		{"light", "", "Status 9", `RESULT {"Command":"Error"}`},
		{"plug", "", "Backlog", `RESULT {"Backlog":"Empty"}`},
		{"plug", "Backlog Power;Power", "Backlog", `RESULT {"Backlog":"Aborted"}`},
		{"plug", "", "TelePeriod", `RESULT {"TelePeriod":300}`},
		{"plug", "", "PowerOnState 1", `RESULT {"PowerOnState":1}`},
		{"plug", "", "PulseTime 15", `RESULT {"PulseTime1":{"Set":15,"Remaining":0}}`},
		{"plug", "", "BlinkCount 3", `RESULT {"BlinkCount":3}`},
		{"plug", "", "BlinkTime 4000", `RESULT {"BlinkTime":10}`},
		{"plug", "", "SetOption4", `RESULT {"SetOption4":"OFF"}`},
		{"plug", "SetOption4 1", "Power off", `POWER {"POWER":"OFF"}|POWER OFF`},
		{"plug", "SetOption4 1", "PowerOnState", `POWERONSTATE {"PowerOnState":3}`},
		{"plug", "SetOption90 1", "Power off", `RESULT {"POWER":"OFF"}`},
		{"plug", "", "SetOption34 300", `RESULT {"SetOption34":300}`},
		{"plug", "", "SetOption", `RESULT {"Command":"Error"}`},
		{"plug", "", "SetOption500 1", `RESULT {"Command":"Error"}`},
		{"plug", "", "Restart 1", `RESULT {"Command":"Error"}`},
		{"plug", "", "EnergyTotal 12346", `RESULT {"EnergyTotal":{"Total":12.346,"Yesterday":0.000,"Today":0.000}}`},
		{"plug", "EnergyTotal 5000", "EnergyToday 200", `RESULT {"EnergyToday":{"Total":5.000,"Yesterday":0.000,"Today":0.200}}`},
		{"plug", "", "PowerDelta 101", `RESULT {"PowerDelta":101}`},
		{"light", "HsbColor 120,100,40", "Dimmer", "RESULT " + light},
		{"light", "HsbColor 120,100,20", "Dimmer 40", "RESULT " + light},
		{"light", "HsbColor 120,100,30", "Dimmer +", "RESULT " + light},
		{"light", "HsbColor 120,100,50", "Dimmer -", "RESULT " + light},
		{"light", "HsbColor 120,100,60", "Dimmer -20", "RESULT " + light},
		{"light", "HsbColor 120,100,40", "Dimmer 200", "RESULT " + light},
		{"light", "HsbColor 120,0,40", "HsbColor2 100", "RESULT " + light},
		{"light", "HsbColor 0,100,40", "HSBColor1 120", "RESULT " + light},
		{"light", "HsbColor 0,100,40", "HSBColor 120", "RESULT " + light},
		{"light", "", "Color 0,102,0,0,0", "RESULT " + light},
		{"light", "", "Color #006600", "RESULT " + light},
		{"light", "Dimmer 40", "Color2 #00ff00", "RESULT " + light},
		{"light", "HsbColor 120,100,30", "Channel2 40", "RESULT " + light},
		{"light", "", "Dimmer 0", `RESULT {"POWER":"OFF","Dimmer":100,"Color":"000000609F","HSBColor":"0,0,100","White":100,"CT":370,"Channel":[0,0,0,38,62]}`},
		{"light", "HsbColor 120,100,40", "CT 300", `RESULT {"POWER":"ON","Dimmer":40,"Color":"0000003B2B","HSBColor":"120,100,40","White":40,"CT":300,"Channel":[0,0,0,23,17]}`},
		{"light", "CT 300", "CT +", `RESULT {"POWER":"ON","Dimmer":100,"Color":"0000007A8`},
		{"light", "", "White 30", `RESULT {"POWER":"ON","Dimmer":30,"Color":"0000001D`},
		{"light", "", "Fade 1", `RESULT {"Fade":"ON"}`},
		{"light", "", "Fade2 1", `RESULT {"Fade":"OFF"}`},
		{"light", "", "Speed 20", `RESULT {"Speed":20}`},
		{"light", "", "Speed2 20", `RESULT {"Speed2":20}`},
		{"light", "", "Scheme 2", `RESULT {"Scheme":2}`},
		{"light", "", "Power ON", `RESULT {"POWER":"ON"}|POWER ON`},
		{"light", "SetOption17 1", "HsbColor 120,100,40", `RESULT {"POWER":"ON","Dimmer":40,"Color":"0,102,0,0,0",`},
		{"light", "SetOption20 1", "Dimmer 40", `RESULT {"POWER":"OFF","Dimmer":40,`},
		{"light", "SetOption82 1", "CT 500", `RESULT {"POWER":"ON","Dimmer":100,"Color":"0000005`},
		{"thermostat", "", "TempTargetSet 22.5", `RESULT {"TempTargetSet1":"22.50"}`},
		{"thermostat", "", "TempTargetSet 3", `RESULT {"TempTargetSet1":"21.00"}`},
		{"thermostat", "ThermostatModeSet 0", "ThermostatModeSet 1", `RESULT {"ThermostatModeSet1":1}|RESULT {"POWER":"ON"}|POWER ON`},
		{"thermostat", "", "ThermostatModeSet1 7", `RESULT {"ThermostatModeSet1":1}`},
		{"thermostat", "", "Power OFF", `RESULT {"POWER":"ON"}|POWER ON`},
		{"thermostat", "", "CtrDutyCycleRead", `RESULT {"CtrDutyCycleRead":100}`},
		{"thermostat", "", "TempFrostProtectSet", `RESULT {"TempFrostProtectSet":"4.0"}`},
	} {
		s, topic := newTasmota(t, tt.kind, nil)
		send := func(line string) string {
			word, value, _ := strings.Cut(line, " ")
			return s.hear("cmnd/"+topic+"/"+word, value)
		}
		if tt.before != "" {
			send(tt.before)
		}
		got := fault.ReplaceAllString(strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(send(tt.command), "\n"), "stat/"+topic+"/", ""), "\n", "|"), "")
		if got != tt.want && !(strings.HasSuffix(tt.want, ",") || !strings.HasSuffix(tt.want, "}")) || !strings.HasPrefix(got, tt.want) {
			t.Errorf("a %s after %q says to %q\n%s\nwant\n%s", tt.kind, tt.before, tt.command, got, tt.want)
		}
	}
}

// Each message that a command makes at once goes to the Response Topic as well, verbatim,
// and says whether another follows; what a Backlog makes goes nowhere else.
func TestTasmotaAnswers(t *testing.T) {
	s, topic := newTasmota(t, "plug", nil)
	s.responseTopic = "rr/1"
	own := "stat/" + topic + "/"
	if got, want := s.hear("cmnd/"+topic+"/Power", "OFF"), own+"RESULT {\"POWER\":\"OFF\"}\nrr/1 {\"POWER\":\"OFF\"}\n"+own+"POWER OFF\nrr/1 OFF\n"; got != want {
		t.Errorf("Power says\n%swant\n%s", got, want)
	}
	s.voice.Hear(&s.talk, []byte("cmnd/"+topic+"/Status"), []byte("0"))
	var topics []string
	var more strings.Builder
	for _, m := range s.said {
		if m.topic != "rr/1" {
			topics = append(topics, strings.TrimPrefix(m.topic, own))
			continue
		}
		more.WriteString(map[bool]string{true: "+", false: "."}[m.m.More])
		if !m.m.Bare {
			t.Errorf("%s is answered with properties of its own", m.payload)
		}
	}
	s.said = nil
	if got := strings.Join(topics, " "); got != "STATUS STATUS1 STATUS2 STATUS3 STATUS4 STATUS5 STATUS6 STATUS7 STATUS9 STATUS10 STATUS11" || more.String() != "++++++++++." {
		t.Errorf("Status 0 says %s, and that more follows %s", got, more.String())
	}
	if got := s.hear("cmnd/"+topic+"/Backlog", "Power1 ON"); got != own+"RESULT {\"POWER\":\"ON\"}\n"+own+"POWER ON\n" {
		t.Errorf("a Backlog says\n%swant what Power ON says, and nothing on the Response Topic", got)
	}
	if got := s.hear("cmnd/"+topic+"/Backlog2", "Power1 OFF"); got != "" || s.talk.Me().Model.(devices.Relay).IsOn() {
		t.Errorf("a Backlog2 says\n%swant nothing, and that it is off", got)
	}
}

// A Backlog waits between its commands unless it is told not to, and takes 30 of them.
func TestTasmotaBacklog(t *testing.T) {
	s, topic := newTasmota(t, "plug", nil)
	backlog := func(word, value string) []string {
		return after(s.hear("cmnd/"+topic+"/"+word, value), "stat/"+topic+"/RESULT")
	}
	if got := backlog("Backlog", "PowerOnState 1; PowerOnState 2 ;NoDelay;PowerOnState 3"); len(got) != 1 || s.later[faces.Later2] != 200*time.Millisecond {
		t.Errorf("at first it says %v, and goes on in %v; want one, 200ms", got, s.later[faces.Later2])
	}
	if got := after(s.tell(faces.Later2), "stat/"+topic+"/RESULT"); strings.Join(got, " ") != `{"PowerOnState":2} {"PowerOnState":3}` {
		t.Errorf("then it says %v; want 2 and 3", got)
	}
	if got := s.tell(faces.Later2); got != "" {
		t.Errorf("in the end it says\n%swant nothing", got)
	}
	if got := backlog("Backlog0", strings.Repeat("Status 99;", 40)); len(got) != 30 {
		t.Errorf("of 40 commands it carries out %d; want 30", len(got))
	}
	if got := backlog("Backlog0", `Backlog PowerOnState 4;Reset 1;;Tea {"a;b":1};PowerOnState 5`); fault.ReplaceAllString(strings.Join(got, " "), "") != `{"PowerOnState":4} {"Command":"Unknown"} {"PowerOnState":5}` {
		t.Errorf("it says %v; want 4, Unknown once and 5", got)
	}
}

// It boots once: INFO and its relay at once, its first reports after 5 s, and the
// announcement after 10 s, or 1 s after a later connection.
func TestTasmotaBoots(t *testing.T) {
	s, topic := newTasmota(t, "plug", nil)
	s.talk.First = true
	said := s.tell(faces.Online)
	var topics []string
	for l := range strings.Lines(said) {
		name, _, _ := strings.Cut(l, " ")
		topics = append(topics, name)
	}
	want := strings.ReplaceAll("tele/<t>/INFO1 tele/<t>/INFO2 tele/<t>/INFO3 stat/<t>/RESULT stat/<t>/POWER", "<t>", topic)
	if got := strings.Join(topics, " "); got != want || strings.Contains(said, "retained") || s.later[faces.Later1] != 5*time.Second {
		t.Errorf("it says %s, and more in %v; want %s, 5s", got, s.later[faces.Later1], want)
	}
	said = s.tell(faces.Later1)
	if state, sensor := after(said, "tele/"+topic+"/STATE"), after(said, "tele/"+topic+"/SENSOR"); len(state) != 1 || len(sensor) != 1 || s.later[faces.Later1] != 5*time.Second {
		t.Errorf("after 5 s it says\n%swant STATE and SENSOR", said)
	}
	mac := string(s.talk.Me().AppendMAC(nil))
	said = s.tell(faces.Later1)
	if config := after(said, "tasmota/discovery/"+mac+"/config"); len(config) != 1 || !strings.HasSuffix(config[0], "(retained)") || strings.Count(said, "\n") != 2 {
		t.Errorf("after 10 s it says\n%swant config and sensors, retained", said)
	}
	s.talk.First = false
	if said := s.tell(faces.Online); said != "" || s.later[faces.Later1] != time.Second {
		t.Errorf("on a later connection it says\n%sand more in %v; want nothing, 1s", said, s.later[faces.Later1])
	}
	if said := s.tell(faces.Later1); strings.Count(said, "tasmota/discovery/") != 2 {
		t.Errorf("then it says\n%swant its announcement", said)
	}
	s.hear("cmnd/"+topic+"/TelePeriod", "")
	if said := s.tell(faces.Later1); strings.Count(said, "\n") != 2 || !strings.Contains(said, "/SENSOR") {
		t.Errorf("soon after an empty TelePeriod it says\n%swant STATE and SENSOR", said)
	}
	s.hear("cmnd/"+topic+"/SetOption19", "1")
	if said := s.tell(faces.Later1); said != "tasmota/discovery/"+mac+"/config  (retained)\ntasmota/discovery/"+mac+"/sensors  (retained)\n" {
		t.Errorf("with SetOption19 it says\n%swant its announcement taken back", said)
	}
}

// The members of every message, in the firmware's order.
func TestTasmotaKeys(t *testing.T) {
	state := "Time Uptime UptimeSec Heap SleepMode Sleep LoadAvg MqttCount"
	light := "POWER Dimmer Color HSBColor White CT Channel Scheme Fade Speed LedTable"
	energy := "TotalStartTime Total Yesterday Today Power ApparentPower ReactivePower Factor Voltage Current"
	for _, tt := range []struct{ kind, status, path, want string }{
		{"light", "11", "StatusSTS", state + " " + light + " Wifi"},
		{"plug", "11", "StatusSTS", state + " POWER Wifi"},
		{"plug", "11", "StatusSTS Wifi", "AP SSId BSSId Channel Mode RSSI Signal LinkCount Downtime"},
		{"plug", "10", "StatusSNS", "Time ENERGY"},
		{"plug", "8", "StatusSNS ENERGY", energy},
		{"light", "10", "StatusSNS", "Time"},
		{"thermostat", "10", "StatusSNS", "Time DS18B20 Thermostat0 TempUnit"},
		{"thermostat", "10", "StatusSNS Thermostat0", "ThermostatModeSet TempTargetSet CtrDutyCycleRead ControlMethod HybridControllerPhase EmergencyState"},
		{"plug", "", "Status", "Module DeviceName FriendlyName Topic ButtonTopic Power PowerLock PowerOnState LedState LedMask SaveData SaveState SwitchTopic SwitchMode ButtonRetain SwitchRetain SensorRetain PowerRetain InfoRetain StateRetain StatusRetain"},
		{"plug", "None", "Status", "Module DeviceName FriendlyName Topic ButtonTopic Power PowerLock PowerOnState LedState LedMask SaveData SaveState SwitchTopic SwitchMode ButtonRetain SwitchRetain SensorRetain PowerRetain InfoRetain StateRetain StatusRetain"},
		{"plug", "1", "StatusPRM", "Baudrate SerialConfig GroupTopic OtaUrl RestartReason Uptime StartupUTC Sleep CfgHolder BootCount BCResetTime SaveCount"},
		{"plug", "2", "StatusFWR", "Version BuildDateTime Boot Core SDK CpuFrequency Hardware CR"},
		{"plug", "5", "StatusNET", "Hostname IPAddress Gateway Subnetmask DNSServer1 DNSServer2 Mac Webserver HTTP_API WifiConfig WifiPower"},
		{"plug", "6", "StatusMQT", "MqttHost MqttPort MqttClientMask MqttClient MqttUser MqttCount MAX_PACKET_SIZE KEEPALIVE SOCKET_TIMEOUT"},
	} {
		s, topic := newTasmota(t, tt.kind, nil)
		said := s.hear("cmnd/"+topic+"/STATUS", tt.status)
		number := strings.TrimRight(tt.status, "None")
		payloads := after(said, "stat/"+topic+"/STATUS"+number)
		if len(payloads) != 1 || strings.Count(said, "\n") != 1 {
			t.Errorf("Status %s says\n%swant one message on STATUS%s", tt.status, said, number)
			continue
		}
		if got := strings.Join(keys(t, member(t, payloads[0], strings.Fields(tt.path)...)), " "); got != tt.want {
			t.Errorf("%s of Status %s of a %s has\n%s\nwant\n%s", tt.path, tt.status, tt.kind, got, tt.want)
		}
	}
	s, topic := newTasmota(t, "plug", nil)
	sensor := after(s.tell(faces.Reported), "tele/"+topic+"/SENSOR")[0]
	if got := strings.Join(keys(t, member(t, sensor, "ENERGY")), " "); got != strings.Replace(energy, "Today ", "Today Period ", 1) {
		t.Errorf("ENERGY of SENSOR has %s; want Period after Today", got)
	}
	if got := keys(t, member(t, after(s.hear("cmnd/"+topic+"/Status0", ""), "stat/"+topic+"/STATUS0")[0])); len(got) != 11 {
		t.Errorf("STATUS0 has %v; want eleven parts", got)
	}
}

// While the relay is open nothing flows, and the voltage stays.
func TestTasmotaOpenRelay(t *testing.T) {
	s, topic := newTasmota(t, "plug", nil)
	s.hear("cmnd/"+topic+"/Power", "OFF")
	sensor := member(t, after(s.tell(faces.Reported), "tele/"+topic+"/SENSOR")[0], "ENERGY")
	for key, want := range map[string]string{"Power": "0", "ApparentPower": "0", "ReactivePower": "0", "Factor": "0.00", "Current": "0.000"} {
		if got := member(t, sensor, key); got != want {
			t.Errorf("%s is %s; want %s", key, got, want)
		}
	}
	if v := member(t, sensor, "Voltage"); len(v) != 3 || v[0] != '2' {
		t.Errorf("Voltage is %s; want that of the mains", v)
	}
}

// Fade and Speed are half seconds for the whole way, and with SetOption117 for any.
func TestTasmotaFades(t *testing.T) {
	for _, tt := range []struct {
		commands []string
		want     time.Duration
	}{
		{[]string{"Fade 1", "Speed 4", "Dimmer 100"}, time.Second}, // from 50 %
		{[]string{"Fade 1", "Speed 4", "Dimmer 75"}, 500 * time.Millisecond},
		{[]string{"Speed 4", "Dimmer 100"}, devices.Never},
		{[]string{"Speed2 8", "Dimmer 100"}, 2 * time.Second},
		{[]string{"Speed2 8", "Dimmer 100", "Dimmer 50"}, devices.Never}, // for one change
		{[]string{"Fade 1", "Fade2 0", "Dimmer 100"}, devices.Never},
		{[]string{"Fade 1", "Speed 4", "SetOption117 1", "Dimmer 75"}, 2 * time.Second},
		{[]string{"Fade 1", "Speed 4", "Power OFF"}, time.Second},
	} {
		s, topic := newTasmota(t, "light", nil)
		for _, c := range append([]string{"Dimmer 50"}, tt.commands...) {
			word, value, _ := strings.Cut(c, " ")
			s.hear("cmnd/"+topic+"/"+word, value)
		}
		if got := s.talk.Me().Model.Next(); got != tt.want {
			t.Errorf("after %v it fades for %v; want %v", tt.commands, got, tt.want)
		}
	}
}

// A blink ends as it was before, and a PulseTime switches off.
func TestTasmotaTimers(t *testing.T) {
	s, topic := newTasmota(t, "plug", nil)
	relay := s.talk.Me().Model.(devices.Relay)
	s.hear("cmnd/"+topic+"/BlinkCount", "2")
	s.hear("cmnd/"+topic+"/Power", "BLINK")
	var seen []bool
	for range 6 {
		s.tell(faces.Later3)
		seen = append(seen, relay.IsOn())
	}
	if want := []bool{false, true, false, true, true, true}; !slices.Equal(seen, want) || s.later[faces.Later3] != time.Second {
		t.Errorf("it blinks %v, every %v; want %v, 1s", seen, s.later[faces.Later3], want)
	}
	s.hear("cmnd/"+topic+"/PulseTime", "115")
	s.hear("cmnd/"+topic+"/Power", "ON")
	if s.later[faces.Later3] != 15*time.Second {
		t.Errorf("PulseTime 115 is %v; want 15s", s.later[faces.Later3])
	}
	if said := s.tell(faces.Later3); relay.IsOn() || !strings.Contains(said, "/POWER OFF") {
		t.Errorf("when it is over it says\n%swant that it is off", said)
	}
}

// What happens without a command is said as of a button; a fade's end is nothing new.
func TestTasmotaChanges(t *testing.T) {
	s, topic := newTasmota(t, "light", nil)
	me := s.talk.Me()
	s.tell(faces.Changed)
	if said := s.tell(faces.Changed); said != "" {
		t.Errorf("without a change it says\n%swant nothing", said)
	}
	attr, _ := me.Model.Kind().Attribute([]byte("power"))
	_, _ = me.Model.Do(attr, []byte("ON"))
	if said := s.tell(faces.Changed); said != "stat/"+topic+"/RESULT {\"POWER\":\"ON\"}\nstat/"+topic+"/POWER ON\n" {
		t.Errorf("switched on by hand it says\n%swant RESULT and POWER", said)
	}
	s.hear("cmnd/"+topic+"/Speed2", "4")
	s.hear("cmnd/"+topic+"/Dimmer", "20")
	changed := me.Model.Step(time.Minute)
	s.voice.Tell(&s.talk, faces.Changed, changed)
	if said := s.lines(); changed == 0 || said != "" {
		t.Errorf("at the end of a fade it says\n%swant nothing", said)
	}
}

// Every attribute that a controller may name reaches the device.
func TestTasmotaAsked(t *testing.T) {
	for _, tt := range []struct{ kind, attribute, value, word, now string }{
		{"plug", "power", "OFF", "POWER", "OFF"}, {"plug", "power", "TOGGLE", "POWER", "OFF"}, {"plug", "energy", "reset", "EnergyTotal", "0.000"},
		{"light", "power", "ON", "POWER", "ON"}, {"light", "brightness", "40", "Dimmer", "40"}, {"light", "color", "#ff0000", "Color2", "#ff0000"},
		{"light", "color", "120,100,50", "HSBColor", "#00ff00"}, {"light", "ct", "250", "CT", "250"}, {"light", "ct", "4000K", "CT", "250"},
		{"light", "power", "", "POWER", "OFF"}, {"light", "transition", "0", "Fade", "0"},
		{"thermostat", "mode", "off", "ThermostatModeSet", "off"}, {"thermostat", "mode", "heat", "ThermostatModeSet", "heat"},
		{"thermostat", "target", "19.5", "TempTargetSet", "19.5"}, {"thermostat", "power", "OFF", "ThermostatModeSet", "OFF"},
		{"thermostat", "temperature", "", "TempMeasuredRead", "20.0"}, {"thermostat", "action", "", "POWER", "heating"},
	} {
		s, topic := newTasmota(t, tt.kind, nil)
		me := s.talk.Me()
		attr, _ := me.Model.Kind().Attribute([]byte(tt.attribute))
		if err := s.voice.(faces.Selective).CheckRequest(attr, tt.value); err != nil {
			t.Errorf("CheckRequest(%s, %q) = %v; want nil", tt.attribute, tt.value, err)
		}
		at, payload := s.voice.(faces.Requester).AppendRequest(nil, nil, &me.Who, attr, tt.value)
		s.responseTopic = "rr"
		said := s.hear(string(at), string(payload))
		if answers := after(said, "rr"); string(at) != "cmnd/"+topic+"/"+tt.word || len(answers) == 0 || strings.Contains(said, `"Command"`) {
			t.Errorf("%s %s is answered\n%swant a reply to %s", at, payload, said, tt.word)
		}
		if got := string(me.Model.AppendValue(nil, attr)); got != tt.now {
			t.Errorf("after %s %s the %s's %s is %s; want %s", at, payload, tt.kind, tt.attribute, got, tt.now)
		}
		own := s.voice.(faces.Answerer).AppendAnswerTopic(nil, &me.Who, attr)
		if replies := after(said, string(own)); len(replies) == 0 || replies[0] != after(said, "rr")[0] {
			t.Errorf("%s is answered on %s with %v; want the reply first, and then what else the relay does", at, own, replies)
		}
	}
	for _, tt := range [][3]string{{"plug", "load", "tv"}, {"thermostat", "window", "open"}, {"light", "transition", "2"}, {"thermostat", "target", "+0.5"}, {"thermostat", "power", "TOGGLE"}} {
		s, _ := newTasmota(t, tt[0], nil)
		attr, _ := s.talk.Me().Model.Kind().Attribute([]byte(tt[1]))
		if err := s.voice.(faces.Selective).CheckRequest(attr, tt[2]); err == nil {
			t.Errorf("CheckRequest(%s, %q) of a %s = nil; want an error", tt[1], tt[2], tt[0])
		}
	}
}

// With retain, the plain state and the reports are retained, until SetOption104.
func TestTasmotaRetains(t *testing.T) {
	s, topic := newTasmota(t, "plug", func(s *faces.Settings) { s.Retain = true })
	retained := func(said string) (names []string) {
		for l := range strings.Lines(said) {
			if name, _, _ := strings.Cut(l, " "); strings.Contains(l, "(retained)") {
				names = append(names, name)
			}
		}
		return names
	}
	got := fmt.Sprint(retained(s.hear("cmnd/"+topic+"/Power", "OFF") + s.tell(faces.Reported)))
	if want := strings.ReplaceAll("[stat/<t>/POWER tele/<t>/STATE tele/<t>/SENSOR]", "<t>", topic); got != want {
		t.Errorf("retained is %s; want %s", got, want)
	}
	s.hear("cmnd/"+topic+"/SetOption104", "1")
	if got := retained(s.hear("cmnd/"+topic+"/Power", "OFF") + s.tell(faces.Reported)); got != nil {
		t.Errorf("with SetOption104 %s is retained; want nothing", got)
	}
}

// Bad input has the firmware's reaction, changes nothing, and what does not fit into a
// packet of its is passed over.
func TestTasmotaBadInput(t *testing.T) {
	const size = 1 << 20
	for _, word := range []string{"Power", "Dimmer", "Color", "HSBColor", "CT", "Backlog", "Status", "x"} {
		for _, payload := range []string{strings.Repeat("[", size), strings.Repeat(`{"a":`, size/5), strings.Repeat("Power ON;", size/9), strings.Repeat("\xff", size), strings.Repeat("9", size)} {
			s, topic := newTasmota(t, "light", nil)
			if said := s.hear("cmnd/"+topic+"/"+word, payload); said != "" {
				t.Errorf("%s with %.20q (%d bytes) says\n%.200swant nothing", word, payload, len(payload), said)
			}
		}
		for _, payload := range []string{"\x00", "\xff\xfe", `{"state":"ON"}`, "999999999999999999999", "#", "#12", "#gggggg", ",,,", "NaN"} {
			s, topic := newTasmota(t, "light", nil)
			before := s.talk.Me().Model.(devices.Light).LightState()
			s.hear("cmnd/"+topic+"/"+word, payload)
			after := s.talk.Me().Model.(devices.Light).LightState()
			if word != "Color" && word != "HSBColor" && after != before { // which read what they can
				t.Errorf("%s %q makes %+v of %+v", word, payload, after, before)
			}
		}
	}
}

// A command that is only carried out and answered takes no memory.
func TestTasmotaAllocates(t *testing.T) {
	for _, tt := range []struct {
		kind, word, value string
		most              float64
	}{{"plug", "POWER", "TOGGLE", 0}, {"light", "Dimmer", "40", 4}, {"light", "POWER", "TOGGLE", 0}} {
		s, topic := newTasmota(t, tt.kind, nil)
		s.talk.Out = silent{}
		at, payload := []byte("cmnd/"+topic+"/"+tt.word), []byte(tt.value)
		if n := testing.AllocsPerRun(100, func() { s.voice.Hear(&s.talk, at, payload) }); n > tt.most {
			t.Errorf("%s %s of a %s allocates %v times; want %v", tt.word, tt.value, tt.kind, n, tt.most)
		}
	}
}

// silent is an Out that keeps nothing.
type silent struct{}

func (silent) Say(*faces.Message) bool                 { return true }
func (silent) Later(time.Duration, faces.Occasion)     {}
func (silent) Draw() float64                           { return 0 }
func (silent) Now() (wall time.Time, up time.Duration) { return noon, time.Minute }
