package scenarios

import (
	"strings"
	"testing"
	"time"

	"homefleet/devices"
)

// What is wrong with telemetry of one's own is told at its line, with the nearest word.
func TestReportFaults(t *testing.T) {
	const plug = "[[device]]\nkind = \"plug\"\nid = \"p-{n}\"\ntelemetry = \"1s\"\n"
	for _, tt := range []struct{ toml, want string }{
		{plug + `telemetry_payload = "{voltge}"`, "5:22: telemetry_payload: unknown place {voltge}\ndid you mean {voltage}?"},
		{plug + `telemetry_payload = "{temperature}"`, "5:22: telemetry_payload: unknown place {temperature}\nplaces: {id}, "},
		{plug + `telemetry_payload = '{"power":{power}}'`, "5:22: telemetry_payload: \"{\" without a \"}\" after it\na brace itself is written \"{{\""},
		{plug + `telemetry_payload = "{power:3}"`, "5:22: telemetry_payload: {power} takes no width; {n}, {h} and {mac} do"},
		{plug + `telemetry_payload = "{time:3}"`, "5:22: telemetry_payload: {time} takes no width; {n}, {h} and {mac} do"},
		{plug + `telemetry_payload = ""`, "5:21: telemetry_payload is empty\nleave it out instead"},
		{plug + `telemetry_payload = "{h}"`, "5:21: telemetry_payload has a {h}, but the group has no homes"},
		{plug + `telemetry_payload = "` + strings.Repeat("x", 64<<10) + `{id}"`, "telemetry_payload: "},
		{plug + `telemetry_topic = "a/{power}"`, "5:22: telemetry_topic: unknown place {power}\nplaces: "},
		{plug + `telemetry_topic = "a/#"`, "5:19: telemetry_topic: \"a/#\" has a wildcard; want a topic name, without + and #"},
		{plug + `telemetry_topic = "cmnd/{id}/power"`, "5:19: telemetry_topic: \"cmnd/p-1/power\" is one of the device's own command topics, cmnd/p-1/#"},
		{plug + `telemetry_size = "17MiB"`, "5:18: telemetry_size is 17MiB; want 0B to 16MiB"},
		{plug + "telemetry_size = \"1KiB\"\nface = \"shelly\"", "5:18: telemetry_size does not go with face \"shelly\", whose devices report as the product does; want face \"homefleet\""},
		{"[[device]]\nkind = \"plug\"\ntelemetry_topic = \"x/{id}\"", "3:19: telemetry_topic, but the devices make no reports\nadd telemetry = \"30s\", say"},
	} {
		_, faults := Load("t.toml", []byte(tt.toml))
		var got []string
		for _, f := range faults {
			got = append(got, strings.Replace(strings.TrimPrefix(f.Text(), "t.toml:"), "error: ", "", 1)+"\n"+f.Hint)
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, tt.want) {
			t.Errorf("Load(%.80q) says %.300q; want %q", tt.toml[strings.LastIndexByte(tt.toml[:len(tt.toml)-1], '\n')+1:], all, tt.want)
		}
	}
}

// What the places stand for, beside what templates have everywhere; padded, and without an
// allocation.
func TestAppendReport(t *testing.T) {
	const head = "seed = 3\n[[device]]\nkind = \"thermostat\"\nid = \"t-{n}\"\nhome = \"flat\"\ntelemetry = \"1s\"\n"
	at := time.Date(2026, 11, 30, 9, 5, 6, 70_000_000, time.FixedZone("", 3600))
	for _, tt := range []struct{ toml, topic, payload string }{
		{`telemetry_topic = "v1/{home}/{id}/up"`, "v1/flat/t-1/up", ""},
		{`telemetry_payload = '{{"dev":"{id}","n":{n:3},"t":{temperature},"sp":{target},"m":"{mode}","w":"{window}","seq":{sequence}}}'`,
			"tele/t-1/state", `{"dev":"t-1","n":001,"t":20.0,"sp":21.0,"m":"heat","w":"closed","seq":7}`},
		{`telemetry_payload = "{kind} {time} {unix} {unix-ms}"`, "tele/t-1/state", "thermostat 2026-11-30T08:05:06.070Z 1796025906 1796025906070"},
		{"telemetry_payload = \"{id}\"\ntelemetry_size = \"8B\"", "tele/t-1/state", "t-1     "},
	} {
		s, faults := Load("t.toml", []byte(head+tt.toml))
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		d := s.Device(0)
		model, err := d.Group.Kind.New(devices.Config{Params: d.Group.Params})
		if err != nil {
			t.Fatal(err)
		}
		values := Values{Model: model, Now: at, Sequence: 7}
		var topic, payload []byte
		report := func() {
			vars := d.Vars("r1")
			vars.Values = &values
			values.Measure()
			topic, payload = d.Group.AppendReport(topic[:0], payload[:0], &vars)
		}
		report()
		if tt.payload == "" {
			tt.payload = string(model.AppendTelemetry(nil))
		}
		if string(topic) != tt.topic || string(payload) != tt.payload {
			t.Errorf("%s: %q %q; want %q %q", tt.toml, topic, payload, tt.topic, tt.payload)
		}
		if n := testing.AllocsPerRun(100, report); n > 0 {
			t.Errorf("%s: %v allocations; want none", tt.toml, n)
		}
	}
	s, faults := Load("t.toml", []byte(head+"telemetry_topic = \"v1/{home}/{id}/up\""))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	if r := s.Groups[0].Reports(); len(r.Telemetry) != 1 || r.Telemetry[0] != "v1/flat/+/up" {
		t.Errorf("Reports().Telemetry = %q; want v1/flat/+/up", r.Telemetry)
	}
}

// Where devices say that they are there: a mistake in it, and a Will that says for ever that
// they are not.
func TestPresenceFaults(t *testing.T) {
	const plugs = "[[device]]\nkind = \"plug\"\nid = \"p-{n}\"\ncount = 2\n"
	const stays = ", and the devices say on %q that they are there: once it was published, it stays there though they are back\n"
	for _, tt := range []struct{ toml, want string }{
		{"[device.will]\ntopic = \"gone/{id}\"", ""},
		{"[device.presence]\ntopic = \"here/{idd}\"", "6:15: error: topic: unknown place {idd}\ndid you mean {id}?"},
		{"[device.presence]\ntopic = \"cmnd/{id}/power\"", "6:9: error: topic: \"cmnd/p-1/power\" is one of the device's own command topics, cmnd/p-1/#\n"},
		{"[device.presence]\ntopic = \"here\"", "6:9: warning: topic is the same for all 2 devices: each says there that it is there or gone, and one hides the other\nuse {id} in it"},
		{"[device.presence]\ntopic = \"here/{id}\"", "6:9: warning: the Will is retained on \"tele/p-1/lwt\"" + strings.ReplaceAll(stays, "%q", `"here/p-1"`) + "the topic of [device.will] may be the same, or retain = false there"},
		{"[device.presence]\ntopic = \"here/{id}\"\n[device.will]\nretain = false", ""},
		{"[device.presence]\ntopic = \"here/{id}\"\n[device.will]\ntopic = \"here/{id}\"", ""},
		{"will = false\npresence = { topic = \"here/{id}\" }", ""},
		{"[device.will]\ntopic = \"gone/all\"", "6:9: warning: the Will is retained on \"gone/all\"" + strings.ReplaceAll(stays, "%q", `"tele/p-1/lwt"`) + "use {id} in it, or retain = false"},
		{"[device.will]\ntopic = \"gone/all\"\nretain = false", ""},
	} {
		_, faults := Load("t.toml", []byte(plugs+tt.toml))
		var got []string
		for _, f := range faults {
			got = append(got, strings.TrimPrefix(f.Text(), "t.toml:")+"\n"+f.Hint)
		}
		if all := strings.Join(got, "\n"); all != tt.want {
			t.Errorf("Load(%q) says %q; want %q", tt.toml, all, tt.want)
		}
	}
}
