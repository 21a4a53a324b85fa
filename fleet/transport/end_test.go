package transport

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"homefleet/fleet/faults"
)

// A reset is a reset to the other end, beneath TLS too; bytes that it has not read
// are lost.
func TestReset(t *testing.T) {
	for _, kind := range []string{"tcp", "memory", "tls"} {
		for _, faulty := range []bool{false, true} {
			t.Run(kind, func(t *testing.T) {
				client, broker := ends(t, kind)
				if faulty {
					client = faults.Wrap(client, 1)
				}
				Reset(client)
				CloseNow(client)
				_ = broker.SetReadDeadline(time.Now().Add(time.Minute))
				if _, err := broker.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("the other end reads %v; want %v", err, syscall.ECONNRESET)
				}
			})
		}
	}
}

// After half a close the other end reads to the end, and can still say something.
func TestCloseWrite(t *testing.T) {
	for _, abrupt := range []bool{false, true} {
		for _, kind := range kinds {
			t.Run(kind, func(t *testing.T) {
				client, broker := ends(t, kind)
				if kind == "memory" || kind == "websocket" && !abrupt {
					if CloseWrite(client, abrupt) {
						t.Error("CloseWrite() = true; it has no halves")
					}
					return
				}
				if _, err := client.Write([]byte("last")); err != nil {
					t.Fatal(err)
				}
				if !CloseWrite(client, abrupt) {
					t.Fatal("CloseWrite() = false; want true")
				}
				_ = broker.SetReadDeadline(time.Now().Add(time.Minute))
				got, err := io.ReadAll(broker)
				if want := kind == "websocket"; string(got) != "last" || (err != nil) != want { // no close frame came
					t.Errorf("the other end reads %q, %v; want %q", got, err, "last")
				}
				if kind != "tcp" {
					return // the others answer nobody any more
				}
				if _, err := broker.Write([]byte("bye")); err != nil {
					t.Fatal(err)
				}
				_ = client.SetReadDeadline(time.Now().Add(time.Minute))
				b := make([]byte, 3)
				if _, err := io.ReadFull(client, b); string(b) != "bye" {
					t.Errorf("after half a close %q, %v comes; want %q", b, err, "bye")
				}
			})
		}
	}
}

// Closing does not wait for a socket that is full, as TLS and WebSocket would for
// their goodbyes.
func TestCloseNowDoesNotWait(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			client, _ := ends(t, kind)
			stuck := make(chan struct{})
			go func() {
				defer close(stuck)
				for data := make([]byte, 1<<20); ; {
					if _, err := client.Write(data); err != nil {
						return
					}
				}
			}()
			time.Sleep(100 * time.Millisecond)
			start := time.Now()
			CloseNow(client)
			<-stuck
			if took := time.Since(start); took > 4*time.Second { // the goodbye of WebSocket waits for five
				t.Errorf("CloseNow and the Write that it ends take %v; want it at once", took)
			}
		})
	}
}

// A connection without halves has none to close.
func TestCloseWriteWithoutHalves(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if CloseWrite(a, false) || CloseWrite(a, true) {
		t.Error("CloseWrite() of a net.Pipe = true; it has no halves")
	}
}
