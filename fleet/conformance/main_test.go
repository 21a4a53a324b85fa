package conformance

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// variant is a way to set a broker up.
type variant struct {
	config broker.Config
	// mosquitto is its configuration; nil: it cannot be set up so. dir is for
	// files that it names.
	mosquitto func(dir string) (string, error)
	examine   func(c *Config) // what the examiner is told of it
}

func plainMosquitto(lines string) func(string) (string, error) {
	return func(string) (string, error) { return "allow_anonymous true\n" + lines, nil }
}

func asAlice(c *Config) {
	c.Username, c.Password, c.TopicPrefix, c.ForbiddenTopic = "alice", new("secret"), "open/", "closed/a"
	c.OtherUsername, c.OtherPassword = "bob", new("hidden")
}

var variants = map[string]variant{
	"": {broker.Config{Anonymous: true, Limits: broker.Limits{MaximumPacketSize: 200_000, ReceiveMaximum: 10}},
		plainMosquitto("max_packet_size 200000\nmax_inflight_messages 10\nmax_queued_messages 1000\n"), nil},
	"QoS 1, no retain": {broker.Config{Anonymous: true, Limits: broker.Limits{MaximumQoS: new(byte(1)), NoRetain: true}},
		plainMosquitto("max_qos 1\nretain_available false\n"), nil},
	"keep alive": {broker.Config{Anonymous: true, Limits: broker.Limits{ServerKeepAlive: 1}}, nil, nil},
	"restricted": {broker.Config{Anonymous: true, Limits: broker.Limits{NoWildcards: true, NoSubscriptionIDs: true, NoShared: true, TopicAliasMaximum: -1}}, nil, nil},
	// What is bridged here is the broker to itself: the statement is on trial, not a bridge.
	"bridged": {broker.Config{Anonymous: true}, nil, func(c *Config) { c.Far = c.Dial }},
	"users": {broker.Config{Users: []broker.User{{Name: "alice", Password: "secret", Publish: []string{"open/#"}, Subscribe: []string{"open/#"}, ResponseInformation: "own/{user}"},
		{Name: "bob", Password: "hidden", Publish: []string{"open/#"}, Subscribe: []string{"open/#"}, ResponseInformation: "own/{user}"}}},
		func(dir string) (string, error) {
			passwords, acl := filepath.Join(dir, "passwords"), filepath.Join(dir, "acl")
			if out, err := exec.Command("mosquitto_passwd", "-b", "-c", passwords, "alice", "secret").CombinedOutput(); err != nil {
				return "", fmt.Errorf("mosquitto_passwd: %w: %s", err, out)
			}
			err := os.WriteFile(acl, []byte("user alice\ntopic readwrite open/#\n"), 0o600)
			return "allow_anonymous false\npassword_file " + passwords + "\nacl_file " + acl + "\n", err
		}, asAlice},
}

func TestStatementsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Statements() {
		if seen[s.Name()] {
			t.Errorf("two statements are called %q", s.Name())
		}
		seen[s.Name()] = true
		if s.check == nil || s.control == nil && controls[s.Group].check == nil || s.Control() == "" {
			t.Errorf("%s has no check or no control; want both", s.Name())
		}
		if s.Does == "" || s.Wants == "" {
			t.Errorf("%s: Does = %q, Wants = %q; want a sentence each", s.Name(), s.Does, s.Wants)
		}
	}
	for _, list := range []map[string]string{mosquittoDeviations, mosquittoSometimes, recommended, homeAssistant.Requires} {
		for name := range list {
			if !seen[name] {
				t.Errorf("a list has %q, which is no statement", name)
			}
		}
	}
}

// startEmbedded returns the address of an embedded broker, and it.
func startEmbedded(t *testing.T, c broker.Config) (string, *broker.Broker) {
	b, err := broker.New(c)
	if err != nil {
		t.Fatalf("broker.New = %v; want nil", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Serve(l); err != nil {
			t.Errorf("Serve = %v; want nil", err)
		}
	})
	t.Cleanup(func() {
		_ = b.Close()
		wg.Wait()
	})
	return l.Addr().String(), b
}

func dialer(addr string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// examined examines the broker of a variant: in one that is set up specially, what
// is about such a set-up.
func examined(t *testing.T, addr, name string, slow bool) *Report {
	return examinedFor(t, addr, name, func(s *Statement) bool { return (s.needs != anyBroker) == (name != "") && (!s.Slow || slow) })
}

// asked is what becomes of a statement that a busy machine left undecided: it is asked again, by
// itself.
func asked(t *testing.T, addr, name string, r Result) Result {
	for n := 0; r.Slow && r.Status == NotDecided && n < 5; n++ {
		t.Logf("%s is asked again: %s", r.Name(), r.Seen)
		for _, again := range examinedFor(t, addr, name, func(s *Statement) bool { return s.Name() == r.Name() }).Results {
			if again.Name() == r.Name() {
				r = again
			}
		}
	}
	return r
}

// examinedFor examines the broker of a variant once for some statements.
func examinedFor(t *testing.T, addr, name string, chosen func(*Statement) bool) *Report {
	c := Config{Dial: dialer(addr), Run: "t", Parallel: 64, Attempts: 1, Trace: true}
	if v := variants[name]; v.examine != nil {
		v.examine(&c)
	}
	for _, s := range Statements() {
		if chosen(&s) {
			c.Statements = append(c.Statements, s)
		}
	}
	report, err := Examine(t.Context(), c)
	if err != nil {
		t.Fatalf("Examine of %q = %v; want nil", name, err)
	}
	return report
}

var (
	cleanRuns   = flag.Int("clean.runs", 1, "how often the embedded broker is examined with each of its set-ups")
	cleanAtOnce = flag.Int("clean.at-once", 8, "how many examinations of it go on at a time")
)

// The embedded broker keeps to all statements, with each of its set-ups, and is never
// accused of anything: with -clean.runs 1000 a thousand times, each a broker of its own.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	conforms := make(map[string]bool)
	slots := make(chan struct{}, *cleanAtOnce)
	t.Run("variants", func(t *testing.T) {
		for i := range *cleanRuns * len(variants) {
			name := slices.Sorted(maps.Keys(variants))[i%len(variants)]
			v := variants[name]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				addr, b := startEmbedded(t, v.config)
				report := examined(t, addr, name, some(false, true))
				for i := range report.Results {
					report.Results[i] = asked(t, addr, name, report.Results[i])
				}
				mu.Lock()
				defer mu.Unlock()
				for _, r := range report.Results {
					switch r.Status {
					case Deviates, Flaky:
						t.Errorf("%s: %s; want %s%s", r.Name(), r.Seen, r.Expected, stepsOf(&r))
					case Conforms:
						conforms[r.Name()] = true
					case NotDecided, NotSupported:
						if *cleanRuns > 1 && r.Slow {
							continue // nobody was accused
						}
						if r.needs == anyBroker && name == "" {
							t.Errorf("%s is %s: %s; want it to conform", r.Name(), r.Status, r.Seen)
						}
					}
				}
				if report.Early != 0 || report.Left != 0 && *cleanRuns == 1 || report.Gone != "" {
					t.Errorf("early %v, left behind %d, gone %q; want nothing of it", report.Early, report.Left, report.Gone)
				}
				// With many at a time something may be left behind, which is held against nobody.
				for end := time.Now().Add(time.Minute); *cleanRuns == 1; time.Sleep(20 * time.Millisecond) {
					if s := b.Stats(); s.Sessions == 0 && s.Retained == 0 {
						break
					} else if time.Now().After(end) {
						t.Errorf("the broker is left with %d sessions and %d retained messages; want none", s.Sessions, s.Retained)
						break
					}
				}
			})
		}
	})
	for _, s := range Statements() {
		if !conforms[s.Name()] && (!s.Slow || some(false, true)) {
			t.Errorf("%s was not found to conform with any set-up of the embedded broker", s.Name())
		}
	}
}

func stepsOf(r *Result) string {
	var b strings.Builder
	for _, s := range r.Steps {
		b.WriteString("\n    " + s.String())
	}
	return b.String()
}

// mosquittoPath is where Mosquitto is; without one the test is skipped.
func mosquittoPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		if os.Getenv("HOMEFLEET_INTEROP") == "1" {
			t.Fatal("HOMEFLEET_INTEROP=1 is set, but mosquitto is not installed")
		}
		t.Skip("mosquitto is not installed: install it (Debian: apt-get install mosquitto) to check the suite against it; HOMEFLEET_INTEROP=1 makes it required")
	}
	return path
}

func TestMosquitto(t *testing.T) {
	t.Parallel()
	path := mosquittoPath(t)
	version := mosquittoVersion(path)
	t.Logf("mosquitto version %s", version)
	always, sometimes := mosquittoDeviations, maps.Clone(mosquittoSometimes)
	if version != listedVersion {
		maps.Copy(sometimes, always)
		always = nil
	}
	for name, v := range variants {
		if v.mosquitto == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What is slow takes Mosquitto ten minutes: 65,536 acknowledgements that TCP delays.
			addr := startMosquitto(t, path, v)
			for _, r := range examined(t, addr, name, false).Results {
				r = asked(t, addr, name, r)
				reason, known := always[r.Name()]
				perhaps, may := sometimes[r.Name()]
				switch {
				case known && r.Status == Conforms:
					t.Errorf("%s conforms, but is in the list of deviations (%s); want it taken out", r.Name(), reason)
				case (known || may) && r.Status == Deviates:
					t.Logf("known deviation: %s: %s (%s)", r.Name(), reason+perhaps, r.Seen)
				case r.Status == Deviates || r.Status == NotDecided && r.needs == anyBroker:
					t.Errorf("%s %s: %s; want %s (echo of %q)%s", r.Name(), r.Status, r.Seen, r.Expected, r.EchoOf, stepsOf(&r))
				}
			}
		})
	}
}

// listedVersion is what the list of deviations is about. Of another version, a
// listed statement may hold.
const listedVersion = "2.0.11"

func mosquittoVersion(path string) string {
	out, _ := exec.Command(path, "-h").Output() // its exit code is 3 or so
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimPrefix(first, "mosquitto version ")
}

// startMosquitto starts one of a variant. Another process may take the free port that was found
// for it before it does: then it ends, and is started on another.
func startMosquitto(t *testing.T, path string, v variant) (addr string) {
	t.Helper()
	for range 5 {
		addr, said := tryMosquitto(t, path, v)
		if said == "" {
			return addr
		}
		t.Logf("mosquitto on %s ended: %s", addr, said)
	}
	t.Fatal("mosquitto did not come up")
	return ""
}

// tryMosquitto waits until it listens, or ends, and returns what it said before that.
func tryMosquitto(t *testing.T, path string, v variant) (addr, said string) {
	t.Helper()
	dir := t.TempDir()
	conf, err := v.mosquitto(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_ = l.Close()
	conf += "listener " + addr[strings.LastIndexByte(addr, ':')+1:] + " 127.0.0.1\n"
	if os.Getuid() == 0 {
		conf += "user root\n" // it would give up its right to read its files
	}
	// The listener's own options have to stand behind it.
	for _, option := range []string{"max_qos 1\n"} {
		if strings.Contains(conf, option) {
			conf = strings.Replace(conf, option, "", 1) + option
		}
	}
	file := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-c", file)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	impatient := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer impatient.Stop()
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said += lines.Text() + "\n"
		if !strings.HasSuffix(lines.Text(), " running") {
			continue
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, log)
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			<-read
			_ = cmd.Wait()
		})
		return addr, ""
	}
	return addr, fmt.Sprintf("%s%v", said, cmd.Wait())
}
