package faults

import (
	"errors"
	"net"
	"time"
)

// ResetPeer ends the connection with a reset (RST) after that time, at once if
// After is not above 0. What was on its way is lost.
type ResetPeer struct {
	After    time.Duration
	Toxicity float64
}

func (f ResetPeer) chance() float64 { return f.Toxicity }

func (f ResetPeer) end() (time.Duration, bool, bool) { return f.After, true, true }

// bottom returns the connection beneath all wrappers, TLS among them.
func bottom(c net.Conn) net.Conn {
	for {
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = w.NetConn()
	}
}

// abandon closes a connection without a word of TLS, which could wait for a full
// socket: with a reset where reset is true and the connection can do that, and
// with a FIN otherwise.
func abandon(c net.Conn, reset bool) error {
	b := bottom(c)
	var err error
	r, resets := b.(interface{ Reset() error }) // fleet/memconn
	switch {
	case reset && resets:
		err = r.Reset()
	case reset:
		err = errors.Join(setLinger(b, 0), b.Close())
	default:
		err = b.Close()
	}
	if b != c {
		_ = c.Close() // it says that the socket is closed
	}
	return err
}

func setLinger(c net.Conn, sec int) error {
	l, ok := c.(interface{ SetLinger(int) error }) // *net.TCPConn
	if !ok {
		return errors.ErrUnsupported
	}
	return l.SetLinger(sec)
}
