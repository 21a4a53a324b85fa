package zigbee2mqtt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// all lets f say what it will and returns that, a line a message.
func all(f func(say func(Message))) string {
	var b strings.Builder
	f(func(m Message) {
		fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(m.Topic, "zigbee2mqtt/"), m.Payload)
		if m.Reply != nil && !bytes.Equal(m.Reply, m.Payload) {
			fmt.Fprintf(&b, " (reply: %s)", m.Reply)
		} else if m.Reply != nil {
			b.WriteString(" (reply)")
		}
		b.WriteString("\n")
	})
	return b.String()
}

func heard(b *Bridge, rest, payload string) string {
	return all(func(say func(Message)) { b.Hear(rest, []byte(payload), noon, say) })
}

// Every message but a cleared one is JSON with the names of all objects in order.
func TestSortsNames(t *testing.T) {
	b := recordedHome(t)
	check := func(m Message) {
		if len(m.Payload) == 0 || strings.HasSuffix(m.Topic, "/state") {
			return
		}
		var v any
		if err := json.Unmarshal(m.Payload, &v); err != nil {
			t.Fatalf("%s has %s: %v", m.Topic, m.Payload, err)
		}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got := string(m.Payload) + "\n"; got != want.String() {
			t.Errorf("%s has\n%swant\n%s", m.Topic, got, want.String())
		}
	}
	b.Start(noon, check)
	b.Discover(noon, check)
	for _, s := range readRecording(t).Steps {
		rest, ours := strings.CutPrefix(s.Topic, "zigbee2mqtt/")
		if ours {
			b.Hear(rest, []byte(s.Payload), noon, check)
		}
	}
}

// A requester with a Response Topic is told the state that results, the response, or
// what went wrong, also where the log does not repeat it.
func TestReplies(t *testing.T) {
	b := recordedHome(t)
	for _, tt := range []struct{ rest, payload, want string }{
		{"plug_1/set", `{"state":"OFF"}`, `plug_1 {"current":0,"energy":0,"linkquality":150,"power":0,"power_on_behavior":null,"state":"OFF",` +
			`"update":{"installed_version":-1,"latest_version":-1,"state":null},"voltage":230.6} (reply)` + "\n"},
		{"nobody/set", `ON`, `bridge/logging {"level":"error","message":"z2m: Entity 'nobody' is unknown"} (reply: Entity 'nobody' is unknown)` + "\n"},
		{"nobody/set", `ON`, `  (reply: Entity 'nobody' is unknown)` + "\n"},
		{"bridge/request/health_check", `{"transaction":[1,{"b":2,"a":1}]}`,
			`bridge/response/health_check {"data":{"healthy":true},"status":"ok","transaction":[1,{"a":1,"b":2}]} (reply)` + "\n"},
		{"bridge/request/make_tea", `{}`, ""},
		{"all_lights/get", `{"state":""}`, ""},
		{"all_lights/set", `{"state":"ON"}`,
			`light_1 {"brightness":254,"color_mode":"color_temp","color_temp":370,"effect":null,"linkquality":150,"power_on_behavior":null,"state":"ON"}` + "\n" +
				`all_lights {"brightness":254,"color_mode":"color_temp","color_temp":370,"state":"ON"} (reply)` + "\n"},
	} {
		got := heard(b, tt.rest, tt.payload)
		if i := strings.Index(got, `"voltage":`); i > 0 { // it has noise
			got = got[:i] + `"voltage":230.6} (reply)` + "\n"
		}
		if got != tt.want {
			t.Errorf("Hear(%s, %s) says\n%swant\n%s", tt.rest, tt.payload, got, tt.want)
		}
	}
}

// A group of two lights is OFF when both are.
func TestGroupIsOffWhenAllAre(t *testing.T) {
	b := New(Config{Base: "zigbee2mqtt", Coordinator: "0x0"}, []Member{
		{"a", "0x1", model(t, "light", map[string]any{"power": "ON"})},
		{"b", "0x2", model(t, "light", map[string]any{"power": "ON"})},
	})
	if got := heard(b, "a/set", "OFF"); strings.Contains(got, "all_lights ") {
		t.Errorf("with one of two lights off it says\n%swant nothing of the group", got)
	}
	if got := heard(b, "b/set", "OFF"); !strings.Contains(got, `all_lights {"brightness":254,"color_mode":"color_temp","color_temp":370,"state":"OFF"}`) {
		t.Errorf("with both off it says\n%swant the group OFF", got)
	}
}

// What a hand does at the device is told as what a command does.
func TestChangedByHand(t *testing.T) {
	b := recordedHome(t)
	for i, tt := range []struct{ attr, value, want string }{
		{"power", "ON", `light_1 {"brightness":254,"color_mode":"color_temp","color_temp":370,"effect":null,"linkquality":150,"power_on_behavior":null,"state":"ON"}`},
		{"power", "OFF", `"state":"OFF"`},
		{"window", "open", `"window_open":true`},
	} {
		m := b.all[i].model
		attr, _ := m.Kind().Attribute([]byte(tt.attr))
		if _, err := m.Do(attr, []byte(tt.value)); err != nil {
			t.Fatal(err)
		}
		got := all(func(say func(Message)) { b.Changed(i, noon, say) })
		if !strings.Contains(got, tt.want) {
			t.Errorf("after %s %s by hand it says\n%swant %s", tt.attr, tt.value, got, tt.want)
		}
	}
	// A brightness of the hand's own, in per cent, replaces the one that is remembered.
	m := b.all[0].model
	attr, _ := m.Kind().Attribute([]byte("brightness"))
	if _, err := m.Do(attr, []byte("40")); err != nil {
		t.Fatal(err)
	}
	if got := all(func(say func(Message)) { b.Changed(0, noon, say) }); !strings.Contains(got, `light_1 {"brightness":102,`) {
		t.Errorf("after brightness 40 by hand it says\n%swant brightness 102", got)
	}
}

// The end of a fade that a command ordered is no news: the state told its end already.
func TestFadeEndsSilently(t *testing.T) {
	b := recordedHome(t)
	heard(b, "light_1/set", `{"brightness":101,"transition":2}`)
	c := b.all[0].model.Step(3 * time.Second)
	if c == 0 {
		t.Fatal("the model's fade has no end; want one to report")
	}
	if got := all(func(say func(Message)) { b.Changed(0, noon, say) }); got != "" {
		t.Errorf("at the end of the fade it says\n%swant nothing", got)
	}
	if got := heard(b, "light_1/get", `{"brightness":""}`); !strings.Contains(got, `light_1 {"brightness":101,`) {
		t.Errorf("then it has\n%swant brightness 101", got)
	}
}

func TestPermitJoinEnds(t *testing.T) {
	b := recordedHome(t)
	heard(b, "bridge/request/permit_join", `{"time":60}`)
	if got, want := b.JoinEnds(), noon.Add(time.Minute); !got.Equal(want) {
		t.Fatalf("JoinEnds() = %v; want %v", got, want)
	}
	end := func(at time.Time) string { return all(func(say func(Message)) { b.EndJoin(at, say) }) }
	if got := end(noon.Add(59 * time.Second)); got != "" {
		t.Errorf("a second before its end it says\n%swant nothing", got)
	}
	if got := end(noon.Add(time.Minute)); !strings.Contains(got, `"permit_join":false`) || !b.JoinEnds().IsZero() {
		t.Errorf("at its end it says\n%swant permit_join false", got)
	}
}

// Requests can make the bridge remember so much and no more.
func TestWhatItRemembersIsBounded(t *testing.T) {
	b := recordedHome(t)
	for i := range mostGroups {
		heard(b, "bridge/request/group/add", fmt.Sprintf(`"g%d"`, i))
	}
	if got := heard(b, "bridge/request/group/add", `"more"`); !strings.Contains(got, "256 groups already") {
		t.Errorf("the group after %d is answered\n%swant that there are enough", mostGroups, got)
	}
	for i := range mostOptions + 1 {
		heard(b, "bridge/request/device/options", fmt.Sprintf(`{"id":"plug_1","options":{"o%d":%d}}`, i, i))
	}
	if got := len(b.memberOf("plug_1").options.keys); got > mostOptions {
		t.Errorf("a device has %d options; want %d at most", got, mostOptions)
	}
	if got := heard(b, "bridge/request/device/rename", `{"from":"plug_1","to":"`+strings.Repeat("x", 300)+`"}`); !strings.Contains(got, "too long") {
		t.Errorf("a name of 300 bytes is answered\n%swant that it is too long", got)
	}
}

// A name that would be a command topic, or none that MQTT allows, is refused.
func TestNamesThatAreRefused(t *testing.T) {
	b := recordedHome(t)
	for _, name := range []string{"", "a/", "/a", "a+b", "a#", "bridge", "bridge/x", "Coordinator", "x/set", "get/x", "light_1", "all_lights", "a\u0001b"} {
		quoted, _ := json.Marshal(name)
		got := heard(b, "bridge/request/device/rename", `{"from":"plug_1","to":`+string(quoted)+`}`)
		if !strings.Contains(got, `"status":"error"`) || b.memberOf("plug_1") == nil {
			t.Errorf("rename to %q is answered\n%swant an error", name, got)
		}
	}
	if got := heard(b, "bridge/request/device/rename", `{"from":"plug_1","to":"kitchen/plug"}`); !strings.Contains(got, `"status":"ok"`) {
		t.Errorf("rename to kitchen/plug is answered\n%swant ok", got)
	}
	if got := heard(b, "kitchen/plug/set", "OFF"); !strings.Contains(got, `kitchen/plug {`) {
		t.Errorf("then a command says\n%swant its state", got)
	}
}

// Bad input of any size changes nothing, is answered as far as the real one answers it,
// and takes memory in proportion.
func TestBadInput(t *testing.T) {
	size := some(1<<18, 1<<20)
	many := strings.Repeat(`"k":1,`, size/6)
	keys := new(strings.Builder)
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(keys, `"k%d":%d,`, i, i)
	}
	for name, payload := range map[string]string{
		"a text":              `"` + strings.Repeat("x", size) + `"`,
		"no JSON":             strings.Repeat("x", size),
		"nested lists":        strings.Repeat("[", size),
		"nested objects":      strings.Repeat(`{"a":`, size/5),
		"one key, many times": "{" + many + `"k":1}`,
		"many keys":           "{" + keys.String() + `"k":1}`,
		"a value":             `{"state":"` + strings.Repeat("x", size) + `"}`,
		"a number":            `{"brightness":` + strings.Repeat("9", size) + "}",
		"NUL":                 strings.Repeat("\x00", size),
		"no UTF-8":            strings.Repeat("\xff", size),
		"a transaction":       `{"transaction":"` + strings.Repeat("x", size) + `"}`,
	} {
		for _, rest := range []string{"light_1/set", "light_1/set/color", "bridge/request/group/add"} {
			b := recordedHome(t)
			before := b.all[0].state(nil)
			var ms, after runtime.MemStats
			said := 0
			runtime.ReadMemStats(&ms)
			b.Hear(rest, []byte(payload), noon, func(m Message) { said += len(m.Payload) + len(m.Reply) })
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - ms.TotalAlloc; took > uint64(60*size) {
				t.Errorf("%s to %s took %d bytes; want at most %d", name, rest, took, 60*size)
			}
			if said > 8*size {
				t.Errorf("%s to %s says %d bytes; want at most %d", name, rest, said, 8*size)
			}
			if now := b.all[0].state(nil); !bytes.Equal(before, now) {
				t.Errorf("%s to %s changes the light from %s to %s", name, rest, before, now)
			}
		}
	}
}

// Whatever comes, in whatever order, the bridge says topics and JSON that MQTT and
// others can read, and no message to a topic that it would take for a command.
func FuzzBridge(f *testing.F) {
	for _, s := range [][2]string{
		{"light_1/set", `{"state":"ON","brightness":40,"color":{"x":0.3,"y":0.4},"transition":1}`},
		{"light_1/set/color", `{"hsb":"1,2,3"}`},
		{"all_lights/set", `{"color_temp_step":1e300}`},
		{"thermostat_1/set", `{"occupied_heating_setpoint":"21.5","system_mode":"auto"}`},
		{"plug_1/get", `{"power":""}`},
		{"bridge/request/device/rename", `{"from":"light_1","to":"a/b","transaction":1}`},
		{"bridge/request/group/add", `{"friendly_name":"x","id":7}`},
		{"bridge/request/group/members/add", `{"group":1,"device":"plug_1"}`},
		{"bridge/request/device/options", `{"id":"light_1","options":{"transition":"1e9","qos":2}}`},
		{"bridge/request/networkmap", `{"type":"graphviz"}`},
		{"bridge/request/permit_join", `{"time":"254"}`},
	} {
		f.Add(s[0], s[1], "bridge/request/device/remove", `{"id":"light_1"}`)
	}
	f.Fuzz(func(t *testing.T, rest1, payload1, rest2, payload2 string) {
		b := recordedHome(t)
		say := func(m Message) {
			rest, ours := strings.CutPrefix(m.Topic, "zigbee2mqtt/")
			switch {
			case m.Topic == "" && m.Reply == nil:
				t.Error("it says nothing, to nobody")
			case strings.ContainsAny(m.Topic, "+#\x00") || !utf8.ValidString(m.Topic):
				t.Errorf("it says %q on %q, which is no topic name", m.Payload, m.Topic)
			case ours && Owns([]byte(rest)):
				t.Errorf("it says %q on %q, its own command topic", m.Payload, m.Topic)
			case len(m.Payload) > 0 && !json.Valid(m.Payload), !utf8.Valid(m.Payload), !utf8.Valid(m.Reply):
				t.Errorf("it says %q on %s, which is no JSON", m.Payload, m.Topic)
			case m.QoS > 2:
				t.Errorf("it says something at QoS %d", m.QoS)
			}
		}
		b.Start(noon, say)
		for _, m := range [][2]string{{rest1, payload1}, {rest2, payload2}} {
			if strings.ContainsAny(m[0], "+#\x00") || !utf8.ValidString(m[0]) {
				return // no topic name comes from a broker that is like that
			}
			b.Hear(m[0], []byte(m[1]), noon, say)
			for i := range b.all {
				b.Changed(i, noon, say)
			}
		}
		b.Report(noon, say)
		b.Discover(noon, say)
		b.Again(noon, say)
	})
}
