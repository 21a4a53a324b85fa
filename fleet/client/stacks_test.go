package client

import (
	"testing"
	"testing/synctest"
)

// Stacks are lent to as many as want one, few are kept, and none is left when the last
// session has ended: a bubble does not end before its goroutines have.
func TestStacksEndWithTheLastSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all stacks
		all.enter()
		all.enter()
		var lent []*stack
		for range 3 * mostIdle {
			k := all.borrow()
			for _, other := range lent {
				if k == other {
					t.Fatal("a stack was lent twice")
				}
			}
			lent = append(lent, k)
		}
		for _, k := range lent {
			all.giveBack(k)
		}
		if len(all.idle) != mostIdle {
			t.Errorf("%d stacks are kept; want %d", len(all.idle), mostIdle)
		}
		if k := all.borrow(); k != lent[mostIdle-1] {
			t.Error("the stack that was used last is not lent first")
		} else {
			all.giveBack(k)
		}
		all.leave()
		if len(all.idle) != mostIdle {
			t.Errorf("%d stacks are kept while a session runs; want %d", len(all.idle), mostIdle)
		}
		all.leave()
		if len(all.idle) != 0 {
			t.Errorf("%d stacks are kept when all have ended; want none", len(all.idle))
		}
	})
}
