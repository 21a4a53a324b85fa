package devices

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// kindOf returns a kind by name or ends the test.
func kindOf(t testing.TB, name string) *Kind {
	t.Helper()
	k, ok := KindByName(name)
	if !ok {
		t.Fatalf("KindByName(%q) = _, false; want a kind", name)
	}
	return k
}

// makeDevice makes a device or ends the test.
func makeDevice(t testing.TB, kind string, seed uint64, start time.Duration, params map[string]any) Device {
	t.Helper()
	d, err := kindOf(t, kind).New(Config{Params: params, Seed: seed, Start: start})
	if err != nil {
		t.Fatalf("New(%s, %v) = %v; want a device", kind, params, err)
	}
	return d
}

// index returns the index of an attribute or ends the test.
func index(t testing.TB, d Device, name string) int {
	t.Helper()
	i, ok := d.Kind().Attribute([]byte(name))
	if !ok {
		t.Fatalf("Attribute(%q) = _, false; want an index", name)
	}
	return i
}

// value is what a device reports for an attribute.
func value(t testing.TB, d Device, name string) string {
	t.Helper()
	return string(d.AppendValue(nil, index(t, d, name)))
}

// do carries out a command that must be good and returns the names of what
// changed.
func do(t testing.TB, d Device, name, payload string) string {
	t.Helper()
	c, err := d.Do(index(t, d, name), []byte(payload))
	if err != nil {
		t.Fatalf("Do(%s, %q) = %v; want no error", name, payload, err)
	}
	return changed(d, c)
}

// changed names the attributes of a set, with spaces between.
func changed(d Device, c Changes) string {
	var names []string
	for i, a := range d.Kind().Attributes {
		if c.Has(i) {
			names = append(names, a.Name)
		}
	}
	return strings.Join(names, " ")
}

// report is everything a device reports, for comparing.
func report(d Device) string {
	var b []byte
	for i := range d.Kind().Attributes {
		if !d.Kind().Attributes[i].Momentary { // which no report has
			b = append(d.AppendValue(b, i), ' ')
		}
	}
	return string(d.AppendTelemetry(b))
}

// telemetry decodes what a device publishes.
func telemetry(t testing.TB, d Device) map[string]any {
	t.Helper()
	b := d.AppendTelemetry(nil)
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("AppendTelemetry = %s: %v; want a JSON object", b, err)
	}
	return m
}

// wantError checks that an error holds every part.
func wantError(t testing.TB, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s = nil; want an error with %q", what, parts)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s = %q; want an error with %q", what, err, p)
		}
	}
}

// cut cuts a span into random parts, from nanoseconds to all of it.
func cut(r *rand.Rand, span time.Duration) []time.Duration {
	var parts []time.Duration
	for span > 0 {
		part := time.Duration(1 + r.Int64N(int64(span)))
		switch r.IntN(4) {
		case 0:
			part = min(part, time.Duration(1+r.Int64N(int64(time.Minute))))
		case 1:
			part = min(part, time.Duration(1+r.Int64N(int64(time.Hour))))
		case 2:
			part = min(span, 10*time.Second)
		}
		parts = append(parts, part)
		span -= part
	}
	return parts
}
