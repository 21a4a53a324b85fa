package control

import (
	"encoding/json"
	"sync"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/control/api"
	"homefleet/fleet/events"
	"homefleet/fleet/incident"
	"homefleet/fleet/metrics"
)

// lookEach is how often is looked for what no device tells by itself.
const lookEach = 250 * time.Millisecond

// lookout publishes what no device tells: phases, incidents, interventions and what became
// of Wills. It looks for them while anybody is interested, on one goroutine, which the
// server waits for.
type lookout struct {
	s       *Server
	mu      sync.Mutex
	looking bool
	running sync.WaitGroup

	// What was there at the last look; of the goroutine, while there is one.

	phase         string
	incidents     map[int]api.Incident
	interventions int
	wills         map[int]audit.Outage // by device
}

// mostRemembered bounds the devices of which the last Will is remembered.
const mostRemembered = 10_000

// begin has the lookout look, if it does not. What is there already is no news.
func (l *lookout) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.s.ending:
		return
	default:
	}
	if l.looking {
		return
	}
	l.incidents, l.wills = make(map[int]api.Incident), make(map[int]audit.Outage)
	l.look(func(events.Type, int, time.Duration, any) {})
	l.looking = true
	l.running.Go(l.run)
}

// end has the lookout look a last time, and waits for it.
func (l *lookout) end() {
	l.mu.Lock()
	close(l.s.ending)
	l.mu.Unlock()
	l.running.Wait()
}

func (l *lookout) run() {
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	for {
		select {
		case <-l.s.ending:
			l.look(l.publish)
			return
		case <-tick.C:
		}
		l.mu.Lock()
		if l.s.Fleet.Events().Wanted() == 0 {
			l.looking = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		l.look(l.publish)
	}
}

func (l *lookout) publish(t events.Type, device int, at time.Duration, data any) {
	body, err := json.Marshal(data)
	if err != nil {
		return // texts and numbers, which cannot fail
	}
	l.s.Fleet.Events().Publish(t, device, at, body)
}

// look tells of what has changed since the last look.
func (l *lookout) look(tell func(t events.Type, device int, at time.Duration, data any)) {
	s := l.s
	f, now := s.Fleet, s.Fleet.Clock()
	if p := s.phase(); p != l.phase {
		l.phase = p
		tell(events.Phase, -1, now, api.PhaseChange{Moment: s.view().Moment(now), Phase: p})
	}
	l.lookAtIncidents(now, tell)
	var done []metrics.Intervention
	done, l.interventions = f.Interventions().NotedSince(l.interventions, metrics.Span(-f.OffsetOf(0)))
	for i := range done {
		tell(events.Intervention, -1, now, interventionOf(&done[i]))
	}
	if f.Unaudited() == nil {
		l.lookAtWills(now, tell)
	}
}

func (l *lookout) lookAtIncidents(now time.Duration, tell func(events.Type, int, time.Duration, any)) {
	type happening struct {
		of  incident.Happening
		out api.Incident
	}
	var news []happening
	there := make(map[int]api.Incident)
	for _, one := range l.s.Fleet.Happenings() {
		out := l.s.incidentOf(&one, false)
		there[one.Number] = out
		if before, had := l.incidents[one.Number]; !had || before.State != out.State || before.Devices != out.Devices {
			news = append(news, happening{one, out})
		}
	}
	l.incidents = there
	for i := range news {
		tell(events.Incident, -1, now, &news[i].out)
	}
}

// lookAtWills tells of the latest outage of devices, where something about its Will is
// known now that was not.
func (l *lookout) lookAtWills(now time.Duration, tell func(events.Type, int, time.Duration, any)) {
	for _, d := range l.s.Fleet.WillsChanged() {
		n, all := d.Number(), d.Outages()
		if len(all) == 0 {
			continue
		}
		last := all[len(all)-1]
		if before, had := l.wills[n]; had && before == last {
			continue
		}
		if len(l.wills) >= mostRemembered {
			clear(l.wills) // some are told of again
		}
		l.wills[n] = last
		l.s.Fleet.Looks().SetWill(n, willLooks[last.Verdict])
		tell(events.Will, n, now, l.s.willOf(d, &last))
	}
}
