package metrics

import (
	"fmt"
	"slices"
	"strings"
)

// DeliveryTotals is what became of one-way messages, states and telemetry, on
// their way to those who watch. It counts pairs: a message that three watchers
// are to get, each for itself, counts three times; one that goes to a shared
// subscription counts once. Each pair that was sent is in exactly one of
// Delivered to Outstanding.
type DeliveryTotals struct {
	Sent        int64 `json:"sent"`        // written to the connection, in the measuring
	Delivered   int64 `json:"delivered"`   // whole
	Altered     int64 `json:"altered"`     // came with another topic, payload or property than was sent
	Lost        int64 `json:"lost"`        // the broker had it, or at QoS 0 is to have had it, and it did not come
	Refused     int64 `json:"refused"`     // did not come, and was refused in PUBACK or PUBREC
	Unconfirmed int64 `json:"unconfirmed"` // did not come, and nobody knows whether the broker ever had it
	Unwatched   int64 `json:"unwatched"`   // did not come, and there was no watcher for certain
	Unfinished  int64 `json:"unfinished"`  // did not come before the run ended, as far as it had got
	Outstanding int64 `json:"outstanding"` // not decided: 0 when the run is over

	// Beside these.
	Duplicate   int64 `json:"duplicate"`     // came once more, with no reason
	Redelivered int64 `json:"redelivered"`   // came once more at QoS 1, after a reconnect: allowed (4.3.2)
	Reordered   int64 `json:"reordered"`     // came behind a later one of its topic, in the same session
	OtherQoS    int64 `json:"other_qos"`     // came with another QoS than it was to (3.8.4)
	OtherRetain int64 `json:"other_retain"`  // came with RETAIN 1, not out of the store (3.3.1-12)
	NeverSent   int64 `json:"never_sent"`    // say that they are a message that was never sent
	Misrouted   int64 `json:"misrouted"`     // came to a watcher whose topics they do not match
	Forgotten   int64 `json:"forgotten"`     // came after they were given up, or once more: one cannot tell any longer
	Unstamped   int64 `json:"unstamped"`     // on the topics of states and telemetry, without a sequence
	BadStamp    int64 `json:"bad_stamp"`     // with a sequence that was altered
	Foreign     int64 `json:"foreign"`       // of devices that are not in this process, or of another run
	FromStore   int64 `json:"from_retained"` // retained messages for a new subscription
}

func (t *DeliveryTotals) figures() [21]*int64 {
	return [...]*int64{
		&t.Sent, &t.Delivered, &t.Altered, &t.Lost, &t.Refused, &t.Unconfirmed, &t.Unwatched, &t.Unfinished, &t.Outstanding,
		&t.Duplicate, &t.Redelivered, &t.Reordered, &t.OtherQoS, &t.NeverSent, &t.Misrouted, &t.Forgotten,
		&t.Unstamped, &t.BadStamp, &t.Foreign, &t.FromStore, &t.OtherRetain,
	}
}

// Expected returns how many deliveries are judged: those that came, whole or
// not, and those that are lost.
func (t *DeliveryTotals) Expected() int64 { return t.Delivered + t.Altered + t.Lost }

// Unjudged returns how many did not come without anybody being to blame.
func (t *DeliveryTotals) Unjudged() int64 {
	return t.Refused + t.Unconfirmed + t.Unwatched + t.Unfinished
}

// Strays returns how many messages came that are none of those that were to.
func (t *DeliveryTotals) Strays() int64 {
	return t.NeverSent + t.Misrouted + t.Forgotten + t.Unstamped + t.BadStamp + t.Foreign
}

// Add adds the numbers of o.
func (t *DeliveryTotals) Add(o DeliveryTotals) {
	theirs := o.figures()
	for i, n := range t.figures() {
		*n += *theirs[i]
	}
}

// Check returns an error that names every sum that does not hold, or nil.
func (t *DeliveryTotals) Check() error {
	var f sumFaults
	f.equal("sent = delivered + altered + lost + refused + unconfirmed + unwatched + unfinished + outstanding",
		t.Sent, t.Expected()+t.Unjudged()+t.Outstanding)
	f.atMost("reordered are of those that came", t.Reordered, t.Delivered+t.Altered)
	for _, n := range t.figures() {
		f.atMost("no number is negative", -*n, 0)
	}
	return f.err()
}

// Delivery is what became of the one-way messages for one group of watchers, at
// one QoS: the lower of what they were published with and what the group was
// granted (3.8.4).
type Delivery struct {
	Watcher  string `json:"watcher"`          // name of the group
	Shared   bool   `json:"shared,omitempty"` // it shares its subscription, and counts as one
	Watchers int    `json:"watchers"`         // how many are in the group
	QoS      byte   `json:"qos"`
	DeliveryTotals
}

// maxDeliveries bounds a list that is read.
const maxDeliveries = 3 * 1000

func checkDeliveries(all []Delivery) (faults []error) {
	for i := range all {
		d := &all[i]
		err := d.Check()
		if err == nil && d.Outstanding != 0 {
			err = fmt.Errorf("%d are outstanding in a run that is over", d.Outstanding)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("deliveries to %s at QoS %d: %w", d.Watcher, d.QoS, err))
		}
	}
	return faults
}

func soundDeliveries(all []Delivery) error {
	if len(all) > maxDeliveries {
		return fmt.Errorf("there are %d rows of deliveries; want at most %d", len(all), maxDeliveries)
	}
	for i := range all {
		d := &all[i]
		if d.QoS > 2 || d.Watchers < 0 || int64(d.Watchers) > maxCount {
			return fmt.Errorf("the deliveries to %.40q have QoS %d and %d watchers", d.Watcher, d.QoS, d.Watchers)
		}
		for _, n := range d.figures() {
			if err := soundCounts(*n); err != nil {
				return fmt.Errorf("the deliveries to %.40q: %w", d.Watcher, err)
			}
		}
	}
	return nil
}

// addDeliveries adds those of another shard.
func addDeliveries(sum []Delivery, more []Delivery) []Delivery {
	for _, d := range more {
		i := slices.IndexFunc(sum, func(s Delivery) bool { return s.Watcher == d.Watcher && s.QoS == d.QoS })
		if i < 0 {
			sum = append(sum, d)
			continue
		}
		sum[i].Watchers += d.Watchers
		sum[i].Add(d.DeliveryTotals)
	}
	return sum
}

// deliveryFigures are the part of the catalogue that is of one-way messages.
func deliveryFigures() []figure {
	count := func(name, of, help string, grows, judged bool, part, whole func(*DeliveryTotals) int64) figure {
		return figure{MetricInfo{Name: name, Unit: UnitCount, Of: of, Help: help, Labels: true}, grows, ofDeliveries(part, whole, judged)}
	}
	sent := func(t *DeliveryTotals) int64 { return t.Sent }
	const ofSent, ofExpected = "delivery.sent", "delivery.expected"
	all := []figure{
		count("delivery.sent", "", "states and telemetry that were sent, once for each watcher or shared subscription whose topics they match", true, false, sent, nil),
		count("delivery.expected", ofSent, "of these, the judged: delivered, altered or lost", false, false, (*DeliveryTotals).Expected, sent),
		count("delivery.delivered", ofExpected, "of the expected, those that came as they were sent", true, true,
			func(t *DeliveryTotals) int64 { return t.Delivered }, (*DeliveryTotals).Expected),
		count("delivery.altered", ofExpected, "of the expected, those that came with another topic, payload or property", true, true,
			func(t *DeliveryTotals) int64 { return t.Altered }, (*DeliveryTotals).Expected),
		count("delivery.lost", ofExpected, "of the expected, those that did not come", true, true,
			func(t *DeliveryTotals) int64 { return t.Lost }, (*DeliveryTotals).Expected),
		count("delivery.duplicate", ofExpected, "messages that came once more, for no reason", true, true,
			func(t *DeliveryTotals) int64 { return t.Duplicate }, (*DeliveryTotals).Expected),
		count("delivery.redelivered", ofExpected, "messages that came once more at QoS 1 after a reconnect, which is allowed", true, true,
			func(t *DeliveryTotals) int64 { return t.Redelivered }, (*DeliveryTotals).Expected),
		count("delivery.reordered", ofExpected, "messages that came behind a later one of their topic", true, true,
			func(t *DeliveryTotals) int64 { return t.Reordered }, (*DeliveryTotals).Expected),
		count("delivery.other_qos", ofExpected, "messages that came with another QoS than they were to", true, true,
			func(t *DeliveryTotals) int64 { return t.OtherQoS }, (*DeliveryTotals).Expected),
		count("delivery.other_retain", ofExpected, "messages that came with RETAIN 1, though not out of the broker's store (3.3.1-12)", true, true,
			func(t *DeliveryTotals) int64 { return t.OtherRetain }, (*DeliveryTotals).Expected),
		count("delivery.refused", ofSent, "messages that did not come, and that the broker had refused", false, false,
			func(t *DeliveryTotals) int64 { return t.Refused }, sent),
		count("delivery.unconfirmed", ofSent, "messages that did not come, and of which nobody knows whether the broker had them", false, false,
			func(t *DeliveryTotals) int64 { return t.Unconfirmed }, sent),
		count("delivery.unwatched", ofSent, "messages that did not come, while their watcher was away or on its way out", false, false,
			func(t *DeliveryTotals) int64 { return t.Unwatched }, sent),
		count("delivery.unfinished", ofSent, "messages that did not come before the run ended, to a watcher that was behind", false, false,
			func(t *DeliveryTotals) int64 { return t.Unfinished }, sent),
		count("delivery.strays", "", "messages without a sequence, with an altered one, of another process or run, misrouted, never sent or forgotten", true, false,
			(*DeliveryTotals).Strays, nil),
		{MetricInfo{Name: "delivery.rate", Unit: UnitRate, Help: "messages delivered a second, over the time measured", Labels: true}, false,
			func(s *Snapshot, l Label) (float64, float64, bool) {
				t, ok := s.deliveries(l)
				return float64(t.Delivered) / s.Measured.Seconds(), 0, ok && s.Measured > 0 && t.Expected() > 0
			}},
	}
	for _, kind := range []string{"telemetry", "state"} {
		all = append(all, figure{MetricInfo{Name: kind + ".rate", Unit: UnitRate, Help: kind + " messages that devices sent a second, over the time measured"}, false,
			func(s *Snapshot, _ Label) (float64, float64, bool) {
				n, ok := s.Counts[kind+".sent"]
				return float64(n) / s.Measured.Seconds(), 0, ok && s.Measured > 0
			}})
	}
	return all
}

// ofDeliveries is a figure of deliveries; where it is judged, there must have been
// some to judge.
func ofDeliveries(part, whole func(*DeliveryTotals) int64, judged bool) func(*Snapshot, Label) (float64, float64, bool) {
	return func(s *Snapshot, l Label) (float64, float64, bool) {
		t, ok := s.deliveries(l)
		n := int64(0)
		if whole != nil {
			n = whole(&t)
		}
		return float64(part(&t)), float64(n), ok && (!judged || t.Expected() > 0)
	}
}

// deliveries adds up those of one group of watchers, or all. ok is false if there
// are none. Groups that are members of one shared subscription have a row together,
// "phones and panels".
func (s *Snapshot) deliveries(l Label) (sum DeliveryTotals, ok bool) {
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; l.Dimension == All || d.Watcher == l.Name || slices.Contains(strings.Split(d.Watcher, " and "), l.Name) {
			sum.Add(d.DeliveryTotals)
			ok = true
		}
	}
	return sum, ok
}
