package deliveries

import "math/bits"

// receipt is what of one stream came to one account. All below floor is decided;
// the bits from there say what has come. 24 bytes, and where something is missing
// or out of order, or a subscription is shared, some more.
type receipt struct {
	floor uint32
	top   uint32 // one more than the highest that came; 0: none did
	word  uint64 // floor to floor+63
	more  *more
}

// more is what few receipts need.
type more struct {
	words  []uint64 // from floor+64 on
	order  []place  // of a shared subscription, by member
	missed bool     // something below floor did not come
}

// place is how far one member of a shared subscription has come in a stream.
type place struct{ member, top uint32 }

// Bounds of a receipt.
const (
	mostWords   = 64 // 4,096 messages from the first that is missing
	mostMembers = 16 // whose order is judged, of a shared subscription
)

func (r *receipt) beyond() *more {
	if r.more == nil {
		r.more = new(more)
	}
	return r.more
}

// has reports whether a sequence from floor on has come.
func (r *receipt) has(seq uint32) bool {
	i := (seq - r.floor) / 64
	switch {
	case i == 0:
		return r.word&(1<<(seq%64)) != 0
	case r.more == nil || int(i) > len(r.more.words):
		return false
	}
	return r.more.words[i-1]&(1<<(seq%64)) != 0
}

// set notes that a sequence has come. There is room for it: see overflow.
func (r *receipt) set(seq uint32) {
	i := (seq - r.floor) / 64
	if i == 0 {
		r.word |= 1 << (seq % 64)
	} else {
		m := r.beyond()
		for len(m.words) < int(i) {
			m.words = append(m.words, 0)
		}
		m.words[i-1] |= 1 << (seq % 64)
	}
	for r.word == ^uint64(0) {
		r.shift()
	}
}

// overflow returns by how many words floor has to be moved so that there is room
// for a sequence.
func (r *receipt) overflow(seq uint32) uint32 {
	i := (seq - r.floor) / 64
	if i < mostWords {
		return 0
	}
	return i - mostWords + 1
}

// shift moves floor by one word.
func (r *receipt) shift() {
	r.floor += 64
	r.word = 0
	if m := r.more; m != nil && len(m.words) > 0 {
		r.word = m.words[0]
		m.words = m.words[:copy(m.words, m.words[1:])]
		if len(m.words) == 0 {
			m.words = nil
		}
	}
}

// skip moves floor by many words.
func (r *receipt) skip(words uint32) {
	for ; words > 0 && (r.word != 0 || r.more != nil && len(r.more.words) > 0); words-- {
		r.shift()
	}
	r.floor += 64 * words
}

// gap is messages that did not come, from a sequence to before another, and the
// one behind them that did, if one has.
type gap struct {
	from, to uint32
	next     uint32
	closed   bool // next has come
}

// gaps calls visit for what is missing from floor to before a sequence, which is a
// multiple of 64 or the end of what was sent.
func (r *receipt) gaps(to uint32, visit func(gap)) {
	from, open := r.floor, false
	for seq := r.floor; seq < to; {
		word := uint64(0)
		if i := (seq - r.floor) / 64; i == 0 {
			word = r.word
		} else if r.more != nil && int(i) <= len(r.more.words) {
			word = r.more.words[i-1]
		}
		// Nothing from here on in this word, or all of it.
		at := seq % 64
		rest := word >> at
		if open {
			n := uint32(min(bits.TrailingZeros64(rest), int(64-at)))
			seq += n
			if n < 64-at {
				if seq < to {
					visit(gap{from, seq, seq, true})
				} else {
					visit(r.last(from, to))
				}
				open = false
			}
			continue
		}
		n := uint32(min(bits.TrailingZeros64(^rest), int(64-at)))
		seq += n
		if n < 64-at && seq < to {
			from, open = seq, true
		}
	}
	if open {
		visit(r.last(from, to))
	}
}

// last is the gap that reaches up to a sequence; something may have come behind it.
func (r *receipt) last(from, to uint32) gap {
	g := gap{from: from, to: to}
	if r.top > to {
		for seq := to; seq < r.top; seq++ {
			if r.has(seq) {
				g.next, g.closed = seq, true
				break
			}
		}
	}
	return g
}
