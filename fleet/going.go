package fleet

import (
	"net"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/wire"
)

// Way is a way for a device to go offline, each exact on the wire.
type Way int

// The ways to go.
const (
	// Orderly publishes Offline and sends DISCONNECT 0x00: no Will (3.1.2-10).
	Orderly Way = iota
	// WithWill sends DISCONNECT 0x04: the Will is published (3.14.2.1).
	WithWill
	// Cut closes the socket (FIN) without a DISCONNECT.
	Cut
	// Reset resets the connection (RST).
	Reset
	// Silence keeps the connection, but nothing is read or written any more:
	// the stuck device. The broker finds out after 1.5 times the Keep Alive.
	Silence
)

// String returns the way in words.
func (w Way) String() string {
	switch w {
	case Orderly:
		return "orderly"
	case WithWill:
		return "disconnect with will"
	case Cut:
		return "socket cut"
	case Reset:
		return "connection reset"
	case Silence:
		return "silence"
	}
	return "unknown way"
}

// orders obeys what letters said about the connection.
func (s *session) orders() error {
	l := s.link
	switch {
	case s.stopping:
		s.goodbye()
		return errStopping
	case !s.away:
		if l.stuck { // back from silence: the device was restarted
			return errAway
		}
		return nil
	}
	switch s.way {
	case Orderly:
		s.goodbye()
	case WithWill:
		s.part(wire.DisconnectWithWill)
	case Reset:
		reset(l.conn)
	case Silence:
		l.stuck = true
		return nil
	}
	return errAway
}

// reset makes the close that follows an RST.
func reset(c net.Conn) {
	switch c := c.(type) {
	case interface{ SetLinger(int) error }: // *net.TCPConn
		_ = c.SetLinger(0)
	case interface{ NetConn() net.Conn }: // *tls.Conn
		reset(c.NetConn())
	case interface{ Reset() error }: // *memconn.Conn
		_ = c.Reset()
	}
}

// goodbye goes in an orderly way: Offline, then DISCONNECT 0x00, so that no
// Will is published.
func (s *session) goodbye() {
	if s.link.stuck {
		return
	}
	if s.link.online {
		s.actor.farewell()
	}
	s.part(wire.Success)
}

// part sends DISCONNECT and waits for the broker to close the connection, for at
// most a second: closing at once while something is unread would reset it, and
// the broker might never see the DISCONNECT. A device whose CONNACK is still on
// its way says DISCONNECT as well, since its Will may already be in force.
func (s *session) part(code byte) {
	l := s.link
	d := &packets.Disconnect{ReasonCode: code, Properties: &packets.Properties{}}
	if s.stopping && l.connected && !s.fleet.scenario.Connect.Resume && l.limits.sessionExpiry > 0 {
		// The next run starts clean, so nobody will come back for this session.
		d.Properties.SessionExpiryInterval = new(uint32(0))
	}
	s.post(d)
	l.writeBy = time.Now().Add(time.Second)
	_ = l.conn.SetWriteDeadline(l.writeBy)
	_, err := l.conn.Write(*l.out)
	if err != nil {
		return
	}
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	s.inbox.hangUp()
	_ = l.conn.SetReadDeadline(time.Now().Add(time.Second))
	for {
		chunk, err := l.reader.read()
		if err != nil {
			return
		}
		s.takeAcks(chunk)
		l.reader.release()
	}
}

// takeAcks takes the acknowledgements of what was published before parting, so
// that it is not sent again on the way back. Everything else is too late.
func (s *session) takeAcks(chunk []byte) {
	for {
		frame, err := s.link.framer.Next(&chunk)
		if frame == nil || err != nil {
			return
		}
		switch t := frame.Type(); t {
		case packets.PUBACK, packets.PUBREC, packets.PUBCOMP:
			if ack, err := wire.ParseAck(frame, wire.V5); err == nil {
				s.settleAck(t, ack)
			}
		}
	}
}
