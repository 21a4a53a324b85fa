package conformance

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// A server that goes on sending packets, of which none is what a check waits for, holds up
// neither the end of the time nor what is tidied up after it.
func TestFloodEnds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer nc.Close()
				_, _ = nc.Read(make([]byte, 4096)) // CONNECT
				for flood := bytes.Repeat([]byte("\x20\x03\x00\x00\x00"), 1000); err == nil; {
					_, err = nc.Write(flood) // until who is flooded has closed
				}
			})
		}
	})
	defer func() { _ = l.Close(); all.Wait() }()

	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	c := Config{Run: "t", patience: 300 * time.Millisecond, Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}}
	for _, s := range Statements() {
		if !s.Slow && s.Group == "wills" {
			c.Statements = append(c.Statements, s)
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := Examine(ctx, c)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Logf("Examine = %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it has not ended after a minute, of which it was to take a second")
	}
}
