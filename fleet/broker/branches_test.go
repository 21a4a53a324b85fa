package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Branches are a map in every respect but their size, also where they turn from
// a list into a real one and while they are removed one by one.
func TestBranches(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var b branches[int]
	want := make(map[string]*int)
	for i := range 10_000 {
		levels := 3 + i/500%20 // few, then many
		level := fmt.Sprint(random.IntN(levels))
		if random.IntN(2) == 0 {
			n := b.grow([]byte(level))
			if w := want[level]; w != nil && w != n {
				t.Fatalf("step %d: grow(%s) made another node; want the one that is there", i, level)
			}
			want[level] = n
		} else if want[level] != nil {
			b.remove([]byte(level))
			delete(want, level)
		}
		if b.len() != len(want) {
			t.Fatalf("step %d: len = %d; want %d", i, b.len(), len(want))
		}
		for k := range levels {
			level := fmt.Sprint(k)
			if got := b.get([]byte(level)); got != want[level] {
				t.Fatalf("step %d: get(%s) = %p; want %p", i, level, got, want[level])
			}
		}
		if i%100 == 99 { // all of them, every other one removed on its turn
			seen := 0
			for level, n := range b.all() {
				if n == nil || want[level] != n {
					t.Fatalf("step %d: all yields %s, %p; want %p", i, level, n, want[level])
				}
				seen++
				if seen%2 == 0 {
					b.remove([]byte(level))
					delete(want, level)
				}
			}
			if left := seen - seen/2; b.len() != left {
				t.Fatalf("step %d: %d are left of %d; want %d", i, b.len(), seen, left)
			}
		}
	}
	for level := range want {
		b.remove([]byte(level))
	}
	if b.few != nil || b.many != nil {
		t.Errorf("emptied branches hold %v and %v; want nothing", b.few, b.many)
	}
}
