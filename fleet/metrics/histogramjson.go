package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"homefleet/devices/words"
)

// histogramJSON is a histogram in a result. What is there to be read by people
// (the percentiles) is ignored when it is read back.
type histogramJSON struct {
	Count  int64  `json:"count"`
	Min    Span   `json:"min"`
	Mean   Span   `json:"mean"`
	Max    Span   `json:"max"`
	Sum    string `json:"sum"` // seconds, exact
	Below  int64  `json:"clamped_below,omitempty"`
	Beyond int64  `json:"clamped_above,omitempty"`
	HDR    string `json:"hdr,omitempty"` // HdrHistogram V2, compressed, base64, in microseconds

	Unanswered int64 `json:"unanswered,omitempty"` // beside count; slower than all of these
	After      Span  `json:"unanswered_after,omitempty"`

	// Over count and unanswered together; null: so few were answered that there
	// is no such time.
	Percentiles map[string]*Span    `json:"percentiles,omitempty"`
	Intervals   map[string][2]*Span `json:"intervals,omitempty"` // 95 % intervals of these; null: not bounded above. Time lines have none
}

// MarshalJSON writes the figures and the distribution in HdrHistogram's V2
// encoding (microseconds, base64), which other tools read too.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	j := histogramJSON{
		Count: h.count, Min: Span(h.Min()), Mean: Span(h.Mean()), Max: Span(h.Max()),
		Sum: h.sum(), Below: h.below, Beyond: h.beyond, Unanswered: h.unanswered, After: Span(h.patience),
	}
	span := func(d time.Duration) *Span {
		if d == NoAnswer {
			return nil
		}
		return new(Span(d))
	}
	if h.Total() > 0 {
		j.Percentiles = make(map[string]*Span)
		if h.digits != coarseDigits {
			j.Intervals = make(map[string][2]*Span)
		}
	}
	for _, p := range Percentiles() {
		if j.Percentiles != nil {
			j.Percentiles[words.Percentile(p)] = span(h.Percentile(p))
		}
		if j.Intervals != nil {
			low, high := h.Interval(p)
			j.Intervals[words.Percentile(p)] = [2]*Span{span(low), span(high)}
		}
	}
	if h.count > 0 && !h.brief {
		text, err := h.Encode()
		if err != nil {
			return nil, err
		}
		j.HDR = text
	}
	return json.Marshal(j)
}

// Encode returns the distribution in HdrHistogram's compressed V2 encoding, as
// base64. Values are in microseconds.
func (h *Histogram) Encode() (string, error) {
	text, err := h.packed().Encode()
	if err != nil {
		return "", fmt.Errorf("encoding a histogram: %w", err)
	}
	return string(text), nil
}

// UnmarshalJSON reads what MarshalJSON wrote. The distribution must have the
// range and precision of this package's histograms, and the figures must fit
// it.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var j histogramJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	n := Histogram{
		count: j.Count, least: time.Duration(j.Min), most: time.Duration(j.Max),
		below: j.Below, beyond: j.Beyond,
	}
	n.RecordUnanswered(j.Unanswered, time.Duration(j.After))
	if j.Unanswered < 0 || j.Unanswered > maxCount || j.After < 0 || time.Duration(j.After) > time.Hour*24 {
		return fmt.Errorf("a histogram has %d unanswered after %v; want 0 to %d, and 0 to 24h", j.Unanswered, j.After, int64(maxCount))
	}
	if j.Count == 0 && j.HDR == "" {
		*h = Histogram{unanswered: n.unanswered, patience: n.patience}
		return nil
	}
	sparse, err := hdr.DecodePacked([]byte(j.HDR))
	if err != nil {
		return fmt.Errorf("reading a histogram: %w", err)
	}
	n.digits = int(sparse.SignificantFigures())
	if sparse.LowestTrackableValue() != lowestMicros || sparse.HighestTrackableValue() != highestMicros ||
		n.digits != fineDigits && n.digits != coarseDigits {
		return fmt.Errorf("a histogram has the range %d to %d with %d digits; want %d to %d (microseconds) with %d or %d",
			sparse.LowestTrackableValue(), sparse.HighestTrackableValue(), n.digits, lowestMicros, highestMicros, coarseDigits, fineDigits)
	}
	if got := sparse.TotalCount(); got != j.Count || got <= 0 || got > maxCount {
		return fmt.Errorf("a histogram says it has %d samples and holds %d", j.Count, got)
	}
	if n.sumHi, n.sumLo, err = parseSum(j.Sum); err != nil {
		return err
	}
	if n.least < 0 || n.least > n.most || n.most > time.Hour || j.Below < 0 || j.Beyond < 0 ||
		j.Below > j.Count || j.Beyond > j.Count || n.sumHi >= uint64(j.Count) || n.Mean() < n.least || n.Mean() > n.most {
		return fmt.Errorf("the figures of a histogram do not fit each other: min %v, mean %v, max %v, %d samples", n.least, time.Duration(j.Mean), n.most, j.Count)
	}
	n.sparse = sparse
	*h = n
	return nil
}

// maxCount bounds every count that is read from a file, so that sums of many
// files do not overflow.
const maxCount = math.MaxInt64 / 1_000_000

// sum returns the sum in seconds.
func (h *Histogram) sum() string {
	// The sum is at most count hours, so the number of seconds fits.
	s, ns := bits.Div64(h.sumHi, h.sumLo, uint64(time.Second))
	return fmt.Sprintf("%d.%09d", s, ns)
}

func parseSum(text string) (hi, lo uint64, err error) {
	whole, frac, ok := strings.Cut(text, ".")
	s, err1 := strconv.ParseUint(whole, 10, 63)
	ns, err2 := strconv.ParseUint(frac, 10, 63)
	if !ok || err1 != nil || err2 != nil || len(frac) != 9 {
		return 0, 0, fmt.Errorf("a histogram has the sum %.40q; want seconds with nine decimals", text)
	}
	hi, lo = bits.Mul64(s, uint64(time.Second))
	lo, carry := bits.Add64(lo, ns, 0)
	return hi + carry, lo, nil
}
