package fleet

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices"
	"homefleet/scenarios"
)

// walk notes through which packages a call has come to some places.
type walk struct {
	mu  sync.Mutex
	on  bool
	via map[string][]string // by place, each way once
}

// note notes the way to a place, from the goroutine's first function on: each package where
// it is entered.
func (w *walk) note(place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.on {
		return
	}
	pcs := make([]uintptr, 100)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var entered []string
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		path, ours := strings.CutPrefix(f.Function, "homefleet/")
		slash := strings.LastIndex(path, "/")
		name, _, _ := strings.Cut(path[slash+1:], ".")
		if !ours || slash < 0 || strings.HasSuffix(f.File, "_test.go") {
			continue // of the standard library, of package fleet, which starts it, or of this test
		}
		if n := len(entered); n == 0 || entered[n-1] != name {
			entered = append(entered, name)
		}
	}
	slices.Reverse(entered)
	if way := strings.Join(entered, " > "); !slices.Contains(w.via[place], way) {
		w.via[place] = append(w.via[place], way)
	}
}

// walkedConn is a connection, with a note of each way to it.
type walkedConn struct {
	net.Conn
	w *walk
}

func (c walkedConn) Read(b []byte) (int, error) {
	c.w.note("Read")
	return c.Conn.Read(b)
}

func (c walkedConn) Write(b []byte) (int, error) {
	c.w.note("Write")
	return c.Conn.Write(b)
}

// walkedModel is a model, with the same.
type walkedModel struct {
	devices.Device
	w *walk
}

func (m walkedModel) Step(d time.Duration) devices.Changes {
	m.w.note("Step")
	return m.Device.Step(d)
}

func (m walkedModel) Do(attr int, payload []byte) (devices.Changes, error) {
	m.w.note("Do")
	return m.Device.Do(attr, payload)
}

// walkedLog is a log, with the same of what sending says.
type walkedLog struct {
	slog.Handler
	w *walk
}

func (l walkedLog) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "messages are too large") {
		l.w.note("Send")
	}
	return l.Handler.Handle(ctx, r)
}

// The walk of a command from socket to answer, in fleet/README.md, goes through five packages:
// what is read goes down through four of them, each entered once; what is said goes back up
// through two; and all that is written goes out by the first.
func TestWalkOfACommand(t *testing.T) {
	w := &walk{via: make(map[string][]string)}
	sc := oneLight(func(sc *scenarios.Scenario) {
		kind := *sc.Groups[0].Kind
		prepare := kind.Prepare
		kind.Prepare = func(params map[string]any) (devices.Maker, error) {
			make, err := prepare(params)
			return func(seed uint64, start time.Duration) devices.Device { return walkedModel{make(seed, start), w} }, err
		}
		sc.Groups[0].Kind = &kind
	})
	play(t, sc, func(t *testing.T, b *script) {
		p := b.accept()
		most := uint32(300)
		p.welcome(&packets.Properties{MaximumPacketSize: &most})
		synctest.Wait()
		w.mu.Lock()
		w.on = true
		w.mu.Unlock()
		p.command("power", "ON", []byte("phone"), []byte("1"))
		if m := p.reply(); string(m.Payload) != "ON" {
			t.Errorf("answered %q; want ON", m.Payload)
		}
		p.command("power", "OFF", []byte("phone"), bytes.Repeat([]byte("x"), 400)) // the answer is too large to send
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.on = false
		for place, want := range map[string]string{
			"Read":  "client > transport",
			"Step":  "client > responder",
			"Do":    "client > responder > faces",
			"Send":  "client > responder > faces > responder > client",
			"Write": "client", // a connection of the test's own is written to directly
		} {
			if got := w.via[place]; len(got) != 1 || got[0] != want {
				t.Errorf("the ways to %s are %q; want %q alone", place, got, want)
			}
		}
	}, func(o *Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			c, err := dial(ctx)
			return walkedConn{c, w}, err
		}
		o.Log = slog.New(walkedLog{o.Log.Handler(), w})
	})
}
