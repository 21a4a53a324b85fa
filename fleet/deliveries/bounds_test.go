package deliveries

import (
	"runtime"
	"testing"
	"time"

	"homefleet/fleet/metrics"
)

func noSlack(int) time.Duration { return 0 }

func newLedger(t *testing.T, devices, slots int, groups ...Group) *Ledger {
	t.Helper()
	l, err := New(Config{Devices: devices, Slots: slots, Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	for g := range groups {
		for n := range groups[g].Members {
			l.Up(g, n, groups[g].QoS)
		}
	}
	for d := range devices {
		for slot := range slots {
			l.Open(d, slot, []byte(slotTopic(d, slot)))
		}
	}
	return l
}

// A broker that loses the first message and hands on a great many more does not
// make the ledger grow, nor the figures wrong; what comes after it was given up is
// neither a duplicate nor delivered.
func TestMissingMessagesAreGivenUp(t *testing.T) {
	l := newLedger(t, 1, 1, Group{Name: "w", Filters: []string{"#"}, Members: 1, QoS: 1})
	const n = 100_000
	for seq := range uint32(n) {
		l.Sent(Message{0, 0, seq}, 1, true)
		if seq%10 != 0 {
			l.Received(Message{0, 0, seq}, Arrival{QoS: 1})
		}
	}
	r := &l.stream(0, 0).receipts[0]
	if r.more == nil || len(r.more.words) >= mostWords || cap(r.more.words) > 2*mostWords {
		t.Errorf("a receipt has grown to %d words of %d; want less than %d", len(r.more.words), cap(r.more.words), mostWords)
	}
	l.Received(Message{0, 0, 0}, Arrival{QoS: 1})      // forgotten
	l.Received(Message{0, 0, n - 10}, Arrival{QoS: 1}) // late, and not yet given up
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	l.Close(0, false, noSlack)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	got := l.Deliveries()[0].DeliveryTotals
	if got.Sent != n || got.Delivered != n-n/10+1 || got.Lost != n/10-1 || got.Forgotten != 1 || got.Reordered != 1 || got.Duplicate != 0 {
		t.Errorf("the ledger has %+v; want %d sent, %d delivered, %d lost, 1 forgotten, 1 reordered", got, n, n-n/10+1, n/10-1)
	}
}

// A watcher that is a hundred thousand messages behind costs nothing: what has not
// come is not held one by one.
func TestBacklogIsNotHeld(t *testing.T) {
	l := newLedger(t, 1, 1, Group{Name: "slow", Filters: []string{"#"}, Members: 1, QoS: 1})
	const n = 100_000
	for seq := range uint32(n) {
		l.Sent(Message{0, 0, seq}, 1, true)
	}
	if got := l.Pending(); got != n {
		t.Errorf("Pending() = %d; want %d", got, n)
	}
	for seq := range uint32(n / 2) {
		l.Received(Message{0, 0, seq}, Arrival{QoS: 1, At: 10 * time.Second, Made: time.Second})
	}
	if s := l.stream(0, 0); len(s.segments) != 1 || s.receipts[0].more != nil {
		t.Errorf("the stream holds %d segments and %+v; want 1 and nothing more", len(s.segments), s.receipts[0].more)
	}
	if got := l.Pending(); got != n/2 {
		t.Errorf("Pending() = %d; want %d", got, n/2)
	}
	// As the run ends it is still busy with old messages: what it has not got round
	// to is not the broker's loss.
	l.Close(10*time.Second, false, noSlack)
	if got := l.Deliveries()[0]; got.Delivered != n/2 || got.Unfinished != n/2 || got.Lost != 0 {
		t.Errorf("the ledger has %+v; want %d delivered and as many unfinished", got, n/2)
	}
}

// A message that a later one has overtaken may come yet (4.6): it is not lost before the
// time for it is over.
func TestOvertakenIsPending(t *testing.T) {
	l := newLedger(t, 1, 1, Group{Name: "w", Filters: []string{"#"}, Members: 1, QoS: 1})
	l.Sent(Message{0, 0, 0}, 1, true)
	l.Sent(Message{0, 0, 1}, 1, true)
	l.Received(Message{0, 0, 1}, Arrival{QoS: 1})
	if got := l.Pending(); got != 1 {
		t.Errorf("Pending() = %d behind a later one; want 1", got)
	}
	l.Received(Message{0, 0, 0}, Arrival{QoS: 1})
	if got := l.Pending(); got != 0 {
		t.Errorf("Pending() = %d when all have come; want 0", got)
	}
	l.Close(0, false, noSlack)
	if got := l.Deliveries()[0]; got.Delivered != 2 || got.Reordered != 1 || got.Lost != 0 {
		t.Errorf("the ledger has %+v; want 2 delivered, 1 of them reordered", got)
	}
}

// A device that reconnects for ever leaves nothing behind, as long as what it sends
// comes.
func TestReconnectsLeaveNothingBehind(t *testing.T) {
	l := newLedger(t, 1, 1, Group{Name: "w", Filters: []string{"#"}, Members: 2, QoS: 1})
	messages := some[uint32](50_000, 200_000)
	for seq := range messages {
		m := Message{0, 0, seq}
		l.Sent(m, 1, true)
		if seq%3 == 0 {
			l.Cut(0)
			l.Resent(m)
		}
		l.Received(m, Arrival{QoS: 1})
		l.Received(m, Arrival{Member: 1, QoS: 1})
	}
	s := l.stream(0, 0)
	if s.blurred || len(s.segments) > mostSegments || len(s.odd) > mostOddities {
		t.Errorf("the stream holds %d segments and %d oddities, blurred %v; want at most %d and %d", len(s.segments), len(s.odd), s.blurred, mostSegments, mostOddities)
	}
	l.Close(0, false, noSlack)
	if got := l.Deliveries()[0]; got.Delivered != int64(2*messages) || got.Check() != nil || got.Sent != int64(2*messages) {
		t.Errorf("the ledger has %+v; want %d delivered", got, 2*messages)
	}
}

// A stream of which too much is to be noted is not judged, rather than wrongly.
func TestTooManyReconnectsBlur(t *testing.T) {
	l := newLedger(t, 1, 1, Group{Name: "w", Filters: []string{"#"}, Members: 1, QoS: 1})
	for seq := range uint32(10_000) {
		l.Sent(Message{0, 0, seq}, 1, true)
		l.Cut(0)
	}
	if s := l.stream(0, 0); len(s.segments) > mostSegments {
		t.Errorf("the stream holds %d segments; want at most %d", len(s.segments), mostSegments)
	}
	l.Close(0, false, noSlack)
	if got := l.Deliveries()[0]; got.Unconfirmed != 10_000 || got.Sent != 10_000 {
		t.Errorf("the ledger has %+v; want 10000 unconfirmed", got)
	}
}

// What a topic costs: on the side of the devices once, and for each account a
// receipt. The package comment says so.
func TestBytesPerTopic(t *testing.T) {
	devices, accounts := some(150, 2_000), 10
	l, err := New(Config{Devices: devices, Slots: 1, Groups: []Group{{Name: "w", Filters: []string{"#"}, Members: accounts, QoS: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for d := range devices {
		l.Open(d, 0, []byte(slotTopic(d, 0)))
		for seq := range uint32(200) {
			l.Sent(Message{d, 0, seq}, 1, true)
			for n := range accounts {
				l.Received(Message{d, 0, seq}, Arrival{Member: n, QoS: 1})
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / float64(devices)
	if most := 160 + 24*float64(accounts) + 32; each > most {
		t.Errorf("a topic with %d accounts takes %.0f bytes; want at most %.0f", accounts, each, most)
	}
	t.Logf("a topic with %d accounts takes %.0f bytes", accounts, each)
	runtime.KeepAlive(l)
}

// Once a topic is known, nothing is allocated for its messages.
func TestMessagesAllocateNothing(t *testing.T) {
	l := newLedger(t, 1, 1, Group{Name: "w", Filters: []string{"#"}, Members: 1, QoS: 1}, Group{Name: "s", Filters: []string{"#"}, Members: 2, QoS: 1, Shared: true})
	seq := uint32(0)
	if n := testing.AllocsPerRun(1000, func() {
		m := Message{0, 0, seq}
		l.Sent(m, 1, true)
		l.Received(m, Arrival{QoS: 1})
		l.Received(m, Arrival{Group: 1, Member: int(seq % 2), QoS: 1})
		seq++
	}); n != 0 {
		t.Errorf("a message allocates %v times; want 0", n)
	}
}

// A device that comes and goes for days, and loses what it sent last each time, takes
// no more than in its first hour; what is lost beside that is still told, as exactly
// as at the beginning.
func TestReconnectsWithLossesLeaveNothingBehind(t *testing.T) {
	const each = 5
	connections := some[uint32](2_000, 10_000)
	for _, tt := range []struct {
		name  string
		qos   byte
		cut   func(*Ledger, Message)             // the last of a connection does not come
		count func(metrics.DeliveryTotals) int64 // of these
	}{
		{"QoS 0, not known to have arrived", 0, func(*Ledger, Message) {}, func(t metrics.DeliveryTotals) int64 { return t.Unconfirmed }},
		{"QoS 0, not written", 0, (*Ledger).NotSent, func(t metrics.DeliveryTotals) int64 { return int64(2*connections*each) - t.Sent }},
		{"QoS 1, given up with the session", 1, (*Ledger).Unacknowledged, func(t metrics.DeliveryTotals) int64 { return t.Unconfirmed }},
		{"QoS 1, refused", 1, (*Ledger).Refused, func(t metrics.DeliveryTotals) int64 { return t.Refused }},
	} {
		l := newLedger(t, 1, 1, Group{Name: "w", Filters: []string{"#"}, Members: 2, QoS: 1})
		most := 0
		for n := range connections {
			for i := range uint32(each) {
				m := Message{0, 0, n*each + i}
				l.Sent(m, tt.qos, true)
				switch {
				case i == each-1:
					tt.cut(l, m)
				case i == 1 && n%1000 == 999: // a loss of the broker's
				default:
					l.Received(m, Arrival{QoS: tt.qos})
					l.Received(m, Arrival{Member: 1, QoS: tt.qos})
				}
			}
			l.Cut(0)
			s := l.stream(0, 0)
			most = max(most, cap(s.segments)*16+cap(s.odd)*8)
		}
		if s := l.stream(0, 0); s.blurred || most > 8<<10 {
			t.Errorf("%s: the stream took up to %d bytes, blurred %v; want at most %d", tt.name, most, s.blurred, 8<<10)
		}
		l.Close(0, false, noSlack)
		got := l.Deliveries()[0].DeliveryTotals
		if n := tt.count(got); n != int64(2*connections) {
			t.Errorf("%s: %+v; want %d that are nobody's fault", tt.name, got, 2*connections)
		}
		if want := int64(2 * connections / 1000); got.Lost != want || got.Check() != nil {
			t.Errorf("%s: %d lost, %v; want %d", tt.name, got.Lost, got.Check(), want)
		}
	}
}
