package responder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/wire"
)

// treatment is what a request wants to become of its answer, as its User Property
// [deliveries.FaultKey] says: a list of what is sent, in that order, with the waits
// between. It is no standard's; a client library's own tests go by it.
type treatment struct {
	steps   []step
	error   string // the command is refused with it; "": it is carried out
	pending bool   // an answer says that the real one is to come
	said    bool   // and has said so
}

// step is one answer, and how long after the one before it is sent.
type step struct {
	after time.Duration
	what  string // one of the words below that are answers
}

// The words of a treatment.
const (
	dropIt           = "drop"
	delayIt          = "delay"
	asItIs           = "final"
	twice            = "twice"
	pending          = "pending"
	wrongCorrelation = "wrong-correlation"
	noCorrelation    = "no-correlation"
	wrongTopic       = "wrong-topic"
	withError        = "error"
)

// faultWords are the words as somebody writes them.
var faultWords = []string{"delay=2s", dropIt, twice, wrongCorrelation, noCorrelation, wrongTopic, "error=busy", pending, asItIs}

// Bounds of a treatment.
const (
	mostSteps    = 8
	longestDelay = time.Minute // of all delays together
	longestError = 256         // bytes
	longestFault = 512         // bytes
)

// parseTreatment reads the value of the User Property. The error is a sentence for
// whoever wrote it.
func parseTreatment(text string) (*treatment, error) {
	if len(text) > longestFault {
		return nil, fmt.Errorf("%s has %d bytes; want at most %d", deliveries.FaultKey, len(text), longestFault)
	}
	t := new(treatment)
	var wait, all time.Duration
	list := strings.Split(text, ",")
	if len(list) > mostSteps {
		return nil, fmt.Errorf("%s lists %d things; want at most %d", deliveries.FaultKey, len(list), mostSteps)
	}
	for _, one := range list {
		name, value, valued := strings.Cut(strings.TrimSpace(one), "=")
		switch {
		case name == delayIt:
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return nil, fmt.Errorf("delay is %q; want a time above 0s, such as delay=2s", words.Short(value))
			}
			if d > longestDelay || all+d > longestDelay {
				return nil, fmt.Errorf("the delays are %s in all; want at most %s", words.Duration(all+d), words.Duration(longestDelay))
			}
			wait, all = wait+d, all+d
			continue
		case name == withError:
			if t.error = value; value == "" || len(value) > longestError {
				return nil, fmt.Errorf("error has %d bytes of text; want 1 to %d, such as error=busy", len(value), longestError)
			}
			t.steps = append(t.steps, step{wait, asItIs})
		case valued || !slices.Contains(faultWords, name):
			return nil, noSuchFault(strings.TrimSpace(one), name)
		case name == twice:
			t.steps = append(t.steps, step{wait, asItIs}, step{0, asItIs})
		default:
			t.pending = t.pending || name == pending
			t.steps = append(t.steps, step{wait, name})
		}
		wait = 0
	}
	switch {
	case len(t.steps) == 0: // a delay alone
		t.steps = append(t.steps, step{wait, asItIs})
	case wait > 0:
		return nil, errors.New("delay stands last, with nothing to delay; want it before what is to be late")
	}
	return t, t.goTogether()
}

// noSuchFault says which word may have been meant.
func noSuchFault(whole, name string) error {
	what := fmt.Sprintf("there is no %s %q; ", deliveries.FaultKey, words.Short(whole))
	for _, near := range []string{whole, name, strings.ReplaceAll(name, "_", "-")} {
		var known []string
		for _, w := range faultWords {
			bare, _, _ := strings.Cut(w, "=")
			known = append(known, bare)
		}
		if word, ok := words.Nearest(near, known); ok {
			i := slices.IndexFunc(faultWords, func(w string) bool { return w == word || strings.HasPrefix(w, word+"=") })
			return fmt.Errorf("%sdid you mean %s?", what, faultWords[i])
		}
	}
	return fmt.Errorf("%swant one of %s", what, strings.Join(faultWords, ", "))
}

// goTogether looks at the steps together.
func (t *treatment) goTogether() error {
	is := func(what string) func(step) bool { return func(s step) bool { return s.what == what } }
	switch {
	case len(t.steps) > 1 && slices.ContainsFunc(t.steps, is(dropIt)), t.steps[0].what == dropIt && t.steps[0].after > 0:
		return errors.New("drop stands beside something else; want it alone, since there is no answer then")
	case t.error != "":
		answers := slices.DeleteFunc(slices.Clone(t.steps), is(pending))
		if len(answers) > 1 || t.steps[len(t.steps)-1].what == pending {
			return errors.New("error stands beside another answer; want pending and delay alone before it, and nothing behind")
		}
	}
	return nil
}

// fits is what is wrong with a treatment of the answer to a request, or nil.
func (t *treatment) fits(p *wire.Publish, usable bool) error {
	for _, s := range t.steps {
		switch {
		case !usable:
			return fmt.Errorf("%s is about the answer, and the request has no Response Topic for it", deliveries.FaultKey)
		case (s.what == wrongCorrelation || s.what == noCorrelation) && len(p.Props.CorrelationData) == 0:
			return fmt.Errorf("%s wants Correlation Data, and the request has none", s.what)
		case s.what == wrongTopic && len(p.Props.ResponseTopic)+len(wrongBehind) > 0xFFFF:
			return errors.New("wrong-topic makes the Response Topic longer, and it has 65,535 bytes at most")
		}
	}
	return nil
}

// delays reports how many of the answers wait.
func (t *treatment) delays() int {
	for i, s := range t.steps {
		if s.after > 0 {
			return len(t.steps) - i
		}
	}
	return 0
}
