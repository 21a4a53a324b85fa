package metrics

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

func TestIDRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	ids := []ID{{}, {1, 2, 3}, {^uint64(0), ^uint32(0), ^uint64(0)}}
	for range 100 {
		ids = append(ids, ID{rng.Uint64(), rng.Uint32(), rng.Uint64()})
	}
	for _, id := range ids {
		for _, size := range []int{0, IDSize, IDSize + 1, 31, 32, 33, 100, 1000, MaxIDSize} {
			b := id.Append([]byte("before"), size)
			if got, want := len(b)-len("before"), max(size, IDSize); got != want {
				t.Fatalf("%v.Append(…, %d) appends %d bytes; want %d", id, size, got, want)
			}
			if !bytes.HasPrefix(b, []byte("before")) {
				t.Fatalf("%v.Append(…, %d) changed what was there", id, size)
			}
			got, err := ParseID(b[len("before"):], size)
			if got != id || err != nil {
				t.Fatalf("ParseID(%v.Append(…, %d)) = %v, %v; want the same, nil", id, size, got, err)
			}
		}
	}
	if got := len(ID{}.Append(nil, 1<<20)); got != MaxIDSize {
		t.Errorf("an id of 1 MiB has %d bytes; want %d", got, MaxIDSize)
	}
}

// The layout is part of the protocol between shards and versions.
func TestIDLayout(t *testing.T) {
	b := ID{0x0102030405060708, 0x090a0b0c, 0x0d0e0f1011121314}.Append(nil, IDSize)
	for i := range 20 {
		if b[i] != byte(i+1) {
			t.Fatalf("byte %d = %#x; want %#x", i, b[i], i+1)
		}
	}
	// The CRC-32C of 01 02 … 14, worked out bit by bit.
	crc := ^uint32(0)
	for _, c := range b[:20] {
		crc ^= uint32(c)
		for range 8 {
			crc = crc>>1 ^ 0x82F63B78*(crc&1)
		}
	}
	if got := binary.BigEndian.Uint32(b[20:]); got != ^crc {
		t.Errorf("checksum = %#x; want %#x", got, ^crc)
	}
}

func TestParseIDFaults(t *testing.T) {
	good := ID{1, 2, 3}.Append(nil, 40)
	tests := []struct {
		name string
		b    []byte
		size int
		want error
	}{
		{"absent", nil, 40, ErrIDMissing},
		{"empty", []byte{}, 40, ErrIDLength},
		{"short", good[:39], 40, ErrIDLength},
		{"long", append(bytes.Clone(good), 0), 40, ErrIDLength},
		{"without its padding", good[:IDSize], IDSize, ErrIDChecksum},
		{"zeros", make([]byte, IDSize), IDSize, ErrIDChecksum},
		{"text", []byte("this is no id of anybody"), IDSize, ErrIDChecksum},
	}
	for _, tt := range tests {
		if id, err := ParseID(tt.b, tt.size); !errors.Is(err, tt.want) || id != (ID{}) {
			t.Errorf("%s: ParseID = %v, %v; want %v, %v", tt.name, id, err, ID{}, tt.want)
		}
	}
}

// Every change of one or two bits, and every changed byte, is found.
func TestParseIDFindsChanges(t *testing.T) {
	good := ID{0xfeedface, 7, 12345}.Append(nil, 37)
	b := bytes.Clone(good)
	bad := func(what string) {
		if _, err := ParseID(b, len(b)); !errors.Is(err, ErrIDChecksum) {
			t.Fatalf("%s: ParseID = %v; want %v", what, err, ErrIDChecksum)
		}
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		bad("one bit")
		for j := range i {
			b[j/8] ^= 1 << (j % 8)
			bad("two bits")
			b[j/8] ^= 1 << (j % 8)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	for i := range b {
		for v := range 256 {
			if byte(v) != good[i] {
				b[i] = byte(v)
				bad("one byte")
			}
		}
		b[i] = good[i]
	}
}

func TestIDDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 101)
	var seq uint64
	n := testing.AllocsPerRun(1000, func() {
		seq++
		b := ID{1, 2, seq}.Append(buf, 101)
		if id, err := ParseID(b, 101); err != nil || id.Seq != seq {
			t.Fatal("an id did not survive")
		}
		b[5]++
		if _, err := ParseID(b, 101); err == nil {
			t.Fatal("a bad id was taken")
		}
	})
	if n != 0 {
		t.Errorf("an id takes %v allocations; want 0", n)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add([]byte(nil), 0)
	f.Add(ID{1, 2, 3}.Append(nil, 0), 24)
	f.Add(ID{1, 2, 3}.Append(nil, 50), 50)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		id, err := ParseID(b, size)
		if err != nil {
			return
		}
		// What is taken has a checksum that fits; without padding it is the
		// very bytes that Append makes.
		if again := id.Append(nil, size); len(again) != len(b) || len(b) == IDSize && !bytes.Equal(again, b) {
			t.Errorf("ParseID(%x, %d) = %v, which is %x", b, size, id, again)
		}
	})
}
