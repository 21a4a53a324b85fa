package scenarios

import (
	"strings"
	"testing"

	"homefleet/scenarios/tomlfault"
)

// What MQTT 3.1.1 cannot express is an error where the scenario would mean something else
// without it, and a warning where it means the same with less; each at its line.
func TestMQTT311(t *testing.T) {
	const (
		broker  = "[broker]\nmqtt = \"3.1.1\"\n"
		light   = "[[device]]\nkind = \"light\"\n"
		old     = light + "mqtt = \"3.1.1\"\n"
		phones  = "[[controller]]\nattribute = \"power\"\nrate = \"1/s\"\n"
		watcher = "[[watcher]]\n"
	)
	for _, tt := range []struct {
		name, src string
		line      int    // of the fault; 0: there is none
		want      string // its beginning
		warning   bool
	}{
		{"all", broker + light + phones + watcher + "[device.will]\npayload = \"gone\"\n", 0, "", false},
		{"devices and controllers", old + phones + "mqtt = \"3.1.1\"\n", 0, "", false},
		{"controllers alone", light + phones + "mqtt = \"3.1.1\"\nidentify = true\n", 0, "", false},
		{"all but some", broker + light + "mqtt = \"5\"\n[device.will]\ndelay = \"1s\"\n[connect]\nsession_expiry = \"1m\"\n", 0, "", false},
		{"no such version", "[broker]\nmqtt = \"3.1\"\n" + light, 2, "mqtt has no choice \"3.1\"; want \"5\" or \"3.1.1\"", false},
		{"a number", "[broker]\nmqtt = 5\n" + light, 2, "mqtt", false},

		{"Will delay", old + "[device.will]\ndelay = \"1s\"\n[connect]\nsession_expiry = \"1m\"\n", 5, "MQTT 3.1.1 has no Will Delay Interval", false},
		{"Will delay, all", broker + light + "[device.will]\ndelay = \"1s\"\n", 6, "MQTT 3.1.1 has no Will Delay Interval", false},
		{"Will expiry", old + "[device.will]\nmessage_expiry = \"1s\"\n", 5, "MQTT 3.1.1 has no Message Expiry Interval", true},
		{"Will type", old + "[device.will]\ncontent_type = \"a\"\n", 5, "MQTT 3.1.1 has no Content Type", true},
		{"Will response", old + "[device.will]\nresponse_topic = \"a/{id}\"\n", 5, "MQTT 3.1.1 has no Response Topic", true},
		{"Will properties", old + "[device.will]\nuser_properties = [[\"a\", \"b\"]]\n", 5, "MQTT 3.1.1 has no User Properties", true},
		{"wrong correlation", old + "[device.misbehave]\nwrong_correlation = \"1%\"\n", 5, "MQTT 3.1.1 has no Correlation Data", false},
		{"wrong topic", old + "[device.misbehave]\nwrong_topic = \"1%\"\n", 5, "MQTT 3.1.1 has no Response Topic", false},
		{"drop", old + "[device.misbehave]\ndrop = \"1%\"\n", 0, "", false},
		{"session", old + "[connect]\nsession_expiry = \"1m\"\n", 5, "MQTT 3.1.1 has no Session Expiry Interval", true},
		{"session without an id", old + "[connect]\nclient_id = \"\"\nsession_expiry = \"1m\"\n", 5, "client_id is empty, and a session of MQTT 3.1.1", false},
		{"with-will", old + "[[incident]]\nkind = \"offline\"\nway = \"with-will\"\nat = \"1s\"\nfor = \"1s\"\n", 6, "way is \"with-will\", but a DISCONNECT of MQTT 3.1.1", false},

		{"asks for the impossible", old + phones, 4, "these controllers speak MQTT 5, and light-1", false},
		{"asks others", old + "id = \"old-{n}\"\n" + light + "id = \"new-{n}\"\n" + phones + "target.id = \"new-*\"\n", 0, "", false},
		{"group", light + "groups = [\"all\"]\n" + phones + "mqtt = \"3.1.1\"\ngroup = \"all\"\n", 8, "MQTT 3.1.1 has no Response Topic", false},
		{"share_replies", light + phones + "mqtt = \"3.1.1\"\nshare_replies = true\n", 7, "MQTT 3.1.1 has no Response Topic that could be shared", false},
		{"correlation_size", light + phones + "mqtt = \"3.1.1\"\ncorrelation_size = \"30B\"\n", 7, "MQTT 3.1.1 has no Correlation Data", true},
		{"answers", light + "[device.will]\nresponse_topic = \"a/{id}\"\n" + watcher + "mqtt = \"3.1.1\"\nanswers = true\n", 7, "MQTT 3.1.1 has no Response Topic", false},
		{"share", light + watcher + "mqtt = \"3.1.1\"\nshare = \"a\"\n", 5, "MQTT 3.1.1 has no shared subscriptions", true},
	} {
		_, faults := Load("test.toml", []byte(tt.src))
		found := false
		for _, f := range faults {
			switch {
			case f.Line == tt.line && (f.Severity == tomlfault.Warning) == tt.warning && strings.HasPrefix(f.Message, tt.want):
				found = true
			case tt.line == 0 || f.Severity != tomlfault.Warning:
				t.Errorf("%s: line %d: %s", tt.name, f.Line, f.Message)
			}
		}
		if !found && tt.line > 0 {
			t.Errorf("%s: found\n%swant at line %d: %s", tt.name, faults, tt.line, tt.want)
		}
	}
}
