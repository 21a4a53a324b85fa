package audit

import (
	"strings"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Tolerance is by how much the Wills of a broker may be off, by what is known of it so
// far. Its methods may be called from any goroutine.
type Tolerance struct {
	Audit    *Audit // told of it; nil: nobody is
	Embedded bool   // the broker is ours
	// Early, Late and Silence, if they are above 0, go before all that is known; see
	// [metrics.Slack].
	Early, Late, Silence time.Duration

	mu      sync.Mutex
	version string        // of the broker, as it says
	slowest time.Duration // what packets are held up
}

// KnowBroker notes what the broker says it is.
func (t *Tolerance) KnowBroker(version string) {
	const most = 80
	t.mu.Lock()
	defer t.mu.Unlock()
	t.version = strings.ToValidUTF8(version[:min(len(version), most)], "?")
	t.set()
}

// ExpectDelay notes that packets are held up on their way for so long.
func (t *Tolerance) ExpectDelay(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slowest = max(t.slowest, d)
	t.set()
}

// Broker is what the broker says it is; "" if that is not known.
func (t *Tolerance) Broker() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version
}

// set tells the audit. The caller holds the lock.
func (t *Tolerance) set() {
	if t.Audit == nil {
		return
	}
	slack := slackOf(t.version, t.Embedded)
	slack.Late += metrics.Span(t.slowest)
	slack.Silence += metrics.Span(t.slowest)
	choose := func(dst *metrics.Span, d time.Duration) {
		if d > 0 {
			*dst = metrics.Span(d)
			slack.Broker = "as the scenario says"
		}
	}
	choose(&slack.Early, t.Early)
	choose(&slack.Late, t.Late)
	choose(&slack.Silence, t.Silence)
	t.Audit.SetSlack(slack)
}

// slackOf returns by how much Wills of a broker may be off. Mosquitto counts Will
// Delays by a clock of whole seconds, and looks for clients that are silent every
// five to six seconds (both measured on 2.0.11); of a broker that nobody knows
// nothing better is assumed.
func slackOf(version string, embedded bool) metrics.Slack {
	if embedded {
		return metrics.Slack{Broker: "the embedded broker", Early: metrics.Span(50 * time.Millisecond),
			Late: metrics.Span(time.Second), Silence: metrics.Span(time.Second)}
	}
	if version == "" {
		version = "a broker of unknown make"
	}
	return metrics.Slack{Broker: version, Early: metrics.Span(1500 * time.Millisecond),
		Late: metrics.Span(2500 * time.Millisecond), Silence: metrics.Span(9 * time.Second)}
}
