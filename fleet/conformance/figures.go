package conformance

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Figure is a time that was measured beside the checks: no part of the verdict.
type Figure struct {
	Name string
	// Least, Median and Most are of the samples. Those of what was due at a moment count from
	// that moment, and are below 0 where it came before.
	Least, Median, Most time.Duration
	Samples             int
	Missing             int    // samples that did not come
	Why                 string // why there is none
}

// figureSamples are taken of each figure.
const figureSamples = 5

// measure is how one sample is taken.
type measure struct {
	name string
	take func(r *run) time.Duration
}

// dying is how long after a way to die, or after the Will was due then, a Will comes.
func dying(name string, h hello, due time.Duration, die func(r *run, c *client)) measure {
	return measure{"Will after " + name, func(r *run) time.Duration {
		w := r.watcher(r.topic("will"), 0)
		h.will = &will{topic: r.topic("will"), payload: "gone"}
		if h.props != "" {
			h.will.props = willDelay(1)
		}
		c := r.connect(h)
		start := time.Now()
		die(r, c)
		w.message(r.topic("will"), "gone")
		return time.Since(start) - due
	}}
}

// measures are what is measured.
var measures = []measure{
	{"subscription works after SUBACK", func(r *run) time.Duration {
		r.uncorrected = true
		by, c := r.plain(), r.plain()
		c.subscribe(r.topic("probe"), 0)
		start := time.Now()
		var sent []time.Duration
		for i := range 200 {
			sent = append(sent, time.Since(start))
			by.send(by.encodePublish(0, r.topic("probe"), strconv.Itoa(i), 0, 0))
			if p, err := c.receive(20 * time.Millisecond); err == nil {
				first, _ := strconv.Atoi(p.payload)
				return sent[max(0, min(first, i))]
			}
		}
		r.fatalf("no message came; want one")
		return 0
	}},
	{"round trip of a message at QoS 0", func(r *run) time.Duration {
		w, by := r.watcher(r.topic("a"), 0), r.plain()
		start := time.Now()
		by.publish(r.topic("a"), "m", 0, 0)
		w.message(r.topic("a"), "m")
		return time.Since(start)
	}},
	{"take-over: CONNACK to the second client", func(r *run) time.Duration {
		h := hello{id: r.id("a")}
		r.connect(h)
		start := time.Now()
		r.connect(h)
		return time.Since(start)
	}},
	{"take-over: end of the first connection", func(r *run) time.Duration {
		h := hello{id: r.id("a")}
		a := r.connect(h)
		start := time.Now()
		r.connect(h)
		a.closed()
		return time.Since(start)
	}},
	dying("FIN", hello{}, 0, func(_ *run, c *client) { c.cut() }),
	dying("RST", hello{}, 0, func(_ *run, c *client) { c.reset() }),
	dying("DISCONNECT 0x04", hello{}, 0, func(_ *run, c *client) { c.send(raw(0xe0, "\x04")) }),
	dying("a Protocol Error", hello{}, 0, func(_ *run, c *client) { c.trySend(raw(0x30, str("a/#"), none)) }),
	dying("a take-over", hello{}, 0, func(r *run, c *client) { r.connect(hello{id: c.id}) }),
	dying("silence, from one and a half times the Keep Alive", hello{keep: 2}, 3*time.Second, func(r *run, _ *client) { r.wait(2500 * time.Millisecond) }),
	dying("FIN, from the end of a Will Delay of 1 s", hello{props: sessionExpiry(100)}, time.Second, func(_ *run, c *client) { c.cut() }),
}

// figures takes them, when nothing else is being done; what takes seconds goes on beside
// the rest.
func (x *examiner) figures(ctx context.Context) []Figure {
	all := make([]Figure, len(measures))
	var slow sync.WaitGroup
	for i := range measures {
		m := &measures[i]
		take := func() { all[i] = x.figure(ctx, m) }
		if i >= len(measures)-2 {
			slow.Go(take)
		} else {
			take()
		}
	}
	slow.Wait()
	return all
}

// figure takes the samples of one; those of one name one after the other, but for the slow
// ones, which would take too long.
func (x *examiner) figure(ctx context.Context, m *measure) Figure {
	f := Figure{Name: m.name}
	var took []time.Duration
	for range figureSamples {
		var d time.Duration
		out := x.attempt(ctx, &Statement{}, func(r *run) {
			d = m.take(r)
			r.judged++
		})
		if out.status != Conforms {
			f.Missing++
			f.Why = out.seen
			if f.Missing == 2 && len(took) == 0 {
				break // there will be none
			}
			continue
		}
		took = append(took, d)
	}
	if f.Samples = len(took); f.Samples > 0 {
		slices.Sort(took)
		f.Least, f.Median, f.Most = took[0], took[len(took)/2], took[len(took)-1]
	}
	return f
}

// String is the figure in words.
func (f *Figure) String() string {
	if f.Samples == 0 {
		return "none: " + f.Why
	}
	round := func(d time.Duration) string {
		switch {
		case d > -time.Second && d < time.Second:
			return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
		}
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	text := fmt.Sprintf("%s (%s to %s, of %d)", round(f.Median), round(f.Least), round(f.Most), f.Samples)
	if f.Missing > 0 {
		text += fmt.Sprintf("; %d did not come", f.Missing)
	}
	return text
}
