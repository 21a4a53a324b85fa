package metrics

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
)

// Intervention is something that somebody did to a run while it ran. A run with any is
// attended, and not the same as one without.
type Intervention struct {
	N        int             `json:"n"` // from 1, in the order in which they were asked for
	At       Span            `json:"at"`
	By       string          `json:"by"`                // how it came: "control"
	Op       string          `json:"op"`                // what was asked for
	Request  json.RawMessage `json:"request,omitempty"` // how
	Selected int             `json:"selected"`          // devices that were meant, or groups of controllers
	Done     int             `json:"done"`              // of these, with which something was done
}

// mostInterventions bounds those that a result lists.
const mostInterventions = 10_000

// Interventions are those of a run, with their moments on its clock. The zero value is
// empty; it may be used from any goroutine.
type Interventions struct {
	mu    sync.Mutex
	given int            // numbers
	open  []Intervention // begun, and not noted yet
	noted []Intervention // in the order in which they came to their ends
	more  int
}

// Next gives out the number of one: the first is 1.
func (i *Interventions) Next() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.given++
	return i.given
}

// Take has a number be given out, and all below it: a replay has the numbers of the run that
// it repeats.
func (i *Interventions) Take(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.given = max(i.given, n)
}

// Given returns how many numbers were given out.
func (i *Interventions) Given() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.given
}

// Begin enters one that takes its time, with nobody done yet: who asks before Note is called
// is told of it. What a run that ends meanwhile did not wait for is in its result so.
func (i *Interventions) Begin(in Intervention) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.open = append(i.open, in)
}

// Note enters one that has come to its end, in the place of what Begin was given. Those
// beyond 10,000 are only counted.
func (i *Interventions) Note(in Intervention) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.open = slices.DeleteFunc(i.open, func(begun Intervention) bool { return begun.N == in.N })
	if len(i.noted) >= mostInterventions {
		i.more++
		return
	}
	i.noted = append(i.noted, in)
}

// Count returns how many were entered.
func (i *Interventions) Count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.open) + len(i.noted) + i.more
}

// NotedSince returns those that came to their ends after so many others had, in that order,
// with their moments counted from zero; and how many have by now, for the next call.
func (i *Interventions) NotedSince(seen int, zero Span) (later []Intervention, now int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	later = slices.Clone(i.noted[min(seen, len(i.noted)):])
	for k := range later {
		later[k].At -= zero
	}
	return later, len(i.noted)
}

// All returns them, those under way too, in the order of their numbers, with their moments
// counted from zero, and how many more there were.
func (i *Interventions) All(zero Span) (all []Intervention, more int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	all = slices.Concat(i.noted, i.open)
	for k := range all {
		all[k].At -= zero
	}
	slices.SortStableFunc(all, func(a, b Intervention) int { return cmp.Compare(a.N, b.N) })
	return all, i.more
}
