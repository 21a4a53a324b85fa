package faults

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

const ms = time.Millisecond

// rig is a wrapped end and its peer, in a bubble. The peer notes when what
// reaches it, and so does a reader of the wrapped end.
type rig struct {
	t     *testing.T
	c     *Conn
	peer  net.Conn
	start time.Time
	wg    sync.WaitGroup
	up    log // what the peer read
	down  log // what the wrapped end read
}

type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(start time.Time, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%v %s", time.Since(start), what))
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "; ")
}

func (l *log) copyFrom(start time.Time, r io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		if n > 0 {
			l.add(start, string(b[:n]))
		}
		if err != nil {
			word := err.Error()
			if i := strings.LastIndex(word, ": "); i >= 0 {
				word = word[i+2:]
			}
			l.add(start, "<"+word+">")
			return
		}
	}
}

// inBubble runs do with a rig that reads at both ends, for as long as it takes,
// and then closes both.
func inBubble(t *testing.T, do func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := memconn.Pipe(0)
		r := &rig{t: t, c: Wrap(a, 1), peer: b, start: time.Now()}
		r.wg.Go(func() { r.up.copyFrom(r.start, b) })
		r.wg.Go(func() { r.down.copyFrom(r.start, r.c) })
		do(r)
		r.c.Close()
		b.Close()
		r.wg.Wait()
	})
}

// at waits until some time after the start.
func (r *rig) at(d time.Duration) { time.Sleep(time.Until(r.start.Add(d))); synctest.Wait() }

func (r *rig) write(c net.Conn, s string) {
	r.t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		r.t.Fatalf("Write(%q) = %d, %v; want all", s, n, err)
	}
}

func (r *rig) want(what string, l *log, want string) {
	r.t.Helper()
	synctest.Wait()
	got := l.String()
	if l == &r.up {
		got, want = together(got), together(want)
	}
	if got != want {
		r.t.Errorf("%s = %s; want %s", what, got, want)
	}
}

// together joins what arrives in one instant: a peer that reads may not see how
// it was written.
func together(lines string) string {
	var out []string
	var at string
	for line := range strings.SplitSeq(lines, "; ") {
		when, what, _ := strings.Cut(line, " ")
		if len(out) > 0 && when == at && !strings.HasPrefix(what, "<") {
			out[len(out)-1] += what
		} else {
			out = append(out, line)
		}
		at = when
	}
	return strings.Join(out, "; ")
}

// tcpPair is a real connection.
func tcpPair(t testing.TB) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// wantError checks that an error is of a kind that callers ask for.
func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v; want %v", what, err, want)
	}
}
