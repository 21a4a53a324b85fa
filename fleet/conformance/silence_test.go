package conformance

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/memconn"
)

// withholding passes on no refusal and no end of a connection, unless the client has said
// DISCONNECT or ended it. What it kept back counts.
func withholding(kept *atomic.Int64) *bug {
	return &bug{name: "what is refused is met with silence", all: true,
		down: dropped(func(_ *lie, p pkt) bool {
			refusal := p.typ() == 2 && p.body[1] != 0 || p.typ() == 9 && p.body[len(p.body)-1] >= 0x80
			if refusal {
				kept.Add(1)
			}
			return refusal || p.typ() == 14 // of which the end comes, too, or is kept back
		}),
		keeps: func(s *lie) bool {
			if s.said.Load() || s.over.Load() {
				return false
			}
			kept.Add(1)
			return true
		}}
}

// noneOfTheirs are statements in which a connection ends that is not what they are about.
var noneOfTheirs = map[string]string{
	"3.1.2-8 the Will after a take-over":                          "that the first client's connection ends is another's",
	"3.1.2-8 the Will after a take-over that resumes the session": "likewise",
	"3.1.3-9 a take-over with Clean Start ends the delay":         "likewise",
	"4.13 a broken client harms nobody else":                      "it is about the others",
}

// Silence is no refusal, and refuses nothing: a statement in which the broker refuses something
// or ends a connection does not conform where nothing of that comes; nor where each connection
// ends some time after it began, whatever was sent.
func TestSilenceRefusesNothing(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name string
		ends func(s *lie)
	}{
		{"silence", nil},
		{"each connection ends after 2 s", func(s *lie) { time.AfterFunc(2*time.Second, func() { _ = s.client.Close() }) }},
		{"each connection ends after 4 s", func(s *lie) { time.AfterFunc(4*time.Second, func() { _ = s.client.Close() }) }},
	} {
		looked := 0
		for name, v := range variants {
			synctest.Test(t, func(t *testing.T) { looked += metWithSilence(t, name, v, how.name, how.ends) })
		}
		if looked < 100 {
			t.Errorf("%s: something was withheld in %d statements; want a hundred at least", how.name, looked)
		}
	}
}

// metWithSilence puts the embedded broker of a variant behind a proxy that passes on no refusal,
// and returns in how many statements there was one.
func metWithSilence(t *testing.T, name string, v variant, how string, ends func(*lie)) (looked int) {
	to, err := broker.New(v.config)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	through := func(b *bug) (*liar, Config) {
		l := newLiar(b, func() (net.Conn, error) { return to.Dial(context.Background()) })
		c := Config{Run: "s", Dial: func(context.Context) (net.Conn, error) {
			near, far := memconn.Pipe(0)
			l.all.Go(func() { l.serve(far) })
			return near, nil
		}}
		if v.examine != nil {
			v.examine(&c)
		}
		return l, c
	}
	l, c := through(&bug{})
	defer l.close()
	known := newExaminer(c)
	if err := known.learn(t.Context()); err != nil {
		t.Fatalf("learn = %v; want nil", err)
	}
	for _, s := range Statements() {
		if why, _ := known.unfit(&s); why != "" || s.Slow || (s.needs != anyBroker) != (name != "") {
			continue
		}
		var out outcome
		kept := int64(0)
		for range 3 { // who is cut off and back before that was seen is taken over, which is withheld, too
			var n atomic.Int64
			b := withholding(&n)
			b.begin = ends
			l, c := through(b)
			x := newExaminer(c)
			x.facts = known.facts
			out = x.attempt(t.Context(), &s, s.check)
			kept = n.Load() // what the proxy ends by itself is not counted
			l.close()
			if kept == 0 || out.status != Conforms {
				break
			}
		}
		if kept == 0 {
			continue
		}
		looked++
		switch reason := noneOfTheirs[s.Name()]; {
		case reason == "" && out.status == Conforms:
			t.Errorf("%s: %s conforms, although what was refused or closed was not", how, s.Name())
		case reason != "" && out.status == Deviates && ends == nil:
			t.Errorf("%s: %s: %s; want it to conform: %s", how, s.Name(), out.seen, reason)
		}
	}
	return looked
}

// A way to die that the broker finds out by the Keep Alive alone is none that it has seen.
func TestKeepAliveFindsNothingOut(t *testing.T) {
	t.Parallel()
	target, _ := startEmbedded(t, variants[""].config)
	unseen := &bug{name: "a Protocol Error passed over", up: dropped(func(_ *lie, p pkt) bool {
		topic, _, _ := p.publishAt()
		return p.typ() == 3 && strings.HasSuffix(topic, "#")
	})}
	for i := range bugs {
		if bugs[i].name == "a RST found out by Keep Alive alone" {
			b := bugs[i]
			b.up = unseen.up
			unseen = &b
		}
	}
	x := newExaminer(Config{Dial: dialer(startLiar(t, target, unseen)), Run: "t"})
	if err := x.learn(t.Context()); err != nil {
		t.Fatalf("learn = %v; want nil", err)
	}
	var all sync.WaitGroup
	for _, s := range Statements() {
		want := Conforms
		switch s.Name() {
		case "3.1.2-8 the Will after RST", "3.1.2-8 the Will after a Protocol Error":
			want = Deviates
		case "3.1.2-8 the Will after FIN", "3.1.2-8 the Will after a Keep Alive time-out":
		default:
			continue
		}
		all.Go(func() {
			r := x.check(t.Context(), job{Statement: s, chosen: true})
			if r.Status != want {
				t.Errorf("%s %s: %s; want that it %s", s.Name(), r.Status, r.Seen, want)
			}
		})
	}
	all.Wait()
}
