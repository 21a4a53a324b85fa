package faces_test

import (
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/devices/faces"
)

// nobody takes what a face says, and remembers nothing of it.
type nobody struct{ said int }

func (n *nobody) Say(*faces.Message) bool           { n.said++; return true }
func (*nobody) Later(time.Duration, faces.Occasion) {}
func (*nobody) Draw() float64                       { return 0 }

func (*nobody) Now() (wall time.Time, up time.Duration) {
	return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), time.Minute
}

// commanded returns what has a device of a face obey a command, which changes it each time.
func commanded(t testing.TB, f *faces.Face) (obey func(), out *nobody) {
	name := "light"
	if f.Bridge {
		name = "bridge"
	}
	k, _ := devices.KindByName(name)
	voice, err := f.New(faces.Settings{Options: f.Defaults, Kind: k, Retain: f.Retains})
	if err != nil {
		t.Fatal(err)
	}
	model, err := k.New(devices.Config{})
	if err != nil {
		t.Fatal(err)
	}
	out = new(nobody)
	talk := &faces.Talk{Member: faces.Member{Who: faces.Who{ID: "d1", Number: 3, Seed: 7}, Model: model}, Out: out, QoS: 1}
	voice.Tell(talk, faces.Arriving, 0)
	voice.Tell(talk, faces.Online, 0)
	var topics, payloads [2][]byte
	for i, value := range []string{"ON", "OFF"} {
		topics[i], payloads[i] = voice.(faces.Requester).AppendRequest(nil, nil, &talk.Me().Who, 0, value)
		if f.Bridge { // one of its lights
			topics[i], payloads[i] = []byte("zigbee2mqtt/light_1/set"), []byte(`{"state":"`+value+`"}`)
		}
	}
	n := 0
	return func() {
		n++
		if !voice.Hear(talk, topics[n&1], payloads[n&1]) {
			t.Fatalf("%s does not hear %s", f.Name, topics[n&1])
		}
	}, out
}

func BenchmarkHear(b *testing.B) {
	for _, f := range faces.All() {
		b.Run(f.Name, func(b *testing.B) {
			obey, _ := commanded(b, f)
			b.ReportAllocs()
			for b.Loop() {
				obey()
			}
		})
	}
}
