//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// The built program, from the outside: what the other measurements take of
// package fleet alone is here with everything that the command line adds.

// run starts the program and waits until its devices are up. stop ends it.
func run(scenario string, args ...string) (pid int, took time.Duration, stop func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, 0, nil, err
	}
	ready := filepath.Join(dir, "ready")
	cmd := exec.Command(*program, append([]string{"run", scenario, "-q", "--ready-file", ready}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, nil, errors.Join(err, os.RemoveAll(dir))
	}
	limit := time.AfterFunc(lifetime, func() { _ = cmd.Process.Kill() })
	stop = func() {
		limit.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		_ = os.RemoveAll(dir)
	}
	for time.Since(start) < time.Minute {
		if _, err := os.Stat(ready); err == nil {
			return cmd.Process.Pid, time.Since(start), stop, nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	stop()
	return 0, 0, nil, fmt.Errorf("%s run %s is not ready after a minute; it says %q", *program, scenario, said.String())
}

// built reports whether there is a program, and says so where there is none.
func built() bool {
	if *program == "" {
		fmt.Fprintln(os.Stderr, "bench: no -program, so the built program is left out")
	}
	return *program != ""
}

// starts times it from its start until its one device is up.
func (d *driver) starts() error {
	if !built() {
		return nil
	}
	of := d.run
	defer func() { d.run = of }()
	for d.run = 1; d.run <= 10; d.run++ {
		_, took, stop, err := run("bedroom", "--listen", "127.0.0.1:0")
		if err != nil {
			return err
		}
		stop()
		d.note("start", "fleet", 1, 0, took.Seconds()*1e3)
	}
	return nil
}

// programs measures the program with an idle fleet.
func (d *driver) programs() error {
	if !built() {
		return nil
	}
	few, _, err := d.outside(1)
	if err != nil {
		return err
	}
	many, busy, err := d.outside(d.idle)
	if err != nil {
		return err
	}
	n := d.idle * perHome
	d.note("program rss", "fleet", n, 0, (float64(many)-float64(few))/float64(n-perHome)/1024)
	d.note("program cpu", "fleet", n, 0, busy)
	return nil
}

// outside runs it with a number of homes and returns its RSS in bytes, and what
// part of one core it takes, in per cent.
func (d *driver) outside(homes int) (rss uint64, busy float64, err error) {
	m, err := startMosquitto()
	if err != nil {
		return 0, 0, err
	}
	defer m.stop()
	file := filepath.Join(m.dir, "homes.toml")
	if err := os.WriteFile(file, []byte(homesText(&job{Homes: homes, KeepAlive: 60, Telemetry: 60})), 0o600); err != nil {
		return 0, 0, err
	}
	pid, _, stop, err := run(file, "--broker", "mqtt://"+m.address)
	if err != nil {
		return 0, 0, err
	}
	defer stop()
	defer m.stop() // before its clients
	time.Sleep(d.settle)
	if homes > 1 {
		if d.reported {
			time.Sleep(time.Minute) // by then almost every device has sent telemetry
		}
		from, err := cpuOf(pid)
		if err != nil {
			return 0, 0, err
		}
		start := time.Now()
		time.Sleep(d.rest)
		to, err := cpuOf(pid)
		if err != nil {
			return 0, 0, err
		}
		busy = float64(to-from) / float64(time.Since(start)) * 100
	}
	status, err := colonFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	return status["VmRSS"] << 10, busy, nil
}

// cpuOf returns the CPU time of a process, to 10 ms.
func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in brackets; user and system time are the
	// fourteenth and fifteenth, in hundredths of a second on every Linux.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields after the name; want 13 or more", pid, len(fields))
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
