package transport

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net"
	"net/http"
	"testing"
	"time"
)

// webFrame is one binary WebSocket frame (RFC 6455 5.2), masked if it is to be.
func webFrame(payload []byte, masked bool) []byte {
	b := []byte{0x82}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	if !masked {
		return append(b, payload...)
	}
	key := [4]byte{0xA5, 0x5A, 0x3C, 0xC3}
	b = append(b, key[:]...)
	for i, x := range payload {
		b = append(b, x^key[i%4])
	}
	return b
}

// webServer takes one connection, answers its WebSocket handshake, says what it is
// told to, in pieces, and waits for the other end to hang up.
func webServer(t *testing.T, l net.Listener, pieces [][]byte) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	request, err := http.ReadRequest(r)
	if err != nil {
		t.Errorf("reading the handshake: %v", err)
		return
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"))
	for _, p := range pieces {
		if _, err := conn.Write(p); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		if _, err := r.ReadByte(); err != nil {
			return
		}
	}
}

// A server that masks breaks the rules of WebSocket, not those of MQTT, and the
// error says so; the client ends the connection (RFC 6455 5.1). What came before is
// read, however the frames are cut into pieces.
func TestServerMustNotMask(t *testing.T) {
	connack := []byte{0x20, 3, 0, 0, 0}
	bytewise := func(b []byte) (pieces [][]byte) {
		for _, x := range b {
			pieces = append(pieces, []byte{x})
		}
		return pieces
	}
	long := func(n int) []byte { return append(make([]byte, n-1), 0xFF) }
	pong := []byte{0x8A, 0x80, 1, 2, 3, 4} // a control frame, which is never MQTT's
	for _, tt := range []struct {
		name   string
		before []byte // arrives whole
		pieces [][]byte
		fault  bool
	}{
		{"masked CONNACK", nil, [][]byte{webFrame(connack, true)}, true},
		{"masked CONNACK, byte by byte", nil, bytewise(webFrame(connack, true)), true},
		{"masked, after a frame in the same piece", connack, [][]byte{append(webFrame(connack, false), webFrame(connack, true)...)}, true},
		{"masked pong", nil, [][]byte{pong}, true},
		{"masked, of 126 bytes", nil, [][]byte{webFrame(long(126), true)}, true},
		{"masked, after one of 300 bytes that looks masked", long(300), [][]byte{append(webFrame(long(300), false), webFrame(connack, true)...)}, true},
		{"masked, after one of 70,000 bytes, byte by byte", long(70000), append([][]byte{webFrame(long(70000), false)}, bytewise(webFrame(connack, true))...), true},
		{"not masked, byte by byte", append(long(200), connack...), bytewise(append(webFrame(long(200), false), webFrame(connack, false)...)), false},
		{"not masked, without payload", connack, [][]byte{append(webFrame(nil, false), webFrame(connack, false)...)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			over := make(chan struct{})
			go func() {
				defer close(over)
				webServer(t, l, tt.pieces)
			}()
			d, err := NewDialer(Target{URL: "ws://" + l.Addr().String()})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			conn, err := d.Dial(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			var got []byte
			var ended error
			for buf := make([]byte, 4096); ended == nil && (tt.fault || len(got) < len(tt.before)); {
				var n int
				n, ended = conn.Read(buf)
				got = append(got, buf[:n]...)
			}
			if string(got) != string(tt.before) {
				t.Errorf("read %d bytes; want the %d that came unmasked", len(got), len(tt.before))
			}
			const want = "a masked WebSocket frame; a server must not mask (RFC 6455 5.1)"
			if tt.fault && (ended == nil || ended.Error() != want) {
				t.Errorf("Read() = %v; want %q", ended, want)
			}
			if !tt.fault && ended != nil {
				t.Errorf("Read() = %v; want no error", ended)
			}
			conn.Close()
			<-over
		})
	}
}
