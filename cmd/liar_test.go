package cmd

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptLiar starts a proxy before the broker at a port of this machine, which lies to
// its clients.
func scriptLiar(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: liar VAR PORT telemetry MESSAGES [later], or liar VAR PORT acknowledgements, or liar VAR PORT wills")
	}
	p := &lyingProxy{to: net.JoinHostPort("127.0.0.1", args[1]), conns: make(map[net.Conn]bool)}
	switch what := args[2]; {
	case what == "telemetry" && (len(args) == 4 || len(args) == 5 && args[4] == "later"):
		most, err := strconv.Atoi(args[3])
		ts.Check(err)
		p.most, p.instead, p.honest = most, p.telemetry, len(args) == 5
	case what == "acknowledgements":
		p.instead = withoutAcknowledgements
	case what == "wills":
		p.instead = withoutWills
	default:
		ts.Fatalf("a liar about %q; want telemetry and a number, acknowledgements or wills", args[2:])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	p.wg.Go(func() { p.serve(l) })
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	ts.Setenv(args[0], port)
	stateOf(ts).liars[port] = p
	ts.Defer(func() {
		_ = l.Close()
		p.mu.Lock()
		p.closed = true
		for c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
}

// scriptLie has a proxy that was to lie later begin.
func scriptLie(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || stateOf(ts).liars[args[0]] == nil {
		ts.Fatalf("usage: lie PORT, of a liar")
	}
	p := stateOf(ts).liars[args[0]]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.honest = false
}

// lyingProxy has a parser of its own.
type lyingProxy struct {
	to      string
	most    int
	instead func(packet []byte, held map[string][]byte) []byte // what a client gets in the place of a packet

	mu     sync.Mutex
	n      int  // messages of telemetry since it lies
	honest bool // it does not lie yet
	conns  map[net.Conn]bool
	closed bool
	wg     sync.WaitGroup
}

func (p *lyingProxy) serve(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		p.mu.Lock()
		p.conns[near], p.conns[far] = true, true
		if p.closed {
			_, _ = near.Close(), far.Close()
		}
		p.mu.Unlock()
		end := func() { _, _ = near.Close(), far.Close() }
		p.wg.Go(func() {
			defer end()
			_, _ = io.Copy(far, near)
		})
		p.wg.Go(func() {
			defer end()
			p.lie(near, far)
		})
	}
}

// lie passes packets on to a client.
func (p *lyingProxy) lie(to io.Writer, from io.Reader) {
	var in []byte
	held := make(map[string][]byte)
	room := make([]byte, 64<<10)
	for {
		n, err := from.Read(room)
		in = append(in, room[:n]...)
		var out []byte
		for {
			size := packetSize(in)
			if size == 0 || size > len(in) {
				break
			}
			out = append(out, p.instead(in[:size], held)...)
			in = in[size:]
		}
		if _, werr := to.Write(out); err != nil || werr != nil {
			return
		}
	}
}

// packetSize is how long the first packet is (2.1.4); 0 if it cannot be told yet.
func packetSize(b []byte) int {
	rest := 0
	for i := 1; i < len(b) && i <= 4; i++ {
		rest |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return 1 + i + rest
		}
	}
	return 0
}

const publish = 3 // 3.3.1

// withoutAcknowledgements loses every PUBACK, PUBREC and PUBCOMP.
func withoutAcknowledgements(packet []byte, _ map[string][]byte) []byte {
	if typ := packet[0] >> 4; typ == 4 || typ == 5 || typ == 7 {
		return nil
	}
	return packet
}

// withoutWills loses every message that says Offline, which is what Wills say where
// nobody goes in an orderly way.
func withoutWills(packet []byte, _ map[string][]byte) []byte {
	if packet[0]>>4 == publish && bytes.HasSuffix(packet, []byte("Offline")) {
		return nil
	}
	return packet
}

// telemetry loses, doubles and swaps every tenth message of telemetry on its way to
// whoever subscribes, up to so many; those after that it hands on.
func (p *lyingProxy) telemetry(packet []byte, held map[string][]byte) []byte {
	if packet[0]>>4 != publish {
		return packet
	}
	at := 1
	for packet[at] >= 0x80 {
		at++
	}
	at++
	topic := string(packet[at+2 : at+2+int(packet[at])<<8+int(packet[at+1])])
	if !strings.HasPrefix(topic, "tele/") || !strings.HasSuffix(topic, "/state") {
		return packet
	}
	p.mu.Lock()
	if p.honest {
		p.mu.Unlock()
		return packet
	}
	p.n++
	n := p.n
	p.mu.Unlock()
	earlier := held[topic]
	delete(held, topic)
	switch {
	case n > p.most:
	case n%10 == 3:
		return earlier
	case n%10 == 6:
		return append(append(bytes.Clone(packet), packet...), earlier...)
	case n%10 == 9 && earlier == nil:
		held[topic] = bytes.Clone(packet)
		return nil
	}
	return append(bytes.Clone(packet), earlier...)
}
