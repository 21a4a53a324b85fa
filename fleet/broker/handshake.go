package broker

import (
	"crypto/tls"
	"errors"
	"net"
)

// ServeTLS is Serve for a listener of TCP whose clients are to speak TLS. It enters in the
// accounts what they send for that until their CONNECT, as Serve of a listener of
// [tls.NewListener] cannot: crypto/tls keeps up to 256 KB of a message that is not whole.
func (b *Broker) ServeTLS(l net.Listener, config *tls.Config) error {
	return b.Serve(&secureListener{l, config, b})
}

type secureListener struct {
	net.Listener
	config *tls.Config
	b      *Broker
}

// Accept implements net.Listener.
func (l *secureListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&handshake{Conn: nc, b: l.b}, l.config), nil
}

// handshake is the connection beneath TLS. What a client sends over it is entered in the
// account of those who have not said who they are, until he has.
type handshake struct {
	net.Conn
	b     *Broker
	n     int  // bytes that are entered
	known bool // nothing more is
}

var errHandshakes = errors.New("there is no room for more TLS handshakes")

// Read implements net.Conn.
func (h *handshake) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if h.known || n == 0 {
		return n, err
	}
	if !h.b.strangers.room(n) || !h.b.memory.take(nil, n) {
		return 0, errHandshakes
	}
	h.b.strangers.used.Add(int64(n))
	h.n += n
	return n, err
}

// shaken ends what the handshake of a connection took, if it had one. It is for the goroutine
// that reads.
func (b *Broker) shaken(nc net.Conn) {
	secure, ok := nc.(*tls.Conn)
	if !ok {
		return
	}
	if h, ok := secure.NetConn().(*handshake); ok && !h.known {
		h.known = true
		b.memory.enter(nil, -h.n)
		b.strangers.used.Add(int64(-h.n))
	}
}
