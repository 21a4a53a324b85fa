package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

// patience is how long something may take that must come; soon is how long it is
// waited for what must not come.
const (
	patience = 4 * time.Second
	soon     = 150 * time.Millisecond
)

// run is one statement being checked against one broker. Its methods end the
// check at the first fault, so that a fault that is known can be told from one
// that is not.
type run struct {
	addr    string
	prefix  string // of the run's topics and client identifiers
	conns   []net.Conn
	fault   string
	skipped string
}

func (r *run) fatalf(format string, args ...any) {
	_, file, line, _ := runtime.Caller(1)
	for skip := 2; strings.HasSuffix(file, "client_test.go"); skip++ {
		_, file, line, _ = runtime.Caller(skip)
	}
	r.fault = fmt.Sprintf("%s:%d: ", file[strings.LastIndexByte(file, '/')+1:], line) + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// skipf ends a check of something that this broker may do without, and does.
func (r *run) skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// topic is a topic or filter of this run's own.
func (r *run) topic(s string) string { return r.prefix + "/" + s }

// id is a client identifier of this run's own.
func (r *run) id(s string) string { return r.prefix + s }

// client is one connection.
type client struct {
	r       *run
	c       net.Conn
	br      *bufio.Reader
	version byte
	name    string
	connack *packet
	nextID  int
	queue   []*packet // read while something else was waited for
}

// dial connects and sends nothing yet.
func (r *run) dial(version byte) *client {
	c, err := net.DialTimeout("tcp", r.addr, patience)
	if err != nil {
		r.fatalf("dial: %v", err)
	}
	r.conns = append(r.conns, c)
	return &client{r: r, c: c, br: bufio.NewReader(c), version: version, name: "the client"}
}

// hello connects and returns the client with its CONNACK, whatever it says.
func (r *run) hello(h hello) *client {
	if h.version == 0 {
		h.version = 5
	}
	if h.id == "" && !h.anon {
		r.conns = append(r.conns, nil) // a number for this client
		h.id = fmt.Sprintf("%sn%d", r.prefix, len(r.conns))
	}
	c := r.dial(h.version)
	if h.id != "" {
		c.name = h.id
	}
	c.send(h.encode())
	c.connack = c.want(connack)
	return c
}

// connect is hello for a CONNECT that must succeed.
func (r *run) connect(h hello) *client {
	c := r.hello(h)
	if c.connack.code != 0 {
		r.fatalf("%s: CONNACK 0x%02X; want success", c.name, c.connack.code)
	}
	return c
}

// plain is a version 5 client that is nothing special.
func (r *run) plain() *client { return r.connect(hello{}) }

// watcher is a client that has subscribed.
func (r *run) watcher(filter string, options byte) *client {
	c := r.plain()
	c.subscribe(filter, options)
	return c
}

func (c *client) send(parts ...string) {
	_ = c.c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.c, strings.Join(parts, "")); err != nil {
		c.r.fatalf("%s: write: %v", c.name, err)
	}
}

// trySend sends to a server that may have closed already.
func (c *client) trySend(parts ...string) {
	_ = c.c.SetWriteDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c.c, strings.Join(parts, ""))
}

// read returns the next packet, or nil and why there is none in that time.
func (c *client) read(d time.Duration) (*packet, error) {
	if len(c.queue) > 0 {
		p := c.queue[0]
		c.queue = c.queue[1:]
		return p, nil
	}
	return c.receive(d)
}

func (c *client) receive(d time.Duration) (*packet, error) {
	_ = c.c.SetReadDeadline(time.Now().Add(d))
	// Nothing is consumed before the first byte is there, so a time-out between
	// packets leaves the stream whole.
	first, err := c.br.ReadByte()
	if err != nil {
		return nil, err
	}
	_ = c.c.SetReadDeadline(time.Now().Add(patience))
	n := 0
	for shift := 0; ; shift += 7 {
		b, err := c.br.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("a packet cut short: %w", err)
		}
		n |= int(b&127) << shift
		if b < 128 {
			break
		}
		if shift == 21 {
			return nil, errors.New("a length of five bytes")
		}
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.br, body); err != nil {
		return nil, fmt.Errorf("a packet cut short: %w", err)
	}
	p, err := decode(first, string(body), c.version)
	if err != nil {
		c.r.fatalf("%s got %v", c.name, err)
	}
	return p, nil
}

// next returns the next packet, which must come.
func (c *client) next() *packet {
	p, err := c.read(patience)
	if err != nil {
		c.r.fatalf("%s got %v; want a packet", c.name, err)
	}
	return p
}

// want returns the next packet, which must be of that type.
func (c *client) want(typ byte) *packet {
	p, err := c.read(patience)
	if err != nil {
		c.r.fatalf("%s got %v; want %s", c.name, err, typeNames[typ])
	}
	if p.typ != typ {
		c.r.fatalf("%s got %v; want %s", c.name, p, typeNames[typ])
	}
	return p
}

// message returns the next packet, which must be that PUBLISH.
func (c *client) message(topic, payload string) *packet {
	p, err := c.read(patience)
	if err != nil {
		c.r.fatalf("%s got %v; want a PUBLISH of %.40q to %q", c.name, err, payload, topic)
	}
	if p.typ != publish || p.topic != topic || p.payload != payload {
		c.r.fatalf("%s got %v; want a PUBLISH of %.40q to %q", c.name, p, payload, topic)
	}
	return p
}

// quiet checks that nothing comes, and that the connection is still there.
func (c *client) quiet() {
	p, err := c.read(soon)
	if err == nil {
		c.r.fatalf("%s got %v; want nothing", c.name, p)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.fatalf("%s got %v; want nothing", c.name, err)
	}
	c.alive()
}

// alive checks that the server still answers.
func (c *client) alive() {
	c.send("\xc0\x00")
	c.want(pingresp)
}

// closed checks that the server closes the connection, after a DISCONNECT with
// one of the codes, or without any.
func (c *client) closed(codes ...byte) {
	end := time.Now().Add(patience)
	said := false
	for {
		p, err := c.read(time.Until(end))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.r.fatalf("%s is still connected; want the server to close", c.name)
		}
		if err != nil {
			return
		}
		if p.typ != disconnect || said {
			c.r.fatalf("%s got %v; want the server to close", c.name, p)
		}
		said = true
		if len(codes) > 0 && !strings.Contains(string(codes), string([]byte{p.code})) {
			c.r.fatalf("%s got DISCONNECT 0x%02X; want one of % X", c.name, p.code, codes)
		}
	}
}

// refused checks that a CONNECT was not accepted: the server closes, perhaps
// after a CONNACK with one of the codes.
func (c *client) refused(codes ...byte) {
	p, err := c.read(patience)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.fatalf("%s got no answer; want the server to close", c.name)
	}
	if err != nil {
		return
	}
	if p.typ != connack || p.code == 0 {
		c.r.fatalf("%s got %v; want a refusal", c.name, p)
	}
	if len(codes) > 0 && !strings.Contains(string(codes), string([]byte{p.code})) {
		c.r.fatalf("%s got CONNACK 0x%02X; want one of % X", c.name, p.code, codes)
	}
	c.closed()
}

// cut ends the connection without a word.
func (c *client) cut() { _ = c.c.Close() }

// bye is a DISCONNECT with reason code 0, and waits for the server to close.
func (c *client) bye() {
	c.send("\xe0\x00")
	c.closed()
	c.cut()
}

func (c *client) newID() int {
	c.nextID++
	return c.nextID
}

func (c *client) subscribe(filter string, options byte, properties ...string) {
	if got := c.trySubscribe(filter, options, properties...); got != options&3 {
		c.r.fatalf("%s: SUBACK 0x%02X for %q; want 0x%02X", c.name, got, filter, options&3)
	}
}

// trySubscribe returns the reason code of the SUBACK. Retained messages that
// come with it are left to be read.
func (c *client) trySubscribe(filter string, options byte, properties ...string) byte {
	id := c.newID()
	c.sendSubscribe(id, filter, options, properties...)
	p := c.want(suback)
	if p.id != id || len(p.codes) != 1 {
		c.r.fatalf("%s got %v; want a SUBACK of id %d with one code", c.name, p, id)
	}
	return p.codes[0]
}

func (c *client) sendSubscribe(id int, filter string, options byte, properties ...string) {
	b := u16(id)
	if c.version == 5 {
		b += props(properties...)
	}
	c.send(raw(0x82, b, str(filter), string([]byte{options})))
}

func (c *client) unsubscribe(filter string) {
	id := c.newID()
	b := u16(id)
	if c.version == 5 {
		b += props()
	}
	c.send(raw(0xa2, b, str(filter)))
	if p := c.want(unsuback); p.id != id || c.version == 5 && p.codes != "\x00" {
		c.r.fatalf("%s got %v; want an UNSUBACK of id %d with code 0", c.name, p, id)
	}
}

// encodePublish of a QoS; bits are DUP (8) and RETAIN (1).
func (c *client) encodePublish(id int, topic, payload string, qos, bits byte, properties ...string) string {
	b := str(topic)
	if qos > 0 {
		b += u16(id)
	}
	if c.version == 5 {
		b += props(properties...)
	}
	return raw(0x30|qos<<1|bits, b, payload)
}

// publish sends a message and goes through its acknowledgements.
func (c *client) publish(topic, payload string, qos, bits byte, properties ...string) {
	if code := c.tryPublish(topic, payload, qos, bits, properties...); code >= 0x80 {
		c.r.fatalf("%s: the PUBLISH to %q was refused with 0x%02X", c.name, topic, code)
	}
}

func (c *client) tryPublish(topic, payload string, qos, bits byte, properties ...string) byte {
	id := 0
	if qos > 0 {
		id = c.newID()
	}
	c.send(c.encodePublish(id, topic, payload, qos, bits, properties...))
	switch qos {
	case 1:
		return c.await(puback, id).code
	case 2:
		if p := c.await(pubrec, id); p.code >= 0x80 {
			return p.code
		}
		c.send(raw(0x62, u16(id)))
		return c.await(pubcomp, id).code
	}
	return 0
}

// await is wantID that keeps messages which come before for later.
func (c *client) await(typ byte, id int) *packet {
	for {
		p, err := c.receive(patience)
		if err != nil {
			c.r.fatalf("%s got %v; want %s of id %d", c.name, err, typeNames[typ], id)
		}
		if p.typ == typ && p.id == id {
			return p
		}
		if p.typ != publish {
			c.r.fatalf("%s got %v; want %s of id %d", c.name, p, typeNames[typ], id)
		}
		c.queue = append(c.queue, p)
	}
}

func (c *client) wantID(typ byte, id int) *packet {
	p := c.want(typ)
	if p.id != id {
		c.r.fatalf("%s got %v; want id %d", c.name, p, id)
	}
	return p
}

// ack goes through the acknowledgements of a message that was received.
func (c *client) ack(p *packet) {
	switch p.qos() {
	case 1:
		c.send(raw(0x40, u16(p.id)))
	case 2:
		c.send(raw(0x50, u16(p.id)))
		c.await(pubrel, p.id)
		c.send(raw(0x70, u16(p.id)))
	}
}

// expect is fatalf unless ok.
func (r *run) expect(ok bool, format string, args ...any) {
	if !ok {
		r.fatalf(format, args...)
	}
}
