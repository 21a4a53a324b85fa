package control_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/control"
	"homefleet/fleet/control/api"
	"homefleet/fleet/metrics"
)

// glance is a look as the API documents it, read by the test itself.
type glance struct {
	presence, will, level, red, green, blue, acts int
	slow, misbehaves, on                          bool
}

func glanceOf(word uint32) (g glance) {
	take := func(bits int) int {
		v := word & (1<<bits - 1)
		word >>= bits
		return int(v)
	}
	g.presence = take(3)
	g.slow, g.misbehaves = take(1) == 1, take(1) == 1
	g.will = take(3)
	g.on, g.level = take(1) == 1, take(7)
	g.blue, g.green, g.red = take(2), take(3), take(3)
	g.acts = take(4)
	return g
}

// mapOf returns what all devices are like.
func (h *home) mapOf() (all []glance) {
	h.t.Helper()
	m := must[api.Map](h, "GET", "/v1/map", "")
	words, err := base64.StdEncoding.DecodeString(m.Looks)
	if err != nil || len(words) != 4*m.Devices {
		h.t.Fatalf("the map of %d devices has %d bytes: %v", m.Devices, len(words), err)
	}
	for i := range m.Devices {
		all = append(all, glanceOf(binary.LittleEndian.Uint32(words[4*i:])))
	}
	return all
}

// shows waits until a device is so on the map.
func (h *home) shows(number int, what string, so func(glance) bool) {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		g := h.mapOf()[number]
		if so(g) {
			return
		}
		if time.Now().After(end) {
			h.t.Errorf("%s: it is %+v after 10s", what, g)
			return
		}
	}
}

// The map shows what each device is like, and a stream what has changed on it.
func TestMap(t *testing.T) {
	h := start(t, block+"\n[audit]\n")
	const kettle, light = 6, 0
	if g := h.mapOf(); len(g) != 7 || g[kettle].presence != 1 || g[light].presence != 1 || g[light].on || g[light].will != 0 {
		t.Fatalf("at first: %+v; want seven devices online", g)
	}
	l := h.listen("?map=all&types=phase")
	if c, _ := next[api.MapChange](l, "map"); c.Devices != 7 {
		t.Errorf("the first change is of %d devices; want all seven", c.Devices)
	}
	acts := h.mapOf()[light].acts
	command := func(attribute, payload string) {
		must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", fmt.Sprintf(`{"attribute":%q,"payload":%q}`, attribute, payload))
	}
	command("color", "#ff8000")
	command("brightness", "40")
	h.shows(light, "on at 40, orange, two commands later", func(g glance) bool {
		return g.on && g.level == 40 && g.red == 7 && g.green == 4 && g.blue == 0 && g.acts == (acts+2)%16
	})
	c, _ := next[api.MapChange](l, "map")
	changed, err := base64.StdEncoding.DecodeString(c.Changed)
	if err != nil || c.Devices != 1 || len(changed) != 7 || int(changed[0])|int(changed[1])<<8|int(changed[2])<<16 != light {
		t.Errorf("the change is %+v (%x, %v); want that of the light alone", c, changed, err)
	}
	must[api.Bulk](h, "POST", "/v1/actions/misbehave", `{"select":{"id":"kettle"},"drop":"10%"}`)
	h.shows(kettle, "misbehaves", func(g glance) bool { return g.misbehaves })
	must[api.Bulk](h, "POST", "/v1/actions/behave", `{"select":{"id":"kettle"}}`)
	h.shows(kettle, "behaves", func(g glance) bool { return !g.misbehaves })
	for _, tt := range []struct {
		way      string
		presence int
	}{{"silence", 5}, {"cut", 2}, {"orderly", 2}} {
		must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"way":"`+tt.way+`"}`)
		h.shows(kettle, tt.way, func(g glance) bool { return g.presence == tt.presence })
		must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
		h.shows(kettle, "revived", func(g glance) bool { return g.presence == 1 })
	}
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"way":"reset"}`)
	h.shows(kettle, "its Will came on time", func(g glance) bool { return g.will == 2 })
	must[api.Struck](h, "POST", "/v1/incidents", `{"kind":"wifi-loss","target":{"home":"flat-01"},"for":"1h"}`)
	h.shows(light, "no network", func(g glance) bool { return g.presence == 3 })
	must[api.Struck](h, "POST", "/v1/incidents", `{"kind":"slow-link","target":{"home":"flat-02"},"for":"1h","latency":"1ms"}`)
	h.shows(2, "slow", func(g glance) bool { return g.slow && g.presence == 1 })
	for _, query := range []string{"?map=7-9", "?map=2-1", "?map=x", "?map=-1"} {
		if l := h.listen(query); l.status != 422 {
			t.Errorf("%s = %d; want 422", query, l.status)
		}
	}
	l = h.listen("?map=0-1&types=phase")
	if c, _ := next[api.MapChange](l, "map"); c.Devices != 2 {
		t.Errorf("the map of two has %d", c.Devices)
	}
}

// A stream has all that a device says of itself, whenever that changes, and waits for none
// that does not answer.
func TestWatchedDevices(t *testing.T) {
	h := start(t, block)
	l := h.listen("?watch=kettle,flat-01-light-1&types=phase")
	l.doc = new(h.document())
	for range 2 {
		if d, _ := next[api.Device](l, "device"); d.ID != "kettle" && d.ID != "flat-01-light-1" || !d.Online || d.Values["power"] == "" {
			t.Errorf("at first: %+v; want one of the two, online", d)
		}
	}
	until := func(what string, so func(api.Device) bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			if d, _ := next[api.Device](l, "device"); so(d) {
				return
			}
		}
		t.Errorf("%s: not after 10s", what)
	}
	must[api.CommandReply](h, "POST", "/v1/devices/flat-01-light-1/command", `{"attribute":"brightness","payload":"30"}`)
	until("brighter", func(d api.Device) bool { return d.ID == "flat-01-light-1" && d.Values["brightness"] == "30" })
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"}}`)
	until("killed", func(d api.Device) bool { return d.ID == "kettle" && !d.Online && len(d.HeldBy) == 1 })
	must[api.Bulk](h, "POST", "/v1/actions/revive", `{"select":{"id":"kettle"}}`)
	until("revived", func(d api.Device) bool { return d.ID == "kettle" && d.Online && len(d.HeldBy) == 0 })
	if l := h.listen("?watch=kettel"); l.status != 404 || problemOf(t, l.body) != "no-such-device" {
		t.Errorf("watch=kettel = %d %s; want 404", l.status, l.body)
	}
	if l := h.listen("?watch=" + strings.Repeat("kettle,", 100) + "kettle"); l.status != 422 {
		t.Errorf("101 watched = %d; want 422", l.status)
	}
}

// What is said of homes in few words holds for each single device.
func TestHomes(t *testing.T) {
	h := start(t, block)
	homes := must[api.Homes](h, "GET", "/v1/homes", "")
	var got []string
	for _, s := range homes.Stretches {
		for i := range s.Homes {
			for range s.Each {
				got = append(got, s.Kind+" in "+homes.Homes[s.First+i])
			}
		}
	}
	var want []string
	for _, d := range must[api.Devices](h, "GET", "/v1/devices?limit=1000", "").Devices {
		want = append(want, d.Kind+" in "+d.Home)
	}
	if !slices.Equal(got, want) || homes.Devices != len(want) {
		t.Errorf("the homes are %v; want %v", got, want)
	}
	if len(homes.Stretches) >= len(want)/2 {
		t.Errorf("%d stretches for %d devices; want few", len(homes.Stretches), len(want))
	}
}

// A device says which Will Message it leaves with the broker: the one of the scenario.
func TestLastWords(t *testing.T) {
	h := start(t, `
[connect]
session_expiry = "1h"
[[device]]
kind = "plug"
id   = "kettle"
[device.will]
topic            = "gone/{id}"
payload          = "I am {id}"
qos              = 1
delay            = "3s"
response_topic   = "seen/{id}"
correlation_data = "of {id}"
[[device]]
kind = "light"
will = false
`)
	got := must[api.Device](h, "GET", "/v1/devices/kettle", "").LastWords
	if got == nil || got.Topic != "gone/kettle" || got.Payload != "I am kettle" || got.Bytes != 11 || got.QoS != 1 || got.Delay != 3 ||
		got.ResponseTopic != "seen/kettle" || got.CorrelationData != hex.EncodeToString([]byte("of kettle")) {
		t.Errorf("the Will of kettle is %+v; want that of the scenario", got)
	}
	if got := must[api.Device](h, "GET", "/v1/devices/light-1", "").LastWords; got != nil {
		t.Errorf("the Will of a device without one is %+v; want none", got)
	}
}

// A device of MQTT 3.1.1 leaves a Will without properties (3.1.1: 3.1.3), and one that is
// audited leaves the number of its connection with it, as on the wire.
func TestLastWordsAsOnTheWire(t *testing.T) {
	h := start(t, `
[connect]
session_expiry = "1h"
[audit]
[[device]]
kind = "light"
id   = "old"
mqtt = "3.1.1"
[device.will]
response_topic = "seen/{id}"
[[device]]
kind = "light"
id   = "new"
[device.will]
delay          = "1s"
response_topic = "seen/{id}"
`)
	old, young := must[api.Device](h, "GET", "/v1/devices/old", ""), must[api.Device](h, "GET", "/v1/devices/new", "")
	if w := old.LastWords; old.MQTT != "3.1.1" || w == nil || w.ResponseTopic != "" || w.Delay != 0 || w.ContentType != "" || w.PayloadFormat != nil || w.Properties != nil {
		t.Errorf("of MQTT %s: %+v; want 3.1.1, and a Will without properties", old.MQTT, w)
	}
	w := young.LastWords
	if young.MQTT != "5" || w == nil || w.ResponseTopic != "seen/new" || w.Delay != 1 || len(w.Properties) != 1 || !strings.HasSuffix(w.Properties[0].Value, "/1.1") {
		t.Errorf("of MQTT %s: %+v; want 5, and the first connection of device 1", young.MQTT, w)
	}
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"new"},"way":"cut"}`)
	h.wait(`{"select":{"id":"new"},"until":{"online":false}}`)
	if w := must[api.Device](h, "GET", "/v1/devices/new", "").LastWords; w == nil || len(w.Properties) != 1 || !strings.HasSuffix(w.Properties[0].Value, "/1.1") {
		t.Errorf("when it has gone: %+v; want the Will of its last connection", w)
	}
}

// Who has asked for it gets the report of the run before the stream ends, and nobody else:
// with it the last point of the history, the result and the Wills, for which soon nobody can
// ask.
func TestReportAtTheEnd(t *testing.T) {
	h := start(t, block+"\n[audit]\n", func(c *control.Config) {
		c.Report = func(w io.Writer, r *metrics.Result) error {
			_, err := fmt.Fprintf(w, "<p>%d devices", r.Devices.Total)
			return err
		}
	})
	with, without := h.listen("?types=phase&report=true&tick=true"), h.listen("?types=phase")
	must[api.Bulk](h, "POST", "/v1/actions/kill", `{"select":{"id":"kettle"},"way":"cut"}`)
	h.wait(`{"select":{"id":"kettle"},"until":{"online":false,"will":"on-time"},"timeout":"20s"}`)
	must[api.Stopping](h, "POST", "/v1/stop", "")
	<-h.over
	h.end()
	r, _ := next[api.Report](with, "report")
	if r.HTML != "<p>7 devices" || r.Name != "homefleet-test.html" {
		t.Errorf("report: %+v; want that of 7 devices", r)
	}
	var res metrics.Result
	if err := json.Unmarshal(r.Result, &res); err != nil || res.Devices.Total != 7 {
		t.Errorf("the result with the report has %d devices, %v; want 7", res.Devices.Total, err)
	}
	if n := len(r.History); n == 0 || r.History[0].N != 1 || r.History[n-1].N != n || r.History[n-1].Phase != "ended" {
		t.Errorf("the history with the report: %+v; want all of it, from point 1 to that of the end", r.History)
	}
	if want := (api.WillCount{Way: "cut", Verdict: "on-time", Count: 1}); r.Wills == nil || !slices.Contains(r.Wills.Counts, want) {
		t.Errorf("the Wills with the report: %+v; want among them %+v", r.Wills, want)
	}
	next[api.End](with, "end")
	ticks := with.passed["tick"]
	var last api.Tick
	if n := len(ticks); n == 0 || json.Unmarshal([]byte(ticks[n-1].data), &last) != nil || last.Phase != "ended" {
		t.Errorf("%d ticks, the last in phase %q; want one of the end", n, last.Phase)
	}
	for e := range without.events {
		if e.event == "report" {
			t.Error("a report that nobody has asked for")
		}
	}
}
