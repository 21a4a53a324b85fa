package metrics

import (
	"fmt"
	"maps"
	"strings"

	"homefleet/devices/words"
)

// Cause is why a planned request was not sent.
type Cause uint8

const (
	NoRoom        Cause = iota // flow control left no room, to the end or for too many
	NotConnected               // the controller had no connection
	TooLarge                   // over the broker's Maximum Packet Size
	GeneratorLate              // the generator was so late that it gave the slot up
	LedgerFull                 // more were outstanding than the ledger can hold
	Paused                     // somebody had paused the load
	causeCount
)

var causeNames = [causeCount]string{"no room", "not connected", "too large", "generator late", "ledger full", "paused"}

func (c Cause) String() string {
	if c < causeCount {
		return causeNames[c]
	}
	return "unknown"
}

// Own reports whether the cause is the generator's own fault.
func (c Cause) Own() bool { return c == GeneratorLate || c == LedgerFull }

// NotSent counts planned requests that were not sent, by [Cause].
type NotSent struct {
	NoRoom        int64 `json:"no_room"`
	NotConnected  int64 `json:"not_connected"`
	TooLarge      int64 `json:"too_large"`
	GeneratorLate int64 `json:"generator_late"`
	LedgerFull    int64 `json:"ledger_full"`
	Paused        int64 `json:"paused"` // by hand: neither the broker's fault nor the generator's, and left out of shares and response times
}

func (n *NotSent) of(c Cause) *int64 {
	switch c {
	case NoRoom:
		return &n.NoRoom
	case NotConnected:
		return &n.NotConnected
	case TooLarge:
		return &n.TooLarge
	case GeneratorLate:
		return &n.GeneratorLate
	case Paused:
		return &n.Paused
	}
	return &n.LedgerFull
}

// causes says why requests were not sent, such as "no room 200, not connected 17".
func (n *NotSent) causes() string {
	var parts []string
	for c := NoRoom; c <= Paused; c++ {
		if k := *n.of(c); k > 0 {
			parts = append(parts, c.String()+" "+words.Grouped(k))
		}
	}
	return strings.Join(parts, ", ")
}

// Total returns the number for all causes.
func (n *NotSent) Total() int64 {
	return n.NoRoom + n.NotConnected + n.TooLarge + n.GeneratorLate + n.LedgerFull + n.Paused
}

// Own returns the number for the causes that are the generator's own fault.
func (n *NotSent) Own() int64 { return n.GeneratorLate + n.LedgerFull }

// Misrouted counts answers that came to the wrong place. They complete no
// request.
type Misrouted struct {
	Controller int64 `json:"controller"` // the id of another controller of this run
	Topic      int64 `json:"topic"`      // our id, but not on the topic or from the device that was asked
}

// Total returns the number of both.
func (m *Misrouted) Total() int64 { return m.Controller + m.Topic }

// Corrupted counts answers that are not what was sent. They complete no request.
type Corrupted struct {
	Missing  int64 `json:"missing"`  // no Correlation Data
	Length   int64 `json:"length"`   // Correlation Data of another length than was sent
	Checksum int64 `json:"checksum"` // Correlation Data that was altered
	Content  int64 `json:"content"`  // the Correlation Data is whole, the payload or a property is not
}

// Total returns the number of all four.
func (c *Corrupted) Total() int64 { return c.Missing + c.Length + c.Checksum + c.Content }

// OtherQoS counts what came with another QoS than the lower of what it was published
// with and what its receiver was granted (3.8.4).
type OtherQoS struct {
	Requests int64 `json:"requests"` // at the device, as the answer says
	Answers  int64 `json:"answers"`  // at the controller
}

// Total returns the number of both.
func (o *OtherQoS) Total() int64 { return o.Requests + o.Answers }

// Unknown counts answers whose Correlation Data is whole but of no request
// that the ledger knows.
type Unknown struct {
	Run       int64 `json:"run"`        // of another run
	NeverSent int64 `json:"never_sent"` // a sequence number that was never given out
	Forgotten int64 `json:"forgotten"`  // later than time-out and late window: a duplicate or very late
}

// Total returns the number of all three.
func (u *Unknown) Total() int64 { return u.Run + u.NeverSent + u.Forgotten }

// Totals is what became of requests. Every planned one is in exactly one of
// Answered, Late, Lost, Refused, Interrupted, NotSent and, while the run lasts,
// Outstanding.
type Totals struct {
	Planned     int64   `json:"planned"`
	Sent        int64   `json:"sent"`
	Answered    int64   `json:"answered"`    // in time, with as many answers as were expected
	Late        int64   `json:"late"`        // the same, after the time-out
	Lost        int64   `json:"lost"`        // not (all) answered when the ledger let go of it
	Refused     int64   `json:"refused"`     // PUBACK or PUBREC with a reason code of 0x80 or more
	Interrupted int64   `json:"interrupted"` // in flight, and in time, when the run was stopped before its end: neither answered nor lost
	NotSent     NotSent `json:"not_sent"`    //
	Outstanding int64   `json:"outstanding"` // not decided: 0 when the run is over

	RefusedBy map[string]int64 `json:"refused_by,omitempty"` // by the reason code's name; adds up to Refused

	SentAway int64 `json:"sent_away"` // of those sent, to a device that was away at that moment

	ToAcknowledge  int64 `json:"to_acknowledge"` // of those sent, at QoS 1 or 2
	Unacknowledged int64 `json:"unacknowledged"` // of these, without a PUBACK, or a PUBREC and PUBCOMP, in their time-out, though the connection lasted

	// What flow control held back: the broker's Receive Maximum, the scenario's
	// max_outstanding, a connection that takes no more.
	Held         int64 `json:"held"`               // of those sent: they had to wait before they could leave
	HeldByConn   int64 `json:"held_by_connection"` // of the held: what held them back last was the connection, which took no more
	LongestQueue int64 `json:"longest_queue"`      // most that waited at a time in one controller
	LongestWait  Span  `json:"longest_wait"`       // of any that waited, sent in the end or not

	// Of the lost.
	LostAway   int64 `json:"lost_away"`  // sent to a device that was away: the broker kept them not, or not for long enough
	Partial    int64 `json:"partial"`    // some answers of several came
	Unfinished int64 `json:"unfinished"` // the run ended before their time-out

	// Single answers. A request may expect several.
	Answers        int64 `json:"answers"`         // that belong to a request
	ErrorAnswers   int64 `json:"error_answers"`   // of these, with a User Property error
	Unchecked      int64 `json:"unchecked"`       // of these, without a checksum: nobody knows whether they, or the requests, were altered
	MissingAnswers int64 `json:"missing_answers"` // that lost requests still waited for

	// Answers that have several messages, each with the same Correlation Data, as some
	// products give them. The first that comes is the answer.
	Parts        int64 `json:"parts"`         // the others
	MissingParts int64 `json:"missing_parts"` // that had not come when the ledger let go of the request, as those that came say; at least so many
	// UnnumberedParts are the others of answers whose messages do not say which they are:
	// whether any is missing nobody knows.
	UnnumberedParts int64 `json:"unnumbered_parts"`

	// Beside the requests.
	Duplicates      int64     `json:"duplicates"` // one answer more than was expected
	Misrouted       Misrouted `json:"misrouted"`
	Corrupted       Corrupted `json:"corrupted"`
	Unknown         Unknown   `json:"unknown"`
	ByTopic         ByTopic   `json:"by_topic"`         // answers that were taken for what they were by their topic alone
	AlteredRequests int64     `json:"altered_requests"` // answers to ours that say that it came to the device altered; they complete no request
	OtherQoS        OtherQoS  `json:"other_qos"`        // of what completes requests all the same
	OtherRetain     int64     `json:"other_retain"`     // answers with RETAIN 1, which none may have (3.3.1-12); they count all the same
	AfterRefusal    int64     `json:"after_refusal"`    // answers to requests that the broker had refused
	NoSubscribers   int64     `json:"no_subscribers"`   // PUBACK or PUBREC with 0x10: the broker has nobody to give it to
	StrayRefusals   int64     `json:"stray_refusals"`   // refusals of requests that were not outstanding
}

// figures lists the plain numbers that add up, for what is done to all of them alike.
func (t *Totals) figures() [51]*int64 {
	return [...]*int64{
		&t.Planned, &t.Sent, &t.Answered, &t.Late, &t.Lost, &t.Refused, &t.Outstanding,
		&t.NotSent.NoRoom, &t.NotSent.NotConnected, &t.NotSent.TooLarge, &t.NotSent.GeneratorLate, &t.NotSent.LedgerFull,
		&t.SentAway, &t.LostAway, &t.Partial, &t.Unfinished, &t.Answers, &t.ErrorAnswers, &t.MissingAnswers, &t.Duplicates,
		&t.Misrouted.Controller, &t.Misrouted.Topic,
		&t.Corrupted.Missing, &t.Corrupted.Length, &t.Corrupted.Checksum,
		&t.Unknown.Run, &t.Unknown.NeverSent, &t.Unknown.Forgotten,
		&t.AfterRefusal, &t.NoSubscribers, &t.StrayRefusals, &t.Held, &t.HeldByConn, &t.Interrupted,
		&t.ByTopic.Unknown, &t.ByTopic.Own, &t.ByTopic.Others, &t.ByTopic.Earlier, &t.ByTopic.Nobodys,
		&t.Corrupted.Content, &t.AlteredRequests, &t.OtherQoS.Requests, &t.OtherQoS.Answers, &t.OtherRetain, &t.Unchecked, &t.NotSent.Paused,
		&t.ToAcknowledge, &t.Unacknowledged, &t.Parts, &t.MissingParts, &t.UnnumberedParts,
	}
}

// hold counts a request that is sent, if something held it back.
func (t *Totals) hold(r Request) {
	if r.Held <= 0 {
		return
	}
	t.Held++
	if r.Clogged {
		t.HeldByConn++
	}
}

// waited notes a queue of so many requests, the first of which has waited so long.
func (t *Totals) waited(n int64, wait Span) {
	t.LongestQueue, t.LongestWait = max(t.LongestQueue, n), max(t.LongestWait, wait)
}

// Add adds what another ledger counted.
func (t *Totals) Add(o Totals) {
	theirs := o.figures()
	for i, n := range t.figures() {
		*n += *theirs[i]
	}
	t.waited(o.LongestQueue, o.LongestWait)
	if len(o.RefusedBy) > 0 && t.RefusedBy == nil {
		t.RefusedBy = make(map[string]int64)
	}
	for name, n := range o.RefusedBy {
		t.RefusedBy[name] += n
	}
}

// Clone returns a copy that shares nothing.
func (t Totals) Clone() Totals {
	t.RefusedBy = maps.Clone(t.RefusedBy)
	return t
}

// Equal reports whether all figures are the same.
func (t Totals) Equal(o Totals) bool {
	theirs := o.figures()
	for i, n := range t.figures() {
		if *n != *theirs[i] {
			return false
		}
	}
	return t.LongestQueue == o.LongestQueue && t.LongestWait == o.LongestWait && maps.Equal(t.RefusedBy, o.RefusedBy)
}

// Check returns an error that names every sum that does not hold, or nil. An
// error means that this tool, not the broker, is broken.
func (t *Totals) Check() error {
	var f sumFaults
	f.equal("planned = sent + not sent", t.Planned, t.Sent+t.NotSent.Total())
	f.equal("sent = answered + late + lost + refused + interrupted + outstanding", t.Sent,
		t.Answered+t.Late+t.Lost+t.Refused+t.Interrupted+t.Outstanding)
	var codes int64
	for _, n := range t.RefusedBy {
		codes += n
	}
	f.equal("refused = sum over the reason codes", t.Refused, codes)
	f.atMost("those sent to devices away are of the sent", t.SentAway, t.Sent)
	f.atMost("those to acknowledge are of the sent", t.ToAcknowledge, t.Sent)
	f.atMost("unacknowledged are of those to acknowledge", t.Unacknowledged, t.ToAcknowledge)
	f.atMost("those held back are of the sent", t.Held, t.Sent)
	f.atMost("those held back by the connection are of the held", t.HeldByConn, t.Held)
	f.atMost("lost ones to devices away are of the lost", t.LostAway, min(t.Lost, t.SentAway))
	f.atMost("partial are of the lost", t.Partial, t.Lost)
	f.atMost("unfinished are of the lost", t.Unfinished, t.Lost)
	f.atMost("answered and late have an answer each", t.Answered+t.Late+t.Partial, t.Answers)
	f.atMost("error answers are of the answers", t.ErrorAnswers, t.Answers)
	f.atMost("unchecked ones are of the answers", t.Unchecked, t.Answers)
	f.atMost("lost ones miss an answer each", t.Lost, t.MissingAnswers)
	for _, n := range t.figures() {
		f.atMost("no number is negative", -*n, 0)
	}
	return f.err()
}

// Outcomes is what became of the requests of one label, or of one interval.
type Outcomes struct {
	Planned  int64 `json:"planned"`
	Sent     int64 `json:"sent"`
	Answered int64 `json:"answered"`
	Late     int64 `json:"late"`
	Lost     int64 `json:"lost"`
	Refused  int64 `json:"refused"`
	NotSent  int64 `json:"not_sent"`

	Interrupted int64 `json:"interrupted,omitempty"`
	Paused      int64 `json:"paused,omitempty"` // of the not sent
}

// text has them in words.
func (o *Outcomes) text() string {
	t := fmt.Sprintf("planned %d, sent %d, answered %d, late %d, lost %d, refused %d, not sent %d", o.Planned, o.Sent, o.Answered, o.Late, o.Lost, o.Refused, o.NotSent)
	if o.Interrupted > 0 {
		t += fmt.Sprintf(", interrupted %d", o.Interrupted)
	}
	return t
}

// Add adds the numbers of o.
func (o *Outcomes) Add(p Outcomes) {
	o.Planned += p.Planned
	o.Sent += p.Sent
	o.Answered += p.Answered
	o.Late += p.Late
	o.Lost += p.Lost
	o.Refused += p.Refused
	o.NotSent += p.NotSent
	o.Interrupted += p.Interrupted
	o.Paused += p.Paused
}
