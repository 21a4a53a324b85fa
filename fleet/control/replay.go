package control

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Replaying is what somebody did to a run, to be done to another one.
type Replaying struct {
	steps  []replayed
	before time.Duration // from the beginning of the run to the start of its measuring
}

// replayed is one intervention as a request to an operation.
type replayed struct {
	metrics.Intervention
	path string // of its operation
	name string // the value of the path's parameter; "": it has none
}

// NewReplaying reads the interventions of the result of a run of a scenario like this
// server's. The error names the first that cannot be repeated.
func (s *Server) NewReplaying(of *metrics.Result) (*Replaying, error) {
	if of.InterventionsLeftOut > 0 {
		return nil, fmt.Errorf("the result leaves out %d interventions, which cannot be repeated", of.InterventionsLeftOut)
	}
	p := new(Replaying)
	if len(of.Phases) > 0 {
		p.before = -time.Duration(of.Phases[0].From)
	}
	for _, in := range of.Interventions {
		step, err := s.repeatable(in)
		if err != nil {
			return nil, fmt.Errorf("intervention %d: %w", in.N, err)
		}
		p.steps = append(p.steps, step)
	}
	slices.SortStableFunc(p.steps, func(a, b replayed) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.N, b.N)) })
	return p, nil
}

// Len returns how many interventions there are.
func (p *Replaying) Len() int { return len(p.steps) }

// repeatable finds the operation of an intervention.
func (s *Server) repeatable(in metrics.Intervention) (replayed, error) {
	id, name, named := strings.Cut(in.Op, " ")
	i := slices.IndexFunc(s.ops, func(op operation) bool { return op.id == id && op.changes() })
	if i < 0 {
		return replayed{}, fmt.Errorf("there is no %q that could be done", short(in.Op))
	}
	op := &s.ops[i]
	from, to := strings.Index(op.path, "{"), strings.Index(op.path, "}")
	if named != (from >= 0) {
		return replayed{}, fmt.Errorf("%q does not say of what, or says too much", short(in.Op))
	}
	out := replayed{Intervention: in, path: op.path, name: name}
	if named {
		out.path = op.path[:from] + url.PathEscape(name) + op.path[to+1:]
	}
	if len(in.Request) == 0 && op.body != nil && op.id != "stop" {
		return replayed{}, fmt.Errorf("what was asked for with %q is not in the result: it had more than %d bytes", id, mostNoted)
	}
	return out, nil
}

// changes reports whether an operation is an intervention.
func (op *operation) changes() bool { return op.method != "GET" && op.id != "wait" }

// Replay does again what was done, at its moments: counted from the start of measuring, or
// from the beginning of the run what was done before that could be foreseen. It returns
// when all of it is done, the run is over, or ctx is. refused is told of each that could not be
// done, one at a time.
func (s *Server) Replay(ctx context.Context, p *Replaying, refused func(in metrics.Intervention, why string)) {
	var running sync.WaitGroup
	defer running.Wait()
	var telling sync.Mutex
	turns := make(chan struct{}, atOnce)
	var last replayed
	done := make(chan struct{})
	close(done)
	for _, step := range p.steps {
		if !s.sleepUntil(ctx, p, time.Duration(step.At)) {
			return
		}
		if step.At == last.At {
			<-done // it was done before that one was asked for
		}
		turns <- struct{}{}
		last, done = step, make(chan struct{})
		over := done
		running.Go(func() {
			defer func() { <-turns }()
			defer close(over)
			if err := s.again(ctx, step, s.momentOf(p, time.Duration(step.At))); err != nil {
				telling.Lock()
				defer telling.Unlock()
				refused(step.Intervention, asProblem(err).Detail)
			}
		})
	}
}

// momentOf is a moment of the run that is repeated, on the clock of this one. It is
// known once the measuring is, unless it was before the warm-up.
func (s *Server) momentOf(p *Replaying, at time.Duration) time.Duration {
	switch {
	case !s.Scenario.Measured():
		return at
	case at < -s.Scenario.Phases.WarmUp:
		return max(at+p.before, 0)
	}
	return at - s.Fleet.OffsetOf(0)
}

// sleepUntil waits for a moment of the run that is repeated. It is false when there is
// nothing to wait for any more.
func (s *Server) sleepUntil(ctx context.Context, p *Replaying, at time.Duration) bool {
	if s.Scenario.Measured() && at >= -s.Scenario.Phases.WarmUp {
		select {
		case <-s.Fleet.Load().Begun():
		case <-s.Fleet.Over():
			return false
		case <-ctx.Done():
			return false
		}
	}
	timer := time.NewTimer(s.momentOf(p, at) - s.Fleet.Clock())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.Fleet.Over():
	case <-ctx.Done():
	}
	return false
}

// again does one intervention again, as of a moment.
func (s *Server) again(ctx context.Context, step replayed, moment time.Duration) error {
	id, _, _ := strings.Cut(step.Op, " ")
	op := &s.ops[slices.IndexFunc(s.ops, func(op operation) bool { return op.id == id })]
	r, err := http.NewRequestWithContext(ctx, op.method, step.path, nil)
	if err != nil {
		return err
	}
	if from := strings.Index(op.path, "{"); from >= 0 {
		r.SetPathValue(op.path[from+1:strings.Index(op.path, "}")], step.name)
	}
	c := &call{Server: s, op: op, w: nowhere{}, r: r, body: step.Request, asked: moment, preset: step.N, by: step.By}
	if c.body == nil && op.body != nil {
		c.body = []byte("{}")
	}
	_, err = op.do(c)
	return err
}

// nowhere is where the reply to a replayed request goes.
type nowhere struct{}

func (nowhere) Header() http.Header         { return make(http.Header) }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
