//go:build unix

package transport

import (
	"io"
	"net"
	"testing"
	"time"
)

// A stream of TCP, TLS or a WebSocket knows whether a Write had to wait for the other
// side, however long it took.
func TestWaited(t *testing.T) {
	for _, kind := range []string{"tcp", "tls", "websocket"} {
		client, broker := ends(t, kind)
		bottom := client
		for _, tcp := bottom.(*net.TCPConn); !tcp; _, tcp = bottom.(*net.TCPConn) {
			bottom = bottom.(interface{ NetConn() net.Conn }).NetConn()
		}
		if err := bottom.(*net.TCPConn).SetWriteBuffer(16 << 10); err != nil {
			t.Fatal(err)
		}
		s := NewStream(client, NewBuffers(1<<10, 1<<10))
		w, ok := s.(Waiter)
		if !ok {
			t.Errorf("%s: the stream is a %T; want one that knows whether it waited", kind, s)
			continue
		}
		for range 10 {
			if _, err := s.Write(make([]byte, 100)); err != nil || w.Waited() {
				t.Fatalf("%s: a Write that there was room for: %v, waited %v; want nil and false", kind, err, w.Waited())
			}
		}
		// Nobody reads, for a while.
		read := make(chan error, 1)
		go func() {
			time.Sleep(200 * time.Millisecond)
			_, err := io.CopyN(io.Discard, broker, 10*100+4<<20)
			read <- err
			_, _ = io.Copy(io.Discard, broker)
		}()
		if _, err := s.Write(make([]byte, 4<<20)); err != nil || !w.Waited() {
			t.Errorf("%s: a Write of 4 MiB to who does not read: %v, waited %v; want nil and true", kind, err, w.Waited())
		}
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(make([]byte, 100)); err != nil || w.Waited() {
			t.Errorf("%s: a Write after that: %v, waited %v; want nil and false", kind, err, w.Waited())
		}
	}
}
