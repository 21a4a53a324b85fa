package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/broker"
)

// statement is one thing that the standard says.
type statement struct {
	section string // of MQTT 5.0, or with "3.1.1: " in front, of that
	title   string
	check   func(r *run)
	variant string // which broker; "" is one with nothing special
	full    bool   // it takes tens of thousands of messages, and is for HOMEFLEET_FULL=1, which .ci/run sets
}

// variant is a way to set a broker up.
type variant struct {
	config broker.Config
	// mosquitto is its configuration; nil: it cannot be set up so. dir is for
	// files that it names.
	mosquitto func(dir string) (string, error)
}

func plainMosquitto(lines string) func(string) (string, error) {
	return func(string) (string, error) { return "allow_anonymous true\n" + lines, nil }
}

var variants = map[string]variant{
	"": {broker.Config{Anonymous: true, Limits: broker.Limits{MaximumPacketSize: 200_000, ReceiveMaximum: 10}},
		plainMosquitto("max_packet_size 200000\nmax_inflight_messages 10\nmax_queued_messages 1000\n")},
	"QoS 1, no retain": {broker.Config{Anonymous: true, Limits: broker.Limits{MaximumQoS: new(byte(1)), NoRetain: true}},
		plainMosquitto("max_qos 1\nretain_available false\n")},
	"keep alive": {broker.Config{Anonymous: true, Limits: broker.Limits{ServerKeepAlive: 1}}, nil},
	"restricted": {broker.Config{Anonymous: true, Limits: broker.Limits{NoWildcards: true, NoSubscriptionIDs: true, NoShared: true, TopicAliasMaximum: -1}}, nil},
	// For what takes tens of thousands of messages, which cost Mosquitto the delay
	// of a TCP acknowledgement each.
	"quick": {broker.Config{Anonymous: true}, nil},
	"users": {broker.Config{Users: []broker.User{{Name: "alice", Password: "secret", Publish: []string{"open/#"}, Subscribe: []string{"open/#"}, ResponseInformation: "own/{user}"}}},
		func(dir string) (string, error) {
			passwords, acl := filepath.Join(dir, "passwords"), filepath.Join(dir, "acl")
			if out, err := exec.Command("mosquitto_passwd", "-b", "-c", passwords, "alice", "secret").CombinedOutput(); err != nil {
				return "", fmt.Errorf("mosquitto_passwd: %w: %s", err, out)
			}
			err := os.WriteFile(acl, []byte("user alice\ntopic readwrite open/#\n"), 0o600)
			return "allow_anonymous false\npassword_file " + passwords + "\nacl_file " + acl + "\n", err
		}},
}

func TestMain(m *testing.M) {
	// Most of what is checked here is waiting, so the checks run all at once, not
	// one for each processor.
	flag.Parse()
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func statements() []statement {
	var all []statement
	for _, part := range [][]statement{formatStatements, connectStatements, willStatements, publishStatements, qosStatements,
		subscribeStatements, sessionStatements, limitStatements, oldStatements} {
		all = append(all, part...)
	}
	return all
}

func TestStatementsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range statements() {
		if name := s.section + " " + s.title; seen[name] {
			t.Errorf("two statements are called %q", name)
		} else {
			seen[name] = true
		}
		if _, ok := variants[s.variant]; !ok {
			t.Errorf("%s %s wants the broker %q; want one of the table", s.section, s.title, s.variant)
		}
	}
	for _, list := range []map[string]string{mosquittoDeviations, mosquittoSometimes} {
		for name := range list {
			if !seen[name] {
				t.Errorf("a deviation is listed of %q, which is no statement", name)
			}
		}
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	addrs := map[string]string{}
	for name, v := range variants {
		b, err := broker.New(v.config)
		if err != nil {
			t.Fatalf("broker.New for %q = %v; want nil", name, err)
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
		addrs[name] = l.Addr().String()
	}
	runAll(t, addrs, nil, nil)
}

func TestMosquitto(t *testing.T) {
	t.Parallel()
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
	version := mosquittoVersion(path)
	t.Logf("mosquitto version %s", version)
	addrs := map[string]string{}
	for name, v := range variants {
		if v.mosquitto != nil {
			addrs[name] = startMosquitto(t, path, v)
		}
	}
	always, sometimes := mosquittoDeviations, maps.Clone(mosquittoSometimes)
	if version != listedVersion {
		maps.Copy(sometimes, always)
		always = nil
	}
	runAll(t, addrs, always, sometimes)
}

// listedVersion is what the list of deviations is about. Of another version, a
// listed statement may hold.
const listedVersion = "2.0.11"

func mosquittoVersion(path string) string {
	out, _ := exec.Command(path, "-h").Output() // its exit code is 3 or so
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimPrefix(first, "mosquitto version ")
}

func startMosquitto(t *testing.T, path string, v variant) (addr string) {
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
	var out bytes.Buffer
	cmd := exec.Command(path, "-c", file)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return addr
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("mosquitto does not answer: %v\n%s\n%s", err, conf, out.String())
		}
	}
}

// runAll checks every statement. Those in always have to fail, those in sometimes
// may.
func runAll(t *testing.T, addrs, always, sometimes map[string]string) {
	for i, s := range statements() {
		addr, ok := addrs[s.variant]
		if !ok || s.full && os.Getenv("HOMEFLEET_FULL") != "1" {
			continue
		}
		name := s.section + " " + s.title
		t.Run(strings.ReplaceAll(name, "/", "|"), func(t *testing.T) {
			t.Parallel()
			r := &run{addr: addr, prefix: fmt.Sprintf("t%d", i)}
			done := make(chan struct{})
			go func() {
				defer close(done)
				s.check(r)
			}()
			<-done
			for _, c := range r.conns {
				if c != nil {
					_ = c.Close()
				}
			}
			reason, known := always[name]
			perhaps, may := sometimes[name]
			switch {
			case r.skipped != "":
				t.Skip(r.skipped)
			case known && r.fault == "":
				t.Errorf("passes, but is in the list of deviations (%s); want it taken out", reason)
			case (known || may) && r.fault != "":
				t.Skipf("known deviation: %s (%s)", reason+perhaps, r.fault)
			case r.fault != "":
				t.Error(r.fault)
			}
		})
	}
}
