package broker

import (
	"context"
	"fmt"
	"math"
	"net"
	"runtime"
	"testing"
	"time"
)

// An idle connection of the broker, with its session, a subscription and its end
// of the pipe, may cost this much live heap, and one goroutine.
func TestBudget(t *testing.T) {
	const n = 2000
	// Bytes: a tenth more than when this was written, in the middle of several
	// runs. Both ends of the pipe are 512 of them, and the runtime's record of the
	// goroutine as much.
	const most, mostRoutines = 2660 * 11 / 10, 1.01
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	conns := make([]net.Conn, 0, n)
	heap, routines := live(), runtime.NumGoroutine()
	for i := range n {
		nc, err := b.Dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, nc)
		id := fmt.Sprintf("light-%05d", i)
		c := &client{t: t, nc: nc}
		c.send(pkt(0x10, "MQTT", 5, 2|4, u16(60), props(expiry100), id, 0, "tele/"+id+"/lwt", "Offline"), sub5(1, "cmnd/"+id+"/#", 1))
		for range 2 {
			if _, err := c.next(); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The last writers end soon, or later where this machine is busy with something else.
	perConn, perRoutine := int64(math.MaxInt64), math.Inf(1)
	for end := time.Now().Add(30 * time.Second); (perConn > most || perRoutine > mostRoutines) && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		perConn = min(perConn, (int64(live())-int64(heap))/n)
		perRoutine = min(perRoutine, float64(runtime.NumGoroutine()-routines)/n)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d idle connections: %d bytes of heap and %.2f goroutines each; stacks in use %d bytes each", n, perConn, perRoutine, m.StackInuse/n)
	if perConn > most {
		t.Errorf("an idle connection holds %d bytes of heap; want at most %d", perConn, most)
	}
	if perRoutine > mostRoutines {
		t.Errorf("an idle connection has %.2f goroutines; want 1", perRoutine)
	}
	runtime.KeepAlive(conns)
}

func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
