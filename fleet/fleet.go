// Package fleet runs the devices of a scenario: one goroutine and one MQTT 5
// session each, against any broker. It prints nothing, reads no environment and
// never exits; what happens goes to the logger and the counts it was given.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"homefleet/devices"
	"homefleet/fleet/metrics"
	"homefleet/scenarios"
)

// Options say how a fleet reaches its broker and what it may tell.
type Options struct {
	// Dial opens a connection to the broker; see [NewDialer] for one that
	// follows a scenario. It must be safe for concurrent use.
	Dial func(context.Context) (net.Conn, error)

	// BrokerName is how errors call the broker; it holds no password.
	BrokerName string

	// Run tells this run from others, as {run} in templates; "" makes it "run".
	Run string

	// Secret reads a password that the scenario names. It is asked for each
	// connection, from the device's own goroutine. nil: there are none.
	Secret func(scenarios.Secret, scenarios.Vars) ([]byte, error)

	// FailFast ends the run at the first device that fails, with its error.
	FailFast bool

	Log *slog.Logger // nil: nothing is logged
}

// Fleet is the devices of one run.
type Fleet struct {
	scenario   *scenarios.Scenario
	responders []*responder
	dial       func(context.Context) (net.Conn, error)
	secret     func(scenarios.Secret, scenarios.Vars) ([]byte, error)
	brokerName string
	run        string
	failFast   bool
	log        *slog.Logger
	notes      notes

	counts  *metrics.Counts
	buffers *readBuffers
	packets sync.Pool // *[]byte, for packets on their way out

	devices  crew
	first    chan struct{} // a token for each first try under way, when there is no rate
	stop     chan struct{}
	stopOnce sync.Once

	byID     map[string]*responder
	byIDOnce sync.Once
}

// New makes the fleet of a checked scenario, with every device in its initial
// state and none connected.
func New(sc *scenarios.Scenario, o Options) (*Fleet, error) {
	if o.Dial == nil {
		return nil, errors.New("no way to reach a broker; want Options.Dial")
	}
	f := &Fleet{
		scenario: sc, dial: o.Dial, secret: o.Secret, brokerName: o.BrokerName, run: o.Run,
		failFast: o.FailFast, log: o.Log,
		counts: new(metrics.Counts), buffers: newReadBuffers(),
		stop:  make(chan struct{}),
		first: make(chan struct{}, handshakesAtOnce),
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.brokerName == "" {
		f.brokerName = "the broker"
	}
	if f.run == "" {
		f.run = "run"
	}
	f.notes.log = f.log
	f.devices = crew{log: f.log, notes: &f.notes, size: sc.Count(), ready: make(chan struct{})}
	f.responders = make([]*responder, 0, sc.Count())
	makers := make(map[*scenarios.Group]devices.Maker, len(sc.Groups))
	for i := range sc.Groups {
		g := &sc.Groups[i]
		maker, err := g.Kind.Prepare(g.Params)
		if err != nil {
			return nil, fmt.Errorf("device group %d: %w", i+1, err)
		}
		makers[g] = maker
	}
	for spec := range sc.Devices() {
		model := makers[spec.Group](deviceSeed(sc.Seed, spec.Number), sc.Start)
		f.responders = append(f.responders, newResponder(f, spec, model))
	}
	return f, nil
}

// deviceSeed is the seed of one device's model.
func deviceSeed(seed uint64, device int) uint64 {
	return mix(mix(seed+uint64(forModel)<<56) ^ uint64(device))
}

// Run connects the devices at the scenario's rate and keeps them going until ctx
// is done, [Fleet.Stop] is called, or the scenario's duration is over, counted
// from the start. Then every device goes in an orderly way. It returns when the
// last goroutine has ended; it is called once.
//
// The error is nil unless every device was refused for good, or FailFast is set
// and one failed.
func (f *Fleet) Run(ctx context.Context) error {
	if d := f.scenario.Duration; d > 0 {
		timer := time.AfterFunc(d, f.Stop)
		defer timer.Stop()
	}
	leave := context.AfterFunc(ctx, f.Stop)
	defer leave()

	dialCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var group errgroup.Group
	var first error
	var firstOnce sync.Once
	begin := time.Now()
ramp:
	for i, r := range f.responders {
		if !f.waitTurn(begin, i) {
			for _, r := range f.responders[i:] {
				r.inbox.close()
				close(r.done)
			}
			break ramp
		}
		group.Go(func() error {
			err := r.run(dialCtx)
			if err != nil && f.failFast {
				firstOnce.Do(func() { first = err })
				f.Stop()
			}
			return err
		})
	}
	// One more goroutine than there are devices, while it runs: it tells the
	// devices that the end has come.
	ended := make(chan struct{})
	told := make(chan struct{})
	go func() {
		defer close(told)
		select {
		case <-f.stop:
		case <-ended:
			return
		}
		cancel()
		for _, r := range f.responders {
			r.inbox.put(func() { r.stopping = true })
		}
	}()
	err := group.Wait()
	close(ended)
	<-told
	switch {
	case f.failFast:
		return first
	case f.devices.size > 0 && int(f.devices.departed.Load()) == f.devices.size:
		return fmt.Errorf("no device is left: %w", err)
	}
	return nil
}

// Stop ends the run as if its time were over. It does not wait, and may be
// called at any time, from any goroutine, more than once.
func (f *Fleet) Stop() { f.stopOnce.Do(func() { close(f.stop) }) }

// handshakesAtOnce bounds the connects under way where a scenario sets no rate:
// more would overflow the broker's accept queue and be slower, not faster.
const handshakesAtOnce = 128

// waitTurn waits until the device with this place in the ramp may connect. It
// is false when the fleet is stopped first.
func (f *Fleet) waitTurn(begin time.Time, place int) bool {
	select {
	case <-f.stop:
		return false
	default:
	}
	rate := f.scenario.Connect.Rate
	if rate <= 0 {
		// As fast as it goes, with a bounded number on their way at any time.
		select {
		case <-f.stop:
			return false
		case f.first <- struct{}{}:
			return true
		}
	}
	wait := time.Until(begin.Add(time.Duration(float64(place) / rate * float64(time.Second))))
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-f.stop:
		return false
	case <-timer.C:
		return true
	}
}

// Ready returns a channel that is closed once every device has been online, or
// was refused for good.
func (f *Fleet) Ready() <-chan struct{} { return f.devices.ready }

// Counts returns the totals of the run so far.
func (f *Fleet) Counts() *metrics.Counts { return f.counts }

// Presence returns the present numbers of devices.
func (f *Fleet) Presence() Presence { return f.devices.presence() }

// tried notes that a session's first try has ended, so that the next may begin.
func (f *Fleet) tried(s *session) {
	if !s.tried && f.scenario.Connect.Rate <= 0 {
		<-f.first
	}
	s.tried = true
}

// note logs a fault that another try may mend.
func (f *Fleet) note(err error) { f.notes.note(err) }

// willSeen notes that a device found an answer to its own Will.
func (f *Fleet) willSeen(r *responder) {
	f.counts.WillsSeen.Add(1)
	f.log.Info("found an answer to its will message: it was seen while away", "device", r.name)
}

// borrow returns an empty buffer for packets on their way out.
func (f *Fleet) borrow() *[]byte {
	if b, ok := f.packets.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, 512)
	return &b
}

// mostKept is the largest buffer that is kept for the next packet.
const mostKept = 64 << 10

// giveBack returns a buffer that borrow gave; nil is let pass.
func (f *Fleet) giveBack(b *[]byte) {
	if b == nil || cap(*b) > mostKept {
		return
	}
	*b = (*b)[:0]
	f.packets.Put(b)
}
