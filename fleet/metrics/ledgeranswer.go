package metrics

import (
	"errors"
	"time"

	"homefleet/fleet/wire"
)

// Outcome is what a message on a reply topic turned out to be.
type Outcome uint8

const (
	Answered       Outcome = iota // the request is answered
	AnsweredLate                  // the same, after its time-out
	AnsweredPartly                // it waits for more answers
	Duplicate                     // one answer more than was expected
	MisroutedAnswer
	CorruptedAnswer
	AlteredRequest // the answer is to another request than was sent
	UnknownAnswer
	AnsweredAfterRefusal
	FurtherPart // a message of an answer that has several, beyond the first that came
)

func (o Outcome) String() string {
	names := [...]string{"answered", "late", "answered in part", "duplicate", "misrouted", "corrupted", "to an altered request", "unknown", "answered after refusal", "a further part"}
	if int(o) < len(names) {
		return names[o]
	}
	return "unknown outcome"
}

// Answer is a message on a reply topic.
type Answer struct {
	Correlation []byte `json:"correlation,omitempty"`  // nil: it had none
	Target      uint32 `json:"target,omitempty"`       // under which the caller files where it came from
	Member      uint32 `json:"member,omitempty"`       // which device of the group it is from, from 1; 0: it does not say, or is none of them
	Error       bool   `json:"error,omitempty"`        // it had a User Property error
	OtherRetain bool   `json:"other_retain,omitempty"` // it came with RETAIN 1
	Unmarked    bool   `json:"unmarked,omitempty"`     // it is taken to be the answer by its topic alone: nobody can tell more of it

	// An answer may have several messages, all with the same Correlation Data. The first
	// that comes is the answer; the others are neither duplicates nor of any weight in
	// the times.
	Part byte   `json:"part,omitempty"` // which of them it is, from 1; 0: it is the only one, or does not say
	More bool   `json:"more,omitempty"` // then: another follows
	Sum  uint32 `json:"sum,omitempty"`  // of one that does not say, a checksum of what tells it from others; 0: there is none

	// What an answer with a checksum says of what came of the request and of itself on
	// the way.
	Checked  bool   `json:"checked,omitempty"`   // it has one
	Altered  bool   `json:"altered,omitempty"`   // its payload or a property is not what was sent
	OtherQoS bool   `json:"other_qos,omitempty"` // it came with another QoS than it was to
	Asked    uint32 `json:"asked,omitempty"`     // the checksum of the request, as it came to the device
	AskedQoS byte   `json:"asked_qos,omitempty"` // at which the request came there
	// AskedGranted is the lowest QoS that the device's subscriptions were granted: a
	// request may come with as little.
	AskedGranted byte `json:"asked_granted,omitempty"`
}

// Answer takes a message on a reply topic that came at a time. Only an answer
// to an open request from the target that was asked changes that request; all
// the others are counted beside. Of a request that expects several answers each
// member of the group counts once, if the ledger tells them apart. If not, any
// answer counts: a device that answers twice cannot be told from two devices until
// there are more answers than were expected.
func (l *Ledger) Answer(at time.Duration, a Answer) Outcome {
	if l.told != nil {
		l.told(LedgerFact{What: toldAnswer, At: at, Answer: new(a)})
	}
	l.expire(at)
	id, err := ParseID(a.Correlation, l.idSize)
	if err != nil {
		l.aside(at, func(t *Totals) *int64 {
			switch {
			case errors.Is(err, ErrIDMissing):
				return &t.Corrupted.Missing
			case errors.Is(err, ErrIDLength):
				return &t.Corrupted.Length
			}
			return &t.Corrupted.Checksum
		})
		return CorruptedAnswer
	}
	switch {
	case id.Run != l.run:
		l.aside(at, func(t *Totals) *int64 { return &t.Unknown.Run })
		return UnknownAnswer
	case id.Controller != l.controller:
		l.aside(at, func(t *Totals) *int64 { return &t.Misrouted.Controller })
		return MisroutedAnswer
	}
	return l.answerTo(at, id.Seq, a)
}

// answerTo is Answer for a message of which the request is known.
func (l *Ledger) answerTo(at time.Duration, seq uint64, a Answer) Outcome {
	switch {
	case seq >= l.head:
		l.aside(at, func(t *Totals) *int64 { return &t.Unknown.NeverSent })
		return UnknownAnswer
	case seq < l.tail:
		l.aside(at, func(t *Totals) *int64 { return &t.Unknown.Forgotten })
		return UnknownAnswer
	}
	r := l.at(seq)
	switch {
	case a.Checked && a.Altered:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.Corrupted.Content })
		return CorruptedAnswer
	case a.Checked && a.Asked != r.content:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.AlteredRequests })
		return AlteredRequest
	case a.Target != r.target:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.Misrouted.Topic })
		return MisroutedAnswer
	}
	if l.members > 0 && r.state != refused {
		if outcome, ok := l.further(r, seq, &a); ok {
			return outcome
		}
	}
	switch r.state {
	case done:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.Duplicates })
		return Duplicate
	case refused:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.AfterRefusal })
		return AnsweredAfterRefusal
	}
	if l.words > 0 {
		bits := l.gaveTo(seq)
		word, bit := uint64(a.Member-1)/64, uint64(1)<<((a.Member-1)%64)
		switch {
		case a.Member == 0 || word >= l.words:
			l.aside(r.planned, func(t *Totals) *int64 { return &t.Misrouted.Topic })
			return MisroutedAnswer
		case bits[word]&bit != 0:
			l.aside(r.planned, func(t *Totals) *int64 { return &t.Duplicates })
			return Duplicate
		}
		bits[word] |= bit
	}
	return l.answerPart(at, r, seq, &a)
}

// gaveTo returns a bit for each member that has answered a request which is held.
func (l *Ledger) gaveTo(seq uint64) []uint64 {
	at := (seq & uint64(len(l.ring)-1)) * l.words
	return l.gave[at : at+l.words]
}

// answered takes an answer to an open request.
func (l *Ledger) answered(at time.Duration, r *request, a *Answer) Outcome {
	r.got++
	t, s := l.book(r.planned)
	t.Answers++
	if a.Error {
		t.ErrorAnswers++
	}
	t.check(r, a)
	outcome := AnsweredPartly
	if r.got == r.want {
		r.state = done
		t.Outstanding--
		if at-r.sent <= l.timeout {
			outcome = Answered
			t.Answered++
		} else {
			outcome = AnsweredLate
			t.Late++
		}
	}
	if s != nil {
		s.answered(at, r, outcome)
		s.mu.Unlock()
	}
	return outcome
}

// check counts what is odd about an answer that counts all the same.
func (t *Totals) check(r *request, a *Answer) {
	if a.OtherRetain {
		t.OtherRetain++
	}
	if !a.Checked {
		if !a.Unmarked {
			t.Unchecked++
		}
		return
	}
	if a.OtherQoS {
		t.OtherQoS.Answers++
	}
	if a.AskedQoS > r.qos || a.AskedQoS < min(r.qos, a.AskedGranted) {
		t.OtherQoS.Requests++
	}
}

// Acknowledged takes the reason code of the PUBACK or PUBREC for request seq.
// From 0x80 on the request is refused, if it is still open. 0x10 (no matching
// subscribers) is counted and decides nothing: somebody may answer all the
// same. All other codes mean nothing here.
func (l *Ledger) Acknowledged(at time.Duration, seq uint64, code byte) {
	if l.told != nil {
		l.told(LedgerFact{What: toldAcknowledged, At: at, Seq: seq, Code: code})
	}
	l.expire(at)
	if code >= 0x80 || seq >= l.tail && seq < l.head && l.at(seq).qos == 1 {
		l.completed(seq)
	}
	if code < 0x80 && code != wire.NoMatchingSubscribers {
		return
	}
	if seq >= l.head || seq < l.tail {
		if code >= 0x80 {
			l.aside(at, func(t *Totals) *int64 { return &t.StrayRefusals })
		}
		return
	}
	r := l.at(seq)
	switch {
	case code < 0x80:
		l.aside(r.planned, func(t *Totals) *int64 { return &t.NoSubscribers })
	case !r.isOpen():
		l.aside(r.planned, func(t *Totals) *int64 { return &t.StrayRefusals })
	default:
		r.state = refused
		t, s := l.book(r.planned)
		t.Outstanding--
		t.refuse(code)
		if s != nil {
			s.refused(r, l.timeout)
			s.mu.Unlock()
		}
	}
}

// Completed notes that the broker has taken request seq: a PUBACK came, or a PUBCOMP, or
// that it will not, which [Ledger.Acknowledged] is told.
func (l *Ledger) Completed(seq uint64) {
	if l.told != nil {
		l.told(LedgerFact{What: toldCompleted, Seq: seq})
	}
	l.completed(seq)
}

func (l *Ledger) completed(seq uint64) {
	if seq >= l.tail && seq < l.head {
		l.at(seq).acknowledged = true
	}
}

// Disconnected notes that the connection has ended: nobody knows what of that which was
// not acknowledged the broker has.
func (l *Ledger) Disconnected() {
	if l.told != nil {
		l.told(LedgerFact{What: toldDisconnected})
	}
	for seq := l.tail; seq != l.head; seq++ {
		l.at(seq).acknowledged = true
	}
}

// refuse counts a refused request.
func (t *Totals) refuse(code byte) {
	t.Refused++
	if t.RefusedBy == nil {
		t.RefusedBy = make(map[string]int64)
	}
	t.RefusedBy[wire.ReasonName(code)]++
}
