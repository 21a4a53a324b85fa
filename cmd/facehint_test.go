package cmd

import (
	"strings"
	"testing"
)

// The hint to a request that nobody hears names the face whose topic it is.
func TestOfflineHint(t *testing.T) {
	for topic, want := range map[string][]string{
		"cmnd/light-1/power":           {"homefleet's own", "tele/+/lwt"},
		"homefleet/plug-1/set/watts":   {"face home-assistant", "homefleet/+/availability"},
		"homie/5/homie/plug/watts/set": {"face homie"},
		"zigbee2mqtt/lamp/set":         {"face zigbee2mqtt"},
		"cmnd/tasmota_0F23E6/POWER":    {"its topic spelled right"},
		"my/own/topic":                 {"its topic spelled right"},
		"cmnd/light-1/power/and/so/on": {"its topic spelled right"},
	} {
		got := offlineHint(topic)
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("offlineHint(%q) = %q; want %q in it", topic, got, part)
			}
		}
	}
}
