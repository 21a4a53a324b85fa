package cmd

import (
	"context"
	"io"
)

// untilDone is a reader that the end of a context ends too: nobody types on when
// they have typed Ctrl-C. The last read of what is behind it is left behind, so
// that it is for a process that ends.
type untilDone struct {
	ctx  context.Context
	from io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	type result struct {
		b   []byte
		err error
	}
	came := make(chan result, 1)
	go func() {
		own := make([]byte, len(b)) // b is the caller's again when ctx is done
		n, err := u.from.Read(own)
		came <- result{own[:n], err}
	}()
	select {
	case r := <-came:
		return copy(b, r.b), r.err
	case <-u.ctx.Done():
		return 0, context.Cause(u.ctx)
	}
}
