package events

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// seen returns what a viewer takes, as "id:body", and its gap.
func seen(t *testing.T, v *Viewer) (out []string, gap Gap) {
	t.Helper()
	for {
		all, g, more, _ := v.Take(10)
		gap.Events, gap.AtMost, gap.Unknown = gap.Events+g.Events, gap.AtMost+g.AtMost, gap.Unknown || g.Unknown
		for _, e := range all {
			out = append(out, fmt.Sprintf("%d:%s", e.ID, e.Body))
		}
		if !more {
			return out, gap
		}
	}
}

func view(t *testing.T, h *Hub, in Interest, after string, at time.Duration) *Viewer {
	t.Helper()
	v, err := h.View(in, after, at, false)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A viewer hears of the types and devices of its interest, and of nothing from before it
// came.
func TestInterest(t *testing.T) {
	h := New("a")
	h.Publish(Presence, 1, 0, []byte("before"))
	v := view(t, h, Interest{Types: Set(Presence, Phase), Devices: NewDevices(100, []int{1, 64})}, "", 0)
	for _, e := range []struct {
		t      Type
		device int
	}{{Presence, 1}, {Presence, 2}, {Exchange, 1}, {Presence, 64}, {Phase, -1}, {Presence, 1000}} {
		h.Publish(e.t, e.device, 0, fmt.Appendf(nil, "%v %d", e.t, e.device))
	}
	got, gap := seen(t, v)
	want := []string{"1:presence 1", "2:presence 64", "3:phase -1"}
	if fmt.Sprint(got) != fmt.Sprint(want) || !gap.None() {
		t.Errorf("it took %q, %+v; want %q and no gap", got, gap, want)
	}
	for _, tt := range []struct {
		t      Type
		device int
		want   bool
	}{{Presence, 1, true}, {Presence, 2, false}, {Exchange, 1, false}, {Phase, -1, true}, {Will, -1, false}} {
		if got := h.Wants(tt.t, tt.device); got != tt.want {
			t.Errorf("Wants(%v, %d) = %t; want %t", tt.t, tt.device, got, tt.want)
		}
	}
	v.Close(0)
	if h.Wanted() != 0 {
		t.Error("an interest without a key stays when its viewer has gone")
	}
}

// While nobody looks on, an event costs nothing, and it costs nothing to ask.
func TestNobodyLooksOn(t *testing.T) {
	h := New("a")
	body := []byte("x")
	if n := testing.AllocsPerRun(1000, func() {
		h.Publish(Presence, 1, 0, body)
		_ = h.Follows(1) || (*Hub)(nil).Follows(1) || h.Wants(Will, -1)
		(*Hub)(nil).Publish(Presence, 1, 0, body)
	}); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
	if s := h.State(); s.Kept != 0 {
		t.Errorf("%d events are kept that nobody wanted", s.Kept)
	}
}

// What is kept is bounded in number and in bytes, and who is too slow is told exactly how
// much it has missed of its own.
func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name    string
		size, n int
		kept    int
	}{{"many", 10, MostEvents + 500, MostEvents}, {"long", 64 << 10, 100, MostBytes / (64 << 10)}} {
		h := New("a")
		slow := view(t, h, Interest{Types: Set(Will)}, "", 0)
		view(t, h, Interest{Types: Set(Presence)}, "", 0)
		for i := range tt.n {
			h.Publish([]Type{Presence, Will}[i%2], 0, 0, make([]byte, tt.size))
		}
		if got := h.State().Kept; got != tt.kept {
			t.Errorf("%s: %d are kept; want %d", tt.name, got, tt.kept)
		}
		if h.bytes != tt.kept*tt.size {
			t.Errorf("%s: %d bytes; want %d", tt.name, h.bytes, tt.kept*tt.size)
		}
		got, gap := seen(t, slow)
		if len(got)+gap.Events != tt.n/2 || gap.Events != (tt.n-tt.kept)/2 {
			t.Errorf("%s: it took %d and missed %d; want %d in all and %d missed", tt.name, len(got), gap.Events, tt.n/2, (tt.n-tt.kept)/2)
		}
		if again, gap := seen(t, slow); len(again) > 0 || !gap.None() {
			t.Errorf("%s: again it took %d, %+v; want nothing", tt.name, len(again), gap)
		}
	}
}

// Whoever comes back takes up behind the last event it has had, as long as it is kept, and
// is told if it is not.
func TestResume(t *testing.T) {
	h := New("a")
	in := Interest{Key: "k", Types: All}
	v := view(t, h, in, "", 0)
	for i := range 3 {
		h.Publish(Will, i, 0, []byte("x"))
	}
	seen(t, v)
	last := h.Name(h.last)
	v.Close(0)
	for i := range 2 { // while it is away, its interest stays
		h.Publish(Will, i, time.Second, []byte("y"))
	}
	v = view(t, h, in, last, 2*time.Second)
	if got, gap := seen(t, v); fmt.Sprint(got) != "[4:y 5:y]" || !gap.None() {
		t.Errorf("it took %q, %+v; want 4 and 5 without a gap", got, gap)
	}
	for _, after := range []string{"b.3", "a.99", "a", "3", "a.-1"} {
		w := view(t, h, in, after, 0)
		if got, gap := seen(t, w); len(got) > 0 || !gap.Unknown {
			t.Errorf("behind %q: %q, %+v; want nothing, and that nothing is known", after, got, gap)
		}
		w.Close(0)
	}
	for range MostEvents {
		h.Publish(Will, 0, 0, nil)
	}
	w := view(t, h, in, last, 0) // of 4 and 5 nothing is kept
	if got, gap := seen(t, w); len(got) != MostEvents || gap.AtMost != 2 {
		t.Errorf("it took %d, %+v; want %d, and that 2 are not kept", len(got), gap, MostEvents)
	}
	w.Close(0)
	v.Close(0)
	h.Publish(Will, 0, Patience+time.Second, nil) // it is noticed with the next event
	if h.Wanted() != 0 {
		t.Error("the interest of a viewer that has not come back stays")
	}
}

// Of exchanges a viewer gets no more in a second than it wants, and knows how many more
// there were. Other events are not left out.
func TestMost(t *testing.T) {
	h := New("a")
	v := view(t, h, Interest{Types: All, Most: 5}, "", 0)
	for i := range 20 {
		h.Publish([]Type{Exchange, Refusal}[i%2], 0, 100*time.Millisecond*time.Duration(i), nil)
		h.Publish(Presence, 0, 0, nil)
	}
	got, _ := seen(t, v)
	if n := v.NotShown(); len(got) != 30 || n != 10 || v.NotShown() != 0 {
		t.Errorf("it took %d, and %d were not shown; want 10 exchanges, 20 others and 10", len(got), n)
	}
}

// There are no more viewers than there may be, and interests of those who do not come back
// do not pile up.
func TestMostViewers(t *testing.T) {
	h := New("a")
	var all []*Viewer
	for i := range MostViewers {
		all = append(all, view(t, h, Interest{Key: fmt.Sprint(i), Types: All}, "", 0))
	}
	if _, err := h.View(Interest{Types: All}, "", 0, false); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v; want %v", err, ErrTooMany)
	}
	if v, err := h.View(Interest{Types: All}, "", 0, true); err != nil {
		t.Errorf("the process itself: %v; want a place of its own", err)
	} else {
		v.Close(0)
	}
	for _, v := range all {
		v.Close(0)
	}
	for i := range 100 {
		v := view(t, h, Interest{Key: fmt.Sprint("again ", i), Types: All}, "", time.Duration(i))
		v.Close(time.Duration(i))
	}
	if n := len(*h.wanted.Load()); n > mostParted {
		t.Errorf("%d interests of nobody; want at most %d", n, mostParted)
	}
	v := view(t, h, Interest{Types: All}, "", 0)
	h.Publish(Will, 0, 0, []byte("last"))
	h.Close()
	<-v.News()
	if got, _, _, over := v.Take(10); len(got) != 1 || !over {
		t.Errorf("at the end it took %d, over: %t; want the last one, and that it is over", len(got), over)
	}
	if _, err := h.View(Interest{Types: All}, "", 0, false); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v; want %v", err, ErrClosed)
	}
}

// Whatever is published by many at a time, each viewer takes or misses all of it, in order.
func TestManyPublish(t *testing.T) {
	h := New("a")
	const each, publishers = 3000, 8
	var viewing, publishing sync.WaitGroup
	for range 4 {
		v := view(t, h, Interest{Types: All}, "", 0)
		viewing.Go(func() {
			took, missed, last := 0, 0, uint64(0)
			for over := false; !over; {
				<-v.News()
				for more := true; more; {
					var all []Event
					var gap Gap
					all, gap, more, over = v.Take(16)
					missed += gap.Events
					for _, e := range all {
						if e.ID <= last {
							t.Errorf("event %d came behind %d", e.ID, last)
						}
						last = e.ID
						took++
					}
				}
			}
			if took+missed != each*publishers {
				t.Errorf("it took %d and missed %d; want %d in all", took, missed, each*publishers)
			}
		})
	}
	for range publishers {
		publishing.Go(func() {
			for i := range each {
				h.Publish(Presence, i, 0, []byte("abcdefgh"))
			}
		})
	}
	publishing.Wait()
	h.Close()
	viewing.Wait()
}
