package fleet

import (
	"sync/atomic"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/metrics"
	"homefleet/fleet/responder"
	"homefleet/fleet/wire"
	"homefleet/scenarios"
)

// auditing is what is known of Will Messages and of what the broker retains.
type auditing struct {
	audit     *audit.Audit // nil: nothing is audited
	aside     bool         // it is for who looks on, and the run goes on without
	wills     willTopics
	tolerance audit.Tolerance
	blind     atomic.Pointer[error] // why the auditor has given up; nil: it has not
	tested    atomic.Uint32         // what of a Will those that were seen put to the test; see willParts
	retained  atomic.Pointer[metrics.RetainedTotals]
	judged    atomic.Pointer[metrics.Audit] // at the end
}

// newAudit makes the auditor and its book.
func (f *Fleet) newAudit(followed bool) {
	var ways []string
	for _, w := range scenarios.OfflineModes() {
		ways = append(ways, string(w))
	}
	ways = append(ways, client.EndLost, client.EndClosed, audit.WayTakenOver, client.EndStopped, audit.WayUnanswered, audit.WayNone)
	f.audit = audit.New(audit.Config{Ways: ways, News: f.news.tell, Delay: func(device int, d time.Duration) {
		f.recorder.Record(device, metrics.WillDelay, metrics.Labels{}, d)
	}, Followed: followed, Told: f.told.Wills})
	a := &f.scenario.Audit
	t := &f.tolerance
	t.Audit, t.Embedded, t.Early, t.Late, t.Silence = f.audit, f.embedded, a.Early, a.Slack, a.SilenceSlack
	t.ExpectDelay(f.scenario.SlowestLink())
	f.auditors.Aside = f.aside
	id := auditorID(f.run)
	f.auditor = audit.NewAuditor(f.env, f.auditorProfile(), f.run, identity{auditorRole, 0}.stream(), audit.Auditing{
		Audit: f.audit, Wills: auditedWills{f}, Filters: f.scenario.WillFilters(), QoS: f.auditorQoS(), Aside: f.aside,
		ClientID: id, Credentials: f.auditorCredentials(id), Broker: t.KnowBroker,
	})
}

// auditorCredentials returns what fills in those of a client that audits.
func (f *Fleet) auditorCredentials(id string) func(*wire.Connect) error {
	return func(p *wire.Connect) error { return f.credentials(p, auditorVars(id, f.scenario.Seed, f.run)) }
}

// auditorQoS is the QoS at which the auditor wants to see Wills. At QoS 1 and 2
// their own can be checked, and none gets lost on the way. But no more than
// Receive Maximum are under way at a time, and a broker keeps only so many beyond:
// Mosquitto 1,000, unless it is told otherwise (max_queued_messages). At QoS 0 it
// hands them over at once. So where a great many may come together, the auditor
// wants them at QoS 0.
func (f *Fleet) auditorQoS() byte {
	const most = 20_000
	if f.embedded || f.scenario.Count() <= most {
		return 2
	}
	return 0
}

// auditorProfile is that of the sessions that audit: nobody will ever come back for
// theirs.
func (f *Fleet) auditorProfile() *client.Profile {
	return &client.Profile{Cohort: &f.auditors, Backoff: client.BackoffPolicy{Min: 100 * time.Millisecond, Max: time.Second}, EndsSession: true,
		V311: f.scenario.Speaks311("")}
}

// settle waits, once the measuring is over, for devices that are on their way
// back and for Wills that are due yet, and looks at what the broker has retained.
func (f *Fleet) settle() {
	until := time.Now().Add(f.scenario.Audit.Wait)
	said := false
	for time.Now().Before(until) {
		now := f.now()
		pending, last := f.audit.Pending(now)
		if (pending == 0 || !f.asks() || f.clock.Epoch.Add(last).After(until)) && !f.incidents.Recoveries().Waiting(now) {
			break
		}
		if !said {
			said = true
			f.log.Info("waiting for what is still to come", "will_messages", pending, "at_most", f.scenario.Audit.Wait)
		}
		next := until
		if at := f.clock.Epoch.Add(last + 1); pending > 0 && at.After(time.Now()) {
			next = client.Earlier(at, until) // by then the last of them is late
		}
		if !f.await(next) {
			return
		}
	}
	if t := f.inspect(); t != nil && t.Checked > 0 && !f.stopped() {
		f.retained.Store(t)
	}
}

// asks reports whether there is an auditor that asks devices whether they answer.
func (f *Fleet) asks() bool { return f.auditor != nil && !f.aside && f.blind.Load() == nil }

// asksDevices reports whether the auditor asks devices whether they answer: for that both
// have to speak MQTT 5, which has Response Topics.
func (f *Fleet) asksDevices() bool {
	return f.asks() && !f.auditor.V311() && !f.scenario.SomeSpeak311()
}

// auditorLeft notes that the broker does not let the auditor do its work, so that
// no Will is judged.
func (f *Fleet) auditorLeft(err error) {
	f.blind.Store(&err)
	if f.aside {
		f.log.Info("will messages are not audited: the auditor cannot watch, and the run goes on without")
		return
	}
	f.incidents.Recoveries().Unask()
	for _, r := range f.everybody() { // they find out by themselves whether they are back
		r.Tell(func() {
			r.PingIfRecovering(time.Now())
		})
	}
	f.log.Warn("nothing is known of will messages, nor whether devices answer: the auditor cannot watch", "err", err)
}

// zeroOffset is the start of measuring on the fleet's clock.
func (f *Fleet) zeroOffset() time.Duration {
	if z := f.zero.Load(); z != nil {
		return z.Sub(f.clock.Epoch)
	}
	return 0
}

func (f *Fleet) stopped() bool { return f.env.Stopped() }

// completeAudit adds to a snapshot what the audit knows.
func (f *Fleet) completeAudit(snap *metrics.Snapshot) {
	if f.audit == nil {
		return
	}
	if snap.Audit = f.judged.Load(); snap.Audit == nil {
		snap.Audit = new(f.audit.Totals(f.now()))
		f.addFacts(snap.Audit)
	}
	snap.Recoveries, snap.RecoveriesLeftOut = f.incidents.Recoveries().All(f.zeroOffset(), f.now())
}

// addFacts adds what the audit itself does not know.
func (f *Fleet) addFacts(a *metrics.Audit) {
	a.Retained = f.retained.Load()
	a.SetTested(responder.WillParts(f.tested.Load()).Has)
	for i := range f.scenario.Groups {
		w := &f.scenario.Groups[i].Will
		a.Answerable = a.Answerable || !w.Off && w.ResponseTopic != ""
	}
}

// closeAudit judges what is left and checks the sums.
func (f *Fleet) closeAudit() error {
	if f.audit == nil {
		return nil
	}
	a := f.audit.Close(f.now())
	f.addFacts(&a)
	f.judged.Store(&a)
	return a.Check()
}
