package broker

import "slices"

// subscriptions of one session. Most have a few, which a list finds fastest.
type subscriptions struct {
	list  []*subscription
	index map[string]int // once the list is long

	shared int // how many are Shared Subscriptions
}

const longList = 16

func (l *subscriptions) find(filter string) int {
	if l.index != nil {
		if i, ok := l.index[filter]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(l.list, func(sub *subscription) bool { return sub.filter == filter })
}

func (l *subscriptions) add(sub *subscription) {
	if sub.via.shared() != nil {
		l.shared++
	}
	l.list = append(l.list, sub)
	switch {
	case l.index != nil:
		l.index[sub.filter] = len(l.list) - 1
	case len(l.list) > longList:
		l.index = make(map[string]int)
		for i, sub := range l.list {
			l.index[sub.filter] = i
		}
	}
}

func (l *subscriptions) remove(i int) {
	last := len(l.list) - 1
	if l.list[i].via.shared() != nil {
		l.shared--
	}
	if l.index != nil {
		delete(l.index, l.list[i].filter)
		if i != last {
			l.index[l.list[last].filter] = i
		}
	}
	l.list[i] = l.list[last]
	l.list[last] = nil
	l.list = l.list[:last]
	if last == 0 {
		*l = subscriptions{}
	}
}
