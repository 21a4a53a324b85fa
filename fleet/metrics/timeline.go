package metrics

import (
	"fmt"
	"slices"
	"time"
)

// TimeLine is a run in intervals of equal length from the start of measuring.
// A request belongs to the interval in which it was planned, whenever it was
// decided.
type TimeLine struct {
	Interval Span    `json:"interval"`
	Points   []Point `json:"points"`
}

// Point is one interval of a time line.
type Point struct {
	At Span `json:"at"` // its beginning
	Outcomes
	Received int64      `json:"received"`           // answers that arrived in this interval, whenever they were asked for
	Online   *int64     `json:"online,omitempty"`   // devices at its end; nil: nobody looked
	Response *Histogram `json:"response,omitempty"` // to 1 %; nil: no request was decided
}

// Rate returns a number of a point as events a second.
func (t *TimeLine) Rate(n int64) float64 { return float64(n) / time.Duration(t.Interval).Seconds() }

// line is a time line that grows. When it would have more than most points, or takes
// more than its room, its interval doubles, so a day takes no more than ten minutes:
// the longer an interval, the more its histogram has buckets.
type line struct {
	interval time.Duration
	most     int
	room     int // in bytes; 0: as much as it takes
	points   []tick
	swept    int // see settle
}

const (
	// unsettled is for how long most of what comes is counted in a point.
	unsettled = time.Minute
	// leastPoints are what a line has at least before its room counts.
	leastPoints = 64
	// tickBytes is what a point takes beside the buckets of its histogram.
	tickBytes = 260
)

// tick is a point as it is counted.
type tick struct {
	Outcomes
	Received  int64
	Online    int64
	hasOnline bool
	response  *Histogram
	seconds   float64 // length, of a batch that is compared
}

func (p *tick) record(d time.Duration) {
	if p.response == nil {
		p.response = newCoarse()
	}
	p.response.Record(d)
}

// unanswered counts a request without an answer.
func (p *tick) unanswered(after time.Duration) {
	if p.response == nil {
		p.response = newCoarse()
	}
	p.response.RecordUnanswered(1, after)
}

// add adds the interval o, of the same or a later time.
func (p *tick) add(o *tick) {
	p.Outcomes.Add(o.Outcomes)
	p.Received += o.Received
	if p.response == nil {
		p.response = o.response
	} else {
		p.response.Merge(o.response)
	}
}

// point returns the interval of a time, which is not negative.
func (l *line) point(at time.Duration) *tick {
	for {
		switch i := int(at / l.interval); {
		case i < len(l.points):
			return &l.points[i]
		case i >= l.most, l.room > 0 && len(l.points) > leastPoints && l.bytes() > l.room:
			l.coarsen()
		default:
			l.points = append(l.points, tick{})
			l.settle()
		}
	}
}

// settled is how many points, from the first, hardly anything is counted in any more.
func (l *line) settled() int { return max(0, len(l.points)-2-int(unsettled/l.interval)) }

// settle makes small what hardly anything is counted in any more, as a point is added; and
// in turn what has been since, some requests being decided late.
func (l *line) settle() {
	n := l.settled()
	if n == 0 {
		return
	}
	l.points[n-1].response.freeze()
	l.swept = (l.swept + 1) % n
	l.points[l.swept].response.freeze()
}

// coarsen doubles the interval.
func (l *line) coarsen() {
	for i := 0; i < len(l.points); i += 2 {
		p := l.points[i]
		if i+1 < len(l.points) {
			next := &l.points[i+1]
			p.add(next)
			if next.hasOnline {
				p.Online, p.hasOnline = next.Online, true
			}
		}
		l.points[i/2] = p
	}
	half := (len(l.points) + 1) / 2
	clear(l.points[half:])
	l.points = l.points[:half]
	l.interval *= 2
	for i := range l.settled() {
		l.points[i].response.freeze()
	}
}

// merge adds a line of the same origin, which is used up. The intervals of
// both must be the same but for doublings.
func (l *line) merge(o *line) error {
	for l.interval < o.interval {
		l.coarsen()
	}
	for o.interval < l.interval {
		o.coarsen()
	}
	if l.interval != o.interval {
		return fmt.Errorf("the time lines have intervals of %v and %v, of which neither can be doubled into the other", l.interval, o.interval)
	}
	for len(o.points) > l.most {
		l.coarsen()
		o.coarsen()
	}
	for i := range o.points {
		from := &o.points[i]
		to := l.point(time.Duration(i) * l.interval)
		to.add(from)
		if from.hasOnline {
			to.Online, to.hasOnline = to.Online+from.Online, true
		}
	}
	return nil
}

// clone returns a copy that shares nothing, of a line that is to be merged or read.
func (l *line) clone() *line {
	c := *l
	c.room = 0
	c.points = slices.Clone(l.points)
	for i := range c.points {
		if h := c.points[i].response; h != nil {
			c.points[i].response = h.Clone()
		}
	}
	return &c
}

// timeLine returns the line as it is read, sharing the histograms.
func (l *line) timeLine() *TimeLine {
	t := &TimeLine{Interval: Span(l.interval), Points: make([]Point, len(l.points))}
	for i := range l.points {
		p := &l.points[i]
		t.Points[i] = Point{At: Span(time.Duration(i) * l.interval), Outcomes: p.Outcomes, Received: p.Received, Response: p.response}
		if p.hasOnline {
			t.Points[i].Online = &p.Online
		}
	}
	return t
}

// line returns a time line as one that can be merged; the histograms are
// copied.
func (t *TimeLine) line() *line {
	l := &line{interval: time.Duration(t.Interval), most: max(defaultPoints, len(t.Points)), points: make([]tick, len(t.Points))}
	for i := range t.Points {
		p := &t.Points[i]
		l.points[i] = tick{Outcomes: p.Outcomes, Received: p.Received}
		if p.Online != nil {
			l.points[i].Online, l.points[i].hasOnline = *p.Online, true
		}
		if p.Response != nil {
			l.points[i].response = p.Response.Clone()
		}
	}
	return l
}

func (l *line) bytes() int {
	n := len(l.points) * tickBytes
	for i := range l.points {
		n += l.points[i].response.Bytes()
	}
	return n
}
