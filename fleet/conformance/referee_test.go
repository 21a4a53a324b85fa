package conformance

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"homefleet/fleet/broker"
)

// lying is how the broker of a bug's variant is examined through a liar.
func lying(t *testing.T, target, run string, b *bug) Config {
	c := Config{Dial: dialer(startLiar(t, target, b)), Run: run, Parallel: 48, Attempts: 2, patience: 1500 * time.Millisecond}
	if whole() {
		c.patience = 4 * time.Second
	}
	if v := variants[b.variant]; v.examine != nil {
		v.examine(&c)
	}
	if b.with != nil {
		b.with(&c)
	}
	return c
}

// accused puts a bug before the statement that names it, and no other.
func accused(t *testing.T, target, run string, b *bug) *Report {
	x := newExaminer(lying(t, target, run, b))
	patience := x.patience
	x.patience = usualPatience
	if err := x.learn(t.Context()); err != nil {
		t.Errorf("%s: learn = %v; want nil", b.name, err)
	}
	x.patience = patience
	var results []Result
	for _, s := range Statements() {
		if s.Name() == b.caught {
			var r Result
			for r.Status = NotDecided; r.Status == NotDecided && x.patience < time.Minute; x.patience *= 4 {
				r = x.check(t.Context(), job{Statement: s, chosen: true}) // again: this machine may be busy with something else
				x.repeat(t.Context(), &r)
			}
			results = append(results, r)
		}
	}
	return &Report{Facts: x.facts, Results: results}
}

// refereed examines the broker of a bug's variant through a liar.
func refereed(t *testing.T, target, run string, b *bug, only func(*Statement) bool) *Report {
	c := lying(t, target, run, b)
	for _, s := range Statements() {
		if !s.Slow && only(&s) {
			c.Statements = append(c.Statements, s)
		}
	}
	report, err := Examine(t.Context(), c)
	if err != nil {
		t.Errorf("%s: Examine = %v; want nil", b.name, err)
		return &Report{}
	}
	return report
}

// judge says what is wrong with the report on a broker with a bug: the statement that
// names it has to deviate, and another one only where it rightly says the same.
func (b *bug) judge(r *Report) (faults []string, others, echoes int) {
	caught := false
	for i := range r.Results {
		x := &r.Results[i]
		if x.EchoOf != "" {
			echoes++
			continue
		}
		if x.Status != Deviates && x.Status != Flaky {
			continue
		}
		line := x.Name() + ": " + x.Line()
		switch {
		case x.Name() == b.caught:
			caught = true
		case slices.ContainsFunc(b.says, func(s string) bool { return strings.Contains(line, s) }):
			others++
		default:
			faults = append(faults, "accuses falsely: "+line)
		}
	}
	if !caught {
		faults = append(faults, fmt.Sprintf("not caught by %q; the verdict is %q", b.caught, r.Verdict()))
	}
	return faults, others, echoes
}

// whole reports whether each bug is put before all statements, which takes minutes and
// shows whom else they accuse: .ci/referees does.
func whole() bool { return os.Getenv("HOMEFLEET_REFEREES") == "1" }

// The referees are refereed: each bug is found by the statement that names it; with
// HOMEFLEET_FULL=1 none of those that others rest upon accuses the broker of something
// else, and with HOMEFLEET_REFEREES=1 none of all.
func TestRefereesAreRefereed(t *testing.T) {
	t.Parallel()
	targets := make(map[string]string)
	for _, name := range []string{"", "users", "bridged"} {
		config := variants[name].config
		config.Limits = broker.Limits{MaximumPacketSize: 200_000}
		if name == "" {
			config.Limits.ReceiveMaximum = 10
		}
		targets[name], _ = startEmbedded(t, config)
	}
	known := make(map[string]bool)
	for _, s := range Statements() {
		known[s.Name()] = true
	}
	if len(bugs) < 40 {
		t.Errorf("there are %d bugs; want forty at least", len(bugs))
	}
	var mu sync.Mutex
	rows := make(map[string]string)
	t.Run("bugs", func(t *testing.T) {
		slots := make(chan struct{}, some(len(bugs), 24)) // nearly all of the time is waiting
		if whole() {
			slots = make(chan struct{}, 8)
		}
		for i := range bugs {
			b := &bugs[i]
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				if !known[b.caught] {
					t.Fatalf("%q is to be caught by %q, which is no statement", b.name, b.caught)
				}
				run := fmt.Sprintf("t%02d", i)
				var report *Report
				if whole() || some(false, true) {
					report = refereed(t, targets[b.variant], run, b, func(s *Statement) bool { return whole() || s.Name() == b.caught })
				} else {
					report = accused(t, targets[b.variant], run, b)
				}
				faults, others, echoes := b.judge(report)
				for _, f := range faults {
					t.Error(f)
				}
				mu.Lock()
				defer mu.Unlock()
				rows[b.name] = fmt.Sprintf("%s\t%s\t%d\t%d", b.name, b.caught, others, echoes)
			})
		}
	})
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "bug\tcaught by\tothers that say so\techoes")
	for i := range bugs {
		fmt.Fprintln(w, rows[bugs[i].name])
	}
	_ = w.Flush()
	t.Logf("%d bugs\n%s", len(bugs), table.String())
}
