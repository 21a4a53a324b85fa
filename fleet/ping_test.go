package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// A PINGREQ that telemetry makes needless is not sent, and still the Keep Alive
// is never over without a packet (3.1.2-20).
func TestTelemetrySparesPings(t *testing.T) {
	tests := []struct {
		telemetry, jitter string
		least, most       float64 // PINGREQs for each report
	}{
		{"57s", "0%", 0, 0},
		{"60s", "10%", 0.4, 0.75}, // 0.58 by arithmetic: those more than 59 s apart
		{"63s", "0%", 1, 1},
		{"100s", "0%", 1, 1},
	}
	for _, tt := range tests {
		play(t, scenarioOf(t, fmt.Sprintf("[connect]\nkeep_alive = \"60s\"\n[[device]]\nkind = \"light\"\nid = \"lamp\"\ntelemetry = %q\ntelemetry_jitter = %q\n", tt.telemetry, tt.jitter)),
			func(t *testing.T, b *script) {
				p := b.accept()
				p.welcome(nil)
				const reports = 200
				pings, last := 0, time.Time{}
				for n := 0; n < reports; {
					f := p.next()
					if quiet := time.Since(last); !last.IsZero() && quiet > time.Minute {
						t.Fatalf("telemetry every %s: nothing was sent for %v", tt.telemetry, quiet)
					}
					last = time.Now()
					switch f.Type() {
					case packets.PINGREQ:
						p.write(wire.Pingresp[:])
						if n > 0 {
							pings++
						}
					case packets.PUBLISH:
						n++
					}
				}
				if share := float64(pings) / (reports - 1); share < tt.least || share > tt.most {
					t.Errorf("telemetry every %s ± %s: %.2f PINGREQs for each; want %.2f to %.2f", tt.telemetry, tt.jitter, share, tt.least, tt.most)
				}
			})
	}
}
