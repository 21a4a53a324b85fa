package load

import (
	"slices"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices/faces"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// byTopic is what a controller of MQTT 3.1.1 knows of its requests. There is neither
// Response Topic nor Correlation Data: a device answers on the state topic of the
// attribute, for everybody who listens there, and a requester takes what comes there
// next for the answer to its own request. So it has one outstanding for each device at a
// time; a slot for a device that has not answered yet waits until it does, or until the
// time-out.
//
// The ledger is told what the requester takes for its answer, and, where requests are
// marked (see [deliveries.Mark]), whose it was. Then the time and the fate of a request are those
// of its own answer; else they are those of what was taken for it.
type byTopic struct {
	asked   map[uint32]asked // by target: the last request, unless it was taken for answered
	sent    []asked          // those that have not run into their time-out, in the order of their sending; some are answered
	waiting int              // of asked, those that have not run into it
	payload []byte           // room for one with its mark
	online  time.Duration    // since when there is the present connection
}

// asked is a request.
type asked struct {
	target  uint32
	seq     uint64
	until   time.Duration // its time-out
	expired bool          // that has passed: the requester has given up
}

// mostFilters is how many topics a controller subscribes to one by one. One that
// commands more devices takes what all devices say there, as far as one filter has it.
const mostFilters = 32

// matchesByTopic prepares the group for controllers of MQTT 3.1.1.
func (g *Group) matchesByTopic() {
	g.answersAt = make(map[string]uint32, len(g.targets))
	for i := range g.targets {
		g.answersAt[g.answerTopic(i)] = uint32(i)
	}
}

// answerTopic is where a target answers a request without a Response Topic.
func (g *Group) answerTopic(target int) string {
	t := &g.targets[target]
	return string(t.asking.face.(faces.Answerer).AppendAnswerTopic(nil, &t.who, t.asking.attr)) // as was checked
}

// filters are what a controller subscribes to that matches by topic.
func (g *Group) filters(index int) (subs []packets.SubOptions) {
	add := func(filter string) {
		subs = append(subs, packets.SubOptions{Topic: filter, QoS: max(g.Spec.QoS, 1)})
	}
	if g.Spec.Pair {
		add(g.answerTopic(index % len(g.targets)))
		return subs
	}
	wide := make(map[*asking]string) // of more devices than are asked for one by one
	for i := range g.targets {
		t, topic := &g.targets[i], g.answerTopic(i)
		filter, has := wide[t.asking]
		if !has && len(g.targets) > mostFilters {
			filter = string(t.asking.face.(faces.Answerer).AppendAnswerTopic(nil, &faces.Who{ID: "+"}, t.asking.attr))
			if wide[t.asking] = filter; wire.Match(filter, topic) && !slices.ContainsFunc(subs, func(s packets.SubOptions) bool { return s.Topic == filter }) {
				add(filter)
			}
		}
		if !wire.Match(filter, topic) {
			add(topic)
		}
	}
	return subs
}

// waitsFor reports whether the requester waits for the answer of the device that the
// next slot is for, and until when it does so at most.
func (r *Controller) waitsFor() (until time.Duration, waits bool) {
	if !r.V311() || r.waiting == 0 {
		return 0, false
	}
	target := r.slot.target
	if r.Group.closed() {
		next := r.slots // a copy, which yields the same
		target = next.after(0).target
	}
	a, has := r.asked[uint32(target)]
	return a.until, has && !a.expired
}

// expireAsked notes the requests whose time-out has passed. The requester does not wait
// for their answers any more, but takes them as long as it has not asked again.
func (r *Controller) expireAsked(at time.Duration) {
	n := 0
	for ; n < len(r.sent) && r.sent[n].until < at; n++ {
		if a, has := r.asked[r.sent[n].target]; has && a.seq == r.sent[n].seq {
			a.expired = true
			r.asked[a.target] = a
			r.waiting--
		}
	}
	r.sent = slices.Delete(r.sent, 0, n)
}

// notes enters a request that is sent.
func (r *Controller) notes(target int, seq uint64, at time.Duration) {
	if r.asked == nil {
		r.asked = make(map[uint32]asked)
	}
	a := asked{target: uint32(target), seq: seq, until: at + r.Group.Spec.Timeout}
	r.asked[a.target] = a
	r.sent = append(r.sent, a)
	r.waiting++
}

// marked returns the payload of a request with its mark.
func (r *Controller) marked(payload []byte, seq uint64) []byte {
	r.payload = append(r.payload[:0], payload...)
	r.payload = r.mark(seq).Append(r.payload)
	return r.payload
}

func (r *Controller) mark(seq uint64) deliveries.Mark {
	return deliveries.Mark{Run: uint16(r.env.RunID), Controller: uint32(r.Group.first+r.index) & 0xffffff, Seq: uint32(seq)}
}

// listens takes what came to the topic of an answer.
func (r *Controller) listens(p *wire.Publish) {
	target, ok := r.Group.answersAt[string(p.Topic)]
	if !ok || r.zero.IsZero() {
		return // another device's, or before anything was asked
	}
	at := r.at(r.ReadAt())
	r.expireAsked(at)
	a, has := r.asked[target]
	answer := metrics.Answer{Target: r.Group.expected(int(target)), OtherRetain: p.Retain, Unmarked: !r.Group.Spec.Identify}
	seq, mine, whose := a.seq, has, metrics.Anyones
	if r.Group.Spec.Identify {
		seq, mine, whose = r.readMark(p, a.seq, &answer)
	}
	if p.Retain && !(has && whose == metrics.Own && a.until-r.Group.Spec.Timeout >= r.online) {
		return // out of the broker's store, and not the answer to what was asked on this connection
	}
	if has {
		delete(r.asked, target)
		if !a.expired {
			r.waiting--
		}
		r.ledger.Took(at, a.seq, whose)
	}
	if mine {
		r.ledger.AnswerTo(at, seq, answer)
	}
	r.refill(at)
}

// readMark says by the mark of an answer to which request it is, whether that is one of
// the controller's own, and whose answer has been taken for that to request seq. It notes
// what the seal says.
func (r *Controller) readMark(p *wire.Publish, seq uint64, answer *metrics.Answer) (to uint64, mine bool, whose metrics.Whose) {
	payload, stamp, whole, sealed := deliveries.ReadSeal(p)
	if sealed {
		r.checked(answer, p, stamp, whole)
	}
	m, marked := deliveries.ReadMark(payload)
	own := r.mark(seq)
	switch {
	case !marked || m.Run != own.Run:
		return 0, false, metrics.Nobodys
	case m.Controller != own.Controller:
		return 0, false, metrics.Others
	case m.Seq != own.Seq:
		return uint64(m.Seq), true, metrics.Earlier
	}
	return uint64(m.Seq), true, metrics.Own
}
