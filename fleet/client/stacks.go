package client

import (
	"context"
	"iter"
	"sync"
	"time"
)

// A session keeps a goroutine, whose stack would grow to 4 KiB with the first packet and
// stay so large for as long as it lives: half of what an idle device takes. So the goroutine
// does nothing but wait, for which the 2 KiB that it begins with are enough, and whatever
// there is to do between two waits is done on a stack that is borrowed for that time. A
// borrowed stack is a coroutine (iter.Pull): to go there and back takes some 60 ns, since no
// scheduler is asked, and what blocks there holds up nobody else. There are as many as
// sessions have something to do at the same time.
type stacks struct {
	mu    sync.Mutex
	idle  []*stack
	users int // sessions that run; with the last one the stacks go
}

// stack is what a session borrows, with what it is to do there and what came of it.
type stack struct {
	turn
	session  *Session
	switchTo func() (struct{}, bool)
	stop     func()
}

// turn is what a session does between two waits.
type turn struct {
	ctx   context.Context // of its dials
	woke  await           // what it waited for before; nothing: it begins
	chunk []byte          // what was read, if it waited for bytes
	err   error           // likewise
	fired bool            // the timer did, if it waited for that
	timer *time.Timer     // of a pause between two tries to connect; nil: there is none

	wait await // what it waits for next
}

// await is what a session waits for.
type await uint8

const (
	nothing  await = iota
	forBytes       // or a deadline, or a task
	forTask
	forTimer // or a task
	forGood  // the session has ended
)

// mostIdle is how many stacks are kept for who comes next: those of the few sessions that
// are awake at the same time on a quiet machine.
const mostIdle = 8

// enter says that a session runs, leave that it has ended: with the last one the stacks go.
func (a *stacks) enter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users++
}

func (a *stacks) leave() {
	a.mu.Lock()
	var left []*stack
	if a.users--; a.users == 0 {
		left, a.idle = a.idle, nil
	}
	a.mu.Unlock()
	for _, k := range left {
		k.stop()
	}
}

// borrow returns a stack that nobody uses.
func (a *stacks) borrow() *stack {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := len(a.idle) - 1; last >= 0 {
		k := a.idle[last]
		a.idle = a.idle[:last]
		return k
	}
	k := new(stack)
	k.switchTo, k.stop = iter.Pull(k.work)
	return k
}

// giveBack is the end of what borrow began.
func (a *stacks) giveBack(k *stack) {
	k.turn, k.session = turn{}, nil
	a.mu.Lock()
	spare := len(a.idle) >= mostIdle
	if !spare {
		a.idle = append(a.idle, k)
	}
	a.mu.Unlock()
	if spare {
		k.stop()
	}
}

// lend has a session do a turn, and returns what it waits for then.
func (k *stack) lend(s *Session, ctx context.Context) await {
	k.session, k.ctx = s, ctx
	k.switchTo()
	return k.wait
}

// work does one turn each time that somebody switches to it.
func (k *stack) work(yield func(struct{}) bool) {
	for {
		k.wait = k.session.proceed(&k.turn)
		if !yield(struct{}{}) {
			return
		}
	}
}

// Run is the session's goroutine: it connects, serves, and connects again until it is stopped
// or refused for good. It returns why it was refused. All of it but the waiting happens in
// proceed: what stands and is called here is to need little stack.
func (s *Session) Run(ctx context.Context) error {
	all := &s.env.stacks
	all.enter()
	k := all.borrow()
	for k.lend(s, ctx) != forGood {
		wait, timer := k.wait, k.timer
		all.giveBack(k)
		chunk, err, fired := s.await(wait, timer)
		k = all.borrow()
		k.woke, k.timer, k.chunk, k.err, k.fired = wait, timer, chunk, err, fired
	}
	all.giveBack(k)
	all.leave()
	return s.cause
}

// await waits for what a turn has ended with. It returns what was read, or that the timer
// has fired.
func (s *Session) await(wait await, timer *time.Timer) (chunk []byte, err error, fired bool) {
	switch wait {
	case forBytes:
		chunk, err = s.link.stream.Read()
	case forTask:
		s.wait(nil)
	case forTimer:
		fired = s.wait(timer.C)
	}
	return chunk, err, fired
}
