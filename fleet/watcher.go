package fleet

import (
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// watcher is a subscriber to what devices publish. It measures how long stamped
// messages took to arrive.
type watcher struct {
	client.Session
	fleet  *Fleet
	spec   *scenarios.Watchers
	index  int
	group  int  // in the account of deliveries
	member int  // of that group
	heard  bool // it is known to have its subscriptions

	answers uint64                 // to Wills, so far
	pending map[uint64]consumption // of these, without an acknowledgement; no more than the outbox takes
}

func newWatcher(f *Fleet, spec *scenarios.Watchers, number, index int) *watcher {
	w := &watcher{fleet: f, spec: spec, index: index, pending: make(map[uint64]consumption)}
	w.Init(f.env, &f.watcherProfile, w, client.Setup{Name: spec.ID(index + 1), Stream: identity{watcherRole, number}.stream(),
		ClientID: spec.ClientID.Expand(spec.Vars(index+1, f.scenario.Seed, f.run))})
	return w
}

// FillConnect implements handler.
func (w *watcher) FillConnect(p *wire.Connect) error {
	p.CleanStart, p.SessionExpiry = true, 0
	p.ReceiveMaximum = client.AllAtOnce
	return w.fleet.credentials(p, w.spec.Vars(w.index+1, w.fleet.scenario.Seed, w.fleet.run))
}

// Subscriptions implements handler.
func (w *watcher) Subscriptions() ([]packets.SubOptions, int, error) {
	if w.spec.Share != "" && w.Limits().NoShared {
		return nil, 0, &client.UnfitError{Why: "the broker has no shared subscriptions, which `share` wants"}
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

// Message implements handler.
func (w *watcher) Message(p *wire.Publish) {
	w.fleet.counts.Watched.Add(1)
	w.receive(p)
	w.SlowDown(w.spec.Slow)
	if w.spec.Answers && !p.Retain && len(p.Props.ResponseTopic) > 0 && wire.ValidTopicName(string(p.Props.ResponseTopic)) {
		w.consume(p)
	}
}

// consume answers a Will Message that has a Response Topic, so that the device
// knows when it is back that it was seen to be away. A message out of the
// broker's store (retained) is none of now.
func (w *watcher) consume(p *wire.Publish) {
	f := w.fleet
	answer := wire.Publish{Topic: p.Props.ResponseTopic, Payload: []byte("seen"), QoS: max(p.QoS, 1)}
	answer.Props.HasPayloadFormat, answer.Props.PayloadFormat = true, 1
	answer.Props.ContentType = textPlain
	answer.Props.CorrelationData = p.Props.CorrelationData
	answer.Props.User = wire.AppendUserProperty(nil, consumerKey, w.Name())
	if device, number, run := connectionOf(p); run == f.run {
		if r := f.numbered(device); r != nil {
			answer.Props.User = r.appendConnection(answer.Props.User, number)
			w.answer(&answer, device, number)
			return
		}
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
func (w *watcher) answer(p *wire.Publish, device int, number uint32) {
	f := w.fleet
	if f.audit == nil {
		w.Send(p, metrics.WillAnswer)
		return
	}
	w.answers++
	w.pending[w.answers] = consumption{device, number} // it may be acknowledged before send returns
	switch sent := w.SendMade(p, metrics.WillAnswer, f.now(), w.answers); {
	case !sent:
		delete(w.pending, w.answers)
	case p.QoS == 0: // as low as the broker goes: nobody will say more
		w.Acknowledged(w.answers, wire.Success)
	}
}

// Online implements handler.
func (w *watcher) Online(time.Time) (next time.Time) {
	if qos, all := w.Granted(); all { // or nobody knows what it is to get
		w.fleet.deliveries.Up(w.group, w.member, qos)
		w.heard = true
	}
	return next
}

// Acknowledged implements [client.Acknowledged]: the note is the answer's.
func (w *watcher) Acknowledged(note uint64, code byte) {
	c, ok := w.pending[note]
	if !ok {
		return
	}
	delete(w.pending, note)
	if code < 0x80 {
		w.fleet.audit.Consumed(c.device, c.number)
	}
}

// stampKey names the User Property that says when a message was made, in
// nanoseconds of the fleet's own clock, and whose clock that is: "123456@run".
// Messages are stamped only where there are watchers.
const stampKey = "sent"

// appendStamp appends the User Property to those of a message that was made at a
// moment of the fleet's clock.
func (f *Fleet) appendStamp(user []byte, made time.Duration) []byte {
	var room [96]byte
	return wire.AppendUserProperty(user, stampKey, f.appendMoment(room[:0], made))
}

// stamp reads it. The moment means nothing to a fleet of another run.
func stamp(p *wire.Publish) (made time.Duration, run string, ok bool) {
	value, _ := p.Props.UserProperty(stampKey)
	made, of, ok := parseMoment(value)
	return made, string(of), ok
}

// isAnnouncement reports whether a message on a Will's topic is none, but what
// the device itself says of its availability.
func isAnnouncement(p *wire.Publish) bool {
	_, _, stamped := stamp(p)
	return stamped
}

// Offline implements goesOffline. As the fleet stops, everything has come that was to. What
// the broker has not acknowledged goes with the session.
func (w *watcher) Offline(client.Departure) {
	clear(w.pending)
	if w.heard && !w.IsEnding() {
		w.fleet.deliveries.Down(w.group, w.member)
	}
	w.heard = false
}
