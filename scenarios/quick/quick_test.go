package quick

import (
	"fmt"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// What is written is what was said: read again by a TOML reader that is not ours.
func TestWrite(t *testing.T) {
	l := &Load{Broker: "mqtt://h:1", MQTT: "5", Username: "u-{n}", Password: Password{Env: "P"}, CAFile: "ca.pem", CertFile: "c.pem", KeyFile: "k.pem", Insecure: true, Seed: "7", Devices: 200, Kind: "light", Face: "tasmota", ConnectRate: "500/s", KeepAlive: "30s", Controllers: 4, Watchers: 3,
		Rate: "300/s", Attribute: "power", Payloads: []string{"ON", "OFF"}, PayloadSize: "1KiB", Timeout: "2s", QoS: 1, Telemetry: "1s",
		Connect: "1m", WarmUp: "2s", For: "10s", Expect: []string{"response.p99 < 50ms", "connect.connack.max{phase=connect}<1s", "requests.rate between 1/s and 2/s"}}
	controller := `[map[attribute:power count:4 name:controllers payload_size:1KiB payloads:[ON OFF] qos:1 rate:300/s timeout:2s]]`
	for _, tt := range []struct {
		shape Shape
		want  map[string]string
	}{
		{Requests, map[string]string{"title": "Requests to 200 devices", "controller": controller, "watcher": "<nil>",
			"device": "[map[count:200 face:tasmota kind:light qos:1 telemetry:1s]]"}},
		{Connect, map[string]string{"controller": "<nil>", "watcher": "<nil>"}},
		{FanIn, map[string]string{"controller": "<nil>", "watcher": "[map[count:3 name:watchers qos:1 share:watchers]]",
			"device": "[map[count:200 face:tasmota kind:light qos:1 telemetry:1s telemetry_size:1KiB]]"}},
		{FanOut, map[string]string{"controller": strings.Replace(strings.Replace(controller, "name:controllers", "name:publishers", 1), "count:4", "count:4 group:all", 1),
			"device": "[map[count:200 face:tasmota groups:[all] kind:light qos:1 telemetry:1s]]"}},
	} {
		f := Write(tt.shape, l, "homefleet bench", " --runs 3")
		var got map[string]any
		if _, err := toml.Decode(f.Text(), &got); err != nil {
			t.Errorf("%s: %v in\n%s", tt.shape, err, f.Text())
			continue
		}
		tt.want["broker"] = "map[ca_file:ca.pem cert_file:c.pem insecure:true key_file:k.pem mqtt:5 password_env:P url:mqtt://h:1 username:u-{n}]"
		tt.want["seed"] = "7"
		if !strings.Contains(f.Text(), "\n#     homefleet run load.toml --runs 3\n") {
			t.Errorf("%s: what else is to be said is not there:\n%s", tt.shape, f.Text())
		}
		tt.want["connect"] = "map[keep_alive:30s rate:500/s]"
		tt.want["phases"] = "map[connect:1m measure:10s warm_up:2s]"
		tt.want["expect"] = "map[connect.connack.max{phase=connect}:<1s devices.online:== 100% requests.rate:between 1/s and 2/s response.p99:< 50ms]"
		for key, want := range tt.want {
			if got := fmt.Sprint(got[key]); got != want {
				t.Errorf("%s: %s = %s; want %s", tt.shape, key, got, want)
			}
		}
	}
}

// All devices are to be up, unless it is said how many.
func TestAllAreUp(t *testing.T) {
	f := Write(Connect, &Load{Devices: 1, Expect: []string{"devices.online > 90%"}}, "", "")
	if n := strings.Count(f.Text(), "devices.online"); n != 1 {
		t.Errorf("devices.online is expected %d times; want what was said:\n%s", n, f.Text())
	}
}

// A line knows the flag that it is from, and what is empty is not written.
func TestFlagOf(t *testing.T) {
	f := Write(Requests, &Load{Devices: 1, Kind: "light", Rate: "1/s"}, "", "")
	for i, line := range strings.Split(f.Text(), "\n") {
		want := map[string]string{"kind": "kind", "count": "devices", "rate": "rate", "qos": "qos"}[strings.SplitN(line, " ", 2)[0]]
		if line == "count = 0" {
			want = "controllers"
		}
		if got := f.FlagOf(i + 1); got != want {
			t.Errorf("%q is from %q; want %q", line, got, want)
		}
		if strings.HasPrefix(line, "[broker]") || strings.HasPrefix(line, "[phases]") {
			t.Errorf("%q stands there, and nothing under it", line)
		}
	}
}

// Whatever a text is, it stays one text.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "a", `"`, `\`, "\n[[device]]", "\x7f\x00", "\u2028é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got struct{ A string }
		l := "a = " + quoted(s)
		if _, err := toml.Decode(l, &got); err != nil || got.A != strings.ToValidUTF8(s, "\ufffd") && got.A != string([]rune(s)) {
			t.Errorf("%s reads %q, %v; want %q", l, got.A, err, s)
		}
	})
}
