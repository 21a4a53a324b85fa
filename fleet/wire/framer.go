package wire

// Framer cuts a stream of bytes into control packets. It holds on to bytes only
// while a packet is incomplete, so an idle connection costs it nothing, and it
// never allocates more than has really been received: a header that promises
// 256 MB costs its sender the 256 MB first. The zero value is ready.
//
// A Framer belongs to one goroutine.
type Framer struct {
	// Max is the largest packet that is taken, in bytes with its fixed header
	// (the Maximum Packet Size that was promised); 0 means no limit of ours.
	Max int

	part []byte // a packet's beginning
	done bool   // part was returned whole and is to be let go
	held bool   // part was held, and nothing is known of it
}

// Hold keeps a chunk, or what there is of one, for Next to come to with the next chunk: of who
// wants to see more before anything is made of it. It is for the beginning of a stream alone.
func (f *Framer) Hold(chunk []byte) {
	f.part = append(f.part, chunk...)
	f.held = true
}

// Next takes the next whole packet out of *chunk, which it shortens by what it
// used. It returns nil once the chunk is used up; what is left of an incomplete
// packet is kept for the next chunk. The frame is valid until the next call and
// only as long as the chunk's memory is.
//
// An error is an [*Error] and final: the stream cannot be followed any further.
func (f *Framer) Next(chunk *[]byte) (Frame, error) {
	if f.done {
		f.part, f.done = nil, false
	}
	if f.held {
		*chunk = append(f.part, *chunk...)
		f.part, f.held = nil, false
	}
	b := *chunk
	if len(f.part) == 0 {
		n, err := f.size(b)
		if err != nil {
			return nil, err
		}
		if n > 0 && n <= len(b) {
			*chunk = b[n:]
			return Frame(b[:n:n]), nil
		}
		f.part = append(f.part, b...)
		*chunk = nil
		return nil, nil
	}
	for {
		n, err := f.size(f.part)
		if err != nil {
			return nil, err
		}
		want := 1 // one byte more of the fixed header
		if n > 0 {
			want = n - len(f.part)
		}
		if want == 0 {
			*chunk = b
			f.done = true
			return Frame(f.part), nil
		}
		if len(b) == 0 {
			*chunk = nil
			return nil, nil
		}
		want = min(want, len(b))
		f.part = append(f.part, b[:want]...)
		b = b[want:]
	}
}

// Partial returns how many bytes of an incomplete packet are held.
func (f *Framer) Partial() int {
	if f.done {
		return 0
	}
	return len(f.part)
}

// Begun returns what there is of an incomplete packet. It is valid until the next call.
func (f *Framer) Begun() []byte {
	if f.done {
		return nil
	}
	return f.part
}

// Held returns how many bytes of memory the beginning of a packet takes.
func (f *Framer) Held() int {
	if f.done {
		return 0
	}
	return cap(f.part)
}

func (f *Framer) size(b []byte) (int, error) {
	n, err := Size(b)
	if err != nil {
		return 0, err
	}
	if f.Max > 0 && n > f.Max {
		return 0, &Error{Code: PacketTooLarge, Text: "a " + TypeName(b[0]>>4) + " of " + itoa(n) + " bytes is over the Maximum Packet Size of " + itoa(f.Max)}
	}
	return n, nil
}
