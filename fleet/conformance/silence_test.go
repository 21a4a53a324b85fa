package conformance

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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
// or ends a connection does not conform where nothing of that comes.
func TestSilenceRefusesNothing(t *testing.T) {
	t.Parallel()
	slots := make(chan struct{}, 96)
	var all sync.WaitGroup
	var looked atomic.Int64
	defer func() {
		all.Wait()
		if n := looked.Load(); n < 100 {
			t.Errorf("something was withheld in %d statements; want a hundred at least", n)
		}
	}()
	for name, v := range variants {
		target, _ := startEmbedded(t, v.config)
		c := Config{Dial: dialer(target), Run: "s"}
		if v.examine != nil {
			v.examine(&c)
		}
		known := newExaminer(c)
		if err := known.learn(t.Context()); err != nil {
			t.Fatalf("learn = %v; want nil", err)
		}
		for _, s := range Statements() {
			if why, _ := known.unfit(&s); why != "" || s.Slow || (s.needs != anyBroker) != (name != "") {
				continue
			}
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				var kept atomic.Int64
				x := newExaminer(c)
				x.facts, x.usual, x.patience = known.facts, known.usual, 2*time.Second
				x.cfg.Run += known.prefix()[3:]
				x.cfg.Dial = dialer(startLiar(t, target, withholding(&kept)))
				out := x.attempt(t.Context(), &s, s.check)
				if kept.Load() == 0 {
					return
				}
				looked.Add(1)
				switch reason := noneOfTheirs[s.Name()]; {
				case reason == "" && out.status == Conforms:
					t.Errorf("%s conforms, although what was refused or closed was met with silence", s.Name())
				case reason != "" && out.status == Deviates:
					t.Errorf("%s: %s; want it to conform: %s", s.Name(), out.seen, reason)
				}
			})
		}
	}
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
