package history

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"homefleet/fleet/audit"
	"homefleet/fleet/deliveries"
	"homefleet/fleet/metrics"
)

const (
	// mostPending is how much may wait to be written: the disk keeps up with less.
	mostPending = 32 << 20
	// enough is written at once, and what there is each second.
	enough = 256 << 10
)

// A Writer writes the history of a run. What happens is handed to a goroutine of its
// own, so that nobody waits for the disk; [Writer.Close] waits for that. All methods may be
// called from any goroutine.
type Writer struct {
	began time.Time

	mu      sync.Mutex
	pending []byte
	lines   int64
	left    int // bytes that there is room for
	sum     hash.Hash
	cut     bool
	err     error // of writing

	more chan struct{} // there is enough to be written
	stop chan struct{}
	done chan struct{}
}

// NewWriter begins a history on w, of at most so many bytes of lines; 0 is [Most].
func NewWriter(w io.Writer, b Begin, most int) *Writer {
	if most <= 0 {
		most = Most
	}
	h := &Writer{began: time.Now(), left: most, sum: sha256.New(), more: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	b.Version, b.Began = Version, h.began.UTC().Truncate(time.Millisecond)
	h.append(line{Begin: &b})
	go h.write(w)
	return h
}

// Wills takes what an audit was told.
func (h *Writer) Wills(f audit.Fact) { h.append(line{Wills: &f}) }

// Requests takes what the ledger of a controller was told.
func (h *Writer) Requests(controller uint32, f metrics.LedgerFact) {
	h.append(line{Requests: &requestFact{controller, f}})
}

// Messages takes what the ledger of one-way messages was told.
func (h *Writer) Messages(f deliveries.Fact) { h.append(line{Messages: &f}) }

// append adds a line, unless the history is cut.
func (h *Writer) append(l line) {
	l.At = time.Since(h.began)
	text, err := json.Marshal(&l)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.cut:
		return
	case err != nil: // such as NaN, which nothing here can be
		h.end("a line could not be written: " + err.Error())
	case h.err != nil:
		h.end("it could not be written: " + h.err.Error())
	case len(text) >= h.left:
		h.end("it had become as long as a history may be")
	case len(h.pending)+len(text) > mostPending:
		h.end("the disk did not keep up")
	default:
		h.left -= len(text) + 1
		h.add(text)
	}
}

// end cuts the history off. The caller holds the lock.
func (h *Writer) end(why string) {
	h.cut = true
	text, err := json.Marshal(&line{At: time.Since(h.began), Cut: &cut{why}})
	if err == nil {
		h.add(text)
	}
}

// add adds a line to what is to be written. The caller holds the lock.
func (h *Writer) add(text []byte) {
	from := len(h.pending)
	h.pending = append(append(h.pending, text...), '\n')
	_, _ = h.sum.Write(h.pending[from:])
	h.lines++
	if len(h.pending) > enough {
		select {
		case h.more <- struct{}{}:
		default:
		}
	}
}

// write compresses and writes what there is until the end.
func (h *Writer) write(w io.Writer) {
	defer close(h.done)
	zip := gzip.NewWriter(w)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var room []byte
	for last := false; !last; {
		flush := false
		select {
		case <-h.more:
		case <-ticker.C:
			flush = true // so that what is there can be read if this process dies
		case <-h.stop:
			last = true
		}
		h.mu.Lock()
		text := h.pending
		h.pending = room[:0]
		h.mu.Unlock()
		_, err := zip.Write(text)
		if room = text; cap(room) > 4*enough {
			room = nil
		}
		if flush && len(text) > 0 {
			err = errors.Join(err, zip.Flush())
		}
		if last {
			err = errors.Join(err, zip.Close())
		}
		if err != nil {
			h.mu.Lock()
			if h.err == nil {
				h.err = err
			}
			h.mu.Unlock()
		}
	}
}

// Close ends the history with the result of its run and waits until it is written. The
// error says why it is not whole. Nothing is taken after it.
func (h *Writer) Close(r *metrics.Result) error {
	result, err := json.Marshal(r)
	h.mu.Lock()
	h.cut = true
	if err == nil {
		var text []byte
		if text, err = json.Marshal(&line{At: time.Since(h.began), End: &end{h.lines, hex.EncodeToString(h.sum.Sum(nil)), result}}); err == nil {
			h.add(text)
		}
	}
	h.mu.Unlock()
	if err = errors.Join(err, h.finish()); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	return nil
}

// Abandon ends the history of a run that did not come to a result, and waits until what
// there is is written. Nothing is taken after it.
func (h *Writer) Abandon() {
	h.mu.Lock()
	h.cut = true
	h.mu.Unlock()
	_ = h.finish()
}

// finish ends the goroutine.
func (h *Writer) finish() error {
	close(h.stop)
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
