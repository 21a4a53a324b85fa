package fleet

import (
	"encoding/binary"
	"slices"
	"time"

	"homefleet/fleet/client"
	"homefleet/fleet/incident"
	"homefleet/fleet/metrics"
	"homefleet/fleet/wire"
)

// probe is a query to a device that is back, or may be: whether it answers.
type probe struct {
	device *responder
	recs   []*incident.Recovery // that wait for the answer
	again  time.Time            // when it is repeated
	tries  int
}

// repeat is when a probe is to be repeated, unless it has been meanwhile.
type repeat struct {
	of *probe
	at time.Time
}

const (
	probeEvery = 2 * time.Second
	mostProbes = 20 // for one device, before it counts as one that does not answer
)

// query is what the Correlation Data of a probe says.
type query struct {
	device int
	asked  time.Duration // on the fleet's clock
}

func (q query) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, uint64(q.device)), uint64(q.asked))
}

func parseQuery(b []byte) (query, bool) {
	if len(b) != 16 {
		return query{}, false
	}
	return query{int(binary.BigEndian.Uint64(b)), time.Duration(binary.BigEndian.Uint64(b[8:]))}, true
}

// probe asks a device for its first attribute, once for each recovery; it is called
// by its goroutine.
func (r *referee) probe(d *responder, rec *incident.Recovery) {
	p := r.probes[d.spec.Global]
	if p == nil {
		p = &probe{device: d}
		r.probes[d.spec.Global] = p
	}
	if p.recs = append(p.recs, rec); len(p.recs) > incident.MostFollowed {
		p.recs[0].IsMute() // it has not answered for that many incidents
		p.recs = slices.Delete(p.recs, 0, 1)
	}
	p.tries = 0
	r.ask(p, time.Now())
}

// again asks a device anew that has been away before it could answer; it is
// left to its goroutine as a task.
func (r *referee) again(device int) {
	p, ok := r.probes[device]
	if !ok {
		return
	}
	p.tries = 0
	r.ask(p, time.Now())
}

// forget gives up a device that has ended; it is left to its goroutine as a task.
func (r *referee) forget(device int) {
	p, ok := r.probes[device]
	if !ok {
		return
	}
	for _, rec := range p.recs {
		rec.IsMute()
	}
	delete(r.probes, device)
}

// ask sends a query, and has it sent again if no answer comes.
func (r *referee) ask(p *probe, now time.Time) {
	if p.tries++; p.tries > mostProbes {
		return // until it has been away and is back
	}
	p.again = now.Add(probeEvery)
	r.queue = append(r.queue, repeat{p, p.again})
	if !r.Live() {
		return
	}
	attribute := p.device.spec.Group.Kind.Attributes[0].Name
	q := wire.Publish{Topic: []byte("cmnd/" + p.device.spec.ID + "/" + attribute)}
	q.Props.ResponseTopic = r.answers
	q.Props.CorrelationData = query{p.device.spec.Global, r.fleet.now()}.append(nil)
	r.Send(&q, metrics.NoMessage)
}

// askAgain repeats the queries that are due.
func (r *referee) askAgain(now time.Time) {
	for client.IsDue(r.nextProbe(), now) {
		next := r.queue[0]
		r.queue = r.queue[1:]
		if p := next.of; r.probes[p.device.spec.Global] == p && p.again.Equal(next.at) {
			r.ask(p, now)
		}
	}
}

// repeatAll has all queries repeated now: the answers went to a connection that is no
// more.
func (r *referee) repeatAll(now time.Time) {
	for i := range r.queue {
		if next := &r.queue[i]; next.of.again.Equal(next.at) {
			next.at, next.of.again = now, now
		}
	}
}

// nextProbe is when the next is due; zero is never.
func (r *referee) nextProbe() time.Time {
	if len(r.queue) == 0 {
		return time.Time{}
	}
	return r.queue[0].at
}

// answered takes the answer of a device. It tells nothing of incidents that were
// not over when it was asked.
func (r *referee) answered(p *wire.Publish) {
	q, ok := parseQuery(p.Props.CorrelationData)
	if !ok {
		return
	}
	probe, ok := r.probes[q.device]
	if !ok {
		return
	}
	now := r.fleet.now()
	probe.recs = slices.DeleteFunc(probe.recs, func(rec *incident.Recovery) bool {
		if q.asked < rec.LetsGo(q.device) {
			return false
		}
		rec.IsAnswering(now)
		return true
	})
	if len(probe.recs) == 0 {
		delete(r.probes, q.device)
	}
}
