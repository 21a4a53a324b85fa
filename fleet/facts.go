package fleet

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/preflight"
	"homefleet/fleet/survey"
)

// brokerFacts is what the broker has said of itself.
type brokerFacts struct {
	surveys      bool // see [Options]
	surveyed     survey.Beside
	limits       atomic.Pointer[map[string]string] // of the first CONNACK
	noRetain     atomic.Bool                       // it retains nothing
	responseInfo atomic.Bool                       // it gives Response Information
	saidLowered  atomic.Bool                       // that it granted a subscription a lower QoS has been logged
	commandQoS   byte                              // the highest at which controllers send
}

// BrokerVersion returns what the broker says it is at $SYS/broker/version; "" if
// nobody asked, as the audit and the survey do, or it does not say. It may be called from any goroutine.
func (f *Fleet) BrokerVersion() string {
	return f.tolerance.Broker()
}

// survey asks the broker, beside everything else, now that the fleet is up: a broker that
// takes nobody is not asked for more.
func (f *Fleet) survey() {
	if f.surveys {
		f.surveyed.Start(f.stop, f.surveyConfig(f.scenario.Speaks311("")), f.tolerance.KnowBroker)
	}
}

// surveyConfig is who asks the broker something beside the run.
func (f *Fleet) surveyConfig(old bool) survey.Config {
	id := surveyID(f.run)
	return survey.Config{Dial: f.env.Dial, ClientID: id, Credentials: f.auditorCredentials(id), V311: old}
}

// BrokerLimits returns what the broker's first CONNACK said it allows, by the
// standard's names (section 3.2.2.3); nil before it came.
func (f *Fleet) BrokerLimits() map[string]string {
	if m := f.limits.Load(); m != nil {
		return *m
	}
	return nil
}

// LimitWalls says which limits in the broker's CONNACK the scenario runs into. There
// are none before the first CONNACK. It may be called from any goroutine.
func (f *Fleet) LimitWalls() []string {
	return preflight.Broker(f.scenario, f.run, f.BrokerLimits())
}

// noteLimits keeps the limits of the first CONNACK; the others are taken to be
// the same, and each session goes by its own.
func (f *Fleet) noteLimits(p *packets.Properties) {
	if f.limits.Load() != nil {
		return
	}
	f.noRetain.Store(p.RetainAvailable != nil && *p.RetainAvailable == 0)
	m := preflight.Declared(p)
	f.limits.CompareAndSwap(nil, &m)
}

// ResponseInformation reports whether the controllers built their Response
// Topics on Response Information of the broker.
func (f *Fleet) ResponseInformation() bool { return f.responseInfo.Load() }

// Controllers returns the present numbers of controllers.
func (f *Fleet) Controllers() client.Presence { return f.controllers.Presence() }

// Watchers returns the present numbers of watchers.
func (f *Fleet) Watchers() client.Presence { return f.watchers.Presence() }

// Watched reports whether the auditor sees Will Messages by now; false where
// nothing is audited.
func (f *Fleet) Watched() bool { return f.auditors.Presence().Seen > 0 }

// WarmUp returns what became of the requests before the measuring. It is to be
// called after Run has returned.
func (f *Fleet) WarmUp() metrics.Totals {
	var t metrics.Totals
	for _, r := range f.requesters {
		t.Add(r.WarmUp())
	}
	return t
}

// Incidents returns what happened, and when connections were lost besides, for
// the time line. It is to be called after Run has returned.
func (f *Fleet) Incidents() []metrics.Incident {
	zero := f.zeroOffset()
	all := append(f.incidents.Events().All(zero), f.losses.Incidents(zero)...)
	slices.SortStableFunc(all, func(a, b metrics.Incident) int { return cmp.Compare(a.At, b.At) })
	return all
}

// IncidentsLeftOut returns how many incidents there were beyond those that Incidents
// returns, which are the first.
func (f *Fleet) IncidentsLeftOut() int { return f.incidents.Events().LeftOut() }
