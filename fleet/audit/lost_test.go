package audit

import "testing"

// What was sent on a connection before it fell silent may not have arrived: the
// Keep Alive counts from what did for certain, or from later (3.1.2-22).
func TestLost(t *testing.T) {
	for _, tt := range []struct {
		name string
		saw  float64 // 0: none
		want want
	}{
		{"it did not arrive", 25, want{onTime: 1}},
		{"it arrived", 35, want{onTime: 1}},
		{"it arrived, and the broker looks every 5 s", 41, want{onTime: 1}},
		{"before either", 24.7, want{early: 1}},
		{"after both", 41.2, want{late: 1}},
		{"never", 0, want{missing: 1}},
	} {
		a := watched("silence")
		a.Connected(1, 1, conn(1, keepAlive(10)))
		a.Silent(1, 1, "silence", at(20))
		a.Lost(1, 1, at(10))
		if tt.saw > 0 {
			a.Seen(1, 1, at(tt.saw), false)
		}
		got := a.Close(at(100))
		check(t, tt.name, got)
		if got.Wills != tt.want.totals() {
			t.Errorf("%s: Close() = %+v; want %+v", tt.name, got.Wills, tt.want.totals())
		}
	}
}

// A silence that came to an end after the Keep Alive may have run out is none
// that did for certain.
func TestLostAndAudibleAgain(t *testing.T) {
	for _, saw := range []float64{0, 25, 27} {
		a := watched("silence")
		a.Connected(1, 1, conn(1, keepAlive(10)))
		a.Silent(1, 1, "silence", at(20))
		a.Lost(1, 1, at(10))
		a.Audible(1, 1, at(27))
		if saw > 0 {
			a.Seen(1, 1, at(saw), false)
			a.Ended(1, 1, End{Way: "lost", How: ByBroker, From: at(10), To: at(27.1)})
		} else {
			a.Ended(1, 1, end(Orderly, 60))
		}
		got := a.Close(at(100))
		if w := got.Wills; w.Unexpected+w.Early+w.Late+w.Missing != 0 {
			t.Errorf("seen at %v: Close() = %+v; want no fault", saw, w)
		}
	}
}
