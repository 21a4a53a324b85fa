package broker

import (
	"bytes"
	"slices"
	"sort"
	"time"
)

// retained are the retained messages in the order of their topics, in chunks of
// some hundred. It takes three words for each message beside the message itself,
// however many levels its topic has, and a reader can let go of the lock
// anywhere and come back to where it was.
type retained struct {
	memory *accounts       // of all clients
	broker *owner          // of the broker's own, which are not counted below and for which there is always room
	chunks [][]retainedOne // none is empty
	count  int
	bytes  int
	number uint64 // of the message that was retained last

	swept   time.Duration // when sweeping was last begun, since the broker's start
	sweepAt []byte        // the topic from which the next sweep goes on
}

// retainedOne is a retained message.
type retainedOne struct {
	m      *kept
	from   *owner // the publisher
	number uint64 // in the order of coming
}

// fullChunk is how many messages a chunk has when it is split.
const fullChunk = 512

// chunkGrowth is by how many messages a chunk grows: to double it would leave a
// quarter of all chunks empty.
const chunkGrowth = 64

// place is where a message stands.
type place struct{ chunk, at int }

// seek returns the place of the first message whose topic is not before a text.
func (s *retained) seek(topic []byte) place {
	c := sort.Search(len(s.chunks), func(i int) bool { return bytes.Compare(s.chunks[i][0].m.name(), topic) > 0 })
	if c == 0 {
		return place{}
	}
	c-- // it may stand in the chunk that begins before it
	chunk := s.chunks[c]
	at := sort.Search(len(chunk), func(i int) bool { return bytes.Compare(chunk[i].m.name(), topic) >= 0 })
	if at == len(chunk) {
		return place{c + 1, 0}
	}
	return place{c, at}
}

// get returns the message at a place, nil behind the last one.
func (s *retained) get(p place) *retainedOne {
	if p.chunk == len(s.chunks) {
		return nil
	}
	return &s.chunks[p.chunk][p.at]
}

// after returns the place behind another.
func (s *retained) after(p place) place {
	if p.at++; p.at == len(s.chunks[p.chunk]) {
		return place{p.chunk + 1, 0}
	}
	return p
}

// find returns the message of a topic, or nil, and where it is or belongs.
func (s *retained) find(topic []byte) (*retainedOne, place) {
	p := s.seek(topic)
	if e := s.get(p); e != nil && bytes.Equal(e.m.name(), topic) {
		return e, p
	}
	return nil, p
}

// put enters a message at the place that find returned with the one that it is
// to replace, or nil.
func (s *retained) put(m *kept, from *owner, old *retainedOne, p place) {
	s.number++
	e := retainedOne{m, from, s.number}
	s.memory.held(from, m, costRetained)
	s.tally(&e, 1)
	if old != nil {
		s.dropped(old)
		*old = e
		return
	}
	switch {
	case len(s.chunks) == 0:
		s.chunks = [][]retainedOne{{e}}
		return
	case p.at == 0 && p.chunk > 0: // as the last of a chunk, so that chunks begin where they did
		p.chunk--
		p.at = len(s.chunks[p.chunk])
	}
	if p.chunk == len(s.chunks)-1 && p.at == fullChunk-1 { // topics that come in their order fill their chunks
		s.chunks = append(s.chunks, []retainedOne{e})
		return
	}
	chunk := s.chunks[p.chunk]
	if len(chunk) == cap(chunk) {
		more := min(chunkGrowth, len(chunk)+1)
		chunk = append(make([]retainedOne, 0, len(chunk)+more), chunk...)
	}
	chunk = slices.Insert(chunk, p.at, e)
	s.chunks[p.chunk] = chunk
	if len(chunk) < fullChunk {
		return
	}
	s.chunks[p.chunk] = slices.Clone(chunk[:fullChunk/2])
	s.chunks = slices.Insert(s.chunks, p.chunk+1, slices.Clone(chunk[fullChunk/2:]))
}

// tally counts a message that comes, or with -1 one that goes.
func (s *retained) tally(e *retainedOne, n int) {
	if e.from != s.broker {
		s.count += n
		s.bytes += n * e.m.size()
	}
}

func (s *retained) dropped(e *retainedOne) {
	s.tally(e, -1)
	s.memory.release(e.from, e.m, costRetained)
}

// drop removes the message at a place.
func (s *retained) drop(p place) {
	chunk := s.chunks[p.chunk]
	s.dropped(&chunk[p.at])
	s.shrunk(p.chunk, slices.Delete(chunk, p.at, p.at+1))
}

// shrunk puts what is left of a chunk in its place, and reports whether anything is.
func (s *retained) shrunk(c int, chunk []retainedOne) bool {
	switch {
	case len(chunk) == 0:
		s.chunks = slices.Delete(s.chunks, c, c+1)
		return false
	case cap(chunk) > 16 && len(chunk) < cap(chunk)/4:
		chunk = slices.Clone(chunk)
	}
	s.chunks[c] = chunk
	return true
}

// A full store is looked through for what has expired: not for every message
// that finds no room, and not all of a large one at once, because everybody
// waits meanwhile.
const (
	sweepEvery = time.Second
	sweepMost  = 32 << 10
)

// retain stores a message as its topic's retained one, or removes that if m is nil,
// for one without payload (3.3.1-5 to -7). It returns false, with nothing changed,
// where the bounds do not allow it. The caller holds topics.mu for writing.
func (s *retained) retain(topic []byte, m *kept, from *owner, l *limits, now time.Duration) bool {
	old, p := s.find(topic)
	if m == nil {
		if old != nil {
			s.drop(p)
		}
		return true
	}
	if from != s.broker && !s.roomFor(m, from, old, l) {
		if now-s.swept < sweepEvery {
			return false
		}
		s.swept = now
		s.sweep(now)
		if old, p = s.find(topic); !s.roomFor(m, from, old, l) {
			return false
		}
	}
	s.put(m, from, old, p)
	return true
}

// roomFor reports whether m may be retained. What it replaces is set off.
func (s *retained) roomFor(m *kept, from *owner, old *retainedOne, l *limits) bool {
	count, size, more := s.count+1, s.bytes+m.size(), m.size()+costRetained
	if old != nil {
		count, size, more = count-1, size-old.m.size(), m.size()-old.m.size()
	}
	mine := more
	if old != nil && old.from != from {
		mine = m.size() + costRetained
	}
	return count <= l.MaximumRetained && size <= l.MaximumRetainedBytes && (more <= 0 || s.memory.room(more)) && s.memory.roomFor(from, mine)
}

// sweep removes what has expired among the next so many messages, a chunk at a time.
func (s *retained) sweep(now time.Duration) {
	c := s.seek(s.sweepAt).chunk
	for left := min(sweepMost, s.count); left > 0 && len(s.chunks) > 0; {
		if c == len(s.chunks) {
			c = 0
		}
		left -= len(s.chunks[c])
		rest := slices.DeleteFunc(s.chunks[c], func(e retainedOne) bool {
			expired := e.m.expired(now)
			if expired {
				s.dropped(&e)
			}
			return expired
		})
		if s.shrunk(c, rest) {
			c++
		}
	}
	s.sweepAt = nil
	if c < len(s.chunks) {
		s.sweepAt = s.chunks[c][0].m.name()
	}
}
