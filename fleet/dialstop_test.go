package fleet

import (
	"context"
	"net"
	"testing"
	"time"

	"homefleet/scenarios"
)

// A device whose dials have been called off waits for the word that the fleet
// stops. It does not try again, or thousands of them would keep all processors
// from the one goroutine that has the word for them.
func TestNoDialsWhenCalledOff(t *testing.T) {
	f, err := New(oneLight(func(sc *scenarios.Scenario) { sc.Connect.Rate = 1 }), Options{Dial: func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &f.responders[0].Session
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for f.Counts().Dials.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	time.Sleep(20 * time.Millisecond) // in which it could try thousands of times
	s.EndSoon()
	if err := <-ended; err != nil {
		t.Errorf("the session ended with %v; want nil", err)
	}
	if n := f.Counts().Dials.Load(); n != 1 {
		t.Errorf("%d dials; want the one that was called off", n)
	}
}
