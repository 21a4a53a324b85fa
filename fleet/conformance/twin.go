package conformance

import (
	"errors"
	"os"
	"time"
)

// A connection may end for another reason than that which a check has given. Where that could
// be, there is a twin of it, without the reason, which has to outlive it.

// notAnyway ends a check that cannot tell: where the server took its time to close, it is looked
// whether it does so just as soon on a connection on which nothing is wrong.
func (c *client) notAnyway(sound func() *client) {
	took := time.Since(c.wrote)
	if took < late {
		return
	}
	twin := sound()
	c.r.wait(took + soon)
	if !twin.open() {
		c.r.undecided("the server closed after %v, and within that time on a connection on which nothing was wrong, too", took.Round(time.Millisecond))
	}
}

// open reports whether nothing but PINGRESPs has come on a connection, nor its end.
func (c *client) open() bool {
	c.r.judged++
	for {
		p, err := c.read(time.Millisecond)
		switch {
		case err != nil:
			return errors.Is(err, os.ErrDeadlineExceeded)
		case p.typ != pingresp:
			return false
		}
	}
}

// timedOut checks that the server closes after one and a half times a Keep Alive in
// seconds: not before, since the client has that long, and some seconds after at the latest,
// since many servers look only now and then. One that does say something has to stay.
func (c *client) timedOut(alive int, codes ...byte) {
	twin := c.r.connect(hello{version: c.version, keep: alive})
	due := time.Duration(alive) * time.Second * 3 / 2
	end := c.began.Add(due + 8*time.Second)
	for time.Now().Before(end) {
		p, err := c.read(min(due/8, time.Until(end)))
		if err == nil {
			c.queue = append(c.queue, p)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		twin.trySend(pingreqBytes)
	}
	c.closedBy(end, codes...)
	d := time.Since(c.began).Round(time.Millisecond)
	c.r.expect(d >= due-200*time.Millisecond, "%s: closed after %v; want %v or some seconds more", c.name, d, due)
	for time.Since(twin.began) < d+soon { // until it is as old
		twin.trySend(pingreqBytes)
		c.r.wait(min(due/8, soon))
	}
	switch {
	case twin.open():
	case twin.pause > due/2:
		panic(tooSlow("this machine was too slow: %s said nothing for %v, where it has to within %v", twin.name, twin.pause.Round(time.Millisecond), due))
	default:
		c.r.undecided("the server closed after %v, and within that time on a connection that said something every %v, too", d, due/8)
	}
}
