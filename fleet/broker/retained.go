package broker

import (
	"bytes"
	"slices"
	"sort"
	"time"
)

// retained are the retained messages in the order of their topics, in chunks of
// some hundred. It takes a word for each message beside the message itself,
// however many levels its topic has, and a reader can let go of the lock
// anywhere and come back to where it was.
type retained struct {
	memory *account     // of all clients
	chunks [][]*message // none is empty
	count  int
	bytes  int
	number uint64 // of the message that was retained last

	swept   time.Time // when sweeping was last begun
	sweepAt []byte    // the topic from which the next sweep goes on
}

// fullChunk is how many messages a chunk has when it is split.
const fullChunk = 512

// place is where a message stands.
type place struct{ chunk, at int }

// seek returns the place of the first message whose topic is not before a text.
func (s *retained) seek(topic []byte) place {
	c := sort.Search(len(s.chunks), func(i int) bool { return bytes.Compare(s.chunks[i][0].topic, topic) > 0 })
	if c == 0 {
		return place{}
	}
	c-- // it may stand in the chunk that begins before it
	chunk := s.chunks[c]
	at := sort.Search(len(chunk), func(i int) bool { return bytes.Compare(chunk[i].topic, topic) >= 0 })
	if at == len(chunk) {
		return place{c + 1, 0}
	}
	return place{c, at}
}

// get returns the message at a place, nil behind the last one.
func (s *retained) get(p place) *message {
	if p.chunk == len(s.chunks) {
		return nil
	}
	return s.chunks[p.chunk][p.at]
}

// after returns the place behind another.
func (s *retained) after(p place) place {
	if p.at++; p.at == len(s.chunks[p.chunk]) {
		return place{p.chunk + 1, 0}
	}
	return p
}

// find returns the message of a topic, or nil, and where it is or belongs.
func (s *retained) find(topic []byte) (*message, place) {
	p := s.seek(topic)
	if m := s.get(p); m != nil && bytes.Equal(m.topic, topic) {
		return m, p
	}
	return nil, p
}

// put enters a message at the place that find returned with the one that it is
// to replace, or nil.
func (s *retained) put(m, old *message, p place) {
	s.number++
	m.number = s.number
	s.memory.held(m.from, m, costRetained)
	s.count++
	s.bytes += m.size()
	if old != nil {
		s.dropped(old)
		s.chunks[p.chunk][p.at] = m
		return
	}
	switch {
	case len(s.chunks) == 0:
		s.chunks = [][]*message{{m}}
		return
	case p.at == 0 && p.chunk > 0: // as the last of a chunk, so that chunks begin where they did
		p.chunk--
		p.at = len(s.chunks[p.chunk])
	}
	chunk := slices.Insert(s.chunks[p.chunk], p.at, m)
	s.chunks[p.chunk] = chunk
	if len(chunk) < fullChunk {
		return
	}
	half := slices.Clone(chunk[fullChunk/2:])
	clear(chunk[fullChunk/2:])
	s.chunks[p.chunk] = chunk[:fullChunk/2]
	s.chunks = slices.Insert(s.chunks, p.chunk+1, half)
}

func (s *retained) dropped(m *message) {
	s.count--
	s.bytes -= m.size()
	s.memory.release(m.from, m, costRetained)
}

// drop removes the message at a place.
func (s *retained) drop(p place) {
	chunk := s.chunks[p.chunk]
	s.dropped(chunk[p.at])
	chunk = slices.Delete(chunk, p.at, p.at+1)
	s.chunks[p.chunk] = chunk
	switch {
	case len(chunk) == 0:
		s.chunks = slices.Delete(s.chunks, p.chunk, p.chunk+1)
	case cap(chunk) > 16 && len(chunk) < cap(chunk)/4:
		s.chunks[p.chunk] = slices.Clone(chunk)
	}
}

// A full store is looked through for what has expired: not for every message
// that finds no room, and not all of a large one at once, because everybody
// waits meanwhile.
const (
	sweepEvery = time.Second
	sweepMost  = 32 << 10
)

// retain stores m as its topic's retained message, or removes that if m has no
// payload (3.3.1-5 to -7). It returns false, with nothing changed, where the
// bounds do not allow it. The caller holds topics.mu for writing.
func (s *retained) retain(m *message, l *limits, now time.Time) bool {
	old, p := s.find(m.topic)
	if len(m.payload) == 0 {
		if old != nil {
			s.drop(p)
		}
		return true
	}
	if !s.roomFor(m, old, l) {
		if now.Sub(s.swept) < sweepEvery {
			return false
		}
		s.swept = now
		s.sweep(now)
		if old, p = s.find(m.topic); !s.roomFor(m, old, l) {
			return false
		}
	}
	s.put(m, old, p)
	return true
}

// roomFor reports whether m may be retained. What it replaces is set off.
func (s *retained) roomFor(m, old *message, l *limits) bool {
	count, size, more := s.count+1, s.bytes+m.size(), m.size()+costRetained
	if old != nil {
		count, size, more = count-1, size-old.size(), m.size()-old.size()
	}
	mine := more
	if old != nil && old.from != m.from {
		mine = m.size() + costRetained
	}
	return count <= l.MaximumRetained && size <= l.MaximumRetainedBytes && (more <= 0 || s.memory.room(more)) && m.from.room(mine)
}

// sweep removes what has expired among the next so many messages.
func (s *retained) sweep(now time.Time) {
	p := s.seek(s.sweepAt)
	for range min(sweepMost, s.count) {
		m := s.get(p)
		if m == nil {
			p = place{}
			if m = s.get(p); m == nil {
				break
			}
		}
		if !m.expired(now) {
			p = s.after(p)
			continue
		}
		topic := m.topic
		s.drop(p)
		p = s.seek(topic)
	}
	s.sweepAt = nil
	if m := s.get(p); m != nil {
		s.sweepAt = m.topic
	}
}
