package incident

import "time"

// Recovering are the incidents from which a device is not back yet, in the order in which
// they struck; the zero value is none. It belongs to the goroutine that owns the device,
// and takes the room of a pointer.
//
// A device is back from an incident when a connection of it has proved to be whole, at a
// moment at which the incident had let go of the device: a new one as it comes online, an
// old one by whatever it brought that was sent after that moment. Then, if anybody asks
// devices, the Recovery waits for the answer.
type Recovering struct{ first *following }

// following is that a device is followed until it is back from one occurrence.
type following struct {
	rec     *Recovery
	overlap bool // another struck the device before it was back
	asked   bool // the device is asked, or has been, whether it answers
	next    *following
}

// MostFollowed bounds the incidents for which a device is followed: one that does not
// come back for that many is not back from the first of them, whatever happens later.
const MostFollowed = 64

// None reports whether the device is back from everything.
func (l *Recovering) None() bool { return l.first == nil }

// Add has the device be followed until it is back from an incident, which is still to
// come. One that is not back from an earlier one is followed for both.
func (l *Recovering) Add(rec *Recovery) {
	rec.struck()
	f := &following{rec: rec}
	end, n := &l.first, 0
	for ; *end != nil; end = &(*end).next {
		n++
		(*end).overlaps()
		f.overlaps()
	}
	*end = f
	if n >= MostFollowed {
		l.first.isLost()
		l.first = l.first.next
	}
}

func (f *following) overlaps() {
	if !f.overlap {
		f.overlap = true
		f.rec.overlaps()
	}
}

// isLost ends it for a device that will not be back. Who asks a device knows when that
// is in vain.
func (f *following) isLost() {
	f.rec.isLost()
	if !f.asked {
		f.rec.IsMute()
	}
}

// IsOver reports whether the device still is to prove that it is back from an incident,
// which is over for it. ask, if it is not nil, is told to ask the device.
func (l *Recovering) IsOver(rec *Recovery, ask func(*Recovery)) bool {
	for f := l.first; f != nil; f = f.next {
		if f.rec != rec {
			continue
		}
		if ask != nil {
			f.asked = true
			ask(rec)
		}
		return true
	}
	return false
}

// Proven notes that the connection of the device with a number was whole at a moment: the
// device is back, now, from every incident that had let go of it by then. ask, if it is
// not nil, is told to ask the device for each of them, once.
func (l *Recovering) Proven(device int, at, now time.Duration, ask func(*Recovery)) {
	for end := &l.first; *end != nil; {
		f := *end
		if at < f.rec.LetsGo(device) { // with a Spread longer than the incident it may be struck yet
			end = &f.next
			continue
		}
		f.rec.isOnline(now)
		if !f.asked && ask != nil {
			f.asked = true
			ask(f.rec)
		}
		*end = f.next
	}
}

// Attempt counts a try to connect.
func (l *Recovering) Attempt(now time.Duration) {
	for f := l.first; f != nil; f = f.next {
		f.rec.attempt(now)
	}
}

// Failed counts why a try to connect came to nothing: a word or two of the result.
func (l *Recovering) Failed(why string) {
	for f := l.first; f != nil; f = f.next {
		f.rec.failed(why)
	}
}

// Withdraw has nobody wait for the device any more, which is no part of the fleet now: it
// is not counted among those that were struck, unless it was back before.
func (l *Recovering) Withdraw() {
	for f := l.first; f != nil; f = f.next {
		f.rec.withdrawn(f.overlap)
	}
	l.first = nil
}

// IsGone notes that the device will not be back from anything.
func (l *Recovering) IsGone() {
	for f := l.first; f != nil; f = f.next {
		f.isLost()
	}
	l.first = nil
}
