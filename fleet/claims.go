package fleet

import "homefleet/fleet/audit"

// claims returns what the device says that the broker retains of it: its
// availability, and its states where they are retained. It is called by letter.
func (r *responder) claims() []claim {
	if !r.wasUp || r.fleet.noRetain.Load() || r.link != nil && r.link.dark {
		return nil
	}
	lwt := claim{topic: "tele/" + r.spec.ID + "/lwt", since: r.announced}
	if !r.live() {
		lwt.values = r.lastWords(lwt.topic)
		return []claim{lwt}
	}
	lwt.values, lwt.number = []string{online}, r.link.number
	all := []claim{lwt}
	if !r.spec.Group.Retain {
		return all
	}
	for i, value := range r.retained {
		if value != "" {
			all = append(all, claim{topic: string(r.stateTopic(nil, i)), values: []string{value}})
		}
	}
	return all
}

// retains notes what an attribute's state topic was last told to hold, if it is
// known to have been sent. The model may have moved on since: a temperature is
// not reported at each tenth of a degree.
func (r *responder) retains(attr int, value []byte, sent bool) {
	if r.fleet.audit == nil {
		return
	}
	if r.retained == nil {
		r.retained = make([]string, len(r.spec.Group.Kind.Attributes))
	}
	switch {
	case !sent:
		r.retained[attr] = ""
	case r.retained[attr] != string(value):
		r.retained[attr] = string(value)
	}
}

// lastWords returns what may be retained as the availability of a device that is
// away: by its own last message, or by its Will.
func (r *responder) lastWords(topic string) []string {
	w := &r.spec.Group.Will
	vars := r.spec.Vars(r.fleet.run)
	out, known := r.fleet.audit.Last(r.number, r.fleet.now())
	switch {
	case r.parted:
		return []string{offline}
	case w.Off || !w.Retain || w.Topic.Expand(vars) != topic || !known || !out.Due:
		return []string{online}
	case out.Seen > 0 || out.Verdict == audit.Missing:
		return []string{w.Payload.Expand(vars)}
	}
	return []string{online, w.Payload.Expand(vars)}
}
