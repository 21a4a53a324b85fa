package control_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/events"
)

// flushes is a reply that counts how often it is written to the viewer.
type flushes struct {
	mu   sync.Mutex
	head http.Header
	text strings.Builder
	n    int
}

func (f *flushes) Header() http.Header { return f.head }
func (f *flushes) WriteHeader(int)     {}

func (f *flushes) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(b)
}

// FlushError implements what [http.ResponseController] asks for.
func (f *flushes) FlushError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	return nil
}

func (f *flushes) SetWriteDeadline(time.Time) error { return nil }
func (f *flushes) SetReadDeadline(time.Time) error  { return nil }

// so returns how often it was written, and how many events of presence it has.
func (f *flushes) so() (n, of int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n, strings.Count(f.text.String(), "event: presence\n")
}

// What happens within 50 ms goes to a viewer in one write.
func TestEventsTogether(t *testing.T) {
	const each = 100
	h := start(t, block)
	ctx, leave := context.WithCancel(context.Background())
	r := httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1/v1/events?types=presence", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	out := &flushes{head: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.api.ServeHTTP(out, r)
	}()
	defer func() { leave(); <-done }()
	until := func(what string, holds func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	until("no hello after a minute", func() bool { n, _ := out.so(); return n > 0 })
	before, _ := out.so()
	began := time.Now()
	for range each {
		h.fleet.Events().Publish(events.Presence, 0, 0, []byte(`{"online":true}`))
		time.Sleep(time.Millisecond)
	}
	until("not every event is there after a minute", func() bool { _, of := out.so(); return of == each })
	n, _ := out.so()
	// The first at once, and after each write nothing for 50 ms.
	if most := 2 + int(time.Since(began)/(50*time.Millisecond)); n-before > most {
		t.Errorf("%d events within %v took %d writes; want at most %d", each, time.Since(began), n-before, most)
	}
}
