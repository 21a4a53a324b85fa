package fleet

import (
	"sync/atomic"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// What is said of Wills rests on what the auditor saw: what it could not see is
// not judged, and all the rest is (3.1.2-8). These brokers lose every Will.
func TestEvidenceOfLostWills(t *testing.T) {
	const lamps = hasty + "[[device]]\nkind = \"light\"\ncount = 20\nid = \"lamp-{n}\"\n"
	loses := func(broker.WillInfo) broker.WillFate { return broker.WillFate{} }
	foreign := func(o *Options) { o.Embedded, o.BrokerControl = false, nil } // the wide slack of a broker that nobody knows
	const auditor = "homefleet-auditor-r1"
	var busy atomic.Bool // for the auditor
	for _, tt := range []struct {
		name string
		toml string
		act  func(*storm)
		want metrics.WillTotals
	}{
		{"from 0 s on", incidentOf("offline", "0s", "2s"), nil,
			metrics.WillTotals{Due: 20, Missing: 20, NotDue: 20}},
		{"until the end, and nobody comes back", incidentOf("offline", "20s", "1h"), nil,
			metrics.WillTotals{Due: 20, Missing: 20}},
		{"of a silence that is just over as the run ends", incidentOf("offline", "40s", "1h", `way = "silence"`), nil,
			metrics.WillTotals{Due: 20, Missing: 20}},
		{"of an outage that is too near the end", incidentOf("offline", "59500ms", "1h") + "[audit]\nwait = \"1s\"\n", nil,
			metrics.WillTotals{Due: 20, Unwatched: 20, RunEnded: 20}},
		{"the auditor thrown off midway",
			incidentOf("offline", "5s", "1s") + incidentOf("offline", "30s", "1s", `name = "unseen"`) + incidentOf("offline", "34s", "1s", `name = "seen"`),
			func(s *storm) {
				s.sleepTo(29*time.Second + 800*time.Millisecond)
				busy.Store(true)
				s.broker.Kick(auditor, 0)
				s.sleepTo(32 * time.Second)
				busy.Store(false)
			},
			metrics.WillTotals{Due: 60, Missing: 40, Unwatched: 20, AuditorAway: 20, NotDue: 20}},
		{"the auditor thrown off before, and back", incidentOf("offline", "30s", "1s"),
			func(s *storm) {
				s.sleepTo(27 * time.Second)
				s.broker.Kick(auditor, 0)
			},
			metrics.WillTotals{Due: 20, Missing: 20, NotDue: 20}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			admit := func(c broker.ConnectInfo) byte {
				if busy.Load() && c.ClientID == auditor {
					return wire.ServerBusy
				}
				return 0
			}
			snap, _ := brew(t, lamps+tt.toml, broker.Config{Will: loses, Admit: admit}, tt.act, foreign)
			tt.want.Outages = tt.want.Due + tt.want.NotDue
			if got := snap.Audit.Wills; got != tt.want {
				t.Errorf("of the Wills: %+v; want %+v", got, tt.want)
			}
		})
	}
}

// An auditor that the broker does not let in has seen nothing: neither Wills that
// were due, nor whether there were others.
func TestEvidenceWithoutAnAuditor(t *testing.T) {
	snap, _ := brew(t, hasty+twoLamps+offlineOnce, broker.Config{Admit: func(c broker.ConnectInfo) byte {
		if c.ClientID == "homefleet-auditor-r1" {
			return wire.NotAuthorized
		}
		return 0
	}}, nil)
	want := metrics.WillTotals{Outages: 4, Due: 2, NotDue: 2, Unwatched: 2, AuditorAway: 2, NotDueUnwatched: 2}
	got := snap.Audit.Wills
	if got != want {
		t.Errorf("of the Wills: %+v; want %+v", got, want)
	}
	if got.Judged() != 0 || got.Watched() != 0 {
		t.Errorf("%d Wills judged, %d outages watched; want 0 and 0", got.Judged(), got.Watched())
	}
}
