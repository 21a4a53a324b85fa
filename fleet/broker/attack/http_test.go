//go:build linux

package attack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"homefleet/fleet/mosquitto"
)

// httpAttack is a row about what listens for HTTP: --metrics and --ws of a running
// fleet.
type httpAttack struct {
	name  string
	send  string // what each connection sends
	conns int
	most  time.Duration // for an answer; 0: longest
}

const (
	get       = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
	handshake = "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)

var httpAttacks = []httpAttack{
	{name: "connections that send nothing", conns: 500},
	{name: "requests that are half sent", send: get[:40], conns: 500},
	{name: "requests one behind the other whose answers nobody reads", send: strings.Repeat(get, 200), conns: 100, most: time.Second},
	{name: "WebSocket handshakes that are half sent", send: handshake[:len(handshake)-4], conns: 500},
}

// running is a fleet that the built program runs.
type running struct {
	*process
	metrics, ws string // host and port
}

func runProgram(t *testing.T) *running {
	t.Helper()
	if *program == "" { // its servers alone
		p := play(t, "http", "")
		return &running{p, p.line(), p.line()}
	}
	port, err := mosquitto.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	metrics := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ready := filepath.Join(t.TempDir(), "ready")
	p := start(t, *program, "run", "bedroom", "-q", "--listen", "127.0.0.1:0", "--ws", "127.0.0.1:0", "--metrics", metrics, "--ready-file", ready)
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(ready)
		if err != nil || len(text) == 0 {
			continue
		}
		var d struct {
			Listeners []string
		}
		if err := json.Unmarshal(text, &d); err != nil || len(d.Listeners) != 1 {
			t.Fatalf("the ready file has %s (%v); want one listener beside the first", text, err)
		}
		u, err := url.Parse(d.Listeners[0])
		if err != nil {
			t.Fatal(err)
		}
		return &running{p, metrics, u.Host}
	}
	t.Fatal("homefleet run bedroom is not ready after 20 s")
	return nil
}

// once sends a request on a connection of its own and returns the status of its
// answer, or 0.
func once(address, request string) int {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return 0
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(nc, request); err != nil {
		return 0
	}
	r, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return 0
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return r.StatusCode
}

// What is idle, half sent or never read on --metrics and --ws, for as long as the
// attacker likes, keeps nobody out, and takes no more than its bound.
func TestHTTP(t *testing.T) {
	p := runProgram(t)
	// Of another name, nothing is to be had.
	for _, address := range []string{p.metrics, p.ws} {
		for _, host := range []string{"attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example:80"} {
			if got := once(address, strings.ReplaceAll(handshake, "localhost", host)); got != http.StatusMisdirectedRequest {
				t.Errorf("Host %s: status %d; want 421", host, got)
			}
		}
	}
	var table strings.Builder
	for _, target := range []struct {
		name, address, request string
		status                 int
	}{{"--metrics", p.metrics, get, http.StatusOK}, {"--ws", p.ws, handshake, http.StatusSwitchingProtocols}} {
		for _, at := range httpAttacks {
			t.Run(target.name+" "+at.name, func(t *testing.T) {
				before := p.resident()
				var worst time.Duration
				var kept int64
				var sent, refused int
				for try := 0; try < 3 && (try == 0 || *full && worst > max(at.most, longest)); try++ { // as TestAttacks has it
					sent, refused, worst = at.attack(target.address, target.request, target.status)
					kept = p.resident() - before
				}
				t.Logf("%d bytes sent, the process has grown by %d; an answer takes %v at most, %d had to be asked for again", sent, kept, worst, refused)
				if *full && worst > max(at.most, longest) {
					t.Errorf("an answer takes %v; want at most %v", worst, max(at.most, longest))
				}
				if kept > 64<<20 {
					t.Errorf("the process has grown by %d bytes; want at most 64 MiB", kept)
				}
				fmt.Fprintf(&table, "| %s: %d %s | %s | %d | %s |\n", target.name, at.conns, at.name, megabytes(int64(sent)), refused, worst.Round(100*time.Microsecond))
			})
		}
	}
	if *full {
		fmt.Printf("\n| HTTP | sent | asked for again | an answer takes at most |\n|---|---:|---:|---:|\n%s\n", table.String())
	}
}

// attack holds connections for a while and asks for something meanwhile, again where
// no answer comes. It returns how long one took at most.
func (at *httpAttack) attack(address, request string, status int) (sent, refused int, worst time.Duration) {
	stop, done := make(chan struct{}), make(chan int)
	go func() { done <- at.hold(address, stop) }()
	for began := time.Now(); time.Since(began) < time.Duration(size(3000))*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		asked := time.Now()
		for once(address, request) != status && time.Since(asked) < 10*time.Second {
			refused++
		}
		worst = max(worst, time.Since(asked))
	}
	close(stop)
	return <-done, refused, worst
}

// hold keeps so many connections open until it is to stop: a new one for each that
// the server has closed. It returns how many bytes it has sent.
func (at *httpAttack) hold(address string, stop <-chan struct{}) (sent int) {
	conns := make([]net.Conn, at.conns)
	defer func() {
		for _, nc := range conns {
			if nc != nil {
				_ = nc.Close()
			}
		}
	}()
	for i := 0; ; i = (i + 1) % at.conns {
		select {
		case <-stop:
			return sent
		default:
		}
		if i == 0 {
			time.Sleep(time.Millisecond)
		}
		nc := conns[i]
		if nc != nil && open(nc) {
			continue
		}
		if nc != nil {
			_ = nc.(*net.TCPConn).SetLinger(0)
			_ = nc.Close()
		}
		nc, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		_ = nc.SetWriteDeadline(time.Now().Add(time.Millisecond)) // what does not fit, the server does not read
		n, _ := io.WriteString(nc, at.send)
		sent += n
		conns[i] = nc
	}
}

// open reports whether the other side has not closed a connection, of which nothing
// is read.
func open(nc net.Conn) bool {
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	is := true
	err = raw.Control(func(fd uintptr) { is = !closed(int(fd)) })
	return is && err == nil
}
