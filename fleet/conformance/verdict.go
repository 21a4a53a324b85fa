package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"homefleet/devices/words"
)

// Cause is a deviation with what may be no more than its echo.
type Cause struct {
	*Result
	Echoes []*Result // could not be judged because of it
}

// Causes returns what deviates, the most telling first: what others rest upon and
// could not be judged without, then what is required, then the rest, each by group.
func (r *Report) Causes() []Cause {
	echoes := make(map[string][]*Result)
	for i := range r.Results {
		if of := r.Results[i].EchoOf; of != "" {
			echoes[of] = append(echoes[of], &r.Results[i])
		}
	}
	var all []Cause
	for i := range r.Results {
		if s := r.Results[i].Status; s == Deviates || s == Flaky {
			all = append(all, Cause{&r.Results[i], echoes[r.Results[i].Name()]})
		}
	}
	slices.SortStableFunc(all, func(a, b Cause) int {
		return cmp.Or(len(b.Echoes)-len(a.Echoes), strings.Compare(string(a.Level()), string(b.Level())))
	})
	return all
}

// Judged is how many statements were found to hold or not.
func (r *Report) Judged() int { return r.Count(Conforms) + r.Count(Deviates) + r.Count(Flaky) }

// Verdict is what was found, in a sentence that names the cause first.
func (r *Report) Verdict() string {
	judged := words.Grouped(int64(r.Judged()))
	causes := r.Causes()
	short := "" // of all statements
	if r.Clings {
		short = fmt.Sprintf("; it closes no connection after a DISCONNECT, so the checks waited for that for no more than %s each time", words.Span(clung))
	}
	if r.Stopped != "" {
		short += fmt.Sprintf("; %s, and %s of %s were not judged", r.Stopped, words.Grouped(int64(len(r.Results)-r.Judged())), words.Grouped(int64(len(r.Results))))
	}
	switch {
	case r.Gone != "":
		return fmt.Sprintf("not decided: the broker could not be reached any more after a while (%s); %s judged", r.Gone, words.Plural(int64(r.Judged()), "statement was", "statements were"))
	case r.Judged() == 0:
		return "not decided: nothing could be judged" + short
	case len(causes) == 0 && r.Stopped != "":
		return fmt.Sprintf("not decided: all of %s conform so far", words.Plural(int64(r.Judged()), "statement", "statements")) + short
	case len(causes) == 0:
		return fmt.Sprintf("conforms: all of %s that could be judged", words.Plural(int64(r.Judged()), "statement", "statements")) + short
	}
	must, should := r.Deviations(Must), r.Deviations(Should)
	if must == 0 {
		return fmt.Sprintf("conforms in all that is required; deviates in %d of %s statements, which the standard no more than recommends", should, judged) + short
	}
	text := fmt.Sprintf("deviates in %s of %s statements", words.Grouped(int64(len(causes))), judged)
	if should > 0 {
		text += fmt.Sprintf(" (%d required, %d no more than recommended)", must, should)
	}
	if first := causes[0]; len(first.Echoes) > 0 {
		text += fmt.Sprintf(": first of all %s (%s), because of which %s could not be judged", first.Title, first.Clause,
			words.Plural(int64(len(first.Echoes)), "other", "others"))
	}
	if r.Early > 0 {
		text += fmt.Sprintf("; a subscription works only some %s after its SUBACK, so the checks waited for %s each time", words.Span(r.Early*2/3), words.Span(r.Early))
	}
	return text + short
}

// Line is the deviation in a sentence.
func (r *Result) Line() string {
	switch {
	case r.Status == Flaky:
		return fmt.Sprintf("%d of %d attempts failed: %s", r.Failed, r.Attempts, r.faultLine())
	case r.Status == Deviates:
		return r.faultLine()
	case r.EchoOf != "":
		return "cannot be judged while this deviates: " + r.EchoOf
	}
	return r.Seen
}

func (r *Result) faultLine() string {
	if r.Expected == "" {
		return r.Seen
	}
	return r.Seen + "; wanted is " + r.Expected
}

// Tally counts the results of a group by their status.
type Tally struct {
	Group  Group
	Counts map[Status]int
}

// Tallies returns the groups that have results, in order.
func (r *Report) Tallies() []Tally {
	var all []Tally
	for _, g := range Groups() {
		t := Tally{g, make(map[Status]int)}
		for i := range r.Results {
			if r.Results[i].Group == g {
				t.Counts[r.Results[i].Status]++
			}
		}
		if len(t.Counts) > 0 {
			all = append(all, t)
		}
	}
	return all
}

// Reasons counts why statements were not judged, the most frequent first, echoes
// left out.
func (r *Report) Reasons() []Reason {
	var all []Reason
	for i := range r.Results {
		x := &r.Results[i]
		if x.EchoOf != "" || x.Status != NotSupported && x.Status != NotDecided {
			continue
		}
		k := slices.IndexFunc(all, func(a Reason) bool { return a.Status == x.Status && a.Why == x.Seen })
		if k < 0 {
			all, k = append(all, Reason{Status: x.Status, Why: x.Seen}), len(all)
		}
		all[k].Count++
	}
	slices.SortStableFunc(all, func(a, b Reason) int { return b.Count - a.Count })
	return all
}

// Reason is why statements were not judged.
type Reason struct {
	Status Status
	Why    string
	Count  int
}

// String describes the facts in a line.
func (f *Facts) String() string {
	if f.OldOnly {
		return "MQTT 3.1.1 only"
	}
	parts := []string{"MQTT 5", fmt.Sprintf("Maximum QoS %d", f.MaximumQoS), fmt.Sprintf("Receive Maximum %s", words.Grouped(int64(f.ReceiveMaximum)))}
	if f.MaximumPacketSize > 0 {
		parts = append(parts, fmt.Sprintf("Maximum Packet Size %s", words.Grouped(int64(f.MaximumPacketSize))))
	}
	parts = append(parts, fmt.Sprintf("Topic Alias Maximum %d", f.TopicAliasMaximum))
	if f.ServerKeepAlive >= 0 && f.ServerKeepAlive < 65535 {
		parts = append(parts, "Server Keep Alive "+words.Duration(time.Duration(f.ServerKeepAlive)*time.Second))
	}
	for _, x := range []struct {
		available bool
		what      string
	}{{f.Retain, "retained messages"}, {f.Wildcards, "wildcards"}, {f.Identifiers, "Subscription Identifiers"}, {f.Shared, "shared subscriptions"}} {
		if !x.available {
			parts = append(parts, "no "+x.what)
		}
	}
	if f.ResponseInformation != "" {
		parts = append(parts, "Response Information")
	}
	return strings.Join(parts, ", ")
}
