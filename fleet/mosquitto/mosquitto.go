// Package mosquitto starts Debian's Mosquitto for tests: what holds with the embedded broker
// is to hold with one that is not ours.
package mosquitto

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Broker is a Mosquitto in a process of its own.
type Broker struct {
	Port int // of 127.0.0.1

	cmd  *exec.Cmd
	read chan struct{} // closed when all that it said was read
}

// Find finds the program; Debian keeps it where a user's PATH does not look.
func Find() (string, error) {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		return "", errors.New("mosquitto is not installed; want it for the interop tests: apt-get install mosquitto mosquitto-clients")
	}
	return path, nil
}

// Start starts one that lets everybody in, with further lines of configuration, which stand
// behind its listener's, and returns when it listens. Its configuration is kept in dir.
func Start(dir string, config ...string) (*Broker, error) {
	return start(dir, FreePort, config)
}

const (
	// mostTries is how often it is started, each time on another port.
	mostTries = 5
	// patience is how long it may take to come up: it takes milliseconds, but this machine may be
	// busy with something else.
	patience = time.Minute
)

// start takes ports from free. Whoever else looked for one may have the port by the time that
// Mosquitto wants it, which it says, and ends.
func start(dir string, free func() (int, error), config []string) (*Broker, error) {
	path, err := Find()
	if err != nil {
		return nil, err
	}
	var all error
	for range mostTries {
		port, err := free()
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "mosquitto-"+strconv.Itoa(port)+".conf")
		text := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_type error\nlog_type information\n%s\n", port, strings.Join(config, "\n"))
		if os.Geteuid() == 0 {
			text += "user root\n" // it would give up its right to read its files
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, err
		}
		b := &Broker{Port: port, cmd: exec.Command(path, "-c", file), read: make(chan struct{})}
		if err = b.comeUp(); err == nil {
			return b, nil
		}
		all = errors.Join(all, fmt.Errorf("mosquitto on port %d does not listen: %w", port, err))
	}
	return nil, all
}

// comeUp starts the process and waits until it says that it runs: somebody who listens on the
// port may be another one.
func (b *Broker) comeUp() error {
	log, err := b.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	impatient := time.AfterFunc(patience, func() { _ = b.cmd.Process.Kill() })
	defer impatient.Stop()
	var said strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if said.WriteString(lines.Text() + "\n"); !strings.HasSuffix(lines.Text(), " running") {
			continue
		}
		go func() {
			defer close(b.read)
			_, _ = io.Copy(io.Discard, log)
		}()
		return nil
	}
	return fmt.Errorf("it ended, %v, having said:\n%s", b.cmd.Wait(), said.String())
}

// Address returns where it listens.
func (b *Broker) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port)) }

// Stop kills it, and returns when it is gone. It may be called again.
func (b *Broker) Stop() {
	_ = b.cmd.Process.Kill() // it may be gone
	<-b.read
	_ = b.cmd.Wait() // it was killed
}

// Ports that are looked for stand below those that Linux gives to whoever does not care which
// (net.ipv4.ip_local_port_range): so no connection gets one in the meantime.
const firstPort, lastPort = 20_000, 32_000

// turn is where the last one was found: two who look in one process are not given the same.
var turn atomic.Int64

// FreePort returns a TCP port of 127.0.0.1 where nobody listens, for a program that has to be
// told one. Other processes begin to look elsewhere, but they may come to take the same.
func FreePort() (int, error) {
	turn.CompareAndSwap(0, int64(os.Getpid())*37)
	for range lastPort - firstPort {
		port := firstPort + int(turn.Add(1)%(lastPort-firstPort))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("no port of 127.0.0.1 from %d to %d is free", firstPort, lastPort)
}
