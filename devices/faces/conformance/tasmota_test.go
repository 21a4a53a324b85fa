package conformance

import (
	"strings"
	"testing"
)

const (
	tasmotaMAC    = "02AB01D2E3F4"
	tasmotaConfig = `{"ip":"10.1.2.3","dn":"lamp","fn":["lamp",null],"hn":"tasmota-D2E3F4-0001","mac":"02AB01D2E3F4","md":"Bulb","ty":0,"if":0,"cam":0,` +
		`"ofln":"Offline","onln":"Online","state":["OFF","ON","TOGGLE","HOLD"],"sw":"15.1.0","t":"tasmota_D2E3F4","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],` +
		`"rl":[2,0],"swc":[-1],"swn":[null],"btn":[0],"so":{"4":0,"11":0,"13":0,"17":0,"20":0,"30":0,"68":0,"73":0,"82":0,"114":0,"117":0},"lk":1,"lt_st":5,"bat":0,"dslp":0,"sho":[],"sht":[],"ver":1}`
	tasmotaSensors = `{"sn":{"Time":"2026-11-30T12:00:00","DS18B20":{"Id":"x","Temperature":20.5},"TempUnit":"C"},"ver":1}`
)

// What is right is taken, and of each rule what breaks it is found.
func TestTasmotaRules(t *testing.T) {
	for _, tt := range []struct{ of, from, to, want string }{
		{"config", "", "", ""},
		{"sensors", "", "", ""},
		{"config", `"ver":1`, `"ver":2`, "ver is 2"},
		{"config", `"mac":"02AB01D2E3F4"`, `"mac":"02AB01D2E3F5"`, "the topic has"},
		{"config", `"cam":0,`, `"cam":0,"extra":1,`, `member "extra"`},
		{"config", `"hn":"tasmota-D2E3F4-0001",`, ``, "it has no hn"},
		{"config", `"rl":[2,0]`, `"rl":"2"`, "rl is"},
		{"config", `"rl":[2,0]`, `"rl":[1,0]`, "no relay is a light"},
		{"config", `"rl":[2,0]`, `"rl":[0,2]`, "the first relay is none"},
		{"config", `"rl":[2,0]`, `"rl":[2,4]`, "rl has 4"},
		{"config", `"lt_st":5`, `"lt_st":0`, "that one is only on or off"},
		{"config", `"lk":1`, `"lk":0`, "is not linked"},
		{"config", `"82":0,`, ``, "it has no 82"},
		{"config", `"17":0`, `"17":"0"`, "17 is"},
		{"config", `"state":["OFF","ON","TOGGLE","HOLD"]`, `"state":["off","on"]`, "state is"},
		{"config", `"ft":"%prefix%/%topic%/"`, `"ft":"%prefix%/%topic%"`, "ft is"},
		{"config", `"t":"tasmota_D2E3F4"`, `"t":"tasmota_d2e3f4"`, "t is"},
		{"config", `"fn":["lamp",null]`, `"fn":[null]`, "the first friendly name"},
		{"config", `"ip":"10.1.2.3"`, `"ip":"10.1"`, "ip is"},
		{"config", `"swc":[-1]`, `"swc":[1]`, "a switch is announced"},
		{"config", `"bat":0`, `"bat":1`, "bat is 1"},
		{"sensors", `"TempUnit":"C"`, `"TempUnit":"K"`, "TempUnit is"},
		{"sensors", `"Temperature":20.5`, `"Temperature":"20.5"`, "want a number"},
		{"sensors", `"DS18B20":{`, `"ENERGY":{"Period":1},"DS18B20":{`, "Period is in the announcement"},
		{"sensors", `"DS18B20":{`, `"ENERGY":{"Total":1},"DS18B20":{`, "ENERGY has no Power"},
		{"sensors", `"DS18B20":{`, `"Loose":1,"DS18B20":{`, "want an object"},
		{"sensors", `"sn":{`, `"sx":{`, "it has no sn"},
	} {
		payload := map[string]string{"config": tasmotaConfig, "sensors": tasmotaSensors}[tt.of]
		if !strings.Contains(payload, tt.from) {
			t.Fatalf("%s is not in it", tt.from)
		}
		faults := strings.Join(new(Tasmotas).Check("tasmota/discovery/"+tasmotaMAC+"/"+tt.of, []byte(strings.Replace(payload, tt.from, tt.to, 1))), "\n")
		if tt.want == "" && faults != "" || !strings.Contains(faults, tt.want) {
			t.Errorf("with %q for %q: Check = %q; want %q", tt.to, tt.from, faults, tt.want)
		}
	}
	for _, topic := range []string{"tasmota/discovery/02ab01d2e3f4/config", "tasmota/discovery/02AB01D2E3F4", "homeassistant/discovery/02AB01D2E3F4/config"} {
		if new(Tasmotas).Check(topic, []byte(tasmotaConfig)) == nil {
			t.Errorf("Check(%q) = nil; want that it is no discovery topic", topic)
		}
	}
	var two Tasmotas
	two.Check("tasmota/discovery/"+tasmotaMAC+"/config", []byte(tasmotaConfig))
	other := strings.ReplaceAll(tasmotaConfig, tasmotaMAC, "02AB02D2E3F4")
	if faults := two.Check("tasmota/discovery/02AB02D2E3F4/config", []byte(other)); len(faults) != 1 || !strings.Contains(faults[0], "is that of") {
		t.Errorf("two devices with one topic: %q; want that said", faults)
	}
}
