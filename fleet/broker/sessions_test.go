package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// The table of sessions is a map: whoever comes and goes, each is found, and nobody else.
// Its buckets stay short, and when all have gone it is as small as it was.
func TestSessionsAreAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var table sessions
	table.init()
	want := make(map[string]*session)
	longest, ids := 0, some(5_000, 20_000)
	for step := range 3 * ids {
		id := fmt.Sprint("c", random.IntN(ids))
		grows := step/ids != 1 // then it shrinks, and grows again
		switch s := want[id]; {
		case s == nil && (grows || random.IntN(4) == 0):
			s = &session{owner: owner{id: id}}
			table.put(s)
			want[id] = s
		case s != nil && (!grows || random.IntN(4) == 0):
			table.remove(s)
			delete(want, id)
		}
		if step%(ids/4) != 0 {
			continue
		}
		for i := range ids {
			if id := fmt.Sprint("c", i); table.get(id) != want[id] {
				t.Fatalf("step %d: %q finds %p; want %p", step, id, table.get(id), want[id])
			}
		}
		for _, b := range table.buckets {
			longest = max(longest, len(b))
		}
		if table.len() != len(want) {
			t.Fatalf("step %d: len() = %d; want %d", step, table.len(), len(want))
		}
	}
	if longest > 10*perBucket {
		t.Errorf("a bucket has %d sessions; want at most %d", longest, 10*perBucket)
	}
	for _, s := range want {
		table.remove(s)
	}
	if table.len() != 0 || len(table.buckets) != 1 || cap(table.buckets) > 8 {
		t.Errorf("without sessions there are %d, in %d buckets with room for %d; want 0, 1, at most 8", table.len(), len(table.buckets), cap(table.buckets))
	}
}

// The least that a session takes, which a CONNECT of some 20 bytes makes the broker keep.
func TestSessionIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(session{}); got > 96 {
		t.Errorf("a session takes %d bytes; want at most 96, which is what the runtime gives for it", got)
	}
	if got := unsafe.Sizeof(subscription{}); got > 36 {
		t.Errorf("a subscription takes %d bytes; want at most 36", got)
	}
	if got := unsafe.Sizeof(group{}); got > 32 {
		t.Errorf("a Shared Subscription takes %d bytes beside its members; want at most 32", got)
	}
	if got := unsafe.Sizeof(state{}); got > 256 {
		t.Errorf("what a session with subscriptions has takes %d bytes; want at most 256", got)
	}
}
