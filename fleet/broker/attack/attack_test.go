//go:build linux

package attack

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// attack is a row of the table.
type attack struct {
	name   string
	bound  string // what bounds it
	setup  setup
	before func(a *attacker) error // what there is already; nil: nothing
	run    func(a *attacker) error // what it keeps has to be there when it returns
	most   float64                 // bytes kept a byte sent; 0: 8
	why    string                  // why more than 8
	peak   int64                   // what the process may grow by meanwhile; 0: it is not looked at
}

// attacker has connections to a broker, which stay open, and counts what it sends.
type attacker struct {
	t       *testing.T
	address string
	over    string
	traffic traffic
	conns   []*conn
}

// size is how large a part of an attack is: a hundredth, unless all of it is wanted.
func size(n int) int {
	if *full {
		return n
	}
	return max(1, n/100)
}

func (a *attacker) dial() (*conn, error) {
	nc, err := dialOver(a.over, a.address, &a.traffic)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, r: bufio.NewReaderSize(nc, 512)}
	a.conns = append(a.conns, c)
	return c, nil
}

// client connects under a Client Identifier.
func (a *attacker) client(id string) (*conn, error) {
	c, err := a.dial()
	if err != nil {
		return nil, err
	}
	return c, c.login(id, "mallory", nil)
}

// away connects, sends, and leaves a session behind. The connection is reset, so
// that there are ports enough.
func (a *attacker) away(connecting []byte, packets ...[]byte) error {
	nc, err := dialCounted(a.address, &a.traffic)
	if err != nil {
		return err
	}
	_ = nc.SetLinger(0)
	defer nc.Close()
	c := &conn{Conn: nc, r: bufio.NewReaderSize(nc, 64)}
	if err := c.send(connecting); err != nil {
		return err
	}
	for _, p := range append(packets, nil) {
		got, err := c.packet()
		if err != nil {
			return err
		}
		if got[0] == 0x20 && got[2] != 0 {
			return nil // refused: the bound is reached
		}
		if p == nil {
			return nil
		}
		if err := c.send(p); err != nil {
			return err
		}
	}
	return nil
}

// result is what was measured of an attack.
type result struct {
	sent, wire          int64 // in bytes of TCP, and with headers, see traffic.wire
	kept, charged, peak int64
	worst               time.Duration
	trips               int
}

func (r *result) ratio() float64     { return float64(r.kept) / float64(r.sent) }
func (r *result) wireRatio() float64 { return float64(r.kept) / float64(r.wire) }

// enough is how much has to be kept for it to be compared with what is charged: a
// process of Go breathes by some MiB.
const enough = 4 << 20

func (r *result) row(at *attack) string {
	charged := "-"
	if r.kept > enough {
		charged = fmt.Sprintf("%.2f", float64(r.charged)/float64(r.kept))
	}
	ratio := fmt.Sprintf("%.1f", max(r.ratio(), 0))
	if r.kept < enough {
		ratio = "-"
	}
	if r.kept >= enough && r.ratio() > 8 {
		ratio += fmt.Sprintf(", %.1f with headers", r.wireRatio())
	}
	if at.why != "" {
		ratio += " (" + at.why + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %.1f ms |", at.name, at.bound, megabytes(r.sent), megabytes(max(r.kept, 0)), ratio, charged, float64(r.worst.Microseconds())/1000)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// attack attacks a broker in a process of its own.
func (at *attack) attack(t *testing.T) (r result) {
	b := play(t, "broker", "")
	defer b.end()
	setup, err := json.Marshal(at.setup)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.in.Write(append(setup, '\n')); err != nil {
		t.Fatal(err)
	}
	address := b.line()
	a := &attacker{t: t, address: address, over: at.setup.Over}
	defer a.close()
	if at.before != nil {
		if err := at.before(a); err != nil {
			t.Fatalf("before the attack: %v", err)
		}
	}
	a.warmUp()
	by := play(t, "bystander", at.setup.Over+" "+address)
	defer by.end()
	by.line()
	kept, charged := b.measure()
	b.forgetPeak()
	a.traffic.forget()
	if err := at.run(a); err != nil {
		t.Fatalf("attacking: %v", err)
	}
	r.sent, r.wire = a.traffic.sent.Load(), a.traffic.wire() // some may still be sending
	r.worst, r.trips = by.stop()
	r.peak = b.peak() - kept
	r.kept, r.charged = b.measure()
	r.kept, r.charged = r.kept-kept, r.charged-charged
	return r
}

// warmUp has the broker make what it has anyway, such as buffers and stacks.
func (a *attacker) warmUp() {
	var all sync.WaitGroup
	for k := range 4 {
		all.Go(func() {
			for i := range size(1000) {
				if nc, err := dialOver(a.over, a.address, new(traffic)); err == nil {
					c := &conn{Conn: nc, r: bufio.NewReader(nc)}
					_ = c.send(packet(0x10, text("MQTT"), []byte{5, 2, 0, 0, 0}, text(fmt.Sprint("warm-", k, "-", i))))
					_, _ = c.packet()
					if tcp, ok := nc.(counted); ok {
						_ = tcp.SetLinger(0)
					}
					_ = nc.Close()
				}
			}
		})
	}
	all.Wait()
	time.Sleep(10 * time.Millisecond)
}

func (a *attacker) close() {
	for _, c := range a.conns {
		_ = c.Close() // it may be closed
	}
}

// longest is what a bystander may wait.
const longest = 100 * time.Millisecond

// A byte that is sent makes the broker keep eight at most, or the table says why not
// and how much all of it can be; what is kept is charged within twice; and a
// bystander's round trip stays under 100 ms, in every attack.
//
// The attacker and whatever else the machine does have their part in what the
// bystander waits. An attack that holds others up does so each time, so the best
// of three tries counts.
func TestAttacks(t *testing.T) {
	var table strings.Builder
	for i, at := range attacks() {
		// Each is a broker, an attacker and a bystander: one in nine says that all of that
		// works, and with HOMEFLEET_FULL=1 it is all of them.
		if !strings.Contains(at.name, *only) || i%9 > 0 && !*full && *only == "" && os.Getenv("HOMEFLEET_FULL") != "1" {
			continue
		}
		t.Run(at.name, func(t *testing.T) {
			began := time.Now()
			r := at.attack(t)
			for try := 1; try < 3 && *full && r.worst > longest; try++ {
				t.Logf("the bystander waited %v; again", r.worst)
				r = at.attack(t)
			}
			t.Logf("%d bytes sent, %d kept (%.1f a byte), %d charged, %d at its peak; the bystander waited %v at most, of %d round trips; %v", r.sent, r.kept, r.ratio(), r.charged, r.peak, r.worst, r.trips, time.Since(began).Round(time.Millisecond))
			fmt.Fprintln(&table, r.row(&at))
			at.judge(t, &r)
		})
	}
	if *full {
		fmt.Printf("\n| attack | what bounds it | sent | kept | kept a byte | charged of kept | bystander |\n|---|---|---:|---:|---:|---:|---:|\n%s\n", table.String())
	}
}

// judge compares what was measured with what is promised. At a fiftieth of the size,
// what a process takes anyway is most of it, and no promise is.
func (at *attack) judge(t *testing.T, r *result) {
	if r.trips == 0 {
		t.Error("the bystander made no round trip; want some")
	}
	most := int64(1 << 30)
	if l := at.setup.Limits.TotalMemory; l > 0 {
		most = int64(l)
	}
	if r.charged > most {
		t.Errorf("%d bytes are charged; want %d at most, which is total_memory", r.charged, most)
	}
	if !*full {
		return
	}
	limit := at.most
	if limit == 0 {
		limit = 8
	}
	if r.kept > enough && r.ratio() > limit {
		t.Errorf("%.1f bytes kept a byte sent; want %.1f at most", r.ratio(), limit)
	}
	if r.kept > enough && (r.charged < r.kept/2 || r.charged > 2*r.kept) {
		t.Errorf("%d bytes are charged for %d that are kept; want within twice", r.charged, r.kept)
	}
	if at.peak > 0 && r.peak > at.peak {
		t.Errorf("the process grew by %d bytes meanwhile; want at most %d", r.peak, at.peak)
	}
	if r.worst > longest {
		t.Errorf("the bystander waited %v; want at most %v", r.worst, longest)
	}
}
