package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Figure is a time that was measured beside the checks: no part of the verdict. It is that of
// a client of this process: what goes over the network and what this machine takes are in it.
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

// apartBy is how much later than the last each sample of what takes seconds begins: a broker
// may look only every few seconds, and is to be met at different moments between.
const apartBy = 1100 * time.Millisecond

// measure is how one sample is taken.
type measure struct {
	name string
	slow bool // it takes seconds
	take func(r *run) time.Duration
}

// dying is how long after a way to die, or after the Will was due then, a Will comes. die
// returns the moment from which that counts.
func dying(name string, h hello, due time.Duration, die func(r *run, c *client) time.Time) measure {
	return measure{"Will after " + name, due > 0, func(r *run) time.Duration {
		w, h := r.watcher(r.topic("will"), 0), h // which several samples have at a time
		h.will = &will{topic: r.topic("will"), payload: "gone"}
		if h.props != "" {
			h.will.props = willDelay(1)
		}
		c := r.connect(h)
		start := die(r, c)
		w.messageIn(due+2*r.x.patience, r.topic("will"), "gone")
		return time.Since(start) - due
	}}
}

// dyingBy is dying by something that is done, from which it counts.
func dyingBy(name string, die func(r *run, c *client)) measure {
	return dying(name, hello{}, 0, func(r *run, c *client) time.Time {
		start := time.Now()
		die(r, c)
		return start
	})
}

// measures are what is measured.
var measures = []measure{
	{"subscription works after SUBACK", false, func(r *run) time.Duration {
		r.uncorrected = true
		by, c := r.plain(), r.plain()
		c.subscribe(r.topic("probe"), 0)
		start := time.Now()
		var sent []time.Duration
		for time.Since(start) < r.x.patience {
			sent = append(sent, time.Since(start))
			by.send(by.encodePublish(0, r.topic("probe"), strconv.Itoa(len(sent)-1), 0, 0))
			// The figure is right to a tenth, or to a millisecond.
			p, err := c.receive(max(time.Millisecond, time.Since(start)/10))
			if err == nil {
				first, _ := strconv.Atoi(p.payload)
				return sent[max(0, min(first, len(sent)-1))]
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				r.fatalf("%s got %s; want a message", c.name, plainly(err))
			}
		}
		r.fatalf("no message came; want one")
		return 0
	}},
	{"round trip of a message at QoS 0", false, func(r *run) time.Duration {
		w, by := r.watcher(r.topic("a"), 0), r.plain()
		start := time.Now()
		by.publish(r.topic("a"), "m", 0, 0)
		w.message(r.topic("a"), "m")
		return time.Since(start)
	}},
	{"take-over: CONNACK to the second client", false, func(r *run) time.Duration {
		h := hello{id: r.id("a")}
		r.connect(h)
		start := time.Now()
		r.connect(h)
		return time.Since(start)
	}},
	{"take-over: end of the first connection", false, func(r *run) time.Duration {
		h := hello{id: r.id("a")}
		a := r.connect(h)
		start := time.Now()
		r.connect(h)
		a.closed()
		return time.Since(start)
	}},
	dyingBy("FIN", func(_ *run, c *client) { c.cut() }),
	dyingBy("RST", func(_ *run, c *client) { c.reset() }),
	dyingBy("DISCONNECT 0x04", func(_ *run, c *client) { c.send(raw(disconnect<<4, "\x04")) }),
	dyingBy("a Protocol Error", func(_ *run, c *client) { c.trySend(raw(0x30, str("a/#"), none)) }),
	dyingBy("a take-over", func(r *run, c *client) { r.connect(hello{id: c.id}) }),
	dying("silence, from one and a half times the Keep Alive", hello{keep: 2}, 3*time.Second, func(_ *run, c *client) time.Time { return c.wrote }),
	dying("FIN, from the end of a Will Delay of 1 s", hello{props: sessionExpiry(100)}, time.Second, func(_ *run, c *client) time.Time {
		start := time.Now()
		c.cut()
		return start
	}),
}

// figures begins with those that take seconds, beside the checks. The function that it returns
// takes the others, when nothing else is being done, waits for the end of all and must be
// called.
func (x *examiner) figures(ctx context.Context) (rest func() []Figure) {
	all := make([]Figure, len(measures))
	var slow sync.WaitGroup
	for i := range measures {
		if measures[i].slow {
			slow.Go(func() { all[i] = x.slowFigure(ctx, &measures[i]) })
		}
	}
	return func() []Figure {
		for i := range measures {
			if !measures[i].slow {
				all[i] = x.figure(ctx, &measures[i])
			}
		}
		slow.Wait()
		return all
	}
}

// figure takes the samples of one, one after the other.
func (x *examiner) figure(ctx context.Context, m *measure) Figure {
	var all []sample
	for range figureSamples {
		all = append(all, x.sample(ctx, m))
		if len(all) == 2 && all[0].why != "" && all[1].why != "" {
			break // there will be none
		}
	}
	return figureOf(m.name, all)
}

// slowFigure takes them beside each other.
func (x *examiner) slowFigure(ctx context.Context, m *measure) Figure {
	all := make([]sample, figureSamples)
	var taken sync.WaitGroup
	for i := range all {
		taken.Go(func() {
			select {
			case <-time.After(time.Duration(i) * apartBy):
				all[i] = x.sample(ctx, m)
			case <-ctx.Done():
				all[i].why = why(ctx)
			}
		})
	}
	taken.Wait()
	return figureOf(m.name, all)
}

// sample is one time, or why there is none.
type sample struct {
	took time.Duration
	why  string
}

func (x *examiner) sample(ctx context.Context, m *measure) (s sample) {
	out := x.attempt(ctx, &Statement{}, func(r *run) {
		s.took = m.take(r)
		r.judged++
	})
	switch {
	case out.status != Conforms:
		s.why = out.seen
	case out.stood > 0: // the time is this machine's, and not the broker's
		s.why = fmt.Sprintf("this machine stood still for %v meanwhile", out.stood.Round(time.Millisecond))
	}
	return s
}

func figureOf(name string, all []sample) Figure {
	f := Figure{Name: name}
	var took []time.Duration
	for _, s := range all {
		if s.why != "" {
			f.Missing++
			f.Why = s.why
			continue
		}
		took = append(took, s.took)
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
