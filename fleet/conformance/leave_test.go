package conformance

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/memconn"
)

// staying keeps each connection open on which the client has said DISCONNECT.
var staying = bug{name: "no connection is closed after a DISCONNECT", all: true, keeps: func(s *lie) bool { return s.said.Load() }}

// inFakeTime examines the embedded broker of a variant through a liar, in fake time, in which
// nothing is slow.
func inFakeTime(t *testing.T, b *bug, name string, chosen func(*Statement) bool, more ...func(*Config)) (report *Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		to, err := broker.New(variants[name].config)
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		l := newLiar(b, func() (net.Conn, error) { return to.Dial(context.Background()) })
		defer l.close()
		c := Config{Run: "t", Dial: func(ctx context.Context) (net.Conn, error) {
			if over(ctx) { // as others do
				return nil, os.ErrDeadlineExceeded
			}
			near, far := memconn.Pipe(0)
			l.all.Go(func() { l.serve(far) })
			return near, nil
		}}
		for _, s := range Statements() {
			if !s.Slow && chosen(&s) {
				c.Statements = append(c.Statements, s)
			}
		}
		c.Figures = len(c.Statements) > 100
		for _, set := range more {
			set(&c)
		}
		if report, err = Examine(t.Context(), c); err != nil {
			t.Fatalf("Examine = %v; want nil", err)
		}
	})
	return report
}

func every(*Statement) bool { return true }

// A broker that never closes after a DISCONNECT costs the examination no more than a minute, and
// nothing but that is held against it.
func TestClinging(t *testing.T) {
	t.Parallel()
	plain, report := inFakeTime(t, &bug{}, "", every), inFakeTime(t, &staying, "", every)
	if n := plain.Count(Deviates) + plain.Count(Flaky); n > 0 {
		t.Errorf("%s; want no deviation without the proxy", plain.Verdict())
	}
	if plain.Clings || !report.Clings {
		t.Errorf("Clings = %v, and %v behind the proxy; want false and true", plain.Clings, report.Clings)
	}
	if report.Took > time.Minute {
		t.Errorf("it took %v; want a minute at most", report.Took)
	}
	const sentence = "; it closes no connection after a DISCONNECT, so the checks waited for that for no more than 300 ms each time"
	if v := report.Verdict(); !strings.Contains(v, sentence) || strings.Contains(plain.Verdict(), "closes no connection") {
		t.Errorf("Verdict() = %q, and %q without; want %q in the first alone", v, plain.Verdict(), sentence)
	}
	t.Logf("it took %v, and without the proxy %v", report.Took, plain.Took)
	var deviates []string
	for i := range report.Results {
		switch r := &report.Results[i]; {
		case r.Status == Deviates:
			deviates = append(deviates, r.Name())
		case r.Status != plain.Results[i].Status:
			t.Errorf("%s %s: %s; without the proxy it %s", r.Name(), r.Status, r.Seen, plain.Results[i].Status)
		}
	}
	slices.Sort(deviates)
	if !slices.Equal(deviates, stayingDeviates) {
		t.Errorf("deviates in\n  %s\nwant\n  %s", strings.Join(deviates, "\n  "), strings.Join(stayingDeviates, "\n  "))
	}
}

// TestClingingMosquitto is TestClinging for another broker, on a clock that goes on by itself:
// with HOMEFLEET_REFEREES=1, since it takes a minute of a machine that does nothing else.
func TestClingingMosquitto(t *testing.T) {
	if !whole() {
		t.Skip("it takes a minute: HOMEFLEET_REFEREES=1 does it")
	}
	path := mosquittoPath(t)
	c := Config{Dial: dialer(startLiar(t, startMosquitto(t, path, variants[""]), &staying)), Run: "t", Figures: true}
	for _, s := range Statements() {
		if !s.Slow {
			c.Statements = append(c.Statements, s)
		}
	}
	report, err := Examine(t.Context(), c)
	if err != nil {
		t.Fatalf("Examine = %v; want nil", err)
	}
	t.Logf("%v: %s", report.Took, report.Verdict())
	if report.Took > time.Minute || !report.Clings {
		t.Errorf("it took %v, Clings = %v; want a minute at most, and true", report.Took, report.Clings)
	}
	for i := range report.Results {
		switch r := &report.Results[i]; r.Status {
		case Deviates, Flaky:
			if _, staying := slices.BinarySearch(stayingDeviates, r.Name()); !staying && mosquittoDeviations[r.Name()] == "" && mosquittoVersion(path) == listedVersion {
				t.Errorf("%s: %s", r.Name(), r.Line())
			}
		case NotDecided:
			if r.needs == anyBroker {
				t.Errorf("%s is not decided: %s", r.Name(), r.Line())
			}
		}
	}
}

// stayingDeviates are the statements that a broker does not keep which keeps connections open
// after a DISCONNECT, and nothing else: sorted.
var stayingDeviates = []string{
	"3.1.1: 3.14.4-2 the server closes after DISCONNECT",
	"3.14.2.2.2 DISCONNECT with a Session Expiry where CONNECT had none is not a valid one",
	"3.14.4 the server closes after DISCONNECT",
}

// A broker that sees late that a client was cut off keeps to what the statements say of the end of
// a session all the same.
func TestLateToSeeTheEnd(t *testing.T) {
	t.Parallel()
	late := &bug{name: "sees the end of a connection 1.8 s late", all: true, end: func(*lie, error) { time.Sleep(1800 * time.Millisecond) }}
	report := inFakeTime(t, late, "", func(s *Statement) bool {
		return s.Name() == "3.1.2-23 without Session Expiry the session ends with the connection" || s.Name() == "3.1.2-23 a session lives until its expiry"
	})
	if n := report.Count(Conforms); n != 2 || len(report.Results) != 2 {
		for i := range report.Results {
			t.Errorf("%s %s: %s", report.Results[i].Name(), report.Results[i].Status, report.Results[i].Line())
		}
	}
}

// Figures that run out of time are no part of the verdict: the broker is still there.
func TestFiguresOutOfTime(t *testing.T) {
	t.Parallel()
	const quick = "3.12.4-1 PINGREQ is answered"
	noWills := &bug{name: "no Will comes", down: dropped(func(_ *lie, p pkt) bool { return p.typ() == 3 && string(p.payload()) == "gone" })}
	report := inFakeTime(t, noWills, "", func(s *Statement) bool { return s.Name() == quick }, func(c *Config) {
		c.Figures, c.Budget = true, 20*time.Second
	})
	if report.Gone != "" || report.Stopped != "" || report.Verdict() != "deviates in 1 of 2 statements" {
		t.Errorf("gone %q, stopped %q, %q; want the deviation, and no more", report.Gone, report.Stopped, report.Verdict())
	}
	out := 0
	for _, f := range report.Figures {
		if strings.Contains(f.Why, ErrBudget.Error()) {
			out++
		}
	}
	if out == 0 {
		t.Errorf("no figure ran out of time: %+v", report.Figures)
	}
}

// No two connections of what goes on at a time have the same client identifier where that is not
// what the statement is about: some servers close both then, and that is no refusal.
func TestIdentifiersAreTheirOwn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := make(map[string]int)
	report := inFakeTime(t, &bug{up: func(s *lie, p pkt) []pkt {
		if _, _, props, _, _ := p.connectAt(); p.typ() == 1 && props > 0 && s.id != "" {
			mu.Lock()
			defer mu.Unlock()
			seen[s.id]++
		}
		return []pkt{p}
	}}, "", func(s *Statement) bool { return s.Group == Format })
	if report.Count(Conforms) != len(report.Results) {
		t.Errorf("%s; want that all conform", report.Verdict())
	}
	twice := 0
	for id, n := range seen {
		if n > 1 {
			twice++
			if strings.Contains(id, "Z") || id == stranger {
				t.Errorf("%d connections are %s; want one", n, id)
			}
		}
	}
	if len(seen) < 2*len(report.Results) || twice > 20 {
		t.Errorf("%d identifiers, %d of which twice; want some for each of %d statements, and few twice", len(seen), twice, len(report.Results))
	}
}
