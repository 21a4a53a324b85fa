package client

import (
	"io"
	"log/slog"
	"runtime"
	"testing"
)

// Who looks on while sessions come up sees none that is settled and was neither seen nor
// has given up: that would be a fleet of which nobody is there, nor will be.
func TestPresenceWhileComingUp(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	for n := range 1000 {
		c := &Cohort{Log: log, Size: 1, Ready: make(chan struct{})}
		go c.online(new(standing), "lamp")
		for settled := false; !settled; {
			runtime.Gosched()
			p := c.Presence()
			if settled = p.Settled > 0; settled && p.Seen == 0 {
				t.Fatalf("at the %dth time %+v; want it seen", n+1, p)
			}
		}
	}
}
