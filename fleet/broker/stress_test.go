package broker

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestStress lets publishers send numbered messages at all QoS to subscribers
// with small Receive Maximums that keep losing their connection, and counts:
// QoS 2 arrives exactly once, QoS 1 at least once, both in order.
func TestStress(t *testing.T) {
	const publishers, subscribers = 6, 6
	messages := some(60, 150)
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var subs, pubs sync.WaitGroup
	stop := make(chan struct{})
	var all atomic.Int64
	var ready sync.WaitGroup
	ready.Add(subscribers)
	for i := range subscribers {
		subs.Go(func() {
			s := stressSubscriber{t: t, b: b, id: fmt.Sprint("s", i), rnd: rand.New(rand.NewPCG(7, uint64(i))), want: publishers, messages: messages}
			s.run(ready.Done, stop)
			all.Add(int64(s.fresh))
		})
	}
	ready.Wait()
	for i := range publishers {
		pubs.Go(func() { stressPublisher(t, b, i, messages) })
	}
	// Others come and go under a few identifiers, with wills and retained messages.
	for i := range 4 {
		pubs.Go(func() { stressChurn(t, b, rand.New(rand.NewPCG(8, uint64(i)))) })
	}
	pubs.Wait()
	close(stop)
	done := make(chan struct{})
	go func() { subs.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatalf("the subscribers are not done after 60 s; Stats() = %+v", b.Stats())
	}
	if want := int64(subscribers * publishers * messages * 2); all.Load() != want {
		t.Errorf("%d different messages arrived; want %d", all.Load(), want)
	}
	if s := b.Stats(); s.DroppedFull+s.DroppedExpired+s.Overrun+s.ProtocolErrors != 0 {
		t.Errorf("Stats() = %+v; want nothing dropped and no errors", s)
	}
}

// stressPublisher publishes alternately at QoS 1 and 2, waiting for each to be
// done, and sometimes breaks the connection before it is and goes on.
func stressPublisher(t *testing.T, b *Broker, n, messages int) {
	rnd := rand.New(rand.NewPCG(9, uint64(n)))
	id := fmt.Sprint("p", n)
	var c *client
	dialAgain := func() {
		if c != nil {
			_ = c.nc.Close()
		}
		nc, err := b.Dial(context.Background())
		if err != nil {
			t.Errorf("Dial() = %v", err)
			return
		}
		c = &client{t: t, nc: nc}
		_, _ = nc.Write(resumeV5(id, expiry100))
		if p, err := c.next(); err != nil || p[0] != 0x20 || p[3] != 0 {
			t.Errorf("publisher: CONNACK = %x, %v; want 0", []byte(p), err)
		}
	}
	dialAgain()
	expect := func(first int, pid int, again func()) {
		for {
			p, err := c.within(30 * time.Second)
			if err == nil && int(p[0]) == first && int(p[2])<<8|int(p[3]) == pid {
				return
			}
			if err == nil {
				continue // an answer to what was sent before
			}
			if err != io.EOF {
				t.Errorf("publisher: %v; want an answer", err)
				return
			}
			dialAgain()
			again()
		}
	}
	for i := range 2 * messages {
		qos := 1 + i%2
		pid := 1 + i%100
		dup := 0
		publish := func() {
			_, _ = c.nc.Write(pub5(qos<<1|dup, fmt.Sprintf("stress/%d/%d", n, qos), pid, props(), fmt.Sprint(i/2)))
			dup = 8
		}
		publish()
		if rnd.IntN(10) == 0 {
			dialAgain()
			publish()
		}
		expect(0x30+0x10*qos, pid, publish)
		if qos == 2 {
			release := func() { _, _ = c.nc.Write(ack(0x62, pid)) }
			release()
			if rnd.IntN(10) == 0 {
				dialAgain()
				release()
			}
			expect(0x70, pid, release)
		}
	}
	_, _ = c.nc.Write(disconnect)
	_ = c.nc.Close()
}

// stressSubscriber receives until it has everything.
type stressSubscriber struct {
	t        *testing.T
	b        *Broker
	id       string
	rnd      *rand.Rand
	want     int
	messages int
	fresh    int
	last     map[string]int
	open     map[int]bool // QoS 2 ids between PUBLISH and PUBREL
}

func (s *stressSubscriber) run(ready func(), stop chan struct{}) {
	s.last, s.open = map[string]int{}, map[int]bool{}
	first := true
	for s.fresh < 2*s.want*s.messages {
		nc, err := s.b.Dial(context.Background())
		if err != nil {
			s.t.Errorf("Dial() = %v", err)
			return
		}
		c := &client{t: s.t, nc: nc}
		_, _ = nc.Write(resumeV5(s.id, neverExpire, receiveMax(1+s.rnd.IntN(5))))
		p, err := c.next()
		if err != nil || p[3] != 0 || p[2] == 0 != first {
			s.t.Errorf("CONNACK = %x, %v; want 0, Session Present %v", []byte(p), err, !first)
			return
		}
		if first {
			first = false
			_, _ = nc.Write(sub5(1, "stress/+/#", 2))
			if _, err := c.next(); err != nil {
				s.t.Errorf("SUBACK: %v", err)
			}
			ready()
		}
		for n := s.rnd.IntN(400); n >= 0 && s.fresh < 2*s.want*s.messages; n-- {
			p, err := c.within(30 * time.Second)
			if err != nil {
				s.t.Errorf("subscriber %s, %d of %d: %v", s.id, s.fresh, 2*s.want*s.messages, err)
				return
			}
			s.packet(nc, p)
		}
		_ = nc.Close()
	}
	select {
	case <-stop:
	case <-time.After(30 * time.Second):
	}
}

func (s *stressSubscriber) packet(nc net.Conn, p raw) {
	switch p[0] >> 4 {
	case 6:
		id := int(p[2])<<8 | int(p[3])
		delete(s.open, id)
		_, _ = nc.Write(ack(0x70, id))
		return
	case 3:
	default:
		s.t.Errorf("packet %x; want PUBLISH or PUBREL", []byte(p))
		return
	}
	m, err := parsePublish(p)
	if err != nil {
		s.t.Error(err)
		return
	}
	answer := ack(0x30+0x10*m.qos, m.id)
	if m.qos == 2 {
		if s.open[m.id] {
			_, _ = nc.Write(answer)
			return
		}
		s.open[m.id] = true
	}
	var i int
	fmt.Sscan(m.payload, &i)
	last, seen := s.last[m.topic]
	if !seen {
		last = -1
	}
	switch {
	case i == last+1:
		s.last[m.topic] = i
		s.fresh++
	case i > last || m.qos == 2: // at QoS 1 it may come again
		s.t.Errorf("%s: message %d at QoS %d after %d; want %d", m.topic, i, m.qos, last, last+1)
	}
	_, _ = nc.Write(answer)
}

func stressChurn(t *testing.T, b *Broker, rnd *rand.Rand) {
	for i := range 300 {
		nc, err := b.Dial(context.Background())
		if err != nil {
			t.Errorf("Dial() = %v", err)
			return
		}
		id := fmt.Sprint("churn", rnd.IntN(3))
		flags := 4 | 0x20 | rnd.IntN(2)<<1
		in := enc(
			pkt(0x10, "MQTT", 5, flags, u16(0), props(0x11, u32(rnd.IntN(2))), id, props(0x18, u32(rnd.IntN(2))), "churn/will", "x"),
			sub5(1, "churn/#", rnd.IntN(3)), sub5(2, "$share/g/churn/+", 1),
			pub5(rnd.IntN(2), fmt.Sprint("churn/", i%7), 0, props(), fmt.Sprint(i)))
		_, _ = nc.Write(in)
		if rnd.IntN(2) == 0 {
			c := &client{t: t, nc: nc}
			_, _ = c.within(time.Millisecond)
		}
		if rnd.IntN(3) == 0 {
			_, _ = nc.Write(disconnect)
		}
		_ = nc.Close()
	}
}

// TestStressShared lets members of a Shared Subscription, all but one, come and
// go without acknowledging everything, and wants every QoS 1 message to be
// acknowledged by somebody (4.8.2).
func TestStressShared(t *testing.T) {
	const messages, quitters = 500, 4
	b, err := New(Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var mu sync.Mutex
	done := make(map[string]bool)
	all, stop := make(chan struct{}), make(chan struct{})
	// work takes up to n messages, as long as they come, and acknowledges some.
	work := func(id string, n int, patience time.Duration, acks func() bool, ready func()) {
		nc, err := b.Dial(context.Background())
		if err != nil {
			t.Errorf("Dial() = %v", err)
			return
		}
		defer nc.Close()
		c := &client{t: t, nc: nc}
		_, _ = nc.Write(enc(connectV5(id), sub5(1, "$share/g/work", 1)))
		for range 2 {
			if _, err := c.next(); err != nil {
				t.Errorf("%s: %v; want CONNACK and SUBACK", id, err)
				return
			}
		}
		ready()
		for ; n > 0; n-- {
			p, err := c.within(patience)
			if err != nil || p[0] == 0xe0 {
				return
			}
			m, err := parsePublish(p)
			if err != nil {
				t.Errorf("%s: %x: %v", id, []byte(p), err)
				return
			}
			if !acks() {
				continue
			}
			if _, err := nc.Write(ack(0x40, m.id)); err != nil {
				return
			}
			mu.Lock()
			news := !done[m.payload] // not sent again by somebody who left before the PUBACK was read
			done[m.payload] = true
			if news && len(done) == messages {
				close(all)
			}
			mu.Unlock()
		}
	}
	var stays, workers sync.WaitGroup
	ready := make(chan struct{})
	stays.Go(func() {
		work("stays", 2*messages*messages, time.Minute, func() bool { return true }, func() { close(ready) })
	})
	<-ready
	for i := range quitters {
		workers.Go(func() {
			rnd := rand.New(rand.NewPCG(11, uint64(i)))
			for {
				select {
				case <-stop:
					return
				default:
					work(fmt.Sprint("quits", i), 1+rnd.IntN(50), 100*time.Millisecond, func() bool { return rnd.IntN(3) == 0 }, func() {})
				}
			}
		})
	}
	p, _ := connect(t, b, connectV5("p"))
	for i := range messages {
		p.exchange(pub5(2, "work", 1+i, props(), fmt.Sprint(i)), ack(0x40, 1+i))
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		mu.Lock()
		t.Errorf("%d of %d messages were acknowledged; want all", len(done), messages)
		mu.Unlock()
	}
	close(stop)
	workers.Wait()
	_ = b.Close()
	stays.Wait()
}
