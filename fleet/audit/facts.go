package audit

import (
	"fmt"
	"slices"
	"time"

	"homefleet/fleet/metrics"
)

// What an [Audit] is told, in the words of a history.
const (
	toldOpened     = "opened" // with what it judges by
	toldSlack      = "slack"
	toldConnected  = "connected"
	toldUnanswered = "unanswered"
	toldSilent     = "silent"
	toldLost       = "lost"
	toldAudible    = "audible"
	toldEnded      = "ended"
	toldSeen       = "will seen"
	toldWatching   = "watching"
	toldAway       = "not watching"
	toldForgot     = "broker forgot"
	toldConsumed   = "consumed"
	toldLearned    = "learned"
	toldClosed     = "closed"
)

// Fact is one report to an [Audit], as a history keeps it: what one audit was told
// can be told another one, which then comes to the same verdicts. Moments are
// those of the audit, in nanoseconds.
type Fact struct {
	What       string         `json:"what"`
	Device     int            `json:"device,omitempty"`
	Connection uint32         `json:"connection,omitempty"`
	At         time.Duration  `json:"at,omitempty"`
	Way        string         `json:"way,omitempty"`
	Altered    bool           `json:"altered,omitempty"`
	Connected  *Connection    `json:"connected,omitempty"`
	Attempt    *Attempt       `json:"attempt,omitempty"`
	End        *End           `json:"end,omitempty"`
	Slack      *metrics.Slack `json:"slack,omitempty"`
	Ways       []string       `json:"ways,omitempty"`
}

// Opened returns the ways of the audit that a history begins with; ok is false where
// the fact is something else.
func (f *Fact) Opened() (ways []string, ok bool) { return f.Ways, f.What == toldOpened }

// Closed returns when the audit was closed; ok is false where the fact is something else.
func (f *Fact) Closed() (at time.Duration, ok bool) { return f.At, f.What == toldClosed }

// Replay tells the audit what another one was told. Facts that are of no single device,
// or say what no audit can be told, are an error. What was told as the other one was
// opened or closed is the caller's.
func (a *Audit) Replay(f *Fact) error {
	missing := fmt.Errorf("%q without what belongs to it", f.What)
	switch f.What {
	case toldOpened, toldClosed:
	case toldSlack:
		if f.Slack == nil {
			return missing
		}
		a.SetSlack(*f.Slack)
	case toldWatching, toldAway:
		a.Watching(f.At, f.What == toldWatching)
	case toldForgot:
		a.Forgot()
	default:
		return a.replayOf(f, missing)
	}
	return nil
}

// replayOf is Replay for what is of one device.
func (a *Audit) replayOf(f *Fact, missing error) error {
	if f.Device < 0 {
		return fmt.Errorf("%q of device %d, which there cannot be", f.What, f.Device)
	}
	switch f.What {
	case toldConnected:
		if f.Connected == nil {
			return missing
		}
		a.Connected(f.Device, f.Connection, *f.Connected)
	case toldUnanswered:
		if f.Attempt == nil {
			return missing
		}
		a.Unanswered(f.Device, f.Connection, *f.Attempt)
	case toldSilent:
		a.Silent(f.Device, f.Connection, f.Way, f.At)
	case toldLost:
		a.Lost(f.Device, f.Connection, f.At)
	case toldAudible:
		a.Audible(f.Device, f.Connection, f.At)
	case toldEnded:
		if f.End == nil {
			return missing
		}
		a.Ended(f.Device, f.Connection, *f.End)
	case toldSeen:
		a.Seen(f.Device, f.Connection, f.At, f.Altered)
	case toldConsumed:
		a.Consumed(f.Device, f.Connection)
	case toldLearned:
		a.Learned(f.Device, f.Connection)
	default:
		return fmt.Errorf("%q is nothing that an audit can be told", f.What)
	}
	return nil
}

// MarshalText writes the ending in words.
func (e Ending) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (e *Ending) UnmarshalText(b []byte) error {
	i := slices.Index(endingNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("%.40q is no way for a connection to end", b)
	}
	*e = Ending(i)
	return nil
}
