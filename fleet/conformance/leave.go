package conformance

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// clung is how long a server that was seen to keep connections open after a DISCONNECT is
// waited for: as long as it takes to read one.
const clung = 300 * time.Millisecond

// mostSaid is how much is kept of what comes then.
const mostSaid = 16

// leavings are what the server did after each DISCONNECT so far. The zero value knows of none.
type leavings struct {
	mu             sync.Mutex
	closed, stayed int
}

func (l *leavings) note(closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if closed {
		l.closed++
	} else {
		l.stayed++
	}
}

// clings reports whether the server was seen to keep its side open more than twice, and never
// to close it: then nothing is gained by waiting for that.
func (l *leavings) clings() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stayed > 2 && l.closed == 0
}

// seeLeaving has as many clients leave as tell how the server takes that, beside the first checks.
// The function that it returns waits for the end of it.
func (x *examiner) seeLeaving(ctx context.Context) (wait func()) {
	var leaving sync.WaitGroup
	for range 3 {
		leaving.Go(func() {
			x.attempt(ctx, &Statement{Group: Old}, func(r *run) { r.plain().leave("\xe0\x00") })
		})
	}
	return leaving.Wait
}

// leave sends a DISCONNECT, with what is to come in one go with it, and waits for the server to
// close, which tells that it has read that. That it does not close is another statement's
// affair, and the connection is left as it is. What comes meanwhile can be read afterwards.
func (c *client) leave(packets string) (closed bool) {
	c.send(packets)
	c.ended = true
	patience := closes
	if c.r.x.leavings.clings() {
		patience = clung
	}
	var err error
	for end := time.Now().Add(patience); err == nil && time.Now().Before(end); {
		var p *packet
		if p, err = c.receive(time.Until(end)); err == nil && len(c.queue) < mostSaid {
			c.queue = append(c.queue, p)
		}
	}
	closed = err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	c.r.x.leavings.note(closed)
	return closed
}

// bye leaves with reason code 0. The connection ends: cut off before the DISCONNECT was read, it
// might be taken for lost, and the Will would come.
func (c *client) bye() { c.byeWith("\xe0\x00") }

// byeWith is bye with a DISCONNECT of one's own.
func (c *client) byeWith(packets string) {
	closed := c.leave(packets)
	c.cut()
	if !closed {
		c.r.wait(soon) // until the server has seen that, too
	}
}

// part is bye where nothing that follows rests upon the server having read it: it is not
// waited for.
func (c *client) part() {
	c.send("\xe0\x00")
	c.ended = true
}
