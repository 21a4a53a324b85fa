package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"homefleet/fleet/transport"
)

// largest is the longest packet that is read of a broker: no check asks for more.
const largest = 16 << 20

// client is one connection.
type client struct {
	r       *run
	c       net.Conn
	br      *bufio.Reader
	version byte
	id      string // its client identifier
	name    string // in what is said of it
	connack *packet
	nextID  int
	queue   []*packet     // read while something else was waited for
	fence   string        // the topic of its marker messages, once it has subscribed to it
	marked  int           // marker messages so far
	got     int           // PUBLISHes so far
	ended   bool          // by us
	began   time.Time     // when it was dialled
	wrote   time.Time     // last
	pause   time.Duration // the longest between two writes
}

// dial connects and sends nothing yet.
func (r *run) dial(version byte) *client { return r.dialBy(r.x.cfg.Dial, version) }

func (r *run) dialBy(dial func(context.Context) (net.Conn, error), version byte) *client {
	var began time.Time
	reach := func() (net.Conn, error) {
		began = time.Now()
		ctx, stop := context.WithTimeout(r.ctx, r.x.patience)
		defer stop()
		return dial(ctx)
	}
	conn, err := reach()
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && !over(r.ctx) {
		conn, err = reach() // a machine that is busy loses what is to be accepted
	}
	switch {
	case err != nil && over(r.ctx): // which is no fault of the broker's
		<-r.ctx.Done()
		r.undecided("%s", why(r.ctx))
	case err != nil:
		r.x.unreachable(err)
		r.undecided("the broker cannot be reached: %v", err)
	}
	r.slowest = max(r.slowest, time.Since(began))
	c := &client{r: r, c: conn, br: bufio.NewReader(conn), version: version, name: "the client", began: began}
	r.mu.Lock()
	r.clients = append(r.clients, c)
	r.mu.Unlock()
	return c
}

// over reports whether a context has ended, or does so just now.
func over(ctx context.Context) bool {
	end, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(end)
}

// hello connects and returns the client with its CONNACK, whatever it says.
func (r *run) hello(h hello) *client {
	if h.version == 0 {
		h.version = r.version
	}
	if h.id == "" && !h.anon {
		r.named++
		h.id = fmt.Sprintf("%sn%d", r.prefix, r.named)
	}
	h = r.introduced(h)
	if h.version == 5 && r.x.facts.OldOnly {
		r.skipf("the broker does not speak MQTT 5")
	}
	dial := r.x.cfg.Dial
	if h.far {
		dial = r.x.cfg.Far
	}
	c := r.dialBy(dial, h.version)
	if h.id != "" {
		c.id, c.name = h.id, "client "+strings.TrimPrefix(h.id, r.prefix)
		if strings.HasPrefix(h.props, "\x11") || h.version < 5 && h.resume {
			r.sessions[h.id] = h.version
		}
	}
	if w := h.will; w != nil {
		r.used |= willed
		if w.retain {
			r.kept[w.topic] = true
		}
	}
	c.send(h.encode())
	c.awaitConnack()
	if assigned, ok := c.connack.get(assignedClientIdentifierProperty); ok && strings.HasPrefix(h.props, "\x11") {
		r.sessions[assigned.value] = h.version
	}
	return c
}

// awaitConnack reads the CONNACK. One that is late is told from one that does not come: it is
// waited for three times as long, and then nothing is held against the broker.
func (c *client) awaitConnack() {
	p, err := c.read(c.r.x.patience)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if p, err = c.read(2 * c.r.x.patience); err == nil {
			panic(tooSlow("the broker or this machine was slow: it took %v to %v", time.Since(c.wrote).Round(time.Millisecond), p))
		}
	}
	if err == nil {
		c.queue = append(c.queue, p)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.fatalf("%s got nothing; want CONNACK", c.name)
	}
	c.connack = c.want(connack)
}

// introduced is a CONNECT with the run's user name and password, where there are some.
func (r *run) introduced(h hello) hello {
	if !h.stranger && h.username == nil && h.password == nil && r.x.cfg.Username != "" {
		h.username, h.password = &r.x.cfg.Username, r.x.password
	}
	return h
}

// connect is hello for a CONNECT that must succeed.
func (r *run) connect(h hello) *client {
	f := r.x.facts
	if w := h.will; w != nil {
		r.provided(w.qos <= f.MaximumQoS, "Maximum QoS is %d", f.MaximumQoS)
		r.provided(!w.retain || f.Retain, "Retain Available is 0")
	}
	if h.resume && !h.anon {
		r.used |= resumed
	}
	c := r.hello(h)
	if c.connack.code != 0 {
		r.fatalf("%s: CONNACK 0x%02X; want success", c.name, c.connack.code)
	}
	if i := strings.IndexByte(h.props, 17); i == 0 && c.version == 5 {
		r.provided(c.connack.num(sessionExpiryProperty, 1) > 0, "the server keeps no session (Session Expiry Interval 0)")
	}
	if h.keep > 0 && c.version == 5 {
		r.provided(c.connack.num(serverKeepAliveProperty, 0) <= uint32(h.keep), "Server Keep Alive is %d s", c.connack.num(serverKeepAliveProperty, 0))
	}
	return c
}

// provided is skipf unless the broker has said that it can.
func (r *run) provided(ok bool, format string, args ...any) {
	if !ok {
		r.skipf(format, args...)
	}
}

// plain is a client that is nothing special.
func (r *run) plain() *client { return r.connect(hello{}) }

// watcher is a client that has subscribed.
func (r *run) watcher(filter string, options byte) *client {
	c := r.plain()
	c.subscribe(filter, options)
	return c
}

func (c *client) send(parts ...string) {
	if most := c.r.x.facts.MaximumPacketSize; most > 0 && c.connack != nil {
		n := 0
		for _, p := range parts {
			n += len(p)
		}
		c.r.provided(n <= int(most), "Maximum Packet Size is %d", most)
	}
	if err := c.write(parts...); err != nil {
		c.r.fatalf("%s cannot send, since the connection has ended (%v); want it open", c.name, plainly(err))
	}
}

// trySend sends to a server that may have closed already.
func (c *client) trySend(parts ...string) { _ = c.write(parts...) }

func (c *client) write(parts ...string) error {
	text := strings.Join(parts, "")
	c.r.trace.add(c.name, true, c.r.masked(text))
	now := time.Now()
	if !c.wrote.IsZero() {
		c.pause = max(c.pause, now.Sub(c.wrote))
	}
	c.wrote = now
	_ = c.c.SetWriteDeadline(time.Now().Add(c.r.x.patience))
	_, err := io.WriteString(c.c, text)
	return err
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
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			c.r.trace.note(c.name, "the connection has ended")
		}
		return nil, err
	}
	_ = c.c.SetReadDeadline(time.Now().Add(c.r.x.patience))
	if c.connack == nil {
		if speaks := c.foreign(first); speaks != "" {
			c.r.x.unreachable(&ForeignError{speaks})
			return nil, &ForeignError{speaks}
		}
	}
	head := []byte{first}
	n := 0
	for shift := 0; ; shift += 7 {
		b, err := c.br.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("a packet cut short: %w", err)
		}
		head = append(head, b)
		n |= int(b&127) << shift
		if b < 128 {
			break
		}
		if shift == 21 {
			c.r.fatalf("%s got a packet whose length has five bytes; want a packet in the form of the standard", c.name)
		}
	}
	if n > largest {
		c.r.fatalf("%s got a packet of %d bytes; want none that nobody asked for", c.name, n)
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, c.br, int64(n)); err != nil {
		return nil, fmt.Errorf("a packet cut short: %w", err)
	}
	c.r.trace.add(c.name, false, string(head)+body.String())
	p, err := decode(first, body.String(), c.version)
	if err != nil {
		c.r.fatalf("%s got %v; want a packet in the form of the standard", c.name, err)
	}
	c.r.judged++
	if p.typ == connack || p.typ == pingresp {
		c.r.slowest = max(c.r.slowest, time.Since(c.wrote))
	}
	if p.typ == publish {
		c.r.used |= received
		if c.got++; c.got > 1 {
			c.r.used |= ordered
		}
	}
	return p, nil
}

// foreign names what speaks there by the bytes with which it begins, if that is not MQTT.
func (c *client) foreign(first byte) string {
	if first == connack<<4 {
		return ""
	}
	_ = c.c.SetReadDeadline(time.Now().Add(soonAfter))
	more, _ := c.br.Peek(transport.MostForeign - 1) // or as many as come soon
	_ = c.c.SetReadDeadline(time.Now().Add(c.r.x.patience))
	return transport.Foreign(append([]byte{first}, more...))
}

// soonAfter is how long a first byte that begins no CONNACK has for more to follow, which tell
// what it does begin.
const soonAfter = 200 * time.Millisecond

// cut ends the connection without a word.
func (c *client) cut() {
	c.ended = true
	c.r.trace.note(c.name, "is cut off")
	transport.CloseNow(c.c)
}

// reset ends the connection with an RST.
func (c *client) reset() {
	transport.Reset(c.c)
	c.cut()
}

// plainly is an error of a connection in a few words, without addresses.
func plainly(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	case errors.Is(err, io.EOF):
		return "the end of the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return "the end of the connection (reset)"
	}
	return err.Error()
}

// masked is what is sent, without the password.
func (r *run) masked(text string) string {
	if !r.trace.on {
		return text
	}
	for _, secret := range []*string{r.x.password, r.x.cfg.OtherPassword} {
		if secret != nil && *secret != "" {
			text = strings.ReplaceAll(text, *secret, strings.Repeat("*", len(*secret)))
		}
	}
	return text
}
