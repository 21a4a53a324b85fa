package broker

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// sessions are those that there are, by Client Identifier: a table that grows and shrinks
// by one bucket at a time (linear hashing). Nobody waits while all of it is moved, a
// session takes some 16 bytes of it, where a map takes up to 57, and it does not keep the
// memory of its best days. The zero value is not usable: see init.
type sessions struct {
	seed    maphash.Seed // against identifiers that are chosen to meet in one bucket
	buckets [][]*session
	count   int
}

// perBucket is how many sessions a bucket has on average when there are many.
const perBucket = 4

func (t *sessions) init() {
	t.seed = maphash.MakeSeed()
	t.buckets = make([][]*session, 1)
}

func (t *sessions) len() int { return t.count }

// bucket returns where a session is, or belongs: of as many buckets as the least power of
// two that is not below their number or, where that one is not there yet, of half as many.
func (t *sessions) bucket(id string) *[]*session {
	h := maphash.String(t.seed, id)
	n := uint64(len(t.buckets))
	most := uint64(1) << bits.Len64(n-1)
	if i := h & (most - 1); i < n {
		return &t.buckets[i]
	}
	return &t.buckets[h&(most/2-1)]
}

// get returns the session of a client, or nil.
func (t *sessions) get(id string) *session {
	for _, s := range *t.bucket(id) {
		if s.id == id {
			return s
		}
	}
	return nil
}

// put enters a session of a client that has none.
func (t *sessions) put(s *session) {
	t.count++
	t.into(s)
	if t.count > perBucket*len(t.buckets) {
		t.buckets = append(t.buckets, nil)
		from := &t.buckets[t.half(len(t.buckets)-1)]
		all := *from
		*from = nil
		for _, s := range all {
			t.into(s)
		}
	}
}

// half is the bucket that has what belongs into another one as long as that is not there.
func (t *sessions) half(i int) int { return i - 1<<(bits.Len(uint(i))-1) }

// into appends to a bucket no more than there has to be.
func (t *sessions) into(s *session) {
	b := t.bucket(s.id)
	if n := len(*b); n == cap(*b) {
		*b = append(make([]*session, 0, n+1+n/4), *b...)
	}
	*b = append(*b, s)
}

// remove takes a session out, which must be there.
func (t *sessions) remove(s *session) {
	t.count--
	b := t.bucket(s.id)
	if *b = slices.DeleteFunc(*b, func(other *session) bool { return other == s }); len(*b) == 0 {
		*b = nil
	}
	if n := len(t.buckets); n > 1 && t.count < perBucket/2*n {
		last := t.buckets[n-1]
		t.buckets[n-1] = nil
		t.buckets = t.buckets[:n-1]
		for _, s := range last {
			t.into(s)
		}
		if n < cap(t.buckets)/4 {
			t.buckets = append(make([][]*session, 0, 2*n), t.buckets...)
		}
	}
}
