package load

import (
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// Controller is one controller as an MQTT client: what section 4.10.1 of the
// standard calls a Requester. It sends the slots of its group's plan that are
// its own, never waits with one slot for the answer to another (unless the group
// is closed), and enters every one in its ledger.
type Controller struct {
	client.Session
	env    *Env
	Group  *Group
	index  int // within the group
	ledger *metrics.Ledger

	zero  time.Time // start of measuring; zero until the load begins
	slots Stream    // of its own
	slot  Slot      // the next one
	more  bool      // slot is valid
	holdback
	due    []time.Duration // closed: when the next requests may leave
	expire time.Duration   // when the ledger wants to be asked
	expiry bool            // expire is valid
	ended  bool            // no slot is sent any more
	idle   bool            // ended, and nothing is outstanding
	// lateAtEnd says that the fleet was stopped while this one was connected:
	// slots it had not got round to are its own fault.
	lateAtEnd bool

	appointed client.Appointment // with the fleet's alarm

	user        []byte // User Properties of every request
	answers     []byte // Response Topic
	topic       []byte // room for that of one request
	value       []byte // and for its payload, which is not padded yet
	byTopic            // of MQTT 3.1.1
	correlation []byte // room for the Correlation Data of one request
}

// newController returns a controller of a group, whose random choices are those of a
// stream of its own.
func newController(e *Env, g *Group, index, stream int) (*Controller, error) {
	r := &Controller{env: e, Group: g, index: index, correlation: make([]byte, 0, g.Spec.CorrelationSize)}
	ledger, err := metrics.NewLedger(metrics.LedgerConfig{
		Run: e.RunID, Controller: uint32(g.first + index), IDSize: g.Spec.CorrelationSize,
		Timeout: g.Spec.Timeout, Late: g.Spec.Timeout, Told: e.toldOf(uint32(g.first + index)),
		Capacity: g.capacity(), Keep: g.keep(g.pace), Recorder: e.Client.Recorder, Members: g.members(), InParts: g.inParts,
	})
	if err != nil {
		return nil, err
	}
	r.ledger = ledger
	r.Init(e.Client, g.profile, r, client.Setup{Name: g.Spec.ID(index + 1), Stream: stream,
		ClientID: g.Spec.ClientID.Expand(g.Spec.Vars(index+1, e.Client.Seed, e.Run))})
	r.user = g.properties(index+1, e)
	r.slots = g.Stream(index)
	r.appointed = r.NewAppointment()
	return r, nil
}

// FillConnect implements [client.Handler]. A controller's session ends with its connection: an
// answer that comes to a later one is of no use to a measurement.
func (r *Controller) FillConnect(p *wire.Connect) error {
	p.CleanStart, p.SessionExpiry = true, 0
	p.RequestResponseInfo = true
	p.ReceiveMaximum = client.AllAtOnce
	return r.env.Credentials(p, r.Group.Spec.Vars(r.index+1, r.env.Client.Seed, r.env.Run))
}

// Subscriptions implements [client.Handler]: the Response Topic, which is built on the broker's
// Response Information if it gave any (rule 5).
func (r *Controller) Subscriptions() ([]packets.SubOptions, int, error) {
	if r.V311() {
		subs := r.Group.filters(r.index)
		return subs, len(subs), nil
	}
	if r.Group.Spec.ShareReplies && r.Limits().NoShared {
		return nil, 0, &client.UnfitError{Why: "the broker has no shared subscriptions, which share_replies wants"}
	}
	prefix := "homefleet/response/"
	if info := r.Limits().ResponseInformation; info != "" {
		prefix = strings.TrimSuffix(info, "/") + "/"
		r.env.ResponseInformation()
	}
	own := r.ClientID()
	filter := ""
	if r.Group.Spec.ShareReplies {
		own = r.Group.Spec.Name
		filter = "$share/" + r.Group.Spec.Name + "/"
	}
	r.answers = []byte(prefix + own)
	return []packets.SubOptions{{Topic: filter + string(r.answers), QoS: max(r.Group.Spec.QoS, 1), RetainHandling: packets.RetainDoNotSend}}, 1, nil
}

// Online implements [client.Handler]: slots that came due without a connection were not sent, nor
// were those that waited when it ended: they could only have left on it.
func (r *Controller) Online(now time.Time) time.Time {
	if !r.zero.IsZero() {
		r.skip(r.at(now), metrics.NotConnected)
		r.online = r.at(now)
	}
	return r.nextAct()
}

// CatchUp enters the slots that came due without a connection; it is done about once a second, so that they do not pile up.
func (r *Controller) CatchUp() {
	if !r.zero.IsZero() && !r.Live() {
		r.skip(r.at(time.Now()), metrics.NotConnected)
	}
}

// skip enters the slots before a moment as not sent.
func (r *Controller) skip(at time.Duration, why metrics.Cause) {
	for r.more && r.slot.Planned < at {
		r.giveUp(why)
	}
}

// giveUp enters the next slot as not sent.
func (r *Controller) giveUp(why metrics.Cause) {
	if r.slot.paused {
		why = metrics.Paused
	}
	r.ledger.NotSent(metrics.Request{Planned: r.slot.Planned, Labels: r.slot.labels, Answers: r.Group.answers}, why)
	r.advance()
}

// advance goes on to the slot after the next one.
func (r *Controller) advance() {
	if !r.slot.paused {
		r.queue.left()
	}
	r.slot, r.more = r.slots.Next()
}

// BeforeDisconnect implements parting.
func (r *Controller) BeforeDisconnect() { r.lateAtEnd = true }

// Appointment implements punctual.
func (r *Controller) Appointment() *client.Appointment { return &r.appointed }

// Have has the controller do something for the conductor: in its turn, or where
// it gave up, so that nobody else touches it any more, here and now.
func (r *Controller) Have(do func()) {
	if !r.Tell(do) {
		<-r.Gone()
		do()
	}
}

// leftover enters the slots that were planned before a moment as not sent, because
// the fleet has been stopped.
func (r *Controller) leftover(at time.Duration) {
	switch {
	case !r.lateAtEnd:
		r.skip(at, metrics.NotConnected)
	case r.waits:
		r.observe(at)
		r.skip(at, metrics.NoRoom)
	default:
		r.skip(at, metrics.GeneratorLate)
	}
}

// checkIdle tells once that nothing is outstanding any more, not the rest of an answer
// either, nor waits, nor is to be acknowledged.
func (r *Controller) checkIdle() {
	if r.ended && !r.idle && !r.more && r.ledger.Outstanding()+r.ledger.Incomplete() == 0 && (!r.Live() || r.Unacknowledged() == 0) {
		r.idle = true
		r.env.Idle()
	}
}

// reschedule has the session look at what is due.
func (r *Controller) reschedule() {
	r.Wake(r.nextAct())
}

// at is a moment on the run's time line.
func (r *Controller) at(t time.Time) time.Duration { return t.Sub(r.zero) }

// nextAct is when something is due; zero is never. What flow control holds back is not looked at before it
// lets go, or for long.
func (r *Controller) nextAct() time.Time {
	if r.zero.IsZero() {
		return time.Time{}
	}
	var due time.Time
	if r.blocked {
		due = r.zero.Add(r.look)
	} else {
		if r.more {
			due = r.zero.Add(r.slot.Planned)
		}
		if len(r.due) > 0 {
			if next := r.slots.pace.awake(r.due[0]); next < r.slots.pace.end {
				due = client.Earlier(due, r.zero.Add(next))
			}
		}
	}
	if r.expiry {
		due = client.Earlier(due, r.zero.Add(r.expire))
	}
	if len(r.sent) > 0 {
		due = client.Earlier(due, r.zero.Add(r.sent[0].until+1))
	}
	return due
}

// mostAtOnce bounds the requests that are encoded before they are written.
const mostAtOnce = 16

// Act implements [client.Routine]: it sends every slot that is due, late or not, as far as
// flow control lets it. A slot's time is its planned one, whatever happened
// meanwhile.
func (r *Controller) Act(now time.Time) time.Time {
	at := r.at(now)
	r.expire, r.expiry = r.ledger.Expire(at)
	r.expireAsked(at)
	r.letGo(at)
	moments, last := 0, time.Duration(0)
	for n := 0; r.more && r.slot.Planned <= at && n < mostAtOnce; n++ {
		if r.slot.paused {
			r.giveUp(metrics.Paused)
			continue
		}
		if !r.room() {
			r.hold(at)
			break
		}
		if n == 0 || r.slot.Planned-last > client.TooSoon {
			moments++
		}
		last = r.slot.Planned
		r.request(r.slot, at)
		r.advance()
	}
	r.env.Client.Alarm.Came(moments)
	for r.isDue(at) && at < r.slots.pace.end {
		if !r.room() {
			r.hold(at)
			break
		}
		s := r.slots.after(r.slots.pace.awake(r.due[0]))
		r.due = r.due[1:]
		if !r.request(s, at) {
			r.due = append(r.due, at+max(r.Group.Spec.Think, retryPause))
		}
	}
	r.settleQueue(at)
	r.refill(at)
	return r.nextAct()
}

// isDue reports whether a closed controller may send by a moment.
func (r *Controller) isDue(at time.Duration) bool {
	return len(r.due) > 0 && r.slots.pace.awake(r.due[0]) <= at
}

// retryPause is how long a closed controller waits that could not send.
const retryPause = 10 * time.Millisecond

// refill keeps a closed controller's requests in flight at their number, in
// whatever way earlier ones ended. One without an answer makes room when the
// ledger lets go of it: after the time-out and the late window.
func (r *Controller) refill(at time.Duration) {
	if r.Group.closed() && !r.ended {
		for len(r.due)+r.unanswered() < r.Group.Spec.InFlight {
			r.due = append(r.due, at+r.Group.Spec.Think)
		}
		r.reschedule()
	}
	r.letGo(at)
	r.checkIdle()
}

// unanswered is how many requests wait for their answer, for all that the controller
// itself can know.
func (r *Controller) unanswered() int {
	if r.V311() {
		return r.waiting
	}
	return r.ledger.Outstanding()
}

// request sends one slot for which there is room, or enters why it is not sent.
func (r *Controller) request(s Slot, at time.Duration) bool {
	g := r.Group
	q := metrics.Request{Planned: s.Planned, Sent: at, Held: r.heldBack(s.Planned), Clogged: r.clogged, Labels: s.labels, Answers: g.answers}
	if g.Spec.Group == "" {
		q.Away = !r.env.Present(g.targets[s.target].number)
	}
	if !r.IsOnline() {
		r.ledger.NotSent(q, metrics.NotConnected)
		return false
	}
	lim := r.Limits()
	t := &g.targets[s.target]
	r.topic, r.value = t.asking.face.AppendRequest(r.topic[:0], r.value[:0], &t.who, t.asking.attr, g.Spec.Payloads[s.payload])
	p := wire.Publish{Topic: r.topic, Payload: t.asking.payloads[s.payload], QoS: min(g.Spec.QoS, lim.MaximumQoS), Retain: g.Spec.Retain && !lim.NoRetain}
	p.Props.MessageExpiry, p.Props.HasMessageExpiry = uint32(g.Spec.MessageExpiry/time.Second), g.Spec.MessageExpiry > 0
	q.Target, p.Props.User = g.expected(s.target), r.user
	marked := r.V311() && g.Spec.Identify
	if marked {
		p.Payload = r.marked(p.Payload, 0) // as long as it will be
	}
	p.Props.ResponseTopic = r.answers
	p.Props.CorrelationData = r.correlation[:g.Spec.CorrelationSize]
	if most := lim.MaximumPacket; most > 0 && r.PublishSize(&p) > most {
		r.ledger.NotSent(q, metrics.TooLarge)
		return false
	}
	q.QoS = p.QoS
	if marked {
		q.Content = deliveries.MarkedSum(p.Topic, t.asking.payloads[s.payload])
	} else {
		q.Content = deliveries.RequestSum(&p)
	}
	id, ok := r.ledger.Send(q)
	if !ok {
		return false
	}
	p.Props.CorrelationData = id.Append(r.correlation[:0], g.Spec.CorrelationSize)
	if marked {
		p.Payload = r.marked(t.asking.payloads[s.payload], id.Seq)
	}
	if r.V311() {
		r.notes(s.target, id.Seq, at)
	}
	r.SendOnce(&p, id.Seq)
	if !r.expiry {
		r.expire, r.expiry = at+g.Spec.Timeout, true
	}
	return true
}
