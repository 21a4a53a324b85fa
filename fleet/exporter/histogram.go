package exporter

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"homefleet/fleet/metrics"
)

// schema is the resolution of native histograms: 2^3 buckets for each doubling,
// so that neighbours are 9 % apart.
const schema = 3

// classic are the upper bounds of the classic buckets in seconds: for a
// Prometheus that does not take native histograms, and for people with curl.
func classic() []float64 {
	return []float64{
		0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
	}
}

// timings says what the series are called and are of.
var timings = map[metrics.Metric]struct{ name, help string }{
	metrics.ScheduleDelay:   {"schedule_delay", "Time from a request's planned moment to its sending, less the hold-back: the generator's own delay. Over the requests that were sent"},
	metrics.HoldBack:        {"hold_back", "Time that flow control held a request back, of those that it held back"},
	metrics.ServiceTime:     {"service_time", "Time from a request's sending to its last answer. Over the requests that were answered"},
	metrics.ResponseTime:    {"response_time", "Time from a request's planned moment to its last answer. Over the requests that were answered; homefleet_requests_total has those that were not, and the percentiles of a result count them as slower than every answer"},
	metrics.AnswerTime:      {"answer_time", "Time from a request's planned moment to each of several answers. Over the answers that came"},
	metrics.ConnectDial:     {"connect_dial", "Time to open a connection"},
	metrics.ConnectConnack:  {"connect_connack", "Time from CONNECT to CONNACK"},
	metrics.ConnectSuback:   {"connect_suback", "Time from SUBSCRIBE to SUBACK"},
	metrics.TelemetryPuback: {"telemetry_puback", "Time from a telemetry PUBLISH to its PUBACK"},
	metrics.StateDelivery:   {"state_delivery", "Time from a state PUBLISH to its arrival at a watcher"},
	metrics.WillDelay:       {"will_delay", "Time from the moment at which a Will was due to its arrival at the auditor"},
}

// histogram sends one distribution, both as a native histogram and in classic
// buckets: a Prometheus takes what it understands. Those of a kind, stage or
// controller group have names of their own, as with the counters.
func (e *emitter) histogram(s metrics.Series, h *metrics.Histogram) {
	t, ok := timings[s.Metric]
	if !ok || h.Count() == 0 {
		return
	}
	name, help := "homefleet_"+t.name+"_seconds", t.help+"."
	var labels []string
	if dim := s.Label.Dimension; dim != metrics.All {
		name, help = "homefleet_"+t.name+"_by_"+dim.String()+"_seconds", t.help+". By "+dim.String()+"."
		labels = []string{dim.String(), s.Label.Name}
	}
	desc, values := describe(name, help, labels)
	m, err := convert(desc, h, e.started, values)
	e.send(m, err, desc)
}

// distribution is a metric with native and classic buckets at once, which
// client_golang's constant metrics cannot be.
type distribution struct {
	desc    *prometheus.Desc
	native  prometheus.Metric
	classic prometheus.Metric
	undated bool // nobody said when counting began
}

// Desc returns the description.
func (d *distribution) Desc() *prometheus.Desc { return d.desc }

// Write fills out, first with the classic buckets and then with the native
// ones beside them.
func (d *distribution) Write(out *dto.Metric) error {
	if err := d.classic.Write(out); err != nil {
		return err
	}
	var native dto.Metric
	if err := d.native.Write(&native); err != nil {
		return err
	}
	n := native.GetHistogram()
	if d.undated {
		n.CreatedTimestamp = nil
	}
	n.Bucket = out.GetHistogram().GetBucket()
	out.Histogram = n
	return nil
}

// convert makes a metric of an HDR histogram.
func convert(desc *prometheus.Desc, h *metrics.Histogram, started time.Time, labels []string) (prometheus.Metric, error) {
	count := uint64(h.Count())
	native := make(map[int]int64)
	bounds := classic()
	cumulated := make(map[float64]uint64, len(bounds))
	below, next := uint64(0), 0
	for greatest, n := range h.Buckets() {
		// Its samples are taken to be that long, so that no bucket here holds one that
		// may be above its bound.
		seconds := greatest.Seconds()
		native[nativeIndex(seconds)] += n
		for next < len(bounds) && seconds > bounds[next] {
			cumulated[bounds[next]] = below
			next++
		}
		below += uint64(n)
	}
	for ; next < len(bounds); next++ {
		cumulated[bounds[next]] = below
	}
	m := &distribution{desc: desc, undated: started.IsZero()}
	var err error
	if m.native, err = prometheus.NewConstNativeHistogram(desc, count, h.Sum(), native, nil, 0, schema,
		prometheus.DefNativeHistogramZeroThreshold, started, labels...); err != nil {
		return nil, err
	}
	if started.IsZero() {
		m.classic, err = prometheus.NewConstHistogram(desc, count, h.Sum(), cumulated, labels...)
	} else {
		m.classic, err = prometheus.NewConstHistogramWithCreatedTimestamp(desc, count, h.Sum(), cumulated, started, labels...)
	}
	return m, err
}

// nativeIndex returns the bucket of a value: number i reaches to 2^(i/2^schema)
// and includes that bound.
func nativeIndex(seconds float64) int {
	return int(math.Ceil(math.Log2(seconds) * (1 << schema)))
}
