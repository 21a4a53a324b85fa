package conformance

import (
	"strings"
	"sync"
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
	{name: "deaf to DISCONNECT", all: true, up: dropped(func(_ *lie, p pkt) bool { return p.typ() == 14 })},
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
	found := &failures{failed: make(map[string]bool)}
	for i := range bugs {
		found.failed[bugs[i].caught] = true // or that test fails
	}
	var all sync.WaitGroup
	for name, v := range variants {
		target, _ := startEmbedded(t, v.config)
		all.Go(func() {
			for i := range broken {
				found.look(t, target, name, v, i)
			}
		})
	}
	all.Wait()
	var not []string
	for _, s := range Statements() {
		if !found.failed[s.Name()] && !s.Slow {
			not = append(not, s.Name())
		}
	}
	if len(not) > 0 {
		t.Errorf("%d statements find nothing wrong with any broken broker:\n  %s", len(not), strings.Join(not, "\n  "))
	}
}

// failures are the statements that have found something wrong with a broken broker.
type failures struct {
	mu     sync.Mutex
	failed map[string]bool
}

// look puts a broken broker of a variant before the statements that have found nothing yet.
// Nearly all of the time is waiting, so a great many are checked at a time.
func (f *failures) look(t *testing.T, target, name string, v variant, i int) {
	c := Config{Dial: dialer(target), Run: "f" + string(rune('a'+i))}
	if v.examine != nil {
		v.examine(&c)
	}
	x := newExaminer(c)
	if err := x.learn(t.Context()); err != nil {
		t.Errorf("learn = %v; want nil", err)
		return
	}
	x.patience = time.Second
	x.cfg.Dial = dialer(startLiar(t, target, &broken[i]))
	slots := make(chan struct{}, 96)
	var all sync.WaitGroup
	for _, s := range Statements() {
		f.mu.Lock()
		done := f.failed[s.Name()]
		f.mu.Unlock()
		if why, _ := x.unfit(&s); done || why != "" || s.Slow || (s.needs != anyBroker) != (name != "") {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if out := x.tried(t.Context(), &s, s.check); out.status == Deviates {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.failed[s.Name()] = true
			}
		})
	}
	all.Wait()
}
