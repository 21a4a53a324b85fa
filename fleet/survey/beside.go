package survey

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Beside is a survey that goes on beside a run. The zero value is ready; its methods may be
// called from any goroutine, but for Wait, which comes after Start.
type Beside struct {
	going sync.WaitGroup
	found atomic.Pointer[Findings]
}

// left is how long a survey may go on when the run ends.
const left = 300 * time.Millisecond

// Start begins the survey, and returns. When stop is closed it soon ends. heard is told of a
// version.
func (b *Beside) Start(stop <-chan struct{}, c Config, heard func(version string)) {
	ctx, cancel := context.WithCancel(context.Background())
	b.going.Go(func() {
		defer cancel()
		found := Broker(ctx, c)
		b.found.Store(&found)
		if found.Version != "" {
			heard(found.Version)
		}
	})
	b.going.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-stop:
		}
		select {
		case <-ctx.Done():
		case <-time.After(left):
			cancel()
		}
	})
}

// Wait waits until a survey that was started has ended.
func (b *Beside) Wait() { b.going.Wait() }

// Findings are what is known by now.
func (b *Beside) Findings() Findings {
	if found := b.found.Load(); found != nil {
		return *found
	}
	return Findings{}
}
