package conformance

import (
	"cmp"
	"errors"
	"os"
	"strconv"
)

// fenceIDs are Packet Identifiers that no check uses.
const fenceIDs = 61_000

// setFence subscribes the client to its marker messages.
func (c *client) setFence() {
	if c.fence != "" {
		return
	}
	c.fence = c.r.x.cfg.TopicPrefix + c.r.prefix + "f/" + cmp.Or(c.id, "anon")
	c.sendSubscribe(fenceIDs, c.fence, 0)
	if p := c.await(suback, fenceIDs); len(p.codes) != 1 || p.codes[0] > 2 {
		c.r.undecided("%s may not subscribe to a second topic: SUBACK % x", c.name, p.codes)
	}
	c.r.settle()
}

// sendMarker publishes the next marker message: through the client that published
// last, so that it comes behind what that one has sent, or through this one.
func (c *client) sendMarker() {
	by := c.r.last
	if by == nil || by.ended || by.version == 5 && by.connack == nil {
		by = c
	}
	c.marked++
	if err := by.write(by.encodePublish(0, c.fence, strconv.Itoa(c.marked), 0, 0)); err != nil && by != c {
		by.ended = true
		c.trySend(c.encodePublish(0, c.fence, strconv.Itoa(c.marked), 0, 0))
	}
}

func (c *client) isMarker(p *packet) bool { return p.typ == publish && p.topic == c.fence }

// mark sends a marker message and checks that nothing comes before it. Where it
// does not come itself, the check cannot tell that nothing else would have.
func (c *client) mark() {
	c.setFence()
	if len(c.queue) > 0 {
		c.r.fatalf("%s got %v; want nothing", c.name, c.queue[0])
	}
	c.sendMarker()
	for {
		p, err := c.receive(c.r.x.patience)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !c.markedLate() {
				c.r.blind = c.name + " got nothing, and not the marker message behind it either, so it cannot be told whether something would have come"
			}
			return
		case err != nil:
			c.r.fatalf("%s got %s; want nothing", c.name, plainly(err))
		case !c.isMarker(p):
			c.r.fatalf("%s got %v; want nothing", c.name, p)
		case p.payload == strconv.Itoa(c.marked):
			return
		}
	}
}

// markedLate checks that the server still answers, and reports whether the marker message
// came before that answer after all: it was late, and told as much.
func (c *client) markedLate() (came bool) {
	c.r.used |= ping
	c.send(pingreqBytes)
	for {
		p := c.next()
		switch {
		case p.typ == pingresp:
			return came
		case !c.isMarker(p):
			c.r.fatalf("%s got %v; want nothing but PINGRESP", c.name, p)
		case p.payload == strconv.Itoa(c.marked):
			came = true
		}
	}
}
