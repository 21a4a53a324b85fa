package transport

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// upgraded is a broker's end of a WebSocket. One goroutine reads at a time.
type upgraded struct {
	net.Conn
	began  time.Time
	frames frames // of the reader
	early  []byte // what came with the handshake and was not read yet

	mu     sync.Mutex // of those who write
	closed bool       // a closing frame was sent
	status uint16     // that it is to have; 0: statusNormal
}

// NetConn returns the connection beneath, for those who go without a word.
func (u *upgraded) NetConn() net.Conn { return u.Conn }

// Read implements net.Conn.
func (u *upgraded) Read(p []byte) (int, error) {
	for {
		n, err := copy(p, u.early), error(nil)
		if n > 0 || len(p) == 0 {
			u.early = u.early[n:]
		} else {
			n, err = u.Conn.Read(p)
		}
		b, err := u.unframe(p[:n], err)
		if len(b) > 0 || err != nil || len(p) == 0 {
			return len(b), err
		}
	}
}

// unframe takes the payload out of what was read, where it stands, and sends the answers
// to pings, all that came together in one Write. It returns what ended the reading, which
// may be how it ended beneath: an end without a closing frame is unexpected.
func (u *upgraded) unframe(b []byte, beneath error) ([]byte, error) {
	if beneath == io.EOF && !u.frames.ended {
		beneath = io.ErrUnexpectedEOF
	}
	if len(b) == 0 {
		return b, beneath
	}
	b, answers, err := u.frames.take(b, nil, time.Since(u.began))
	if len(answers) == 0 && err == nil {
		return b, beneath
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status = u.frames.status
	if len(answers) > 0 && err == nil && !u.closed {
		_, err = u.Conn.Write(answers)
	}
	if err == nil {
		err = beneath
	}
	return b, err
}

// Write sends b as one binary message.
func (u *upgraded) Write(b []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return 0, net.ErrClosed
	}
	head := appendHead(make([]byte, 0, 10), opBinary, len(b))
	all := net.Buffers{head, b}
	n, err := all.WriteTo(u.Conn)
	return max(0, int(n)-len(head)), err
}

// say sends a closing frame, unless one was sent (RFC 6455 7.1.2). The caller holds mu.
func (u *upgraded) say() error {
	if u.closed {
		return nil
	}
	u.closed = true
	status := u.status
	if status == 0 {
		status = statusNormal
	}
	_, err := u.Conn.Write(binary.BigEndian.AppendUint16(appendHead(nil, opClose, 2), status))
	return err
}

// CloseWrite says that nothing more will come, and ends what is sent.
func (u *upgraded) CloseWrite() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.say(); err != nil {
		return err
	}
	half, ok := u.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errNoHalves
	}
	return half.CloseWrite()
}

// goodbyeTime is how long Close may wait for a full socket to take a closing frame.
const goodbyeTime = 50 * time.Millisecond

// Close ends the connection, with a closing frame unless somebody is writing.
func (u *upgraded) Close() error {
	if u.mu.TryLock() {
		_ = u.Conn.SetWriteDeadline(time.Now().Add(goodbyeTime))
		_ = u.say() // the other side may be gone
		u.mu.Unlock()
	}
	return u.Conn.Close()
}

// upgradedStream is of a WebSocket that a broker has: it holds a buffer as little as the
// connection beneath.
type upgradedStream struct {
	Stream // of the connection beneath
	*upgraded
}

// Read implements Stream. It may return nothing, where frames without content came.
func (s *upgradedStream) Read() ([]byte, error) {
	b, err := s.early, error(nil)
	if len(b) > 0 {
		s.early = nil
	} else {
		b, err = s.Stream.Read()
	}
	return s.unframe(b, err)
}

// Write implements Stream.
func (s *upgradedStream) Write(b []byte) (int, error) { return s.upgraded.Write(b) }
