package faces_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// spoken takes what a face says as a session would, for a request with a Response Topic
// or without.
type spoken struct {
	responseTopic string
	said          []said
	after         time.Duration // noon
	later         map[faces.Occasion]time.Duration
}

// said is one message: where it went, and what it was.
type said struct {
	topic, payload string
	m              faces.Message
}

func (s *spoken) Say(m *faces.Message) bool {
	own := string(m.Topic)
	if m.About == faces.Here {
		own = "(presence)"
	}
	note := func(topic string, retain bool) {
		kept := *m
		kept.Retain = retain
		kept.Topic, kept.Payload = nil, nil
		s.said = append(s.said, said{topic, string(m.Payload), kept})
	}
	answers := s.responseTopic != "" && m.Reply != faces.None
	if answers && m.Reply == faces.Also && own != s.responseTopic || !answers && m.Reply != faces.Only && own != "" {
		note(own, m.Retain)
	}
	if !answers {
		return true
	}
	note(s.responseTopic, false)
	return m.Reply == faces.Also || own == s.responseTopic && !m.Retain
}

func (s *spoken) Later(after time.Duration, o faces.Occasion) {
	if s.later == nil {
		s.later = make(map[faces.Occasion]time.Duration)
	}
	s.later[o] = after
}

func (s *spoken) Draw() float64 { return 0.5 }

func (s *spoken) Now() (time.Time, time.Duration) { return noon.Add(s.after), time.Minute + s.after }

// lines returns what was said, a line a message, and forgets it.
func (s *spoken) lines() string {
	var b strings.Builder
	for _, m := range s.said {
		fmt.Fprintf(&b, "%s %s", m.topic, m.payload)
		if m.m.Retain {
			b.WriteString(" (retained)")
		}
		if m.m.QoS > 0 {
			fmt.Fprintf(&b, " (QoS %d)", m.m.QoS)
		}
		if m.m.Fault != nil {
			fmt.Fprintf(&b, " (fault: %v)", m.m.Fault)
		}
		b.WriteString("\n")
	}
	s.said = nil
	return b.String()
}

// speaker is one device with a face, by itself.
type speaker struct {
	*spoken
	voice faces.Voice
	talk  faces.Talk
}

// noon is when the devices of these tests are.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func newSpeaker(t testing.TB, face, kind, id string, set func(*faces.Settings)) *speaker {
	t.Helper()
	k, ok := devices.KindByName(kind)
	if !ok {
		t.Fatalf("no kind %q", kind)
	}
	f, ok := faces.ByName(face)
	if !ok {
		t.Fatalf("no face %q", face)
	}
	s := faces.Settings{Kind: k, Options: f.Defaults}
	if set != nil {
		set(&s)
	}
	v, err := f.New(s)
	if err != nil {
		t.Fatal(err)
	}
	model, err := k.New(devices.Config{Seed: 7, Start: 12 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	out := new(spoken)
	return &speaker{spoken: out, voice: v, talk: faces.Talk{
		Member: faces.Member{Who: faces.Who{ID: id, Seed: 7}, Model: model},
		Out:    out,
	}}
}

// hear returns what the device says to a message.
func (s *speaker) hear(topic, payload string) string {
	if !s.voice.Hear(&s.talk, []byte(topic), []byte(payload)) {
		return "not its own\n"
	}
	return s.lines()
}

// tell returns what the device says on an occasion.
func (s *speaker) tell(o faces.Occasion) string {
	s.voice.Tell(&s.talk, o, ^devices.Changes(0))
	return s.lines()
}

// What a device cannot be asked in its dialect is said in a sentence before it is tried, and
// what it can be asked is not.
func TestCannotBeAsked(t *testing.T) {
	for _, tt := range []struct{ face, kind, attribute, value, want string }{
		{"shelly", "plug", "load", "tv", "an input of the simulation"},
		{"shelly", "plug", "load", "", ""},
		{"shelly", "plug", "energy", "reset", ""},
		{"shelly", "plug", "power", "TOGGLE", ""},
		{"shelly", "light", "color", "10,20,30", "want #rrggbb"},
		{"shelly", "light", "color", "#ff8800", ""},
		{"shelly", "light", "ct", "+10", "want the value itself"},
		{"shelly", "light", "brightness", "-10", ""},
		{"homie", "plug", "load", "tv", "load is no property of a plug"},
		{"homie", "plug", "load", "", "load is no property of a plug"},
		{"homie", "plug", "energy", "reset", "the property energy of a plug cannot be set"},
		{"homie", "plug", "energy", "", ""},
		{"homie", "plug", "power", "toggle", "want ON or OFF"},
		{"homie", "light", "brightness", "+10", "want the value itself"},
		{"homie", "light", "brightness", "40", ""},
		{"homie", "light", "color", "10,20,30", ""},
		{"homie", "thermostat", "target", "21.5", ""},
		{"homie", "thermostat", "action", "heating", "the property action of a thermostat cannot be set"},
	} {
		s := newSpeaker(t, tt.face, tt.kind, "d1", nil)
		attr, ok := s.talk.Me().Model.Kind().Attribute([]byte(tt.attribute))
		if !ok {
			t.Fatalf("a %s has no %s", tt.kind, tt.attribute)
		}
		err := s.voice.(faces.Selective).CheckRequest(attr, tt.value)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: CheckRequest of a %s(%s, %q) = %v; want %q", tt.face, tt.kind, tt.attribute, tt.value, err, tt.want)
		}
	}
}
