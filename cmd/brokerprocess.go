package cmd

import (
	"time"

	"homefleet/fleet"
	"homefleet/fleet/machine"
	"homefleet/fleet/metrics"
)

// brokerProcess is the broker's process on this machine, which --pid names, and what it has
// used while the run measured; in a run that measures nothing, from its beginning to its end.
// A nil one is that of a broker that nobody named.
type brokerProcess struct {
	pid  int
	used func() (machine.Usage, error)

	from    machine.Usage
	began   time.Time // zero: it has not begun
	looked  time.Time // last
	most    int64     // resident
	process *metrics.ProcessFacts
	over    bool
	gone    bool
}

// namedProcess is the process of a flag --pid; nil where none is named. That it is there, and
// can be looked at, is seen to at once.
func namedProcess(pid int) (*brokerProcess, error) {
	if pid == 0 {
		return nil, nil
	}
	p := &brokerProcess{pid: pid, used: func() (machine.Usage, error) { return machine.Process(pid) }}
	if _, err := p.used(); err != nil {
		return nil, misused("", "--pid: %w", err)
	}
	return p, nil
}

// lookEvery is how often it is looked how much is resident.
const lookEvery = time.Second

// look is called over and over, with the phase that the run is in.
func (p *brokerProcess) look(now time.Time, phase fleet.Phase) {
	if p == nil || p.over || p.gone {
		return
	}
	counts := phase == fleet.Measuring || phase == fleet.Running
	switch {
	case p.began.IsZero() && !counts, !p.began.IsZero() && counts && now.Sub(p.looked) < lookEvery:
		return
	}
	u, err := p.used()
	if err != nil {
		p.gone = true
		return
	}
	p.looked = now
	if p.began.IsZero() {
		p.began, p.from = now, u
	}
	p.most = max(p.most, u.RSS)
	p.over = !counts
	p.process = &metrics.ProcessFacts{PID: p.pid, CPU: (u.CPU - p.from.CPU).Seconds(), Over: metrics.Span(now.Sub(p.began)), RSS: u.RSS, MostRSS: p.most}
}

// note writes it into the result.
func (p *brokerProcess) note(now time.Time, r *metrics.Result) {
	if p == nil {
		return
	}
	p.look(now, fleet.Ended)
	r.Broker.Process = p.process
	switch {
	case p.gone:
		r.Remark("the broker's process, which --pid names, ended before the measuring did, so that what it used is not known to the end")
	case p.process == nil:
		r.Remark("what the broker's process used, which --pid names, is not known: nothing was measured")
	}
}
