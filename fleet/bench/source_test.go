//go:build linux

package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"homefleet/fleet"
	"homefleet/fleet/wire"
)

// source is a process that publishes, over as many connections as there are
// lights and in their names. It is as bare as the floor.
type source struct {
	conns        []net.Conn
	ids          []string
	sent, failed atomic.Int64
}

func startSource(j *job) (part, error) {
	s := &source{conns: make([]net.Conn, j.Lights)}
	var err error
	if s.ids, err = names(j); err != nil {
		return nil, err
	}
	return s, connectAll(len(s.conns), func(i int) error {
		conn, err := dialPlain(j.Broker)
		if err != nil {
			return err
		}
		s.conns[i] = conn
		connect, _ := welcome("source-"+s.ids[i], j.KeepAlive)
		if _, err := conn.Write(connect); err != nil {
			return err
		}
		var b [64]byte
		if n, err := conn.Read(b[:]); err != nil || n < 4 || b[3] != 0 {
			return fmt.Errorf("%s: the broker says % x: %w", s.ids[i], b[:n], err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, conn) // acknowledgements
		}()
		return nil
	})
}

func (s *source) counts() map[string]int64 {
	return map[string]int64{"sent": s.sent.Load(), "failed": s.failed.Load()}
}

// load implements loader: each connection in turn, one message a time.
func (s *source) load(o order) error {
	if o.Rate <= 0 || o.Seconds <= 0 {
		return fmt.Errorf("a load of %d/s for %g s", o.Rate, o.Seconds)
	}
	go s.send(o)
	return nil
}

func (s *source) send(o order) {
	packets := make([][]byte, len(s.conns))
	for i := range packets {
		p := wire.Publish{Topic: []byte("tele/" + s.ids[i] + "/state"), Payload: make([]byte, likeBytes), QoS: o.QoS, PacketID: 1}
		packets[i] = wire.AppendPublish(nil, &p, wire.V5)
	}
	start := time.Now()
	total := int(o.Seconds * float64(o.Rate))
	for n := 0; n < total; {
		due := min(total, int(time.Since(start).Seconds()*float64(o.Rate)))
		for ; n < due; n++ {
			i := n % len(s.conns)
			if o.QoS > 0 {
				// Behind the fixed header of three bytes and the topic; never 0.
				at := 3 + 2 + len("tele/") + len(s.ids[i]) + len("/state")
				binary.BigEndian.PutUint16(packets[i][at:], uint16(n/len(s.conns)%65535)+1)
			}
			if _, err := s.conns[i].Write(packets[i]); err != nil {
				s.failed.Add(1)
				return
			}
			s.sent.Add(1)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// startWatcher is a fleet with one watcher, and one light, since a fleet has
// devices: it sleeps at the same broker.
func startWatcher(j *job) (part, error) {
	alone := *j
	alone.Lights = 1
	sc, err := homes(&alone, fmt.Sprintf("[[watcher]]\ntopics = [\"tele/+/state\"]\nqos = %d\n[phases]\nmeasure = \"10m\"\n", j.QoS))
	if err != nil {
		return nil, err
	}
	sc.Broker.URL = "mqtt://" + j.Broker
	dialer, err := fleet.NewDialer(sc.Broker)
	if err != nil {
		return nil, err
	}
	p, err := runFleet(sc, fleet.Options{Dial: dialer.Dial, Run: "run"})
	if err != nil {
		return nil, err
	}
	return p, p.measures(context.Background())
}

// measures waits until everybody is up and measuring has begun.
func (p *fleetPart) measures(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if _, ok := p.fleet.MeasureStart(); ok {
			return nil
		}
		select {
		case err := <-p.ended:
			return errors.Join(errors.New("the fleet ended before it measured"), err)
		case <-ctx.Done():
			return errors.New("the fleet does not measure after a minute")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
