package conformance

import (
	"strings"
	"testing"
)

// The rules find what is wrong.
func TestHomieRules(t *testing.T) {
	description := func(property string) string {
		return `{"homie":"5.0","version":1,"nodes":{"n":{"properties":{"p":` + property + `}}}}`
	}
	for _, tt := range []struct{ description, value, want string }{
		{description(`{"datatype":"integer","format":"0:100:5"}`), "15", ""},
		{description(`{"datatype":"integer","format":"0:100:5"}`), "12", `"12" is no step`},
		{description(`{"datatype":"integer","format":"0:100"}`), "101", `"101" is beyond`},
		{description(`{"datatype":"integer"}`), "1.5", `"1.5" is no integer`},
		{description(`{"datatype":"integer","format":"0:x"}`), "1", "none of numbers"},
		{description(`{"datatype":"float"}`), "NaN", `"NaN" is no float`},
		{description(`{"datatype":"boolean","format":"off,on"}`), "on", "neither true nor false"},
		{description(`{"datatype":"boolean","format":"off,off"}`), "true", "no pair of words"},
		{description(`{"datatype":"enum","format":"a,b"}`), "c", "is none of a,b"},
		{description(`{"datatype":"enum"}`), "c", "no list of different words"},
		{description(`{"datatype":"color","format":"rgb"}`), "hsv,1,2,3", "no colour of rgb"},
		{description(`{"datatype":"color","format":"rgb"}`), "rgb,1,2,256", "no colour"},
		{description(`{"datatype":"word"}`), "x", "the datatype word is none"},
		{description(`{"datatype":"string","sort":1}`), "x", "unknown field"},
		{strings.Replace(description(`{"datatype":"string"}`), "5.0", "5", 1), "x", `homie is "5"`},
		{strings.Replace(description(`{"datatype":"string"}`), `"version":1,`, "", 1), "x", "no version"},
		{`{"homie":"5.0","version":1}`, "x", "not described"},
	} {
		var h Homie
		var faults []string
		for _, m := range [][2]string{{"$state", "init"}, {"$description", tt.description}, {"n/p", tt.value}, {"$state", "ready"}} {
			faults = append(faults, h.Check("homie/5/d/"+m[0], []byte(m[1]), 2, true)...)
		}
		if all := strings.Join(faults, "; "); tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
			t.Errorf("%s with %s: %q; want %q", tt.description, tt.value, all, tt.want)
		}
	}
	var h Homie
	for _, tt := range []struct {
		topic, payload string
		qos            byte
		retained       bool
		want           string
	}{
		{"homie/5/D/$state", "init", 2, true, "no topic"},
		{"homie/5/d/$state", "online", 2, true, `"online" is no state`},
		{"homie/5/d/$state", "ready", 2, true, "not described"},
		{"homie/5/d/$state", "init", 0, false, "not retained"},
		{"homie/5/d/$state", "init", 0, true, "QoS 0"},
	} {
		if all := strings.Join(h.Check(tt.topic, []byte(tt.payload), tt.qos, tt.retained), "; "); !strings.Contains(all, tt.want) {
			t.Errorf("%s %s: %q; want %q", tt.topic, tt.payload, all, tt.want)
		}
	}
}

func TestShellyRules(t *testing.T) {
	const id = "shellyplugsg3-0123456789ab"
	frame := func(params string) string {
		return `{"src":"` + id + `","dst":"` + id + `/events","method":"NotifyStatus","params":` + params + `}`
	}
	for _, tt := range []struct{ topic, payload, want string }{
		{id + "/events/rpc", frame(`{"ts":1.5,"switch:0":{"id":0,"output":true,"aenergy":{"total":1,"by_minute":[1,2,3]}}}`), ""},
		{id + "/events/rpc", frame(`{"switch:0":{"id":0}}`), "no ts"},
		{id + "/events/rpc", frame(`{"ts":1}`), "tells of nothing"},
		{id + "/events/rpc", frame(`{"ts":1,"switch:0":{"id":1}}`), "has the id 1"},
		{id + "/events/rpc", frame(`{"ts":1,"switch:0":{"id":0,"output":"ON"}}`), "switch:0.output is ON"},
		{id + "/events/rpc", frame(`{"ts":1,"switch:0":{"id":0,"watts":1}}`), "has no watts"},
		{id + "/events/rpc", frame(`{"ts":1,"relay:0":{"id":0}}`), "no component"},
		{id + "/events/rpc", `{"src":"x","dst":"x/events","method":"NotifyStatus","params":{"ts":1,"mqtt":{"connected":true}}}`, "a notification from x"},
		{id + "/events/rpc", "x", "no JSON object"},
		{id + "/online", "online", "neither true nor false"},
		{id + "/status/rgbcct:0", `{"id":0,"ct":2000}`, "rgbcct:0.ct is 2000"},
		{id + "/status/rgbcct:0", `{"id":0,"rgb":[1,2]}`, "rgbcct:0.rgb is"},
		{id + "/status/mqtt", `{}`, "lacks connected"},
		{id + "/announce", `{}`, "there is no gen"},
		{"shelly/online", "true", "no topic"},
	} {
		if all := strings.Join(CheckShelly(tt.topic, []byte(tt.payload)), "; "); tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
			t.Errorf("CheckShelly(%s, %s) = %q; want %q", tt.topic, tt.payload, all, tt.want)
		}
	}
}
