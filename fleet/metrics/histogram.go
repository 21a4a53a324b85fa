package metrics

import (
	"cmp"
	"iter"
	"math/bits"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// A histogram holds microseconds from 1 µs to 1 h.
const (
	lowestMicros  = 1
	highestMicros = int64(time.Hour / time.Microsecond)

	fineDigits   = 3 // of a series: 0.1 %
	coarseDigits = 2 // of an interval of the time line: 1 %, an eighth of the size

	// sparseBytes is a sparse histogram without its buckets.
	sparseBytes = 250

	// denseFrom is the number of buckets that are not empty from which a histogram is
	// kept as an array of all its buckets (184 KiB at 3 digits): a sparse one, which
	// takes 5 to 12 bytes for each, is about as large then. Most have a tenth of that,
	// however many samples they are of.
	denseFrom = 1 << 13

	// wideFrom and manyFrom are the buckets and samples with which a histogram is made
	// an array already while it is recorded into: as many samples that lie as far apart
	// go on to fill it, hour after hour, and a run of a day shall take after some
	// minutes what it takes at its end.
	wideFrom = 1 << 10
	manyFrom = 1 << 13
)

// Percentiles returns the percentiles that results show, ascending.
func Percentiles() []float64 { return []float64{50, 90, 95, 99, 99.9, 99.99} }

// Histogram is a distribution of durations: an HdrHistogram from 1 µs to 1 h
// with 3 significant digits (2 in a time line), and beside it the exact count,
// least, greatest and sum. Durations are rounded up to whole microseconds for
// the distribution, so that it never flatters, and from 0 to 1 µs counts as
// 1 µs. What is negative or above 1 h is taken as the bound, in every figure,
// and counted as clamped. Beside the durations it counts what had none, requests
// without an answer, which percentiles take for slower than every duration. The
// zero value is an empty histogram with 3 digits. A Histogram is for one
// goroutine at a time.
type Histogram struct {
	digits int                  // 0 while it is not decided
	dense  *hdr.Histogram       // one of these three is set, or none while
	sparse *hdr.PackedHistogram // there is no sample
	frozen []byte               // see freeze; it is never changed

	count         int64
	least, most   time.Duration
	sumHi, sumLo  uint64 // of nanoseconds; 128 bits, so that it is exact whatever the order
	below, beyond int64  // clamped

	unanswered int64
	patience   time.Duration // the longest time after which one was given up

	brief bool // it is written without its distribution, and cannot be read back
}

// newCoarse returns an empty histogram with 2 digits.
func newCoarse() *Histogram { return &Histogram{digits: coarseDigits} }

// Record counts one duration. It allocates only while the histogram is young.
func (h *Histogram) Record(d time.Duration) {
	switch {
	case d < 0:
		h.below++
		d = 0
	case d > time.Hour:
		h.beyond++
		d = time.Hour
	}
	h.thaw()
	micros := max(lowestMicros, int64((d+time.Microsecond-1)/time.Microsecond))
	// The value is in range and the count far from overflow: there is no error.
	if h.dense != nil {
		_ = h.dense.RecordValue(micros)
	} else {
		_ = h.sparse.RecordValue(micros)
		if h.count >= manyFrom {
			h.widen(wideFrom)
		}
	}
	if h.count == 0 || d < h.least {
		h.least = d
	}
	h.most = max(h.most, d)
	h.count++
	var carry uint64
	h.sumLo, carry = bits.Add64(h.sumLo, uint64(d), 0)
	h.sumHi += carry
}

// RecordUnanswered counts n events that have no duration, since what they waited
// for did not come, and were given up after a time: slower than every duration
// that is recorded.
func (h *Histogram) RecordUnanswered(n int64, after time.Duration) {
	if n <= 0 {
		return
	}
	h.unanswered += n
	h.patience = max(h.patience, after)
}

// thaw makes room for samples.
func (h *Histogram) thaw() {
	if h.dense != nil || h.sparse != nil {
		return
	}
	if h.digits == 0 {
		h.digits = fineDigits
	}
	h.sparse = h.packed()
	h.frozen = nil
}

// widen makes a histogram dense that has as many buckets.
func (h *Histogram) widen(buckets int64) {
	if h.digits == coarseDigits || int64(h.sparse.Populated()) < buckets {
		return
	}
	h.dense = hdr.New(lowestMicros, highestMicros, h.digits)
	h.sparse.MergeInto(h.dense)
	h.sparse = nil
}

// Merge adds the samples of o, which may be nil and is not changed. An empty
// histogram takes on the precision of the first that is merged into it;
// otherwise both should have the same, or the coarser one's is what remains.
func (h *Histogram) Merge(o *Histogram) {
	if o == nil {
		return
	}
	h.RecordUnanswered(o.unanswered, o.patience)
	if o.count == 0 {
		return
	}
	if h.count == 0 && h.digits == 0 {
		h.digits = o.digits
	}
	h.thaw()
	switch {
	case h.dense != nil && o.dense != nil:
		h.dense.Merge(o.dense)
	case h.dense != nil:
		o.packed().MergeInto(h.dense)
	case o.dense != nil:
		h.sparse.MergeFrom(o.dense)
		h.widen(denseFrom)
	default:
		h.sparse.Merge(o.packed())
		h.widen(denseFrom)
	}
	if h.count == 0 || o.least < h.least {
		h.least = o.least
	}
	h.most = max(h.most, o.most)
	h.count += o.count
	var carry uint64
	h.sumLo, carry = bits.Add64(h.sumLo, o.sumLo, 0)
	h.sumHi += o.sumHi + carry
	h.below += o.below
	h.beyond += o.beyond
}

// Clone returns a copy that shares nothing.
func (h *Histogram) Clone() *Histogram {
	c := *h
	if h.dense != nil {
		c.dense = h.dense.Clone()
	}
	if h.sparse != nil {
		c.sparse = h.sparse.Clone()
	}
	return &c
}

// Count returns the number of durations. A nil Histogram has none.
func (h *Histogram) Count() int64 {
	if h == nil {
		return 0
	}
	return h.count
}

// Unanswered returns how many events had no duration.
func (h *Histogram) Unanswered() int64 {
	if h == nil {
		return 0
	}
	return h.unanswered
}

// Total returns what percentiles are over: the durations, and what had none.
func (h *Histogram) Total() int64 { return h.Count() + h.Unanswered() }

// Bound returns what an event without a duration is known to exceed, by the rule
// that it is slower than every duration: the greatest of these, or the longest
// time after which one was given up.
func (h *Histogram) Bound() time.Duration {
	if h == nil {
		return 0
	}
	return max(h.patience, h.most)
}

// Min returns the least sample, exact; 0 if there is none.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return h.least
}

// Max returns the greatest sample, exact; 0 if there is none.
func (h *Histogram) Max() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return h.most
}

// Mean returns the mean, exact to the nanosecond; 0 if there is no sample.
func (h *Histogram) Mean() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	// No sample is above 1 h < 2^64 ns, so the quotient fits.
	q, _ := bits.Div64(h.sumHi, h.sumLo, uint64(h.count))
	return time.Duration(q)
}

// Above returns how many samples are greater than d, to the histogram's
// resolution: a bucket that holds d counts as not greater.
func (h *Histogram) Above(d time.Duration) int64 {
	if h.Count() == 0 {
		return 0
	}
	limit := max(0, int64((d+time.Microsecond-1)/time.Microsecond))
	var n int64
	for micros, count := range h.packed().ForEachBucket {
		if micros > limit {
			n += count
		}
	}
	return n
}

// packed returns the distribution as a sparse histogram: its own, which is not to
// be changed, if it is one.
func (h *Histogram) packed() *hdr.PackedHistogram {
	if h.sparse != nil {
		return h.sparse
	}
	p := hdr.NewPacked(lowestMicros, highestMicros, cmp.Or(h.digits, fineDigits))
	if h.dense != nil {
		p.MergeFrom(h.dense)
	}
	for micros, n := range frozenBuckets(h.frozen) {
		_ = p.RecordValues(micros, n) // which were in range
	}
	return p
}

// Buckets yields the greatest duration and the count of each bucket that is not
// empty, ascending: no sample in it is longer, so that what is made of them does
// not flatter. A nil Histogram has none.
func (h *Histogram) Buckets() iter.Seq2[time.Duration, int64] {
	return func(yield func(time.Duration, int64) bool) {
		if h.Count() == 0 {
			return
		}
		exact := 11 // bits of a value that a bucket goes by, with 3 digits
		if h.digits == coarseDigits {
			exact = 8
		}
		for micros, n := range h.packed().ForEachBucket {
			width := int64(1) << max(bits.Len64(uint64(micros))-exact, 0)
			if !yield(time.Duration(micros+width-1)*time.Microsecond, n) {
				return
			}
		}
	}
}

// Sum returns the sum of all durations in seconds. That of a nil Histogram is 0.
func (h *Histogram) Sum() float64 {
	if h.Count() == 0 {
		return 0
	}
	s, ns := bits.Div64(h.sumHi, h.sumLo, uint64(time.Second)) // at most count hours: it fits
	return float64(s) + float64(ns)/1e9
}

// Clamped returns how many samples were outside of what is recorded.
func (h *Histogram) Clamped() int64 {
	if h == nil {
		return 0
	}
	return h.below + h.beyond
}

// Bytes returns what the samples take in memory, to about a tenth.
func (h *Histogram) Bytes() int {
	switch {
	case h == nil:
		return 0
	case h.dense != nil:
		return h.dense.ByteSize()
	case h.sparse != nil:
		return sparseBytes + 12*int(h.sparse.Populated())
	}
	return len(h.frozen)
}
