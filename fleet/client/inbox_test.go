package client

import "testing"

// What an inbox has taken is carried out, also if its owner ends before it has read
// it: a counter that stays above zero would have others wait.
func TestInboxLeavesNothingUnread(t *testing.T) {
	var b inbox
	read := 0
	for range 3 {
		b.put(func() { read++ })
	}
	b.put(func() {
		if b.put(func() {}) {
			t.Error("put() = true while the inbox closes; want false")
		}
		select {
		case <-b.gone():
			t.Error("gone() is closed before all is carried out")
		default:
		}
	})
	gone := b.gone()
	b.close()
	if read != 3 {
		t.Errorf("%d of 3 tasks were carried out", read)
	}
	select {
	case <-gone:
	default:
		t.Error("gone() is open after close()")
	}
	if b.put(func() {}) {
		t.Error("put() = true after close(); want false")
	}
}
