package faces

import (
	"strings"
	"testing"
	"time"

	"homefleet/devices"
)

// What a face says that it leaves retained, its devices do leave, and so `clear` empties it:
// also what is said only a while after the connection, as a Tasmota's announcement is.
func TestRetainedIsAllThatIsReported(t *testing.T) {
	matches := func(filter, topic string) bool {
		f, n := strings.Split(filter, "/"), strings.Split(topic, "/")
		for i := range f {
			if i >= len(n) || f[i] != "+" && f[i] != n[i] {
				return false
			}
		}
		return len(f) == len(n)
	}
	tried := 0
	for _, f := range All() {
		for _, k := range devices.Kinds() {
			voice, err := f.New(Settings{Options: f.Defaults, Kind: k, Retain: true, Telemetry: time.Second})
			if err != nil || k.Name == "bridge" {
				continue // a kind that the product does not have; a bridge's members are the fleet's
			}
			model, err := k.New(devices.Config{Start: 8 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			topics := Retained(voice, &Member{Who: Who{ID: "d-1"}, Model: model})
			for _, filter := range voice.Reports().Retained {
				tried++
				found := false
				for _, topic := range topics {
					found = found || matches(filter, topic)
				}
				if !found {
					t.Errorf("%s, %s: nothing of %s is among %q", f.Name, k.Name, filter, topics)
				}
			}
		}
	}
	if tried < 15 {
		t.Errorf("%d filters were looked at; want those of all faces", tried)
	}
}
