//go:build linux

package stalls

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPackets(t *testing.T) {
	publishing := []byte("\x34\x18\x00\x01t\x00\x07\x11\x26\x00\x01k\x00\x01v\x08\x00\x01r\x09\x00\x03c\x00d!")
	two := append(slices.Clone(publishing), 0xc0, 0)
	p, rest, err := split(two)
	if !bytes.Equal(p, publishing) || err != nil || len(rest) != 2 {
		t.Errorf("split() = %x, %x, %v", p, rest, err)
	}
	for n := range len(publishing) {
		if p, rest, err := split(publishing[:n]); p != nil || len(rest) != n || err != nil {
			t.Errorf("split() of the first %d bytes = %x, %x, %v; want none", n, p, rest, err)
		}
	}
	if _, _, err := split([]byte("\x30\xff\xff\xff\xff\x01")); err == nil {
		t.Error("split() takes a length of five bytes")
	}
	m, err := readPublish(publishing)
	if want := (message{2, "r", "c\x00d"}); m != want || err != nil {
		t.Errorf("readPublish() = %+v, %v; want %+v", m, err, want)
	}
	if _, err := readPublish(publishing[:12]); err == nil {
		t.Error("readPublish() takes a packet that ends in the midst of its properties")
	}
	id, err := readConnect([]byte("\x10\x17\x00\x04MQTT\x05\x02\x00\x3c\x05\x11\x00\x00\x00\x01\x00\x05phone"))
	if id != "phone" || err != nil {
		t.Errorf("readConnect() = %q, %v", id, err)
	}
	for text, want := range map[string]int{"\x20\x06\x00\x00\x03\x21\x00\x14": 20, "\x20\x03\x00\x00\x00": 65535, "\x20\x09\x00\x00\x06\x22\x00\x0a\x21\x01\x00": 256} {
		if most, err := readConnack([]byte(text)); most != want || err != nil {
			t.Errorf("readConnack(%x) = %d, %v; want %d", text, most, err, want)
		}
	}
}

func TestRank(t *testing.T) {
	all := make([]time.Duration, 2000)
	for i := range all {
		all[i] = time.Duration(i + 1)
	}
	for name, want := range map[string]time.Duration{"p50": 1000, "p90": 1800, "p95": 1900, "p99": 1980, "p99.9": 1998, "max": 2000} {
		if got := rank(all, name); got != want {
			t.Errorf("rank(1 to 2000, %s) = %d; want %d", name, got, want)
		}
	}
	if got := rank(all[:3], "p50"); got != 2 {
		t.Errorf("rank(1 to 3, p50) = %d; want 2", got)
	}
}

// A program that counts from the sending, or leaves out what was held up, is found out.
func TestJudge(t *testing.T) {
	counted := make([]time.Duration, 1000)
	for i := range counted {
		counted[i] = time.Duration(i+1) * time.Millisecond
	}
	for name, tc := range map[string]struct {
		change  func(o *outcome)
		allowed time.Duration
		want    string // in the only fault; empty: none
	}{
		"as it is":             {func(*outcome) {}, 0, ""},
		"within":               {func(o *outcome) { o.reported["p90"] = 917 * time.Millisecond }, 0, ""},
		"too much":             {func(o *outcome) { o.reported["p90"] = 919 * time.Millisecond }, 0, "p90 is reported as 919ms; want 882ms to 918ms"},
		"too little":           {func(o *outcome) { o.reported["p50"] = 489 * time.Millisecond }, 0, "p50 is reported as 489ms"},
		"none":                 {func(o *outcome) { delete(o.reported, "max") }, 0, "max is reported as 0s"},
		"the last hop":         {func(o *outcome) { o.reported["p99"] = 1010 * time.Millisecond }, time.Millisecond, ""},
		"no more than it":      {func(o *outcome) { o.reported["p99"] = 1011 * time.Millisecond }, time.Millisecond, "p99 is reported as 1.011s"},
		"never less":           {func(o *outcome) { o.reported["p99"] = 970 * time.Millisecond }, time.Second, "p99 is reported as 970ms"},
		"another plan":         {func(o *outcome) { o.soonest = 3 * time.Millisecond }, 0, "the first request came 3ms after its planned moment"},
		"sent before its time": {func(o *outcome) { o.soonest = -1 }, 0, "the first request came -1ns after its planned moment"},
	} {
		o := &outcome{reported: make(map[string]time.Duration), counted: counted}
		for _, p := range percentiles {
			o.reported[p] = rank(counted, p)
		}
		tc.change(o)
		got := o.judge(tc.allowed)
		if len(got) > 1 || (len(got) == 1) != (tc.want != "") || !strings.Contains(strings.Join(got, ""), tc.want) {
			t.Errorf("%s: judge() = %q; want %q", name, got, tc.want)
		}
	}
}

// What the proxy enters is what a client sees: nothing passes in a stall, and all else
// comes a lag later.
func TestProxy(t *testing.T) {
	t.Parallel()
	const every, stalls, lag = 200 * time.Millisecond, 60 * time.Millisecond, 5 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerAll(l)
	p, err := listen(l.Addr().String(), lag, every, stalls)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "\x10\x14\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x07phone-1")
	const n = 100
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range n {
			fmt.Fprintf(c, "\x30\x0e\x00\x01t\x0a\x08\x00\x01r\x09\x00\x03%03d", i)
			time.Sleep(5 * time.Millisecond)
		}
	})
	read, b := make(map[string]time.Time), make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("reading the CONNACK: %v", err)
	}
	for range n {
		var b [12]byte
		if _, err := io.ReadFull(c, b[:]); err != nil {
			t.Fatalf("reading an answer: %v", err)
		}
		read[string(b[9:])] = time.Now()
	}
	sending.Wait()
	c.Close()
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	k := p.links[0]
	if k.client != "phone-1" || k.most != 65535 || len(k.requests) != n || len(k.answered) != n {
		t.Fatalf("the proxy's books have %q, %d requests and %d answers; want phone-1, %d and %d", k.client, len(k.requests), len(k.answered), n, n)
	}
	waited := 0
	for _, r := range k.requests {
		left := k.answered[r.correlation]
		if into := left.Sub(p.begun) % every; into >= every-stalls+stalls/2 {
			t.Errorf("the answer to %s left %v into a period; from %v on nothing may", r.correlation, into, every-stalls)
		}
		if took := left.Sub(r.came); took < 2*lag {
			t.Errorf("the answer to %s left after %v; want %v or more, both ways", r.correlation, took, 2*lag)
		} else if took > stalls/2 {
			waited++
		}
		if read[r.correlation].Before(left) {
			t.Errorf("the answer to %s was read before it left", r.correlation)
		}
	}
	if waited < n/20 || waited > n*3/4 {
		t.Errorf("%d of %d answers waited for the end of a stall; want about a quarter", waited, n)
	}
}

// answerAll is a broker with a device in it, both of few words.
func answerAll(l net.Listener) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	var pending []byte
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		pending = append(pending, b[:n]...)
		for {
			packet, rest, err := split(pending)
			if packet == nil || err != nil {
				break
			}
			pending = rest
			if packet[0]>>4 == connect {
				fmt.Fprint(c, "\x20\x03\x00\x00\x00")
				continue
			}
			m, _ := readPublish(packet)
			fmt.Fprintf(c, "\x30\x0a\x00\x01r\x06\x09\x00\x03%s", m.correlation)
		}
	}
}

// The last hop is measured.
func TestHops(t *testing.T) {
	t.Parallel()
	h, err := startHops(time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	all, err := h.end()
	if err != nil || len(all) < 5 || all[0] <= 0 || all[0] > time.Second {
		t.Errorf("the hops are %v, %v; want some", all, err)
	}
}
