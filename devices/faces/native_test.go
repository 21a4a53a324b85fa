package faces_test

import (
	"strings"
	"testing"
	"time"

	"homefleet/devices/faces"
)

// The native face says what homefleet always said.
func TestNative(t *testing.T) {
	grouped := func(s *faces.Settings) { s.Groups = []string{"kitchen"} }
	retained := func(s *faces.Settings) { s.Retain, s.QoS = true, 1 }
	for _, tt := range []struct {
		name, kind  string
		set         func(*faces.Settings)
		to          string // Response Topic
		topic, body string
		want        string
	}{
		{"a command without a Response Topic is answered on the state topic", "light", nil, "",
			"cmnd/l1/power", "ON", "state/l1/power ON\nstate/l1/brightness 100\n"},
		{"with one there, and watchers see it as well", "light", nil, "rr/1",
			"cmnd/l1/power", "ON", "rr/1 ON\nstate/l1/power ON\nstate/l1/brightness 100\n"},
		{"one message serves both where it is the state topic", "light", nil, "state/l1/power",
			"cmnd/l1/power", "ON", "state/l1/power ON\nstate/l1/brightness 100\n"},
		{"but not where that is retained", "light", retained, "state/l1/power",
			"cmnd/l1/power", "ON", "state/l1/power ON\nstate/l1/power ON (retained) (QoS 1)\nstate/l1/brightness 100 (retained) (QoS 1)\n"},
		{"what changes nothing is seen all the same", "light", nil, "rr/1",
			"cmnd/l1/power", "OFF", "rr/1 OFF\nstate/l1/power OFF\n"},
		{"a query is answered, and nobody else hears of it", "light", nil, "rr/1", "cmnd/l1/power", " ", "rr/1 OFF\n"},
		{"the attribute's case does not count", "light", nil, "rr/1", "cmnd/l1/POWER", "", "rr/1 OFF\n"},
		{"a group", "plug", grouped, "rr/1", "cmnd/kitchen/power", "OFF", "rr/1 OFF\nstate/l1/power OFF\n"},
		{"a value that is none", "light", nil, "rr/1", "cmnd/l1/power", "MAYBE",
			"rr/1 OFF (fault: power: \"MAYBE\" is not understood; want ON, OFF or TOGGLE (or 1, 0, 2, true, false))\n"},
		{"an attribute that is none", "light", nil, "rr/1", "cmnd/l1/volume", "1",
			"rr/1  (fault: a light has no attribute \"volume\"; want one of power, brightness, color, ct, transition, level)\n"},
		{"and nobody asked", "light", nil, "", "cmnd/l1/volume", "1", ""},
		{"the level itself, which l1/# matches", "light", nil, "rr/1", "cmnd/l1", "",
			"rr/1  (fault: a light has no attribute \"\"; want one of power, brightness, color, ct, transition, level)\n"},
		{"another's", "light", nil, "rr/1", "cmnd/l10/power", "ON", "not its own\n"},
		{"no command", "light", nil, "rr/1", "state/l1/power", "ON", "not its own\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSpeaker(t, "homefleet", tt.kind, "l1", tt.set)
			s.responseTopic = tt.to
			if got := s.hear(tt.topic, tt.body); got != tt.want {
				t.Errorf("Hear(%s, %q) says\n%swant\n%s", tt.topic, tt.body, got, tt.want)
			}
		})
	}
}

func TestNativeTells(t *testing.T) {
	s := newSpeaker(t, "homefleet", "thermostat", "t1", nil)
	if got := s.tell(faces.Online); got != "" {
		t.Errorf("Tell(Online) says %q; want nothing, since nothing is retained", got)
	}
	if got, want := s.tell(faces.Reported), `tele/t1/state {"power":"ON",`; !strings.HasPrefix(got, want) {
		t.Errorf("Tell(Reported) says %q; want %q and more", got, want)
	}
	s = newSpeaker(t, "homefleet", "plug", "p1", func(s *faces.Settings) { s.Retain = true })
	want := "state/p1/power ON (retained)\nstate/p1/load lamp (retained)\nstate/p1/energy 0.000 (retained)\n"
	if got := s.tell(faces.Online); got != want {
		t.Errorf("Tell(Online) says %q; want %q", got, want)
	}
}

func TestNativeTopics(t *testing.T) {
	s := newSpeaker(t, "homefleet", "plug", "p1", func(s *faces.Settings) { s.Groups = []string{"all"} })
	who := &s.talk.Me().Who
	for _, tt := range []struct {
		wildcards bool
		want      string
	}{
		{true, "cmnd/p1/# cmnd/all/#"},
		{false, "cmnd/p1/power cmnd/p1/load cmnd/p1/energy cmnd/p1/watts cmnd/all/power cmnd/all/load cmnd/all/energy cmnd/all/watts"},
	} {
		if got := strings.Join(s.voice.AppendFilters(nil, who, tt.wildcards), " "); got != tt.want {
			t.Errorf("AppendFilters(wildcards %v) = %s; want %s", tt.wildcards, got, tt.want)
		}
	}
	if got, want := s.voice.Reports().Presence, (faces.Presence{Topic: "tele/{id}/lwt", Online: "Online", Offline: "Offline"}); got != want {
		t.Errorf("Presence = %v; want %v", got, want)
	}
	r := s.voice.(faces.Requester)
	if topic, payload := r.AppendRequest(nil, nil, who, 0, "ON"); string(topic) != "cmnd/p1/power" || string(payload) != "ON" {
		t.Errorf("AppendRequest = %s %s; want cmnd/p1/power ON", topic, payload)
	}
}

// The native face takes no memory for a command, whatever its answer goes to.
func TestNativeAllocates(t *testing.T) {
	for _, kind := range []string{"light", "thermostat", "plug"} {
		s := newSpeaker(t, "homefleet", kind, "device-0001", nil)
		s.talk.Out = deaf{}
		topic, payload := []byte("cmnd/device-0001/power"), []byte("TOGGLE")
		got := testing.AllocsPerRun(100, func() {
			s.voice.Hear(&s.talk, topic, payload)
			s.voice.Tell(&s.talk, faces.Reported, 0)
		})
		if got != 0 {
			t.Errorf("a command to a %s and a report take %v allocations; want none", kind, got)
		}
	}
}

// deaf takes what is said and does nothing.
type deaf struct{}

func (deaf) Say(*faces.Message) bool                 { return false }
func (deaf) Later(time.Duration, faces.Occasion)     {}
func (deaf) Now() (wall time.Time, up time.Duration) { return wall, up }
func (deaf) Draw() float64                           { return 0 }
