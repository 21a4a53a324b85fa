package scenarios

import (
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/devices/faces/conformance"
)

// announcements takes what devices say, and holds what is for Home Assistant against its
// rules.
type announcements struct {
	t   *testing.T
	all conformance.Announced
	n   int
}

func (a *announcements) Say(m *faces.Message) bool {
	if m.About == faces.Discovery && len(m.Payload) > 0 && string(m.Topic[:len("homeassistant/")]) == "homeassistant/" {
		a.n++
		for _, fault := range a.all.Check(string(m.Topic), m.Payload) {
			a.t.Errorf("%s: %s\n%s", m.Topic, fault, m.Payload)
		}
	}
	return true
}

func (a *announcements) Later(time.Duration, faces.Occasion)     {}
func (a *announcements) Draw() float64                           { return 0 }
func (a *announcements) Now() (wall time.Time, up time.Duration) { return wall, up }

// Home Assistant takes everything that devices of the shipped scenarios announce to it.
func TestShippedAnnouncements(t *testing.T) {
	announced := 0
	for _, info := range Shipped() {
		data, _ := ReadShipped(info.Name)
		s, faults := Load(info.Name, data)
		if err := faults.Err(); err != nil {
			t.Fatal(err)
		}
		a := &announcements{t: t}
		for i := range s.Groups {
			if s.Groups[i].Face.Name == "home-assistant" {
				a.announce(s, &s.Groups[i])
			}
		}
		announced += a.n
	}
	if announced == 0 {
		t.Error("no shipped scenario announces anything")
	}
}

func (a *announcements) announce(s *Scenario, g *Group) {
	voice, err := g.NewVoice()
	if err != nil {
		a.t.Fatal(err)
	}
	for d := range s.Devices() {
		if d.Group != g {
			continue
		}
		model, err := g.Kind.New(devices.Config{Params: g.Params})
		if err != nil {
			a.t.Fatal(err)
		}
		voice.Tell(&faces.Talk{Member: faces.Member{Who: d.Who(), Model: model}, Out: a}, faces.Online, 0)
	}
}
