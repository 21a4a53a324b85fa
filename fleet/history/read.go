package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"homefleet/fleet/metrics"
)

// reader reads the lines of a history.
type reader struct {
	lines *bufio.Reader
	sum   hash.Hash // of the lines before the present one
	n     int64     // of the present line, from 1
}

func newReader(r io.Reader) (*reader, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("this is no history: it is no gzip file: %w", err)
	}
	return &reader{lines: bufio.NewReaderSize(zip, 64<<10), sum: sha256.New()}, nil
}

// next returns the next line; io.EOF says that there is none, and
// [io.ErrUnexpectedEOF] that the file ends in the middle.
func (r *reader) next(into *line) (text []byte, err error) {
	text, err = r.text()
	if err != nil {
		return nil, err
	}
	r.n++
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	*into = line{}
	if err := d.Decode(into); err != nil {
		return nil, fmt.Errorf("line %d: %w", r.n, err)
	}
	return text, nil
}

// text returns the bytes of a line with its end.
func (r *reader) text() (text []byte, err error) {
	for {
		part, err := r.lines.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text, nil
		case len(text) > metrics.MaxResult+enough:
			return nil, fmt.Errorf("line %d is longer than %d bytes", r.n+1, metrics.MaxResult+enough)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(text) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
