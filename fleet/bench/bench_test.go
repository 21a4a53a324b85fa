//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"homefleet/devices/faces"
	"homefleet/fleet/broker"
	"homefleet/fleet/wire"
)

// What is compared must do the same work: each contender answers every command
// once, with its Correlation Data, at both qualities of service, with and without
// a state message beside it; and so do lights of each face, in their own way.
func TestContendersAnswer(t *testing.T) {
	type contender struct{ role, face string }
	var all []contender
	for _, role := range contenders {
		all = append(all, contender{role, ""})
	}
	for _, f := range faces.All() {
		all = append(all, contender{"fleet", f.Name})
	}
	for _, c := range all {
		role := c.role
		t.Run(role+" "+c.face, func(t *testing.T) {
			b, err := broker.New(broker.Config{Anonymous: true})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go b.Serve(l)
			j := &job{Homes: 1, Broker: l.Addr().String(), KeepAlive: 60, States: true}
			if c.face != "" {
				j.Homes, j.Lights, j.Face = 0, 2*behindBridge, c.face
			}
			p, err := roles[role](j)
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := p.(*fleetPart); ok {
				defer f.fleet.Stop()
			}
			r, err := startRequester(j)
			if err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			for _, o := range []order{{QoS: 0}, {QoS: 1}, {QoS: 0, Own: true}, {QoS: 1, Own: true}} {
				o.Rate, o.Seconds = 500, 0.1
				if err := r.(loader).load(o); err != nil {
					t.Fatal(err)
				}
				want += 50
				got := r.counts()
				for deadline := time.Now().Add(time.Minute); got["answered"] < want && time.Now().Before(deadline); got = r.counts() {
					time.Sleep(10 * time.Millisecond)
				}
				if got["sent"] != want || got["answered"] != want || got["strange"] != 0 || got["outstanding"] != 0 {
					t.Errorf("%+v: the requester counts %v; want %d sent and answered, none strange or outstanding", o, got, want)
				}
			}
			if got := p.counts(); got["answered"] != want && c.face == "" || got["failed"] != 0 {
				t.Errorf("%s counts %v; want %d answered and none failed", role, got, want)
			}
		})
	}
}

// The floor reads a stream: a packet may come in any pieces, and several at once.
func TestFloorReadsPieces(t *testing.T) {
	command := wire.Publish{Topic: []byte("cmnd/flat-0001-tv/power"), Payload: []byte("ON"), QoS: 1, PacketID: 7}
	command.Props.ResponseTopic = []byte("state/flat-0001-tv/power")
	command.Props.CorrelationData = []byte{0, 0xff, 3}
	in := wire.AppendPublish(nil, &command, wire.V5)
	in = append(in, 0x40, 2, 0, 1, 0xd0, 0) // a PUBACK and a PINGRESP, to which there is nothing to say
	in = wire.AppendPublish(in, &command, wire.V5)
	for piece := 1; piece <= len(in); piece++ {
		d := &floorDevice{f: new(floor)}
		var out []byte
		for rest := in; len(rest) > 0; {
			n := min(piece, len(rest), len(d.in)-d.have)
			d.have += copy(d.in[d.have:], rest[:n])
			rest = rest[n:]
			said, used, err := d.handle(nil, d.in[:d.have])
			if err != nil {
				t.Fatalf("in pieces of %d bytes: %v", piece, err)
			}
			d.have = copy(d.in[:], d.in[used:d.have])
			out = append(out, said...)
		}
		framer := wire.Framer{Max: 1024}
		var got []string
		for chunk := out; ; {
			f, err := framer.Next(&chunk)
			if err != nil {
				t.Fatal(err)
			}
			if f == nil {
				break
			}
			text := wire.TypeName(f.Type())
			if p, err := wire.ParsePublish(f, wire.V5); f.Type() == 3 && err == nil {
				text = fmt.Sprintf("%s %d %x", p.Topic, p.PacketID, p.Props.CorrelationData)
			}
			got = append(got, text)
		}
		want := []string{"PUBACK", "state/flat-0001-tv/power 1 00ff03", "PUBACK", "state/flat-0001-tv/power 2 00ff03"}
		if !slices.Equal(got, want) {
			t.Fatalf("in pieces of %d bytes the floor says %q; want %q", piece, got, want)
		}
	}
}

func TestFiguresAsText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{sample{3}.String(), "3.00"},
		{sample{1, 2, 30}.String(), "2.00 [1.00-30.0]"},
		{sample{10, 20, 30, 2000}.String(), "25.0 [10.0-2,000]"},
		{short(1234567), "1,234,567"},
		{short(-123.4), "-123"},
		{short(0.001), "0"},
		{judge(8.004, 8, 0), "8 met"},
		{judge(8.01, 8, 0), "8 not met"},
		{judge(0.04, 0, 0.05), "0 met"},
		{judge(1.51, 1.5, 0), "1.5 not met"},
		{number(7), "7"},
		{number(19000), "19,000"},
	} {
		if c.got != c.want {
			t.Errorf("got %q; want %q", c.got, c.want)
		}
	}
}

// The tables name the ratio of the medians and judge it.
func TestTables(t *testing.T) {
	var r report
	for run := range 3 {
		r.records = append(r.records,
			record{"cpu", "floor", 2000, 0, run, float64(20 + run)},
			record{"cpu", "fleet", 2000, 0, run, float64(30 + run)},
			record{"cpu", "paho", 2000, 0, run, float64(60 + run)})
	}
	for _, c := range []struct {
		markdown bool
		want     string
	}{
		{false, "  CPU, us                   21.0 [20.0-22.0]   61.0 [60.0-62.0]   31.0 [30.0-32.0]      1.48      0.51   x1.5 met   x1.15 not met\n"},
		{true, "| CPU, us | 21.0 [20.0-22.0] | 61.0 [60.0-62.0] | 31.0 [30.0-32.0] | 1.48 | 0.51 | x1.5 met | x1.15 not met |\n"},
	} {
		var b bytes.Buffer
		if err := r.write(&b, c.markdown); err != nil {
			t.Fatal(err)
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
		if !strings.Contains(squeeze(b.String()), squeeze(c.want)) {
			t.Errorf("Markdown %t: the tables are\n%s\nwant in them\n%s", c.markdown, b.String(), c.want)
		}
	}
}

// Of a line with several figures the worst is judged, and what was not measured
// has no line.
func TestHeadline(t *testing.T) {
	var r report
	for _, n := range []int{2000, 10000} {
		r.records = append(r.records,
			record{"cpu", "floor", n, 0, 1, 20},
			record{"cpu", "fleet", n, 0, 1, float64(20 + n/1000)})
	}
	got := r.headTable().rows
	want := [][]string{{"CPU per command-and-answer, QoS 0 / QoS 1, ratio to the floor (2,000 devices, then 10,000 devices)",
		"1.10 / 1.50", "x1.5 met", "x1.15 not met"}}
	if len(got) != 1 || !slices.Equal(got[0], want[0]) {
		t.Errorf("the lines are %q; want %q", got, want)
	}
}

func TestComparison(t *testing.T) {
	others := []other{{"a", 10, ""}, {"b", 20, "20-30"}, {"", 5000, ""}}
	for _, c := range []struct {
		more  bool
		value float64
		want  string
	}{{false, 9.9, "3 of 3"}, {false, 10, "2 of 3"}, {false, 6000, "0 of 3"}, {true, 10, "0 of 3"}, {true, 6000, "3 of 3"}} {
		l := liked{others: others, more: c.more}
		got := l.compare(c.value)
		if want := []string{"a 10, b 20-30, 5,000", c.want}; !slices.Equal(got, want) {
			t.Errorf("more %t: compare(%g) = %q; want %q", c.more, c.value, got, want)
		}
	}
}

// What the source writes is what a watcher can read, at both qualities.
func TestSourcePublishes(t *testing.T) {
	b, err := broker.New(broker.Config{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go b.Serve(l)
	j := &job{Lights: 3, Broker: l.Addr().String(), KeepAlive: 60, QoS: 1}
	w, err := startWatcher(j)
	if err != nil {
		t.Fatal(err)
	}
	defer w.(*fleetPart).fleet.Stop()
	s, err := startSource(j)
	if err != nil {
		t.Fatal(err)
	}
	want := int64(0)
	for qos := range 2 {
		if err := s.(loader).load(order{QoS: byte(qos), Rate: 1000, Seconds: 0.1}); err != nil {
			t.Fatal(err)
		}
		want += 100
		for deadline := time.Now().Add(time.Minute); min(w.counts()["watched"], s.counts()["sent"]) < want && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		if got, sent := w.counts(), s.counts(); got["watched"] != want || got["failed"] != 0 || sent["sent"] != want || sent["failed"] != 0 {
			t.Errorf("QoS %d: the watcher counts %v, the source %v; want %d messages", qos, got, sent, want)
		}
	}
}
