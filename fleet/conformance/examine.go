package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Config is how a broker is examined.
type Config struct {
	// Dial opens a connection that is ready for a CONNECT. It is called from
	// several goroutines at a time.
	Dial     func(context.Context) (net.Conn, error)
	Username string  // "": none
	Password *string // nil: none
	// TopicPrefix stands before every topic, such as "open/".
	TopicPrefix string
	// ForbiddenTopic is one that the user may neither publish nor subscribe to;
	// "" if none is known.
	ForbiddenTopic string
	// OtherUsername and OtherPassword are a second user's; "" and nil where there is none.
	OtherUsername string
	OtherPassword *string
	// Far opens a connection to a second broker, which this one hands all messages
	// on to over a bridge; nil: there is none.
	Far func(context.Context) (net.Conn, error)
	// ResponseInformation: the broker is set up to give the user some.
	ResponseInformation bool
	// Run tells this examination's client identifiers and topics from those of
	// others: letters and digits, at most 8.
	Run        string
	Statements []Statement
	Parallel   int           // checks at a time; 0: 16
	Attempts   int           // of what fails; 0: 3
	Budget     time.Duration // of it all; 0: no bound
	Trace      bool          // results have what went over the wire
	Figures    bool          // times are measured beside the checks
	// Progress is called after each check, by one goroutine at a time; nil: nobody looks on.
	Progress func(done, of int)

	patience time.Duration // of a check with what must come; 0: usualPatience
}

// ErrBudget ends what has not been done when the time is up.
var ErrBudget = errors.New("the time for all checks was up")

// examiner is one examination of a broker.
type examiner struct {
	cfg      Config
	facts    Facts
	password *string
	patience time.Duration
	early    time.Duration // how long a subscription takes after its SUBACK
	usual    time.Duration // how long a CONNACK takes, where nothing else goes on
	numbered atomic.Int64  // runs so far
	left     atomic.Int64  // sessions and topics that could not be cleared
	cleared  atomic.Bool   // some could
	stalls   stalls
	leavings leavings

	mu       sync.Mutex
	controls map[Group]*shared
	gone     error // the first dial that failed
	done     int
	total    int
}

// Examine checks the statements against a broker. The error says why it could not
// be done at all; what the broker does wrong stands in the report.
func Examine(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Budget > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, cfg.Budget, ErrBudget)
		defer stop()
	}
	x := newExaminer(cfg)
	defer x.stalls.watch()()
	start := time.Now()
	if err := x.learn(ctx); err != nil {
		return nil, err
	}
	basics, rest := x.divided()
	x.total = len(basics) + len(rest)
	figures := func() []Figure { return nil }
	if cfg.Figures && !x.facts.OldOnly {
		figures = x.figures(ctx)
	}
	defer x.seeLeaving(ctx)()
	results := x.all(ctx, basics)
	for i := range results {
		x.repeat(ctx, &results[i])
	}
	causes := causesOf(results)
	others := x.all(ctx, rest)
	x.again(ctx, others, causes)
	results = append(results, others...)
	x.calmly(ctx, results)
	stopped, cause := "", context.Cause(ctx)
	if cause != nil {
		stopped = why(ctx)
	}
	measured := figures() // they may run out of time, and are no part of the verdict
	report := &Report{Facts: x.facts, Began: start, Took: time.Since(start), Clings: x.leavings.clings(), Left: int(x.left.Load()), Figures: measured, Stopped: stopped}
	if x.early > 0 {
		report.Early = x.early
	}
	for i := range results {
		r := &results[i]
		causes.attribute(r)
		if r.chosen || r.Status == Deviates || r.Status == Flaky {
			report.Results = append(report.Results, *r)
		}
	}
	groups := Groups()
	slices.SortStableFunc(report.Results, func(a, b Result) int {
		return cmp.Or(slices.Index(groups, a.Group)-slices.Index(groups, b.Group), a.place-b.place)
	})
	if x.gone != nil && cause == nil {
		report.Gone = x.gone.Error()
	}
	return report, cause
}

// newExaminer is one that has not begun.
func newExaminer(cfg Config) *examiner {
	cfg.Parallel = cmp.Or(cfg.Parallel, 16)
	cfg.Attempts = cmp.Or(cfg.Attempts, 3)
	return &examiner{cfg: cfg, password: cfg.Password, patience: cmp.Or(cfg.patience, usualPatience), controls: make(map[Group]*shared)}
}

// divided returns what others rest upon, whether it was chosen or not, and the
// others that were chosen.
func (x *examiner) divided() (basics, rest []job) {
	chosen := make(map[string]bool)
	for _, s := range x.cfg.Statements {
		chosen[s.Name()] = true
	}
	for i, s := range Statements() {
		switch j := (job{s, i, chosen[s.Name()]}); {
		case s.proves != 0:
			basics = append(basics, j)
		case j.chosen:
			rest = append(rest, j)
		}
	}
	return basics, rest
}

// job is a statement to be checked.
type job struct {
	Statement
	place  int // among all
	chosen bool
}

// all checks statements, some at a time.
func (x *examiner) all(ctx context.Context, jobs []job) []Result {
	results := make([]Result, len(jobs))
	inTurn(len(jobs), x.cfg.Parallel, func(i int) {
		results[i] = x.check(ctx, jobs[i])
		x.progress()
	})
	return results
}

// inTurn does each of n things in turn, some at a time.
func inTurn(n, atATime int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(atATime, n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

func (x *examiner) progress() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.done++
	if x.cfg.Progress != nil {
		x.cfg.Progress(x.done, x.total)
	}
}

// check carries out a check, and where it finds nothing wrong, its control: what
// must go well for the check to mean something.
func (x *examiner) check(ctx context.Context, j job) Result {
	r := Result{Statement: j.Statement, place: j.place, chosen: j.chosen}
	x.checkInto(ctx, &r)
	return r
}

// checkInto is check for a result that names its statement.
func (x *examiner) checkInto(ctx context.Context, r *Result) {
	if why, status := x.unfit(&r.Statement); why != "" {
		r.Status, r.Seen, r.Attempts = status, why, 1
		return
	}
	out := x.tried(ctx, &r.Statement, r.check)
	r.Attempts = 1
	r.take(&out)
	if r.Status == Conforms {
		if end := x.controlled(ctx, &r.Statement); end.status != Conforms {
			r.Status, r.Expected, r.Slow = NotDecided, end.expected, end.slow
			r.Seen = "the control failed, so that the check means nothing: " + end.seen
		}
	}
}

// mostExcused is how often a check or control is done again that may have failed because of
// this machine.
const mostExcused = 4

// tried is attempt, and again while what failed may be this machine's fault.
func (x *examiner) tried(ctx context.Context, s *Statement, check func(*run)) outcome {
	out := x.attempt(ctx, s, check)
	for range mostExcused {
		if !out.slow || ctx.Err() != nil {
			break
		}
		out = x.attempt(ctx, s, check)
	}
	return out
}

// repeat does a check that failed again, until it has been done as often as wanted.
func (x *examiner) repeat(ctx context.Context, r *Result) {
	if r.Status != Deviates {
		return
	}
	failed, passed, slow := 1, 0, false
	for r.Attempts < x.cfg.Attempts && ctx.Err() == nil {
		r.Attempts++
		switch out := x.attempt(ctx, &r.Statement, r.check); out.status {
		case Deviates:
			failed++
		case Conforms:
			passed++
		default:
			slow = slow || out.slow
		}
	}
	r.Failed = failed
	switch {
	case ctx.Err() != nil:
		r.Status, r.Seen = NotDecided, why(ctx)
	case passed > 0:
		r.Status = Flaky
	case failed < 2 && x.cfg.Attempts > 1:
		r.Status, r.Slow = NotDecided, slow
	}
}

// again repeats what failed and is no echo, a few at a time: what takes longest first, so that
// not all wait for that in the end.
func (x *examiner) again(ctx context.Context, results []Result, c causes) {
	var failed []*Result
	for i := range results {
		if r := &results[i]; r.Status == Deviates && c.of(r) == nil {
			failed = append(failed, r)
		}
	}
	slices.SortStableFunc(failed, func(a, b *Result) int { return cmp.Compare(b.Took, a.Took) })
	inTurn(len(failed), x.cfg.Parallel, func(i int) { x.repeat(ctx, failed[i]) })
}

// calmly asks once more what this machine was too slow for, now that less goes on.
func (x *examiner) calmly(ctx context.Context, results []Result) {
	var slow []*Result
	for i := range results {
		if r := &results[i]; r.Slow && r.Status == NotDecided {
			slow = append(slow, r)
		}
	}
	inTurn(len(slow), min(x.cfg.Parallel, 4), func(i int) {
		if ctx.Err() == nil {
			x.checkInto(ctx, slow[i])
			x.repeat(ctx, slow[i])
		}
	})
}

// prefix is one that no other run has.
func (x *examiner) prefix() string {
	return "hc" + x.cfg.Run + strconv.FormatInt(x.numbered.Add(1)+35, 36)
}

// unreachable notes that the broker could not be reached.
func (x *examiner) unreachable(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.gone == nil {
		x.gone = err
	}
}

// unfit says why a statement cannot be checked with this broker; "" if it can.
func (x *examiner) unfit(s *Statement) (string, Status) {
	f := &x.facts
	switch {
	case f.OldOnly && !s.Old():
		return "the broker does not speak MQTT 5", NotSupported
	case s.needs != anyBroker && !x.has(s.needs):
		return "needs " + s.needs.String(), NotDecided
	case s.needs != serverKeepAlive && f.ServerKeepAlive >= 1 && f.ServerKeepAlive < 5:
		return fmt.Sprintf("the Server Keep Alive of %d s is too short for it", f.ServerKeepAlive), NotDecided
	}
	return "", ""
}

// has reports whether the broker is set up so.
func (x *examiner) has(n need) bool {
	f := &x.facts
	switch n {
	case lowQoS:
		return f.MaximumQoS == 1
	case noRetain:
		return !f.Retain
	case serverKeepAlive:
		return f.ServerKeepAlive >= 1 && f.ServerKeepAlive <= 3
	case noWildcards:
		return !f.Wildcards
	case noIdentifiers:
		return !f.Identifiers
	case noShared:
		return !f.Shared
	case noAliases:
		return f.TopicAliasMaximum == 0 && !f.OldOnly
	case users:
		return f.Guarded
	case forbidden:
		return x.cfg.ForbiddenTopic != ""
	case otherUser:
		return x.cfg.OtherUsername != "" && f.ResponseInformation != ""
	case bridged:
		return x.cfg.Far != nil
	case responseInformation:
		return f.ResponseInformation != "" || x.cfg.ResponseInformation
	}
	return true
}
