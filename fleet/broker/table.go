package broker

import "math/bits"

// table finds items by what they hash to. It is a hash table with linear hashing: lists
// of items, of which one is divided when an item too many has come and two are joined
// when too many have gone. So it takes one word for perList items and a link in each, and
// nobody waits while a large one is made anew. The zero value is empty.
type table struct {
	lists []slot // the first item of each
	count int    // of items
}

// linked are the items of a table.
type linked interface {
	link(n slot) *slot // to the next item of the list
	hash(n slot) uint64
}

// list returns the list that an item with a hash is in. There is one.
func (t *table) list(hash uint64) *slot {
	all := uint64(1)<<bits.Len(uint(len(t.lists)-1)) - 1
	i := hash & all
	if i >= uint64(len(t.lists)) {
		i &= all >> 1
	}
	return &t.lists[i]
}

// first returns the first item of the list that an item with a hash is in, 0: none.
func (t *table) first(hash uint64) slot {
	if t.count == 0 {
		return 0
	}
	return *t.list(hash)
}

// add enters an item. Lists have perList items in the middle.
func (t *table) add(items linked, n slot, hash uint64, perList int) {
	if t.count++; t.count > perList*len(t.lists) {
		t.divide(items)
	}
	at := t.list(hash)
	*items.link(n) = *at
	*at = n
}

// divide makes one list more, of those items of another whose hash says so.
func (t *table) divide(items linked) {
	i := len(t.lists)
	if t.lists = append(t.lists, 0); i == 0 {
		return
	}
	from := &t.lists[i-1<<(bits.Len(uint(i))-1)]
	left := *from
	*from = 0
	for left != 0 {
		n := left
		link := items.link(n)
		left = *link
		at := t.list(items.hash(n))
		*link, *at = *at, n
	}
}

// remove takes out an item, which is there.
func (t *table) remove(items linked, n slot, hash uint64, perList int) {
	at := t.find(items, n, hash)
	*at = *items.link(n)
	*items.link(n) = 0
	if t.count--; t.count == 0 {
		t.lists = nil
	}
	for len(t.lists) > 1 && 2*t.count < perList*len(t.lists) {
		t.join(items)
	}
}

// replace puts another item, of the same hash, in the place of one, if that is there.
func (t *table) replace(items linked, old, n slot, hash uint64) {
	at := t.find(items, old, hash)
	if *at == 0 {
		return
	}
	*at = n
	*items.link(n) = *items.link(old)
	*items.link(old) = 0
}

// find returns what leads to an item, or to 0 where it is not there.
func (t *table) find(items linked, n slot, hash uint64) *slot {
	at := t.list(hash)
	for *at != n && *at != 0 {
		at = items.link(*at)
	}
	return at
}

// join is the end of what divide began.
func (t *table) join(items linked) {
	i := len(t.lists) - 1
	left := t.lists[i]
	t.lists = t.lists[:i]
	at := &t.lists[i-1<<(bits.Len(uint(i))-1)]
	for *at != 0 {
		at = items.link(*at)
	}
	*at = left
	if cap(t.lists) > 64 && len(t.lists) < cap(t.lists)/4 {
		t.lists = append(make([]slot, 0, 2*len(t.lists)), t.lists...)
	}
}
