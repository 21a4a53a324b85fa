package cluster

import (
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// slowLink stands before an address: each way it takes so long, and some bytes a second go.
func slowLink(t *testing.T, to string, there, back time.Duration, rate int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	carry := func(to, from net.Conn, late time.Duration) {
		defer to.Close()
		buf := make([]byte, 4<<10)
		for {
			n, err := from.Read(buf)
			time.Sleep(late + time.Duration(n)*time.Second/time.Duration(rate))
			if _, broken := to.Write(buf[:n]); err != nil || broken != nil {
				return
			}
			late = 0 // what follows is right behind
		}
	}
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			all.Go(func() { carry(out, in, there) })
			all.Go(func() { carry(in, out, back) })
		}
	})
	return l.Addr().String()
}

// Behind a slow link, and with a wall clock that is ten seconds off, a shard finds the moment as well
// as it says, which is half of the round trip; and its result comes whole.
func TestSlowLink(t *testing.T) {
	c := New(Config{Shards: 1, Run: "r", Lead: 50 * time.Millisecond, Barrier: time.Minute, Patience: time.Minute})
	s := httptest.NewServer(c.Handler())
	defer s.Close()
	client, err := NewClient("http://"+slowLink(t, strings.TrimPrefix(s.URL, "http://"), 20*time.Millisecond, 5*time.Millisecond, 256<<10), nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Member = aMember(1, 1)
	const off = 10 * time.Second
	client.wall += int64(off)
	b, err := client.Begin(t.Context(), time.Minute, func([]string) {})
	if err != nil {
		t.Fatal(err)
	}
	if wrong := b.At.Sub(time.Unix(0, b.nanos)).Abs(); wrong > b.RoundTrip/2+time.Millisecond || b.RoundTrip < 25*time.Millisecond {
		t.Errorf("the moment is %v from what the collector means, with a round trip of %v; want at most half of that, and 25ms at least", wrong, b.RoundTrip)
	}
	if wrong := (b.Offset + off).Abs(); wrong > b.RoundTrip/2+time.Millisecond {
		t.Errorf("the collector's clock is %v from ours; want -10s within half of %v", b.Offset, b.RoundTrip)
	}
	res := aResult(client.Member)
	random := make([]byte, 64<<10) // which does not get smaller
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	res.Remarks = []string{hex.EncodeToString(random)}
	var text bytes.Buffer
	if err := res.Encode(&text); err != nil {
		t.Fatal(err)
	}
	if err := client.Deliver(context.Background(), text.Bytes(), time.Minute); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if got, lost, err := c.Outcome(); err != nil || len(lost) > 0 || len(got.Shards) != 1 {
		t.Errorf("outcome = %v, %v lost; want the shard", err, lost)
	}
}
