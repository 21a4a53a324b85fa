package responder

import (
	"slices"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/retained"
)

// keeping is what a topic was last told to hold.
type keeping struct {
	topic string
	value string        // "": not known
	made  time.Duration // on the fleet's clock, as its stamp has it
}

// ExpectsRetained returns what the device says that the broker retains of it: its
// availability, and its states where they are retained. The device's goroutine calls it.
func (r *Responder) ExpectsRetained() []retained.Expected {
	if !r.WasOnline() || r.env.NoRetain() || r.HasNoNetwork() {
		return nil
	}
	topic, onlineWord, _ := r.availability()
	lwt := retained.Expected{Topic: topic, Since: r.announced, Marked: !r.V311() && !r.env.Scenario.Speaks311("")}
	if !r.Live() {
		r.lastWords(&lwt)
		return []retained.Expected{lwt}
	}
	lwt.Values, lwt.Number = []string{onlineWord}, r.ConnectionNumber()
	all := []retained.Expected{lwt}
	for _, k := range r.retained {
		if k.value != "" {
			all = append(all, retained.Expected{Topic: k.topic, Values: []string{k.value}, Since: k.made, Marked: lwt.Marked && k.made > 0})
		}
	}
	return all
}

// retains notes what a topic was last told to hold, if it is known to have been sent. The
// model may have moved on since: a temperature is not reported at each tenth of a degree.
func (r *Responder) retains(topic, value []byte, made time.Duration, sent bool) {
	if !r.env.Retained {
		return
	}
	i := slices.IndexFunc(r.retained, func(k keeping) bool { return k.topic == string(topic) })
	if i < 0 {
		i = len(r.retained)
		r.retained = append(r.retained, keeping{topic: string(topic)})
	}
	k := &r.retained[i]
	k.made = made
	switch {
	case !sent:
		k.value = ""
	case k.value != string(value):
		k.value = string(value)
	}
}

// lastWords says what may be retained as the availability of a device that is
// away: by its own last message, or by its Will, for as long as that does not expire.
func (r *Responder) lastWords(c *retained.Expected) {
	w := &r.spec.Group.Will
	vars := r.spec.Vars(r.env.Run)
	now := r.env.now()
	out, known := r.env.Audit.Last(r.spec.Global, now)
	_, onlineWord, offlineWord := r.availability()
	switch {
	case r.parted:
		c.Values = []string{r.lastWord(offlineWord)}
	case w.Off || !w.Retain || w.Topic.Expand(vars) != c.Topic || !known || !out.Due:
		c.Values = []string{onlineWord}
	case out.Seen > 0 || out.Verdict == audit.Missing:
		c.Values = []string{w.Payload.Expand(vars)}
		c.Since++                                                                       // what the device said as it came is older than its Will
		c.Absent = w.MessageExpiry > 0 && now > out.DueFrom+w.MessageExpiry-time.Second // 3.3.2-5
	default:
		c.Values = []string{onlineWord, w.Payload.Expand(vars)}
		c.Absent = w.MessageExpiry > 0 && now > out.DueFrom+w.MessageExpiry-time.Second
	}
}
