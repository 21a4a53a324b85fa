package history

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
)

// Judgement is what a history says.
type Judgement struct {
	Begin  Begin
	Said   *metrics.Result // as the run said; nil: the history has no end
	Result *metrics.Result // judged again; nil likewise
	// Differences is where the two are not the same: the history does not bear out what
	// the run said.
	Differences []string
	// Cut is why the history is not whole, so that it cannot tell; "" if it is.
	Cut string
	// Altered says that the lines are not those that were written; "" if they are.
	Altered string

	Lines    int64 // in all
	Wills    int64 // facts that the audit was told
	Requests int64 // likewise, of requests
	Messages int64 // likewise, of one-way messages
}

// BearsOut reports whether the history is whole, and comes to what the run said.
func (j *Judgement) BearsOut() bool {
	return j.Cut == "" && j.Altered == "" && len(j.Differences) == 0 && j.Result != nil
}

// replay is a history being judged.
type replay struct {
	Judgement
	recorder *metrics.Recorder
	ledgers  map[uint32]*metrics.Ledger
	audit    *audit.Audit
	judged   *metrics.Audit // at its end
	beat     time.Duration
	messages *deliveries.Ledger
	closed   bool // messages is
	ended    bool // its last line was read
}

// Judge reads a history and judges it. The error says why it cannot be read at all.
func Judge(from io.Reader) (*Judgement, error) {
	r, err := newReader(from)
	if err != nil {
		return nil, err
	}
	var first line
	text, err := r.next(&first)
	switch {
	case err != nil:
		return nil, fmt.Errorf("this is no history: %w", err)
	case first.Begin == nil:
		return nil, errors.New("this is no history: it does not begin with a line that says of which run it is")
	case first.Begin.Version != Version:
		return nil, fmt.Errorf("the history has version %d, and this homefleet reads version %d", first.Begin.Version, Version)
	}
	p := &replay{ledgers: make(map[uint32]*metrics.Ledger), recorder: metrics.NewRecorder(metrics.RecorderConfig{Names: first.Begin.Names})}
	p.Begin = *first.Begin
	for {
		_, _ = r.sum.Write(text)
		var l line
		if text, err = r.next(&l); err != nil {
			break
		}
		if l.End != nil {
			p.ended = true
			p.finish(&l, r)
			p.nothingMore(r)
			break
		}
		if err = p.take(&l); err != nil {
			return nil, fmt.Errorf("line %d: %w", r.n, err)
		}
	}
	p.Lines = r.n
	switch {
	case p.ended:
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		p.noteCut("it has no end: the process that wrote it did not come to that")
	default:
		return nil, err
	}
	return &p.Judgement, nil
}

func (p *replay) noteCut(why string) {
	if p.Cut == "" {
		p.Cut = why
	}
}

// take takes one line but the first and the last.
func (p *replay) take(l *line) error {
	switch {
	case l.Wills != nil:
		p.Wills++
		return p.will(l.At, l.Wills)
	case l.Requests != nil:
		p.Requests++
		return p.request(l.Requests)
	case l.Messages != nil:
		p.Messages++
		return p.message(l.Messages)
	case l.Cut != nil:
		p.noteCut(fmt.Sprintf("it was cut %v after it began: %s", l.At.Round(time.Millisecond), l.Cut.Why))
		return nil
	}
	return errors.New("it says nothing")
}

// mostWays bounds the rows of Wills that a file may ask for.
const mostWays = 1000

func (p *replay) will(at time.Duration, f *audit.Fact) error {
	if ways, ok := f.Opened(); ok {
		if p.audit != nil || len(ways) > mostWays {
			return errors.New("there is a second audit of wills, or one of too many ways to go")
		}
		p.audit = audit.New(audit.Config{Ways: ways, Delay: func(device int, d time.Duration) {
			p.recorder.Record(device, metrics.WillDelay, metrics.Labels{}, d)
		}})
		return nil
	}
	if p.audit == nil || p.judged != nil {
		return errors.New("it tells an audit that is not open")
	}
	if at, ok := f.Closed(); ok {
		p.judged = new(p.audit.Close(at))
		return nil
	}
	if at-p.beat > 2*time.Second { // as somebody did who looked on
		p.beat = at - time.Second
		p.audit.Totals(p.beat)
	}
	return p.audit.Replay(f)
}

// mostMembers bounds the devices that answer one request, as far as a file may say.
const mostMembers = 1 << 20

func (p *replay) request(f *requestFact) error {
	ledger := p.ledgers[f.Controller]
	if c, ok := f.Opened(); ok {
		if ledger != nil || c.Members < 0 || c.Members > mostMembers || c.Controller != f.Controller {
			return fmt.Errorf("there is a second ledger of controller %d, or one of too many members", f.Controller)
		}
		c.Recorder = p.recorder
		ledger, err := metrics.NewLedger(c)
		if err != nil {
			return err
		}
		p.ledgers[f.Controller] = ledger
		return nil
	}
	if ledger == nil {
		return fmt.Errorf("it tells a ledger of controller %d that is not open", f.Controller)
	}
	return ledger.Replay(&f.LedgerFact)
}

// mostStreams bounds the topics of all devices, and the watchers, as far as a file may
// say.
const mostStreams = 1 << 25

func (p *replay) message(f *deliveries.Fact) error {
	if c, ok := f.Opened(); ok {
		watchers := 0
		for i := range c.Groups {
			if c.Groups[i].Members < 0 || c.Groups[i].Members > mostStreams || c.Groups[i].QoS > 2 {
				return errors.New("there is a group of too many watchers, or at a QoS that there is not")
			}
			watchers += c.Groups[i].Members
		}
		if p.messages != nil || c.Devices < 0 || c.Slots < 1 || c.Devices > mostStreams/c.Slots || watchers > mostStreams {
			return errors.New("there is a second ledger of messages, or one of too many topics or watchers")
		}
		var err error
		p.messages, err = deliveries.New(c)
		return err
	}
	if p.messages == nil || p.closed {
		return errors.New("it tells a ledger of messages that is not open")
	}
	p.closed = f.Closed()
	return p.messages.Replay(f)
}

// finish judges what the run came to.
func (p *replay) finish(l *line, r *reader) {
	e := l.End
	if sum := hex.EncodeToString(r.sum.Sum(nil)); e.SHA256 != sum || e.Lines != r.n-1 {
		p.Altered = fmt.Sprintf("the lines are not those that were written: %d with the checksum %.12s, and not %d with %.12s", r.n-1, sum, e.Lines, e.SHA256)
	}
	results, _, err := metrics.DecodeResults(bytes.NewReader(e.Result))
	if err != nil || len(results) != 1 {
		p.noteCut(fmt.Sprintf("its end has no result of one run: %v", err))
		return
	}
	said := results[0]
	for number, ledger := range p.ledgers {
		if ledger.Held() > 0 {
			p.noteCut(fmt.Sprintf("it has no end of the requests of controller %d", number))
		}
	}
	if p.audit != nil && p.judged == nil {
		p.noteCut("it has no end of the wills")
	}
	if p.messages != nil && !p.closed {
		p.noteCut("it has no end of the messages")
	}
	p.Said, p.Result = said, p.again(said)
	p.Differences = differences(p.Said, p.Result)
	if err := p.Result.Check(); err != nil {
		p.Differences = append(p.Differences, "the sums do not hold: "+err.Error())
	}
}

// nothingMore sees to it that the file ends behind its last line, with the checksum of gzip.
func (p *replay) nothingMore(r *reader) {
	switch text, err := r.text(); {
	case errors.Is(err, io.EOF):
	case len(text) > 0 && err == nil:
		p.Altered = "there are lines behind its end"
	default:
		p.noteCut(fmt.Sprintf("the file does not end as it was written: %v", err))
	}
}

// again is the result with what the history knows itself in place of what the run said
// of it.
func (p *replay) again(said *metrics.Result) *metrics.Result {
	r := *said
	snap := p.recorder.Snapshot(time.Duration(said.Measured))
	r.Totals, r.ByLabel, r.TimeLine = snap.Totals, snap.ByLabel, timeLine(said.TimeLine, snap.TimeLine)
	r.Series = make(metrics.Distributions)
	for s, h := range said.Series {
		if !replayed(s.Metric) {
			r.Series[s] = h
		}
	}
	maps.Copy(r.Series, snap.Series)
	r.WarmUpLedger = metrics.Totals{}
	for _, ledger := range p.ledgers {
		r.WarmUpLedger.Add(ledger.WarmUp())
	}
	r.Deliveries = nil
	if p.messages != nil {
		r.Deliveries = p.messages.Deliveries()
	}
	r.Audit = p.judged
	if p.judged != nil && said.Audit != nil {
		a := *p.judged
		a.Answerable, a.Tested, a.Untested, a.Retained = said.Audit.Answerable, said.Audit.Tested, said.Audit.Untested, said.Audit.Retained
		r.Audit = &a
	}
	r.Rejudge()
	return &r
}

// timeLine is that of the history, with how many devices were online as the run said.
func timeLine(said, judged *metrics.TimeLine) *metrics.TimeLine {
	if said == nil || judged == nil || said.Interval != judged.Interval {
		return judged
	}
	points := slices.Clone(judged.Points)
	for _, p := range said.Points {
		if p.Online == nil {
			continue
		}
		i, there := slices.BinarySearchFunc(points, p.At, func(q metrics.Point, at metrics.Span) int { return cmp.Compare(q.At, at) })
		if !there {
			points = slices.Insert(points, i, metrics.Point{At: p.At})
		}
		points[i].Online = p.Online
	}
	return &metrics.TimeLine{Interval: judged.Interval, Points: points}
}

// replayed are the metrics that a history has the samples of.
func replayed(m metrics.Metric) bool {
	switch m {
	case metrics.ScheduleDelay, metrics.HoldBack, metrics.ServiceTime, metrics.ResponseTime, metrics.AnswerTime, metrics.WillDelay:
		return true
	}
	return false
}
