package responder

import (
	"context"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/devices"
	"homefleet/devices/faces"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/draws"
	"homefleet/fleet/incident"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// Responder is one virtual device as an MQTT client: what section 4.10.1 of the
// standard calls a Responder.
type Responder struct {
	client.Session
	env   *Env
	spec  scenarios.Device
	model devices.Device
	voice faces.Voice // of its group

	stepped   client.Moment // until when the model has been stepped
	modelDue  client.Moment // the model wants to be stepped
	telemetry client.Moment // when the next report is due
	ticks     uint64        // telemetry intervals drawn so far
	spoke     bool          // it has been online before
	returned  bool          // it had when it last connected
	topicSeen bool          // a refused Response Topic was logged
	willQoS   byte          // may have been lowered to what the broker takes
	willKeep  bool          // Will Retain, likewise
	probed    bool          // the auditor asks, or has asked, whether it answers
	parted    bool          // its last connection ended with DISCONNECT 0x00
	present   bool          // it has come online on its connection
	frozen    bool          // ... on which it neither reads nor writes
	isolated  bool          // ... on which nothing gets through

	remembered  *remembered         // what its face has of it; nil: nothing
	retained    []keeping           // by topic, where the broker is audited
	announced   time.Duration       // its availability, last, on the fleet's clock
	leaves      atomic.Bool         // it has said so; where it is audited
	connections atomic.Uint32       // begun so far, also by a duplicate
	recovering  incident.Recovering // from incidents
	absence     *absence            // the last one, where somebody may answer the Will; nil before it
	misbehavior *misbehavior        // how it misbehaves; nil: not at all
	onRequest   *heldOnRequest      // answers that requests want held back; nil: none
	journal     *journal            // its latest exchanges; nil: it keeps none
}

// New returns a device that has a profile, and takes its random choices from a
// stream.
func New(e *Env, spec scenarios.Device, model devices.Device, p *client.Profile, stream int) *Responder {
	r := &Responder{env: e, spec: spec, model: model, voice: e.Voices[spec.Group], stepped: e.Client.Clock.Moment(time.Now()),
		willQoS: spec.Group.Will.QoS, willKeep: spec.Group.Will.Retain}
	c := client.Setup{Name: spec.ID, Stream: stream, Resume: e.Scenario.Connect.Resume, Absent: spec.AbsentAtFirst() || e.Added,
		ClientID: e.Scenario.Connect.ClientID.Expand(spec.Vars(e.Run))}
	if e.Audit != nil {
		c.Observation = client.Observation{Observer: deviceObserver{r}, Numbers: &r.connections}
	}
	r.Init(e.Client, p, r, c)
	if m := spec.Group.Misbehave; m != nil {
		r.Misbehave(m)
	}
	return r
}

// Spec returns what the device is by its scenario, which implements [incident.Target], too.
// It may be called from any goroutine, and nothing of it changes.
func (r *Responder) Spec() *scenarios.Device { return &r.spec }

// FillConnect implements [client.Handler].
func (r *Responder) FillConnect(p *wire.Connect) error {
	r.returned = r.spoke
	vars := r.spec.Vars(r.env.Run)
	if !r.spec.Group.Will.Off {
		p.Will = r.will(vars)
	}
	r.Renamed(p)
	return r.env.Credentials(p, vars)
}

// Dial implements [client.Dials].
func (r *Responder) Dial(ctx context.Context) (net.Conn, error) {
	if r.env.Dial == nil {
		return r.env.Client.Dial(ctx)
	}
	return r.env.Dial(ctx, r.spec.Vars(r.env.Run), r.spec.Group)
}

// Subscriptions implements [client.Handler]: the device's commands, and the answers to its Will.
// Where the broker has no wildcards, each attribute is asked for by name.
func (r *Responder) Subscriptions() ([]packets.SubOptions, int, error) {
	return r.subscriptions(r.Limits()), 1, nil
}

// subscriptions is Subscriptions for a broker with these limits. It touches nothing
// that changes, and may be called from any goroutine.
func (r *Responder) subscriptions(lim *client.Limits) []packets.SubOptions {
	g := r.spec.Group
	handling := byte(packets.RetainDoNotSend) // rule 3: no ghost switching
	if g.AcceptRetained {
		handling = packets.RetainSendOnSubscribe
	}
	var subs []packets.SubOptions
	add := func(topic string) {
		// A message comes at the lower of the QoS it was sent with and this one (3.8.4-8):
		// with the highest, a command comes as it was sent, and so can be answered.
		subs = append(subs, packets.SubOptions{Topic: topic, QoS: min(2, lim.MaximumQoS), NoLocal: g.Dialect().NoLocal, RetainHandling: handling})
	}
	who := r.spec.Who()
	for _, topic := range r.voice.AppendFilters(nil, &who, !lim.NoWildcards) {
		add(topic)
	}
	if !g.Will.Off && g.Will.ResponseTopic != "" && !r.V311() {
		add(g.Will.ResponseTopic.Expand(r.spec.Vars(r.env.Run)))
	}
	return subs
}

// Online implements [client.Handler]: the device says that it is there and starts its routine.
func (r *Responder) Online(now time.Time) time.Time {
	r.step(now)
	r.present = true
	r.look(false)
	r.tellPresence(true, "", nil)
	r.tell(faces.Arriving)
	r.announce(true)
	r.isBack()
	r.expectAnswer(now)
	r.sayOnline()
	if every := r.spec.Group.Telemetry; every > 0 && r.telemetry == 0 {
		// The first report comes at a random point of the interval.
		draw := draws.Chance(r.env.Scenario.Seed, r.spec.Global, draws.Telemetry, r.ticks)
		r.telemetry = r.env.Client.Clock.Moment(now.Add(time.Duration(draw * float64(every))))
		r.ticks++
	}
	r.plan()
	return r.nextAct()
}

// sayOnline has the face say what it does on a new connection.
func (r *Responder) sayOnline() {
	s := r.speak()
	defer s.done()
	s.First, r.spoke = !r.spoke, true
	r.voice.Tell(&s.Talk, faces.Online, 0)
}

// Acknowledged implements [client.Acknowledged]: the note is when telemetry was sent, on the
// fleet's clock.
func (r *Responder) Acknowledged(note uint64, code byte) {
	if made := time.Duration(note); made > 0 && code < 0x80 {
		r.env.Client.Recorder.RecordIn(r.spec.Global, r.env.Client.Period(made), metrics.TelemetryPuback, r.Labels(), r.env.now()-made)
	}
}

// BeforeDisconnect implements parting.
func (r *Responder) BeforeDisconnect() { r.announce(false) }

// Offline implements [client.GoesOffline].
func (r *Responder) Offline(d client.Departure) {
	defer r.look(false)
	if !r.frozen && !r.isolated { // or it has been told already
		r.tellPresence(false, string(d.Way), d.Err)
	}
	r.present, r.frozen, r.isolated = false, false, false
	if r.remembered != nil {
		clear(r.remembered.pending[:])
	}
	r.forgetOnRequest()
	r.wentDown(d)
}

// Freezes implements [client.Freezes].
func (r *Responder) Freezes() {
	r.frozen = true
	r.look(false)
	r.tellPresence(false, string(client.ModeSilence), nil)
}

// Isolated implements [client.Isolated].
func (r *Responder) Isolated(is bool, why string) {
	r.isolated = is
	r.tellPresence(!is, why, nil)
}

// Act implements [client.Routine].
func (r *Responder) Act(now time.Time) time.Time {
	if client.IsDue(r.env.Client.Clock.Time(r.modelDue), now) {
		r.step(now)
		r.plan()
	}
	if client.IsDue(r.env.Client.Clock.Time(r.telemetry), now) {
		r.step(now)
		r.report()
		r.nextTelemetry(now)
	}
	if r.remembered != nil {
		r.sayPending(now)
	}
	if r.absence != nil && client.IsDue(r.absence.answerBy, now) {
		r.unanswered()
	}
	if r.misbehavior != nil {
		r.misbehaveOnTime(now)
	}
	if r.onRequest != nil && client.IsDue(r.onRequest.due, now) {
		r.sayOnRequest(now)
	}
	return r.nextAct()
}

// nextAct is when something is due; zero is never.
func (r *Responder) nextAct() time.Time {
	telemetry := r.env.Client.Clock.Time(r.telemetry)
	if r.spec.Group.Telemetry >= client.Unhurried {
		telemetry = r.env.Client.Clock.OnBeat(telemetry)
	}
	due := client.Earlier(r.env.Client.Clock.Time(r.modelDue), telemetry)
	if r.absence != nil {
		due = client.Earlier(due, r.absence.answerBy)
	}
	if r.misbehavior != nil {
		due = client.Earlier(due, r.misbehavior.due)
	}
	if r.onRequest != nil {
		due = client.Earlier(due, r.onRequest.due)
	}
	if r.remembered != nil {
		due = client.Earlier(due, r.pendingDue())
	}
	return due
}

// report has the face make its report, or makes the scenario's own. The two are apart since
// a frame with room for both would have every goroutine of a device grow its stack from 4 to
// 8 KiB with its first telemetry.
func (r *Responder) report() {
	if r.spec.Group.OwnReport() {
		r.ownReport()
		return
	}
	r.tell(faces.Reported)
}

func (r *Responder) ownReport() {
	g := r.spec.Group
	s := r.speak()
	defer s.done()
	vars := r.spec.Vars(r.env.Run)
	vars.Values = &s.values
	s.values.Model, s.values.Now, s.values.Sequence = r.model, time.Now(), r.ticks
	s.values.Measure()
	m := s.Message(faces.Telemetry)
	m.QoS = g.QoS
	m.Topic, m.Payload = g.AppendReport(m.Topic, m.Payload, &vars)
	m.JSON = len(m.Payload) > 0 && (m.Payload[0] == '{' || m.Payload[0] == '[')
	s.Say(m)
	s.values.Model = nil
}

// Speaks implements [client.Speaks]: telemetry comes in any case.
func (r *Responder) Speaks() time.Time { return r.env.Client.Clock.Time(r.telemetry) }

// step lets simulated time pass up to now and publishes what changed by itself.
func (r *Responder) step(now time.Time) {
	dt := time.Duration(math.MaxInt64)
	if span := float64(now.Sub(r.env.Client.Clock.Time(r.stepped))) * r.env.Scenario.Time; span < math.MaxInt64 {
		dt = time.Duration(span)
	}
	r.stepped = r.env.Client.Clock.Moment(now)
	if changed := r.model.Step(dt); changed != 0 {
		r.changed(changed)
	}
}

// plan asks the model when it wants to be stepped.
func (r *Responder) plan() {
	r.modelDue = 0
	next := r.model.Next()
	if next == devices.Never || !r.HasConnection() {
		return
	}
	if wait := float64(next) / r.env.Scenario.Time; wait < float64(time.Hour*24*365) {
		// Not more often than every millisecond, however fast simulated time is.
		due := r.env.Client.Clock.Time(r.stepped).Add(max(time.Duration(wait), time.Millisecond))
		if wait >= float64(client.Unhurried) {
			due = r.env.Client.Clock.OnBeat(due) // physics is exact at any moment
		}
		r.modelDue = r.env.Client.Clock.Moment(due)
		r.Wake(due)
	}
}

// nextTelemetry draws when the next report is due: interval*(1±jitter) after the
// last, or after now when reports were missed.
func (r *Responder) nextTelemetry(now time.Time) {
	g := r.spec.Group
	draw := draws.Chance(r.env.Scenario.Seed, r.spec.Global, draws.Telemetry, r.ticks)
	r.ticks++
	wait := time.Duration(float64(g.Telemetry) * (1 + g.TelemetryJitter*(2*draw-1)))
	next := r.env.Client.Clock.Time(r.telemetry).Add(wait)
	if next.Before(now) {
		r.telemetry = r.env.Client.Clock.Moment(next)
		r.missed(now)
		next = now.Add(wait)
	}
	r.telemetry = r.env.Client.Clock.Moment(next)
}

// missed counts the reports that were due before now and are not made.
func (r *Responder) missed(now time.Time) {
	every := r.spec.Group.Telemetry
	for due := r.env.Client.Clock.Time(r.telemetry); every > 0 && r.telemetry > 0 && due.Before(now); due = due.Add(every) {
		why := metrics.Offline
		if r.Live() && due.After(r.OnlineSince()) {
			why = metrics.Skipped
		}
		r.env.Client.Counts.Messages.Add(r.env.Client.Period(r.env.Client.Clock.At(due)), metrics.Telemetry, why)
	}
}

// Stalled implements [client.Stalled]: of the reports that came due while the connection took
// nothing, the last is made now, and for the others there was no room.
func (r *Responder) Stalled(_, to time.Time) {
	every := r.spec.Group.Telemetry
	for every > 0 && r.telemetry > 0 {
		due := r.env.Client.Clock.Time(r.telemetry)
		if due.Add(every).After(to) {
			return
		}
		r.env.Client.Counts.Messages.Add(r.env.Client.Period(r.env.Client.Clock.At(due)), metrics.Telemetry, metrics.QueueFull)
		r.telemetry = r.env.Client.Clock.Moment(due.Add(every))
	}
}

// Ended implements ended.
func (r *Responder) Ended() {
	r.missed(time.Now())
	r.look(false)
	r.forgetOnRequest()
	r.isGone()
}

// announce publishes the device's availability, retained, as its Will would.
func (r *Responder) announce(there bool) {
	topic, word, offlineWord := r.availability()
	if !there {
		word = r.lastWord(offlineWord)
	}
	p := wire.Publish{
		Topic:   []byte(topic),
		Payload: []byte(word),
		QoS:     1,
		Retain:  true,
	}
	if !r.TakesAtOnce(&p) {
		p.QoS = 0 // it must not wait behind what the broker holds up
	}
	p.Props.HasPayloadFormat, p.Props.PayloadFormat = true, 1
	p.Props.ContentType = textPlain
	if !there {
		p.Props.ContentType = r.partingType()
	}
	if r.env.Audit != nil {
		r.announced = r.env.now()
		r.leaves.Store(!there)
		if !there && r.plainWill() {
			p.QoS = r.partingQoS()
		}
		p.Props.User = r.notTheWill(r.announced)
		if r.env.Retained {
			p.Props.User = withChecksum(p.Props.User, &p)
		}
	}
	r.Send(&p, metrics.Announcement)
}

// notTheWill says of a message on the topic of its presence that the device sent it, at a
// moment, or the auditor would take it for the Will.
func (r *Responder) notTheWill(at time.Duration) []byte {
	return wire.AppendUserProperty(nil, deliveries.SentKey, deliveries.AppendMoment(nil, at, r.env.Run))
}
