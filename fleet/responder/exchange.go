package responder

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"homefleet/fleet/events"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// LookEnv is how others look on at devices.
type LookEnv struct {
	Events *events.Hub // nil: nobody hears of anything

	// Journals has devices keep their latest exchanges: nil: none does.
	Journals *Journals

	// Looks are what the devices are like; nil: nobody may look.
	Looks Looks

	exchanges atomic.Uint64 // written down so far
}

// Outcome is what became of a command.
type Outcome uint8

// The outcomes.
const (
	Obeyed   Outcome = iota // it was carried out, and there was nothing to answer
	Answered                // an answer has gone out
	Error                   // an answer has gone out that says that it was not carried out
	Refused                 // it was not carried out, and nobody was told
	Ignored                 // it was retained, and the device ignores those
	Dropped                 // it was carried out, and the device, which misbehaves, does not answer
	Held                    // likewise, but it answers later: another record with the same number will have that
	Unsent                  // there is an answer, which could not be sent
)

var outcomeNames = [...]string{"obeyed", "answered", "error", "refused", "ignored", "dropped", "held", "unsent"}

// String returns the outcome in a word.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// How much of an exchange is written down.
const (
	mostRecord   = 16 << 10 // bytes, of which a message with long properties may take more than there are left
	mostPayload  = 4 << 10
	mostProperty = 2 << 10 // of a topic, Correlation Data or all User Properties
	recordHead   = 1 + 1 + 8 + 8 + 8
)

// Part is what a message is in an exchange.
type Part uint8

// The parts of an exchange.
const (
	Request Part = iota
	Answer       // it has the Correlation Data of the request, or comes in the place of such a one
	Also         // what else the device said because of the request, such as its new state
	because      // no message: why the outcome is as it is
)

// exchange is a command and what is said because of it, as it is written down. The record
// is a head of fixed size, and behind it the messages as packets.
type exchange struct {
	record  []byte // empty: nobody wants it
	began   time.Time
	outcome Outcome
	refused bool // the device was against it, or against where it was to be answered
	kept    *keptBack
}

// follows reports whether anybody wants to know of the commands to the device.
func (r *Responder) follows() bool {
	e := r.env
	return e.Events != nil && (e.Journals != nil && r.keepsJournal() || e.Events.Follows(r.spec.Number))
}

// begin starts to write down an exchange, if anybody wants it.
func (x *exchange) begin(r *Responder, p *wire.Publish, now time.Time) {
	x.record, x.outcome, x.refused, x.kept = x.record[:0], Obeyed, false, nil
	if !r.follows() {
		return
	}
	x.began = now
	x.record = append(x.record, make([]byte, recordHead)...)
	binary.BigEndian.PutUint64(x.record[2:], r.env.origin().exchanges.Add(1))
	binary.BigEndian.PutUint64(x.record[10:], uint64(r.env.Client.Clock.At(now)))
	x.add(Request, p)
}

// on reports whether the exchange is written down.
func (x *exchange) on() bool { return len(x.record) > 0 }

// add writes down a message. What is too long of it is left out, which the record says.
func (x *exchange) add(part Part, p *wire.Publish) {
	if !x.on() || len(x.record) > mostRecord {
		return
	}
	m, whole := *p, len(p.Payload)
	cut := byte(0)
	short := func(b []byte, most int) []byte {
		if len(b) <= most {
			return b
		}
		cut = 1
		return b[:most]
	}
	text := func(b []byte) []byte { // which stays well-formed
		b = short(b, mostProperty)
		for n := 0; n < utf8.UTFMax-1 && len(b) > 0 && !utf8.Valid(b[max(0, len(b)-utf8.UTFMax):]) && !utf8.Valid(b); n++ {
			b = b[:len(b)-1]
		}
		return b
	}
	m.Topic, m.Props.ResponseTopic, m.Props.ContentType = text(m.Topic), text(m.Props.ResponseTopic), text(m.Props.ContentType)
	m.Payload, m.Props.CorrelationData = short(m.Payload, mostPayload), short(m.Props.CorrelationData, mostProperty)
	if len(m.Props.User) > mostProperty {
		m.Props.User, cut = nil, 1
	}
	m.Props.HasTopicAlias, m.Props.SubscriptionIDs = false, nil
	if m.QoS > 0 && m.PacketID == 0 {
		m.PacketID = 1 // none was given, as nothing was sent
	}
	x.record = append(x.record, byte(part), cut)
	x.record = binary.AppendUvarint(x.record, uint64(whole))
	x.record = binary.AppendUvarint(x.record, uint64(wire.PublishSize(&m, wire.V5)))
	x.record = wire.AppendPublish(x.record, &m, wire.V5)
}

// said writes down a message of the device's, which has been sent, or could not be.
func (x *exchange) said(part Part, p *wire.Publish, sent bool) {
	if !x.on() {
		return
	}
	switch {
	case !sent && part == Answer:
		x.outcome = Unsent
	case part == Answer && x.outcome == Obeyed:
		x.outcome = Answered
	}
	if sent {
		x.add(part, p)
	}
}

// because writes down why the outcome is as it is; the first reason counts.
func (x *exchange) because(o Outcome, why string) {
	if !x.on() {
		return
	}
	x.outcome = o
	why = why[:min(len(why), mostProperty)]
	x.record = append(x.record, byte(because), 0, 0)
	x.record = binary.AppendUvarint(x.record, uint64(len(why)))
	x.record = append(x.record, why...)
}

// end hands the exchange to those who want it.
func (x *exchange) end(r *Responder) {
	if !x.on() {
		return
	}
	if k := x.kept; k != nil {
		k.open, k.record, k.refused = nil, slices.Clone(x.record), x.refused
		if k.left > 0 {
			x.outcome = Held
		}
	}
	r.handOver(x.record, x.outcome, x.refused, time.Since(x.began))
	x.record, x.kept = x.record[:0], nil
	if cap(x.record) > 2*mostRecord {
		x.record = nil
	}
}

// handOver completes a record and hands it to those who want it.
func (r *Responder) handOver(record []byte, o Outcome, refused bool, took time.Duration) {
	record[0], record[1] = byte(o), 0
	what := events.Exchange
	if refused {
		record[1], what = 1, events.Refusal
	}
	binary.BigEndian.PutUint64(record[18:], uint64(took))
	if r.journal != nil {
		r.journal.add(record)
	}
	r.env.Events.Publish(what, r.spec.Number, time.Duration(binary.BigEndian.Uint64(record[10:])), record)
}

// keptBack is an exchange of which the device holds back answers.
type keptBack struct {
	open    *exchange // until it ends
	record  []byte    // from then on
	began   time.Time
	refused bool
	left    int // answers that it holds back
}

// keepBack notes that an answer is held back. It is nil where nobody wants the exchange.
func (x *exchange) keepBack() *keptBack {
	if !x.on() {
		return nil
	}
	if x.kept == nil {
		x.kept = &keptBack{open: x, began: x.began}
	}
	x.kept.left++
	return x.kept
}

// release notes that an answer goes out that was held back, and hands the exchange over
// with that.
func (k *keptBack) release(r *Responder, p *wire.Publish, sent bool) {
	if k == nil {
		return
	}
	k.left--
	if k.open != nil {
		k.open.said(Answer, p, sent)
		return
	}
	x := exchange{record: k.record, began: k.began, refused: k.refused}
	x.said(Answer, p, sent)
	if k.record = x.record; k.left > 0 {
		x.outcome = Held
	}
	r.handOver(x.record, x.outcome, x.refused, time.Since(x.began))
}

// misbehaviors are what a device does wrong with an answer, in words.
var misbehaviors = [...]string{
	metrics.AnswerError:   "", // the answer says why
	metrics.AnswerDropped: "the answer is dropped", metrics.AnswerDuplicated: "the answer goes out twice",
	metrics.AnswerWrongCorrelation: "the answer has other Correlation Data", metrics.AnswerNoCorrelation: "the answer has no Correlation Data",
	metrics.AnswerWrongTopic: "the answer goes to another topic", metrics.AnswerReordered: "the answer waits for another",
	metrics.AnswerLate: "the answer is late",
}

// noteMisbehavior notes what the device does wrong with an answer.
func (s *speech) noteMisbehavior(wrong metrics.Misbehavior) {
	o := Answered
	if wrong == metrics.AnswerDropped {
		o = Dropped
	}
	if why := misbehaviors[wrong]; why != "" {
		s.down.because(o, why)
	}
}
