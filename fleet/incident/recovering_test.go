package incident

import "testing"

// A device that is struck again and again and does not come back is followed for so
// many incidents at most.
func TestFollowingIsBounded(t *testing.T) {
	var l Recovering
	recs := make([]*Recovery, 3*MostFollowed)
	for i := range recs {
		recs[i] = new(Recovery)
		l.Add(recs[i])
	}
	n := 0
	for f := l.first; f != nil; f = f.next {
		n++
	}
	if n != MostFollowed || l.first.rec != recs[2*MostFollowed] {
		t.Errorf("followed for %d incidents; want the last %d", n, MostFollowed)
	}
	if rec := recs[5]; rec.affected != 1 || rec.overlap != 1 || !rec.complete() {
		t.Errorf("%d affected, %d by another as well, complete: %v; want 1 and 1, once, and that nobody waits", rec.affected, rec.overlap, rec.complete())
	}
}
