//go:build linux

package stalls

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// proxy stands between a broker and its clients. It holds up all bytes, in both
// directions, for a part of each period, and keeps books: when a request came to it, and
// when the answer left it.
//
// Each direction of a connection has a thread of its own, which blocks in read(2) and
// write(2), so that no scheduler but the kernel's stands between the proxy and its clock.
type proxy struct {
	listener      net.Listener
	broker        string
	lag           time.Duration // in each direction
	every, stalls time.Duration

	begun time.Time // of the first period; each connection has it from the proxy
	wg    sync.WaitGroup

	mu    sync.Mutex
	fds   []int
	links []*link
	bad   error
}

// link is one client's connection and its books.
type link struct {
	mu       sync.Mutex
	client   string
	most     int                  // the Receive Maximum it was told
	requests []request            // in the order in which they came
	answered map[string]time.Time // when the first answer left, by Correlation Data
	under    int                  // its PUBLISHes at QoS 1 and 2 that are not acknowledged (4.9)
	highest  int                  // of those at a time
}

type request struct {
	correlation string
	came        time.Time
}

// listen starts a proxy before a broker's address.
func listen(broker string, lag, every, stalls time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, broker: broker, lag: lag, every: every, stalls: stalls, begun: time.Now()}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.broker)
		if err != nil {
			p.fail(err)
			near.Close()
			continue
		}
		a, err1 := descriptor(near)
		b, err2 := descriptor(far)
		if err := errors.Join(err1, err2); err != nil {
			p.fail(err)
			continue
		}
		k := &link{answered: make(map[string]time.Time)}
		p.mu.Lock()
		p.fds = append(p.fds, a, b)
		p.links = append(p.links, k)
		p.mu.Unlock()
		p.wg.Go(func() { p.pump(a, b, k.fromClient) })
		p.wg.Go(func() { p.pump(b, a, k.fromBroker) })
	}
}

// descriptor makes a connection one that blocks, and is ours alone.
func descriptor(c net.Conn) (int, error) {
	defer c.Close()
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return 0, err
	}
	return fd, errors.Join(syscall.SetNonblock(fd, false), syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
}

// end closes all connections and waits until nothing passes any more.
func (p *proxy) end() error {
	p.listener.Close()
	p.mu.Lock()
	for _, fd := range p.fds {
		_ = syscall.Shutdown(fd, syscall.SHUT_RDWR)
	}
	p.mu.Unlock()
	p.wg.Wait()
	for _, fd := range p.fds {
		_ = syscall.Close(fd)
	}
	return p.bad
}

func (p *proxy) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bad == nil {
		p.bad = fmt.Errorf("the proxy: %w", err)
	}
}

// piece is some bytes on their way.
type piece struct {
	bytes []byte
	came  time.Time
}

// pump passes bytes on. enter is told of each whole packet among them, when it came and
// when it leaves.
func (p *proxy) pump(from, to int, enter func(packet []byte, came, leaves time.Time) error) {
	pieces := make(chan piece, 1<<12) // more than come in a stall
	p.wg.Go(func() {
		runtime.LockOSThread()
		defer func() { _ = syscall.Shutdown(to, syscall.SHUT_WR) }()
		var pending []byte
		dead := false
		for piece := range pieces {
			if dead {
				continue
			}
			p.hold(piece.came)
			pending = append(pending, piece.bytes...)
			leaves := time.Now()
			for {
				packet, rest, err := split(pending)
				if err == nil && packet != nil {
					err = enter(packet, piece.came, leaves)
				}
				if err != nil {
					p.fail(err)
				}
				if err != nil || packet == nil {
					dead = err != nil
					break
				}
				pending = rest
			}
			dead = dead || !write(to, piece.bytes)
		}
	})
	runtime.LockOSThread()
	defer close(pieces)
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(from, buf)
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		pieces <- piece{bytes.Clone(buf[:n]), time.Now()}
	}
}

// write writes all of it, and reports whether it could.
func write(to int, b []byte) bool {
	for len(b) > 0 {
		n, err := syscall.Write(to, b)
		if err != nil && err != syscall.EINTR {
			return false
		}
		b = b[max(n, 0):]
	}
	return true
}

// hold returns when what came at a moment may leave: after the lag, and not in a stall.
func (p *proxy) hold(came time.Time) {
	leaves := came.Add(p.lag)
	if into := leaves.Sub(p.begun) % p.every; into >= p.every-p.stalls {
		leaves = leaves.Add(p.every - into)
	}
	for left := time.Until(leaves); left > 0; left = time.Until(leaves) {
		t := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&t, nil) // interrupted, it looks at the clock again
	}
}

// fromClient enters what a client sends.
func (k *link) fromClient(packet []byte, came, _ time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch packet[0] >> 4 {
	case connect:
		id, err := readConnect(packet)
		k.client = id
		return err
	case publish:
		m, err := readPublish(packet)
		if err != nil {
			return err
		}
		if m.responseTopic != "" && m.correlation != "" {
			k.requests = append(k.requests, request{m.correlation, came})
		}
		if m.qos > 0 {
			k.under++
			k.highest = max(k.highest, k.under)
		}
	}
	return nil
}

// fromBroker enters what a client is sent.
func (k *link) fromBroker(packet []byte, _, leaves time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch packet[0] >> 4 {
	case connack:
		most, err := readConnack(packet)
		k.most = most
		return err
	case puback, pubcomp: // Mosquitto refuses none with a PUBREC
		k.under--
	case publish:
		m, err := readPublish(packet)
		if err != nil {
			return err
		}
		if _, again := k.answered[m.correlation]; m.correlation != "" && m.responseTopic == "" && !again {
			k.answered[m.correlation] = leaves
		}
	}
	return nil
}
