package fleet

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// notes logs faults so that a thousand devices with the same one make one line
// and then a count, and not a thousand lines.
type notes struct {
	log *slog.Logger

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
	noteEvery = 10 * time.Second
	noteKinds = 64 // different faults that are told apart
)

func (n *notes) note(err error) {
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
		f.last = device
		return
	}
	n.say(key, device, f.silent)
	f.said, f.silent = now, 0
}

// say logs a fault, and how many like it were silenced.
func (n *notes) say(key, device string, silenced int) {
	if silenced == 0 {
		n.log.Warn(key, "device", device)
		return
	}
	n.log.Warn(key, "device", device, "more_like_it", silenced)
}

// LogSilenced logs what was left out of the log, since it was the same as what
// had just been told. It is for the end of a run, after [Fleet.Run].
func (f *Fleet) LogSilenced() {
	n := &f.notes
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
func (n *notes) gaveUp(err error, device bool) {
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

// Refusal returns the error for which a device gave up first; nil if none did.
func (f *Fleet) Refusal() error {
	f.notes.mu.Lock()
	defer f.notes.mu.Unlock()
	return f.notes.final
}

// OtherRefusal returns the error for which a controller or watcher gave up
// first; nil if none did.
func (f *Fleet) OtherRefusal() error {
	f.notes.mu.Lock()
	defer f.notes.mu.Unlock()
	return f.notes.other
}

// FirstFault returns the first fault of a connection of whoever it was, of those
// too that another try has mended since; nil if there was none.
func (f *Fleet) FirstFault() error {
	f.notes.mu.Lock()
	defer f.notes.mu.Unlock()
	return f.notes.first
}

type finalError struct{ error }

func (e finalError) Error() string { return e.error.Error() + "; it does not try again" }
func (e finalError) Unwrap() error { return e.error }
