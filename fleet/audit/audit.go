// Package audit judges Will Messages: from what devices did to their connections and
// what an auditor saw at the broker it decides for every outage whether the rules of MQTT 5 wanted a Will Message, when, and what became of it.
// An [Audit] is bookkeeping: it knows no clock, no network and no goroutine. Beside it
// stand the clients that watch: the [Auditor] sees Wills and asks devices whether they
// answer, and [Fetch] looks at what the broker has retained. Neither knows what a
// device is.
//
// All moments are counted from one epoch, by one clock. Reports about one
// connection come in the order of what happened to it, all others in any order,
// and late: what they say about the past is taken into account whenever it comes.
// Where they leave open what the broker saw first, every order of events that is
// possible is allowed for; what the broker does then decides which it was. So a
// broker that keeps the rules is never accused, whatever the latencies, as long as
// they are within the [metrics.Slack].
package audit

import (
	"math"
	"slices"
	"sync"
	"time"

	"homefleet/fleet/metrics"
)

// Forever is a Session Expiry Interval of 0xFFFFFFFF: the session does not expire
// (section 3.1.2.11.2). It is also the longest duration that is told apart.
const Forever = math.MaxUint32 * time.Second

// Rows of the report that no caller names.
const (
	// WayUnanswered has outages of connections whose CONNECT got no CONNACK, but
	// whose Will came, so that the broker had taken them.
	WayUnanswered = "unanswered"
	// WayTakenOver has outages of connections whose end no device reported, but
	// whose Will came as another connection took over their session.
	WayTakenOver = "taken over"
	// WayNone has Wills without any outage.
	WayNone = metrics.NotGone
)

// Config says how to judge.
type Config struct {
	Slack metrics.Slack // see SetSlack
	Ways  []string      // the order of rows in the report; others follow by name
	// Delay, if it is not nil, is told once for every due Will that came, and is
	// not unwatched, how much later than due it was seen: from the latest moment
	// at which it was due by what is known, so that no broker is blamed for what
	// is not; 0 if it came earlier. It is called under a lock, from whichever
	// goroutine made the decision, and may not call the Audit.
	Delay func(device int, d time.Duration)
	// News, if it is not nil, is called whenever something was reported that may
	// change what is pending, from the goroutine that reported it.
	News func()
	// Followed says that somebody wants to hear of devices of whose outages more is known
	// than was; see [Audit.Changed].
	Followed bool
	// Told, if it is not nil, is told of every report as it is made, on the goroutine that
	// makes it: see [Audit.Replay].
	Told func(Fact)
}

// Connection is what a device knows of a connection that the broker accepted.
type Connection struct {
	// Asked is when the CONNECT was sent, Answered when the CONNACK was received:
	// the broker took the session over in between.
	Asked    time.Duration `json:"asked"`
	Answered time.Duration `json:"answered"`
	// Session numbers the client ids of a device: connections with another one do
	// not touch each other.
	Session        uint32        `json:"session,omitempty"`
	CleanStart     bool          `json:"clean_start,omitempty"`
	SessionPresent bool          `json:"session_present,omitempty"`
	HasWill        bool          `json:"will,omitempty"`
	WillDelay      time.Duration `json:"will_delay,omitempty"`
	SessionExpiry  time.Duration `json:"session_expiry,omitempty"` // as the CONNACK left it; 0 if absent; or [Forever]
	KeepAlive      time.Duration `json:"keep_alive,omitempty"`     // as the CONNACK left it; 0: off
	// Other says that it is of a second client with the device's id: its end is no
	// outage of the device.
	Other bool `json:"other_client,omitempty"`
}

// Attempt is what a device knows of a CONNECT that no CONNACK with success
// answered.
type Attempt struct {
	Asked   time.Duration `json:"asked"`             // when the CONNECT was sent
	GaveUp  time.Duration `json:"gave_up"`           // when the device closed the socket or saw it closed; Forever: not yet
	Session uint32        `json:"session,omitempty"` // see Connection
	// Refused says that a CONNACK came with a reason code of 0x80 or above: then
	// the broker did not take the session over (3.1.4-2, 3.2.2-7).
	Refused    bool `json:"refused,omitempty"`
	CleanStart bool `json:"clean_start,omitempty"`
	HasWill    bool `json:"will,omitempty"`
}

// Ending says how the broker saw a connection end.
type Ending uint8

// The endings.
const (
	// Orderly is DISCONNECT 0x00: the Will is dropped (3.1.2-10, 3.14.4-3).
	Orderly Ending = iota
	// WithWill is a DISCONNECT with 0x04 or another code (3.14.2.1).
	WithWill
	// Closed is the end of the network connection without a DISCONNECT: FIN or RST.
	Closed
	// ByBroker is that the broker closed the connection, because of a protocol
	// error or whatever else: a Will is due (3.1.2-8).
	ByBroker
	// TakenOver is that the broker closed the connection with 0x8E, since another
	// one took its session (3.1.4-3).
	TakenOver
	// Shutdown is that the broker goes away (0x8B): nothing can be expected.
	Shutdown
)

var endingNames = [...]string{"orderly", "with will", "closed", "by the broker", "taken over", "shutdown"}

func (e Ending) String() string {
	if int(e) < len(endingNames) {
		return endingNames[e]
	}
	return "unknown"
}

// End is the end of a connection.
type End struct {
	Way string `json:"way,omitempty"` // the row of the report; the one of Silent goes before it
	How Ending `json:"how"`
	// The broker saw the end between From and To. From is never later than that:
	// just before what was done to the socket; where the broker closed it, the
	// last sign of life from the broker, or just before something was sent that
	// made it close. To is when what was done to the socket was done, or when the
	// end of the connection was noticed.
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	// Confirmed says that the broker had seen the end by To for certain, as it
	// closed its side in answer. Otherwise it may learn of it later, within the
	// slack, and see a new connection first. ByBroker and TakenOver imply it.
	Confirmed bool `json:"confirmed,omitempty"`
	// Unsure, with Orderly, says that it is not known whether the DISCONNECT
	// reached the broker, or just the end of the connection: a write failed.
	Unsure bool `json:"unsure,omitempty"`
	// SessionExpiry is the Session Expiry Interval of the DISCONNECT, nil if it
	// had none (3.14.2.2.2).
	SessionExpiry *time.Duration `json:"session_expiry,omitempty"`
}

// Audit is what is known of the outages of all devices. Its methods may be called from any goroutine at any
// time. Devices are spread over stripes, each under a lock of its own. A device
// that stays connected takes one record; one that comes and goes takes some
// four, and its older outages live on in the sums alone.
type Audit struct {
	stripes []stripe
	order   []string
	news    func()
	told    func(Fact) // nil: nobody wants to know

	mu    sync.Mutex // held while slack or gaps change
	slack metrics.Slack
	gaps  []gap

	looked time.Duration // when Changed last allowed for what time alone decides; guarded by mu
}

// stripeCount is a power of two.
const stripeCount = 64

// New returns an audit that knows nothing yet. The auditor counts as not
// watching until [Audit.Watching] says that it does.
func New(c Config) *Audit {
	a := &Audit{stripes: make([]stripe, stripeCount), order: slices.Clone(c.Ways), news: c.News, told: c.Told}
	if a.news == nil {
		a.news = func() {}
	}
	for i := range a.stripes {
		s := &a.stripes[i]
		s.books = make(map[int]*book)
		s.open = make(map[*book]struct{})
		s.delay, s.followed = c.Delay, c.Followed
		s.news = a.news
		s.now = math.MinInt64
		s.rows = []metrics.WayTotals{wayNone: {Way: WayNone}, wayUnanswered: {Way: WayUnanswered}, wayTakenOver: {Way: WayTakenOver}}
	}
	a.gaps = []gap{{from: math.MinInt64, to: math.MaxInt64}}
	if a.told != nil {
		a.told(Fact{What: toldOpened, Ways: a.order})
	}
	a.SetSlack(c.Slack)
	return a
}

// SetSlack says what a Will may be off by, which may depend on a broker that
// makes itself known late. What was judged already is judged anew.
func (a *Audit) SetSlack(slack metrics.Slack) {
	if a.told != nil {
		a.told(Fact{What: toldSlack, Slack: new(slack)})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slack = slack
	a.reviseAll()
}

// Connected reports a CONNACK with success for a device's connection. conn
// numbers the connections of a device from 1, in about the order in which their
// CONNECTs were sent, also those of a second client that uses its id.
func (a *Audit) Connected(device int, conn uint32, c Connection) {
	if a.told != nil {
		a.told(Fact{What: toldConnected, Device: device, Connection: conn, Connected: new(c)})
	}
	e := a.enter(device, conn, c.Answered)
	defer e.leave()
	e.connected(c)
}

// Unanswered reports a CONNECT without a CONNACK: whether the broker took the
// session over is not known, unless it was refused. It may be reported when the
// CONNECT is sent, with GaveUp [Forever], and again, or as Connected, when more
// is known: then totals asked for in the meantime allow for it.
func (a *Audit) Unanswered(device int, conn uint32, t Attempt) {
	if a.told != nil {
		a.told(Fact{What: toldUnanswered, Device: device, Connection: conn, Attempt: new(t)})
	}
	if t.Refused {
		a.forget(device, conn)
		return
	}
	e := a.enter(device, conn, t.Asked)
	defer e.leave()
	e.unanswered(t)
}

// Silent reports that from now on nothing reaches the broker on a connection.
// lastSent is when the last packet was sent; way names the row of the report.
func (a *Audit) Silent(device int, conn uint32, way string, lastSent time.Duration) {
	if a.told != nil {
		a.told(Fact{What: toldSilent, Device: device, Connection: conn, Way: way, At: lastSent})
	}
	e := a.enter(device, conn, lastSent)
	defer e.leave()
	e.silent(e.stripe.way(way), lastSent)
}

// Lost reports, right after Silent, that what was sent on the connection after a
// moment has perhaps not arrived either, as where it was held up on the way.
func (a *Audit) Lost(device int, conn uint32, after time.Duration) {
	if a.told != nil {
		a.told(Fact{What: toldLost, Device: device, Connection: conn, At: after})
	}
	e := a.enter(device, conn, after)
	defer e.leave()
	e.lost(after)
}

// Audible reports that packets pass again on a connection that was silent.
func (a *Audit) Audible(device int, conn uint32, at time.Duration) {
	if a.told != nil {
		a.told(Fact{What: toldAudible, Device: device, Connection: conn, At: at})
	}
	e := a.enter(device, conn, at)
	defer e.leave()
	e.audible(at, e.stripe.rules)
}

// Ended reports the end of a connection, once. After Silent it says when the
// socket was closed in the end, as far as the broker can see.
func (a *Audit) Ended(device int, conn uint32, end End) {
	if a.told != nil {
		a.told(Fact{What: toldEnded, Device: device, Connection: conn, End: new(end)})
	}
	e := a.enter(device, conn, end.To)
	defer e.leave()
	e.ended(e.stripe.way(end.Way), end)
}

// Seen reports a Will Message of a device that the auditor saw. conn is the
// connection that the message says it is of; 0 if it does not say so, as what comes
// from or to a client of MQTT 3.1.1: then it counts as the Will of the oldest outage
// that can have it. The auditor leaves out what is no Will of now: messages that were retained,
// and those that are sent again (DUP) in the same connection.
func (a *Audit) Seen(device int, conn uint32, at time.Duration, altered bool) {
	if a.told != nil {
		a.told(Fact{What: toldSeen, Device: device, Connection: conn, At: at, Altered: altered})
	}
	if conn == 0 {
		a.nameless(device, at, altered)
		return
	}
	e := a.enter(device, conn, at)
	defer e.leave()
	e.see(at, altered)
}

// Watching reports whether the auditor is connected and subscribed. at is the
// first moment from which it is, or the last for which that is certain: what it
// missed without knowing that it was cut off is not the broker's fault.
//
// What was due while it was not, and did not come in time, is Unwatched. So is
// a second message after the gap, which may be the first one sent again.
func (a *Audit) Watching(at time.Duration, watching bool) {
	if a.told != nil {
		what := toldAway
		if watching {
			what = toldWatching
		}
		a.told(Fact{What: what, At: at})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watch(at, watching)
}

// Forgot reports that the broker lost its state, with all sessions and their
// Wills, while the auditor was away last, as one that was killed and started again.
// Wills of before that do not come, and are Unwatched.
func (a *Audit) Forgot() {
	if a.told != nil {
		a.told(Fact{What: toldForgot})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	gaps := slices.Clone(a.gaps) // stripes read the old ones
	gaps[len(gaps)-1].forgot = true
	a.gaps = gaps
	a.reviseAll()
}

// Consumed reports that a watcher answered the Will of a connection.
func (a *Audit) Consumed(device int, conn uint32) {
	if a.told != nil {
		a.told(Fact{What: toldConsumed, Device: device, Connection: conn})
	}
	e := a.enter(device, conn, math.MinInt64)
	defer e.leave()
	e.consumed = true
}

// Learned reports that the device found that answer when it was back, from which
// follows that the Will was consumed.
func (a *Audit) Learned(device int, conn uint32) {
	if a.told != nil {
		a.told(Fact{What: toldLearned, Device: device, Connection: conn})
	}
	e := a.enter(device, conn, math.MinInt64)
	defer e.leave()
	e.consumed, e.learned = true, true
}

// Pending returns how many outages may still see their Will in time, and until
// when, at the latest. A Will Delay Interval can make that years.
func (a *Audit) Pending(now time.Duration) (n int, until time.Duration) {
	for i := range a.stripes {
		m, last := a.stripes[i].pending(now)
		n += m
		if m > 0 {
			until = max(until, last)
		}
	}
	return n, until
}

// Totals returns what is decided by now; outages and messages that are not are
// left out, so that the sums hold. A verdict may still change: a missing Will
// that comes is late.
func (a *Audit) Totals(now time.Duration) metrics.Audit { return a.totals(now, false) }

// Close returns the totals at the end. Wills that are due and not seen are
// unwatched if their time is not over, and a Will of a connection that nobody
// reported as ended is unexpected. Nothing may be reported after it.
func (a *Audit) Close(now time.Duration) metrics.Audit {
	if a.told != nil {
		a.told(Fact{What: toldClosed, At: now})
	}
	return a.totals(now, true)
}
