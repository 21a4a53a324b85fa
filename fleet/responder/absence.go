package responder

import (
	"slices"
	"strings"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/client"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/wire"
)

// absence is what a device remembers of the last time that it was away, for as
// long as somebody may have answered its Will Message meanwhile.
type absence struct {
	since    time.Time     // when its connection ended
	number   uint32        // of that connection, where they are numbered
	willDue  time.Duration // after that, the Will is published (3.1.2-8)
	answerBy time.Time     // an answer that is there has come by then; zero: none is waited for
	answered bool
	earlier  uint32   // the Will of before it that was answered last
	heard    []uint32 // checksums of the first answers, which tell their watchers and Wills from each other
}

// mostHeard bounds the answers that an absence remembers.
const mostHeard = 8

// answersWithin is how soon after a resume the broker has sent what it kept.
const answersWithin = 2 * time.Second

// wentDown begins an absence.
func (r *Responder) wentDown(d client.Departure) {
	r.parted = d.Orderly
	w := &r.spec.Group.Will
	if w.Off || w.ResponseTopic == "" || r.V311() {
		return
	}
	since, due := time.Now(), min(w.Delay, d.SessionExpiry)
	if !d.Quiet.IsZero() {
		since = d.Quiet
		due += d.Grace * 3 / 2 // the broker has to find out first (3.1.2-22)
	}
	r.absence = &absence{since: since, number: d.Number, willDue: due}
	if r.parted {
		r.absence = nil // there is no Will to answer
	}
}

// expectAnswer waits for the answer to the Will, where the device is back on the
// session for which the broker kept it.
func (r *Responder) expectAnswer(now time.Time) {
	if o := r.absence; o != nil && !o.answered && r.Resumed() && now.Sub(o.since) > o.willDue {
		o.answerBy = now.Add(answersWithin)
	}
}

// willAnswered takes an answer to the device's own Will: somebody has consumed
// it.
func (r *Responder) willAnswered(p *wire.Publish) {
	of := r.absence
	if !r.sound(p, of) {
		return
	}
	if of == nil {
		r.env.Client.Counts.WillsSeen.Add(1)
		r.env.say("found an answer to its will message", "device", r.Name())
		return
	}
	number := of.number
	if _, n, run := ConnectionOf(p); run == r.env.Run {
		number = n
	}
	if number == of.number && of.answered || number != of.number && number == of.earlier {
		return // a second answer, of another watcher or of a broker that doubles them
	}
	r.env.Client.Counts.WillsSeen.Add(1)
	if number != of.number {
		of.earlier = number
		r.env.say("found an answer to an earlier will message", "device", r.Name())
	} else {
		of.answered, of.answerBy = true, time.Time{}
		r.env.say("its will message of "+of.since.Format(time.TimeOnly)+" was consumed while it was away", "device", r.Name(), "by", consumer(p))
	}
	if r.env.Audit != nil {
		r.env.Audit.Learned(r.spec.Global, number)
	}
}

// sound reports whether an answer to a Will is as a watcher made it, and the first such:
// of one without a checksum, which is none of homefleet's, nobody knows.
func (r *Responder) sound(p *wire.Publish, of *absence) bool {
	_, whole, has := deliveries.ParseAnswerStamp(p)
	sum := deliveries.RequestSum(p)
	switch {
	case !has:
		return true
	case !whole:
		r.env.Client.Counts.WillAnswersAltered.Add(1)
		return false
	case of == nil:
		return true
	case slices.Contains(of.heard, sum):
		if !p.Dup || !r.Resumed() { // at QoS 1 one that was under way may come again (4.4)
			r.env.Client.Counts.WillAnswersDoubled.Add(1)
		}
		return false
	case len(of.heard) < mostHeard:
		of.heard = append(of.heard, sum)
	}
	return true
}

// unanswered notes that nobody has answered the Will.
func (r *Responder) unanswered() {
	o := r.absence
	o.answerBy = time.Time{}
	if r.env.Audit != nil && !slices.ContainsFunc(r.env.Audit.Recent(r.spec.Global, r.env.now()), func(of audit.Outage) bool {
		return of.Conn == o.number && of.Seen > 0
	}) {
		return // the broker has not published it: the device was back in time, by the broker's clock
	}
	r.env.Client.Counts.WillsUnseen.Add(1)
	r.env.say("its will message of "+o.since.Format(time.TimeOnly)+" was not consumed: there is no answer", "device", r.Name())
}

// consumer is who says that it has consumed a Will.
func consumer(p *wire.Publish) string {
	if p.Props.User != nil {
		for k, v := range p.Props.UserProperties() {
			if k == deliveries.ConsumerKey {
				return strings.Trim(client.Shorten([]byte(v)), `"`)
			}
		}
	}
	return "somebody"
}
