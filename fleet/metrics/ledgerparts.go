package metrics

import (
	"math/bits"
	"time"
)

// parts says which messages of an answer that has several have come: a bit for each, from
// the first, and one that the last has.
type parts uint16

// toldApart is how many messages of one answer are told apart.
const toldApart = 15

const lastPart parts = 1 << toldApart

// missing is how many messages have not come of an answer of which some have: all before
// the last, or, where that has not come either, at least so many.
func (p parts) missing() int64 {
	came := uint16(p &^ lastPart)
	if came == 0 {
		return 0
	}
	n := bits.Len16(came) - bits.OnesCount16(came)
	if p&lastPart == 0 {
		n++
	}
	return int64(n)
}

// partsOf returns those of the answers to a request that is held, by member.
func (l *Ledger) partsOf(seq uint64) []parts {
	at := (seq & uint64(len(l.ring)-1)) * l.members
	return l.parts[at : at+l.members]
}

// missingParts is how many messages have not come of the answers to a request that is
// held.
func (l *Ledger) missingParts(seq uint64) (n int64) {
	if l.incomplete == 0 {
		return 0
	}
	for _, p := range l.partsOf(seq) {
		n += p.missing()
	}
	return n
}

// Incomplete returns how many answers have begun to come and are known to have messages
// that have not.
func (l *Ledger) Incomplete() int { return l.incomplete }

// heard are the checksums of the first and of the latest message of an answer whose
// messages do not say which they are, or zero.
type heard struct{ first, latest uint32 }

// heardOf returns those of the answer to a request that is held: one, or none where answers
// have no parts.
func (l *Ledger) heardOf(seq uint64) []heard {
	n := min(l.members, 1)
	at := (seq & uint64(len(l.ring)-1)) * n
	return l.heard[at : at+n]
}

// unnumbered is further for a message that does not say which it is, as those of devices do
// that put no checksum into their answers. One that is as the first was, or as the latest,
// has come twice; so it is known of answers with up to two messages, and of longer ones where
// the second follows the first.
func (l *Ledger) unnumbered(r *request, seq uint64, a *Answer) (what Outcome, ok bool) {
	h := &l.heardOf(seq)[0]
	switch {
	case h.first == 0:
		h.first, h.latest = a.Sum, a.Sum
		return 0, false
	case a.Sum == h.first || a.Sum == h.latest:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.Duplicates })
		return Duplicate, true
	}
	h.latest = a.Sum
	l.aside(r.planned, func(t *Totals) *int64 { return &t.UnnumberedParts })
	return FurtherPart, true
}

// further takes a message of an answer that has several, if it is not the first of them
// that comes: that is the answer. ok is false where it is.
func (l *Ledger) further(r *request, seq uint64, a *Answer) (what Outcome, ok bool) {
	if a.Sum != 0 && l.words == 0 && r.want == 1 {
		return l.unnumbered(r, seq, a)
	}
	p, known := l.place(seq, a)
	switch {
	case !known || *p == 0:
		return 0, false
	case *p&(1<<(a.Part-1)) != 0:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.Duplicates })
		return Duplicate, true
	}
	l.note(p, a)
	t, s := l.book(r.planned)
	t.Parts++
	if a.OtherRetain {
		t.OtherRetain++
	}
	if a.OtherQoS {
		t.OtherQoS.Answers++
	}
	if s != nil {
		s.mu.Unlock()
	}
	return FurtherPart, true
}

// place is where the messages of an answer are noted; known is false where they are not
// told apart.
func (l *Ledger) place(seq uint64, a *Answer) (p *parts, known bool) {
	member := uint64(0)
	if l.words > 0 {
		member = uint64(a.Member) - 1 // of nobody it is beyond all
	}
	if a.Part == 0 || a.Part > toldApart || member >= l.members {
		return nil, false
	}
	return &l.partsOf(seq)[member], true
}

// note notes that a message of an answer has come.
func (l *Ledger) note(p *parts, a *Answer) {
	before := p.missing() > 0
	*p |= 1 << (a.Part - 1)
	if !a.More {
		*p |= lastPart
	}
	switch after := p.missing() > 0; {
	case after && !before:
		l.incomplete++
	case before && !after:
		l.incomplete--
	}
}

// loseParts counts what is missing of the answers to a request that is let go of. Of one
// that was cut off in time nobody knows whether it would have come.
func (l *Ledger) loseParts(r *request, seq uint64, cutOff bool) {
	if l.incomplete == 0 {
		return
	}
	n := int64(0)
	for _, p := range l.partsOf(seq) {
		if m := p.missing(); m > 0 {
			n += m
			l.incomplete--
		}
	}
	if n == 0 || cutOff {
		return
	}
	t, s := l.book(r.planned)
	t.MissingParts += n
	if s != nil {
		s.mu.Unlock()
	}
}

// answerPart says that a message is the first of an answer's that came.
func (l *Ledger) answerPart(at time.Duration, r *request, seq uint64, a *Answer) Outcome {
	outcome := l.answered(at, r, a)
	if p, known := l.place(seq, a); known {
		l.note(p, a)
	}
	return outcome
}
