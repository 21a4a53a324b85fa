package devices

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

// What the telemetry says of a reading is the reading, with its decimals, and every kind
// says all that it measures.
func TestReadingsAreTheTelemetry(t *testing.T) {
	for _, k := range Kinds() {
		d, err := k.New(Config{Seed: 3, Start: 13 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Do(0, []byte(map[string]string{"thermostat": "heat"}[k.Name])); err != nil {
			t.Fatal(err)
		}
		d.Step(3 * time.Hour)
		m, measures := d.(Measures)
		if measures != (len(k.Readings) > 0) {
			t.Fatalf("a %s measures something: %v, and its kind names %d readings", k.Name, measures, len(k.Readings))
		}
		if !measures {
			continue // a bridge, whose devices do
		}
		values := m.AppendReadings(nil)
		if len(values) != len(k.Readings) {
			t.Fatalf("a %s has %d readings; want %d, as its kind says", k.Name, len(values), len(k.Readings))
		}
		var told map[string]any
		if err := json.Unmarshal(d.AppendTelemetry(nil), &told); err != nil {
			t.Fatal(err)
		}
		for i, r := range k.Readings {
			got, ok := told[r.Name].(float64)
			if !ok {
				t.Errorf("the telemetry of a %s has %v as %s; want a number", k.Name, told[r.Name], r.Name)
				continue
			}
			if half := 0.5001 * math.Pow10(-r.Decimals); math.Abs(got-values[i]) > half {
				t.Errorf("the telemetry of a %s has %v as %s; want %v, rounded to %d decimals", k.Name, got, r.Name, values[i], r.Decimals)
			}
			if r.Doc == "" {
				t.Errorf("the reading %s of a %s does not say what it is", r.Name, k.Name)
			}
		}
	}
}

// A colour at full value is found again from its hue and saturation, to the last digit.
func TestHueSaturation(t *testing.T) {
	for _, tt := range []struct {
		rgb             [3]uint8
		hue, saturation float64
	}{
		{[3]uint8{255, 0, 0}, 0, 100},
		{[3]uint8{0, 255, 0}, 120, 100},
		{[3]uint8{0, 0, 255}, 240, 100},
		{[3]uint8{255, 0, 255}, 300, 100},
		{[3]uint8{255, 255, 255}, 0, 0},
		{[3]uint8{0, 0, 0}, 0, 0},
		{[3]uint8{255, 128, 0}, 30.12, 100},
	} {
		hue, saturation := HueSaturation(tt.rgb)
		if math.Abs(hue-tt.hue) > 0.01 || saturation != tt.saturation {
			t.Errorf("HueSaturation(%v) = %v, %v; want %v, %v", tt.rgb, hue, saturation, tt.hue, tt.saturation)
		}
	}
	for hue := range 360 {
		for saturation := range 101 {
			rgb := FullColor(float64(hue), float64(saturation))
			if got := FullColor(HueSaturation(rgb)); got != rgb {
				t.Fatalf("FullColor(HueSaturation(%v)) = %v; want the same", rgb, got)
			}
		}
	}
}
