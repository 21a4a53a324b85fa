package fleet

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"homefleet/fleet/broker"
)

// Commands with wrong JSON, wrong types, up to 1 MiB, unknown words and deep nesting have the
// reaction of the product: what it is like stays as it is, the device lives, what is asked of
// it afterwards is answered, and it takes no more memory than so many times what came.
func TestDialectsTakeAnything(t *testing.T) {
	size := Some(12<<10, 1<<20-4096) // which is as much as the broker takes
	bad := map[string]string{
		"nested lists":   strings.Repeat("[", size),
		"nested objects": strings.Repeat(`{"a":`, size/5),
		"a text":         `"` + strings.Repeat("x", size-2) + `"`,
		"a number":       strings.Repeat("9", size),
		"no UTF-8":       strings.Repeat("\xff", size),
		"NUL":            strings.Repeat("\x00", size),
		"words":          strings.Repeat("Power;", size/6),
		"a long value":   `{"state":"` + strings.Repeat("x", size-12) + `"}`,
		"half an object": `{"state":"ON"`,
		"two objects":    `{"state":"ON"} {}`,
		"wrong types":    `{"state":5,"brightness":"much","color":[],"method":7,"params":"x","id":{}}`,
		"null":           "null",
		"unknown words":  "perhaps",
	}
	for _, tt := range []struct {
		face, kind string
		topics     []string // where it takes commands
		ask, empty string   // for the state
	}{
		{"homefleet", "light", []string{"cmnd/d1/power", "cmnd/d1/color", "cmnd/d1/nothing"}, "cmnd/d1/power", ""},
		{"home-assistant", "light", []string{"homefleet/d1/set", "homefleet/d1/set/brightness"}, "homefleet/d1/set", ""},
		{"home-assistant", "plug", []string{"homefleet/d1/set", "homefleet/d1/set/power"}, "homefleet/d1/set", ""},
		{"tasmota", "light", []string{"cmnd/<t>/CT", "cmnd/<t>/Dimmer", "cmnd/<t>/Nothing", "cmnd/<t>/Backlog"}, "cmnd/<t>/CT", ""},
		{"tasmota", "thermostat", []string{"cmnd/<t>/TempTargetSet", "cmnd/<t>/ThermostatModeSet"}, "cmnd/<t>/TempTargetSet", ""},
		{"shelly", "light", []string{"<t>/rpc", "<t>/command", "<t>/command/rgbcct:0"}, "<t>/rpc", `{"id":1,"method":"RGBCCT.GetConfig","params":{"id":0}}`},
		{"homie", "light", []string{"homie/5/d1/light/power/set", "homie/5/d1/light/color/set"}, "homie/5/d1/light/power/set", ""},
		{"zigbee2mqtt", "bridge", []string{"zigbee2mqtt/light_1/set", "zigbee2mqtt/light_1/set/color", "zigbee2mqtt/bridge/request/permit_join", "zigbee2mqtt/all_lights/set"}, "zigbee2mqtt/light_1/get", `{"state":""}`},
	} {
		t.Run(tt.face+" "+tt.kind, func(t *testing.T) {
			speakDialect(t, tt.face, tt.kind, "", broker.Config{}, nil, func(d *dialect) {
				state := func() string {
					return strings.Join(saidOn(d.ask(tt.ask, tt.empty, "rr/1", nil), "rr/1"), " ")
				}
				before := state()
				if before == "" {
					t.Fatal("it does not say what it is like")
				}
				for name, payload := range bad {
					for _, topic := range tt.topics {
						var was, is runtime.MemStats
						runtime.ReadMemStats(&was)
						d.ask(topic, payload, "rr/2", []byte("1"))
						runtime.ReadMemStats(&is)
						if took := is.TotalAlloc - was.TotalAlloc; took > uint64(100*size)+1<<20 {
							t.Errorf("%s on %s took %d KiB; want at most a hundred times its size", name, topic, took>>10)
						}
						if after := state(); after != before {
							t.Errorf("after %s on %s it is %.300s; want %s", name, topic, after, before)
							before = after
						}
					}
				}
				if s := fmt.Sprint(d.log); strings.Contains(s, "level=ERROR") {
					t.Errorf("the log says %s", s)
				}
			})
		})
	}
}
