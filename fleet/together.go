package fleet

import (
	"context"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Beginning is the moment at which several processes begin, each with its shard of a run.
type Beginning struct {
	At    time.Time     // by the clock of this process: of the warm-up, or of the measuring if there is none
	Facts metrics.Start // how well that is known, for the result; Late is left open
}

// agree returns when the run begins: now, or when others do as well. It is false where
// the run ends instead.
func (f *Fleet) agree() (time.Time, bool) {
	if f.course.together == nil {
		return time.Now(), true
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-f.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	b, err := f.course.together(ctx)
	switch {
	case ctx.Err() != nil:
		return time.Time{}, false
	case err != nil:
		f.Fail(err)
		return time.Time{}, false
	}
	f.course.mu.Lock()
	f.course.start = &b.Facts
	f.course.mu.Unlock()
	return b.At, true
}

// noteBegun enters how much later than agreed the run went on.
func (f *Fleet) noteBegun(begin time.Time) {
	f.course.mu.Lock()
	defer f.course.mu.Unlock()
	if s := f.course.start; s != nil {
		s.Late = metrics.Span(time.Since(begin))
	}
}

// begun returns how the run began together with others, or nil.
func (c *course) begun() *metrics.Start {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.start == nil {
		return nil
	}
	start := *c.start
	return &start
}
