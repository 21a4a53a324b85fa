package audit

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"homefleet/fleet/client"
	"homefleet/fleet/wire"
)

// Auditor is the client that watches at the broker for the audit: it sees the Will
// Messages, and asks devices that are back whether they answer.
//
// Its session outlives its connection, so that Wills of a time in which it was
// itself away are not lost to it; the audit knows those times.
type Auditor struct {
	client.Session
	Auditing
	clock   client.Clock
	answers []byte           // Response Topic of its queries
	queries map[int]*inquiry // without an answer, by the device's number
	queue   []repeat         // in the order of time; some are answered
	seen    []recentWill
	gone    time.Duration // when it went away last; 0: it never did
	pulse   time.Time     // when it looks next whether it is still connected
	certain chan struct{} // closed when a PINGREQ that is yet to be made is answered; nil: nobody waits
	asked   bool          // that PINGREQ is made
	heard   bool          // something has come on the topics of Wills
}

// Auditing is what an Auditor is to do. Its functions are called on the Auditor's
// goroutine.
type Auditing struct {
	Audit       *Audit
	Wills       Wills
	Filters     []string // of the topics of all Wills
	QoS         byte     // at which it wants to see them
	ClientID    string
	Credentials func(*wire.Connect) error
	Broker      func(version string) // told what the broker says it is; it may be told again
	// Aside says that nobody has asked for the audit, or seen to it that the auditor is allowed to
	// hear of Wills: it asks no device whether it answers, and does not count as watching before
	// something has come on the topics of Wills, where devices say that they are there, too. A
	// broker may take its subscription and let nothing through.
	Aside bool
}

// Wills knows the Wills of those who are audited.
type Wills interface {
	// Whose says whose Will a message is, and of which of its connections; 0 is one
	// that the message does not say. It is false for what is nobody's, or no Will.
	Whose(*wire.Publish) (device int, number uint32, ok bool)
	// Altered reports whether a Will is not as its device made it. waited is how long
	// it may have been kept for the auditor.
	Altered(device int, number uint32, p *wire.Publish, lim *client.Limits, waited time.Duration) bool
}

// certainty is how often the auditor asks the broker for a sign of life, so that
// of a connection that broke nobody has to ask since when it saw nothing.
const certainty = time.Second

// recentWill is one that came lately.
type recentWill struct {
	device int
	number uint32
}

// mostRecent bounds what is remembered of Wills so that those that the broker
// sends again on a resumed connection are told from duplicates.
const mostRecent = 1024

// NewAuditor makes the auditor of a run; stream is that of its random choices. Its Run
// is the caller's to call.
func NewAuditor(e *client.Env, p *client.Profile, run string, stream int, a Auditing) *Auditor {
	r := &Auditor{Auditing: a, clock: e.Clock, queries: make(map[int]*inquiry)}
	r.answers = []byte("homefleet/auditor/" + run)
	r.Init(e, p, r, client.Setup{Name: "the auditor", Stream: stream, ClientID: a.ClientID})
	return r
}

// FillConnect implements [client.Handler].
func (r *Auditor) FillConnect(p *wire.Connect) error {
	p.SessionExpiry = 600
	if r.V311() {
		p.CleanStart, p.SessionExpiry = true, 0 // nothing would ever end it
	}
	p.ReceiveMaximum = client.AllAtOnce
	return r.Credentials(p)
}

// Subscriptions implements [client.Handler]: the topics of all Wills, as published, new
// ones only. All are needed but the last, which only says what the broker is.
func (r *Auditor) Subscriptions() ([]packets.SubOptions, int, error) {
	var subs []packets.SubOptions
	if !r.Aside {
		subs = append(subs, packets.SubOptions{Topic: string(r.answers), QoS: 1})
	}
	for _, filter := range r.Filters {
		if r.Limits().NoWildcards && strings.ContainsAny(filter, "+#") {
			return nil, 0, &client.UnfitError{Why: "the broker has no wildcard subscriptions, which the audit of Will Messages wants"}
		}
		subs = append(subs, packets.SubOptions{Topic: filter, QoS: r.QoS, RetainHandling: packets.RetainDoNotSend, RetainAsPublished: true})
	}
	// Many brokers say there what they are.
	return append(subs, packets.SubOptions{Topic: versionTopic, QoS: 0}), len(subs), nil
}

const versionTopic = "$SYS/broker/version"

// Online implements [client.Handler].
func (r *Auditor) Online(now time.Time) time.Time {
	r.pulse = now.Add(certainty)
	if r.hears() {
		r.Audit.Watching(r.clock.Now(), true)
	}
	if !r.CleanStarted() && !r.Resumed() {
		r.Audit.Forgot() // 3.2.2-2: it is to have the session
	}
	r.repeatAll(now)
	return r.nextAct()
}

// Offline implements [client.GoesOffline].
func (r *Auditor) Offline(client.Departure) {
	r.gone = r.clock.At(r.ReadAt())
	r.Audit.Watching(r.gone, false)
}

// waited is how long a message that comes now may have been kept for it: since it went
// away last, if it ever did.
func (r *Auditor) waited(now time.Duration) time.Duration {
	if r.gone == 0 {
		return 0
	}
	return now - r.gone
}

// Message implements [client.Handler].
func (r *Auditor) Message(p *wire.Publish) {
	switch {
	case bytes.Equal(p.Topic, r.answers):
		r.answered(p)
	case string(p.Topic) == versionTopic:
		r.Broker(string(p.Payload))
	default:
		r.will(p)
	}
}

// hears reports whether the auditor hears of Wills, as far as is known.
func (r *Auditor) hears() bool { return r.heard || !r.Aside }

// will takes what came to the topic of a Will.
func (r *Auditor) will(p *wire.Publish) {
	now := r.clock.Now()
	if !r.hears() {
		r.Audit.Watching(now, true)
	}
	r.heard = true
	device, number, ok := r.Wills.Whose(p)
	if !ok {
		return
	}
	s := recentWill{device, number}
	if p.Dup && slices.Contains(r.seen, s) {
		return // the broker did not get our PUBACK
	}
	if r.seen = append(r.seen, s); len(r.seen) > mostRecent {
		r.seen = slices.Delete(r.seen, 0, mostRecent/2)
	}
	r.Audit.Seen(device, number, now, r.Wills.Altered(device, number, p, r.Limits(), r.waited(now)))
}

// AnswersTo reports whether answers to a topic are the auditor's. It may be called from
// any goroutine.
func (r *Auditor) AnswersTo(topic []byte) bool { return bytes.Equal(topic, r.answers) }

// Act implements [client.Routine].
func (r *Auditor) Act(now time.Time) time.Time {
	if client.IsDue(r.pulse, now) {
		r.pulse = now.Add(certainty)
		if !r.AwaitsPingresp() {
			r.Ping(now)
			r.asked = r.certain != nil
		}
	}
	r.askAgain(now)
	return r.nextAct()
}

// nextAct is when something is due.
func (r *Auditor) nextAct() time.Time { return client.Earlier(r.pulse, r.nextQuery()) }

// StoodStill says that this process stood still between two moments of the clock: what
// came in between was seen late. It may be called from any goroutine.
func (r *Auditor) StoodStill(from, to time.Duration) {
	r.Tell(func() {
		if r.Live() && r.hears() {
			r.Audit.Watching(from, false)
			r.Audit.Watching(to, true)
		}
	})
}
