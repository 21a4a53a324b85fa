package metrics

import (
	"fmt"
	"time"
)

// What a [Ledger] is told, in the words of a history.
const (
	toldOpened       = "opened" // with its configuration
	toldSent         = "sent"
	toldNotSent      = "not sent"
	toldRemember     = "remember"
	toldWaiting      = "waiting"
	toldExpired      = "expired"
	toldAnswer       = "answer"
	toldAnswerTo     = "answer by topic"
	toldTook         = "taken by topic"
	toldAcknowledged = "acknowledged"
	toldCompleted    = "completed"
	toldDisconnected = "disconnected"
	toldInterrupted  = "interrupted"
	toldClosed       = "closed"
)

// LedgerFact is one call of a [Ledger], as a history keeps it: what one ledger was told
// can be told another one, which then counts and measures the same. Moments are
// those of the ledger, in nanoseconds.
type LedgerFact struct {
	What    string        `json:"what"`
	At      time.Duration `json:"at,omitempty"`
	Seq     uint64        `json:"seq,omitempty"` // of the request
	Request *Request      `json:"request,omitempty"`
	Why     Cause         `json:"why,omitempty"`
	Answer  *Answer       `json:"answer,omitempty"`
	Whose   Whose         `json:"whose,omitempty"`
	Code    byte          `json:"code,omitempty"`
	N       int64         `json:"n,omitempty"`
	Wait    time.Duration `json:"wait,omitempty"`
	Ledger  *LedgerConfig `json:"ledger,omitempty"`
}

// Opened returns the configuration of a ledger that a history begins with; ok is false
// where the fact is something else.
func (f *LedgerFact) Opened() (c LedgerConfig, ok bool) {
	if f.What != toldOpened || f.Ledger == nil {
		return LedgerConfig{}, false
	}
	return *f.Ledger, true
}

// Replay tells the ledger what another one was told. What no ledger can be told is an
// error.
func (l *Ledger) Replay(f *LedgerFact) error {
	switch f.What {
	case toldSent, toldNotSent:
		if f.Request == nil {
			return fmt.Errorf("%q without a request", f.What)
		}
		if f.What == toldNotSent {
			if f.Why >= causeCount {
				return fmt.Errorf("%q because of %d, which is no cause", f.What, f.Why)
			}
			l.NotSent(*f.Request, f.Why)
			return nil
		}
		if f.Seq != l.head {
			return fmt.Errorf("request %d is sent, where %d comes next", f.Seq, l.head)
		}
		l.Send(*f.Request)
		if n := l.Bytes(); n > mostReplayed {
			return fmt.Errorf("the requests that are open at a time take %d bytes; want at most %d", n, mostReplayed)
		}
	case toldAnswer, toldAnswerTo:
		if f.Answer == nil {
			return fmt.Errorf("%q without an answer", f.What)
		}
		if f.What == toldAnswerTo {
			l.AnswerTo(f.At, f.Seq, *f.Answer)
		} else {
			l.Answer(f.At, *f.Answer)
		}
	case toldRemember:
		l.Remember(int(f.N))
	case toldWaiting:
		l.Waiting(f.At, f.N, f.Wait)
	case toldExpired:
		l.Expire(f.At)
	case toldTook:
		l.Took(f.At, f.Seq, f.Whose)
	case toldAcknowledged:
		l.Acknowledged(f.At, f.Seq, f.Code)
	case toldCompleted:
		l.Completed(f.Seq)
	case toldDisconnected:
		l.Disconnected()
	case toldInterrupted:
		l.Interrupt(f.At)
	case toldClosed:
		l.Close(f.At)
	default:
		return fmt.Errorf("%q is nothing that a ledger can be told", f.What)
	}
	return nil
}

// mostReplayed bounds what a ledger takes in memory that a file fills.
const mostReplayed = 1 << 30

// Held is how many requests the ledger holds, open or remembered: none, once it was closed.
func (l *Ledger) Held() int { return int(l.head - l.tail) }
