package cmd

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"homefleet/fleet/mosquitto"
)

// asProgram in the environment makes the test binary the program, for scripts
// that want a process of its own, to send it a signal or a kill -9.
const asProgram = "HOMEFLEET_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		os.Exit(Main())
	}
	if os.Getenv("GORACE") == "" {
		// With the race detector a process waits for a second before it ends.
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // for those that are started
	}
	if signal.Ignored(syscall.SIGHUP) {
		// Under nohup, and with whoever else keeps it away: what is caught here is as ever for those
		// that are started, where what is ignored would be for them, too.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	flag.Parse()
	if at := flag.Lookup("test.parallel"); at.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = at.Value.Set(strconv.Itoa(atOnce)) // it is a number
	}
	debug.SetGCPercent(gcPercent) // as Main does
	// A program that is started inherits that a signal is ignored, as beneath nohup, but not
	// that it is caught.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	os.Exit(m.Run())
}

// atOnce is how many scripts and the like run at a time, unless the command line says
// otherwise: mostly they wait.
const atOnce = 6

// TestScripts runs the scripts of testdata/script. They read as documentation;
// what they say beyond testscript's own commands is:
//
//	homefleet ARGS...            run in this process; with ! it must fail. A request without a
//	                             --timeout has the patience of the script
//	input FILE                   stdin of the next homefleet
//	code N                       the exit code of the last homefleet
//	background NAME ARGS...      start homefleet in this process
//	spawn NAME PROGRAM ARGS...   start a process
//	await NAME STREAM REGEXP [VAR]  wait until a job has written it; VAR is set
//	                             to the first submatch
//	interrupt NAME               Ctrl-C
//	hangup NAME                  SIGHUP, of a spawned job
//	killhard NAME                kill -9, of a spawned job
//	finish NAME CODE             wait for the end; stdout and stderr are the job's
//	freeport VAR                 VAR is a TCP port that is free
//	waitfile FILE                wait until there is such a file
//	mosquitto VAR [default]      start a Mosquitto broker, set up for tests or as it comes;
//	                             VAR is its port
//	strange VAR HEX...           start a server that answers what it is sent with
//	                             these bytes, one group at a time; VAR is its port
//	certificate NAME [expired]   write NAME.pem and NAME-key.pem for 127.0.0.1
//	mutual VAR NAME VERSION      start a TLS server with NAME.pem that wants a certificate of
//	                             its clients, of TLS 1.2 or 1.3; VAR is its port
//	answer PORT TOPIC N          answer each request to the topic N times
//	liar VAR PORT LIE            start a proxy before the broker at PORT; VAR is its port. It
//	                             loses all "acknowledgements", or all "wills", or with
//	                             "telemetry N" loses, doubles and swaps every tenth message
//	                             of the first N of telemetry; with "telemetry N later" it
//	                             begins when it is told to
//	lie PORT                     tell the liar at this port to begin
//	forge RESULT FORGED          write the result again, saying of itself that it passed
//	ask READY METHOD PATH [BODY] make a request of the run with this ready file, as curl
//	                             would; with ! it must be refused
//	askuntil READY PATH REGEXP   GET it until the reply matches
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scriptParams("testdata/script"))
}

// TestInterop runs the scripts that need Mosquitto.
func TestInterop(t *testing.T) {
	t.Parallel()
	needMosquitto(t)
	testscript.Run(t, scriptParams("testdata/interop"))
}

// needMosquitto skips the test where Mosquitto is not installed, unless
// HOMEFLEET_INTEROP=1 says that it has to be.
func needMosquitto(t *testing.T) {
	t.Helper()
	var missing []string
	for _, tool := range []string{"mosquitto_rr", "mosquitto_sub", "mosquitto_pub"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if _, err := mosquitto.Find(); err != nil {
		missing = append(missing, "mosquitto")
	}
	if missing == nil {
		return
	}
	text := "interop tests need " + strings.Join(missing, ", ") + ": install Debian's mosquitto and mosquitto-clients; HOMEFLEET_INTEROP=1 makes their absence a failure"
	if os.Getenv("HOMEFLEET_INTEROP") == "1" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// scriptPatience is how long a script waits for what must come: far longer than it takes, since
// the machine may be busy with something else.
const scriptPatience = time.Minute

func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// Runs of other scripts, and of whoever works on this machine, are not found.
			env.Setenv("XDG_RUNTIME_DIR", env.WorkDir)
			env.Values[stateKey] = &scriptState{jobs: make(map[string]*job), liars: make(map[string]*lyingProxy), code: -1}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"homefleet":   scriptHomefleet,
			"input":       scriptInput,
			"code":        scriptCode,
			"background":  scriptBackground,
			"spawn":       scriptSpawn,
			"await":       scriptAwait,
			"interrupt":   scriptInterrupt,
			"hangup":      scriptHangUp,
			"killhard":    scriptKill,
			"finish":      scriptFinish,
			"freeport":    scriptFreePort,
			"waitfile":    scriptWaitFile,
			"mosquitto":   scriptMosquitto,
			"strange":     scriptStrange,
			"certificate": scriptCertificate,
			"mutual":      scriptMutual,
			"answer":      scriptAnswer,
			"forge":       scriptForge,
			"liar":        scriptLiar,
			"lie":         scriptLie,
			"ask":         scriptAsk,
			"askuntil":    scriptAskUntil,
		},
	}
}

type stateKeyType struct{}

var stateKey stateKeyType

// scriptState is what a script's commands share.
type scriptState struct {
	jobs  map[string]*job
	liars map[string]*lyingProxy // by port
	code  int
	stdin string
}

func stateOf(ts *testscript.TestScript) *scriptState { return ts.Value(stateKey).(*scriptState) }

// job is something that runs beside the script.
type job struct {
	stdout, stderr liveBuffer
	ended          chan struct{}
	code           int // valid once ended is closed
	interrupt      func()
	hangUp         func() // nil: it is no process of its own
	kill           func()
}

// liveBuffer is a buffer that can be waited for.
type liveBuffer struct {
	mu      sync.Mutex
	text    []byte
	changed chan struct{} // closed at the next Write; nil: nobody waits
}

func (b *liveBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	return len(p), nil
}

// now returns what there is, and a channel that tells of more.
func (b *liveBuffer) now() ([]byte, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return bytes.Clone(b.text), b.changed
}

// await waits until the text matches, the job ends, or patience does.
func (b *liveBuffer) await(re *regexp.Regexp, ended <-chan struct{}) ([][]byte, error) {
	timeout := time.After(scriptPatience)
	last := false
	for {
		text, changed := b.now()
		if m := re.FindSubmatch(text); m != nil {
			return m, nil
		}
		if last {
			return nil, fmt.Errorf("the job ended without writing %q; it wrote:\n%s", re, text)
		}
		select {
		case <-changed:
		case <-ended:
			last = true
		case <-timeout:
			return nil, fmt.Errorf("%q was not written within %v; there is:\n%s", re, scriptPatience, text)
		}
	}
}

func scriptProcess(ts *testscript.TestScript, args []string, stdout, stderr Stream) Process {
	return Process{
		Args: args, Stdout: stdout, Stderr: stderr, Dir: ts.MkAbs("."),
		LookupEnv: func(name string) (string, bool) {
			v := ts.Getenv(name)
			return v, v != ""
		},
	}
}

func scriptHomefleet(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) > 0 && args[0] == "request" && !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--timeout") }) {
		args = slices.Insert(args, 1, "--timeout", scriptPatience.String()) // this machine may be busy with something else
	}
	p := scriptProcess(ts, args, Stream{Writer: ts.Stdout()}, Stream{Writer: ts.Stderr()})
	state := stateOf(ts)
	p.Stdin = strings.NewReader(state.stdin)
	code := Run(context.Background(), p)
	state.code, state.stdin = code, ""
	switch {
	case neg && code == 0:
		ts.Fatalf("homefleet %q = exit code 0; want another", args)
	case !neg && code != 0:
		ts.Fatalf("homefleet %q = exit code %d; want 0", args, code)
	}
}

func scriptInput(ts *testscript.TestScript, _ bool, args []string) {
	stateOf(ts).stdin = ts.ReadFile(args[0])
}

func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if got := strconv.Itoa(stateOf(ts).code); neg || len(args) != 1 || got != args[0] {
		ts.Fatalf("exit code = %s; want %q", got, args)
	}
}

// start notes a job, and sees to it that it is over when the script is.
func start(ts *testscript.TestScript, name string, j *job) {
	jobs := stateOf(ts).jobs
	if jobs[name] != nil {
		ts.Fatalf("there is a job %q already", name)
	}
	jobs[name] = j
	ts.Defer(func() {
		j.interrupt()
		select {
		case <-j.ended:
		case <-time.After(scriptPatience):
			j.kill()
			<-j.ended
		}
	})
}

func scriptBackground(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: background NAME ARGS...")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	j := &job{ended: make(chan struct{})}
	j.interrupt = func() { cancel(errInterrupted) }
	j.kill = j.interrupt
	p := scriptProcess(ts, args[1:], Stream{Writer: &j.stdout}, Stream{Writer: &j.stderr})
	env := make(map[string]string) // ts may not be asked from another goroutine
	for _, name := range scriptEnv {
		env[name] = ts.Getenv(name)
	}
	p.LookupEnv = func(name string) (string, bool) { return env[name], env[name] != "" }
	go func() {
		defer close(j.ended)
		j.code = Run(ctx, p)
	}()
	start(ts, args[0], j)
}

// scriptEnv are the variables that background jobs of a script may see.
var scriptEnv = []string{"HOMEFLEET_BROKER", "HOMEFLEET_PASSWORD", "HOMEFLEET_LISTEN", "PASSWORD", "ALICE_PASSWORD", "FLEET_PASSWORD", "NO_COLOR", "XDG_RUNTIME_DIR", "SECRET"}

func scriptSpawn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: spawn NAME PROGRAM ARGS...")
	}
	startProcess(ts, args[0], args[1], args[2:]...)
}

func startProcess(ts *testscript.TestScript, name, path string, args ...string) *job {
	j := &job{ended: make(chan struct{})}
	program := path
	if path == "homefleet" {
		var err error
		program, err = os.Executable()
		ts.Check(err)
	}
	c := exec.Command(program, args...)
	c.Args[0] = path
	c.Dir, c.Stdout, c.Stderr = ts.MkAbs("."), &j.stdout, &j.stderr
	c.Env = append(os.Environ(), asProgram+"=1")
	for _, name := range scriptEnv {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(c.Start())
	j.interrupt = func() { _ = c.Process.Signal(os.Interrupt) }
	j.hangUp = func() { _ = c.Process.Signal(syscall.SIGHUP) }
	j.kill = func() { _ = c.Process.Kill() }
	go func() {
		defer close(j.ended)
		err := c.Wait()
		j.code = c.ProcessState.ExitCode()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
				j.code = 128 + int(s.Signal())
			}
		}
	}()
	start(ts, name, j)
	return j
}

func jobOf(ts *testscript.TestScript, args []string, n int, usage string) *job {
	if len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
	j := stateOf(ts).jobs[args[0]]
	if j == nil {
		ts.Fatalf("there is no job %q", args[0])
	}
	return j
}

func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	j := jobOf(ts, args, 3, "await NAME STREAM REGEXP [VAR]")
	buffer := &j.stderr
	if args[1] == "stdout" {
		buffer = &j.stdout
	}
	m, err := buffer.await(regexp.MustCompile("(?m)"+args[2]), j.ended)
	if err != nil || neg {
		ts.Fatalf("await %q: %v", args, err)
	}
	if len(args) > 3 {
		ts.Setenv(args[3], string(m[1]))
	}
}

func scriptInterrupt(ts *testscript.TestScript, _ bool, args []string) {
	jobOf(ts, args, 1, "interrupt NAME").interrupt()
}

func scriptHangUp(ts *testscript.TestScript, _ bool, args []string) {
	jobOf(ts, args, 1, "hangup NAME").hangUp()
}

func scriptKill(ts *testscript.TestScript, _ bool, args []string) {
	jobOf(ts, args, 1, "killhard NAME").kill()
}

func scriptFinish(ts *testscript.TestScript, _ bool, args []string) {
	j := jobOf(ts, args, 2, "finish NAME CODE")
	select {
	case <-j.ended:
	case <-time.After(scriptPatience):
		text, _ := j.stderr.now()
		ts.Fatalf("%s did not end within %v; stderr:\n%s", args[0], scriptPatience, text)
	}
	stdout, _ := j.stdout.now()
	stderr, _ := j.stderr.now()
	_, _ = ts.Stdout().Write(stdout)
	_, _ = ts.Stderr().Write(stderr)
	if got := strconv.Itoa(j.code); got != args[1] {
		ts.Fatalf("exit code of %s = %s; want %s; stderr:\n%s", args[0], got, args[1], stderr)
	}
}

func scriptFreePort(ts *testscript.TestScript, _ bool, args []string) {
	port, err := mosquitto.FreePort()
	ts.Check(err)
	ts.Setenv(args[0], strconv.Itoa(port))
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func scriptWaitFile(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(scriptPatience); ; time.Sleep(5 * time.Millisecond) {
		if isFile(ts.MkAbs(args[0])) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("there is no file %s after %v", args[0], scriptPatience)
		}
	}
}

// scriptMosquitto starts a Mosquitto broker on a free port of this machine and
// waits until it says that it listens. Where somebody else was quicker to take the port, it
// says so, ends, and is started on another one.
func scriptMosquitto(ts *testscript.TestScript, _ bool, args []string) {
	path, err := mosquitto.Find()
	ts.Check(err)
	for range 5 {
		port, err := mosquitto.FreePort()
		ts.Check(err)
		config := ts.MkAbs("mosquitto-" + strconv.Itoa(port) + ".conf")
		text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\n", port)
		if len(args) == 1 {
			text += "set_tcp_nodelay true\nmax_queued_messages 0\n"
		}
		ts.Check(os.WriteFile(config, []byte(text), 0o600))
		name := "mosquitto"
		if stateOf(ts).jobs[name] != nil {
			name += "-" + strconv.Itoa(port)
		}
		j := startProcess(ts, name, path, "-v", "-c", config)
		if _, err = j.stderr.await(regexp.MustCompile(`mosquitto version .* running`), j.ended); err == nil {
			ts.Setenv(args[0], strconv.Itoa(port))
			return
		}
		ts.Logf("mosquitto on port %d: %v", port, err)
		delete(stateOf(ts).jobs, name)
	}
	ts.Fatalf("mosquitto does not come up")
}

// scriptCertificate writes a certificate for this machine that vouches for
// itself, and its key.
func scriptCertificate(ts *testscript.TestScript, _ bool, args []string) {
	end := time.Now().Add(time.Hour)
	if len(args) > 1 && args[1] == "expired" {
		end = time.Now().Add(-time.Hour)
	}
	certificate, key, err := makeCertificate(end)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), certificate, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+"-key.pem"), key, 0o600))
}

// makeCertificate returns a certificate for 127.0.0.1, its own CA, and its key.
func makeCertificate(end time.Time) (certificate, private []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	private, err = x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), err
}

// scriptStrange starts a server that is no broker, or no good one. Its bytes are
// sent one group after another, each after something was received.
func scriptStrange(ts *testscript.TestScript, _ bool, args []string) {
	var groups [][]byte
	for _, digits := range args[1:] {
		b, err := hex.DecodeString(digits)
		ts.Check(err)
		groups = append(groups, b)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var serving sync.WaitGroup
	over := make(chan struct{})
	serve := func(conn net.Conn) {
		defer conn.Close()
		buf := make([]byte, 4096)
		for i := 0; ; i++ {
			if _, err := conn.Read(buf); err != nil {
				<-over // it never hangs up first
				return
			}
			if i < len(groups) {
				if _, err := conn.Write(groups[i]); err != nil {
					return
				}
			}
		}
	}
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(conn) })
		}
	})
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ts.Defer(func() {
		close(over)
		_ = l.Close()
		serving.Wait()
	})
}
