package conformance

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/memconn"
)

// delays are how long a broker takes for what is measured. Where there are several, one
// after the other.
type delays struct {
	works    time.Duration // until a subscription works, after its SUBACK
	relay    time.Duration // of a message
	takeOver time.Duration // until the second client has its CONNACK
	ends     time.Duration // until the first one's connection ends then
	silent   time.Duration // until a client that says nothing is given up
	wills    map[string]func() time.Duration
}

// each gives its delays in turn, again and again.
func each(all ...time.Duration) func() time.Duration {
	var mu sync.Mutex
	n := -1
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		n++
		return all[n%len(all)]
	}
}

// timed is a broker in memory that does no more than the figures need, each with a delay that
// is known. It has the parser of the liar.
type timed struct {
	delays
	all sync.WaitGroup

	mu    sync.Mutex
	conns map[*timedConn]bool
}

type timedConn struct {
	net.Conn
	write     sync.Mutex
	id        string
	takenOver bool
	filters   map[string]time.Time // from when on each works
}

func (b *timed) dial(context.Context) (net.Conn, error) {
	near, far := memconn.Pipe(0)
	b.all.Go(func() { b.serve(&timedConn{Conn: far, filters: make(map[string]time.Time)}) })
	return near, nil
}

func (c *timedConn) send(p pkt) {
	c.write.Lock()
	defer c.write.Unlock()
	_, _ = c.Write(p.bytes())
}

func (b *timed) serve(c *timedConn) {
	r := bufio.NewReader(c)
	hello, err := readPkt(r)
	if err != nil {
		return
	}
	flags, keep, _, id, will := hello.connectAt()
	c.id = string(hello.body[id+2 : id+2+u16at(hello.body, id)])
	b.mu.Lock()
	var first *timedConn
	for other := range b.conns {
		if other.id == c.id {
			first, other.takenOver = other, true
		}
	}
	b.conns[c] = true
	b.mu.Unlock()
	if first != nil {
		b.all.Go(func() {
			time.Sleep(b.ends)
			_ = first.Close()
		})
		time.Sleep(b.takeOver)
	}
	c.send(pkt{first: 0x20, body: []byte{0, 0, 0}})
	how := b.listen(c, r, u16at(hello.body, keep) > 0)
	b.mu.Lock()
	delete(b.conns, c)
	if c.takenOver {
		how = "a take-over"
	}
	b.mu.Unlock()
	_ = c.Close()
	if hello.body[flags]&4 == 0 || how == "" {
		return
	}
	list, end, _ := propsAt(hello.body, will)
	for _, p := range list {
		if p.id == 24 {
			how = "a Will Delay"
			time.Sleep(time.Duration(number(p.value)) * time.Second)
		}
	}
	if b.wills[how] == nil {
		return
	}
	time.Sleep(b.wills[how]())
	n := u16at(hello.body, end)
	payload := end + 2 + n
	b.publish(string(hello.body[end+2:payload]), hello.body[payload+2:payload+2+u16at(hello.body, payload)], time.Now())
}

// listen returns how the connection has ended; "" if nobody is to hear of it.
func (b *timed) listen(c *timedConn, r *bufio.Reader, watched bool) string {
	for {
		if watched {
			_ = c.SetReadDeadline(time.Now().Add(b.silent))
		}
		p, err := readPkt(r)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "silence"
		case errors.Is(err, syscall.ECONNRESET):
			return "RST"
		case err != nil:
			return "FIN"
		}
		switch p.typ() {
		case 3:
			topic, _, _ := p.publishAt()
			if strings.Contains(topic, "#") {
				return "a Protocol Error"
			}
			at, payload := time.Now(), bytes.Clone(p.payload())
			b.all.Go(func() {
				time.Sleep(b.relay)
				b.publish(topic, payload, at)
			})
		case 8:
			_, at, _ := propsAt(p.body, 2)
			b.mu.Lock()
			c.filters[string(p.body[at+2:at+2+u16at(p.body, at)])] = time.Now().Add(b.works)
			b.mu.Unlock()
			c.send(pkt{first: 0x90, body: append(append(two(u16at(p.body, 0)), 0), p.body[len(p.body)-1])})
		case 14:
			if len(p.body) > 0 && p.body[0] == 4 {
				return "DISCONNECT 0x04"
			}
			return ""
		}
	}
}

// publish hands a message to whose subscription worked when it came.
func (b *timed) publish(topic string, payload []byte, at time.Time) {
	b.mu.Lock()
	var to []*timedConn
	for c := range b.conns {
		if from, ok := c.filters[topic]; ok && !at.Before(from) {
			to = append(to, c)
		}
	}
	b.mu.Unlock()
	for _, c := range to {
		c.send(pkt{first: 0x30, body: append(append(append(two(len(topic)), topic...), 0), payload...)})
	}
}

// figuresBehind takes those of a broker with such delays, by name, and how long they took in all.
func figuresBehind(t *testing.T, d delays) (byName map[string]Figure, took time.Duration) {
	t.Helper()
	b := &timed{delays: d, conns: make(map[*timedConn]bool)}
	x := newExaminer(Config{Dial: b.dial, Run: "t"})
	x.facts = everything
	x.measureEarly(t.Context()) // so that all else waits for subscriptions to work
	start := time.Now()
	byName = make(map[string]Figure)
	for _, f := range x.figures(t.Context())() {
		byName[f.Name] = f
	}
	took = time.Since(start)
	b.all.Wait()
	return byName, took
}

// A figure is what the broker took: to the millisecond, and to a tenth where it is found out
// by trying. Time is fake, so that nothing else is in it.
func TestFiguresAreRight(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		got, took := figuresBehind(t, delays{
			works: 40 * ms, relay: 7 * ms, takeOver: 12 * ms, ends: 25 * ms, silent: 3700 * ms,
			wills: map[string]func() time.Duration{
				"FIN": each(50*ms, 10*ms, 40*ms, 20*ms, 30*ms), "RST": each(60 * ms), "DISCONNECT 0x04": each(70 * ms),
				"a Protocol Error": each(80 * ms), "a take-over": each(90 * ms), "silence": each(5 * ms), "a Will Delay": each(1200 * ms),
			},
		})
		for name, want := range map[string][3]time.Duration{
			"subscription works after SUBACK":                              {40 * ms, 40 * ms, 40 * ms},
			"round trip of a message at QoS 0":                             {7 * ms, 7 * ms, 7 * ms},
			"take-over: CONNACK to the second client":                      {12 * ms, 12 * ms, 12 * ms},
			"take-over: end of the first connection":                       {25 * ms, 25 * ms, 25 * ms},
			"Will after FIN":                                               {10 * ms, 30 * ms, 50 * ms},
			"Will after RST":                                               {60 * ms, 60 * ms, 60 * ms},
			"Will after DISCONNECT 0x04":                                   {70 * ms, 70 * ms, 70 * ms},
			"Will after a Protocol Error":                                  {80 * ms, 80 * ms, 80 * ms},
			"Will after a take-over":                                       {115 * ms, 115 * ms, 115 * ms},
			"Will after silence, from one and a half times the Keep Alive": {705 * ms, 705 * ms, 705 * ms},
			"Will after FIN, from the end of a Will Delay of 1 s":          {1200 * ms, 1200 * ms, 1200 * ms},
		} {
			f := got[name]
			near := func(d, want time.Duration) bool {
				most := want + ms
				if name == "subscription works after SUBACK" {
					most = want + want/10
				}
				return d >= want && d <= most
			}
			if f.Samples != figureSamples || f.Missing != 0 || !near(f.Least, want[0]) || !near(f.Median, want[1]) || !near(f.Most, want[2]) {
				t.Errorf("%s = %v to %v, median %v, of %d, %d missing (%s); want %v, %v and %v of %d",
					name, f.Least, f.Most, f.Median, f.Samples, f.Missing, f.Why, want[0], want[2], want[1], figureSamples)
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Errorf("there are more figures: %v", got)
		}
		// What takes seconds is taken beside each other: one after the other it would be 18 s.
		if most := 4*apartBy + 3700*ms + time.Second; took > most {
			t.Errorf("they took %v; want less than %v", took, most)
		}
	})
}

// What comes before it is due is a figure below 0, and what does not come is told.
func TestFiguresOfWhatIsEarlyOrMissing(t *testing.T) {
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		got, _ := figuresBehind(t, delays{silent: 2 * time.Second, wills: map[string]func() time.Duration{
			"FIN": each(0), "DISCONNECT 0x04": each(0), "a Protocol Error": each(0), "a take-over": each(0), "silence": each(0),
		}})
		silence := got["Will after silence, from one and a half times the Keep Alive"]
		if silence.Samples != figureSamples || silence.Median < -time.Second || silence.Median > -time.Second+ms {
			t.Errorf("silence for 2 s where 3 s are allowed: %v; want -1 s", silence.Median)
		}
		if f := got["subscription works after SUBACK"]; f.Samples != figureSamples || f.Most > ms {
			t.Errorf("a subscription that works at once: %v, %s; want 0", f.Most, f.Why)
		}
		for _, name := range []string{"Will after RST", "Will after FIN, from the end of a Will Delay of 1 s"} {
			f := got[name]
			if f.Samples != 0 || f.Missing == 0 || !strings.Contains(f.Why, "got nothing") || !strings.HasPrefix(f.String(), "none: ") {
				t.Errorf("%s, which does not come: %d samples, %d missing, %s; want none, and why", name, f.Samples, f.Missing, f.String())
			}
		}
	})
}
