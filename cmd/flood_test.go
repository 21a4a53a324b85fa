package cmd

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"homefleet/fleet/requester"
)

// floodBroker takes a client in. What it does with the PUBLISH is the caller's: it
// gets the connection, and the packet behind its fixed header.
func floodBroker(t *testing.T, published func(conn net.Conn, p []byte)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	over := make(chan struct{})
	t.Cleanup(func() { close(over); _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, answer := range []string{"\x20\x03\x00\x00\x00", "\x90\x04%%\x00\x00"} {
			p, err := readByHand(conn)
			if err != nil {
				return
			}
			answer = strings.Replace(answer, "%%", string(p[:2]), 1) // the SUBSCRIBE's Packet Identifier
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
		if published == nil { // it reads no more
			<-over
			return
		}
		if p, err := readByHand(conn); err == nil {
			published(conn, p)
		}
	})
	return "mqtt://" + l.Addr().String()
}

// readByHand reads a packet and returns it without its fixed header.
func readByHand(r io.Reader) ([]byte, error) {
	var b [1]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, err
	}
	n, err := binary.ReadUvarint(byteReader{r})
	if err != nil {
		return nil, err
	}
	p := make([]byte, n)
	_, err = io.ReadFull(r, p)
	return p, err
}

type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r, b[:])
	return b[0], err
}

// publishByHand is a PUBLISH of QoS 0.
func publishByHand(topic string, correlation, payload []byte) []byte {
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(topic))), topic...)
	props := append(binary.BigEndian.AppendUint16([]byte{9}, uint16(len(correlation))), correlation...)
	body = append(append(binary.AppendUvarint(body, uint64(len(props))), props...), payload...)
	return append(binary.AppendUvarint([]byte{0x30}, uint64(len(body))), body...)
}

// What a request keeps of many answers is bounded.
func TestAnswersAreBounded(t *testing.T) {
	r := &requesting{q: &request{count: 20}}
	came := make(chan answer, r.q.count)
	payload := make([]byte, 4<<20) // 15 of them are less than 64 MiB
	for range r.q.count {
		came <- answer{topic: "answers", payload: payload}
	}
	err := r.collect(t.Context(), t.Context(), new(requester.Requester), came, nil)
	if want := "the answers take more than 64 MiB: 15 of 20 answers are kept"; err == nil || !strings.Contains(err.Error(), want) || len(r.answers) != 15 {
		t.Errorf("collect = %v, with %d answers; want 15, and %q", err, len(r.answers), want)
	}
}

// So it is where a broker sends them, and the answers that came are shown. It takes long
// enough to be done with HOMEFLEET_FULL=1 alone.
func TestFloodOfAnswers(t *testing.T) {
	if some(true, false) {
		t.Skip("HOMEFLEET_FULL=1 has 800 MB of answers sent")
	}
	const each = 4 << 20
	const answers = 200
	count := strconv.Itoa(answers)
	url := floodBroker(t, func(conn net.Conn, _ []byte) {
		answer := publishByHand("answers", []byte("mine"), bytes.Repeat([]byte("x"), each))
		for range answers {
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	})
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), Process{
		Args:   []string{"request", "a", "ON", "--broker", url, "--qos", "0", "--response-topic", "answers", "--correlation-data", "mine", "--count", count, "--timeout", "20s"},
		Stdout: Stream{Writer: &stdout}, Stderr: Stream{Writer: &stderr},
	})
	if want := "the answers take more than 64 MiB: 15 of " + count + " answers are kept"; code != exitFailed || !strings.Contains(stderr.String(), want) {
		t.Errorf("code %d, stderr %q; want %d and %q", code, stderr.String(), exitFailed, want)
	}
	if got := strings.Count(stdout.String(), "\n"); got < 15 {
		t.Errorf("stdout has %d lines; want those of 15 answers", got)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d MiB of heap", m.HeapSys>>20)
}

// A broker that stops reading in the middle of a large request does not keep the
// command longer than its time-out, and a little.
func TestRequestEndsWhereNobodyReads(t *testing.T) {
	url := floodBroker(t, nil)
	payload := strings.Repeat("x", 16<<20) // more than the system takes in
	began := time.Now()
	var stderr bytes.Buffer
	code := Run(t.Context(), Process{
		Args:  []string{"request", "a", "-", "--broker", url, "--timeout", "200ms"},
		Stdin: strings.NewReader(payload), Stderr: Stream{Writer: &stderr},
	})
	if took := time.Since(began); code != exitFailed || took > scriptPatience {
		t.Errorf("code %d after %v: %s; want %d within %v", code, took, stderr.String(), exitFailed, scriptPatience)
	}
}
