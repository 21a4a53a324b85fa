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

// What a command allocates at most: native and Home Assistant's are spoken by large fleets.
func TestCommandAllocations(t *testing.T) {
	most := map[string]float64{"homefleet": 0, "home-assistant": 0, "homie": 1, "shelly": 5, "zigbee2mqtt": 40}
	for _, f := range faces.All() {
		want, known := most[f.Name]
		if !known {
			want = 10
		}
		obey, out := commanded(t, f)
		before := out.said
		if n := testing.AllocsPerRun(100, obey); n > want && !raceDetector {
			t.Errorf("%s: a command allocates %v times; want at most %v", f.Name, n, want)
		}
		if out.said < before+100 {
			t.Errorf("%s: %d messages were said of 100 commands", f.Name, out.said-before)
		}
	}
}
