package fleet

import (
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// watcher is a subscriber to what devices publish. It measures how long stamped
// messages took to arrive.
type watcher struct {
	session
	spec   *scenarios.Watchers
	index  int
	group  int  // in the account of deliveries
	member int  // of that group
	heard  bool // it is known to have its subscriptions
}

// watcherNumbers keeps the seeds of watchers apart from those of others.
const watcherNumbers = 1 << 29

func newWatcher(f *Fleet, spec *scenarios.Watchers, number, index int) *watcher {
	w := &watcher{spec: spec, index: index}
	w.session = session{fleet: f, crew: &f.watchers, actor: w, name: spec.ID(index + 1), number: watcherNumbers + number,
		terms: &f.terms, clientID: spec.ClientID.Expand(spec.Vars(index+1, f.scenario.Seed, f.run))}
	return w
}

// greet implements actor.
func (w *watcher) greet(p *wire.Connect) error {
	p.CleanStart, p.SessionExpiry = true, 0
	p.ReceiveMaximum = allAtOnce
	return w.fleet.credentials(p, w.spec.Vars(w.index+1, w.fleet.scenario.Seed, w.fleet.run))
}

// topics implements actor.
func (w *watcher) topics() ([]packets.SubOptions, error) {
	if w.spec.Share != "" && w.link.limits.noShared {
		return nil, &UnfitError{"the broker has no shared subscriptions, which `share` wants"}
	}
	var subs []packets.SubOptions
	for _, t := range w.spec.Topics {
		if w.spec.Share != "" {
			t = "$share/" + w.spec.Share + "/" + t
		}
		if w.link.limits.noWildcards && strings.ContainsAny(t, "+#") {
			return nil, &UnfitError{"the broker has no wildcard subscriptions, which the topic filter " + t + " wants"}
		}
		subs = append(subs, packets.SubOptions{Topic: t, QoS: w.spec.QoS})
	}
	return subs, nil
}

// message implements actor.
func (w *watcher) message(p *wire.Publish) {
	w.fleet.counts.Watched.Add(1)
	w.receive(p)
	w.link.dawdle += w.spec.Slow
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
	answer.Props.User = wire.AppendUserProperty(nil, consumerKey, w.name)
	if device, number, run := connectionOf(p); run == f.run {
		if r := f.numbered(device); r != nil {
			answer.Props.User = r.appendConnection(answer.Props.User, number)
			if f.audit != nil {
				f.audit.Consumed(device, number)
			}
		}
	}
	w.send(&answer, metrics.WillAnswer)
}

// up implements actor.
func (w *watcher) up(time.Time) {
	if !w.link.unheard { // or nobody knows what it is to get
		w.fleet.deliveries.Up(w.group, w.member, w.link.granted)
		w.heard = true
	}
}

// act implements actor.
func (w *watcher) act(time.Time) {}

// next implements actor.
func (w *watcher) next() time.Time { return time.Time{} }

// acknowledged implements actor: a watcher publishes nothing.
func (w *watcher) acknowledged(uint64, byte) {}

// farewell implements actor.
func (w *watcher) farewell() {}

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

// down implements actor. As the fleet stops, everything has come that was to.
func (w *watcher) down(error) {
	if w.heard && !w.stopping {
		w.fleet.deliveries.Down(w.group, w.member)
	}
	w.heard = false
}

// attempt and attemptFailed implement actor: there is nothing to note.
func (w *watcher) attempt()            {}
func (w *watcher) attemptFailed(error) {}
