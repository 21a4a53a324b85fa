package fleet

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// referee is the fleet's own witness at the broker: it sees the Will Messages,
// asks devices that are back whether they answer, and in the end looks at what
// the broker has retained. What it finds goes to the audit.
//
// Its session outlives its connection, so that Wills of a time in which it was
// itself away are not lost to it; the audit knows those times.
type referee struct {
	client.Session
	fleet   *Fleet
	answers []byte         // Response Topic of its queries
	probes  map[int]*probe // without an answer, by the device's number
	queue   []repeat       // in the order of time; some are answered
	seen    []sighting
	pulse   time.Time // when it looks next whether it is still connected
}

// certainty is how often the witness asks the broker for a sign of life, so that
// of a connection that broke nobody has to ask since when it saw nothing.
const certainty = time.Second

// sighting is a Will that came lately.
type sighting struct {
	device int
	number uint32
}

// mostSightings bounds what is remembered of Wills so that those that the broker
// sends again on a resumed connection are told from duplicates.
const mostSightings = 1024

func newReferee(f *Fleet) *referee {
	r := &referee{fleet: f, probes: make(map[int]*probe)}
	id := refereeID(f.run)
	r.answers = []byte("homefleet/referee/" + f.run)
	r.Init(f.env, f.auditorProfile(), r, client.Setup{Name: "the referee", Stream: identity{auditorRole, 0}.stream(), ClientID: id})
	return r
}

// FillConnect implements [client.Handler].
func (r *referee) FillConnect(p *wire.Connect) error {
	p.SessionExpiry = 600
	p.ReceiveMaximum = client.AllAtOnce
	return r.fleet.credentials(p, auditorVars(r.ClientID(), r.fleet.scenario.Seed, r.fleet.run))
}

// Subscriptions implements [client.Handler]: the topics of all Wills, as published, new ones
// only. All are needed but the last, which only says what the broker is.
func (r *referee) Subscriptions() ([]packets.SubOptions, int, error) {
	subs := []packets.SubOptions{{Topic: string(r.answers), QoS: 1}}
	for _, filter := range r.fleet.scenario.WillFilters() {
		if r.Limits().NoWildcards && strings.ContainsAny(filter, "+#") {
			return nil, 0, &client.UnfitError{Why: "the broker has no wildcard subscriptions, which the audit of Will Messages wants"}
		}
		subs = append(subs, packets.SubOptions{Topic: filter, QoS: r.fleet.witnessQoS(), RetainHandling: packets.RetainDoNotSend, RetainAsPublished: true})
	}
	// Many brokers say there what they are.
	return append(subs, packets.SubOptions{Topic: versionTopic, QoS: 0}), len(subs), nil
}

// witnessQoS is the QoS at which the referee wants to see Wills. At QoS 1 and 2
// their own can be checked, and none gets lost on the way. But no more than
// Receive Maximum are under way at a time, and a broker keeps only so many beyond:
// Mosquitto 1,000, unless it is told otherwise (max_queued_messages). At QoS 0 it
// hands them over at once. So where a great many may come together, the referee
// wants them at QoS 0.
func (f *Fleet) witnessQoS() byte {
	const most = 20_000
	if f.embedded || len(f.responders) <= most {
		return 2
	}
	return 0
}

const versionTopic = "$SYS/broker/version"

// Online implements [client.Handler].
func (r *referee) Online(now time.Time) time.Time {
	r.pulse = now.Add(certainty)
	r.fleet.audit.Witness(r.fleet.now(), true)
	if !r.CleanStarted() && !r.Resumed() {
		r.fleet.audit.Forgot() // 3.2.2-2: it is to have the session
	}
	r.repeatAll(now)
	return r.nextAct()
}

// Offline implements [client.GoesOffline].
func (r *referee) Offline(client.Departure) {
	r.fleet.audit.Witness(r.fleet.clock.At(r.ReadAt()), false)
}

// Message implements [client.Handler].
func (r *referee) Message(p *wire.Publish) {
	switch {
	case bytes.Equal(p.Topic, r.answers):
		r.answered(p)
	case string(p.Topic) == versionTopic:
		r.fleet.knowBroker(string(p.Payload))
	default:
		r.will(p)
	}
}

// will takes a Will Message. One without the User Property that says whose it is
// belongs to the device whose topic it came to.
func (r *referee) will(p *wire.Publish) {
	f := r.fleet
	now := f.now()
	device, number, run := connectionOf(p)
	switch {
	case run == f.run && f.numbered(device) != nil:
	case run != "" || isAnnouncement(p):
		return // another run's, or no Will
	default:
		var ok bool
		if device, ok = f.deviceOfWill(string(p.Topic)); !ok {
			return // nobody's: some other client publishes there
		}
		number = 0
	}
	s := sighting{device, number}
	if p.Dup && slices.Contains(r.seen, s) {
		return // the broker did not get our PUBACK
	}
	if r.seen = append(r.seen, s); len(r.seen) > mostSightings {
		r.seen = slices.Delete(r.seen, 0, mostSightings/2)
	}
	d := f.numbered(device)
	differs, tested := d.willDiffers(p, number, r.Limits())
	f.tested.Or(uint32(tested))
	if len(differs) > 0 {
		f.log.Warn("a will message is not as the device made it", "device", d.Name(), "differs", strings.Join(differs, ", "))
	}
	f.audit.Seen(device, number, now, len(differs) > 0)
}

// Act implements [client.Routine].
func (r *referee) Act(now time.Time) time.Time {
	if client.IsDue(r.pulse, now) {
		r.pulse = now.Add(certainty)
		if !r.AwaitsPingresp() {
			r.Ping(now)
		}
	}
	r.askAgain(now)
	return r.nextAct()
}

// nextAct is when something is due.
func (r *referee) nextAct() time.Time { return client.Earlier(r.pulse, r.nextProbe()) }

// makeCertain asks for a sign of life at once; its goroutine calls it.
func (r *referee) makeCertain() {
	if r.Live() {
		r.pulse = time.Now()
		r.Wake(r.pulse)
	}
}

// slackOf returns by how much Wills of a broker may be off. Mosquitto counts Will
// Delays by a clock of whole seconds, and looks for clients that are silent every
// five to six seconds (both measured on 2.0.11); of a broker that nobody knows
// nothing better is assumed.
func slackOf(version string, embedded bool) metrics.Slack {
	if embedded {
		return metrics.Slack{Broker: "the embedded broker", Early: metrics.Span(50 * time.Millisecond),
			Late: metrics.Span(time.Second), Silence: metrics.Span(time.Second)}
	}
	if version == "" {
		version = "a broker of unknown make"
	}
	return metrics.Slack{Broker: version, Early: metrics.Span(1500 * time.Millisecond),
		Late: metrics.Span(2500 * time.Millisecond), Silence: metrics.Span(9 * time.Second)}
}

// slowestLink returns how long the slow links of a scenario, all together, hold
// up a packet: what the broker sees so much later is not its fault.
func slowestLink(s *scenarios.Scenario) time.Duration {
	const packet = 512 // bytes, of those that count: most are much shorter
	sum := time.Duration(0)
	for i := range s.Incidents {
		in := &s.Incidents[i]
		sum += in.Latency + in.Jitter
		if in.Slice > 0 {
			sum += time.Duration(packet/in.Slice) * in.SliceDelay
		}
		if in.Bandwidth > 0 {
			sum += packet * time.Second / time.Duration(in.Bandwidth)
		}
	}
	return min(sum, time.Hour)
}

// knowBroker sets the slack by what the broker says it is.
func (f *Fleet) knowBroker(version string) {
	const most = 80
	f.leeway.mu.Lock()
	defer f.leeway.mu.Unlock()
	f.leeway.version = strings.ToValidUTF8(version[:min(len(version), most)], "?")
	f.setSlack()
}

// expectSlow widens the slack for slow links that the scenario does not know of.
func (f *Fleet) expectSlow(s *scenarios.Scenario) {
	if f.audit == nil {
		return
	}
	f.leeway.mu.Lock()
	defer f.leeway.mu.Unlock()
	f.leeway.slowest = max(f.leeway.slowest, slowestLink(s))
	f.setSlack()
}

// leeway is what the slack depends on.
type leeway struct {
	mu      sync.Mutex
	version string        // of the broker, as it says
	slowest time.Duration // what slow links hold up
}

// setSlack tells the audit. The caller holds the lock.
func (f *Fleet) setSlack() {
	slack := slackOf(f.leeway.version, f.embedded)
	slowest := metrics.Span(max(slowestLink(f.scenario), f.leeway.slowest))
	slack.Late += slowest
	slack.Silence += slowest
	a := &f.scenario.Audit
	set := func(dst *metrics.Span, d time.Duration) {
		if d > 0 {
			*dst = metrics.Span(d)
			slack.Broker = "as the scenario says"
		}
	}
	set(&slack.Early, a.Early)
	set(&slack.Late, a.Slack)
	set(&slack.Silence, a.SilenceSlack)
	f.audit.SetSlack(slack)
}

// isAnnouncement reports whether a message on a Will's topic is none, but what
// the device itself says of its availability.
func isAnnouncement(p *wire.Publish) bool {
	_, _, stamped := deliveries.MadeAt(p)
	return stamped
}
