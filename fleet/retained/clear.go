package retained

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Clearing is what [Clearing.Clear] is to empty, and how.
type Clearing struct {
	Scenario *scenarios.Scenario
	Run      string // what {run} stands for
	Env      *client.Env
	Profile  *client.Profile
	Probing  // but for its filters and its patience
	Stream   int

	Devices  []scenarios.Device   // whose topics they are; nil: those of all
	LookOnly bool                 // nothing is emptied
	Progress func(done, of int64) // from another goroutine, now and then; nil: nobody wants to know
}

// Cleared is what was found and done.
type Cleared struct {
	Topics  []string // that were emptied, or with LookOnly would be: all on which the devices may have left something
	Looked  bool     // the broker let be seen what it keeps
	Held    []string // of Topics, those that held something, as far as could be seen
	Left    []string // those that do so still
	Refused int      // of Topics, how many the broker refused to empty
	Why     string   // it refused the first of them
}

const (
	// MostLooked bounds, in bytes, what the broker may send of what it keeps: a bridge tells
	// in one message of all that hang on it.
	MostLooked = 16 << 20

	lookEach = 500 * time.Microsecond // longer, for each topic
)

// Clear empties every topic that the devices of a scenario leave retained: presence, Will,
// and what their faces keep. A topic is emptied by a retained message without a payload
// (MQTT 5.0, 3.3.1-6). It is theirs alone: what others keep on topics beside them stays. The
// devices must not be running.
//
// The error is why the broker could not be asked.
func (c *Clearing) Clear(ctx context.Context) (Cleared, error) {
	l, err := leavingsOf(c.Scenario, c.Devices, c.Run)
	if err != nil {
		return Cleared{}, err
	}
	found, err := c.look(ctx, l)
	if err != nil {
		return Cleared{}, err
	}
	// What is not seen is emptied, too: a broker may keep from this client what it lets it write.
	done := Cleared{Topics: l.topics, Looked: found != nil}
	known := make(map[string]bool, len(l.topics))
	for _, topic := range l.topics {
		known[topic] = true
	}
	for topic := range found {
		if !known[topic] && l.keeps(topic) {
			done.Topics = append(done.Topics, topic)
		}
	}
	slices.Sort(done.Topics)
	done.Held = held(done.Topics, found)
	if c.LookOnly || len(done.Topics) == 0 {
		return done, nil
	}
	if err := c.erase(ctx, &done); err != nil {
		return done, err
	}
	if found, err = c.look(ctx, l); err != nil {
		return done, err
	}
	done.Looked, done.Left = done.Looked && found != nil, held(done.Topics, found)
	return done, nil
}

// look returns what the broker keeps; nil: it does not let it be seen, or not all of it.
func (c *Clearing) look(ctx context.Context, l *leavings) (map[string]Message, error) {
	what := c.Probing
	what.Filters, what.Patience = l.filters, LongestFetch+time.Duration(len(l.topics))*lookEach
	what.Marks = func(*wire.Publish) Marks { return Marks{} }
	found, err := Fetch(c.Env, c.Profile, c.Stream, what)
	if refused, ok := errors.AsType[*client.RefusedError](err); ok && refused.Packet == "SUBACK" {
		return nil, nil
	}
	return found, cmp.Or(ctx.Err(), err)
}

// held returns those of the topics that are among what was found.
func held(topics []string, found map[string]Message) (some []string) {
	for _, topic := range topics {
		if _, ok := found[topic]; ok {
			some = append(some, topic)
		}
	}
	return some
}
