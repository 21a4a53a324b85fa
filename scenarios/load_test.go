package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/scenarios/tomlfault"
)

// everyKey sets every key of a scenario to something else than its default.
const everyKey = `
title = "All of it"
seed = 9223372036854775807
duration = "1d12h"
time = "0.5x"
start = "23:59:30"

[broker]
url = "wss://broker.example:8084/mqtt?a=b"
username = "{id}"
password_file = "/run/secrets/{id}"
ca_file = "ca.pem"
cert_file = "cert.pem"
key_file = "key.pem"
server_name = "other.example"
insecure = true

[connect]
rate = "30/min"
timeout = "3s"
keep_alive = "0s"
session_expiry = "never"
clean_start = false
client_id = "{run}-{id}"
backoff = "naive"
backoff_min = "2s"
backoff_max = "3s"
backoff_reset = "0s"
receive_maximum = 65535

[[device]]
kind = "light"
name = "bulbs"
count = 2
homes = 3
first = 0
first_home = 10
id = "{home}-{kind}{n:3}-{seed}"
home = "{{h}}{h:4}"
telemetry = "1.5s"
telemetry_jitter = "0%"
qos = 2
retain = true
accept_retained = true
brightness = 40
transition = "1500ms"
power = "ON"
backoff = "full-jitter"
backoff_min = "4s"
backoff_max = "5s"

[device.misbehave]
drop = "1%"
duplicate = "2%"
wrong_correlation = "3%"
no_correlation = "4%"
wrong_topic = "5%"
error = "6%"
reorder = "7%"
late = "8%"
reorder_for = "1500ms"
late_min = "0s"
late_max = "9s"
withhold_puback = "100%"
flood = "50/s"
clock_skew = "-3h"

[device.will]
topic = "gone/{id}"
payload = "{{\"n\": {n}}}"
qos = 0
retain = false
delay = "1h"
message_expiry = "7d"
content_type = "application/json"
response_topic = "seen/{id}"
correlation_data = "{run}"
user_properties = [["a", "{n}"], ["a", "2"], ["", ""]]

[[device]]
kind = "plug"
will = false
`

func TestLoadEveryKey(t *testing.T) {
	s, faults := Load("all.toml", []byte(everyKey))
	if len(faults) > 0 {
		t.Fatalf("Load(everyKey) finds\n%s", faults)
	}
	light, _ := devices.KindByName("light")
	plug, _ := devices.KindByName("plug")
	want := &Scenario{
		Name: "all.toml", Title: "All of it", Seed: 1<<63 - 1, Duration: 36 * time.Hour, Time: 0.5,
		Start: 23*time.Hour + 59*time.Minute + 30*time.Second,
		Broker: Broker{
			URL: "wss://broker.example:8084/mqtt?a=b", Username: "{id}", Password: Secret{File: "/run/secrets/{id}"},
			CAFile: "ca.pem", CertFile: "cert.pem", KeyFile: "key.pem", ServerName: "other.example", Insecure: true,
		},
		Connect: Connect{
			Rate: 0.5, Timeout: 3 * time.Second, SessionExpiry: SessionNeverExpires, Resume: true, ClientID: "{run}-{id}",
			Backoff: Naive, BackoffMin: 2 * time.Second, BackoffMax: 3 * time.Second, ReceiveMaximum: 65535, filled: true,
		},
		Groups: []Group{{
			Name: "bulbs", Kind: light, Count: 2, Homes: 3, First: 0, FirstHome: 10, ID: "{home}-{kind}{n:3}-{seed}", Home: "{{h}}{h:4}",
			Params:    map[string]any{"brightness": 40.0, "transition": 1500 * time.Millisecond, "power": "ON"},
			Telemetry: 1500 * time.Millisecond, QoS: 2, Retain: true, AcceptRetained: true, filled: true,
			Backoff: FullJitter, BackoffMin: 4 * time.Second, BackoffMax: 5 * time.Second,
			Misbehave: &Misbehavior{
				Drop: 0.01, Duplicate: 0.02, WrongCorrelation: 0.03, NoCorrelation: 0.04, WrongTopic: 0.05, Error: 0.06, Reorder: 0.07, Late: 0.08,
				ReorderFor: 1500 * time.Millisecond, LateMax: 9 * time.Second, WithholdPuback: 1, Flood: 50, ClockSkew: -3 * time.Hour, filled: true,
			},
			Will: Will{
				Topic: "gone/{id}", Payload: `{{"n": {n}}}`, Delay: time.Hour, MessageExpiry: 7 * 24 * time.Hour,
				ContentType: "application/json", ResponseTopic: "seen/{id}", CorrelationData: "{run}",
				UserProperties: []Property{{"a", "{n}"}, {"a", "2"}, {"", ""}},
			},
		}, {
			Kind: plug, Count: 1, First: 1, FirstHome: 1, ID: defaultID, TelemetryJitter: 0.1, filled: true,
			Backoff: Naive, BackoffMin: 2 * time.Second, BackoffMax: 3 * time.Second, inherited: backoff{Naive, 2 * time.Second, 3 * time.Second},
			Will: Will{Off: true, Topic: "tele/{id}/lwt", Payload: "Offline", QoS: 1, Retain: true},
		}},
		Digest: s.Digest, filled: true,
	}
	for i := range s.Groups {
		s.Groups[i].voice = nil // of which another test tells
		want.Groups[i].Face.Name = "homefleet"
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("Load(everyKey) = %+v; want %+v", s, want)
	}
	if len(s.Digest) != 64 {
		t.Errorf("Digest = %q; want a SHA-256 in hex", s.Digest)
	}
	before := *s
	if err := s.Check(); err != nil || !reflect.DeepEqual(*s, before) {
		t.Errorf("Check() of a loaded scenario = %v, %+v; want it as it was, %+v", err, *s, before)
	}
}

// TestDefaultsAgree checks that an empty group in a file and in Go are one.
func TestDefaultsAgree(t *testing.T) {
	loaded, faults := Load("x", []byte("[[device]]\nkind = \"light\"\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	light, _ := devices.KindByName("light")
	built := &Scenario{Name: "x", Groups: []Group{{Kind: light}}}
	if err := built.Check(); err != nil {
		t.Fatal(err)
	}
	built.Digest = loaded.Digest
	if !reflect.DeepEqual(loaded, built) {
		t.Errorf("Load = %+v; want %+v, as built in Go", loaded, built)
	}
	if got := loaded.Connect; got.KeepAlive != time.Minute || got.Timeout != 10*time.Second || got.ClientID != "{id}" ||
		got.Backoff != FullJitter || got.BackoffMin != time.Second || got.BackoffMax != time.Minute ||
		got.BackoffReset != 30*time.Second || got.ReceiveMaximum != 32 || got.SessionExpiry != 0 || got.Resume || got.Rate != 0 {
		t.Errorf("Connect = %+v; want the documented defaults", got)
	}
	if loaded.Start != 8*time.Hour || loaded.Time != 1 || loaded.Groups[0].TelemetryJitter != 0.1 {
		t.Errorf("Load = %+v; want the documented defaults", loaded)
	}
}

func TestCheckOfScenarioBuiltInGo(t *testing.T) {
	light, _ := devices.KindByName("light")
	group := func(change func(*Scenario)) *Scenario {
		s := &Scenario{Groups: []Group{{Kind: light, Count: 2}}}
		change(s)
		return s
	}
	for _, tt := range []struct {
		name string
		s    *Scenario
		want string // the first fault's text; "": none
	}{
		{"all defaults", group(func(s *Scenario) {}), ""},
		{"no devices", &Scenario{Name: "empty"}, "empty: error: the scenario has no devices"},
		{"no kind", &Scenario{Groups: []Group{{}}}, "scenario: error: device[0].kind: a device group without a kind"},
		{"count", group(func(s *Scenario) { s.Groups[0].Count = -2 }), "scenario: error: device[0].count: count is -2; want 1 to 1000000"},
		{"qos", group(func(s *Scenario) { s.Groups[0].QoS = 3 }), "scenario: error: device[0].qos: qos is 3; want 0 to 2"},
		{"will qos", group(func(s *Scenario) { s.Groups[0].Will = Will{Topic: "x", QoS: 9} }), "scenario: error: device[0].will.qos: qos is 9; want 0 to 2"},
		{"id", group(func(s *Scenario) { s.Groups[0].ID = "x" }), `scenario: error: device[0].id: id "x" has no {n}, so that all 2 devices would share it`},
		{"id not UTF-8", group(func(s *Scenario) { s.Groups[0].ID = "\xff{n}" }), `scenario: error: device[0].id: id: "\xff1" is not UTF-8`},
		{"home not UTF-8", group(func(s *Scenario) { s.Groups[0].Home = "\xff" }), `scenario: error: device[0].home: home: "\xff" is not UTF-8`},
		{"home length", group(func(s *Scenario) { s.Groups[0].Home = Template(strings.Repeat("x", 1025)) }),
			`scenario: error: device[0].home: home: "` + strings.Repeat("x", 57) + `..." has 1025 bytes; want at most 1024`},
		{"homes", group(func(s *Scenario) { s.Groups[0].Homes = -1 }), "scenario: error: device[0].homes: homes is -1; want 1 to 1000000"},
		{"parameter", group(func(s *Scenario) { s.Groups[0].Params = map[string]any{"brightness": 0} }),
			"scenario: error: device[0].brightness: brightness: 0; want a number from 1 to 100"},
		{"parameter as int", group(func(s *Scenario) { s.Groups[0].Params = map[string]any{"brightness": 5} }), ""},
		{"parameter type", group(func(s *Scenario) { s.Groups[0].Params = map[string]any{"brightness": "5"} }),
			`scenario: error: device[0].brightness: brightness: "5"; want a number from 1 to 100`},
		{"parameter name", group(func(s *Scenario) { s.Groups[0].Params = map[string]any{"x": 5} }),
			`scenario: error: device[0].x: a light has no parameter "x"`},
		{"time", group(func(s *Scenario) { s.Time = -3 }), "scenario: error: time: time is -3; want 0.001 to 86400"},
		{"start", group(func(s *Scenario) { s.Start = 7 * 24 * time.Hour }), "scenario: error: start: 168h is no time of a week; want 0s to less than 7d"},
		{"duration", group(func(s *Scenario) { s.Duration = -time.Second }), "scenario: error: duration: duration is -1s; want 0s, for until stopped, or more"},
		{"seed", group(func(s *Scenario) { s.Seed = 1 << 63 }), "scenario: error: seed: seed is 9223372036854775808; want 0 to 2^63-1"},
		{"rate", group(func(s *Scenario) { s.Connect.Rate = -1 }), "scenario: error: connect.rate: rate is -1/s; want 0/s, for as fast as it goes, to 1000000/s"},
		{"telemetry", group(func(s *Scenario) { s.Groups[0].Telemetry = -1 }), "scenario: error: device[0].telemetry: telemetry is -1ns; want 0s, for none, or more"},
		{"jitter", group(func(s *Scenario) { s.Groups[0].TelemetryJitter = 2 }), "scenario: error: device[0].telemetry_jitter: telemetry_jitter is 2; want 0 to 1"},
		{"backoff", group(func(s *Scenario) { s.Connect.Backoff = "x" }), `scenario: error: connect.backoff: backoff has no choice "x"; want "full-jitter" or "naive"`},
		{"backoff_reset", group(func(s *Scenario) { s.Connect.BackoffReset = -time.Second }), "scenario: error: connect.backoff_reset: backoff_reset is -1s; want 0s or more"},
		{"will payload", group(func(s *Scenario) { s.Groups[0].Will.Payload = Template(strings.Repeat("x", 65536)) }),
			`scenario: error: device[0].will.payload: payload: "` + strings.Repeat("x", 57) + `..." has 65536 bytes; MQTT allows 65535`},
		{"will property", group(func(s *Scenario) { s.Groups[0].Will.UserProperties = []Property{{"\x00", ""}} }),
			`scenario: error: device[0].will.user_properties[0]: the key "\x00" has U+0000, which MQTT forbids in text`},
		{"password_env", group(func(s *Scenario) { s.Broker.Password.Env = "A=B" }),
			`scenario: error: broker.password_env: password_env is no name of an environment variable`},
		{"ca_file", group(func(s *Scenario) { s.Broker.CAFile = "a\x00" }), `scenario: error: broker.ca_file: ca_file has U+0000, which no file name has`},
	} {
		faults := tt.s.Vet()
		got := ""
		if len(faults) > 0 {
			got = faults[0].Text()
		}
		if got != tt.want || len(faults) > 1 {
			t.Errorf("%s: Vet() = %q; want %q alone", tt.name, faults, tt.want)
		}
		if err := tt.s.Check(); (err != nil) != (tt.want != "") {
			t.Errorf("%s: Check() = %v; want an error if and only if Vet finds one", tt.name, err)
		}
	}
}

// TestNone checks that a Go author can say zero where zero means the default,
// and that saying it once is enough.
func TestNone(t *testing.T) {
	light, _ := devices.KindByName("light")
	s := &Scenario{
		Start:   None,
		Connect: Connect{KeepAlive: None, BackoffReset: None},
		Groups:  []Group{{Kind: light, First: None, FirstHome: None, Homes: 2, TelemetryJitter: None}},
	}
	for range 2 {
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if s.Start != 0 || s.Connect.KeepAlive != 0 || s.Connect.BackoffReset != 0 || s.Groups[0].TelemetryJitter != 0 {
			t.Errorf("Check() leaves %+v; want None to become zero, and to stay it", s)
		}
		if got, want := s.Device(0).ID, "home-0-light-0"; got != want {
			t.Errorf("Device(0).ID = %q; want %q", got, want)
		}
	}
}

func TestWillBuiltInGo(t *testing.T) {
	light, _ := devices.KindByName("light")
	full := DefaultWill()
	full.ResponseTopic = "seen/{id}"
	for _, tt := range []struct{ will, want Will }{
		{Will{}, DefaultWill()},
		{Will{ResponseTopic: "seen/{id}"}, full},
		{Will{Payload: "gone"}, Will{Topic: "tele/{id}/lwt", Payload: "gone", QoS: 1, Retain: true}},
		{Will{Topic: "x/{id}"}, Will{Topic: "x/{id}"}},
		{Will{Off: true}, Will{Off: true}},
	} {
		s := &Scenario{Groups: []Group{{Kind: light, Will: tt.will}}}
		for range 2 {
			if err := s.Check(); err != nil {
				t.Errorf("Check() with %+v = %v; want none", tt.will, err)
			}
			if got := s.Groups[0].Will; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Check() makes %+v of %+v; want %+v", got, tt.will, tt.want)
			}
		}
	}
}

func TestDevices(t *testing.T) {
	s, faults := Load("x", []byte(`
[[device]]
kind = "light"
count = 3
first = 9
home = "flat-{n}"
[[device]]
kind = "plug"
homes = 2
first_home = 7
count = 2
[[device]]
kind = "thermostat"
id = "hall"
`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []string{
		"light-9 flat-9", "light-10 flat-10", "light-11 flat-11",
		"home-7-plug-1 home-7", "home-7-plug-2 home-7", "home-8-plug-1 home-8", "home-8-plug-2 home-8",
		"hall ",
	}
	var got []string
	for d := range s.Devices() {
		if one := s.Device(d.Number); one != d || d.Number != len(got) {
			t.Errorf("Device(%d) = %+v; want device %d of Devices(), %+v", d.Number, one, len(got), d)
		}
		got = append(got, d.ID+" "+d.Home)
	}
	if !slices.Equal(got, want) || s.Count() != len(want) {
		t.Errorf("Devices() = %q, Count() = %d; want %q", got, s.Count(), want)
	}
	for d := range s.Devices() {
		if d.Number == 1 {
			break // an iteration may end early
		}
	}
	for _, number := range []int{-1, len(want)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Device(%d) does not panic; want it to, as an index beyond the end", number)
				}
			}()
			s.Device(number)
		}()
	}
	v := s.Device(5).Vars("r")
	if want := (Vars{ID: "home-8-plug-1", N: 1, H: 8, Home: "home-8", Kind: "plug", Run: "r", Number: 5}); v != want {
		t.Errorf("Device(5).Vars = %+v; want %+v", v, want)
	}
}

func TestPlan(t *testing.T) {
	s, faults := Load("x", []byte(everyKey))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	plan := s.Plan()
	if len(plan) != 2 {
		t.Fatalf("Plan() has %d groups; want 2", len(plan))
	}
	p := plan[0]
	if p.Count != 6 || p.Homes != 3 || p.First.ID != "{h}0010-light000-9223372036854775807" || p.Last.ID != "{h}0012-light001-9223372036854775807" {
		t.Errorf("Plan()[0] = %+v; want 6 lights in 3 homes", p)
	}
	want := &WillText{
		Topic: "gone/" + p.First.ID, Payload: `{"n": 0}`, ContentType: "application/json", ResponseTopic: "seen/" + p.First.ID,
		CorrelationData: "{run}", UserProperties: []Pair{{"a", "0"}, {"a", "2"}, {"", ""}},
	}
	if !reflect.DeepEqual(p.Will, want) {
		t.Errorf("Plan()[0].Will = %+v; want %+v", p.Will, want)
	}
	if p := plan[1]; p.Count != 1 || p.Homes != 0 || p.Will != nil || p.First.ID != "plug-1" {
		t.Errorf("Plan()[1] = %+v; want one plug without a home and a Will", p)
	}
}

// TestUserPropertiesOrder checks that a table keeps the order of the file.
func TestUserPropertiesOrder(t *testing.T) {
	s, faults := Load("x", []byte("[[device]]\nkind = \"light\"\n[device.will.user_properties]\nz = \"1\"\n\"y.{x}\" = \"2\"\nA = \"3\"\na = \"4\"\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []Property{{"z", "1"}, {"y.{x}", "2"}, {"A", "3"}, {"a", "4"}}
	if got := s.Groups[0].Will.UserProperties; !slices.Equal(got, want) {
		t.Errorf("UserProperties = %q; want %q", got, want)
	}
}

// TestAssignedClientID checks that a file may leave the client id to the broker.
func TestAssignedClientID(t *testing.T) {
	s, faults := Load("x", []byte("[connect]\nclient_id = \"\"\n[[device]]\nkind = \"light\"\ncount = 2\n"))
	if len(faults) > 0 || s.Connect.ClientID != "" {
		t.Errorf("Load = %+v, %v; want an empty client id", s, faults)
	}
}

// TestFileTooLarge and the next are apart from the golden files for their size.
func TestFileTooLarge(t *testing.T) {
	src := []byte(strings.Repeat("#", tomlfault.MaxSize+1))
	_, faults := Load("big.toml", src)
	want := "big.toml: error: the file has more than 1048576 bytes, which is the most\n1 error\n"
	if got := faults.Error(); got != want {
		t.Errorf("Load of 1 MiB and a byte finds %q; want %q", got, want)
	}
	if some(true, false) {
		return // to read as much takes long
	}
	if _, faults := Load("big.toml", src[:tomlfault.MaxSize]); faults[0].Message != "the scenario has no devices" {
		t.Errorf("Load of 1 MiB finds %v; want it to be read", faults)
	}
}

func TestFileNotUTF8(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"title = \"caf\xe9\"\n", "x.toml:1:13: error: byte 0xe9 is not UTF-8\n  1 | title = \"caf?\"\n    |             ^\nhint: save the file as UTF-8\n1 error\n"},
		{"\xff\xfet\x00", "x.toml:1:1: error: byte 0xff is not UTF-8\n  1 | ****\n    | ^\nhint: save the file as UTF-8\n1 error\n"},
	} {
		if _, faults := Load("x.toml", []byte(tt.src)); faults.Error() != tt.want {
			t.Errorf("Load(%q) finds\n%s\nwant\n%s", tt.src, faults, tt.want)
		}
	}
}

// TestByteOrderMark checks that editors which begin a file with one may.
func TestByteOrderMark(t *testing.T) {
	_, faults := Load("x.toml", []byte("\ufefftitel = 1\n[[device]]\nkind = \"light\"\n"))
	if len(faults) != 1 || faults[0].Line != 1 || faults[0].Col != 1 {
		t.Errorf("Load finds %v; want one fault at 1:1", faults)
	}
}

// TestParametersBesideKeys checks that no parameter of a kind has the name of a group's
// own key, since the two stand side by side.
func TestParametersBesideKeys(t *testing.T) {
	own := []string{"kind", "count", "first", "id", "home", "homes", "first_home", "telemetry", "telemetry_jitter", "qos", "retain", "accept_retained", "groups", "will"}
	for _, k := range devices.Kinds() {
		for _, p := range k.Params {
			if slices.Contains(own, p.Name) {
				t.Errorf("a %s has the parameter %q; want a name that no device group has", k.Name, p.Name)
			}
		}
	}
}

// TestFiveMistakes is the promise of the README: five mistakes, five faults,
// each with its line and source.
func TestFiveMistakes(t *testing.T) {
	const src = `title = "Five mistakes"
seed  = -7

[connect]
keep_alive = 60

[[device]]
kind     = "light"
count    = 3
id       = "light-{num}"
telemtry = "30s"

[[device]]
kind = "plug"
id   = "kitchen/kettle"
load = "kettle"
`
	const want = `five.toml:2:9: error: seed is -7; want 0 to 9223372036854775807
  2 | seed  = -7
    |         ^^
five.toml:5:14: error: keep_alive is 60, which has no unit; want a duration such as "30s"
  5 | keep_alive = 60
    |              ^^
hint: did you mean "60s"?
five.toml:10:19: error: id: unknown place {num}
  10 | id       = "light-{num}"
     |                   ^^^^^
hint: places: {n}, {h}, {home}, {kind}, {seed}
five.toml:11:1: error: unknown key "telemtry" in [[device]]
  11 | telemtry = "30s"
     | ^^^^^^^^
hint: did you mean "telemetry"?
five.toml:15:8: error: id: "kitchen/kettle" has "/", which separates topic levels
  15 | id   = "kitchen/kettle"
     |        ^^^^^^^^^^^^^^^^
5 errors
`
	s, faults := Load("five.toml", []byte(src))
	if got := faults.Error(); got != want || s != nil {
		t.Errorf("Load finds\n%s\nwant\n%s", got, want)
	}
}

// TestWillSizes has a small file whose templates come to much: what a device, or
// a group, would hold is counted before any of it is made.
func TestWillSizes(t *testing.T) {
	file := func(count, id, properties, places int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "[[device]]\nkind = \"light\"\ncount = %d\nid = \"%s{n}\"\n[device.will]\nuser_properties = [\n", count, strings.Repeat("i", id))
		for range properties {
			fmt.Fprintf(&b, "[\"k\", %q],\n", strings.Repeat("{id}", places))
		}
		b.WriteString("]\n")
		return b.String()
	}
	for _, tt := range []struct {
		what, src string
		line      int    // of the fault; 0: none
		want      string // in it
	}{
		{"as much as may be", file(2, 1000, 26, 10), 0, ""},
		{"98 MB a device", file(100, 1000, some(160, 1600), 60), 11, "want at most 262,144"}, // 10 MB are too much as well
		{"one text of 100 MB", file(1, 1000, 1, some(10_000, 100_000)), 7, "MQTT allows 65,535"},
		{"a little of very many", file(1000000, 600, 4, 1), 7, "want at most 1,073,741,824"},
	} {
		sc, faults := Load("x.toml", []byte(tt.src))
		switch {
		case tt.line == 0 && sc == nil:
			t.Errorf("%s: Load finds %v; want nothing", tt.what, faults)
		case tt.line > 0 && (len(faults.Errors()) != 1 || faults.Errors()[0].Line != tt.line || !strings.Contains(faults.Error(), tt.want)):
			t.Errorf("%s: Load finds %v; want a fault on line %d with %q", tt.what, faults, tt.line, tt.want)
		}
	}
}

// DefaultWill returns the Will a device has unless the scenario or its face says
// otherwise: "Offline" on the topic of its availability, QoS 1, retained.
func DefaultWill() Will {
	var w Will
	willKeys.fill(&w)
	return w
}
