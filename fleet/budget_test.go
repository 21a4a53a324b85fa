package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet"
	"homefleet/fleet/events"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// held are a broker's ends of connections.
type held struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (h *held) add(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, c)
}

func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.Close()
	}
}

// onlyWelcomes is a broker that welcomes a client and then holds nothing but its
// end of the connection, so that what is measured is the device's.
func onlyWelcomes(l *fleet.MemListener, hold *held) {
next:
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		hold.add(c)
		c.Write([]byte{0x20, 3, 0, 0, 0, 0x90, 5, 0, 1, 0, 1, 1}) // commands, and answers to the Will
		// CONNECT, SUBSCRIBE, Online
		var framer wire.Framer
		buf := make([]byte, 1024)
		for seen := 0; seen < 3; {
			k, err := c.Read(buf)
			if err != nil {
				continue next // its device has given up waiting, and dials again
			}
			chunk := buf[:k]
			for {
				f, err := framer.Next(&chunk)
				if err != nil || f == nil {
					break
				}
				seen++
				if f.Type() == packets.PUBLISH {
					m, _ := wire.ParsePublish(f, wire.V5)
					c.Write(wire.AppendAck(nil, packets.PUBACK, wire.Ack{PacketID: m.PacketID}, wire.V5))
				}
			}
		}
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What an idle device holds at most: a tenth more than it did when this was
// written, in the middle of several runs.
const (
	mostHeap  = 2210 * 11 / 10 // bytes live, both ends of the connection in memory with them
	mostStack = 2150 * 11 / 10 // bytes
	ofFleet   = 20             // goroutines of the whole fleet, and of the process; a device has one
)

// An idle device, with its model, session, Will, telemetry and both ends of its
// connection in memory, keeps to that, whatever its kind.
func TestBudget(t *testing.T) {
	n := fleet.Some(500, 2000)
	mostOwners := 1 + float64(ofFleet)/float64(n)
	// The runtime keeps its records of goroutines, some 500 bytes each, for the
	// next ones: the first fleet alone would pay for them.
	budgetOf(t, "light", n, 0)
	for _, kind := range []string{"light", "thermostat", "plug"} {
		// The least of several: where this machine is busy with something else, goroutines that are
		// soon gone leave holes among the stacks of those that stay, which count as in use.
		heap, stack, owners := budgetOf(t, kind, n, 2*time.Second)
		for try := 1; try < 6 && (heap > mostHeap || stack > mostStack || owners > mostOwners); try++ {
			h, s, o := budgetOf(t, kind, n, 2*time.Second)
			heap, stack, owners = min(heap, h), min(stack, s), min(owners, o)
		}
		t.Logf("%d idle devices (%s): %d bytes of heap, %d of stack, %.3f goroutines each", n, kind, heap, stack, owners)
		if heap > mostHeap {
			t.Errorf("an idle %s holds %d bytes of heap; want at most %d", kind, heap, mostHeap)
		}
		if owners > mostOwners {
			t.Errorf("an idle %s has %.3f goroutines; want 1", kind, owners)
		}
		if stack > mostStack {
			t.Errorf("an idle %s holds %d bytes of stack; want at most %d", kind, stack, mostStack)
		}
	}
}

// budgetOf returns what each of n idle devices holds. It has patience with those that hold
// more than they may.
func budgetOf(t *testing.T, kind string, n int, patience time.Duration) (heap, stack int, owners float64) {
	l := fleet.ListenInMemory()
	before, routines := liveHeap(), runtime.NumGoroutine()
	beginShallow(n)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	stacks := int(m.StackInuse) // of what else this process has, tests before this one among it
	f := fleetOf(t, fmt.Sprintf("[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = %q\ncount = %d\ntelemetry = \"1h\"\n[device.will]\nresponse_topic = \"seen/{id}\"\ndelay = \"5s\"\n", kind, n), l.Dial)
	ended := make(chan error, 1)
	var hold held
	go onlyWelcomes(l, &hold)
	go func() { ended <- f.Run(context.Background()) }()
	select {
	case <-f.Ready():
	case <-time.After(time.Minute):
		t.Fatalf("%d of %d devices are up after a minute", f.Presence().Online, n)
	}
	// They are idle when they hold least, which is soon, or later where this machine is busy with
	// something else: a device that has yet to be woken or to come to rest holds more.
	heap, stack, owners = math.MaxInt, math.MaxInt, math.Inf(1)
	mostOwners := 1 + float64(ofFleet)/float64(n)
	for end := time.Now().Add(patience); ; {
		time.Sleep(100 * time.Millisecond)
		heap = min(heap, (int(liveHeap())-int(before))/n)
		runtime.ReadMemStats(&m)
		stack = min(stack, (int(m.StackInuse)-stacks)/n)
		owners = min(owners, float64(runtime.NumGoroutine()-routines)/float64(n))
		if fleet.RaceDetector { // which has larger frames
			stack = min(stack, mostStack)
		}
		if heap <= mostHeap && stack <= mostStack && owners <= mostOwners || time.Now().After(end) {
			break
		}
	}
	f.Stop()
	time.Sleep(100 * time.Millisecond) // all have said goodbye, or most
	hold.close()
	l.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return heap, stack, owners
}

// beginShallow has the goroutines to come begin with the least stack there is: the runtime
// gives them what those that it has last seen had on average, which in a process of few are
// those of the tests, deep in their calls.
func beginShallow(n int) {
	end := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() { <-end })
	}
	runtime.GC()
	close(end)
	all.Wait()
}

// Nor does telemetry have its goroutine grow a stack beyond 2 KiB: stacks shrink with a
// collection only, and come back with the next report. Without collections, what grew stays.
func TestTelemetryKeepsTheStack(t *testing.T) {
	if fleet.RaceDetector {
		t.Skip("the race detector has larger frames")
	}
	const n = 1000
	l := fleet.ListenInMemory()
	f := fleetOf(t, fmt.Sprintf("[connect]\nsession_expiry = \"1h\"\n[[device]]\nkind = \"plug\"\ncount = %d\ntelemetry = \"200ms\"\n[device.will]\nresponse_topic = \"seen/{id}\"\ndelay = \"5s\"\n", n), l.Dial)
	var hold held
	go onlyWelcomes(l, &hold)
	liveHeap() // what earlier tests left
	beginShallow(n)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	ended := make(chan error, 1)
	go func() { ended <- f.Run(context.Background()) }()
	deadline := time.Now().Add(time.Minute)
	for f.Counts().Messages.Total(metrics.Sent, metrics.Telemetry) < 3*n {
		if time.Now().After(deadline) {
			t.Fatalf("%d reports were sent in a minute; want %d", f.Counts().Messages.Total(metrics.Sent, metrics.Telemetry), 3*n)
		}
		time.Sleep(10 * time.Millisecond)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	stack := int(m.StackInuse) / n
	t.Logf("%d bytes of stack a device that reports", stack)
	if stack > mostStack*3/2 { // 4 KiB each, and the rest of the process, would be twice as much
		t.Errorf("a plug that reports holds %d bytes of stack; want at most %d", stack, mostStack*3/2)
	}
	f.Stop()
	time.Sleep(100 * time.Millisecond) // all have said goodbye
	hold.close()
	l.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// commandAndAnswer is one device over a connection in memory, and what sends it
// commands and reads what it says.
type commandAndAnswer struct {
	conn    net.Conn
	framer  wire.Framer
	buf     []byte
	out     []byte
	command wire.Publish
	answers int  // PUBLISHes to each command
	parted  bool // the device has said goodbye
}

// once sends one command and reads until the last of its answers.
func (c *commandAndAnswer) once() error {
	if err := c.send(); err != nil {
		return err
	}
	return c.read(c.answers)
}

func (c *commandAndAnswer) send() error {
	c.command.PacketID++
	if c.command.PacketID == 0 {
		c.command.PacketID = 1
	}
	c.out = wire.AppendPublish(c.out[:0], &c.command, wire.V5)
	_, err := c.conn.Write(c.out)
	return err
}

// read reads until so many PUBLISHes have come, and acknowledges them.
func (c *commandAndAnswer) read(publishes int) error {
	for got := 0; got < publishes && !c.parted; {
		n, err := c.conn.Read(c.buf)
		if err != nil {
			return err
		}
		chunk := c.buf[:n]
		c.out = c.out[:0]
		for {
			f, err := c.framer.Next(&chunk)
			if err != nil {
				return err
			}
			if f == nil {
				break
			}
			c.parted = c.parted || f.Type() == packets.DISCONNECT
			if f.Type() != packets.PUBLISH {
				continue
			}
			got++
			m, err := wire.ParsePublish(f, wire.V5)
			if err != nil {
				return err
			}
			if m.QoS == 1 {
				c.out = wire.AppendAck(c.out, packets.PUBACK, wire.Ack{PacketID: m.PacketID}, wire.V5)
			}
		}
		if len(c.out) > 0 {
			if _, err := c.conn.Write(c.out); err != nil {
				return err
			}
		}
	}
	return nil
}

func newCommandAndAnswer(t testing.TB, qos byte, states byte, watched bool) *commandAndAnswer {
	return newCommandWith(t, qos, states, watched, fleet.Options{})
}

// newCommandWith is newCommandAndAnswer with options of the fleet.
func newCommandWith(t testing.TB, qos byte, states byte, watched bool, o fleet.Options) *commandAndAnswer {
	l := fleet.ListenInMemory()
	o.Dial, o.Run = l.Dial, "r1"
	text := "[[device]]\nkind = \"light\"\nid = \"lamp\"\nqos = " + string('0'+states) + "\n"
	if watched {
		text += "[[watcher]]\ntopics = [\"state/#\"]\n"
	}
	f := fleetWith(t, text, o)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(context.Background()) }()
	var c *commandAndAnswer
	clients := 1
	if watched {
		clients = 2
	}
	for range clients { // in any order
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		one := &commandAndAnswer{conn: conn, buf: make([]byte, 4096), answers: 2}
		n, err := conn.Read(one.buf) // CONNECT; the rest waits for CONNACK
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(one.buf[:n], []byte("lamp")) {
			c = one
			continue
		}
		conn.Write([]byte{0x20, 3, 0, 0, 0, 0x90, 4, 0, 1, 0, 0})
		go func() {
			_ = one.read(math.MaxInt) // until it says goodbye
			conn.Close()
		}()
	}
	t.Cleanup(func() {
		f.Stop()
		for !c.parted {
			if err := c.read(1); err != nil {
				break
			}
		}
		c.conn.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		l.Close()
	})
	c.conn.Write([]byte{0x20, 3, 0, 0, 0, 0x90, 4, 0, 1, 0, 1})
	if err := c.read(1); err != nil { // SUBSCRIBE, Online
		t.Fatal(err)
	}
	<-f.Ready()
	c.command = wire.Publish{Topic: []byte("cmnd/lamp/brightness"), Payload: []byte("50"), QoS: qos}
	c.command.Props.ResponseTopic = []byte("phones/7")
	c.command.Props.CorrelationData = []byte("0123456789abcdef")
	if err := errors.Join(c.send(), c.read(c.answers+1)); err != nil { // this one turns the light on as well
		t.Fatal(err)
	}
	return c
}

// A command and its answers allocate nothing, on the device's side and on that
// of the test.
func TestCommandAllocatesNothing(t *testing.T) {
	if fleet.RaceDetector {
		t.Skip("the race detector has sync.Pool forget at random; run without -race")
	}
	for _, c := range []struct {
		qos, states byte
		watched     bool
	}{{0, 0, false}, {1, 0, false}, {1, 1, false}, {0, 0, true}, {1, 1, true}} {
		a := newCommandAndAnswer(t, c.qos, c.states, c.watched)
		for range 100 {
			if err := a.once(); err != nil {
				t.Fatal(err)
			}
		}
		got := testing.AllocsPerRun(2000, func() {
			if err := a.once(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("command at QoS %d, states at QoS %d, watched %t: %.2f allocations", c.qos, c.states, c.watched, got)
		if got > 0 {
			t.Errorf("command at QoS %d, states at QoS %d, watched %t: %.2f allocations; want none", c.qos, c.states, c.watched, got)
		}
	}
}

// Likewise where somebody may look on: nobody does, the device keeps a journal, and somebody
// looks on who has had as much of this second as it wants.
func TestCommandThatIsWatchedAllocatesNothing(t *testing.T) {
	if fleet.RaceDetector {
		t.Skip("the race detector has sync.Pool forget at random; run without -race")
	}
	for _, c := range []struct {
		name              string
		journals, viewers bool
	}{{"nobody looks on", false, false}, {"a journal", true, false}, {"a journal and a viewer of one exchange a second", true, true}} {
		hub := events.New("test")
		a := newCommandWith(t, 1, 0, false, fleet.Options{Events: hub, Journals: c.journals})
		if c.viewers {
			if _, err := hub.View(events.Interest{Types: events.All, Most: 1}, "", 0, false); err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			if err := a.once(); err != nil {
				t.Fatal(err)
			}
		}
		got := testing.AllocsPerRun(2000, func() {
			if err := a.once(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.2f allocations", c.name, got)
		if got > 0 {
			t.Errorf("%s: %.2f allocations; want none", c.name, got)
		}
	}
}

func BenchmarkCommandAndAnswer(b *testing.B) {
	for _, qos := range []byte{0, 1} {
		b.Run("QoS"+string('0'+qos), func(b *testing.B) {
			a := newCommandAndAnswer(b, qos, 0, false)
			b.ReportAllocs()
			for b.Loop() {
				if err := a.once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
