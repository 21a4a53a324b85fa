package conformance

import "time"

// Status is how a check ended.
type Status string

// How a check can end.
const (
	Conforms     Status = "conforms"
	Deviates     Status = "deviates"
	Flaky        Status = "flaky"         // it failed, and at another attempt did not
	NotSupported Status = "not supported" // the broker does without, and says so
	NotDecided   Status = "not decided"
)

// Result is what became of one statement.
type Result struct {
	Statement
	Status   Status
	Expected string // of what deviates
	Seen     string // of what deviates; otherwise why it is not so
	EchoOf   string // the name of the statement whose deviation may be all there is to it
	Attempts int
	Failed   int // of the attempts
	Took     time.Duration
	Steps    []Step // with Config.Trace
	Slow     bool   // not decided, since this machine, the network or the broker was too slow just then

	place  int
	chosen bool
	used   feature
}

func (r *Result) take(out *outcome) {
	r.Status, r.Expected, r.Seen, r.Slow, r.used, r.Took, r.Steps = out.status, out.expected, out.seen, out.slow, out.used, out.took, out.trace.steps
	r.Failed = 0
	if r.Status == Deviates {
		r.Failed = 1
	}
}

// Report is what an examination has found.
type Report struct {
	Facts   Facts
	Results []Result // by group
	Began   time.Time
	Took    time.Duration
	Early   time.Duration // what the checks waited after each SUBACK; 0: nothing
	Clings  bool          // it closes no connection after a DISCONNECT
	Gone    string        // why the broker could not be reached at some time
	Stopped string        // why it ended before all was judged; "": it did not
	Figures []Figure      // with Config.Figures
	Left    int           // sessions and retained topics that could not be removed
}

// Count returns how many results have a status.
func (r *Report) Count(status Status) (n int) {
	for i := range r.Results {
		if r.Results[i].Status == status {
			n++
		}
	}
	return n
}

// Deviations returns how many statements of a level do not hold, or not always.
func (r *Report) Deviations(of Level) (n int) {
	for i := range r.Results {
		if x := &r.Results[i]; (x.Status == Deviates || x.Status == Flaky) && x.Level() == of {
			n++
		}
	}
	return n
}

// Conforms reports whether the broker was found to keep to all that is required and could
// be judged, and that was something.
func (r *Report) Conforms() bool { return r.Deviations(Must) == 0 && r.Count(Conforms) > 0 }

// causes are deviations of what others rest upon, the most basic first.
type causes []*Result

func causesOf(basics []Result) causes {
	var found causes
	for bit := feature(1); bit != 0; bit <<= 1 {
		for i := range basics {
			if r := &basics[i]; r.proves&bit != 0 && (r.Status == Deviates || r.Status == Flaky) {
				found = append(found, r)
			}
		}
	}
	return found
}

// of returns the cause that a failure may be an echo of; nil: it is one itself.
func (c causes) of(r *Result) *Result {
	for _, cause := range c {
		if cause.Name() == r.Name() {
			return nil // what is more basic is all right
		}
		if cause.proves&r.used != 0 && cause.EchoOf == "" {
			return cause
		}
	}
	return nil
}

// attribute makes a failure that may be an echo one that is not decided.
func (c causes) attribute(r *Result) {
	if r.Status != Deviates && r.Status != Flaky {
		return
	}
	if cause := c.of(r); cause != nil {
		r.Status, r.EchoOf = NotDecided, cause.Name()
	}
}
