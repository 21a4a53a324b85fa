//go:build linux

package stalls

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"time"
)

// hops measures what a message takes from a write on this side to a read in another
// process that waits for it, while all else happens: the last hop of an answer, which
// the proxy cannot see.
type hops struct {
	reader *exec.Cmd
	out    *bufio.Reader
	conn   net.Conn
	stop   chan struct{}
	done   chan error
}

// startHops sends a moment so often.
func startHops(every time.Duration) (*hops, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	h := &hops{reader: exec.Command(os.Args[0], "-reader", l.Addr().String()), stop: make(chan struct{}), done: make(chan error, 1)}
	h.reader.Stderr = os.Stderr
	out, err := h.reader.StdoutPipe()
	if err == nil {
		err = h.reader.Start()
	}
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))
	if h.conn, err = l.Accept(); err != nil {
		_ = h.reader.Process.Kill()
		return nil, errors.Join(err, h.reader.Wait())
	}
	go h.send(every)
	return h, nil
}

func (h *hops) send(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-h.stop:
			h.done <- h.conn.Close()
			return
		case <-tick.C:
		}
		if _, err := h.conn.Write(binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))); err != nil {
			h.done <- err
			return
		}
	}
}

// end returns what was measured, in order.
func (h *hops) end() (all []time.Duration, err error) {
	close(h.stop)
	err = <-h.done
	for {
		var d int64
		if _, err := fmt.Fscanln(h.out, &d); err != nil {
			break
		}
		all = append(all, time.Duration(d))
	}
	if err := errors.Join(err, h.reader.Wait()); err != nil {
		return nil, fmt.Errorf("the reader: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("the reader has read nothing")
	}
	slices.Sort(all)
	return all, nil
}

// beReader is the other process: it says how long each took.
func beReader(address string, out io.Writer) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	var all []int64
	var b [8]byte
	for {
		n, err := c.Read(b[:])
		now := time.Now().UnixNano()
		if err == io.EOF {
			break
		}
		if err != nil || n != len(b) {
			return fmt.Errorf("%d bytes: %w", n, err)
		}
		all = append(all, now-int64(binary.BigEndian.Uint64(b[:])))
	}
	w := bufio.NewWriter(out)
	for _, d := range all {
		fmt.Fprintln(w, d)
	}
	return w.Flush()
}
