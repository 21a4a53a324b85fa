package wire

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// stream is packets of many sizes, among them such whose length takes one to
// three bytes, one behind the other.
func stream() (all []byte, each []Frame) {
	for _, n := range []int{0, 1, 2, 126, 127, 128, 129, 300, 16383, 16384} {
		f := frame(0x30, strings.Repeat(string(rune('a'+len(each))), n))
		each = append(each, f)
		all = append(all, f...)
	}
	return all, each
}

// feed gives the framer a chunk in memory of its own, which is overwritten
// afterwards, and returns copies of the frames that came out.
func feed(t *testing.T, f *Framer, chunk []byte) (out []Frame) {
	t.Helper()
	own := bytes.Clone(chunk)
	rest := own
	for {
		got, err := f.Next(&rest)
		if err != nil {
			t.Fatalf("Next = %v; want no error", err)
		}
		if got == nil {
			if len(rest) != 0 {
				t.Fatalf("Next returned nil with %d bytes left; want it to use them up", len(rest))
			}
			clear(own)
			return out
		}
		out = append(out, bytes.Clone(got))
	}
}

func wantFrames(t *testing.T, how string, got, want []Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d frames; want %d", how, len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s: frame %d differs: %d bytes; want %d", how, i, len(got[i]), len(want[i]))
		}
	}
}

// Wherever a stream is cut in two, and however it is cut in many, the same
// packets come out.
func TestFramerEverySplit(t *testing.T) {
	all, each := stream()
	short := all[:2+3+4+128+129+131+132] // the first seven, with all cuts; the rest at random
	for cut := range len(short) + 1 {
		var f Framer
		got := feed(t, &f, short[:cut])
		got = append(got, feed(t, &f, short[cut:])...)
		wantFrames(t, "cut at "+itoa(cut), got, each[:7])
		if f.Partial() != 0 {
			t.Fatalf("cut at %d: Partial() = %d at the end; want 0", cut, f.Partial())
		}
	}
	for step := range 9 {
		var f Framer
		var got []Frame
		for rest := all; len(rest) > 0; {
			n := min(1+step, len(rest))
			got = append(got, feed(t, &f, rest[:n])...)
			rest = rest[n:]
		}
		wantFrames(t, itoa(step+1)+" bytes at a time", got, each)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var f Framer
		var got []Frame
		for rest := all; len(rest) > 0; {
			n := min(rng.IntN(1<<rng.IntN(16)+1), len(rest)) // also empty chunks
			got = append(got, feed(t, &f, rest[:n])...)
			rest = rest[n:]
		}
		wantFrames(t, "random cuts", got, each)
	}
}

func TestFramerPartial(t *testing.T) {
	var f Framer
	packet := frame(0x30, "0123456789")
	for n := range len(packet) {
		if f.Partial() != n {
			t.Fatalf("Partial() after %d bytes = %d; want %d", n, f.Partial(), n)
		}
		got := feed(t, &f, packet[n:n+1])
		if done := n == len(packet)-1; (len(got) == 1) != done {
			t.Fatalf("after %d bytes %d frames; want %v", n+1, len(got), done)
		}
	}
	if f.Partial() != 0 {
		t.Errorf("Partial() after the whole packet = %d; want 0", f.Partial())
	}
	if cap(f.part) != 0 {
		t.Errorf("the framer keeps %d bytes between packets; want none", cap(f.part))
	}
}

func TestFramerErrors(t *testing.T) {
	long := frame(0x30, strings.Repeat("x", 200)) // 203 bytes
	tests := []struct {
		name string
		max  int
		in   string
		code byte // 0: no error
		len  int  // of the frame that comes out; 0: none yet
	}{
		{"type 0 (2.1.2)", 0, "\x00\x00", MalformedPacket, 0},
		{"type 0 with flags", 0, "\x0f", MalformedPacket, 0},
		{"five bytes of length (1.5.5)", 0, "\x30\xff\xff\xff\xff\x01", MalformedPacket, 0},
		{"the fourth byte goes on", 0, "\x30\x80\x80\x80\x80", MalformedPacket, 0},
		{"two bytes for 0 (1.5.5-1)", 0, "\x30\x80\x00", MalformedPacket, 0},
		{"two bytes for 127", 0, "\x30\xff\x00", MalformedPacket, 0},
		{"four bytes for 1", 0, "\x30\x81\x80\x80\x00", MalformedPacket, 0},
		{"an incomplete length", 0, "\x30\xff\xff\xff", 0, 0},
		{"the largest length", 0, "\x30\xff\xff\xff\x7f", 0, 0},
		{"the largest length over Max", 1 << 20, "\x30\xff\xff\xff\x7f", PacketTooLarge, 0},
		{"as long as Max", 203, string(long), 0, 203},
		{"over Max by one", 202, string(long), PacketTooLarge, 0},
		{"over Max is told by the header", 202, string(long[:3]), PacketTooLarge, 0},
		{"Max counts the fixed header", 2, "\xc0\x00", 0, 2},
		{"Max of one byte", 1, "\xc0\x00", PacketTooLarge, 0},
	}
	for _, tt := range tests {
		for _, whole := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				f := Framer{Max: tt.max}
				var got Frame
				var err error
				step := 1
				if whole {
					step = len(tt.in)
				}
				for i := 0; i < len(tt.in) && err == nil && got == nil; i += step {
					chunk := []byte(tt.in[i : i+step])
					got, err = f.Next(&chunk)
				}
				wantCode(t, "Next", err, tt.code)
				if len(got) != tt.len {
					t.Errorf("Next = a frame of %d bytes; want %d", len(got), tt.len)
				}
			})
		}
	}
}

// A header alone, whatever it promises, makes the framer hold no more than was
// received.
func TestFramerPromise(t *testing.T) {
	const framers = 1000
	kept := make([]Framer, framers)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range kept {
		chunk := []byte("\x30\xff\xff\xff\x7f\x00\x03a/b")
		if got, err := kept[i].Next(&chunk); got != nil || err != nil {
			t.Fatalf("Next = %v, %v; want nil, nil", got, err)
		}
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / framers; per > 64 {
		t.Errorf("a header that promises 256 MB made the framer allocate %d bytes; want about the 10 received", per)
	}
	if kept[0].Partial() != 10 {
		t.Errorf("Partial() = %d; want 10", kept[0].Partial())
	}

	idle, in := Framer{}, []byte("\xd0\x00")
	var chunk []byte
	if n := testing.AllocsPerRun(100, func() {
		chunk = in
		if got, err := idle.Next(&chunk); len(got) != 2 || err != nil {
			t.Fatalf("Next = %v, %v; want a PINGRESP", got, err)
		}
	}); n != 0 {
		t.Errorf("whole packets cost the framer %v allocations; want 0", n)
	}
}

// naive cuts a stream that is there as a whole; ok is false if it cannot go on.
func naive(b []byte, limit int) (out []Frame, ok bool) {
	for len(b) > 0 {
		if b[0]>>4 == 0 {
			return out, false
		}
		n, shift, i := 0, 0, 1
		for ; ; i++ {
			if i == 5 {
				return out, false
			}
			if i == len(b) {
				return out, true
			}
			n += int(b[i]&127) << shift
			shift += 7
			if b[i] < 128 {
				break
			}
		}
		if b[i] == 0 && i > 1 || limit > 0 && 1+i+n > limit {
			return out, false
		}
		if 1+i+n > len(b) {
			return out, true
		}
		out = append(out, b[:1+i+n])
		b = b[1+i+n:]
	}
	return out, true
}

// FuzzFramer holds the framer, fed in pieces, against the naive one.
func FuzzFramer(f *testing.F) {
	all, _ := stream()
	f.Add(all[:500], uint16(0), []byte{1, 2, 3})
	f.Add([]byte("\xc0\x00\xd0\x00\x30\xff\xff\xff\x7fabc"), uint16(100), []byte{2})
	f.Add([]byte("\x30\x80\x00"), uint16(0), []byte{1})
	f.Fuzz(func(t *testing.T, in []byte, limit uint16, cuts []byte) {
		want, ok := naive(in, int(limit))
		fr := Framer{Max: int(limit)}
		var got []Frame
		var err error
		for i := 0; len(in) > 0 && err == nil; i++ {
			n := len(in)
			if len(cuts) > 0 {
				n = min(int(cuts[i%len(cuts)])+1, n)
			}
			chunk := bytes.Clone(in[:n])
			in = in[n:]
			for {
				var p Frame
				if p, err = fr.Next(&chunk); p == nil {
					break
				}
				if s, _ := Size(p); s != len(p) || len(p.Body()) > len(p)-2 {
					t.Fatalf("Size(frame) = %d; want %d", s, len(p))
				}
				got = append(got, bytes.Clone(p))
			}
		}
		if (err == nil) != ok {
			t.Fatalf("Next = %v; the naive framer says it can go on: %v", err, ok)
		}
		wantFrames(t, "fuzzed", got, want)
	})
}
