package devices

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func newTestBridge(t *testing.T, params map[string]any) *bridge {
	t.Helper()
	return makeDevice(t, "bridge", 1, 0, params).(*bridge)
}

// A bridge has the devices that it was asked for, each by its own name and seed.
func TestBridgeHasWhatItWasAskedFor(t *testing.T) {
	var names []string
	b := newTestBridge(t, map[string]any{"lights": 2.0, "plugs": 1.0, "thermostats": 2.0})
	for _, d := range b.Behind() {
		names = append(names, d.Name)
		if kind, _, _ := strings.Cut(d.Name, "_"); kind != d.Device.Kind().Name {
			t.Errorf("%s is a %s", d.Name, d.Device.Kind().Name)
		}
	}
	if got, want := strings.Join(names, " "), "light_1 light_2 plug_1 thermostat_1 thermostat_2"; got != want {
		t.Errorf("behind it are %s; want %s", got, want)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(b.AppendTelemetry(nil), &all); err != nil || len(all) != 5 {
		t.Fatalf("its telemetry is %s: %v", b.AppendTelemetry(nil), err)
	}
	if all["thermostat_1"]["temperature"] == all["thermostat_2"]["temperature"] && all["thermostat_1"]["setpoint"] == all["thermostat_2"]["setpoint"] {
		b.Step(time.Hour)
		if err := json.Unmarshal(b.AppendTelemetry(nil), &all); err != nil || all["thermostat_1"]["temperature"] == all["thermostat_2"]["temperature"] {
			t.Errorf("its thermostats are one and the same: %v", all)
		}
	}
	for _, params := range []map[string]any{{"lights": 0.0, "plugs": 0.0, "thermostats": 0.0}, {"lights": 32.0}} {
		if _, err := prepareBridge(params); err == nil || !strings.Contains(err.Error(), "want 1 to 32") {
			t.Errorf("prepare(%v) = %v; want that it takes 1 to 32", params, err)
		}
	}
}

// Its commands are those of all its lights.
func TestBridgeCommandsItsLights(t *testing.T) {
	b := newTestBridge(t, nil)
	power, _ := b.Kind().Attribute([]byte("power"))
	level, _ := b.Kind().Attribute([]byte("brightness"))
	for _, tt := range []struct {
		attr         int
		value        string
		changed      Changes
		power, level string
	}{
		{power, "ON", 1<<power | 1<<level, "ON", "100"},
		{level, "40", 1 << level, "ON", "40"},
		{level, "+10", 1 << level, "ON", "50"},
		{power, "toggle", 1<<power | 1<<level, "OFF", "0"},
		{power, "", 0, "OFF", "0"},
	} {
		got, err := b.Do(tt.attr, []byte(tt.value))
		if p, l := string(b.AppendValue(nil, power)), string(b.AppendValue(nil, level)); err != nil || got != tt.changed || p != tt.power || l != tt.level {
			t.Errorf("Do(%d, %q) = %b, %v, and it is %s, %s; want %b, nil, %s, %s", tt.attr, tt.value, got, err, p, l, tt.changed, tt.power, tt.level)
		}
	}
	if got := b.TakeChanged(); got != 0b111 {
		t.Errorf("changed are %b; want the three lights", got)
	}
	if got := b.TakeChanged(); got != 0 {
		t.Errorf("asked again, changed are %b; want none", got)
	}
	for _, value := range []string{"101", "much", "4.5"} {
		if _, err := b.Do(level, []byte(value)); err == nil || !strings.HasPrefix(err.Error(), "brightness: ") {
			t.Errorf("Do(brightness, %q) = %v; want an error", value, err)
		}
	}
}

// What its devices do by themselves is counted, and known of each.
func TestBridgeKnowsWhoChanged(t *testing.T) {
	b := newTestBridge(t, map[string]any{"lights": 1.0, "plugs": 0.0, "thermostats": 1.0})
	b.behind[0].Device.Do(lightTransition, []byte("2"))
	b.behind[0].Device.Do(lightPower, []byte("ON"))
	if got := b.Next(); got <= 0 || got > 2*time.Second {
		t.Errorf("Next() = %v; want 2s at most, when the light's fade ends", got)
	}
	if got := b.Step(3 * time.Second); got != 1<<bridgeChanges || b.TakeChanged()&1 == 0 {
		t.Errorf("at the end of the fade Step = %b; want its changes, of the light", got)
	}
	for range 200 {
		b.Step(time.Minute)
	}
	if b.TakeChanged()&2 == 0 {
		t.Error("in hours the thermostat has changed nothing; want it to heat")
	}
}
