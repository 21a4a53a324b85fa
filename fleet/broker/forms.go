package broker

import "hash/maphash"

// maxForms bounds the forms of all filters, and maxFormsEach how many of them one
// client can have added.
const (
	maxForms     = 16 << 10
	maxFormsEach = 1000
)

// shape says where a filter has its wildcards.
type shape struct {
	plus   [(maxLevels + 63) / 64]uint64 // the levels that are +
	levels uint8                         // without a # at the end
	hash   bool                          // there is a # at the end
}

// has reports whether a level is +.
func (s *shape) has(level int) bool { return s.plus[level/64]>>(level%64)&1 != 0 }

// form is a shape that filters have. Filters without wildcards have none.
type form struct {
	shape
	wildFirst bool // 4.7.2-1: not for topics that start with $
	filters   uint32
	chain     slot     // another form, see table
	by        *session // the client who added it
}

// forms are all that there are, without gaps, so that a message has no more to look at.
type forms struct {
	list    []form
	byShape table
	seed    maphash.Seed
}

// perShape is how many forms are in one list of forms.byShape in the middle.
const perShape = 2

func (f *forms) link(n slot) *slot { return &f.list[n-1].chain }

func (f *forms) hash(n slot) uint64 { return maphash.Comparable(f.seed, f.list[n-1].shape) }

// find returns which form has a shape, from 1; 0: none.
func (f *forms) find(s shape) slot {
	if len(f.list) == 0 {
		return 0
	}
	n := f.byShape.first(maphash.Comparable(f.seed, s))
	for n != 0 && f.list[n-1].shape != s {
		n = f.list[n-1].chain
	}
	return n
}

// add notes one more filter of a shape.
func (f *forms) add(s shape, by *session) {
	n := f.find(s)
	if n == 0 {
		f.list = append(f.list, form{shape: s, wildFirst: s.levels == 0 || s.has(0), by: by})
		n = slot(len(f.list))
		f.byShape.add(f, n, f.hash(n), perShape)
		by.forms++
		by.b.memory.enter(&by.owner, costForm)
	}
	f.list[n-1].filters++
}

// remove notes one less.
func (f *forms) remove(s shape) {
	n := f.find(s)
	e := &f.list[n-1]
	if e.filters--; e.filters > 0 {
		return
	}
	e.by.forms--
	e.by.b.memory.enter(&e.by.owner, -costForm)
	f.byShape.remove(f, n, f.hash(n), perShape)
	last := slot(len(f.list))
	if n != last {
		f.list[n-1] = f.list[last-1]
		f.byShape.replace(f, last, n, f.hash(last))
	}
	f.list[last-1] = form{}
	f.list = f.list[:last-1]
	if n := len(f.list); cap(f.list) > 64 && n < cap(f.list)/4 {
		f.list = append(make([]form, 0, 2*n), f.list...)
	}
}
