package exporter

import (
	"strconv"

	"homefleet/fleet/metrics"
)

// deliveries sends what became of states and telemetry on their way to watchers, by
// group and QoS. What did not come is outstanding while a run lasts: it is known to be
// lost as the run ends.
func (e *emitter) deliveries(all []metrics.Delivery) {
	for i := range all {
		d := &all[i]
		group := []string{"watcher", d.Watcher, "qos", strconv.Itoa(int(d.QoS))}
		with := func(name, value string) []string { return append(group[:len(group):len(group)], name, value) }
		for _, o := range []outcome{
			{"delivered", d.Delivered}, {"altered", d.Altered}, {"lost", d.Lost}, {"refused", d.Refused},
			{"unconfirmed", d.Unconfirmed}, {"unwatched", d.Unwatched}, {"unfinished", d.Unfinished},
		} {
			e.counter("homefleet_deliveries_total",
				"States and telemetry of the measuring that are decided, once for each watcher or shared subscription, by group of watchers, QoS and what became of them.",
				o.n, with("outcome", o.name)...)
		}
		e.gauge("homefleet_deliveries_outstanding",
			"States and telemetry that were sent and have not come to a watcher; what is lost is among them until the run ends.",
			float64(d.Outstanding), group...)
		for _, f := range []outcome{
			{"duplicate", d.Duplicate}, {"redelivered", d.Redelivered}, {"reordered", d.Reordered}, {"other_qos", d.OtherQoS},
			{"other_retain", d.OtherRetain},
		} {
			e.counter("homefleet_delivery_faults_total",
				"Messages that came to a watcher once more for no reason or after a reconnect, behind a later one of their topic, with another QoS or with RETAIN 1, by group of watchers and QoS.",
				f.n, with("fault", f.name)...)
		}
		for _, f := range []outcome{
			{"never_sent", d.NeverSent}, {"misrouted", d.Misrouted}, {"forgotten", d.Forgotten}, {"unstamped", d.Unstamped},
			{"bad_stamp", d.BadStamp}, {"foreign", d.Foreign}, {"from_retained", d.FromStore},
		} {
			e.counter("homefleet_stray_deliveries_total",
				"Messages that came to a watcher and are none of those that were to, by group of watchers, QoS and what is wrong with them.",
				f.n, with("fault", f.name)...)
		}
	}
}
