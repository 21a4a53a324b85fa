package broker

import "iter"

// branches are the children of a node, by their level of the topic. Most nodes
// have one child or a few, for which a map would take several times the memory
// of a list. The zero value has none.
type branches[N any] struct {
	few  []branch[N]
	many map[string]*N // all of them, once few would be too long
}

type branch[N any] struct {
	level string
	node  *N
}

// fewBranches is how many are kept in a list.
const fewBranches = 8

func (b *branches[N]) len() int { return len(b.few) + len(b.many) }

// get returns a child, or nil.
func (b *branches[N]) get(level []byte) *N {
	if b.many != nil {
		return b.many[string(level)]
	}
	for i := range b.few {
		if b.few[i].level == string(level) {
			return b.few[i].node
		}
	}
	return nil
}

// grow returns a child, which it makes if there is none.
func (b *branches[N]) grow(level []byte) *N {
	n := b.get(level)
	if n != nil {
		return n
	}
	n = new(N)
	if b.many == nil && len(b.few) < fewBranches {
		b.few = append(b.few, branch[N]{string(level), n})
		return n
	}
	if b.many == nil {
		b.many = make(map[string]*N, 2*fewBranches)
		for _, f := range b.few {
			b.many[f.level] = f.node
		}
		b.few = nil
	}
	b.many[string(level)] = n
	return n
}

// remove takes out a child that is there.
func (b *branches[N]) remove(level []byte) {
	if b.many != nil {
		delete(b.many, string(level))
		if len(b.many) == 0 {
			b.many = nil
		}
		return
	}
	for i := range b.few {
		if b.few[i].level != string(level) {
			continue
		}
		last := len(b.few) - 1
		b.few[i] = b.few[last]
		b.few[last] = branch[N]{}
		b.few = b.few[:last]
		break
	}
	if len(b.few) == 0 {
		b.few = nil
	}
}

// all yields the children, each of which may be removed when it is its turn.
func (b *branches[N]) all() iter.Seq2[string, *N] {
	return func(yield func(string, *N) bool) {
		for level, n := range b.many {
			if !yield(level, n) {
				return
			}
		}
		// Backwards, because remove moves the last one.
		for i := len(b.few) - 1; i >= 0; i-- {
			if !yield(b.few[i].level, b.few[i].node) {
				return
			}
		}
	}
}
