package deliveries

import (
	"fmt"
	"time"
)

// What a [Ledger] is told, in the words of a history.
const (
	toldOpened         = "opened" // with its configuration
	toldTopic          = "topic"
	toldSent           = "sent"
	toldNotSent        = "not sent"
	toldResent         = "sent again"
	toldRefused        = "refused"
	toldUnacknowledged = "unacknowledged"
	toldCut            = "cut"
	toldUp             = "watcher up"
	toldDown           = "watcher down"
	toldReceived       = "received"
	toldStray          = "stray"
	toldClosed         = "closed"
)

// Fact is one call of a [Ledger], as a history keeps it: what one ledger was told can be
// told another one, which then counts the same. Moments are those of the ledger, in
// nanoseconds.
type Fact struct {
	What        string          `json:"what"`
	Device      int             `json:"device,omitempty"`
	Slot        int             `json:"slot,omitempty"`
	Seq         uint32          `json:"seq,omitempty"`
	Topic       string          `json:"topic,omitempty"`
	QoS         byte            `json:"qos,omitempty"`
	Measured    bool            `json:"measured,omitempty"`
	Epoch       uint32          `json:"epoch,omitempty"` // which watchers there were
	Group       int             `json:"group,omitempty"`
	Member      int             `json:"member,omitempty"`
	Arrival     *Arrival        `json:"arrival,omitempty"`
	Kind        Kind            `json:"kind,omitempty"`
	At          time.Duration   `json:"at,omitempty"`
	Interrupted bool            `json:"interrupted,omitempty"`
	Slow        []time.Duration `json:"slow,omitempty"` // by group
	Ledger      *Config         `json:"ledger,omitempty"`
}

// Opened returns the configuration of a ledger that a history begins with; ok is false
// where the fact is something else.
func (f *Fact) Opened() (c Config, ok bool) {
	if f.What != toldOpened || f.Ledger == nil {
		return Config{}, false
	}
	return *f.Ledger, true
}

// Closed reports whether the fact is the end of the ledger.
func (f *Fact) Closed() bool { return f.What == toldClosed }

func (f *Fact) message() Message { return Message{f.Device, f.Slot, f.Seq} }

// factOf is a fact about a message.
func factOf(what string, m Message) Fact {
	return Fact{What: what, Device: m.Device, Slot: m.Slot, Seq: m.Seq}
}

// received is that a message came to a watcher.
func received(m Message, a Arrival) Fact {
	f := factOf(toldReceived, m)
	f.Group, f.Member, f.Arrival = a.Group, a.Member, new(a)
	return f
}

// mostLeftOut is how many sequences a message of a history may leave out.
const mostLeftOut = 1 << 20

// Replay tells the ledger what another one was told. What no ledger can be told is an
// error.
func (l *Ledger) Replay(f *Fact) error {
	switch f.What {
	case toldUp, toldDown, toldReceived, toldStray:
		return l.replayWatcher(f)
	case toldClosed:
		l.Close(f.At, f.Interrupted, func(group int) time.Duration {
			if group < len(f.Slow) {
				return f.Slow[group]
			}
			return 0
		})
		return nil
	}
	if !l.known(f.message()) {
		return fmt.Errorf("%q of device %d and topic %d, which there cannot be", f.What, f.Device, f.Slot)
	}
	switch f.What {
	case toldTopic:
		l.Open(f.Device, f.Slot, []byte(f.Topic))
	case toldSent:
		if s := l.stream(f.Device, f.Slot); s != nil && f.Seq > s.sent && f.Seq-s.sent > mostLeftOut {
			return fmt.Errorf("message %d is sent, where %d comes next", f.Seq, s.sent)
		}
		l.sent(f.message(), f.Epoch, f.QoS, f.Measured)
	case toldNotSent:
		l.NotSent(f.message())
	case toldResent:
		l.Resent(f.message())
	case toldRefused:
		l.Refused(f.message())
	case toldUnacknowledged:
		l.Unacknowledged(f.message())
	case toldCut:
		l.Cut(f.Device)
	default:
		return fmt.Errorf("%q is nothing that a ledger of deliveries can be told", f.What)
	}
	return nil
}

// replayWatcher is Replay for what watchers see.
func (l *Ledger) replayWatcher(f *Fact) error {
	if f.Group < 0 || f.Group >= len(l.groups) || f.Member < 0 || f.Member >= l.groups[f.Group].Members && f.What != toldStray {
		return fmt.Errorf("%q of watcher %d of group %d, which there cannot be", f.What, f.Member, f.Group)
	}
	if f.QoS > 2 || f.Arrival != nil && f.Arrival.QoS > 2 {
		return fmt.Errorf("%q at a QoS above 2", f.What)
	}
	switch f.What {
	case toldUp:
		l.Up(f.Group, f.Member, f.QoS)
	case toldDown:
		l.Down(f.Group, f.Member)
	case toldStray:
		l.Stray(f.Group, f.QoS, f.Kind)
	case toldReceived:
		if f.Arrival == nil {
			return fmt.Errorf("%q without an arrival", f.What)
		}
		a := *f.Arrival
		a.Group, a.Member = f.Group, f.Member
		l.Received(f.message(), a)
	}
	return nil
}
