package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homefleet/fleet/client"
	"homefleet/scenarios"
)

// stage is a scheduler with two devices and a broker that write down what is done to
// them, and when.
type stage struct {
	*Scheduler
	t       *testing.T
	start   time.Time
	devices []*fakeDevice
	stop    chan struct{}
	ran     chan struct{} // closed when Run has returned
	mu      sync.Mutex
	broker  []string
}

// play runs the incidents of a scenario in a bubble of fake time, in which measuring
// begins at once, and act meanwhile.
func play(t *testing.T, incidents string, act func(*stage)) {
	t.Helper()
	sc, faults := scenarios.Load("test.toml", []byte("seed = 1\n[phases]\nmeasure = \"1m\"\n[[device]]\nkind = \"light\"\ncount = 2\nid = \"lamp-{n}\"\n"+incidents))
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, start: time.Now(), stop: make(chan struct{}), ran: make(chan struct{})}
		for spec := range sc.Devices() {
			s.devices = append(s.devices, &fakeDevice{s: s, spec: spec, gone: make(chan struct{})})
		}
		s.Scheduler = New(Config{Scenario: sc, Target: func(n int) Target { return s.devices[n] }, Broker: fakeBroker{s},
			Follow: true, Asks: func() bool { return false }, News: func() {},
			Epoch: s.start, Stop: s.stop, Log: slog.New(slog.DiscardHandler)})
		go func() {
			defer close(s.ran)
			s.Run()
		}()
		if err := s.Start(s.start); err != nil {
			t.Errorf("Start() = %v; want nil", err)
		}
		act(s)
		close(s.stop)
		<-s.ran
		if err := s.Start(s.start); !errors.Is(err, ErrEnded) {
			t.Errorf("Start() after the run = %v; want %v", err, ErrEnded)
		}
	})
}

// sleepTo sleeps until a time after the start, and until what happens then has happened.
func (s *stage) sleepTo(at time.Duration) {
	time.Sleep(time.Until(s.start.Add(at)))
	synctest.Wait()
}

// note writes a line down with its moment.
func (s *stage) note(lines *[]string, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*lines = append(*lines, time.Since(s.start).String()+" "+fmt.Sprintf(format, args...))
}

// want compares what was written down with what was to be, as "1s this, 2s that".
func (s *stage) want(who string, lines []string, want string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(lines, ", "); got != want {
		s.t.Errorf("%s: %s\nwant: %s", who, got, want)
	}
}

// fakeBroker is a BrokerControl.
type fakeBroker struct{ s *stage }

func (b fakeBroker) Suspend() { b.s.note(&b.s.broker, "suspend") }
func (b fakeBroker) Resume()  { b.s.note(&b.s.broker, "resume") }

// fakeDevice is a Target and a Device that does at once what it is told.
type fakeDevice struct {
	s     *stage
	spec  scenarios.Device
	gone  chan struct{}
	lines []string
}

func (d *fakeDevice) note(format string, args ...any) { d.s.note(&d.lines, format, args...) }

func (d *fakeDevice) Spec() *scenarios.Device { return &d.spec }
func (d *fakeDevice) Gone() <-chan struct{}   { return d.gone }
func (d *fakeDevice) Tell(do func(Device)) bool {
	select {
	case <-d.gone:
		return false
	default:
		do(d)
		return true
	}
}

func (d *fakeDevice) Disconnect(by client.Cause, how client.OfflineMode) {
	d.note("disconnect %d %s", by, how)
}
func (d *fakeDevice) Reconnect(by client.Cause, how client.Reconnect) {
	d.note("reconnect %d %+v", by, how)
}
func (d *fakeDevice) CutNetwork(by client.Cause, why string) { d.note("cut %d %s", by, why) }
func (d *fakeDevice) RestoreNetwork(by client.Cause, forgot bool, how client.Reconnect) {
	d.note("restore %d %v %+v", by, forgot, how)
}
func (d *fakeDevice) Slow(l client.SlowLink)  { d.note("slow %d %q %+v", l.By, l.Names, l.Faults) }
func (d *fakeDevice) Quicken(by client.Cause) { d.note("quicken %d", by) }
func (d *fakeDevice) DuplicateCame()          { d.note("duplicate came") }
func (d *fakeDevice) DuplicateGone()          { d.note("duplicate gone") }
func (d *fakeDevice) Duplicate(clean bool) Duplicate {
	return &fakeDuplicate{d: d, clean: clean, end: make(chan struct{})}
}
func (d *fakeDevice) Follow(rec *Recovery)              { d.note("follow") }
func (d *fakeDevice) IsOver(rec *Recovery)              { d.note("over") }
func (d *fakeDevice) BrokerLeft(from, to time.Duration) { d.note("broker left") }

// fakeDuplicate is a Duplicate.
type fakeDuplicate struct {
	d     *fakeDevice
	clean bool
	end   chan struct{}
	once  sync.Once
}

func (d *fakeDuplicate) Run(context.Context) error {
	d.d.note("duplicate clean=%v", d.clean)
	<-d.end
	d.d.note("duplicate ends")
	return nil
}
func (d *fakeDuplicate) EndSoon() { d.once.Do(func() { close(d.end) }) }

// Each kind of incident does its own to the devices at its beginning, and lets go of them
// at its end.
func TestWhatEachKindDoes(t *testing.T) {
	for _, tt := range []struct {
		kind, keys string
		want       string // of the first device
		broker     string
		line       string // of the time line
	}{
		{"offline", `way = "silence"`, "1s follow, 1s disconnect 1 silence, 3s reconnect 1 {Wait:false Clean:false Rename:false}, 3s over", "",
			"offline: 2 devices offline (silence), for 2s"},
		{"power-cut", `rename = true`, "1s follow, 1s disconnect 1 unplugged, 3s reconnect 1 {Wait:false Clean:false Rename:true}, 3s over", "",
			"power cut: 2 devices without power, for 2s"},
		{"router-reboot", "", "1s follow, 1s cut 1 router-reboot, 3s restore 1 true {Wait:true Clean:false Rename:false}, 3s over", "",
			"router reboot: 2 devices without a network while the router restarts, for 2s"},
		{"wifi-loss", `return = "at-once"`, "1s follow, 1s cut 1 wifi-loss, 3s restore 1 false {Wait:false Clean:false Rename:false}, 3s over", "",
			"wifi loss: 2 devices without Wi-Fi, for 2s"},
		{"firmware-roll", `batch = "50%"`, "1s follow, 1s disconnect 1 orderly, 2s reconnect 1 {Wait:false Clean:true Rename:false}, 3s over", "",
			"firmware roll: 2 devices restarted with new firmware, batch by batch, for 2s"},
		{"broker-outage", "", "1s follow, 1s broker left, 3s over", "1s suspend, 3s resume",
			"broker outage: 2 devices without a broker, for 2s"},
		{"id-fight", `session = "clean"`, "1s follow, 1s duplicate came, 1s duplicate clean=true, 3s over, 3s duplicate ends, 3s duplicate gone", "",
			"id fight: 2 devices against another client with the same client id, for 2s"},
		{"slow-link", `latency = "1s"`, `1s follow, 1s slow 1 ["latency 1"] [{Latency:1s Jitter:0s}], 3s quicken 1, 3s over`, "",
			"slow link: 2 devices on a slow connection, for 2s"},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			play(t, fmt.Sprintf("[[incident]]\nkind = %q\nat = \"1s\"\nfor = \"2s\"\n%s\n", tt.kind, tt.keys), func(s *stage) {
				s.sleepTo(10 * time.Second)
				lines := slices.Clone(s.devices[0].lines)
				if tt.kind == "id-fight" { // what two goroutines do at one moment has no order
					slices.Sort(lines[3:])
					want := strings.Split(tt.want, ", ")
					slices.Sort(want[3:])
					tt.want = strings.Join(want, ", ")
				}
				s.want("the first device", lines, tt.want)
				s.want("the broker", s.broker, tt.broker)
				if all := s.Events().All(0); len(all) != 1 || all[0].Text != tt.line || time.Duration(all[0].At) != time.Second || time.Duration(all[0].To) != 3*time.Second {
					t.Errorf("time line: %+v; want %q from 1s to 3s", all, tt.line)
				}
			})
		})
	}
}

// A device that flaps goes and comes for as long as the incident lasts, for about as long
// as it says, and is let go at the end.
func TestFlapping(t *testing.T) {
	play(t, "[[incident]]\nkind = \"flapping\"\nat = \"1s\"\nfor = \"30s\"\nup = \"2s\"\ndown = \"1s\"\n", func(s *stage) {
		s.sleepTo(50 * time.Second)
		var went, away time.Duration
		times := 0
		for i, line := range s.devices[0].lines {
			at, what, _ := strings.Cut(line, " ")
			now, err := time.ParseDuration(at)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case strings.HasPrefix(what, "disconnect 1 cut"):
				went = now
			case strings.HasPrefix(what, "reconnect 1"):
				if down := now - went; down > 1500*time.Millisecond || down < 500*time.Millisecond && now != 31*time.Second {
					t.Errorf("away for %v until %v; want 0.5s to 1.5s", down, now)
				}
				away += now - went
				times++
			case i == 0 && what == "follow", what == "over":
			default:
				t.Errorf("what is %q?", line)
			}
			if now > 31*time.Second {
				t.Errorf("%q is after the incident", line)
			}
		}
		if times < 6 || times > 20 {
			t.Errorf("away %d times in 30s, for %v; want about 10 times", times, away)
		}
		if a, b := s.devices[0].lines, s.devices[1].lines; slices.Equal(a, b) {
			t.Error("both devices flap alike; want each by itself")
		}
	})
}

// What is not due yet when the measuring is over does not happen, and a broker that is
// away comes back. Devices that are away then have not failed to come back.
func TestFinish(t *testing.T) {
	play(t, "[[incident]]\nkind = \"broker-outage\"\nat = \"1s\"\nfor = \"20s\"\n[[incident]]\nkind = \"offline\"\nat = \"2s\"\nfor = \"20s\"\n[[incident]]\nkind = \"offline\"\nat = \"6s\"\nfor = \"20s\"\n", func(s *stage) {
		s.sleepTo(5 * time.Second)
		if err := s.Finish(); err != nil {
			t.Errorf("Finish() = %v; want nil", err)
		}
		s.sleepTo(50 * time.Second)
		s.want("the broker", s.broker, "1s suspend, 5s resume")
		s.want("the first device", s.devices[0].lines, "1s follow, 1s broker left, 2s follow, 2s disconnect 2 cut")
		if s.Recoveries().Waiting(time.Minute) {
			t.Error("devices are waited for that nothing lets go; want none")
		}
		if all, more := s.Recoveries().All(0, time.Minute); len(all) != 0 || more != nil {
			t.Errorf("recoveries %+v, and %+v; want none", all, more)
		}
	})
}

// Two outages of the broker that overlap are one: it is back when both are over.
func TestOutagesOverlap(t *testing.T) {
	play(t, "[[incident]]\nkind = \"broker-outage\"\nat = \"1s\"\nfor = \"5s\"\n[[incident]]\nkind = \"broker-outage\"\nat = \"3s\"\nfor = \"10s\"\n", func(s *stage) {
		s.sleepTo(20 * time.Second)
		s.want("the broker", s.broker, "1s suspend, 13s resume")
	})
}

// The end of the run ends duplicates that have time left: Run returns at once.
func TestTheEndEndsDuplicates(t *testing.T) {
	play(t, "[[incident]]\nkind = \"id-fight\"\nat = \"1s\"\nfor = \"50s\"\n", func(s *stage) {
		s.sleepTo(5 * time.Second)
		s.want("the first device", s.devices[0].lines, "1s follow, 1s duplicate came, 1s duplicate clean=false")
		s.t.Cleanup(func() { // Run has returned
			s.want("the first device", s.devices[0].lines, "1s follow, 1s duplicate came, 1s duplicate clean=false, 5s duplicate ends, 5s duplicate gone")
		})
	})
}

// A device whose goroutine has ended is left alone, and nobody waits for it.
func TestADeviceThatIsGone(t *testing.T) {
	play(t, "[[incident]]\nkind = \"offline\"\nat = \"1s\"\nfor = \"2s\"\n", func(s *stage) {
		for _, d := range s.devices {
			close(d.gone)
		}
		s.sleepTo(10 * time.Second)
		s.want("the first device", s.devices[0].lines, "")
		if s.Recoveries().Waiting(10 * time.Second) {
			t.Error("devices that have ended are waited for; want none")
		}
	})
}
