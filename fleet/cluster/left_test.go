package cluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A shard that dies while it waits is missed at once: the others do not begin with a dead one,
// and whoever is started in its place has it. The client is the test's own.
func TestWhoDiesWhileItWaits(t *testing.T) {
	c := New(Config{Shards: 2, Run: "r", Fixed: true, Lead: time.Second, Barrier: time.Minute, Patience: time.Second})
	s := httptest.NewServer(c.Handler())
	defer s.Close()
	ask := func(m Member) net.Conn {
		t.Helper()
		body, _ := json.Marshal(readyQuestion{Member: m})
		nc, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		fmt.Fprintf(nc, "POST /v1/ready HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", strings.TrimPrefix(s.URL, "http://"), len(body), body)
		return nc
	}
	answered := func(nc net.Conn) (status int, a readyAnswer) {
		t.Helper()
		_ = nc.SetReadDeadline(time.Now().Add(time.Minute))
		r, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		_ = json.NewDecoder(r.Body).Decode(&a)
		return r.StatusCode, a
	}
	waits := func(k int, want bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			c.mu.Lock()
			m := c.members[k]
			is := m != nil && m.ready
			c.mu.Unlock()
			if is == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("shard %d is ready: %v; want %v", k, is, want)
			}
		}
	}

	dies := ask(aMember(1, 2))
	waits(1, true)
	// Somebody with its number while it lives is told so, and may ask again.
	if status, _ := answered(ask(aMember(1, 2, func(m *Member) { m.Attempt = "b" }))); status != occupied {
		t.Errorf("another shard 1 has status %d; want %d", status, occupied)
	}
	_ = dies.Close()
	waits(1, false)
	two := ask(aMember(2, 2))
	waits(2, true)
	again := ask(aMember(1, 2, func(m *Member) { m.Attempt = "b" }))
	for _, nc := range []net.Conn{two, again} {
		if status, a := answered(nc); status != 200 || a.Begin == 0 {
			t.Errorf("answered %d, %+v; want a moment to begin at", status, a)
		}
	}
}
