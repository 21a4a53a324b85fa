package scenarios

import (
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/devices/faces/conformance"
)

// announcements takes what devices say, and holds it against the rules of those who read it.
type announcements struct {
	t       *testing.T
	face    string
	home    conformance.Announced // to one Home Assistant
	homie   conformance.Homie
	tasmota conformance.Tasmotas
	later   []faces.Occasion
	n       map[string]int // messages that were checked, by whose rules they are
}

func (a *announcements) Say(m *faces.Message) bool {
	topic, payload := string(m.Topic), m.Payload
	if topic == "" || m.Reply == faces.Only {
		return true
	}
	var faults []string
	rules := a.face
	switch {
	case strings.HasPrefix(topic, "homeassistant/"):
		if rules = "home-assistant"; len(payload) > 0 {
			faults = a.home.Check(topic, payload)
		}
	case strings.HasPrefix(topic, "tasmota/discovery/"):
		faults = a.tasmota.Check(topic, payload)
		if m.QoS != 0 || !m.Retain {
			faults = append(faults, "it is not retained, or not at QoS 0")
		}
	case a.face == "homie":
		faults = a.homie.Check(topic, payload, m.QoS, m.Retain)
	case a.face == "shelly":
		faults = conformance.CheckShelly(topic, payload)
	default:
		return true
	}
	a.n[rules]++
	for _, fault := range faults {
		a.t.Errorf("%s: %s: %s\n%s", a.face, topic, fault, payload)
	}
	return true
}

func (a *announcements) Later(_ time.Duration, o faces.Occasion) {
	if !slices.Contains(a.later, o) {
		a.later = append(a.later, o)
	}
}

func (a *announcements) Draw() float64 { return 0 }

func (a *announcements) Now() (wall time.Time, up time.Duration) {
	return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), time.Minute
}

// What devices of the shipped scenarios say, whenever they do, is as the convention of their
// face has it, and Home Assistant takes everything that is announced to it, by whatever face.
func TestShippedAnnouncements(t *testing.T) {
	n := make(map[string]int)
	lights, relays, sensors := 0, 0, 0
	for _, s := range loadShipped(t) {
		a := &announcements{t: t, n: n}
		for i := range s.Groups {
			if a.face = s.Groups[i].Dialect().Name; a.face != faces.Default {
				a.announce(s, &s.Groups[i])
			}
		}
		lights, relays, sensors = lights+a.tasmota.Lights, relays+a.tasmota.Relays, sensors+a.tasmota.Sensors
	}
	for _, rules := range []string{"home-assistant", "homie", "shelly", "tasmota"} {
		if n[rules] < 10 {
			t.Errorf("%d messages were held against the rules of %s; want some of each shipped scenario", n[rules], rules)
		}
	}
	if lights == 0 || relays == 0 || sensors == 0 {
		t.Errorf("Tasmotas announce %d lights, %d relays and %d measurements; want some of each", lights, relays, sensors)
	}
}

// announce has the devices of a group say all that they have to say.
func (a *announcements) announce(s *Scenario, g *Group) {
	voice, maker, err := g.Prepare()
	if err != nil {
		a.t.Fatal(err)
	}
	n := 0
	for d := range s.Devices() {
		if d.Group != g {
			continue
		}
		if n++; n > some(5, 1000) {
			return
		}
		a.later = nil
		model := maker(uint64(d.Number), s.Start)
		talk := &faces.Talk{Member: faces.Member{Who: d.Who(), Model: model}, Out: a, First: true}
		voice.Tell(talk, faces.Arriving, 0)
		presence := voice.Reports().Presence
		if a.face == "homie" || a.face == "shelly" {
			a.Say(&faces.Message{Topic: Template(presence.Topic).Append(nil, d.Vars("")), Payload: []byte(presence.Online), QoS: 1, Retain: true})
		}
		voice.Tell(talk, faces.Online, 0)
		for len(a.later) > 0 {
			o := a.later[0]
			a.later = a.later[1:]
			voice.Tell(talk, o, 0)
		}
		model.Step(time.Minute)
		voice.Tell(talk, faces.Changed, ^devices.Changes(0))
		voice.Tell(talk, faces.Reported, 0)
		for _, command := range []struct{ attribute, value string }{{"power", "ON"}, {"brightness", "30"}, {"color", "#ff8000"}, {"ct", "300"}, {"power", "OFF"}, {"mode", "heat"}, {"target", "23.5"}} {
			if topic, payload, err := d.Request(command.attribute, command.value); err == nil {
				voice.Hear(talk, []byte(topic), payload)
			}
		}
	}
}
