package fleet_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices"
	"homefleet/scenarios"
)

// What chaos leaves alone, so that what it set off is over before the end: the
// longest session, with the longest Will Delay within it, is shorter.
const (
	chaosCalm    = 6 * time.Minute        // of each run, at its end
	chaosSlowest = 500 * time.Millisecond // latency of a slow link
)

// chaos is where the random choices of a scenario come from.
type chaos struct {
	*rand.Rand
	length time.Duration
}

// between returns a duration that is evenly spread over the orders of magnitude
// from one to the other.
func (c *chaos) between(from, to time.Duration) time.Duration {
	return time.Duration(float64(from) * math.Pow(float64(to)/float64(from), c.Float64()))
}

func (c *chaos) maybe(share float64) bool { return c.Float64() < share }

func pick[T any](c *chaos, of ...T) T { return of[c.IntN(len(of))] }

// chaosScenario draws a fleet and what befalls it from a seed alone.
func chaosScenario(t testing.TB, seed uint64, length time.Duration) *scenarios.Scenario {
	t.Helper()
	c := &chaos{rand.New(rand.NewPCG(seed, 0x6368616f73)), length}
	var err error
	for range 20 { // a share may be of nobody, which is a fault
		s := c.fleet(t, seed)
		s.Incidents = c.incidents()
		if err = s.Check(); err == nil {
			return s
		}
		if !strings.Contains(err.Error(), "a share of") {
			break
		}
	}
	t.Fatalf("seed %d: Check() = %v; want nil", seed, err)
	return nil
}

// fleet draws devices of all kinds and sorts of Will, and who talks to them.
func (c *chaos) fleet(t testing.TB, seed uint64) *scenarios.Scenario {
	kind := func(name string) *devices.Kind {
		k, ok := devices.KindByName(name)
		if !ok {
			t.Fatalf("there is no kind %q", name)
		}
		return k
	}
	light, thermostat, plug := kind("light"), kind("thermostat"), kind("plug")
	every := func(d time.Duration) time.Duration { return d + time.Duration(c.Float64()*float64(d)) }
	asking := scenarios.Will{
		Delay: pick(c, 0, 2*time.Second, 10*time.Second), MessageExpiry: time.Hour, ContentType: "text/plain",
		ResponseTopic: "will/seen/{id}", CorrelationData: "{id}/{run}",
		UserProperties: []scenarios.Property{{Key: "home", Value: "{home}"}, {Key: "n", Value: "{n}"}, {Key: "n", Value: "again"}},
	}
	s := &scenarios.Scenario{
		Name: "chaos", Seed: seed,
		Connect: scenarios.Connect{
			KeepAlive:     pick(c, 10*time.Second, 20*time.Second, 60*time.Second),
			SessionExpiry: pick(c, 0, 20*time.Second, time.Minute, 4*time.Minute),
		},
		Groups: []scenarios.Group{
			{Name: "plain", Kind: light, Count: 5, Homes: 2, Telemetry: every(time.Minute), Retain: true},
			{Name: "asking", Kind: thermostat, Count: 6, Home: "home-1", Telemetry: every(time.Minute), QoS: 1, Retain: true,
				Backoff: scenarios.Naive, BackoffMin: pick(c, 500*time.Millisecond, 3*time.Second), Will: asking},
			{Name: "patient", Kind: plug, Count: 5, Home: "home-2", Telemetry: every(time.Minute), QoS: 2,
				Will: scenarios.Will{Delay: 20 * time.Second, ResponseTopic: "will/seen/{id}"}},
			{Name: "lasting", Kind: light, ID: "lasting-{n}", Count: 3, Telemetry: every(2 * time.Minute), BackoffMax: 5 * time.Second,
				// The session is over before that.
				Will: scenarios.Will{Topic: "gone/{id}", Payload: "{id} is gone", QoS: 2, Delay: time.Hour}},
			{Name: "mute", Kind: plug, ID: "mute-{n}", Count: 2, Retain: true, Will: scenarios.Will{Off: true}},
			{Name: "bad", Kind: plug, ID: "bad-{n}", Count: 4, Telemetry: every(time.Minute), QoS: 1, Misbehave: &scenarios.Misbehavior{
				Drop: 0.1, Duplicate: 0.1, WrongCorrelation: 0.1, NoCorrelation: 0.1, WrongTopic: 0.1, Error: 0.1, Reorder: 0.1, Late: 0.1,
				WithholdPuback: 0.2, Flood: 0.1, ClockSkew: -time.Hour}},
		},
		Controllers: []scenarios.Controllers{
			{Name: "phones", Count: 2, Attribute: "power", Payloads: []string{"ON", "OFF", "TOGGLE", ""}, QoS: 1, Rate: 0.5},
			{Name: "hub", Attribute: "target", Payloads: []string{"19", "21.5"}, QoS: 2, Rate: 0.2},
		},
		Watchers: []scenarios.Watchers{{Name: "caretaker", Answers: true}},
		Phases:   scenarios.Phases{Measure: c.length},
		Audit:    scenarios.Audit{Wait: 2 * time.Minute},
	}
	return s
}

// chaosKinds are those of incidents that there are.
var chaosKinds = []scenarios.IncidentKind{scenarios.Offline, scenarios.PowerCut, scenarios.RouterReboot, scenarios.WiFiLoss,
	scenarios.FirmwareRoll, scenarios.Flapping, scenarios.BrokerOutage, scenarios.IDFight, scenarios.SlowLink}

// incidents draws what happens, all kinds of it.
func (c *chaos) incidents() []scenarios.Incident {
	var all []scenarios.Incident
	for n := range 3 * len(chaosKinds) {
		all = append(all, c.incident(chaosKinds[n%len(chaosKinds)], n))
	}
	if slices.ContainsFunc(all, func(i scenarios.Incident) bool { return i.Rename }) {
		// The Will of a client id that was given up may come after the device is
		// back under another, and says Offline. In the end it is to say Online.
		all = append(all, scenarios.Incident{Name: "the-last", Kind: scenarios.Offline, At: c.length - time.Minute, For: time.Second})
	}
	return all
}

func (c *chaos) incident(kind scenarios.IncidentKind, n int) scenarios.Incident {
	last := c.length - chaosCalm
	i := scenarios.Incident{
		Name: fmt.Sprintf("%s-%d", kind, n), Kind: kind,
		At:  time.Duration(c.Float64() * float64(last) * 0.9),
		For: c.between(50*time.Millisecond, 4*time.Minute),
	}
	if kind != scenarios.BrokerOutage && kind != scenarios.FirmwareRoll && c.maybe(0.5) {
		i.Spread = c.between(10*time.Millisecond, 20*time.Second)
	}
	if kind != scenarios.BrokerOutage {
		switch c.IntN(5) {
		case 0:
			i.Target.Home = pick(c, "home-*", "home-1", "home-2")
		case 1:
			i.Target.ID = pick(c, "*1", "bad-*", "mute-*", "lasting-2", "home-*", "plug-3")
		case 2, 3:
			i.Target.Share = 0.3 + 0.7*c.Float64()
		}
	}
	if kind == scenarios.Flapping {
		i.Up, i.Down = c.between(time.Millisecond, 20*time.Second), c.between(time.Millisecond, 20*time.Second)
		i.For = min(i.For, 25*(i.Up+i.Down)) // or nothing else would take any time
	}
	if kind == scenarios.IDFight {
		i.For = min(i.For, time.Minute)
	}
	i.For = min(i.For, last-i.At-i.Spread)
	if room := last - i.At - i.For - i.Spread; c.maybe(0.4) && room > 10*time.Second {
		i.Times = 2 + c.IntN(4)
		i.Every = time.Duration((0.3 + 0.7*c.Float64()) * float64(room) / float64(i.Times-1))
		if i.Every < i.For+i.Spread {
			i.Times, i.Every = 0, 0
		} else if c.maybe(0.5) {
			i.Chance = 0.3 + 0.7*c.Float64()
		}
	}
	c.manner(&i)
	return i
}

// manner draws how the devices go and come back.
func (c *chaos) manner(i *scenarios.Incident) {
	ways := scenarios.OfflineModes()
	leaves := false
	switch i.Kind {
	case scenarios.Offline, scenarios.PowerCut, scenarios.FirmwareRoll, scenarios.Flapping:
		leaves = true
		if i.Kind == scenarios.Offline || c.maybe(0.5) {
			i.Way = ways[c.IntN(len(ways))]
		}
	case scenarios.SlowLink:
		if c.maybe(0.7) {
			i.Latency = c.between(5*time.Millisecond, chaosSlowest)
			i.Jitter = time.Duration(c.Float64() * float64(i.Latency))
		}
		if i.Latency == 0 || c.maybe(0.3) {
			i.Slice, i.SliceDelay = 1+c.IntN(60), c.between(50*time.Microsecond, 20*time.Millisecond)
		}
		if c.maybe(0.3) {
			i.Bandwidth = int64(2000 + c.IntN(100_000))
		}
		return
	case scenarios.BrokerOutage:
		i.For = min(i.For, time.Minute)
		return
	}
	if i.Kind != scenarios.IDFight {
		i.Return = pick(c, "", scenarios.WithBackoff, scenarios.AtOnce)
	}
	i.Session = pick(c, "", scenarios.Same, scenarios.Clean)
	if i.Kind == scenarios.FirmwareRoll {
		i.Batch = 0.05 + 0.95*c.Float64()
	}
	i.Rename = leaves && i.Kind != scenarios.Flapping && c.maybe(0.15)
}
