package conformance

import (
	"fmt"
	"strings"
	"time"
)

// What a trace keeps at most, of its packets and of each.
const (
	mostSteps     = 400
	mostStepBytes = 64
)

// Step is one packet of a check as it went over the wire, or the end of a connection.
type Step struct {
	After  time.Duration // since the check began
	Client string        // which of the check's connections
	Sent   bool          // by the client; otherwise received
	Bytes  string        // the first of them; "" for the end of a connection
	Length int           // of the whole
	Note   string
}

// What says what went which way.
func (s Step) What() string {
	if s.Note != "" {
		return s.Note
	}
	name := "nothing"
	if s.Bytes != "" {
		name = typeNames[s.Bytes[0]>>4]
	}
	if s.Sent {
		return "sends " + name
	}
	return "gets " + name
}

// String is the step on a line.
func (s Step) String() string {
	if s.Note != "" {
		return fmt.Sprintf("%8.1f ms  %s: %s", float64(s.After.Microseconds())/1e3, s.Client, s.Note)
	}
	tail := ""
	if s.Length > len(s.Bytes) {
		tail = fmt.Sprintf(" … (%d bytes)", s.Length)
	}
	return fmt.Sprintf("%8.1f ms  %s %s  % x%s", float64(s.After.Microseconds())/1e3, s.Client, s.What(), s.Bytes, tail)
}

// trace is the packets of a check in order.
type trace struct {
	on      bool
	begun   time.Time
	steps   []Step
	dropped int
}

func (t *trace) add(client string, sent bool, text string) {
	if !t.on {
		return
	}
	t.append(Step{Client: client, Sent: sent, Bytes: strings.Clone(text[:min(len(text), mostStepBytes)]), Length: len(text)})
}

func (t *trace) note(client, text string) {
	if t.on {
		t.append(Step{Client: client, Note: text})
	}
}

func (t *trace) append(s Step) {
	if t.begun.IsZero() {
		t.begun = time.Now()
	}
	if len(t.steps) == mostSteps {
		t.dropped++
		return
	}
	s.After = time.Since(t.begun)
	t.steps = append(t.steps, s)
}
