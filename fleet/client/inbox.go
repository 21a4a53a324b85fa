package client

import (
	"net"
	"sync"
	"time"
)

// task is what others leave for a session to do: it runs on the session's own
// goroutine.
type task func()

// inbox is where other goroutines leave tasks for the one that owns a session,
// and how they wake it. The owner mostly blocks in a Read; a task moves that
// Read's deadline to now. The mutex guards the handing over, not the session.
type inbox struct {
	mu     sync.Mutex
	tasks  []task
	conn   net.Conn      // read from by the owner, or nil
	armed  time.Time     // the read deadline that conn has
	bell   chan struct{} // waited on by the owner, or nil
	end    chan struct{} // closed with it, or nil while nobody waits for that
	closed bool          // no task is taken any more
	over   bool          // and none will be carried out
}

// past is a deadline that is over; any time well behind now does.
var past = time.Unix(1, 0)

// put leaves a task and wakes the owner. It is false when the owner is gone.
func (b *inbox) put(do task) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.tasks = append(b.tasks, do)
	if b.conn != nil {
		// An error means that the connection is closed, and the owner awake.
		_ = b.conn.SetReadDeadline(past)
		b.armed = past
	}
	if b.bell != nil {
		close(b.bell)
		b.bell = nil
	}
	return true
}

// hasten is put for a task that a Write must not hold up for long: it gives
// the connection until the given time to take what is being written.
func (b *inbox) hasten(do task, until time.Time) bool {
	b.mu.Lock()
	if b.conn != nil && !b.closed {
		_ = b.conn.SetWriteDeadline(until) // on error the Write tells
	}
	b.mu.Unlock()
	return b.put(do)
}

// wake has the owner's Read end now.
func (b *inbox) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil {
		_ = b.conn.SetReadDeadline(past) // an error means that the owner is awake
		b.armed = past
	}
}

// take empties the inbox.
func (b *inbox) take() []task {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.tasks
	b.tasks = nil
	return l
}

// arm prepares a Read of conn that a task ends, and else the deadline does.
// It is false when there are tasks to be taken first.
func (b *inbox) arm(conn net.Conn, deadline time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tasks) > 0 {
		return false
	}
	if b.conn != conn || !b.armed.Equal(deadline) {
		_ = conn.SetReadDeadline(deadline) // on error the Read tells
		b.conn, b.armed = conn, deadline
	}
	return true
}

// hangUp forgets the connection, which the owner closes.
func (b *inbox) hangUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conn = nil
}

// ring returns a channel that is closed when a task comes, or nil when there
// is one already.
func (b *inbox) ring() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.tasks) > 0 {
		return nil
	}
	if b.bell == nil {
		b.bell = make(chan struct{})
	}
	return b.bell
}

// gone returns a channel that is closed when the owner has ended, and has carried
// out whatever it took.
func (b *inbox) gone() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end == nil {
		b.end = make(chan struct{})
		if b.over {
			close(b.end)
		}
	}
	return b.end
}

// close refuses tasks from now on and carries out those that are left: who left them
// counts on it, as a recovery does that waits until all devices have heard of it. The
// owner calls it last of all, once.
func (b *inbox) close() {
	b.mu.Lock()
	b.closed = true
	left := b.tasks
	b.tasks, b.conn = nil, nil
	b.mu.Unlock()
	for _, do := range left {
		do()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.end != nil {
		close(b.end)
	}
}
