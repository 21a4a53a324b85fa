package cmd

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"homefleet/devices/words"
	"homefleet/fleet/requester"
	"homefleet/fleet/wire"
)

// publishResult is what the broker said of the PUBLISH.
type publishResult struct {
	code   byte
	reason string
}

// notOurs says what the messages that are not for us had for Correlation Data.
func (r *requesting) notOurs() string {
	switch r.without {
	case 0:
		return "with other Correlation Data"
	case r.others:
		return "without Correlation Data"
	}
	return fmt.Sprintf("without our Correlation Data, %d of them without any", r.without)
}

// collect waits for the answers. It returns nil when all that were asked for came
// and none is an error.
func (r *requesting) collect(ctx, timed context.Context, phone *requester.Requester, came <-chan answer, published <-chan publishResult) error {
	var nobody <-chan time.Time
	for len(r.answers) < r.q.count {
		select {
		case an := <-came:
			if r.q.correlation != nil && !bytes.Equal(an.correlation, r.q.correlation) {
				r.others++
				if an.correlation == nil {
					r.without++
				}
				r.log.Debug("a message with other correlation data", "topic", an.topic)
				continue
			}
			an.took = an.came.Sub(r.sent)
			if r.kept += an.weight(); r.kept > mostAnswers {
				return failed("--count asks for fewer", "the answers take more than %s: %s of %s are kept",
					words.Bytes(mostAnswers), words.Grouped(int64(len(r.answers))), plural(r.q.count, "answer"))
			}
			r.answers = append(r.answers, an)
		case p := <-published:
			if err := r.published(p); err != nil {
				return err
			}
			if p.code == wire.NoMatchingSubscribers && len(r.answers) == 0 {
				nobody = time.After(ackPatience) // a broker behind this one may have had somebody
			}
		case <-nobody:
			if len(r.answers) == 0 {
				return r.unheard()
			}
		case <-phone.Gone():
			return r.over("while waiting for the answer", phone.Err())
		case <-timed.Done():
			if ctx.Err() != nil {
				return interrupted()
			}
			return r.late()
		}
	}
	r.awaitAck(published)
	faults := slices.DeleteFunc(slices.Clone(r.answers), func(an answer) bool { return an.fault == "" })
	switch {
	case len(faults) == 0:
		return nil
	case r.q.count == 1:
		return failed("", "%s answered with an error: %s", r.q.topic, printable(faults[0].fault))
	}
	return failed("", "%s of %s are errors, the first: %s", words.Grouped(int64(len(faults))), plural(len(r.answers), "answer"), printable(faults[0].fault))
}

// mostAnswers bounds what is kept of all answers together, in bytes of memory:
// several of the largest.
const mostAnswers = 64 << 20

// What an answer and one of its User Properties take beside their texts.
const (
	answerWeight   = 256
	propertyWeight = 48
)

// weight is what an answer takes in memory.
func (an *answer) weight() int {
	n := answerWeight + len(an.topic) + cap(an.payload) + len(an.correlation) + len(an.contentType)
	for _, p := range an.properties {
		n += propertyWeight + len(p.Key) + len(p.Value)
	}
	return n
}

// ackPatience is how long an acknowledgement may come after the last answer, and an answer
// after an acknowledgement that says that there will be none.
const ackPatience = 500 * time.Millisecond

// awaitAck waits for the acknowledgement of the request where the answers came
// first: what the broker said of it belongs to the result.
func (r *requesting) awaitAck(published <-chan publishResult) {
	if r.q.qos == 0 || r.acknowledged {
		return
	}
	select {
	case p := <-published:
		_ = r.published(p) // the answers are here, whatever the broker says of it
	case <-time.After(ackPatience):
	}
}

// published takes the broker's acknowledgement of the request.
func (r *requesting) published(p publishResult) error {
	if p.code >= 0x80 {
		refusal := wire.ReasonName(p.code)
		digits := fmt.Sprintf("0x%02X", p.code)
		named := refusal != digits
		if p.reason != "" {
			refusal += ": " + printable(p.reason)
		}
		if named {
			refusal += " (" + digits + ")"
		}
		return failed("", "the broker refused the request to %s: %s", r.q.topic, refusal)
	}
	r.acknowledged, r.code = true, p.code
	r.log.Debug("published", "topic", r.q.topic, "reason", wire.ReasonName(r.code))
	return nil
}

// unheard is the error of a request that nobody has got.
func (r *requesting) unheard() error {
	return failed(offlineHint(r.q.topic), "nobody listens to %s on %s: the broker said %s (0x10), and no answer came%s", r.q.topic, r.url, wire.ReasonName(r.code), r.strangers())
}

// late is the error of a time-out: what was sent where, and what became of it.
func (r *requesting) late() error {
	hint := "--timeout waits longer"
	missing := "no answer"
	if r.q.count > 1 {
		missing = fmt.Sprintf("%s of %s", words.Grouped(int64(len(r.answers))), plural(r.q.count, "answer"))
	}
	what := "a query"
	if len(r.q.payload) > 0 {
		what = longReadable(r.q.payload)
	}
	text := fmt.Sprintf("%s within %s: %s was sent to %s on %s", missing, setting(r.q.timeout), what, r.q.topic, r.url)
	switch {
	case r.q.qos == 0:
		text += "; at QoS 0 nobody says whether it arrived"
	case !r.acknowledged:
		text += "; the broker did not acknowledge it"
	case r.code == wire.NoMatchingSubscribers:
		text += "; the broker said: no matching subscribers (0x10)"
		hint = offlineHint(r.q.topic)
	default:
		text += "; the broker had a subscriber for it"
	}
	return failed(hint, "%s%s", text, r.strangers())
}

// strangers says what came that was not for us; "" if nothing did.
func (r *requesting) strangers() string {
	if r.others == 0 {
		return ""
	}
	return fmt.Sprintf("; %s came %s", plural(r.others, "message"), r.notOurs())
}
