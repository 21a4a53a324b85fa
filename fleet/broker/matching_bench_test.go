package broker

import (
	"context"
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkMatching finds who is to get a message among 20,000 sessions of three filters
// each, as a fleet has them, and reports what a session takes.
func BenchmarkMatching(b *testing.B) {
	const n = 20_000
	br := benchBroker(b)
	before := live()
	for i := range n {
		id := fmt.Sprintf("light-%05d", i)
		nc, err := br.Dial(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		c := &client{nc: nc}
		for _, p := range []raw{
			connectV5(id, expiry100), sub5(1, "cmnd/"+id+"/#", 1), sub5(2, "will/+/"+id, 1), sub5(3, "fleet/all", 0),
		} {
			_, _ = nc.Write(p)
			if _, err := c.next(); err != nil {
				b.Fatal(err)
			}
		}
		_ = nc.Close()
	}
	for br.Stats().Clients > 0 {
		runtime.Gosched()
	}
	each := float64(live()-before) / n
	for _, tt := range []struct{ name, topic string }{
		{"one", "cmnd/light-%05d/power"},
		{"none", "state/light-%05d/power"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			topics := make([][]byte, n)
			for i := range topics {
				topics[i] = fmt.Appendf(nil, tt.topic, i*7919%n)
			}
			r := &routing{m: &message{from: anyone()}}
			b.ReportAllocs()
			defer func() { b.ReportMetric(each, "B/session") }()
			i := 0
			for b.Loop() {
				r.m.topic = topics[i%n]
				i++
				br.topics.mu.RLock()
				br.topics.collect(r)
				br.topics.mu.RUnlock()
				r.forget()
			}
		})
	}
}
