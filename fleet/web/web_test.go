package web

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// serve starts a server in memory and returns how to connect to it.
func serve(t *testing.T, most int, h http.Handler) (dial func() net.Conn) {
	t.Helper()
	l := newListener()
	s := NewServer(l, "home.example", most, h, slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.dial
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newListener() *listener { return &listener{make(chan net.Conn), make(chan struct{})} }

func (l *listener) dial() net.Conn {
	client, server := memconn.Pipe(0)
	l.conns <- server
	return client
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { close(l.closed); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// status sends a request and returns the code of its answer, 0 if there is none.
func status(nc net.Conn, host string) int {
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	_, _ = fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	r, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

func ended(nc net.Conn, within time.Duration) bool {
	began := time.Now()
	_ = nc.SetReadDeadline(began.Add(within + time.Second))
	_, err := io.Copy(io.Discard, nc)
	return err == nil && time.Since(began) <= within
}

// A page of another name that was made to point here gets nothing.
func TestHost(t *testing.T) {
	h := own(true, "home.example", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	far := own(false, "", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tt := range []struct {
		host       string
		local, far int
	}{
		{"127.0.0.1:9464", 200, 200}, {"127.0.0.1", 200, 200}, {"[::1]:9464", 200, 200}, {"localhost:1", 200, 200}, {"LocalHost", 200, 200},
		{"home.example:9464", 200, 421}, {"attacker.example", 421, 421}, {"127.0.0.1.attacker.example:9464", 421, 421}, {"localhost.attacker.example", 421, 421},
		{"homefleet:9464", 421, 200}, {"example.", 421, 200}, {"", 421, 421},
	} {
		for handler, want := range map[*http.Handler]int{&h: tt.local, &far: tt.far} {
			w := &buffered{header: http.Header{}, code: 200}
			(*handler).ServeHTTP(w, &http.Request{Host: tt.host})
			if w.code != want {
				t.Errorf("Host %q, local %v: status %d; want %d", tt.host, handler == &h, w.code, want)
			}
		}
	}
}

// What is half sent, idle or never read ends in time, and there is room for others
// meanwhile.
func TestDeadlinesAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat("x", 1<<20)
		one := make(chan struct{}, 1) // serves one at a time, as /metrics serves a few
		dial := serve(t, 8, Buffered(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			one <- struct{}{}
			_, _ = io.WriteString(w, large)
			<-one
		})))
		var held []net.Conn
		for range 4 { // pipeline, and never read
			nc := dial()
			_, _ = io.WriteString(nc, strings.Repeat("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 8))
			held = append(held, nc)
		}
		synctest.Wait()
		if got := status(dial(), "localhost"); got != http.StatusOK {
			t.Errorf("beside clients that do not read: status %d; want 200", got)
		}
		for range 2 {
			nc := dial()
			_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\nUpgrade: websocket\r\nHo")
			held = append(held, nc)
		}
		synctest.Wait()
		idle := dial()
		if got := status(idle, "127.0.0.1"); got != http.StatusOK {
			t.Errorf("status %d; want 200", got)
		}
		for i := range 3 { // the idle ones make room
			synctest.Wait()
			if got := status(dial(), "localhost"); got != http.StatusOK {
				t.Errorf("connection %d while others are idle: status %d; want 200", i, got)
			}
		}
		synctest.Wait()
		for i := range 30 { // and then what sends nothing, or half a request
			nc := dial()
			if i%2 == 0 {
				_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: loc")
			}
			held = append(held, nc)
			synctest.Wait()
		}
		if got := status(dial(), "localhost"); got != http.StatusOK {
			t.Errorf("beside 30 that send no whole request: status %d; want 200", got)
		}
		time.Sleep(writeTime)
		for i, nc := range held {
			if !ended(nc, 0) {
				t.Errorf("connection %d is there after %v; want it closed", i, writeTime)
			}
		}
	})
}

// Who asks while an answer is being made gets the next one, which is made for all of
// them; who asks for something else gets that.
func TestAnswersAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		h := Buffered(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			made++
			time.Sleep(time.Second)
			w.Header().Set("Content-Type", "text/plain")
			_, _ = fmt.Fprint(w, r.URL.Path, made)
		}))
		var all sync.WaitGroup
		ask := func(path, want string) {
			r, err := http.NewRequest(http.MethodGet, path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			all.Go(func() {
				w := &buffered{header: http.Header{}}
				h.ServeHTTP(w, r)
				if got := w.body.String(); got != want || w.code != http.StatusOK || w.header.Get("Content-Type") != "text/plain" {
					t.Errorf("status %d, %q, %v; want 200, %q, text/plain", w.code, got, w.header, want)
				}
			})
			synctest.Wait()
		}
		ask("/a", "/a1")
		for range 50 {
			ask("/a", "/a2")
		}
		all.Wait()
		ask("/a", "/a3")
		ask("/b", "/b4")
		all.Wait()
		if made != 4 {
			t.Errorf("%d answers were made; want 4", made)
		}
	})
}
