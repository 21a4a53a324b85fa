package fleet

import (
	"errors"
	"time"

	"homefleet/fleet/load"
)

// LoadChange is what is to be otherwise with the load of a group of controllers.
type LoadChange = load.Change

// LoadState is what the load of a group of controllers is now.
type LoadState = load.State

// ErrLoadOver says that no load is sent any more.
var ErrLoadOver = errors.New("the load is over: nothing is sent any more")

// How far ahead of now a change of the load is, so that every controller has heard of it.
const (
	changeAhead = 10 * time.Millisecond
	changeEach  = 2 * time.Microsecond // longer, for each controller
)

// LoadGroups returns the names of the groups of controllers, in the scenario's order.
func (f *Fleet) LoadGroups() []string {
	all := make([]string, len(f.scenario.Controllers))
	for i := range all {
		all[i] = f.scenario.Controllers[i].Name
	}
	return all
}

// Load returns what the load of each group is, in the same order: now or, if that is later,
// at a moment counted from the start of measuring. It may be called from any goroutine.
func (f *Fleet) Load(at time.Duration) []LoadState {
	if zero := f.zero.Load(); zero != nil {
		at = max(at, time.Since(*zero))
	}
	all := make([]LoadState, len(f.governors))
	for i, v := range f.governors {
		all[i] = v.State(at)
	}
	return all
}

// FitsLoad returns a [*load.UnfitChange] where a change does not go with one of the groups.
func (f *Fleet) FitsLoad(groups []int, c LoadChange) error {
	for _, i := range groups {
		if err := f.governors[i].Fits(c); err != nil {
			return err
		}
	}
	return nil
}

// ChangeLoad changes the load of some groups, by their places in [Fleet.LoadGroups], at a
// moment of the run's clock, [Fleet.Clock]: it holds from a little later on, so that all
// controllers hear of it in time, or from the beginning where the load has not begun. What
// was planned before keeps its moment. It returns how many groups have another load then, and from when on,
// counted as results do. It may be called from any goroutine. The errors are [ErrLoadOver] and a
// [*load.UnfitChange], with which nothing has changed.
func (f *Fleet) ChangeLoad(moment time.Duration, groups []int, c LoadChange) (changed int, from time.Duration, err error) {
	f.loadMu.Lock()
	defer f.loadMu.Unlock()
	switch f.Phase() {
	case Draining, Ended:
		return 0, 0, ErrLoadOver
	}
	if err := f.FitsLoad(groups, c); err != nil {
		return 0, 0, err
	}
	from = -f.scenario.Phases.WarmUp
	if f.zero.Load() != nil {
		ahead := changeAhead + time.Duration(len(f.requesters))*changeEach
		if from = max(from, f.OffsetOf(moment)+ahead); from >= f.scenario.Phases.Measure {
			return 0, 0, ErrLoadOver
		}
	}
	for _, i := range groups {
		differs, err := f.governors[i].Change(from, c)
		if err != nil {
			return changed, from, err
		}
		if differs {
			changed++
		}
	}
	return changed, from, nil
}

// beginLoad starts the load, whose measuring starts at zero. Nobody changes it meanwhile.
func (f *Fleet) beginLoad(zero time.Time) {
	f.loadMu.Lock()
	defer f.loadMu.Unlock()
	f.zero.Store(&zero)
	f.phase.Store(int32(WarmingUp))
	for _, r := range f.requesters {
		r.Have(func() { r.Begin(zero) })
	}
	close(f.begun)
}

// Begun returns a channel that is closed once it is known when the measuring starts.
func (f *Fleet) Begun() <-chan struct{} { return f.begun }

// Over returns a channel that is closed when Run returns.
func (f *Fleet) Over() <-chan struct{} { return f.course.over }
