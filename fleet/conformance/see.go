package conformance

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// next returns the next packet, which must come.
func (c *client) next() *packet {
	p, err := c.read(c.r.x.patience)
	if err != nil {
		c.r.fatalf("%s got %s; want a packet", c.name, plainly(err))
	}
	return p
}

// want returns the next packet, which must be of that type.
func (c *client) want(typ byte) *packet {
	p, err := c.read(c.r.x.patience)
	if err != nil {
		c.r.fatalf("%s got %s; want %s", c.name, plainly(err), typeNames[typ])
	}
	if p.typ != typ {
		c.overdue(typ)
		c.r.fatalf("%s got %v; want %s", c.name, p, typeNames[typ])
	}
	return p
}

// overdue notes how long an answer has been due that is due at once, where something else came
// in its place.
func (c *client) overdue(typ byte) {
	switch typ {
	case connack, puback, pubrec, pubcomp, suback, unsuback, pingresp:
		c.r.slowest = max(c.r.slowest, time.Since(c.wrote))
	}
}

// message returns the next packet, which must be that PUBLISH.
func (c *client) message(topic, payload string) *packet {
	return c.messageIn(c.r.x.patience, topic, payload)
}

// messageIn is message with a patience of its own.
func (c *client) messageIn(patience time.Duration, topic, payload string) *packet {
	p, err := c.read(patience)
	if err != nil {
		c.r.fatalf("%s got %s; want a PUBLISH of %s to %s", c.name, plainly(err), brief(payload), brief(topic))
	}
	if p.typ != publish || p.topic != topic || p.payload != payload {
		c.r.fatalf("%s got %v; want a PUBLISH of %s to %s", c.name, p, brief(payload), brief(topic))
	}
	return p
}

// seen is what was read, or why there was nothing.
func seen(p *packet, err error) string {
	if err != nil {
		return plainly(err)
	}
	return p.String()
}

// brief is a text that may be long.
func brief(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%.40q… (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}

// wantID is want for a packet with that identifier.
func (c *client) wantID(typ byte, id int) *packet {
	p := c.want(typ)
	if p.id != id {
		c.r.fatalf("%s got %v; want id %d", c.name, p, id)
	}
	return p
}

// await is wantID that keeps messages which come before for later.
func (c *client) await(typ byte, id int) *packet {
	for {
		p, err := c.receive(c.r.x.patience)
		if err != nil {
			c.r.fatalf("%s got %s; want %s of id %d", c.name, plainly(err), typeNames[typ], id)
		}
		if p.typ == typ && p.id == id {
			return p
		}
		if p.typ != publish {
			c.overdue(typ)
			c.r.fatalf("%s got %v; want %s of id %d", c.name, p, typeNames[typ], id)
		}
		c.queue = append(c.queue, p)
	}
}

// quiet checks that nothing comes, and that the connection is still there. A
// marker message, sent behind whatever could come, tells that all before it has been
// dealt with, and that this client would have seen it.
func (c *client) quiet() {
	c.mark()
	c.silent(30 * time.Millisecond)
}

// still is quiet for what is not the effect of a message, such as a Will: no
// marker comes behind it, so it is waited for as well.
func (c *client) still() {
	c.mark()
	c.silent(soon)
}

// held is quiet where the server may hold the marker message back, too.
func (c *client) held() {
	c.silent(soon)
	c.alive()
}

// silent checks that nothing comes for that time.
func (c *client) silent(d time.Duration) {
	c.r.judged++
	p, err := c.read(d)
	if err == nil {
		c.r.fatalf("%s got %v; want nothing", c.name, p)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.fatalf("%s got %s; want nothing", c.name, plainly(err))
	}
}

// rest returns the messages that come until the marker message and shortly behind
// it, and acknowledges them.
func (c *client) rest() (all []*packet) {
	c.setFence()
	c.sendMarker()
	marked := false
	for {
		d := 30 * time.Millisecond
		if !marked {
			d = c.r.x.patience
		}
		p, err := c.read(d)
		switch {
		case err != nil && marked && errors.Is(err, os.ErrDeadlineExceeded):
			return all
		case err != nil:
			c.r.fatalf("%s got %s; want the messages of its subscription to a second topic, too", c.name, plainly(err))
		case c.isMarker(p):
			marked = true
		case p.typ == pubrel:
			c.send(acknowledgement(pubcomp, p.id))
		case p.typ != publish:
			c.r.fatalf("%s got %v; want messages only", c.name, p)
		default:
			all = append(all, p)
			if p.qos() > 0 {
				c.send(raw(0x30+p.qos()<<4, u16(p.id)))
			}
		}
	}
}

// alive checks that the server still answers.
func (c *client) alive() {
	c.r.used |= ping
	c.send("\xc0\x00")
	c.want(pingresp)
}

// closes is how long a server has to close a connection: on a busy machine some need seconds.
const closes = 6 * time.Second

// closed checks that the server closes the connection, after a DISCONNECT with
// one of the codes, or without any; and where it took its time, that it does not close just as
// soon where nothing is wrong.
func (c *client) closed(codes ...byte) {
	c.closedBy(time.Now().Add(closes), codes...)
	c.notAnyway(func() *client { return c.r.connect(hello{version: min(c.version, 5)}) })
}

// left checks that the server closes after a DISCONNECT of the client, without a word.
func (c *client) left() {
	c.r.judged++
	switch p, err := c.read(closes); {
	case err == nil:
		c.r.fatalf("%s got %v; want the server to close without a word", c.name, p)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.r.fatalf("%s is still connected; want the server to close", c.name)
	}
	c.ended = true
}

// closedBy is closed with a time.
func (c *client) closedBy(end time.Time, codes ...byte) {
	c.r.judged++
	said := false
	for {
		p, err := c.read(time.Until(end))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.r.fatalf("%s is still connected; want the server to close", c.name)
		}
		if err != nil {
			c.ended = true
			return
		}
		if p.typ != disconnect || said {
			c.r.fatalf("%s got %v; want the server to close", c.name, p)
		}
		said = true
		if late := time.Now().Add(closes); late.After(end) {
			end = late // it has begun
		}
		if len(codes) > 0 && !strings.Contains(string(codes), string([]byte{p.code})) {
			c.r.fatalf("%s got DISCONNECT 0x%02X; want %s", c.name, p.code, oneOf(codes))
		}
	}
}

// refused checks that a CONNECT was not accepted: the server closes, perhaps
// after a CONNACK with one of the codes.
func (c *client) refused(codes ...byte) {
	c.r.judged++
	p, err := c.read(c.r.x.patience)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.fatalf("%s got no answer; want the server to close", c.name)
	}
	if err != nil {
		c.ended = true
		c.notAnyway(func() *client { return c.r.dial(min(c.version, 5)) })
		return
	}
	if p.typ != connack || p.code == 0 {
		c.r.fatalf("%s got %v; want a refusal", c.name, p)
	}
	if len(codes) > 0 && !strings.Contains(string(codes), string([]byte{p.code})) {
		c.r.fatalf("%s got CONNACK 0x%02X; want %s", c.name, p.code, oneOf(codes))
	}
	c.closedBy(time.Now().Add(closes))
}

// oneOf lists reason codes.
func oneOf(codes []byte) string {
	var names []string
	for _, b := range codes {
		names = append(names, fmt.Sprintf("0x%02X", b))
	}
	return strings.Join(names, " or ")
}

// wantProps checks strings and binary data of a packet, and its User Properties.
func wantProps(r *run, p *packet, values map[byte]string, users ...string) {
	r.judged++
	for id, want := range values {
		switch got, ok := p.get(id); {
		case !ok:
			r.fatalf("the PUBLISH has no %s; want %s", propertyNames[id], brief(want))
		case got.value != want:
			r.fatalf("%s = %s; want %s", propertyNames[id], brief(got.value), brief(want))
		}
	}
	got := p.all(userProperty)
	ok := len(got) == len(users)
	for i := range got {
		ok = ok && got[i].value == users[i]
	}
	if !ok {
		r.fatalf("User Properties: %s; want %q", propsInWords(got), users)
	}
}
