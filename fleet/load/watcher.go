package load

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Watcher is a subscriber to what devices publish. It measures how long stamped
// messages took to arrive.
type Watcher struct {
	client.Session
	env    *WatcherEnv
	spec   *scenarios.Watchers
	index  int
	group  int  // in the account of deliveries
	member int  // of that group
	heard  bool // it is known to have its subscriptions

	answers uint64                 // to Wills, so far
	pending map[uint64]consumption // of these, without an acknowledgement; no more than the outbox takes
}

// WatcherEnv is what all watchers of a run have in common. What stands here does not
// change once the first of them runs, and may be called from any goroutine.
type WatcherEnv struct {
	Client *client.Env
	Run    string             // its name, as {run} in templates
	Ledger *deliveries.Ledger // nil: none of the watchers speaks MQTT 5
	// Credentials fills in the User Name and password.
	Credentials func(*wire.Connect, scenarios.Vars) error
	// Dial opens a connection; nil: all have the one of Client.
	Dial func(context.Context, scenarios.Vars, *scenarios.Group) (net.Conn, error)
	// Shared finds out whether the broker has shared subscriptions for clients of MQTT 3.1.1, to
	// whom it does not say so; nil: nobody can.
	Shared func() (has, known bool)
	// OneWay reports whether a topic is that of a state or of telemetry.
	OneWay func(topic []byte) bool
	// Place returns where a device stands in the ledger, by its number in the scenario;
	// below 0 if it is none of this fleet's.
	Place func(device int) int
	// Will returns of which connection of which device a Will Message is; ours is false
	// where it does not say so, or it is none of this fleet's.
	Will func(*wire.Publish) (device int, connection uint32, ours bool)
	// AppendConnection appends the User Property that says so to those of an answer.
	AppendConnection func(user []byte, device int, connection uint32) []byte
	// Consumed is told that a Will has been consumed; nil: nobody wants to know.
	Consumed func(device int, connection uint32)
}

// NewWatcher returns a watcher of a group, whose sessions have a profile, and whose random
// choices are those of a stream of its own. What comes to one of MQTT 3.1.1 has no User
// Properties that would say when it was made: it is counted, and no more.
func NewWatcher(e *WatcherEnv, p *client.Profile, spec *scenarios.Watchers, index, stream int) *Watcher {
	w := &Watcher{env: e, spec: spec, index: index, pending: make(map[uint64]consumption)}
	w.Init(e.Client, p, w, client.Setup{Name: spec.ID(index + 1), Stream: stream,
		ClientID: spec.ClientID.Expand(spec.Vars(index+1, e.Client.Seed, e.Run))})
	return w
}

// Spec is what the scenario says of its group, of which it is the one with an index.
func (w *Watcher) Spec() (spec *scenarios.Watchers, index int) { return w.spec, w.index }

// Join says which member of which group of the ledger it is. It is called before Run.
func (w *Watcher) Join(group, member int) { w.group, w.member = group, member }

// FillConnect implements [client.Handler].
func (w *Watcher) FillConnect(p *wire.Connect) error {
	p.CleanStart, p.SessionExpiry = true, 0
	p.ReceiveMaximum = client.AllAtOnce
	return w.env.Credentials(p, w.spec.Vars(w.index+1, w.env.Client.Seed, w.env.Run))
}

// Subscriptions implements [client.Handler].
func (w *Watcher) Subscriptions() ([]packets.SubOptions, int, error) {
	if w.spec.Share != "" && w.Limits().NoShared {
		return nil, 0, &client.UnfitError{Why: "the broker has no shared subscriptions, which `share` wants"}
	}
	if w.spec.Share != "" && w.V311() && w.env.Shared != nil {
		if has, known := w.env.Shared(); known && !has {
			return nil, 0, &client.UnfitError{Why: "the broker has no shared subscriptions for clients of MQTT 3.1.1, which `share` wants: " +
				"what was sent to one did not come, what was sent to a plain one did"}
		}
	}
	var subs []packets.SubOptions
	for _, t := range w.spec.Topics {
		if w.spec.Share != "" {
			t = "$share/" + w.spec.Share + "/" + t
		}
		if w.Limits().NoWildcards && strings.ContainsAny(t, "+#") {
			return nil, 0, &client.UnfitError{Why: "the broker has no wildcard subscriptions, which the topic filter " + t + " wants"}
		}
		subs = append(subs, packets.SubOptions{Topic: t, QoS: w.spec.QoS})
	}
	return subs, 1, nil
}

// Message implements [client.Handler].
func (w *Watcher) Message(p *wire.Publish) {
	w.env.Client.Counts.Watched.Add(1)
	w.receive(p)
	if w.spec.Slow > 0 {
		w.SlowDown(w.spec.Slow)
	}
	if w.spec.Answers && !p.Retain && len(p.Props.ResponseTopic) > 0 && wire.ValidTopicName(string(p.Props.ResponseTopic)) {
		w.consume(p)
	}
}

// consume answers a Will Message that has a Response Topic, so that the device
// knows when it is back that it was seen to be away. A message out of the
// broker's store (retained) is none of now.
func (w *Watcher) consume(p *wire.Publish) {
	answer := wire.Publish{Topic: p.Props.ResponseTopic, Payload: []byte("seen"), QoS: max(p.QoS, 1)}
	answer.Props.HasPayloadFormat, answer.Props.PayloadFormat = true, 1
	answer.Props.ContentType = []byte("text/plain")
	answer.Props.CorrelationData = p.Props.CorrelationData
	answer.Props.User = wire.AppendUserProperty(nil, deliveries.ConsumerKey, w.Name())
	device, number, ours := w.env.Will(p)
	if ours {
		answer.Props.User = w.env.AppendConnection(answer.Props.User, device, number)
	}
	sum := deliveries.AnswerStamp{Request: deliveries.RequestSum(p), RequestQoS: p.QoS, QoS: answer.QoS}.Append(nil, &answer)
	answer.Props.User = wire.AppendUserProperty(answer.Props.User, deliveries.ChecksumKey, sum)
	if ours {
		w.answer(&answer, device, number)
		return
	}
	w.Send(&answer, metrics.WillAnswer)
}

// consumption is whose Will an answer is to that the broker has not acknowledged yet.
type consumption struct {
	device int
	number uint32
}

// answer sends the answer to a Will of this run. The Will is consumed when the broker
// has taken the answer over (4.3.2): one that is lost with the connection answers
// nothing.
func (w *Watcher) answer(p *wire.Publish, device int, number uint32) {
	if w.env.Consumed == nil {
		w.Send(p, metrics.WillAnswer)
		return
	}
	w.answers++
	w.pending[w.answers] = consumption{device, number} // it may be acknowledged before send returns
	switch sent := w.SendMade(p, metrics.WillAnswer, w.env.Client.Clock.Now(), w.answers); {
	case !sent:
		delete(w.pending, w.answers)
	case p.QoS == 0: // as low as the broker goes: nobody will say more
		w.Acknowledged(w.answers, wire.Success)
	}
}

// Online implements [client.Handler].
func (w *Watcher) Online(time.Time) (next time.Time) {
	if qos, all := w.Granted(); all && !w.V311() { // or nobody knows what it is to get
		w.env.Ledger.Up(w.group, w.member, qos)
		w.heard = true
	}
	return next
}

// Acknowledged implements [client.Acknowledged]: the note is the answer's.
func (w *Watcher) Acknowledged(note uint64, code byte) {
	c, ok := w.pending[note]
	if !ok {
		return
	}
	delete(w.pending, note)
	if code < 0x80 {
		w.env.Consumed(c.device, c.number)
	}
}

// Offline implements [client.GoesOffline]. As the fleet stops, everything has come that was to. What
// the broker has not acknowledged goes with the session.
func (w *Watcher) Offline(client.Departure) {
	clear(w.pending)
	if w.heard && !w.IsEnding() {
		w.env.Ledger.Down(w.group, w.member)
	}
	w.heard = false
}

// receive enters what came to a watcher, and records how long it took.
func (w *Watcher) receive(p *wire.Publish) {
	if w.V311() {
		return
	}
	e, l := w.env.Client, w.env.Ledger
	sent, _ := p.Props.UserProperty(deliveries.SentKey)
	value, has := p.Props.UserProperty(deliveries.SequenceKey)
	made, run, ok := deliveries.ParseMoment(sent)
	switch s, err := deliveries.ParseStamp(value, sent); {
	case !has && !w.env.OneWay(p.Topic): // of no concern here
	case p.Retain && (!has || err != nil || !ok || string(run) != w.env.Run):
		l.Stray(w.group, p.QoS, deliveries.FromStore)
	case !has:
		l.Stray(w.group, p.QoS, deliveries.Unstamped)
	case err != nil || !ok:
		l.Stray(w.group, p.QoS, deliveries.BadStamp)
	case string(run) != w.env.Run:
		l.Stray(w.group, p.QoS, deliveries.Foreign)
	default:
		at, now := w.env.Place(s.Device), e.Clock.Now()
		m := deliveries.Message{Device: at, Slot: s.Slot, Seq: s.Seq}
		a := deliveries.Arrival{Group: w.group, Member: w.member, At: now, Made: made, QoS: p.QoS,
			Altered: s.Content != deliveries.Content(p), Again: p.Dup && w.Resumed(), Retained: p.Retain}
		if l.Received(m, a) && !a.Altered {
			e.Recorder.RecordIn(w.Stream(), e.Period(made), metrics.StateDelivery, metrics.Labels{}, now-made)
		}
	}
}
