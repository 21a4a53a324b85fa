package cmd

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/machine"
	"homefleet/fleet/metrics"
)

// What the broker's process uses while the run measures counts, and nothing else.
func TestBrokerProcess(t *testing.T) {
	const mib = 1 << 20
	type at struct {
		second float64
		phase  fleet.Phase
		cpu    float64 // seconds so far; below 0: the process is gone
		rss    int64
	}
	for _, tt := range []struct {
		name   string
		looks  []at
		end    at
		want   *metrics.ProcessFacts
		remark string
	}{
		{"measured", []at{{0, fleet.Connecting, 1, mib}, {1, fleet.WarmingUp, 2, 9 * mib}, {3, fleet.Measuring, 5, 2 * mib}, {3.5, fleet.Measuring, 5.5, 8 * mib},
			{4.5, fleet.Measuring, 6, 4 * mib}, {13, fleet.Draining, 7.5, 3 * mib}, {14, fleet.Draining, 50, 99 * mib}}, at{15, fleet.Ended, 60, 99 * mib},
			&metrics.ProcessFacts{PID: 7, CPU: 2.5, Over: metrics.Span(10 * time.Second), RSS: 3 * mib, MostRSS: 4 * mib}, ""},
		{"stopped while it measured", []at{{3, fleet.Measuring, 5, mib}}, at{5, fleet.Ended, 6, 2 * mib},
			&metrics.ProcessFacts{PID: 7, CPU: 1, Over: metrics.Span(2 * time.Second), RSS: 2 * mib, MostRSS: 2 * mib}, ""},
		{"nothing is measured", []at{{0, fleet.Connecting, 1, mib}, {1, fleet.Running, 2, mib}}, at{61, fleet.Ended, 5, 2 * mib},
			&metrics.ProcessFacts{PID: 7, CPU: 3, Over: metrics.Span(time.Minute), RSS: 2 * mib, MostRSS: 2 * mib}, ""},
		{"it ends", []at{{0, fleet.Measuring, 1, mib}, {2, fleet.Measuring, 2, mib}, {4, fleet.Measuring, -1, 0}, {6, fleet.Measuring, 90, 90 * mib}}, at{7, fleet.Ended, 99, mib},
			&metrics.ProcessFacts{PID: 7, CPU: 1, Over: metrics.Span(2 * time.Second), RSS: mib, MostRSS: mib}, "ended before the measuring did"},
		{"it never came to measuring", []at{{0, fleet.Connecting, 1, mib}}, at{7, fleet.Ended, 99, mib}, nil, "nothing was measured"},
	} {
		var now at
		p := &brokerProcess{pid: 7, used: func() (machine.Usage, error) {
			if now.cpu < 0 {
				return machine.Usage{}, errors.New("gone")
			}
			return machine.Usage{CPU: time.Duration(now.cpu * float64(time.Second)), RSS: now.rss}, nil
		}}
		start := time.Now()
		for _, now = range tt.looks {
			p.look(start.Add(time.Duration(now.second*float64(time.Second))), now.phase)
		}
		var r metrics.Result
		now = tt.end
		p.note(start.Add(time.Duration(now.second*float64(time.Second))), &r)
		if got := r.Broker.Process; !reflect.DeepEqual(got, tt.want) || strings.Contains(strings.Join(r.Remarks, "; "), "--pid") != (tt.remark != "") || !strings.Contains(strings.Join(r.Remarks, "; "), tt.remark) {
			t.Errorf("%s: %+v, %q; want %+v, %q", tt.name, got, r.Remarks, tt.want, tt.remark)
		}
	}
}

// What run --pid and conform --pid say of a process is no more than what the system says of it
// when it has ended, and more than nothing.
func TestProcessOfABroker(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked at on Linux alone")
	}
	t.Parallel()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready.json")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	homefleet := func(args ...string) *exec.Cmd {
		c := exec.Command(program, args...)
		c.Dir, c.Env = dir, append(os.Environ(), asProgram+"=1", "XDG_RUNTIME_DIR="+dir)
		return c
	}
	broker := homefleet("broker", "-q", "--listen", "127.0.0.1:0", "--ready-file", ready)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = broker.Process.Kill()
		_ = broker.Wait()
	}()
	var at struct {
		Broker string `json:"broker"`
	}
	for end := time.Now().Add(scriptPatience); at.Broker == ""; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ready); err == nil {
			_ = json.Unmarshal(text, &at)
		}
		if time.Now().After(end) {
			t.Fatal("the broker is not ready")
		}
	}
	scenario := "[[device]]\nkind = \"light\"\ncount = 20\n[[controller]]\nattribute = \"power\"\npayload = \"TOGGLE\"\nrate = \"500/s\"\n[phases]\nmeasure = \"1s\"\n"
	if err := os.WriteFile(filepath.Join(dir, "load.toml"), []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(broker.Process.Pid)
	// How well it went, on a busy machine, is not what this is about.
	text, _ := homefleet("run", "load.toml", "-q", "--json", "--no-preflight", "--broker", at.Broker, "--pid", pid).Output()
	var run struct {
		Broker metrics.BrokerFacts `json:"broker"`
	}
	if err := json.Unmarshal(text, &run); err != nil || run.Broker.Process == nil {
		t.Fatalf("run --pid = %.400s, %v; want the broker's process in the result", text, err)
	}
	text, _ = homefleet("conform", "-q", "--json", "--only", "shared", "--pid", pid, at.Broker).Output()
	var examined struct {
		Process *struct {
			PID int     `json:"pid"`
			CPU float64 `json:"cpu_seconds"`
			RSS int64   `json:"rss_bytes"`
		} `json:"process"`
	}
	if err := json.Unmarshal(text, &examined); err != nil || examined.Process == nil {
		t.Fatalf("conform --pid = %.400s, %v; want the broker's process in the document", text, err)
	}
	_ = broker.Process.Kill()
	_ = broker.Wait()
	p, c := run.Broker.Process, examined.Process
	all := (broker.ProcessState.UserTime() + broker.ProcessState.SystemTime()).Seconds()
	const tick = 0.01 // what a process has used is told in these
	if p.PID != broker.Process.Pid || p.CPU <= 0 || p.RSS <= 0 || p.MostRSS < p.RSS || time.Duration(p.Over) < time.Second/2 {
		t.Errorf("run: %+v; want CPU and memory of %s for about a second", p, pid)
	}
	if c.PID != broker.Process.Pid || c.CPU <= 0 || c.RSS <= 0 {
		t.Errorf("conform: %+v; want CPU and memory of %s", c, pid)
	}
	if sum := p.CPU + c.CPU; sum > all+2*tick {
		t.Errorf("run and conform: %v s of CPU; want at most the %v s that the system says", sum, all)
	}
	if most := maxRSS(broker.ProcessState); most > 0 && max(p.MostRSS, c.RSS) > most {
		t.Errorf("resident: %d and %d bytes; want at most the %d that the system says", p.MostRSS, c.RSS, most)
	}
}

// maxRSS is how many bytes of a process that has ended were resident at most.
func maxRSS(s *os.ProcessState) int64 {
	usage := reflect.ValueOf(s.SysUsage()).Elem().FieldByName("Maxrss")
	return usage.Int() << 10
}
