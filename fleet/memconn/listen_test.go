package memconn

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestListener(t *testing.T) {
	l := Listen("broker")
	defer l.Close()
	for i, want := range []string{"broker:1", "broker:2"} {
		client, err := l.Dial(context.Background())
		if err != nil {
			t.Fatalf("Dial %d = %v; want nil", i, err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatalf("Accept %d = %v; want nil", i, err)
		}
		mustWrite(t, client, "ping")
		wantRead(t, server, 10, "ping")
		for _, a := range []struct {
			name string
			got  net.Addr
			want string
		}{
			{"client.LocalAddr", client.LocalAddr(), want}, {"client.RemoteAddr", client.RemoteAddr(), "broker"},
			{"server.LocalAddr", server.LocalAddr(), "broker"}, {"server.RemoteAddr", server.RemoteAddr(), want},
			{"Addr", l.Addr(), "broker"},
		} {
			if a.got.String() != a.want || a.got.Network() != "mem" {
				t.Errorf("%s = %s %s; want mem %s", a.name, a.got.Network(), a.got, a.want)
			}
		}
		_, _ = client.Close(), server.Close()
	}
}

func TestListenerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen("broker")
		live, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatalf("Close = %v; want nil", err)
		}
		_, err = waiting.Read(make([]byte, 1))
		wantOpError(t, err, "read", syscall.ECONNRESET, false)
		mustWrite(t, live, "still here")
		wantRead(t, accepted, 20, "still here")
		_, err = l.Dial(t.Context())
		wantOpError(t, err, "dial", syscall.ECONNREFUSED, false)
		_, err = l.Accept()
		wantOpError(t, err, "accept", net.ErrClosed, false)
		wantOpError(t, l.Close(), "close", net.ErrClosed, false)
	})
}

func TestListenerCloseWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen("broker")
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := l.Accept()
			wantOpError(t, err, "accept", net.ErrClosed, false)
		})
		synctest.Wait()
		_ = l.Close()
		wg.Wait()

		l = Listen("full")
		for range backlog {
			if _, err := l.Dial(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.Dial(ctx)
		wantOpError(t, err, "dial", context.DeadlineExceeded, true)
		_, err = l.Dial(ctx)
		wantOpError(t, err, "dial", context.DeadlineExceeded, true)
		wg.Go(func() {
			_, err := l.Dial(t.Context())
			wantOpError(t, err, "dial", syscall.ECONNREFUSED, false)
		})
		synctest.Wait()
		_ = l.Close()
		wg.Wait()
	})
}

// However Dial, Accept and Close fall together, both ends learn the same.
func TestListenerRace(t *testing.T) {
	for range 200 {
		l := Listen("broker")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					wg.Go(func() { // ends when the dialler closes, is refused or reset
						_, err := c.Read(make([]byte, 1))
						if err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
							t.Errorf("Read = %v; want io.EOF or ECONNRESET", err)
						}
					})
				}
			})
			wg.Go(func() {
				for {
					c, err := l.Dial(context.Background())
					if err != nil {
						return
					}
					_ = c.Close()
				}
			})
		}
		wg.Go(func() { _ = l.Close() })
		wg.Wait()
	}
}
