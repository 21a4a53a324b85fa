package memconn

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// lender counts how often it is asked.
type lender struct {
	b    []byte
	lent int
}

func (l *lender) lend() []byte {
	l.lent++
	return l.b
}

func TestReadLent(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int // of the buffer
		do   func(t *testing.T, a, b *Conn)
		want string
		rest string // what is left for the next read
		err  error
		lent int
	}{
		{"there already", 8, func(t *testing.T, a, b *Conn) { mustWrite(t, a, "hello") }, "hello", "", nil, 1},
		{"too much", 4, func(t *testing.T, a, b *Conn) { mustWrite(t, a, "hello") }, "hell", "o", nil, 1},
		{"waits", 8, func(t *testing.T, a, b *Conn) {
			go func() {
				time.Sleep(time.Second)
				mustWrite(t, a, "hello")
			}()
		}, "hello", "", nil, 1},
		{"waits, too much", 4, func(t *testing.T, a, b *Conn) {
			go func() {
				time.Sleep(time.Second)
				mustWrite(t, a, "hello")
				mustWrite(t, a, " world")
			}()
		}, "hell", "o world", nil, 1},
		{"an empty write", 4, func(t *testing.T, a, b *Conn) {
			go func() {
				time.Sleep(time.Second)
				mustWrite(t, a, "")
				_ = a.Close()
			}()
		}, "", "", io.EOF, 0},
		{"deadline", 4, func(t *testing.T, a, b *Conn) { _ = b.SetReadDeadline(time.Now().Add(time.Second)) }, "", "", os.ErrDeadlineExceeded, 0},
		{"closed here", 4, func(t *testing.T, a, b *Conn) { _ = b.Close() }, "", "", net.ErrClosed, 0},
		{"reset there", 4, func(t *testing.T, a, b *Conn) { time.AfterFunc(time.Second, func() { _ = a.Reset() }) }, "", "", syscall.ECONNRESET, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe(t, 16)
				l := &lender{b: make([]byte, tt.size)}
				tt.do(t, a, b)
				got, err := b.ReadLent(l.lend)
				if string(got) != tt.want || !errors.Is(err, tt.err) {
					t.Errorf("ReadLent = %q, %v; want %q, %v", got, err, tt.want, tt.err)
				}
				if len(got) > 0 && &got[0] != &l.b[0] {
					t.Error("ReadLent returned other memory than was lent")
				}
				if l.lent != tt.lent {
					t.Errorf("a buffer was lent %d times; want %d", l.lent, tt.lent)
				}
				if tt.rest != "" {
					synctest.Wait()
					wantRead(t, b, 100, tt.rest)
				}
			})
		})
	}
}

// A Read beside a ReadLent takes what the other leaves.
func TestReadLentBesideRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe(t, 16)
		got := make(chan string, 2)
		for _, read := range []func() ([]byte, error){
			func() ([]byte, error) { return b.ReadLent((&lender{b: make([]byte, 3)}).lend) },
			func() ([]byte, error) {
				buf := make([]byte, 8)
				n, err := b.Read(buf)
				return buf[:n], err
			},
		} {
			go func() {
				p, err := read()
				if err != nil {
					t.Errorf("reading: %v", err)
				}
				got <- string(p)
			}()
			synctest.Wait()
		}
		mustWrite(t, a, "hello")
		synctest.Wait()
		if len(got) != 2 {
			t.Fatalf("%d of two readers returned; want both", len(got))
		}
		if x, y := <-got, <-got; len(x)+len(y) != 5 {
			t.Errorf("the readers got %q and %q; want the five bytes between them", x, y)
		}
	})
}
