package load

import (
	"errors"
	"sync"
	"time"
)

// Governors are those of all groups of controllers of a run, which send from one beginning
// to one end.
type Governors struct {
	warmUp, measure time.Duration
	epoch           time.Time // of the clock of the run

	groups      []*Group
	controllers []*Controller

	mu    sync.Mutex
	zero  time.Time     // start of measuring; zero until the load begins
	begun chan struct{} // closed once that is known
	over  bool          // nothing is sent any more
}

// NewGovernors returns those of groups that have their controllers. The measuring lasts as long as is
// said, after a warm-up; epoch is where the clock of the run begins.
func NewGovernors(groups []*Group, warmUp, measure time.Duration, epoch time.Time) *Governors {
	v := &Governors{warmUp: warmUp, measure: measure, epoch: epoch, groups: groups, begun: make(chan struct{})}
	for _, g := range groups {
		v.controllers = append(v.controllers, g.requesters...)
	}
	return v
}

// Begin starts the load, whose measuring starts at zero. Where the beginning of it all is
// long past, since a shard was started again, the slots until now were missed.
func (v *Governors) Begin(zero time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.zero = zero
	missed := -v.warmUp
	if now := time.Since(zero); now-missed > farBehind {
		missed = now
	}
	for _, r := range v.controllers {
		r.Have(func() { r.BeginAfter(zero, missed) })
	}
	close(v.begun)
}

// Begun returns a channel that is closed once it is known when the measuring starts.
func (v *Governors) Begun() <-chan struct{} { return v.begun }

// CatchUp has those without a connection enter the slots that came due.
func (v *Governors) CatchUp() {
	for _, r := range v.controllers {
		r.Have(r.CatchUp)
	}
}

// Finish ends the load.
func (v *Governors) Finish() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	for _, r := range v.controllers {
		r.Have(r.Finish)
	}
}

// Groups returns the names of the groups, in the scenario's order.
func (v *Governors) Groups() []string {
	all := make([]string, len(v.groups))
	for i, g := range v.groups {
		all[i] = g.Spec.Name
	}
	return all
}

// States returns what the load of each group is, with the changes that are made. It may be
// called from any goroutine.
func (v *Governors) States() []State {
	at := -v.warmUp
	v.mu.Lock()
	if !v.zero.IsZero() {
		at = time.Since(v.zero)
	}
	v.mu.Unlock()
	all := make([]State, len(v.groups))
	for i, g := range v.groups {
		all[i] = g.governor.state(at)
	}
	return all
}

// ErrOver says that no load is sent any more.
var ErrOver = errors.New("the load is over: nothing is sent any more")

// How far ahead of now a change is, so that every controller has heard of it.
const (
	changeAhead = 10 * time.Millisecond
	changeEach  = 2 * time.Microsecond // longer, for each controller
)

// Fits returns an [*UnfitChange] where a change does not go with one of the groups, which are
// given by their places in [Governors.Groups].
func (v *Governors) Fits(groups []int, c Change) error {
	for _, i := range groups {
		if err := v.groups[i].governor.Fits(c); err != nil {
			return err
		}
	}
	return nil
}

// Change changes the load of some groups at a moment of the run's clock: it holds from a
// little later on, so that all controllers hear of it in time, or from the beginning where the
// load has not begun. What was planned before keeps its moment. It returns how many groups have
// another load then, and from when on, counted from the start of measuring. It may be called
// from any goroutine. The errors are [ErrOver] and an [*UnfitChange], with which nothing has
// changed.
func (v *Governors) Change(moment time.Duration, groups []int, c Change) (changed int, from time.Duration, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.Fits(groups, c); err != nil {
		return 0, 0, err
	}
	from = -v.warmUp
	if !v.zero.IsZero() {
		ahead := changeAhead + time.Duration(len(v.controllers))*changeEach
		from = max(from, v.epoch.Add(moment).Sub(v.zero)+ahead)
	}
	if v.over || from >= v.measure {
		return 0, 0, ErrOver
	}
	for _, i := range groups {
		differs, err := v.groups[i].governor.change(from, c)
		if err != nil {
			return changed, from, err
		}
		if differs {
			changed++
		}
	}
	return changed, from, nil
}
