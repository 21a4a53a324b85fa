package metrics

import "time"

// ByTopic counts the answers that requesters without Correlation Data, those of MQTT
// 3.1.1, have taken for the answers to requests of theirs, by the topic alone. Each of
// such a requester's is in exactly one of them.
type ByTopic struct {
	Unknown int64 `json:"unknown"` // whose they were nobody can tell
	Own     int64 `json:"own"`     // they were the answers to those requests
	Others  int64 `json:"others"`  // they were the answers to requests of other requesters
	Earlier int64 `json:"earlier"` // they were the answers to other requests of the requester's own
	Nobodys int64 `json:"nobodys"` // they answered no request of this run: a state that changed, or another run's answer
}

// Mistaken returns how many of them were not the answers that they were taken for, as
// far as that is known.
func (b *ByTopic) Mistaken() int64 { return b.Others + b.Earlier + b.Nobodys }

// Known returns of how many it is known whose they were.
func (b *ByTopic) Known() int64 { return b.Own + b.Mistaken() }

// Total returns how many there were.
func (b *ByTopic) Total() int64 { return b.Unknown + b.Known() }

// Whose says whose answer it was that a requester has taken for its own.
type Whose uint8

// Whose answers there are; see [ByTopic].
const (
	Anyones Whose = iota // nobody can tell
	Own
	Others
	Earlier
	Nobodys
)

func (b *ByTopic) of(w Whose) *int64 {
	switch w {
	case Own:
		return &b.Own
	case Others:
		return &b.Others
	case Earlier:
		return &b.Earlier
	case Nobodys:
		return &b.Nobodys
	}
	return &b.Unknown
}

// ofByTopic is a figure of the answers matched by topic, and its share of those of which
// it is known whose they were.
func ofByTopic(n func(*ByTopic) int64) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, _ Label) (float64, float64, bool) {
		b := &s.Totals.ByTopic
		known := b.Known()
		if b.Total() == 0 {
			known = s.Totals.Answers // by Correlation Data
		}
		return float64(n(b)), float64(known), s.Totals.Planned > 0
	}
}

// evidenceOfByTopic is what is known of whose answers they were. An answer with
// Correlation Data cannot be mistaken.
func evidenceOfByTopic(t *Totals) evidence {
	b := &t.ByTopic
	known, all := b.Known(), b.Total()
	if all == 0 {
		known, all = t.Answers, t.Answers
	}
	e := evidence{looked: known, none: "there was no answer"}
	switch {
	case known == 0 && all > 0:
		e.none = "the answers were matched by their topic, and nobody can tell whose they were: see identify"
	case known < all:
		e.note = judgedOf(known, all)
	}
	return e
}

// byID is how many of the answers that came are known by an id.
func (t *Totals) byID() int64 { return t.Answers - min(t.ByTopic.Unknown, t.Answers) }

// Took notes that the requester has taken a message for the answer to request seq. It
// decides nothing: [Ledger.AnswerTo] says which request was answered.
func (l *Ledger) Took(at time.Duration, seq uint64, w Whose) {
	if l.told != nil {
		l.told(LedgerFact{What: toldTook, At: at, Seq: seq, Whose: w})
	}
	if seq < l.head && seq >= l.tail {
		at = l.at(seq).planned
	}
	l.aside(at, func(t *Totals) *int64 { return t.ByTopic.of(w) })
}

// AnswerTo is [Ledger.Answer] for a message without Correlation Data that is known, or
// taken, to answer request seq.
func (l *Ledger) AnswerTo(at time.Duration, seq uint64, a Answer) Outcome {
	if l.told != nil {
		l.told(LedgerFact{What: toldAnswerTo, At: at, Seq: seq, Answer: new(a)})
	}
	l.expire(at)
	return l.answerTo(at, seq, a)
}
