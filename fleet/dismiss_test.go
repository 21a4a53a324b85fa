package fleet

import (
	"strings"
	"testing"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/broker"
)

// The auditor stays until a Will after the last DISCONNECT would have come, and until the
// broker has answered a PINGREQ of after that; one that was refused for good is not waited
// for.
func TestHowLongTheAuditorStays(t *testing.T) {
	for _, tt := range []struct {
		name   string
		admit  func(broker.ConnectInfo) byte
		longer time.Duration // than audit.Lingers
	}{
		{"it sees the end", nil, 0},
		{"it was refused", func(c broker.ConnectInfo) byte {
			if strings.Contains(c.ClientID, "auditor") {
				return 0x8a // banned
			}
			return 0
		}, -audit.Lingers},
	} {
		t.Run(tt.name, func(t *testing.T) {
			brew(t, `
[audit]
[phases]
measure = "10s"
[[device]]
kind = "light"
`, broker.Config{Admit: tt.admit}, func(s *storm) {
				s.sleepTo(5 * time.Second)
				began := time.Now()
				s.fleet.Stop()
				s.ended.wait()
				if took := time.Since(began); took != audit.Lingers+tt.longer {
					t.Errorf("Run returned %v after Stop; want %v", took, audit.Lingers+tt.longer)
				}
			})
		})
	}
}
