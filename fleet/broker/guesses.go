package broker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync/atomic"

	"homefleet/fleet/wire"
)

// guesses checks passwords of which the broker has hashes. That takes memory and
// time on purpose, so it is done two at a time, some may wait, and the rest is
// turned away with 0x89; a fleet that comes with the right password is let in by
// what was found out the first time.
type guesses struct {
	key     [32]byte      // of this broker alone: what is kept of a password is of no use elsewhere
	slots   chan struct{} // taken by those at work
	waiting atomic.Int32
	decoy   *passwordHash // what an unknown user name is checked against, so that it takes as long; nil: no hashes
}

const (
	guessesAtOnce  = 2
	guessesWaiting = 64
)

// provedPassword is the keyed hash of a password that was right.
type provedPassword struct {
	mac atomic.Pointer[[sha256.Size]byte]
}

func (g *guesses) init() {
	_, _ = rand.Read(g.key[:]) // never fails
	g.slots = make(chan struct{}, guessesAtOnce)
}

func (g *guesses) mac(password []byte) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, g.key[:])
	_, _ = h.Write(password) // never fails
	h.Sum(sum[:0])
	return sum
}

// check returns wire.Success or why the password is not taken; a user of nil is
// one that there is not.
func (g *guesses) check(u *user, password []byte) byte {
	mac := g.mac(password)
	if u != nil {
		if proved := u.proved.mac.Load(); proved != nil && hmac.Equal(mac[:], proved[:]) {
			return wire.Success
		}
	}
	if g.waiting.Add(1) > guessesWaiting {
		g.waiting.Add(-1)
		return wire.ServerBusy
	}
	g.slots <- struct{}{}
	g.waiting.Add(-1)
	defer func() { <-g.slots }()
	hash := g.decoy
	if u != nil {
		hash = u.argon
	}
	if !hash.matches(password) || u == nil {
		return wire.BadUserNameOrPassword
	}
	u.proved.mac.Store(&mac)
	return wire.Success
}
