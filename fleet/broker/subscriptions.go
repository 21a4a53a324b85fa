package broker

import (
	"hash/maphash"
	"slices"
)

// subscriptions of one session. Most have a few, which a list finds fastest.
type subscriptions struct {
	list   []*subscription
	index  *index // once the list is long
	shared int    // how many are Shared Subscriptions
}

const longList = 16

// index says where filters stand in a list of subscriptions: a table with open addressing,
// which takes some eight bytes a filter, where a map takes up to 57.
type index struct {
	seed  maphash.Seed
	slots []int32 // as many as a power of two; places in the list, from 1; 0: free
}

func (l *subscriptions) find(filter string) int {
	if x := l.index; x != nil {
		return int(x.slots[x.slot(l.list, filter)]) - 1
	}
	return slices.IndexFunc(l.list, func(sub *subscription) bool { return sub.filter == filter })
}

func (l *subscriptions) add(sub *subscription) {
	if sub.via.shared() != nil {
		l.shared++
	}
	l.list = append(l.list, sub)
	n := len(l.list)
	switch x := l.index; {
	case x == nil && n <= longList:
	case x == nil || 4*n > 3*len(x.slots):
		l.index = &index{seed: maphash.MakeSeed(), slots: make([]int32, 4*longList)}
		if x != nil {
			l.index.slots = make([]int32, 2*len(x.slots))
		}
		for i, sub := range l.list {
			l.index.slots[l.index.slot(l.list, sub.filter)] = int32(i + 1)
		}
	default:
		x.slots[x.slot(l.list, sub.filter)] = int32(n)
	}
}

func (l *subscriptions) remove(i int) {
	last := len(l.list) - 1
	if l.list[i].via.shared() != nil {
		l.shared--
	}
	if x := l.index; x != nil {
		x.free(l.list, x.slot(l.list, l.list[i].filter))
		if i != last {
			x.slots[x.slot(l.list, l.list[last].filter)] = int32(i + 1)
		}
	}
	l.list[i] = l.list[last]
	l.list[last] = nil
	l.list = l.list[:last]
	if last == 0 {
		*l = subscriptions{}
	}
}

func (x *index) home(filter string) int {
	return int(maphash.String(x.seed, filter) & uint64(len(x.slots)-1))
}

// slot returns where a filter is, or the free slot where it belongs.
func (x *index) slot(list []*subscription, filter string) int {
	i := x.home(filter)
	for x.slots[i] != 0 && list[x.slots[i]-1].filter != filter {
		i = (i + 1) & (len(x.slots) - 1)
	}
	return i
}

// free empties a slot, and moves there what would not be found any more.
func (x *index) free(list []*subscription, i int) {
	mask := len(x.slots) - 1
	x.slots[i] = 0
	for k := (i + 1) & mask; x.slots[k] != 0; k = (k + 1) & mask {
		if home := x.home(list[x.slots[k]-1].filter); (k-home)&mask >= (k-i)&mask {
			x.slots[i], x.slots[k] = x.slots[k], 0
			i = k
		}
	}
}
