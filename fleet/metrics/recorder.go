package metrics

import (
	"iter"
	"runtime"
	"sync"
	"time"
)

// A Recorder takes in what thousands of goroutines measure. It is split into
// shards, each under its own lock, which is held for well under a microsecond
// to record; the shards are merged when somebody reads. Histograms are made
// when their first sample comes and have a fixed greatest size, so the memory
// depends on how many labels there are, and not on how long the run is.
type Recorder struct {
	names  LabelNames
	shards []*shard // a power of two
}

// RecorderConfig is what a recorder needs to know. The zero value is a
// recorder without labels.
type RecorderConfig struct {
	Names    LabelNames
	Shards   int           // rounded up to a power of two; 0 means GOMAXPROCS, at most 8
	Interval time.Duration // of the time line at first; 0 means 1 s
	Points   int           // most intervals of the time line; 0 means 600, less than 2 means 2
}

const (
	defaultInterval = time.Second
	defaultPoints   = 600
	mostShards      = 64
)

// How much the time line may take, in bytes: all of it, but no shard of it less than.
const (
	lineRoom  = 1 << 20
	leastRoom = 256 << 10
)

// shard is one part of a recorder.
type shard struct {
	mu      sync.Mutex
	ledgers []*Totals // of the ledgers that count here
	byLabel [dimensionCount][]Outcomes
	series  [metricCount][dimensionCount][]*Histogram // nil while there is no sample; none under All
	line    line
}

// NewRecorder returns an empty recorder.
func NewRecorder(c RecorderConfig) *Recorder {
	if c.Shards <= 0 {
		c.Shards = min(runtime.GOMAXPROCS(0), 8)
	}
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	if c.Points == 0 {
		c.Points = defaultPoints
	}
	n := 1
	for n < min(c.Shards, mostShards) {
		n *= 2
	}
	r := &Recorder{names: c.Names, shards: make([]*shard, n)}
	for i := range r.shards {
		s := &shard{line: line{interval: c.Interval, most: max(c.Points, 2), room: max(lineRoom/n, leastRoom)}}
		for d := ByKind; d < dimensionCount; d++ {
			places := len(c.Names.of(d)) + 1
			s.byLabel[d] = make([]Outcomes, places)
			for m := range s.series {
				s.series[m][d] = make([]*Histogram, places)
			}
		}
		r.shards[i] = s
	}
	return r
}

// Names returns the labels that the recorder tells apart. They are not to be
// changed.
func (r *Recorder) Names() *LabelNames { return &r.names }

func (r *Recorder) shard(hint int) *shard { return r.shards[hint&(len(r.shards)-1)] }

// Record takes one duration of a metric. hint picks the shard: the number of
// the device or controller does well. It may be called from any goroutine.
func (r *Recorder) Record(hint int, m Metric, l Labels, d time.Duration) {
	if m >= metricCount {
		return
	}
	s := r.shard(hint)
	s.mu.Lock()
	s.record(m, l, d)
	s.mu.Unlock()
}

// RecordIn is Record for what belongs to a period: only that of the measuring is
// told apart by labels.
func (r *Recorder) RecordIn(hint int, p Period, m Metric, l Labels, d time.Duration) {
	if p == InMeasure {
		r.Record(hint, m, l, d)
		return
	}
	if m >= metricCount || p >= periodCount {
		return
	}
	s := r.shard(hint)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.series[m][ByPhase][p] // the places of names begin at 1, as the periods beside the measuring do
	if *h == nil {
		*h = new(Histogram)
	}
	(*h).Record(d)
}

// Online notes how many devices are online at a time, for the time line. What
// is noted last in an interval counts. It may be called from any goroutine.
func (r *Recorder) Online(at time.Duration, n int) {
	if at < 0 {
		return
	}
	s := r.shards[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.line.point(at)
	p.Online, p.hasOnline = int64(n), true
}

func (s *shard) record(m Metric, l Labels, d time.Duration) {
	for h := range s.histograms(m, l) {
		h.Record(d)
	}
}

// histograms yields what a duration of a metric is recorded in.
func (s *shard) histograms(m Metric, l Labels) iter.Seq[*Histogram] {
	return func(yield func(*Histogram) bool) {
		for dim := ByKind; dim < dimensionCount; dim++ {
			at := l.in(dim)
			if at == 0 && dim != ByKind || at >= len(s.series[m][dim]) {
				continue // all that has no kind is under kind 0, so that the kinds add up to all
			}
			h := s.series[m][dim][at]
			if h == nil {
				h = new(Histogram)
				s.series[m][dim][at] = h
			}
			if !yield(h) {
				return
			}
		}
	}
}

// unanswered counts a request that has no answer and is given up after a time:
// in the response time once, and in that of single answers for each that is
// missing of several.
func (s *shard) unanswered(planned time.Duration, l Labels, want, got uint32, after time.Duration) {
	for h := range s.histograms(ResponseTime, l) {
		h.RecordUnanswered(1, after)
	}
	if want > 1 {
		for h := range s.histograms(AnswerTime, l) {
			h.RecordUnanswered(int64(want-got), after)
		}
	}
	s.line.point(planned).unanswered(after)
}

// outcome calls f with everything that counts the outcomes of a request.
func (s *shard) outcome(planned time.Duration, l Labels, f func(*Outcomes)) {
	for dim := ByKind; dim < dimensionCount; dim++ {
		if at := l.in(dim); at != 0 && at < len(s.byLabel[dim]) {
			f(&s.byLabel[dim][at])
		}
	}
	f(&s.line.point(planned).Outcomes)
}

func (s *shard) sent(r Request) {
	s.outcome(r.Planned, r.Labels, func(o *Outcomes) { o.Planned++; o.Sent++ })
	s.record(ScheduleDelay, r.Labels, r.Sent-r.Planned-r.Held)
	if r.Held > 0 {
		s.record(HoldBack, r.Labels, r.Held)
	}
}

func (s *shard) notSent(r Request, after time.Duration) {
	s.outcome(r.Planned, r.Labels, func(o *Outcomes) { o.Planned++; o.NotSent++ })
	s.unanswered(r.Planned, r.Labels, r.wanted(), 0, after)
}

func (s *shard) paused(r Request) {
	s.outcome(r.Planned, r.Labels, func(o *Outcomes) { o.Planned++; o.NotSent++; o.Paused++ })
}

func (s *shard) answered(at time.Duration, r *request, what Outcome) {
	if at >= 0 {
		s.line.point(at).Received++
	}
	response := at - r.planned
	if r.want > 1 {
		s.record(AnswerTime, r.labels, response)
	}
	if what == AnsweredPartly {
		return
	}
	if what == Answered {
		s.outcome(r.planned, r.labels, func(o *Outcomes) { o.Answered++ })
	} else {
		s.outcome(r.planned, r.labels, func(o *Outcomes) { o.Late++ })
	}
	s.record(ServiceTime, r.labels, at-r.sent)
	s.record(ResponseTime, r.labels, response)
	s.line.point(r.planned).record(response)
}

func (s *shard) refused(r *request, after time.Duration) {
	s.outcome(r.planned, r.labels, func(o *Outcomes) { o.Refused++ })
	s.unanswered(r.planned, r.labels, r.want, r.got, after)
}

func (s *shard) lost(r *request, unfinished bool, after time.Duration) {
	s.outcome(r.planned, r.labels, func(o *Outcomes) { o.Lost++ })
	if !unfinished { // what would have become of it is not known
		s.unanswered(r.planned, r.labels, r.want, r.got, after)
	}
}

func (s *shard) interrupted(r *request) {
	s.outcome(r.planned, r.labels, func(o *Outcomes) { o.Interrupted++ })
}

// Bytes returns what histograms and time line take in memory, to about a
// tenth. It may be called from any goroutine.
func (r *Recorder) Bytes() int {
	n := 0
	for _, s := range r.shards {
		s.mu.Lock()
		for m := range s.series {
			for d := range s.series[m] {
				for _, h := range s.series[m][d] {
					n += h.Bytes()
				}
			}
		}
		n += s.line.bytes()
		s.mu.Unlock()
	}
	return n
}
