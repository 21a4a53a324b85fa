package fleet

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// notes logs faults so that a thousand devices with the same one make one line
// and then a count, and not a thousand lines.
type notes struct {
	log *slog.Logger

	mu    sync.Mutex
	seen  map[string]*seenFault
	final error // the first for which a device gave up
}

type seenFault struct {
	said   time.Time
	silent int // since then
}

const (
	noteEvery = 10 * time.Second
	noteKinds = 64 // different faults that are told apart
)

func (n *notes) note(err error) {
	key := err.Error()
	device := ""
	if e, ok := errors.AsType[*DeviceError](err); ok {
		key, device = e.What(), e.Device
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = make(map[string]*seenFault)
	}
	f := n.seen[key]
	if f == nil {
		if len(n.seen) >= noteKinds {
			key = "other faults"
			f = n.seen[key]
		}
		if f == nil {
			n.seen[key] = &seenFault{said: time.Now()}
			n.log.Warn(key, "device", device)
			return
		}
	}
	now := time.Now()
	if now.Sub(f.said) < noteEvery {
		f.silent++
		return
	}
	n.log.Warn(key, "device", device, "more_like_it", f.silent)
	f.said, f.silent = now, 0
}

// gaveUp logs that a device is done for.
func (n *notes) gaveUp(err error, device bool) {
	n.mu.Lock()
	if n.final == nil && device {
		n.final = err
	}
	n.mu.Unlock()
	if e, ok := errors.AsType[*DeviceError](err); ok {
		err = &DeviceError{Device: e.Device, Broker: e.Broker, Doing: e.Doing, Err: finalError{e.Err}}
	}
	n.note(err)
}

// Refusal returns the error for which a device gave up first; nil if none did.
func (f *Fleet) Refusal() error {
	f.notes.mu.Lock()
	defer f.notes.mu.Unlock()
	return f.notes.final
}

type finalError struct{ error }

func (e finalError) Error() string { return e.error.Error() + "; it does not try again" }
func (e finalError) Unwrap() error { return e.error }
