//go:build linux

package attack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/broker"
	"homefleet/fleet/web"
)

// setup is what a broker is to be like: as it is by default, where nothing is said.
type setup struct {
	Users  []broker.User
	Limits broker.Limits
	Over   string // "tls", "ws"; else plain TCP
}

// beBroker is a broker as the first line of in says. It says where it listens, and
// for every further line gives back what it can and says what it charges.
func beBroker(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Scan()
	var s setup
	if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
		return err
	}
	b, err := broker.New(broker.Config{Anonymous: len(s.Users) == 0, Users: s.Users, Limits: s.Limits})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = serveOver(s.Over, b, l) }() // until the process ends
	fmt.Fprintln(out, l.Addr())
	for lines.Scan() {
		debug.FreeOSMemory()
		debug.FreeOSMemory() // what has a finalizer or lies in a pool goes the second time
		fmt.Fprintln(out, b.Stats().Memory)
	}
	return nil
}

// beHTTP is what listens for HTTP: a page that is served a few at a time, as
// --metrics is, and a broker's WebSockets. It says where they listen.
func beHTTP(in io.Reader, out io.Writer) error {
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		return err
	}
	page := strings.Repeat("figures\n", 10_000)
	for _, h := range []struct {
		most    int
		handler http.Handler
	}{{64, web.Buffered(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) }))}, {256, b.Handler()}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := web.NewServer(l, "", h.most, h.handler, slog.New(slog.DiscardHandler))
		go func() { _ = server.Serve(l) }() // until the process ends
		fmt.Fprintln(out, l.Addr())
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// beBystander sends messages to itself, every other one after a SUBSCRIBE, until in
// ends, and says how long it waited at most, and how often it did.
func beBystander(where string, in io.Reader, out io.Writer) error {
	way, address, _ := strings.Cut(where, " ")
	nc, err := dialOver(way, address, new(traffic))
	if err != nil {
		return err
	}
	c := &conn{Conn: nc, r: bufio.NewReader(nc)}
	if err := c.login("bystander", "bystander", nil); err != nil {
		return err
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(over)
	}()
	fmt.Fprintln(out, "up")
	var worst time.Duration
	n := 0
	for ; ; n++ {
		select {
		case <-over:
			if n > 0 { // however short the attack was
				fmt.Fprintln(out, worst.Microseconds(), n)
				return nil
			}
		case <-time.After(time.Millisecond):
		}
		began := time.Now()
		if err := c.send(subscribe(1, "by/stander", 0), publish(1, "by/stander", 0, nil, "x")); err != nil {
			return err
		}
		for got := 0; got < 2; { // the SUBACK and the message itself, not what is retained
			p, err := c.packet()
			if err != nil {
				return err
			}
			if p[0] == 0x90 || p[0] == 0x30 {
				got++
			}
		}
		worst = max(worst, time.Since(began))
	}
}

// process is one that this one has started.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(name, args...)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	t.Cleanup(p.end)
	return p
}

// end kills the process, which may have ended.
func (p *process) end() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// line returns the next line that the process says.
func (p *process) line() string {
	p.t.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("process %d, %s: %v; want a line", p.cmd.Process.Pid, p.cmd.Args, err)
	}
	return strings.TrimSpace(text)
}

// play starts a role.
func play(t *testing.T, role, data string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, self, "-role", role, "-role-data", data)
}

// resident is the memory of the process as the system sees it.
func (p *process) resident() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// forgetPeak has the system measure the most that the process takes anew.
func (p *process) forgetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
		p.t.Fatal(err)
	}
}

// peak is the most that the process took since.
func (p *process) peak() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		p.t.Fatalf("/proc/%d/status: %v; want VmHWM in it", p.cmd.Process.Pid, err)
	}
	return kilobytes << 10
}

// measure has a broker give back what it can; it returns what it keeps and what
// it charges.
func (p *process) measure() (kept, charged int64) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
	charged, err := strconv.ParseInt(p.line(), 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.resident(), charged
}

// stop ends a bystander and returns how long it waited at most.
func (p *process) stop() (worst time.Duration, n int) {
	p.t.Helper()
	_ = p.in.Close()
	var us int64
	if _, err := fmt.Sscan(p.line(), &us, &n); err != nil {
		p.t.Fatal(err)
	}
	return time.Duration(us) * time.Microsecond, n
}
