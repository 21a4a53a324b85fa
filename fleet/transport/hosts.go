package transport

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// host is where a broker's name leads. What the look-up answered is believed for
// lookupLife, so that ten thousand devices that come together do not ask ten
// thousand times; where no address takes a connection any more, for a second: a
// broker that has moved is found by one of the next tries.
type host struct {
	name     string
	resolver *net.Resolver

	mu     sync.Mutex
	asked  time.Time
	until  time.Time
	addrs  []netip.Addr
	family func(netip.Addr) bool // of the addresses that lead there; nil: not known yet
	turn   int
}

// lookupLife is how long an answer is believed; the standard library believes
// /etc/hosts for as long.
const lookupLife = 5 * time.Second

// addresses returns those to be tried, in this order: they take turns at being the
// first, as a name server has them do. It returns none where there are some of both
// families and one may lead nowhere: dialling by name finds out which, see led.
func (h *host) addresses(ctx context.Context) ([]netip.Addr, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !time.Now().Before(h.until) {
		h.mu.Unlock()
		addrs, err := h.resolver.LookupNetIP(ctx, "ip", h.name) // one at a time for all who ask
		h.mu.Lock()
		if err != nil {
			return nil, err
		}
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		h.addrs, h.asked = addrs, time.Now()
		h.until = h.asked.Add(lookupLife)
	}
	addrs := h.addrs
	if slices.ContainsFunc(addrs, netip.Addr.Is4) && slices.ContainsFunc(addrs, netip.Addr.Is6) {
		if h.family == nil {
			return nil, nil
		}
		addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !h.family(a) })
	}
	h.turn++
	first := h.turn % len(addrs)
	return slices.Concat(addrs[first:], addrs[:first]), nil
}

// led notes which family a connection was made with.
func (h *host) led(to net.Addr) {
	tcp, ok := to.(*net.TCPAddr)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.family = netip.Addr.Is6
	if tcp.AddrPort().Addr().Unmap().Is4() {
		h.family = netip.Addr.Is4
	}
}

// failed notes that no address took a connection.
func (h *host) failed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.family = nil
	if soon := h.asked.Add(time.Second); soon.Before(h.until) {
		h.until = soon
	}
}

// dialTCP opens a connection to the broker's host.
func (d *Dialer) dialTCP(ctx context.Context) (net.Conn, error) {
	socket := d.socket
	var from netip.Addr
	if len(d.from) > 0 {
		from = d.from[d.turn.Add(1)%uint64(len(d.from))]
		socket.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		socket.Control = bindWithoutPort
	}
	addrs, err := d.host.addresses(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	if len(addrs) == 0 || from.IsValid() && from.Is4() != addrs[0].Is4() {
		conn, err := socket.DialContext(ctx, "tcp", net.JoinHostPort(d.host.name, d.port))
		if err == nil {
			d.host.led(conn.RemoteAddr())
		}
		return conn, err
	}
	conn, err := dialInTurn(ctx, &socket, addrs, d.port)
	if err != nil && ctx.Err() == nil {
		d.host.failed()
	}
	return conn, err
}

// dialInTurn tries addresses until one takes a connection; each has its share of the
// time that is left. The error is that of the first.
func dialInTurn(ctx context.Context, socket *net.Dialer, addrs []netip.Addr, port string) (net.Conn, error) {
	var first error
	for i, a := range addrs {
		within, cancel := ctx, context.CancelFunc(func() {})
		if end, ok := ctx.Deadline(); ok && i+1 < len(addrs) {
			within, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(len(addrs)-i))
		}
		conn, err := socket.DialContext(within, "tcp", net.JoinHostPort(a.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}
