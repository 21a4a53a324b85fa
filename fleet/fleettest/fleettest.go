// Package fleettest gives an end-to-end test a fleet of virtual devices: it
// starts a scenario with a broker of its own, or against a given one, waits
// until every device is up, lets the test look at devices, command them over
// MQTT, cut them off and bring them back, and cleans up with the test. On
// failure it shows the seed and the log.
//
// It is for tests only: what goes wrong ends the test with [testing.TB.Fatalf],
// so its functions are called from the test's own goroutine.
package fleettest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/broker"
	"homefleet/fleet/files"
	"homefleet/fleet/requester"
	"homefleet/scenarios"
	"homefleet/scenarios/tomlfault"
)

// Patience is how long the kit waits for what should come soon, unless a test
// says otherwise.
const Patience = 10 * time.Second

// An Option changes how a fleet is started.
type Option func(*setup)

type setup struct {
	tcp      bool
	url      string
	broker   broker.Config
	seed     *uint64
	patience time.Duration
	username string
	password []byte
	audit    bool
}

// Audited has the kit watch the Will Messages of the devices: see
// [Device.WaitWill] and [Fleet.Wills].
func Audited() Option { return func(s *setup) { s.audit = true } }

// OnTCP has the test's own broker listen on a free port of 127.0.0.1 as well,
// and the devices connect there; [Fleet.URL] is for the program under test.
// Without it devices and requesters meet in memory, where testing/synctest's
// fake time works too.
func OnTCP() Option { return func(s *setup) { s.tcp = true } }

// OnBroker uses the broker at a URL such as mqtt://localhost:1883 instead of one
// of the test's own.
func OnBroker(url string) Option { return func(s *setup) { s.url = url } }

// WithBroker sets users, limits and refusals of the test's own broker.
func WithBroker(c broker.Config) Option { return func(s *setup) { s.broker = c } }

// WithSeed overrides the scenario's seed.
func WithSeed(seed uint64) Option { return func(s *setup) { s.seed = &seed } }

// WithPatience sets how long the kit waits; the default is [Patience].
func WithPatience(d time.Duration) Option { return func(s *setup) { s.patience = d } }

// AsUser has the test's own requests come from this user.
func AsUser(name, password string) Option {
	return func(s *setup) { s.username, s.password = name, []byte(password) }
}

// Fleet is a running fleet.
type Fleet struct {
	// URL is where the broker is to be reached; "" for one in memory only.
	URL string
	// Broker is the test's own broker; nil when another one is used.
	Broker *broker.Broker

	t     testing.TB
	fleet *fleet.Fleet
	whole time.Duration // that a run which measures takes at most
	over  chan struct{} // closed when the run has ended,
	err   error         // with this
	dial  func(context.Context) (net.Conn, error)
	setup setup
	log   *logBuffer
	phone *requester.Phone
}

// Start starts a scenario given as TOML text.
func Start(t testing.TB, toml string, options ...Option) *Fleet {
	t.Helper()
	return load(t, "test scenario", []byte(toml), options)
}

// StartFile starts a scenario from a file.
func StartFile(t testing.TB, path string, options ...Option) *Fleet {
	t.Helper()
	src, err := files.Read(path, tomlfault.MaxSize)
	if err != nil {
		t.Fatalf("fleettest: reading the scenario: %v", err)
	}
	return load(t, path, src, options)
}

// StartShipped starts a scenario that homefleet ships, such as "bedroom".
func StartShipped(t testing.TB, name string, options ...Option) *Fleet {
	t.Helper()
	src, ok := scenarios.ReadShipped(name)
	if !ok {
		var names []string
		for _, s := range scenarios.Shipped() {
			names = append(names, s.Name)
		}
		t.Fatalf("fleettest: no scenario %q is shipped; want one of %s", name, strings.Join(names, ", "))
	}
	return load(t, name, src, options)
}

func load(t testing.TB, name string, src []byte, options []Option) *Fleet {
	t.Helper()
	sc, faults := scenarios.Load(name, src)
	if err := faults.Err(); err != nil {
		t.Fatalf("fleettest: %v", err)
	}
	return StartScenario(t, sc, options...)
}

// StartScenario starts a scenario made in Go. It is checked first and is the
// fleet's from then on: what was left out is filled in.
func StartScenario(t testing.TB, sc *scenarios.Scenario, opts ...Option) *Fleet {
	t.Helper()
	f := &Fleet{t: t, log: new(logBuffer), setup: setup{patience: Patience}, over: make(chan struct{})}
	f.setup.broker.Anonymous = true
	for _, o := range opts {
		o(&f.setup)
	}
	if f.setup.seed != nil {
		sc.Seed = *f.setup.seed
	}
	if err := sc.Check(); err != nil {
		t.Fatalf("fleettest: %v", err)
	}
	log := slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	name := f.reach(sc, log)

	f.phone = f.newPhone()

	var err error
	options := fleet.Options{Dial: f.dial, BrokerName: name, Log: log, Audit: f.setup.audit, EndIfNobody: true}
	if f.Broker != nil {
		options.Embedded, options.InMemory, options.BrokerControl, options.BrokerURL = true, !f.setup.tcp, f.Broker, f.URL
	}
	f.fleet, err = fleet.New(sc, options)
	if err != nil {
		t.Fatalf("fleettest: %v", err)
	}
	if p := &sc.Phases; sc.Measured() {
		f.whole = p.Connect + p.WarmUp + p.Measure + p.Drain + sc.Audit.Wait
	}
	// The fleet outlives t.Context, which ends before the clean-up, so that it
	// can go in an orderly way.
	go func() {
		defer close(f.over)
		f.err = f.fleet.Run(context.WithoutCancel(t.Context()))
	}()
	t.Cleanup(func() {
		f.phone.Close()
		f.fleet.Stop()
		<-f.over
		if f.err != nil {
			t.Logf("fleettest: the fleet ended: %v", f.err)
		}
		if t.Failed() {
			t.Logf("fleettest: seed %d, log:\n%s", sc.Seed, f.log.String())
		}
	})
	f.waitReady()
	return f
}

// reach finds or starts the broker and returns its name for messages.
func (f *Fleet) reach(sc *scenarios.Scenario, log *slog.Logger) string {
	f.t.Helper()
	if f.setup.url != "" {
		sc.Broker.URL = f.setup.url
	}
	if sc.Broker.URL != "" {
		d, err := fleet.NewDialer(sc.Broker)
		if err != nil {
			f.t.Fatalf("fleettest: %v", err)
		}
		f.URL, f.dial = d.String(), d.Dial
		return f.URL
	}
	if f.setup.broker.Log == nil {
		f.setup.broker.Log = log
	}
	b, err := broker.New(f.setup.broker)
	if err != nil {
		f.t.Fatalf("fleettest: starting the broker: %v", err)
	}
	f.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			f.t.Errorf("fleettest: closing the broker: %v", err)
		}
	})
	f.Broker, f.dial = b, b.Dial
	if !f.setup.tcp {
		return "the test's broker"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatalf("fleettest: %v", err)
	}
	go b.Serve(l) // ends with b.Close, which waits for it
	f.URL = "mqtt://" + l.Addr().String()
	d, err := fleet.NewDialer(scenarios.Broker{URL: f.URL})
	if err != nil {
		f.t.Fatalf("fleettest: %v", err)
	}
	f.dial = d.Dial
	return f.URL
}

func (f *Fleet) waitReady() {
	f.t.Helper()
	select {
	case <-f.fleet.Ready():
	case <-f.over:
		f.t.Fatalf("fleettest: the fleet ended before it was up: %v", f.err)
	case <-time.After(f.setup.patience):
		p := f.fleet.Presence()
		f.t.Fatalf("fleettest: %d of %d devices are up after %v", p.Online, p.Devices, f.setup.patience)
	}
	f.Eventually("the watchers and the audit are up", func() bool {
		w := f.fleet.Watchers()
		return w.Settled == w.Devices && (!f.setup.audit || f.fleet.Watched())
	})
	if p := f.fleet.Presence(); p.GaveUp > 0 {
		f.t.Fatalf("fleettest: %d of %d devices gave up, the first: %v", p.GaveUp, p.Devices, f.fleet.Refusal())
	}
}

// Fleet returns the running fleet itself, for its counts and the like.
func (f *Fleet) Fleet() *fleet.Fleet { return f.fleet }

// Device returns a device by its id; a wrong id ends the test.
func (f *Fleet) Device(id string) *Device {
	f.t.Helper()
	d, ok := f.fleet.Device(id)
	if !ok {
		var ids []string
		for _, d := range f.fleet.Devices() {
			if ids = append(ids, d.ID()); len(ids) == 10 {
				break
			}
		}
		f.t.Fatalf("fleettest: there is no device %q; want one such as %s", id, strings.Join(ids, ", "))
	}
	return &Device{f: f, d: d}
}

// Eventually waits until ok returns true, asking again and again, or ends the
// test with what was waited for.
func (f *Fleet) Eventually(what string, ok func() bool) {
	f.t.Helper()
	if !f.wait(ok) {
		f.t.Fatalf("fleettest: after %v still not: %s", f.setup.patience, what)
	}
}

// wait reports whether ok returned true before the kit's patience was over. What it looks at
// is the test's own affair, so that nothing can tell when to look again.
func (f *Fleet) wait(ok func() bool) bool {
	f.t.Helper()
	deadline := time.Now().Add(f.setup.patience)
	for pause := time.Millisecond; !ok(); pause = min(2*pause, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// logBuffer keeps the first and the last part of a log, so that a long test
// does not fill memory.
type logBuffer struct {
	mu      sync.Mutex
	head    bytes.Buffer
	tail    []byte
	dropped int
}

// logPart bounds each of the two parts.
const logPart = 128 << 10

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head.Len()+len(p) <= logPart {
		return l.head.Write(p)
	}
	l.tail = append(l.tail, p...)
	if over := len(l.tail) - logPart; over > logPart {
		l.tail = append([]byte(nil), l.tail[over:]...)
		l.dropped += over
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped == 0 {
		return l.head.String() + string(l.tail)
	}
	return fmt.Sprintf("%s… %d bytes left out …\n%s", l.head.String(), l.dropped, l.tail)
}
