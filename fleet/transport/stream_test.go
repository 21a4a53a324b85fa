package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

const (
	smallSize = 1 << 10
	largeSize = 16 << 10
)

func newBuffers() *Buffers { return NewBuffers(smallSize, largeSize) }

// readAll reads so many bytes by way of a stream.
func readAll(s Stream, n int) (got []byte, err error) {
	for err == nil && len(got) < n {
		var b []byte
		b, err = s.Read()
		got = append(got, b...)
		s.Release()
	}
	return got, err
}

// What one end writes the other reads, however large it is, both ways and over each
// transport; and the end comes after it.
func TestStreamCarriesBytes(t *testing.T) {
	for _, kind := range kinds {
		for _, size := range []int{1, ownSize, ownSize + smallSize, largeSize, 300_000} {
			t.Run(fmt.Sprintf("%s/%d", kind, size), func(t *testing.T) {
				client, broker := ends(t, kind)
				buffers := newBuffers()
				c, b := NewStream(client, buffers), NewStream(broker, buffers)
				data := make([]byte, size)
				rnd := rand.New(rand.NewPCG(1, uint64(size)))
				for i := range data {
					data[i] = byte(rnd.Uint32())
				}
				for _, way := range []struct {
					name     string
					from, to Stream
				}{{"client to broker", c, b}, {"broker to client", b, c}} {
					wrote := make(chan error, 1)
					go func() {
						n, err := way.from.Write(data)
						if n != len(data) {
							err = fmt.Errorf("%d of %d bytes: %w", n, len(data), err)
						}
						wrote <- err
					}()
					got, err := readAll(way.to, size)
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("%s: read %d bytes, %v; want the %d that were written", way.name, len(got), err, size)
					}
					if err := <-wrote; err != nil {
						t.Errorf("%s: Write() = %v; want nil", way.name, err)
					}
				}
				client.Close()
				if got, err := b.Read(); len(got) > 0 || !errors.Is(err, io.EOF) && kind != "websocket" || err == nil {
					t.Errorf("Read() after the end = %q, %v; want EOF", got, err)
				}
			})
		}
	}
}

// A client's read deadline ends the waiting and nothing else, and what came in pieces
// is whole.
func TestStreamKeepsDeadlines(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			client, broker := ends(t, kind)
			s := NewStream(client, newBuffers())
			for i := range 3 {
				_ = client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				if b, err := s.Read(); len(b) > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("Read() = %q, %v; want %v", b, err, os.ErrDeadlineExceeded)
				}
				_ = client.SetReadDeadline(time.Time{})
				want := bytes.Repeat([]byte{byte(i)}, 3000)
				if _, err := broker.Write(want); err != nil {
					t.Fatal(err)
				}
				if got, err := readAll(s, len(want)); err != nil || !bytes.Equal(got, want) {
					t.Errorf("after a deadline %d bytes and %v come; want %d", len(got), err, len(want))
				}
			}
		})
	}
}

// A write deadline ends a Write that the other end does not take, which says how
// much went.
func TestStreamWriteDeadline(t *testing.T) {
	for _, kind := range []string{"tcp", "memory"} {
		t.Run(kind, func(t *testing.T) {
			client, broker := ends(t, kind)
			s := NewStream(client, newBuffers())
			data := make([]byte, 32<<20)
			_ = client.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			n, err := s.Write(data)
			if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n == 32<<20 {
				t.Errorf("Write() = %d, %v; want a part and %v", n, err, os.ErrDeadlineExceeded)
			}
			client.Close()
			if got, err := readAll(NewStream(broker, newBuffers()), 32<<20); len(got) != n {
				t.Errorf("%d bytes, %v came; want the %d that were written", len(got), err, n)
			}
		})
	}
}

// While nothing comes a stream has no buffer, after large packets too; over TLS and
// WebSocket it has a small one.
func TestIdleStreamHoldsNoBuffer(t *testing.T) {
	const n = 200
	for kind, most := range map[string]int{"tcp": 150, "memory": 150} {
		t.Run(kind, func(t *testing.T) {
			buffers := newBuffers()
			var clients, brokers []net.Conn
			for range n {
				c, b := ends(t, kind)
				clients, brokers = append(clients, c), append(brokers, b)
			}
			streams := make([]Stream, n)
			data := make([]byte, 2*largeSize)
			before := live()
			for i := range streams {
				streams[i] = NewStream(clients[i], buffers)
			}
			for i, b := range brokers { // its last reads want a large buffer
				if _, err := b.Write(data); err != nil {
					t.Fatal(err)
				}
				if _, err := readAll(streams[i], len(data)); err != nil {
					t.Fatal(err)
				}
				_ = clients[i].SetReadDeadline(time.Now().Add(-time.Second))
				if _, err := streams[i].Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("Read() = %v; want %v", err, os.ErrDeadlineExceeded)
				}
			}
			per := (int(live()) - int(before)) / n
			t.Logf("an idle stream over %s: %d bytes", kind, per)
			if per > most {
				t.Errorf("an idle stream over %s holds %d bytes; want at most %d", kind, per, most)
			}
			runtime.KeepAlive(streams)
		})
	}
}

func live() uint64 {
	for range 3 { // pools let go in the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Reading and writing allocate nothing.
func BenchmarkStream(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	other, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer other.Close()
	buffers := newBuffers()
	from, to := NewStream(client, buffers), NewStream(other, buffers)
	packet := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := from.Write(packet); err != nil {
			b.Fatal(err)
		}
		if _, err := readAllInto(to, len(packet)); err != nil {
			b.Fatal(err)
		}
	}
}

func readAllInto(s Stream, n int) (got int, err error) {
	for got < n && err == nil {
		var b []byte
		b, err = s.Read()
		got += len(b)
		s.Release()
	}
	return got, err
}
