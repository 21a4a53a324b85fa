package metrics

import (
	"testing"
	"time"
)

// What becomes of an answer of two or three messages: the first that comes is the answer,
// each of the others is a part once and a duplicate when it comes again, and what is known
// to be missing is missing when the request is let go of.
func TestLedgerParts(t *testing.T) {
	const s = time.Second
	// A message is its number, and + if it says that another follows.
	for _, tt := range []struct {
		name                                       string
		messages                                   []string
		answered, lost, parts, missing, duplicates int64
		whatOfLast                                 Outcome
	}{
		{"one message", []string{"0."}, 1, 0, 0, 0, 0, Answered},
		{"two", []string{"1+", "2."}, 1, 0, 1, 0, 0, FurtherPart},
		{"the other way round", []string{"2.", "1+"}, 1, 0, 1, 0, 0, FurtherPart},
		{"three", []string{"1+", "2+", "3."}, 1, 0, 2, 0, 0, FurtherPart},
		{"the first twice", []string{"1+", "1+", "2."}, 1, 0, 1, 0, 1, FurtherPart},
		{"the second twice", []string{"1+", "2.", "2."}, 1, 0, 1, 0, 1, Duplicate},
		{"both twice", []string{"1+", "2.", "1+", "2."}, 1, 0, 1, 0, 2, Duplicate},
		{"the second is missing", []string{"1+"}, 1, 0, 0, 1, 0, Answered},
		{"the first is missing", []string{"2."}, 1, 0, 0, 1, 0, Answered},
		{"the last two are missing, of which one is known", []string{"1+"}, 1, 0, 0, 1, 0, Answered},
		{"the middle is missing", []string{"1+", "3."}, 1, 0, 1, 1, 0, FurtherPart},
		{"the first two are missing", []string{"3."}, 1, 0, 0, 2, 0, Answered},
		{"only the middle came", []string{"2+"}, 1, 0, 0, 2, 0, Answered},
		{"nothing came", nil, 0, 1, 0, 0, 0, 0},
		{"one message twice", []string{"0.", "0."}, 1, 0, 0, 0, 1, Duplicate},
	} {
		l, err := NewLedger(LedgerConfig{Run: 1, Controller: 2, IDSize: ShortIDSize, Timeout: s, Late: s, Capacity: 100, InParts: true})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := l.Send(Request{Planned: 0, Sent: 0})
		var last Outcome
		for i, m := range tt.messages {
			last = l.Answer(time.Duration(i+1)*time.Millisecond, Answer{Correlation: id.Append(nil, ShortIDSize), Part: m[0] - '0', More: m[1] == '+'})
		}
		if got := l.Incomplete() > 0; got != (tt.missing > 0) {
			t.Errorf("%s: Incomplete() > 0 = %v; want %v", tt.name, got, tt.missing > 0)
		}
		l.Expire(10 * s)
		got := l.Totals()
		if got.Answered != tt.answered || got.Lost != tt.lost || got.Parts != tt.parts || got.MissingParts != tt.missing || got.Duplicates != tt.duplicates || last != tt.whatOfLast || got.Answers != tt.answered {
			t.Errorf("%s: answered %d, lost %d, answers %d, parts %d, missing %d, duplicates %d, the last %v; want %+v", tt.name,
				got.Answered, got.Lost, got.Answers, got.Parts, got.MissingParts, got.Duplicates, last, tt)
		}
		if l.Incomplete() != 0 {
			t.Errorf("%s: in the end Incomplete() = %d; want 0", tt.name, l.Incomplete())
		}
		if err := l.Check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// The members of a group answer in parts each, and parts are told apart by member.
func TestLedgerPartsOfMembers(t *testing.T) {
	const s = time.Second
	l, err := NewLedger(LedgerConfig{Run: 1, Controller: 2, Timeout: s, Late: s, Capacity: 100, InParts: true, Members: 3})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := l.Send(Request{Answers: 3})
	for _, m := range []struct {
		member uint32
		part   byte
		more   bool
		want   Outcome
	}{
		{1, 1, true, AnsweredPartly}, {2, 1, true, AnsweredPartly}, {1, 2, false, FurtherPart}, {1, 1, true, Duplicate},
		{0, 1, true, MisroutedAnswer}, {65, 1, true, MisroutedAnswer}, {3, 2, false, Answered}, {3, 1, true, FurtherPart},
	} {
		a := Answer{Correlation: id.Append(nil, 0), Member: m.member, Part: m.part, More: m.more}
		if got := l.Answer(time.Millisecond, a); got != m.want {
			t.Errorf("part %d of member %d: %v; want %v", m.part, m.member, got, m.want)
		}
	}
	l.Close(2 * time.Millisecond)
	if got := l.Totals(); got.Answered != 1 || got.Answers != 3 || got.Parts != 2 || got.MissingParts != 1 || got.Duplicates != 1 || got.Misrouted.Topic != 2 {
		t.Errorf("the ledger has %+v; want one answered request, 3 answers, 2 parts, 1 missing, 1 duplicate, 2 misrouted", got)
	}
}

// A request whose answer is not complete is remembered, however many come after it, and
// of a run that is stopped nobody knows what would have come.
func TestLedgerRemembersIncomplete(t *testing.T) {
	const s = time.Second
	for _, stop := range []bool{false, true} {
		l, err := NewLedger(LedgerConfig{Run: 1, Controller: 2, Timeout: s, Late: s, Capacity: 1000, Keep: 4, InParts: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			id, _ := l.Send(Request{})
			l.Answer(0, Answer{Correlation: id.Append(nil, 0), Part: 1, More: true})
		}
		if stop {
			l.Interrupt(s / 2)
		} else {
			l.Close(s / 2)
		}
		want := int64(100)
		if stop {
			want = 0
		}
		if got := l.Totals().MissingParts; got != want || l.Incomplete() != 0 {
			t.Errorf("stopped %v: MissingParts = %d, Incomplete %d; want %d, 0", stop, got, l.Incomplete(), want)
		}
	}
}

// A short id has room for what a run has of each, and is as whole as its checksum.
func TestShortID(t *testing.T) {
	id := ID{0x0102030405060708, 0x0a0b0c0d, 0x1112131415161718}
	b := id.Append(nil, ShortIDSize)
	want := ID{0x05060708, 0x0b0c0d, 0x1415161718}
	if got, err := ParseID(b, ShortIDSize); len(b) != ShortIDSize || got != want || err != nil || id.In(ShortIDSize) != want || !IsID(b) {
		t.Errorf("ParseID(%x) = %x, %v; In = %x; want %x", b, got, err, id.In(ShortIDSize), want)
	}
	if id.In(0) != id || id.In(IDSize) != id {
		t.Error("In of a whole size leaves something out")
	}
	for i := range b {
		b[i] ^= 1
		if _, err := ParseID(b, ShortIDSize); err == nil {
			t.Errorf("with byte %d altered it is whole", i)
		}
		b[i] ^= 1
	}
	l, err := NewLedger(LedgerConfig{Run: id.Run, Controller: 7, IDSize: ShortIDSize, Timeout: time.Second, Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := l.Send(Request{})
	if got := l.Answer(0, Answer{Correlation: sent.Append(nil, ShortIDSize)}); got != Answered {
		t.Errorf("the answer to a request of a run with a long number is %v; want answered", got)
	}
}
