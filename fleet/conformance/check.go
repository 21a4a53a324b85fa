package conformance

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// usualPatience is how long something may take that must come; soon is how long it is
// waited for what must not come, where no other message can tell that it would have.
const (
	usualPatience = 5 * time.Second
	soon          = 150 * time.Millisecond
)

// run is one statement being checked against one broker, in one goroutine. Its
// methods end the check at the first fault.
type run struct {
	mu      sync.Mutex // of clients, which are closed from elsewhere, too
	ctx     context.Context
	x       *examiner
	prefix  string // of the run's client identifiers
	version byte   // of MQTT, where a check does not say
	clients []*client
	last    *client // that published last
	named   int     // clients without a name of their own so far

	used        feature
	judged      int    // what was looked at and could have been wrong
	blind       string // why it cannot be told that nothing came
	trace       trace
	uncorrected bool // subscriptions are used at once
	// slowest is the longest that a connection, or an answer that is due at once, took or has
	// taken;
	// overslept is how much longer than it was to a wait took.
	slowest, overslept time.Duration
	// excuse says why what was found may be this machine's fault, where it may be; nil: it
	// cannot.
	excuse func() string

	sessions map[string]byte // client identifiers that may have left a session, and their version
	kept     map[string]bool // topics that may have a retained message
}

// ended is how a check ends before its last line.
type ended struct {
	status         Status
	expected, seen string
	slow           bool // nothing could be told, since this machine, the network or the broker took too long
}

// fault ends the check with a deviation. seen says what came instead of what was
// expected.
func (r *run) fatalf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	seen, expected, _ := strings.Cut(text, "; want ")
	panic(ended{status: Deviates, expected: expected, seen: seen})
}

// expect is fatalf unless ok.
func (r *run) expect(ok bool, format string, args ...any) {
	r.judged++
	if !ok {
		r.fatalf(format, args...)
	}
}

// skipf ends a check of something that this broker may do without, and does.
func (r *run) skipf(format string, args ...any) {
	panic(ended{status: NotSupported, seen: fmt.Sprintf(format, args...)})
}

// undecided ends a check that cannot tell.
func (r *run) undecided(format string, args ...any) {
	panic(ended{status: NotDecided, seen: fmt.Sprintf(format, args...)})
}

// within ends a check that can tell only what happens within a time of a moment,
// where this machine or the network were slower than that.
func (r *run) within(since time.Time, limit time.Duration) {
	if d := time.Since(since); d > limit {
		panic(tooSlow("this machine or the network was too slow: %v passed where it takes less than %v to tell", d.Round(time.Millisecond), limit))
	}
}

// tooSlow is the end of a check that could not tell, and may at another time.
func tooSlow(format string, args ...any) ended {
	return ended{status: NotDecided, slow: true, seen: fmt.Sprintf(format, args...)}
}

// tardy is the excuse of a check whose clients had to say something each so often, where
// one was late with it, or may have been for the server: what comes late there is not known, but
// how long answers took is.
func (r *run) tardy(limit time.Duration, clients ...*client) string {
	late := max(0, r.slowest-r.x.usual)
	for _, c := range clients {
		if c.pause+late > limit {
			return fmt.Sprintf("this machine was too slow: %s said nothing for %v, where it has to within %v, and an answer took up to %v", c.name,
				c.pause.Round(time.Millisecond), limit, r.slowest.Round(time.Millisecond))
		}
	}
	return ""
}

// wait lets time pass.
func (r *run) wait(d time.Duration) {
	start := time.Now()
	select {
	case <-time.After(d):
		r.overslept = max(r.overslept, time.Since(start)-d)
	case <-r.ctx.Done():
		r.undecided("%s", why(r.ctx))
	}
}

// topic is a topic or filter of this run's own.
func (r *run) topic(s string) string { return r.x.cfg.TopicPrefix + r.prefix + "/" + s }

// id is a client identifier of this run's own.
func (r *run) id(s string) string { return r.prefix + s }

// timed reports whether a fault is that something did not come, or not in time.
func (e *ended) timed() bool {
	for _, s := range []string{"got nothing", "no answer", "still connected", "cannot send", "end of the connection", " after "} {
		if strings.Contains(e.seen, s) {
			return true
		}
	}
	return false
}

// outcome is how one attempt ended.
type outcome struct {
	ended
	used  feature
	trace trace
	took  time.Duration
	stood time.Duration // for how long this machine stood still meanwhile

	slowest, overslept time.Duration // see run
}

// attempt carries out one check or control.
func (x *examiner) attempt(ctx context.Context, s *Statement, check func(*run)) (out outcome) {
	r := &run{ctx: ctx, x: x, prefix: x.prefix(), version: 5, sessions: make(map[string]byte), kept: make(map[string]bool)}
	if s.Group == Old && x.facts.OldOnly {
		r.version = 4
	}
	r.trace.on = x.cfg.Trace
	start := time.Now()
	stop := context.AfterFunc(ctx, r.hangUp)
	func() {
		defer func() {
			switch end := recover().(type) {
			case nil:
				out.ended = ended{status: Conforms}
			case ended:
				out.ended = end
			default: // a broker must not be able to end the program
				out.ended = ended{status: NotDecided, seen: fmt.Sprintf("the check itself failed, please report it: %v, at %s", end, place(debug.Stack()))}
			}
		}()
		check(r)
	}()
	stop()
	out.took = time.Since(start)
	out.stood, out.slowest, out.overslept = x.stalls.since(start), r.slowest, r.overslept
	excuse := ""
	if out.status == Deviates && r.excuse != nil {
		excuse = r.excuse()
	}
	switch {
	case excuse != "":
		out.ended = tooSlow("%s", excuse)
	case out.status == Deviates && out.stood > 0 && out.timed():
		out.ended = tooSlow("this machine stood still for %v meanwhile", out.stood.Round(time.Millisecond))
	case out.status == Deviates && out.overslept > late/2:
		out.ended = tooSlow("this machine was too slow: a wait took %v more than it was to", out.overslept.Round(time.Millisecond))
	case out.status == Deviates && out.slowest > late+3*x.usual:
		out.ended = tooSlow("the broker or this machine was slow: an answer took %v, which took %v before", out.slowest.Round(time.Millisecond), x.usual.Round(time.Millisecond))
	case out.slow:
	case ctx.Err() != nil:
		out.ended = ended{status: NotDecided, seen: why(ctx)}
	case out.status == Conforms && r.judged == 0:
		out.ended = ended{status: NotDecided, seen: "the check has judged nothing, please report it"}
	case out.status == Conforms && r.blind != "":
		out.ended = ended{status: NotDecided, seen: r.blind}
	}
	out.used, out.trace = r.used, r.trace
	r.tidy()
	r.hangUp()
	return out
}

// why says what ended a context.
func why(ctx context.Context) string { return context.Cause(ctx).Error() }

// place is where in this package a stack says that something happened.
func place(stack []byte) string {
	for line := range strings.Lines(string(stack)) {
		if i := strings.Index(line, "fleet/conformance/"); i >= 0 && !strings.Contains(line, "check.go") && strings.Contains(line, ".go:") {
			return strings.Fields(line[i:])[0]
		}
	}
	return "an unknown place"
}

// hangUp closes all connections of the check.
func (r *run) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		_ = c.c.Close()
	}
}
