package deliveries

import (
	"testing"
	"time"
)

// Who has asked what is pending is told when that has come, and when a connection has ended or a watcher is gone, by
// which less may be pending. Nobody is told who has not asked, nor once nothing is.
func TestNewsOfWhatIsPending(t *testing.T) {
	told := 0
	l, err := New(Config{Devices: 1, Slots: 1, Groups: []Group{{Name: "servers", Filters: []string{"#"}, QoS: 1, Members: 2}}, News: func() { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	l.Up(0, 0, 1)
	l.Up(0, 1, 1)
	l.Open(0, 0, []byte("state/lamp/power"))
	send := func(seqs ...uint32) {
		for _, seq := range seqs {
			l.Sent(Message{Seq: seq}, 1, true)
		}
	}
	come := func(member int, seq uint32) {
		l.Received(Message{Seq: seq}, Arrival{Member: member, At: time.Second, QoS: 1})
	}
	want := func(what string, pending int64, news int) {
		t.Helper()
		if got := told; got != news {
			t.Errorf("%s: told %d times; want %d", what, got, news)
		}
		if got := l.Pending(); got != pending {
			t.Errorf("%s: Pending() = %d; want %d", what, got, pending)
		}
		told = 0
	}
	send(0, 1, 2)
	come(0, 0)
	want("nobody has asked", 5, 0)
	come(0, 1)
	come(0, 2)
	want("three have not come", 3, 0)
	come(1, 2)
	come(1, 2) // twice
	want("one of three has come", 2, 0)
	come(1, 1)
	come(1, 0)
	want("all have come", 0, 1)
	send(3)
	come(0, 3)
	want("nothing was pending", 1, 0)
	l.Refused(Message{Seq: 3})
	want("one was refused", 0, 1)
	send(4, 5)
	want("two more", 4, 0)
	l.Down(0, 1)
	if told != 1 {
		t.Errorf("a watcher is gone: told %d times; want 1", told)
	}
	told = 0
	l.Cut(0)
	if told != 1 {
		t.Errorf("a connection has ended: told %d times; want 1", told)
	}
}
