package fleet

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// A device that is back on its session says of which time its Will was, and
// whether somebody has consumed it meanwhile; the audit counts both.
func TestWillConsumed(t *testing.T) {
	const lamps = `
[connect]
session_expiry = "1h"
keep_alive = "4s"
[phases]
measure = "1m"
[[device]]
kind = "light"
count = 3
[device.will]
delay = "2s"
response_topic = "will/seen/{id}"
correlation_data = "{id}/{run}"
`
	const watcher = "[[watcher]]\nname = \"caretaker\"\nanswers = true\n"
	for _, tt := range []struct {
		name, toml        string
		consumed, learned int64
		seen, unseen      int64
		says              string
		of                time.Duration // the Will's time, from the start of measuring
	}{
		{"consumed", lamps + watcher + incidentOf("offline", "5s", "20s"), 3, 3, 3, 0, "was consumed while it was away", 5 * time.Second},
		{"without a watcher", lamps + incidentOf("offline", "5s", "20s"), 0, 0, 0, 3, "was not consumed: there is no answer", 5 * time.Second},
		{"twice", lamps + watcher + incidentOf("offline", "5s", "10s", "every = \"20s\"\ntimes = 2"), 6, 6, 6, 0, "was consumed while it was away", 25 * time.Second},
		// The broker has to find out first, 6 s after the last packet.
		{"after silence", lamps + watcher + incidentOf("offline", "5s", "20s", "way = \"silence\""), 3, 3, 3, 0, "was consumed while it was away", 5 * time.Second},
		{"after no Wi-Fi", lamps + watcher + incidentOf("router-reboot", "5s", "20s"), 3, 3, 3, 0, "was consumed while it was away", 5 * time.Second},
		// It would have gone in an orderly way, but nobody heard it.
		{"orderly without Wi-Fi", lamps + watcher + incidentOf("wifi-loss", "5s", "15s") + incidentOf("offline", "6s", "20s", "way = \"orderly\"", "name = \"second\""),
			3, 3, 3, 0, "was consumed while it was away", 5 * time.Second},
		// No Will was due: there is nothing to say.
		{"within the delay", lamps + watcher + incidentOf("offline", "5s", "1s"), 0, 0, 0, 0, "", 0},
		{"orderly", lamps + watcher + incidentOf("offline", "5s", "20s", "way = \"orderly\""), 0, 0, 0, 0, "", 0},
		// The answer is in a session that nobody asks for any more.
		{"with a new session", lamps + watcher + incidentOf("offline", "5s", "20s", "session = \"clean\""), 3, 0, 0, 0, "", 0},
		{"with another client id", lamps + watcher + incidentOf("offline", "5s", "20s", "rename = true"), 3, 0, 0, 0, "", 0},
		// Of two times away it speaks of the one that had a Will.
		{"orderly, then with a Will", lamps + watcher + incidentOf("offline", "5s", "5s", "way = \"orderly\"") + incidentOf("offline", "15s", "5s", "way = \"with-will\"", "name = \"second\""), 3, 3, 3, 0, "was consumed while it was away", 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var zero time.Time
			snap, s := brew(t, tt.toml, broker.Config{}, func(s *storm) {
				s.sleepTo(59 * time.Second)
				zero, _ = s.fleet.MeasureStart()
			})
			w, c := snap.Audit.Wills, s.fleet.Counts()
			if w.Consumed != tt.consumed || w.Learned != tt.learned || w.OnTime != w.Due {
				t.Errorf("consumed %d, learned %d, %d of %d on time; want %d, %d and all", w.Consumed, w.Learned, w.OnTime, w.Due, tt.consumed, tt.learned)
			}
			if seen, unseen := c.WillsSeen.Load(), c.WillsUnseen.Load(); seen != tt.seen || unseen != tt.unseen {
				t.Errorf("%d answers seen, %d times none; want %d and %d", seen, unseen, tt.seen, tt.unseen)
			}
			log := s.log.String()
			if tt.says == "" {
				if strings.Contains(log, "its will message") {
					t.Error("the log speaks of a Will Message; want nothing of it")
				}
				return
			}
			want := "its will message of " + zero.Add(tt.of).Format(time.TimeOnly) + " " + tt.says
			for _, id := range []string{"light-1", "light-2", "light-3"} {
				if !strings.Contains(log, want+`" device=`+id) {
					t.Errorf("the log of %s does not say %q", id, want)
				}
			}
			if tt.consumed > 0 && !strings.Contains(log, "by=caretaker\n") {
				t.Error("the log does not say who has consumed it; want by=caretaker")
			}
		})
	}
}
