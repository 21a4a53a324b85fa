package conformance

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// broken are brokers that do something so wrong that most statements must see it.
var broken = []bug{
	{name: "mute: delivers nothing and answers no PINGREQ", all: true, down: dropped(func(_ *lie, p pkt) bool { return p.typ() == 3 || p.typ() == 13 })},
	{name: "acknowledges nothing", all: true, down: dropped(func(_ *lie, p pkt) bool { return p.typ() >= 4 && p.typ() <= 11 && p.typ() != 9 })},
	{name: "clings: closes no connection and says no DISCONNECT", all: true, clings: true, down: dropped(func(_ *lie, p pkt) bool { return p.typ() == 14 || p.typ() == 2 && p.body[1] != 0 })},
	{name: "noisy: sends what nobody asked for", all: true, down: func(s *lie, p pkt) []pkt {
		noise := pkt{first: 0x30, body: []byte("\x00\x05noise\x00noise")}
		if s.version.Load() != 5 {
			noise.body = []byte("\x00\x05noisenoise")
		}
		switch p.typ() {
		case 3, 13:
			return []pkt{noise, p}
		}
		return []pkt{p}
	}},
	{name: "forgetful: no session is there", all: true, up: flags(func(f byte) byte { return f | 2 })},
	{name: "grants what it should not", all: true, down: func(_ *lie, p pkt) []pkt {
		if p.typ() == 9 && p.body[len(p.body)-1] >= 0x80 {
			p = p.edited(p.first, p.body[:len(p.body)-1], []byte{0})
		}
		return []pkt{p}
	}},
}

// A check that cannot fail would say of every broker that it conforms. Each one is put
// before brokers that are broken through and through, until it says so of one of them; the
// bugs of TestRefereesAreRefereed count, too.
func TestEveryStatementCanFail(t *testing.T) {
	t.Parallel()
	failed := make(map[string]bool)
	for i := range bugs {
		failed[bugs[i].caught] = true // or that test fails
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	for name, v := range variants {
		target, _ := startEmbedded(t, v.config)
		for i := range broken {
			c := Config{Dial: dialer(target), Run: "f" + string(rune('a'+i)), patience: time.Second}
			if v.examine != nil {
				v.examine(&c)
			}
			x := newExaminer(c)
			if err := x.learn(t.Context()); err != nil {
				t.Fatalf("learn = %v; want nil", err)
			}
			x.cfg.Dial = dialer(startLiar(t, target, &broken[i]))
			var jobs []Statement
			for _, s := range Statements() {
				if why, _ := x.unfit(&s); why == "" && !s.Slow && (s.needs != anyBroker) == (name != "") {
					jobs = append(jobs, s)
				}
			}
			var next atomic.Int64
			for range 24 {
				all.Go(func() {
					for {
						k := int(next.Add(1)) - 1
						if k >= len(jobs) {
							return
						}
						mu.Lock()
						done := failed[jobs[k].Name()]
						mu.Unlock()
						if done {
							continue
						}
						if out := x.attempt(t.Context(), &jobs[k], jobs[k].check); out.status == Deviates {
							mu.Lock()
							failed[jobs[k].Name()] = true
							mu.Unlock()
						}
					}
				})
			}
			all.Wait()
		}
	}
	var not []string
	for _, s := range Statements() {
		if !failed[s.Name()] && !s.Slow {
			not = append(not, s.Name())
		}
	}
	if len(not) > 0 {
		t.Errorf("%d statements find nothing wrong with any broken broker:\n  %s", len(not), strings.Join(not, "\n  "))
	}
}
