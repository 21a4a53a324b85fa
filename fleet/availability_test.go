package fleet

import (
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// Where a device says that it is there: on the topic of its Will, if that is
// retained and its own, so that the Will does not stay there when it is back.
func TestAvailabilityIsOnTheTopicOfTheWill(t *testing.T) {
	const lamps = "[[device]]\nkind = \"light\"\ncount = 2\nid = \"lamp-{n}\"\n[device.will]\n"
	for _, tt := range []struct {
		name, will string
		topic      string // of lamp-2
		on, off    string
	}{
		{"the default", "", "tele/lamp-2/lwt", "Online", "Offline"},
		{"its own", "topic = \"tele/{id}/LWT\"", "tele/lamp-2/LWT", "Online", "Offline"},
		{"its own, by number", "topic = \"gone/{n}\"", "gone/2", "Online", "Offline"},
		{"its own, in small letters", "topic = \"tele/{id}/availability\"\npayload = \"offline\"", "tele/lamp-2/availability", "online", "offline"},
		{"its own, in other words", "topic = \"tele/{id}/LWT\"\npayload = '{{\"{id}\":\"gone\"}}'", "tele/lamp-2/LWT", "Online", `{"lamp-2":"gone"}`},
		{"its own, and says nothing", "topic = \"tele/{id}/LWT\"\npayload = \"\"", "tele/lamp-2/LWT", "Online", "Offline"},
		{"shared", "topic = \"gone/all\"", "tele/lamp-2/lwt", "Online", "Offline"},
		{"not retained", "topic = \"tele/{id}/LWT\"\nretain = false", "tele/lamp-2/lwt", "Online", "Offline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			holds := func(s *storm, want string) {
				t.Helper()
				found := s.fleet.fetch([]string{"tele/#", "gone/#"})
				if m := found[tt.topic]; m.Payload != want {
					t.Errorf("%s holds %q; want %q, of %v", tt.topic, m.Payload, want, found)
				}
			}
			snap, s := brew(t, hasty+lamps+tt.will+"\n"+offlineOnce+incidentOf("offline", "30s", "10s", `name = "in-order"`, `way = "orderly"`), broker.Config{}, func(s *storm) {
				s.sleepTo(4 * time.Second)
				holds(s, tt.on)
				s.sleepTo(25 * time.Second)
				holds(s, tt.on)
				s.sleepTo(35 * time.Second)
				holds(s, tt.off)
				s.sleepTo(50 * time.Second)
				holds(s, tt.on)
			})
			if kept := snap.Audit.Retained; kept == nil || kept.Checked != 2 || kept.Right != 2 {
				t.Errorf("retained: %+v; want 2 of 2 right\n%s", kept, s.log)
			}
		})
	}
}

// What devices claim has the moment of its stamp, to the nanosecond, so that what
// the broker holds is never older than what the device made last.
func TestClaimsHaveTheMomentOfTheStamp(t *testing.T) {
	brew(t, hasty+"[audit]\n[[device]]\nkind = \"light\"\nid = \"lamp\"\nretain = true\n", broker.Config{}, func(s *storm) {
		s.sleepTo(5 * time.Second)
		d, _ := s.fleet.Device("lamp")
		if _, err := d.Do(s.t.Context(), "power", "ON"); err != nil {
			t.Fatal(err)
		}
		s.sleepTo(6 * time.Second)
		found := s.fleet.fetch([]string{"tele/+/lwt", "state/+/+"})
		last := time.Duration(0)
		for _, c := range s.fleet.expectsRetained()[0] {
			if m := found[c.Topic]; m.Made != c.Since || m.Payload == "" {
				t.Errorf("%s was made at %v; the device says %v", c.Topic, m.Made, c.Since)
			}
			last = max(last, c.Since)
		}
		if last < 4*time.Second {
			t.Errorf("the last was made at %v; want about 5s, of the command", last)
		}
	})
}

// A retained Will that has expired is not missing (3.3.2-5): the broker was to take
// it away.
func TestRetainedWillThatExpires(t *testing.T) {
	snap, _ := brew(t, hasty+twoLamps+"[device.will]\nmessage_expiry = \"10s\"\n"+incidentOf("offline", "20s", "1h"), broker.Config{}, nil)
	if kept := snap.Audit.Retained; kept == nil || kept.Checked != 2 || kept.Right != 2 {
		t.Errorf("retained: %+v; want 2 of 2 right", kept)
	}
}
