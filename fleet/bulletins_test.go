package fleet

import (
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

// Of very many recoveries the gravest are kept, with the herds of the very gravest,
// and sums of all others: nothing is left out of the figures.
func TestRecoveriesAreBounded(t *testing.T) {
	const many = 3 * mostRecoveries
	var r recoveries
	late := func(*responder) time.Duration { return 0 }
	for i := range many {
		from := time.Duration(i) * time.Minute
		rec := &recovery{incident: "flapping", from: from, to: from + time.Second, over: from + time.Second, late: late}
		r.add(rec, from)
		rec.struck()
		rec.attempt(rec.to)
		if took := time.Duration(i%100) * time.Millisecond; i%500 != 7 { // and of three nobody comes back
			rec.isOnline(rec.to + took)
			rec.isAnswering(rec.to + took)
		}
	}
	all, more := r.all(0, many*time.Minute)
	herds, never := 0, 0
	least := metrics.Span(time.Hour)
	for _, one := range all {
		if one.Herd != nil {
			herds++
		}
		if one.Online.All == nil {
			never++
		} else {
			least = min(least, *one.Online.All)
		}
	}
	if len(all) < mostRecoveries || len(all) > mostRecoveries+3 || never != 3 || herds < mostHerds || herds > mostHerds+3 {
		t.Errorf("%d recoveries, %d of which somebody is not back, %d with a herd; want %d, those 3 and %d, give or take what is under way",
			len(all), never, herds, mostRecoveries, mostHerds)
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
	var r recoveries
	for i := range 2 * mostOpen {
		from := time.Duration(i) * time.Minute
		rec := &recovery{incident: "power-cut", from: from, to: from + time.Second, over: from + time.Second}
		r.add(rec, from)
		rec.struck()
	}
	if len(r.open) > mostOpen || len(r.done) != mostOpen {
		t.Errorf("%d are under way and %d are results; want at most %d and %d", len(r.open), len(r.done), mostOpen, mostOpen)
	}
	all, more := r.all(0, 24*time.Hour)
	for _, one := range all {
		if one.Affected != 1 || one.Online.Count != 0 || one.Online.All != nil {
			t.Fatalf("%+v; want one device, and not back", one)
		}
	}
	if len(all) != 2*mostOpen || more != nil {
		t.Errorf("%d recoveries, and sums %+v; want all %d", len(all), more, 2*mostOpen)
	}
}

// A device that is struck again and again and does not come back is followed for so
// many incidents at most.
func TestPursuitsAreBounded(t *testing.T) {
	r := new(responder)
	recs := make([]*recovery, 3*mostPursuits)
	for i := range recs {
		recs[i] = new(recovery)
		r.struckBy(recs[i])
	}
	n := 0
	for p := r.recovering; p != nil; p = p.next {
		n++
	}
	if n != mostPursuits || r.recovering.rec != recs[2*mostPursuits] {
		t.Errorf("followed for %d incidents; want the last %d", n, mostPursuits)
	}
	if rec := recs[5]; rec.affected != 1 || rec.overlap != 1 {
		t.Errorf("%d affected, %d by another as well; want 1 and 1, once", rec.affected, rec.overlap)
	}
}

// The time line has so many incidents, and says how many more there were.
func TestBulletinsAreBounded(t *testing.T) {
	var b bulletins
	for i := range mostBulletins + 7 {
		b.add(metrics.Incident{At: metrics.Span(i), Text: "x"})
	}
	if n := len(b.all(0)); n != mostBulletins || b.leftOut() != 7 {
		t.Errorf("%d incidents and %d left out; want %d and 7", n, b.leftOut(), mostBulletins)
	}
}
