package audit

import "time"

// Lingers is how long the auditor stays when everybody has gone: a Will after an
// orderly DISCONNECT would come by then.
const Lingers = 300 * time.Millisecond

// Leave lets the auditor go, once everybody else has: after [Lingers] and the answer to a
// PINGREQ of after that, by which it has seen all that the broker had sent. It returns
// when the auditor is going, or is gone.
func (r *Auditor) Leave() {
	const answer = 100 * time.Millisecond // for the PINGRESP
	if r.stays(Lingers, nil) && r.stays(answer, r.makeCertain()) {
		r.EndBy(time.Now().Add(time.Second))
	}
}

// stays waits until something has happened, at most so long. It is false when the auditor
// is gone first.
func (r *Auditor) stays(most time.Duration, happened <-chan struct{}) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-r.Gone():
		return false
	case <-happened:
	case <-timer.C:
	}
	return true
}

// makeCertain has it ask for a sign of life at once. What it returns is closed with the
// answer; never, where there is no connection, or none to the end.
func (r *Auditor) makeCertain() <-chan struct{} {
	certain := make(chan struct{})
	r.Tell(func() {
		if r.Live() {
			r.certain = certain
			r.pulse = time.Now()
			r.Wake(r.pulse)
		}
	})
	return certain
}

// Pingresp implements [client.HearsPingresp].
func (r *Auditor) Pingresp() {
	switch {
	case r.certain == nil:
	case r.asked:
		close(r.certain)
		r.certain = nil
	default: // the answer to one that was made before somebody wanted to be certain
		r.pulse = time.Now()
		r.Wake(r.pulse)
	}
}
