package responder

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"homefleet/fleet/wire"
)

// What journals hold at most.
const (
	MostJournals     = 1000     // devices that keep one
	MostInJournal    = 64       // exchanges of a device
	journalBytes     = 32 << 10 // of the same
	smallEnoughToUse = 2 << 10  // bytes of room that an entry leaves to the next
)

// Journals is which devices keep a journal of their exchanges.
type Journals struct {
	All   bool // every device of the run; else those that were asked to
	given atomic.Int64
}

// NewJournals returns those of a fleet with count devices: if there are more than
// [MostJournals], a device keeps one from when it is first asked for it.
func NewJournals(count int) *Journals { return &Journals{All: count <= MostJournals} }

// journal is the latest exchanges of a device. It belongs to the device's goroutine.
type journal struct {
	since   time.Duration // on the clock of the run
	entries [][]byte      // records, the oldest first
	bytes   int
	missed  int // that had to go
}

// keepsJournal reports whether the device keeps a journal, and begins one if it is to.
func (r *Responder) keepsJournal() bool {
	if all := r.env.Journals; r.journal == nil && all.All {
		if all.given.Add(1) > MostJournals { // devices were added
			all.given.Add(-1)
			return false
		}
		r.journal = new(journal)
	}
	return r.journal != nil
}

// add keeps a copy of a record. One with the number of another takes its place.
func (j *journal) add(record []byte) {
	for i, e := range j.entries {
		if string(e[2:10]) == string(record[2:10]) {
			j.bytes += len(record) - len(e)
			j.entries[i] = append(e[:0], record...)
			j.trim(0)
			return
		}
	}
	room := j.trim(len(record))
	j.entries = append(j.entries, append(room, record...))
	j.bytes += len(record)
}

// trim makes room for so many bytes, and returns some that an old entry had.
func (j *journal) trim(more int) (room []byte) {
	for len(j.entries) > 0 && (more > 0 && len(j.entries) == MostInJournal || j.bytes+more > journalBytes) {
		if e := j.entries[0]; cap(e) <= smallEnoughToUse {
			room = e[:0]
		}
		j.bytes -= len(j.entries[0])
		j.entries = slices.Delete(j.entries, 0, 1)
		j.missed++
	}
	return room
}

// Journal is what a device has kept of its exchanges.
type Journal struct {
	Exchanges []Exchange    // the latest, oldest first
	Missed    int           // that it has kept no more
	Since     time.Duration // it keeps them since this moment of the run's clock
}

// Journal returns the device's latest exchanges, and has it keep them from now on if it
// did not. It is false where nobody may look on, or too many devices keep one.
func (r *Responder) Journal() (Journal, bool) {
	all := r.env.Journals
	if all == nil {
		return Journal{}, false
	}
	if !r.keepsJournal() {
		if all.given.Add(1) > MostJournals {
			all.given.Add(-1)
			return Journal{}, false
		}
		r.journal = &journal{since: r.env.now()}
	}
	out := Journal{Missed: r.journal.missed, Since: r.journal.since}
	for _, e := range r.journal.entries {
		if x, ok := ReadExchange(slices.Clone(e)); ok {
			out.Exchanges = append(out.Exchanges, x)
		}
	}
	return out, true
}

// ForgetJournal empties the device's journal.
func (r *Responder) ForgetJournal() {
	if r.journal != nil {
		*r.journal = journal{since: r.env.now()}
	}
}

// Exchange is a command to a device and what the device said because of it.
type Exchange struct {
	Number   uint64        // of the run's exchanges that were written down
	At       time.Duration // when it came, on the clock of the run
	Took     time.Duration // until the device had said all of it
	Outcome  Outcome
	Refusal  bool   // the device was against it, or against where it was to be answered
	Why      string // the outcome is not as it would be without more ado
	Messages []Said // the first is the request
}

// Said is one message of an exchange.
type Said struct {
	wire.Publish
	Part  Part
	Bytes int  // of the payload, of which no more than 4,096 are there
	Cut   bool // something of it is left out
}

// ReadExchange reads what a device has written down, which is the body of an event, too.
// The result rests on it. It is false for what is no record.
func ReadExchange(record []byte) (x Exchange, ok bool) {
	if len(record) < recordHead {
		return x, false
	}
	x.Outcome, x.Refusal = Outcome(record[0]), record[1] != 0
	x.Number = binary.BigEndian.Uint64(record[2:])
	x.At, x.Took = time.Duration(binary.BigEndian.Uint64(record[10:])), time.Duration(binary.BigEndian.Uint64(record[18:]))
	for rest := record[recordHead:]; len(rest) > 2; {
		part, cut := Part(rest[0]), rest[1] != 0
		whole, n := binary.Uvarint(rest[2:])
		size, m := binary.Uvarint(rest[2+max(n, 0):])
		head := 2 + n + m
		if n <= 0 || m <= 0 || uint64(len(rest)-head) < size {
			return x, false
		}
		packet := rest[head : head+int(size)]
		rest = rest[head+int(size):]
		if part == because {
			if x.Why == "" {
				x.Why = string(packet)
			}
			continue
		}
		if n, err := wire.Size(packet); err != nil || n == 0 || n != len(packet) {
			return x, false
		}
		p, err := wire.ParsePublish(wire.Frame(packet), wire.V5)
		if err != nil {
			return x, false
		}
		x.Messages = append(x.Messages, Said{Publish: p, Part: part, Bytes: int(whole), Cut: cut})
	}
	return x, len(x.Messages) > 0
}
