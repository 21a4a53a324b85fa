package client

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"homefleet/fleet/wire"
)

// TakeOvers notes connections that ended as those do whose client id another client has
// connected with (3.1.4-3). Some brokers say so, in a DISCONNECT with 0x8E; of others it can
// only be inferred, from connections that are closed without a word, again and again, at
// differing times soon after they came up: two clients that both come back throw each other
// off for ever. It may be used from any goroutine.
type TakeOvers struct {
	Log *slog.Logger

	mu                sync.Mutex
	told              int // connections that ended with 0x8E
	clients           int // that were thrown off often enough, without a word
	first             string
	shortest, longest time.Duration // how long the connections of such clients lasted
	said              string        // the sort of sentence that has been logged
}

const (
	// thrownOffOften is how many connections of a client in a row are to have been closed
	// soon after they came up before that is taken for more than chance.
	thrownOffOften = 3
	// anotherRhythm is by how much the times up of connections differ at least that were
	// ended by another client, which waits for a random time before it comes back. What
	// forbids something, or has a time limit, takes the same time again and again.
	anotherRhythm = 250 * time.Millisecond
)

// noteTakeOver notes the end of the present connection, if it may be one by another client
// with the same client id.
func (s *Session) noteTakeOver(err error) {
	t, l := s.env.TakeOvers, s.link
	refused, isRefusal := errors.AsType[*RefusedError](err)
	up := time.Since(l.up)
	switch {
	case t == nil || s.stopping || s.away || s.Obstructed() || s.hasDuplicate() || s.env.Stopped():
		s.thrownOff = 0
	case isRefusal && refused.Packet == "DISCONNECT" && refused.Code == wire.SessionTakenOver:
		t.wasTold(s.name)
	case l.connected && !l.online && isHangUp(err): // before it was quite up
	case !l.online || up >= max(s.profile.Backoff.Reset, soonThrownOff) || !isHangUp(err):
		s.thrownOff = 0
	default:
		s.thrownOff = min(s.thrownOff+1, thrownOffOften+1)
		t.threwOff(s.name, up, int(s.thrownOff))
	}
}

// soonThrownOff is how soon after it came up a connection is closed at least where two
// clients fight, whatever the back-off is.
const soonThrownOff = time.Minute

// isHangUp reports whether the other side has closed a connection, and said nothing.
func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// wasTold notes a connection that ended with 0x8E.
func (t *TakeOvers) wasTold(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told++; t.told == 1 && t.first == "" {
		t.first = name
	}
	t.say()
}

// threwOff notes a connection of a client that was closed without a word, after it had been
// up for some time. inARow is how many of its connections ended so by now.
func (t *TakeOvers) threwOff(name string, up time.Duration, inARow int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.longest == 0 || up < t.shortest {
		t.shortest = up
	}
	t.longest = max(t.longest, up)
	if inARow == thrownOffOften {
		if t.clients++; t.first == "" {
			t.first = name
		}
	}
	t.say()
}

// say logs what is found out, once for each sort of it. The caller holds the lock.
func (t *TakeOvers) say() {
	sort, text := t.sentence()
	if sort == t.said || sort == "" || t.Log == nil {
		return
	}
	t.said = sort
	t.Log.Warn(text)
}

// Sentence says what is known of other clients with the client ids of this process's
// sessions, and what to look at; "" is nothing.
func (t *TakeOvers) Sentence() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, text := t.sentence()
	return text
}

// sentence is Sentence, and what sort of sentence that is. The caller holds the lock.
func (t *TakeOvers) sentence() (sort, text string) {
	const secondFleet = "is a second fleet running this scenario on this broker?"
	clients := counted(t.clients, "client", "clients")
	switch {
	case t.told > 0:
		return "told", fmt.Sprintf("another client has taken over %s with the same client id (0x8E), first that of %s: %s",
			counted(t.told, "connection", "connections"), t.first, secondFleet)
	case t.clients == 0:
		return "", ""
	case t.longest-t.shortest >= max(anotherRhythm, t.longest/4):
		return "fight", fmt.Sprintf("another client uses the same client ids, it seems: the broker has closed the connections of %s again and again, without a word, %s to %s after they came up, first those of %s; %s",
			clients, round(t.shortest), round(t.longest), t.first, secondFleet)
	}
	return "rhythm", fmt.Sprintf("the broker closes the connections of %s again and again, without a word, each some %s after it came up, first those of %s: it may forbid what they send, which its log would say; "+
		"a proxy may have a time limit; or another client may use the same client ids", clients, round(t.longest), t.first)
}

// round is a duration as one speaks of it.
func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
