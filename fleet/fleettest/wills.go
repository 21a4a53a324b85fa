package fleettest

import (
	"homefleet/fleet/audit"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// Strike makes an incident happen to the fleet, as one of a scenario would: from
// its At on, which counts from now, for its For. It does not wait.
func (f *Fleet) Strike(in scenarios.Incident) {
	f.t.Helper()
	if err := f.fleet.Strike(f.t.Context(), in); err != nil {
		f.t.Fatalf("fleettest: striking with %s: %v", in.Kind, err)
	}
}

// Wills returns what became of all Will Messages so far. It wants [Audited].
func (f *Fleet) Wills() metrics.WillTotals {
	f.t.Helper()
	f.wantAudit()
	return f.fleet.Snapshot().Audit.Wills
}

// WaitWill waits until the Will Message of the device's latest outage has been
// seen at the broker, and returns that outage. It wants [Audited].
func (d *Device) WaitWill() audit.Outage {
	d.f.t.Helper()
	return d.waitOutage("the will message of "+d.d.ID()+" is published", func(o audit.Outage) bool {
		return o.Seen > 0 && o.Verdict != audit.Pending // the Will may come before the device's own report
	})
}

// WaitWillAnswered waits until the device, back on its session, has found an
// answer to the Will Message of its latest outage: somebody consumed it. It
// wants [Audited].
func (d *Device) WaitWillAnswered() audit.Outage {
	d.f.t.Helper()
	return d.waitOutage(d.d.ID()+" knows that its will message was consumed", func(o audit.Outage) bool { return o.Learned })
}

func (d *Device) waitOutage(what string, ok func(audit.Outage) bool) (last audit.Outage) {
	d.f.t.Helper()
	d.f.wantAudit()
	d.Snapshot() // the device has done then what Die told it, and reported that
	d.f.Eventually(what, func() bool {
		all := d.d.Outages()
		if len(all) == 0 {
			return false
		}
		last = all[len(all)-1]
		return ok(last)
	})
	return last
}

func (f *Fleet) wantAudit() {
	f.t.Helper()
	if !f.setup.audit {
		f.t.Fatalf("fleettest: the will messages are not audited; want fleettest.Audited() among the options")
	}
}
