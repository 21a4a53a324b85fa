package incident

import (
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// Of very many recoveries the gravest are kept, with the reconnect histograms of the very gravest,
// and sums of all others: nothing is left out of the figures.
func TestRecoveriesAreBounded(t *testing.T) {
	const many = 3 * mostRecoveries
	var r Recoveries
	late := func(int) time.Duration { return 0 }
	for i := range many {
		from := time.Duration(i) * time.Minute
		rec := &Recovery{incident: "flapping", from: from, to: from + time.Second, over: from + time.Second, late: late}
		r.Add(rec, from)
		rec.struck()
		rec.attempt(rec.to)
		if took := time.Duration(i%100) * time.Millisecond; i%500 != 7 { // and of three nobody comes back
			rec.isOnline(rec.to + took)
			rec.IsAnswering(rec.to + took)
		}
	}
	all, more := r.All(0, many*time.Minute)
	drawn, never := 0, 0
	least := metrics.Span(time.Hour)
	for _, one := range all {
		if one.Reconnects != nil {
			drawn++
		}
		if one.Online.All == nil {
			never++
		} else {
			least = min(least, *one.Online.All)
		}
	}
	if len(all) < mostRecoveries || len(all) > mostRecoveries+3 || never != 3 || drawn < mostHistograms || drawn > mostHistograms+3 {
		t.Errorf("%d recoveries, %d of which somebody is not back, %d with a reconnect histogram; want %d, those 3 and %d, give or take what is under way",
			len(all), never, drawn, mostRecoveries, mostHistograms)
	}
	if least < metrics.Span(60*time.Millisecond) {
		t.Errorf("the mildest that is kept took %v; want those of 67ms and more", time.Duration(least))
	}
	snap := metrics.Snapshot{Recoveries: all, RecoveriesLeftOut: more}
	for metric, want := range map[string]float64{"devices.affected": many, "devices.recovered": many - 3, "reconnect.attempts": many} {
		e, faults := metrics.ParseExpectation(metric, "> 0", &metrics.LabelNames{})
		if faults != nil {
			t.Fatal(faults)
		}
		if got := e.Evaluate(&snap).Value; got == nil || *got != want {
			t.Errorf("%s = %v; want %v, of the kept and the others", metric, got, want)
		}
	}
}

// Devices that never come back hold up nothing: what is known of an incident is its
// result when there are too many that are under way.
func TestRecoveriesUnderWayAreBounded(t *testing.T) {
	var r Recoveries
	for i := range 2 * mostOpen {
		from := time.Duration(i) * time.Minute
		rec := &Recovery{incident: "power-cut", from: from, to: from + time.Second, over: from + time.Second}
		r.Add(rec, from)
		rec.struck()
	}
	if len(r.open) > mostOpen || len(r.done) != mostOpen {
		t.Errorf("%d are under way and %d are results; want at most %d and %d", len(r.open), len(r.done), mostOpen, mostOpen)
	}
	all, more := r.All(0, 24*time.Hour)
	for _, one := range all {
		if one.Affected != 1 || one.Online.Count != 0 || one.Online.All != nil {
			t.Fatalf("%+v; want one device, and not back", one)
		}
	}
	if len(all) != 2*mostOpen || more != nil {
		t.Errorf("%d recoveries, and sums %+v; want all %d", len(all), more, 2*mostOpen)
	}
}
