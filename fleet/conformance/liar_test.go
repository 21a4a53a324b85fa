package conformance

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A liar stands between the examiner and a broker that is right, and breaks one
// thing. It takes packets apart by itself, so that what it breaks is not what the
// codec of the examiner happens to look at.

// pkt is an MQTT packet: its first byte, and what follows the length.
type pkt struct {
	first byte
	body  []byte
	raw   []byte // as it came; nil where it was changed
}

func (p pkt) typ() byte { return p.first >> 4 }
func (p pkt) qos() byte { return p.first >> 1 & 3 }

// edited returns the packet with other contents.
func (p pkt) edited(first byte, body ...[]byte) pkt {
	var all []byte
	for _, b := range body {
		all = append(all, b...)
	}
	return pkt{first: first, body: all}
}

func (p pkt) bytes() []byte {
	if p.raw != nil {
		return p.raw
	}
	out := []byte{p.first}
	n := len(p.body)
	for {
		b := byte(n & 127)
		if n >>= 7; n > 0 {
			out = append(out, b|128)
			continue
		}
		return append(append(out, b), p.body...)
	}
}

// errNoPacket is that what came is no packet, and goes on as it is.
var errNoPacket = errors.New("no packet")

func readPkt(r *bufio.Reader) (p pkt, err error) {
	if p.first, err = r.ReadByte(); err != nil {
		return p, err
	}
	p.raw = []byte{p.first}
	n := 0
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return p, err
		}
		p.raw = append(p.raw, b)
		n |= int(b&127) << shift
		if b < 128 {
			break
		}
		if shift == 21 {
			return p, errNoPacket
		}
	}
	p.body = make([]byte, n)
	if _, err := io.ReadFull(r, p.body); err != nil {
		return p, err
	}
	p.raw = append(p.raw, p.body...)
	return p, nil
}

// property is one of a packet: identifier and value as they stand on the wire.
type property struct {
	id    byte
	value []byte
}

func u16at(b []byte, i int) int {
	if i+2 > len(b) {
		return 0
	}
	return int(binary.BigEndian.Uint16(b[i:]))
}

// propsAt takes the properties apart that begin at i; ok is false where there are none.
func propsAt(b []byte, i int) (list []property, end int, ok bool) {
	n, used := varintAt(b, i)
	if used == 0 || i+used+n > len(b) {
		return nil, 0, false
	}
	end = i + used + n
	for k := i + used; k < end; {
		id := b[k]
		size := 0
		switch id {
		case 1, 23, 25, 36, 37, 40, 41, 42:
			size = 1
		case 19, 33, 34, 35:
			size = 2
		case 2, 17, 24, 39:
			size = 4
		case 11:
			_, size = varintAt(b, k+1)
		case 38:
			size = 2 + u16at(b, k+1)
			size += 2 + u16at(b, k+1+size)
		default:
			size = 2 + u16at(b, k+1)
		}
		if size == 0 || k+1+size > end {
			return nil, 0, false
		}
		list = append(list, property{id, b[k+1 : k+1+size]})
		k += 1 + size
	}
	return list, end, true
}

func varintAt(b []byte, i int) (n, used int) {
	for shift := 0; i+used < len(b) && shift < 28; shift += 7 {
		c := b[i+used]
		used++
		n |= int(c&127) << shift
		if c < 128 {
			return n, used
		}
	}
	return 0, 0
}

func joinProps(list []property) []byte {
	var inner []byte
	for _, p := range list {
		inner = append(append(inner, p.id), p.value...)
	}
	head := pkt{body: inner}.bytes()[1:] // a length and what follows
	return head
}

// withProps returns the packet with other properties, which begin at i.
func (p pkt) withProps(i int, change func([]property) []property) pkt {
	list, end, ok := propsAt(p.body, i)
	if !ok || !bytes.Equal(joinProps(list), p.body[i:end]) { // a length that is longer than it needs to be stays so
		return p
	}
	body := append([]byte{}, p.body[:i]...)
	body = append(body, joinProps(change(list))...)
	return p.edited(p.first, body, p.body[end:])
}

func without(id byte) func([]property) []property {
	return func(list []property) (out []property) {
		for _, p := range list {
			if p.id != id {
				out = append(out, p)
			}
		}
		return out
	}
}

func mapped(id byte, change func(value []byte) []byte) func([]property) []property {
	return func(list []property) (out []property) {
		for _, p := range list {
			if p.id == id {
				p.value = change(append([]byte{}, p.value...))
			}
			out = append(out, p)
		}
		return out
	}
}

// publishAt is where the Packet Identifier and the properties of a PUBLISH are.
func (p pkt) publishAt() (topic string, id, props int) {
	n := u16at(p.body, 0)
	if 2+n > len(p.body) {
		return "", 0, len(p.body)
	}
	topic, props = string(p.body[2:2+n]), 2+n
	if p.qos() > 0 {
		id = u16at(p.body, props)
		props += 2
	}
	return topic, id, props
}

// payload of a PUBLISH of version 5.
func (p pkt) payload() []byte {
	_, _, i := p.publishAt()
	_, end, ok := propsAt(p.body, i)
	if !ok {
		return nil
	}
	return p.body[end:]
}

// connectAt is where the parts of a CONNECT of version 5 are; will is 0 where there is none.
func (p pkt) connectAt() (flags, keep, props, id, will int) {
	n := 2 + u16at(p.body, 0)
	flags, keep, props = n+1, n+2, n+4
	if n >= len(p.body) || p.body[n] != 5 {
		return flags, keep, 0, 0, 0
	}
	_, id, ok := propsAt(p.body, props)
	if !ok {
		return flags, keep, 0, 0, 0
	}
	if p.body[flags]&4 != 0 {
		will = id + 2 + u16at(p.body, id)
	}
	return flags, keep, props, id, will
}

// lie is one connection through the liar.
type lie struct {
	l       *liar
	client  net.Conn
	broker  net.Conn
	mu      sync.Mutex // of the writes to both
	version atomic.Uint32
	id      string         // with l.mu
	memory  map[string]any // what a bug remembers of this connection
	held    []pkt
	gone    chan struct{} // closed when the broker has ended the connection
	said    atomic.Bool   // the client has said DISCONNECT
	over    atomic.Bool   // the client has ended the connection
}

func (s *lie) down(p pkt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.client.Write(p.bytes())
}

func (s *lie) up(p pkt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.broker.Write(p.bytes())
}

// release sends to the client what a bug has held back.
func (s *lie) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.held {
		_, _ = s.client.Write(p.bytes())
	}
	s.held = nil
}

// liar is the proxy.
type liar struct {
	bug    *bug
	broker func() (net.Conn, error)
	any    bool // a bug that is about what the examiner sends is about all that is sent
	mu     sync.Mutex
	conns  map[*lie]bool
	shared map[string]any // what a bug remembers of all connections; with mu
	all    sync.WaitGroup
}

func newLiar(b *bug, broker func() (net.Conn, error)) *liar {
	return &liar{bug: b, broker: broker, conns: make(map[*lie]bool), shared: make(map[string]any)}
}

// close ends all connections, and waits for their ends.
func (l *liar) close() {
	l.mu.Lock()
	for s := range l.conns {
		_ = s.client.Close()
		_ = s.broker.Close()
	}
	l.mu.Unlock()
	l.all.Wait()
}

// bug is one thing that is broken. up and down see the packets of version 5 to the
// broker and from it, and return what goes on in their place.
type bug struct {
	name   string
	caught string // the statement that names it
	// says is what each other statement says that deviates, too, and rightly so: a part of
	// its line, or of its name. Where it is empty, there may be no other.
	says    []string
	variant string
	with    func(*Config)
	all     bool // versions
	up      func(s *lie, p pkt) []pkt
	down    func(s *lie, p pkt) []pkt
	clings  bool                    // connections are not closed
	keeps   func(s *lie) bool       // whether this one is not, which the broker has ended
	begin   func(s *lie)            // a connection has begun
	end     func(s *lie, err error) // the client's connection has ended
}

// startLiar returns the address of a proxy with that bug.
func startLiar(t *testing.T, target string, b *bug) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLiar(b, func() (net.Conn, error) { return net.Dial("tcp", target) })
	l.all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			l.all.Go(func() { l.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.close()
	})
	return listener.Addr().String()
}

func (l *liar) serve(c net.Conn) {
	b, err := l.broker()
	if err != nil {
		_ = c.Close()
		return
	}
	s := &lie{l: l, client: c, broker: b, memory: make(map[string]any), gone: make(chan struct{})}
	l.mu.Lock()
	l.conns[s] = true
	l.mu.Unlock()
	if l.bug.begin != nil {
		l.bug.begin(s)
	}
	defer func() {
		l.mu.Lock()
		delete(l.conns, s)
		l.mu.Unlock()
	}()
	var back sync.WaitGroup
	back.Go(func() {
		defer close(s.gone)
		_ = s.pump(bufio.NewReader(b), c, func(p pkt) {
			out := []pkt{p}
			if l.bug.down != nil && (s.version.Load() == 5 || l.bug.all) {
				out = l.bug.down(s, p)
			}
			for _, p := range out {
				s.down(p)
			}
		})
		if !l.bug.clings && (l.bug.keeps == nil || !l.bug.keeps(s)) {
			_ = c.Close()
		}
	})
	first := true
	err = s.pump(bufio.NewReader(c), b, func(p pkt) {
		if n := u16at(p.body, 0); first && p.typ() == 1 && 2+n < len(p.body) {
			s.version.Store(uint32(p.body[2+n]))
			if _, _, _, id, _ := p.connectAt(); id > 0 && id+2+u16at(p.body, id) <= len(p.body) {
				l.mu.Lock()
				s.id = string(p.body[id+2 : id+2+u16at(p.body, id)])
				l.mu.Unlock()
			}
		}
		first = false
		if p.first == 0xe0 && (len(p.body) == 0 || s.version.Load() == 5) {
			s.said.Store(true)
		}
		out := []pkt{p}
		if l.bug.up != nil && (s.version.Load() == 5 || l.bug.all) {
			out = l.bug.up(s, p)
		}
		for _, p := range out {
			s.up(p)
		}
	})
	s.over.Store(true)
	if l.bug.end != nil {
		l.bug.end(s, err)
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		switch b := b.(type) { // as it came
		case *net.TCPConn:
			_ = b.SetLinger(0)
		case interface{ Reset() error }: // in memory
			_ = b.Reset()
		}
	}
	_ = b.Close()
	back.Wait()
	_ = c.Close()
}

// pump takes packets until the connection ends. What is no packet goes on as it is.
func (s *lie) pump(r *bufio.Reader, to net.Conn, each func(pkt)) error {
	for {
		p, err := readPkt(r)
		if errors.Is(err, errNoPacket) {
			_, _ = to.Write(p.raw)
			_, err = io.Copy(to, r)
			return cmp.Or(err, io.EOF)
		}
		if err != nil {
			return err
		}
		each(p)
	}
}
