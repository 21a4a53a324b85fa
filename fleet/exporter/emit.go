package exporter

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"homefleet/fleet/metrics"
)

// emitter sends the metrics of one scrape.
type emitter struct {
	ch      chan<- prometheus.Metric
	started time.Time
}

// counter sends a figure that only grows. labels are names and values by
// turns.
func (e *emitter) counter(name, help string, n int64, labels ...string) {
	desc, values := describe(name, help, labels)
	var m prometheus.Metric
	var err error
	if e.started.IsZero() {
		m, err = prometheus.NewConstMetric(desc, prometheus.CounterValue, float64(n), values...)
	} else {
		m, err = prometheus.NewConstMetricWithCreatedTimestamp(desc, prometheus.CounterValue, float64(n), e.started, values...)
	}
	e.send(m, err, desc)
}

// gauge sends a figure that goes up and down.
func (e *emitter) gauge(name, help string, v float64, labels ...string) {
	desc, values := describe(name, help, labels)
	m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, v, values...)
	e.send(m, err, desc)
}

// send hands a metric on. An error makes the scrape fail and name it, rather
// than leave the metric out.
func (e *emitter) send(m prometheus.Metric, err error, desc *prometheus.Desc) {
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err)
	}
	e.ch <- m
}

func describe(name, help string, labels []string) (*prometheus.Desc, []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names = append(names, labels[i])
		values = append(values, label(labels[i+1]))
	}
	return prometheus.NewDesc(name, help, names, nil), values
}

// label makes a label's value of a text: it must be UTF-8, and the names of
// scenarios come from files.
func label(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func seconds(s metrics.Span) float64 { return time.Duration(s).Seconds() }
