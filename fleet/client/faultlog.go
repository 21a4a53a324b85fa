package client

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// FaultLog logs faults so that a thousand devices with the same one make one line
// and then a count, and not a thousand lines.
type FaultLog struct {
	Log *slog.Logger

	mu    sync.Mutex
	seen  map[string]*seenFault
	first error // of all that were noted
	final error // the first for which a device gave up
	other error // the first for which a controller or watcher did
}

type seenFault struct {
	said   time.Time
	silent int    // since then
	last   string // device, of those that were silenced
}

const (
	repeatFaults = 10 * time.Second
	mostFaults   = 64 // different faults that are told apart
)

func (n *FaultLog) note(err error) {
	key := err.Error()
	device := ""
	e, ofDevice := errors.AsType[*DeviceError](err)
	if ofDevice {
		key, device = e.What(), e.Device
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.first == nil && ofDevice {
		n.first = err
	}
	n.tell(key, device)
}

// mention logs what is no fault of a connection: it goes on.
func (n *FaultLog) mention(key, device string, more ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tell(key, device, more...)
}

// tell logs a fault, unless one like it has just been.
func (n *FaultLog) tell(key, device string, more ...any) {
	if n.seen == nil {
		n.seen = make(map[string]*seenFault)
	}
	f := n.seen[key]
	if f == nil {
		if len(n.seen) >= mostFaults {
			key = "other faults"
			f = n.seen[key]
		}
		if f == nil {
			n.seen[key] = &seenFault{said: time.Now()}
			n.say(key, device, 0, more...)
			return
		}
	}
	now := time.Now()
	if now.Sub(f.said) < repeatFaults {
		f.silent++
		f.last = device
		return
	}
	n.say(key, device, f.silent, more...)
	f.said, f.silent = now, 0
}

// say logs a fault, and how many like it were silenced.
func (n *FaultLog) say(key, device string, silenced int, more ...any) {
	about := append([]any{"device", device}, more...)
	if silenced > 0 {
		about = append(about, "more_like_it", silenced)
	}
	n.Log.Warn(key, about...)
}

// LogSilenced logs what was left out of the log, since it was the same as what had
// just been told.
func (n *FaultLog) LogSilenced() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(n.seen)) {
		if f := n.seen[key]; f.silent > 0 {
			n.say(key, f.last, f.silent-1)
			f.silent = 0
		}
	}
}

// gaveUp logs that a device is done for.
func (n *FaultLog) gaveUp(err error, device bool) {
	n.mu.Lock()
	switch {
	case device && n.final == nil:
		n.final = err
	case !device && n.other == nil:
		n.other = err
	}
	n.mu.Unlock()
	if e, ok := errors.AsType[*DeviceError](err); ok {
		err = &DeviceError{Device: e.Device, Broker: e.Broker, Doing: e.Doing, Err: finalError{e.Err}}
	}
	n.note(err)
}

// Firsts returns the first fault of a connection of whoever it was, the first for which
// a device gave up, and the first for which a controller or watcher did; nil where
// there was none.
func (n *FaultLog) Firsts() (first, final, other error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.first, n.final, n.other
}

type finalError struct{ error }

func (e finalError) Error() string { return e.error.Error() + "; it does not try again" }
func (e finalError) Unwrap() error { return e.error }
